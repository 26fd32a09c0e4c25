//! Pictures of the `image` crate as arrays and through filters; with the feature `image`.
//!
//! ```
//! use image::{ImageBuffer, Rgb};
//! use ndarray::Array3;
//!
//! #[tapwise::filter2d]
//! const BLUR: tapwise::Filter2d = gaussian(sigma = 1.0, radius = 2);
//!
//! # fn main() -> Result<(), tapwise::Error> {
//! let photo = ImageBuffer::from_pixel(40, 30, Rgb([10_u8, 20, 30]));
//! let blurred = BLUR.border(tapwise::Border::Replicate).apply_image(&photo)?;
//! assert_eq!(blurred, photo);
//!
//! let numbers: Array3<f32> = BLUR.apply(tapwise::image::pixels(&photo))?;
//! assert_eq!(numbers.dim(), (30, 40, 3));
//! # Ok(())
//! # }
//! ```

use std::ops::{Deref, DerefMut};

use image::{ImageBuffer, Pixel};
use ndarray::{ArrayView2, ArrayView3, ArrayViewMut2, ArrayViewMut3, Axis};

use crate::{Error, Filter2d, Filters};

/// The pixels of a picture as `[H, W, C]`, alpha among the channels where the picture has it.
#[must_use]
pub fn pixels<P, S>(picture: &ImageBuffer<P, S>) -> ArrayView3<'_, P::Subpixel>
where
    P: Pixel,
    S: Deref<Target = [P::Subpixel]>,
{
    let shape = shape(picture);
    // A buffer may be longer than its picture.
    let numbers = picture.as_raw().get(..shape.iter().product()).unwrap_or_default();
    ArrayView3::from_shape(shape, numbers).unwrap_or_else(|_| ArrayView2::from(&[[]; 0]).insert_axis(Axis(0)))
}

/// As [`pixels`], to be written.
#[must_use]
pub fn pixels_mut<P, S>(picture: &mut ImageBuffer<P, S>) -> ArrayViewMut3<'_, P::Subpixel>
where
    P: Pixel,
    S: DerefMut<Target = [P::Subpixel]>,
{
    let shape = shape(picture);
    let numbers: &mut [P::Subpixel] = picture;
    let numbers = numbers.get_mut(..shape.iter().product()).unwrap_or_default();
    ArrayViewMut3::from_shape(shape, numbers)
        .unwrap_or_else(|_| ArrayViewMut2::from(&mut [[]; 0]).insert_axis(Axis(0)))
}

/// `[H, W, C]`.
fn shape<P: Pixel, S: Deref<Target = [P::Subpixel]>>(picture: &ImageBuffer<P, S>) -> [usize; 3] {
    let (width, height) = picture.dimensions();
    [height as usize, width as usize, usize::from(P::CHANNEL_COUNT)]
}

impl Filter2d {
    /// Filters every channel of a picture of the `image` crate, alpha included, to one of the same size and
    /// kind of pixel.
    ///
    /// # Errors
    /// As [`Filter2d::apply`]; [`Error::Length`] where the padding makes an answer of another size.
    pub fn apply_image<P, S>(
        &self,
        picture: &ImageBuffer<P, S>,
    ) -> Result<ImageBuffer<P, Vec<P::Subpixel>>, Error>
    where
        P: Pixel,
        P::Subpixel: Filters<P::Subpixel>,
        S: Deref<Target = [P::Subpixel]>,
    {
        let (width, height) = picture.dimensions();
        let mut answer = ImageBuffer::new(width, height);
        self.apply_into(pixels(picture), pixels_mut(&mut answer))?;
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, ImageBuffer, Luma, Rgb, RgbaImage};
    use ndarray::Array3;

    use super::*;

    const SHIFT: Filter2d = crate::filter! { [[1.0, 0.0, 0.0]] };

    #[test]
    fn pixels_are_where_the_image_has_them() {
        let mut photo = RgbaImage::from_fn(5, 3, |x, y| image::Rgba([x as u8, y as u8, 7, 255]));
        assert_eq!(pixels(&photo).dim(), (3, 5, 4));
        assert_eq!(pixels(&photo)[[2, 4, 0]], 4);
        pixels_mut(&mut photo)[[1, 2, 2]] = 99;
        assert_eq!(photo.get_pixel(2, 1).0, [2, 1, 99, 255]);
        let longer: ImageBuffer<Luma<u8>, Vec<u8>> = ImageBuffer::from_raw(2, 2, vec![3; 9]).unwrap();
        assert_eq!(pixels(&longer).dim(), (2, 2, 1));
    }

    #[test]
    fn images_are_filtered_like_arrays() {
        let photo = ImageBuffer::from_fn(40, 9, |x, y| Rgb([x as f32, y as f32, 0.5]));
        let moved = SHIFT.apply_image(&photo).unwrap();
        let wanted: Array3<f32> = SHIFT.apply(pixels(&photo)).unwrap();
        assert_eq!(pixels(&moved), wanted);
        assert_eq!(moved.get_pixel(7, 3).0, [6.0, 3.0, 0.5]);
    }

    #[test]
    fn an_empty_image_is_an_error() {
        assert!(SHIFT.apply_image(&GrayImage::new(0, 4)).is_err());
    }
}
