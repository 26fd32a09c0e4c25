//! Equations (6) and (7): sequences and two-dimensional tensors.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};

use crate::{Conv2d, Error, Padding};

/// The convolution of two sequences, equation (6), `(f * g)(i) = Σ_a f(a) g(i − a)`: `[m]` and `[n]`
/// give `[m + n − 1]`, from index 0 on.
///
/// # Errors
/// As [`convolve_2d`]; the axes are called `K_w` in f and `W` in g.
pub fn convolve_1d(f: ArrayView1<'_, f32>, g: ArrayView1<'_, f32>) -> Result<Array1<f32>, Error> {
    Ok(convolve_2d(f.insert_axis(Axis(0)), g.insert_axis(Axis(0)))?.remove_axis(Axis(0)))
}

/// The cross-correlation of two sequences, `(f ⋆ g)(i) = Σ_a f(a) g(i + a)`: `[m]` and `[n]` give
/// `[m + n − 1]`, the first of which is index `−(m − 1)`.
///
/// # Errors
/// As [`convolve_1d`].
pub fn correlate_1d(f: ArrayView1<'_, f32>, g: ArrayView1<'_, f32>) -> Result<Array1<f32>, Error> {
    Ok(correlate_2d(f.insert_axis(Axis(0)), g.insert_axis(Axis(0)))?.remove_axis(Axis(0)))
}

/// The convolution of two tensors, equation (7),
/// `(f * g)(i, j) = Σ_a Σ_b f(a, b) g(i − a, j − b)`: `[m, m']` and `[n, n']` give
/// `[m + n − 1, m' + n' − 1]`, from index (0, 0) on.
///
/// ```
/// use ndarray::array;
/// use tapwise::convolution::convolve_2d;
///
/// let f = array![[1.0, 2.0]];
/// let g = array![[1.0, 1.0], [0.0, 10.0]];
/// assert_eq!(convolve_2d(f.view(), g.view())?, array![[1.0, 3.0, 2.0], [0.0, 10.0, 20.0]]);
/// # Ok::<(), tapwise::Error>(())
/// ```
///
/// # Errors
/// [`Error::Empty`] for a tensor without numbers, [`Error::Parameter`] for an f with a side beyond
/// what a filter may have, [`Error::TooLarge`] for an answer beyond memory.
pub fn convolve_2d(f: ArrayView2<'_, f32>, g: ArrayView2<'_, f32>) -> Result<Array2<f32>, Error> {
    slide(f, g, true)
}

/// The cross-correlation of two tensors, `(f ⋆ g)(i, j) = Σ_a Σ_b f(a, b) g(i + a, j + b)`: `[m, m']`
/// and `[n, n']` give `[m + n − 1, m' + n' − 1]`, the first of which is index `(−(m − 1), −(m' − 1))`.
///
/// # Errors
/// As [`convolve_2d`].
pub fn correlate_2d(f: ArrayView2<'_, f32>, g: ArrayView2<'_, f32>) -> Result<Array2<f32>, Error> {
    slide(f, g, false)
}

/// The sequence backwards, `f(m − 1 − a)`: the flip that turns convolution into cross-correlation.
#[must_use]
pub fn flipped_1d(mut f: ArrayView1<'_, f32>) -> ArrayView1<'_, f32> {
    f.invert_axis(Axis(0));
    f
}

/// The tensor turned by 180 degrees, `f(m − 1 − a, m' − 1 − b)`: the flip that turns convolution into
/// cross-correlation.
#[must_use]
pub fn flipped_2d(mut f: ArrayView2<'_, f32>) -> ArrayView2<'_, f32> {
    f.invert_axis(Axis(0));
    f.invert_axis(Axis(1));
    f
}

/// Slides f over g and as many zeros around as f reaches.
fn slide(f: ArrayView2<'_, f32>, g: ArrayView2<'_, f32>, flip: bool) -> Result<Array2<f32>, Error> {
    let [rows, columns] = [f.nrows(), f.ncols()].map(|length| length.saturating_sub(1));
    let padding = Padding::Explicit { top: rows, bottom: rows, left: columns, right: columns };
    let layer =
        Conv2d::builder(f.insert_axis(Axis(2)).insert_axis(Axis(3))).flip(flip).padding(padding).build()?;
    Ok(layer.forward(g.insert_axis(Axis(2)))?.remove_axis(Axis(2)))
}
