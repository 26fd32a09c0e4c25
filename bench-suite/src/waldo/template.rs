//! The template, and the filters it becomes at each scale.

use std::path::Path;

use image::imageops::{self, FilterType};
use image::{ImageBuffer, Rgb, Rgb32FImage, RgbImage};
use ndarray::{Array3, Axis};

use crate::Error;
use crate::photograph::read_picture;

/// The shortest side of a template and of what it is scaled to, in pixels.
pub const SHORTEST: usize = 3;

/// Contrast below which a picture counts as flat: the root mean square of its differences from
/// the means of its channels, in grey levels. Rounding to 8 bits alone makes 0.29.
pub const FLAT: f64 = 0.5;

/// What is looked for: a picture, or weights that were learnt in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// `[h, w, 3]`, in grey levels for a picture.
    values: Array3<f32>,
    /// Rows and columns at scale 1; those of `values`, except for weights that were learnt from a
    /// smaller picture.
    size: [usize; 2],
}

/// A template at one scale, ready to be scored with: the mean of each channel is zero, the norm
/// over all of them is one.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// `[h, w, 3]`.
    pub weights: Array3<f32>,
    /// The scale.
    pub scale: f64,
}

/// The filters of a template, and the scales that were left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Bank {
    /// One for each scale that fits the scene; at least one.
    pub filters: Vec<Filter>,
    /// Why a scale was left out, a sentence each.
    pub skipped: Vec<String>,
}

impl Template {
    /// A template of 8-bit red, green and blue.
    ///
    /// # Errors
    /// [`Error::TemplateTooSmall`], and [`Error::TemplateFlat`] where there is nothing but one
    /// colour.
    pub fn new(picture: &RgbImage) -> Result<Self, Error> {
        let (width, height) = picture.dimensions();
        let size = [height as usize, width as usize];
        if size[0] < SHORTEST || size[1] < SHORTEST {
            return Err(Error::TemplateTooSmall { found: size, wanted: SHORTEST });
        }
        let values = Array3::from_shape_fn((size[0], size[1], 3), |(i, j, c)| {
            f32::from(picture.get_pixel(j as u32, i as u32)[c])
        });
        let contrast = contrast(&values);
        if contrast < FLAT {
            return Err(Error::TemplateFlat { contrast, wanted: FLAT });
        }
        Ok(Template { values, size })
    }

    /// Reads a PNG or JPEG file, as [`super::Scene::read`] does.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Picture`] and those of [`Template::new`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        Template::new(&read_picture(path)?)
    }

    /// Weights `[h, w, 3]` that stand for a template of `size` rows and columns.
    pub(super) fn learnt(values: Array3<f32>, size: [usize; 2]) -> Self {
        Template { values, size }
    }

    /// Rows and columns at scale 1.
    #[must_use]
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// The picture or the weights, `[h, w, 3]`.
    #[must_use]
    pub fn values(&self) -> &Array3<f32> {
        &self.values
    }

    /// The root mean square of the differences from the means of the channels.
    #[must_use]
    pub fn contrast(&self) -> f64 {
        contrast(&self.values)
    }

    /// The template with its longer side at most `longest` pixels: what calibration and learning
    /// work on, so that large templates take no longer than small ones.
    #[must_use]
    pub fn shrunk(&self, longest: usize) -> Template {
        let [rows, columns] = self.size;
        let side = rows.max(columns);
        let fit = |length: usize| (length * longest.min(side)).div_ceil(side).max(SHORTEST);
        let size = [fit(rows), fit(columns)];
        Template { values: self.resized(size), size }
    }

    /// The filter of `rows × columns` pixels.
    #[must_use]
    pub fn filter(&self, size: [usize; 2], scale: f64) -> Filter {
        Filter { weights: normalised(self.resized(size)), scale }
    }

    /// The filters for a scene of `scene` rows and columns.
    ///
    /// # Errors
    /// [`Error::TemplateExceedsScene`] where no scale fits.
    pub fn bank(&self, scales: &[f64], scene: [usize; 2]) -> Result<Bank, Error> {
        let mut bank = Bank { filters: Vec::new(), skipped: Vec::new() };
        let mut seen: Vec<[usize; 2]> = Vec::new();
        for &scale in scales {
            let size = self.size.map(|length| (length as f64 * scale).round() as usize);
            let [rows, columns] = size;
            let reason = if rows > scene[0] || columns > scene[1] {
                format!("exceeds the scene of {} × {}", scene[1], scene[0])
            } else if rows < SHORTEST || columns < SHORTEST {
                format!("is less than {SHORTEST} × {SHORTEST}")
            } else if seen.contains(&size) {
                "is what another scale gives".to_owned()
            } else {
                seen.push(size);
                bank.filters.push(self.filter(size, scale));
                continue;
            };
            bank.skipped.push(format!("scale {scale} skipped: {columns} × {rows} pixels {reason}"));
        }
        if bank.filters.is_empty() {
            return Err(Error::TemplateExceedsScene { template: self.size, scene, skipped: bank.skipped });
        }
        Ok(bank)
    }

    /// The values at another size, by a Lanczos filter, which widens where it shrinks.
    fn resized(&self, size: [usize; 2]) -> Array3<f32> {
        let (height, width, _) = self.values.dim();
        if size == [height, width] {
            return self.values.clone();
        }
        // The resampler keeps to [0, 1]; a line through it and back leaves room for overshoot.
        let (low, high) =
            self.values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &value| {
                (low.min(value), high.max(value))
            });
        let span = 2.0 * (high - low).max(f32::MIN_POSITIVE);
        let picture: Rgb32FImage = ImageBuffer::from_fn(width as u32, height as u32, |x, y| {
            Rgb([0, 1, 2].map(|c| 0.25 + (self.values[[y as usize, x as usize, c]] - low) / span))
        });
        let resized = imageops::resize(&picture, size[1] as u32, size[0] as u32, FilterType::Lanczos3);
        Array3::from_shape_fn((size[0], size[1], 3), |(i, j, c)| {
            (resized.get_pixel(j as u32, i as u32)[c] - 0.25) * span + low
        })
    }
}

/// The root mean square of the differences from the means of the channels, in f64.
pub(super) fn contrast(values: &Array3<f32>) -> f64 {
    let count = values.len().max(1) as f64;
    let mut squares = 0.0;
    for plane in values.axis_iter(Axis(2)) {
        let mean = plane.iter().copied().map(f64::from).sum::<f64>() / plane.len().max(1) as f64;
        squares += plane.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>();
    }
    (squares / count).sqrt()
}

/// `(X − X̄) / ‖X − X̄‖` with means per channel; zeros where there is no contrast at all.
pub(super) fn normalised(mut values: Array3<f32>) -> Array3<f32> {
    for mut plane in values.axis_iter_mut(Axis(2)) {
        let mean = plane.iter().copied().map(f64::from).sum::<f64>() / plane.len().max(1) as f64;
        plane.mapv_inplace(|value| (f64::from(value) - mean) as f32);
    }
    let norm = values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
    let factor = if norm > 0.0 { 1.0 / norm } else { 0.0 };
    values.mapv_inplace(|value| (f64::from(value) * factor) as f32);
    values
}
