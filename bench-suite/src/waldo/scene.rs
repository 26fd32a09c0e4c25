//! The picture that is searched.

use std::path::Path;

use image::RgbImage;
use ndarray::{Array3, ArrayView3, s};

use crate::Error;
use crate::photograph::read_picture;

/// Rows and columns of zeros below and right of the pixels: room for the last block of places,
/// which may reach over the edge (see [`super::score`]).
const SPARE: usize = super::score::PHASES - 1;

/// A picture, as bytes for exact sums and as numbers for the convolution.
#[derive(Debug, Clone)]
pub struct Scene {
    picture: RgbImage,
    /// `[H + SPARE, W + SPARE, 3]`: grey levels less the picture's mean of the channel. The mean
    /// changes no score, and without it sums round less.
    levels: Array3<f32>,
}

impl Scene {
    /// A scene of 8-bit red, green and blue.
    #[must_use]
    pub fn new(picture: RgbImage) -> Self {
        let (width, height) = picture.dimensions();
        let pixels = (f64::from(width) * f64::from(height)).max(1.0);
        let sums = picture.pixels().fold([0u64; 3], |sums, pixel| {
            [0, 1, 2].map(|channel| sums[channel] + u64::from(pixel[channel]))
        });
        let means = sums.map(|sum| (sum as f64 / pixels) as f32);
        let (rows, columns) = (height as usize, width as usize);
        let mut levels = Array3::zeros((rows + SPARE, columns + SPARE, 3));
        let mut inside = levels.slice_mut(s![..rows, ..columns, ..]);
        for (x, y, pixel) in picture.enumerate_pixels() {
            for (channel, mean) in means.iter().enumerate() {
                inside[[y as usize, x as usize, channel]] = f32::from(pixel[channel]) - mean;
            }
        }
        Scene { picture, levels }
    }

    /// Reads a PNG or JPEG file. Grey pictures become red, green and blue alike; opacity is left out.
    ///
    /// # Errors
    /// [`Error::Read`] and [`Error::Picture`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        Ok(Scene::new(read_picture(path)?))
    }

    /// Rows and columns.
    #[must_use]
    pub fn size(&self) -> [usize; 2] {
        let (width, height) = self.picture.dimensions();
        [height as usize, width as usize]
    }

    /// The picture.
    #[must_use]
    pub fn picture(&self) -> &RgbImage {
        &self.picture
    }

    /// The first rows and columns as numbers `[rows, columns, 3]`, the spare ones included.
    pub(super) fn levels(&self, rows: usize, columns: usize) -> ArrayView3<'_, f32> {
        self.levels.slice(s![..rows, ..columns, ..])
    }
}
