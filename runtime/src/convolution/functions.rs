//! Equation (5): integrable functions, sampled on a grid.

use ndarray::{Array1, ArrayView1};

use super::{convolve_1d, correlate_1d};
use crate::Error;

/// A function on an interval, sampled in the middle of cells of equal length, and zero outside.
///
/// The integral of (5), `(f * g)(x) = ∫ f(z) g(x − z) dz`, becomes the Riemann sum of the midpoint rule:
/// the step times the convolution (6) of the samples. Its error falls with the square of the step for
/// functions that have two derivatives within the cells, so that jumps do no harm where cells
/// meet; faster for smooth functions that vanish at the ends, such as a Gaussian. Samples and sums are
/// f32: an error below some 10^-6 of the largest value is rounding.
///
/// ```
/// use tapwise::convolution::Samples;
///
/// // A box of width and height one, with itself: the triangle.
/// let square = Samples::of(|_| 1.0, -0.5, 0.5, 100)?;
/// let triangle = square.convolve(&square)?;
/// for (x, value) in triangle.points() {
///     assert!((value - (1.0 - x.abs())).abs() < 1e-5);
/// }
/// # Ok::<(), tapwise::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    /// Where the first sample lies.
    first: f64,
    step: f64,
    values: Array1<f32>,
}

impl Samples {
    /// Samples `f` from `from` to `to` in the middle of `cells` cells of equal length.
    ///
    /// # Errors
    /// [`Error::Parameter`] for an interval that is none, or no cells.
    pub fn of(f: impl Fn(f64) -> f64, from: f64, to: f64, cells: usize) -> Result<Self, Error> {
        let length = to - from;
        if length <= 0.0 || !length.is_finite() {
            return Err(Error::Parameter {
                parameter: "the interval",
                found: format!("{from} to {to}"),
                wanted: "two numbers, the second larger".to_owned(),
            });
        }
        if cells == 0 {
            return Err(Error::Parameter {
                parameter: "cells",
                found: "0".to_owned(),
                wanted: "at least 1".to_owned(),
            });
        }
        let step = length / cells as f64;
        let first = from + step / 2.0;
        let mut values = crate::memory::zeros("the samples of a function", cells)?;
        for (index, value) in values.iter_mut().enumerate() {
            *value = f(first + index as f64 * step) as f32;
        }
        Ok(Samples { first, step, values })
    }

    /// Where the samples lie, and what they are.
    pub fn points(&self) -> impl Iterator<Item = (f64, f64)> {
        self.values.iter().enumerate().map(|(index, value)| (self.x(index), f64::from(*value)))
    }

    /// The values alone.
    #[must_use]
    pub fn values(&self) -> ArrayView1<'_, f32> {
        self.values.view()
    }

    /// The distance between two samples.
    #[must_use]
    pub fn step(&self) -> f64 {
        self.step
    }

    /// The integral, by the midpoint rule, in f64.
    #[must_use]
    pub fn integral(&self) -> f64 {
        self.step * self.values.iter().map(|value| f64::from(*value)).sum::<f64>()
    }

    /// The convolution with `g`, equation (5), at the points `x` that are the sum of a point of each.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a `g` with another step; as [`convolve_1d`].
    pub fn convolve(&self, g: &Samples) -> Result<Samples, Error> {
        self.same_step(g)?;
        let values = convolve_1d(self.values.view(), g.values.view())? * self.step as f32;
        Ok(Samples { first: self.first + g.first, step: self.step, values })
    }

    /// The cross-correlation with `g`, `(f ⋆ g)(x) = ∫ f(z) g(x + z) dz`, at the points `x` that are a
    /// point of `g` less one of `self`.
    ///
    /// # Errors
    /// As [`Samples::convolve`].
    pub fn correlate(&self, g: &Samples) -> Result<Samples, Error> {
        self.same_step(g)?;
        let values = correlate_1d(self.values.view(), g.values.view())? * self.step as f32;
        let last = self.x(self.values.len().saturating_sub(1));
        Ok(Samples { first: g.first - last, step: self.step, values })
    }

    /// The function mirrored at zero, `f(−x)`.
    #[must_use]
    pub fn flipped(&self) -> Samples {
        let last = self.x(self.values.len().saturating_sub(1));
        Samples { first: -last, step: self.step, values: super::flipped_1d(self.values.view()).to_owned() }
    }

    fn x(&self, index: usize) -> f64 {
        self.first + index as f64 * self.step
    }

    /// Refuses steps that differ by more than rounding.
    fn same_step(&self, g: &Samples) -> Result<(), Error> {
        if (self.step - g.step).abs() <= 1e-9 * self.step {
            return Ok(());
        }
        Err(Error::Parameter {
            parameter: "the step of g",
            found: g.step.to_string(),
            wanted: format!("{}, the step of f", self.step),
        })
    }
}
