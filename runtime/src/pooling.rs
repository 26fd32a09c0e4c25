//! Global pooling: one answer for a whole picture.

use ndarray::{Array1, ArrayView3, Axis};

use crate::error::Error;

/// How the pixels of a hidden picture become one number for each channel.
///
/// ```text
/// (11)  g[d] = max_(i,j) H[i,j,d]
/// ```
///
/// Each pixel of `H` says whether Waldo stands *there*; the largest of them says whether he stands
/// *anywhere*.
///
/// ```
/// use ndarray::array;
/// use tapwise::Pooling;
///
/// let hidden = array![[[1.0, -5.0], [4.0, -6.0]], [[0.0, -7.0], [-1.0, -2.0]]]; // [2, 2, 2]
/// assert_eq!(Pooling::Max.of(hidden.view())?, array![4.0, -2.0]);
/// assert_eq!(Pooling::Average.of(hidden.view())?, array![1.0, -5.0]);
/// # Ok::<(), tapwise::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Pooling {
    /// The largest pixel; NaN where one is NaN.
    Max,
    /// The mean of all pixels, summed in f64.
    Average,
}

impl Pooling {
    /// Pools a hidden picture `[H, W, C]` to `[C]`.
    ///
    /// # Errors
    /// [`Error::Empty`] for a picture without pixels.
    pub fn of(self, hidden: ArrayView3<'_, f32>) -> Result<Array1<f32>, Error> {
        let (height, width, _) = hidden.dim();
        for (axis, length) in [("H", height), ("W", width)] {
            if length == 0 {
                return Err(Error::Empty { array: "input", axis });
            }
        }
        let pixels = (height * width) as f64;
        let pool = |channel: ArrayView3<'_, f32>| match self {
            Pooling::Max => channel.iter().copied().fold(f32::NEG_INFINITY, larger),
            Pooling::Average => (channel.iter().copied().map(f64::from).sum::<f64>() / pixels) as f32,
        };
        Ok(hidden.axis_chunks_iter(Axis(2), 1).map(pool).collect())
    }

    /// The name in reports and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Pooling::Max => "global maximum",
            Pooling::Average => "global average",
        }
    }
}

/// The larger of two numbers, NaN where one is NaN.
fn larger(a: f32, b: f32) -> f32 {
    if a.is_nan() || a > b { a } else { b }
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::*;

    #[test]
    fn nan_is_not_lost_and_emptiness_is_refused() {
        for place in 0..3 {
            let mut hidden = Array3::from_elem((1, 3, 1), -1.0);
            hidden[[0, place, 0]] = f32::NAN;
            assert!(Pooling::Max.of(hidden.view()).unwrap()[0].is_nan());
            assert!(Pooling::Average.of(hidden.view()).unwrap()[0].is_nan());
        }
        let none = Pooling::Max.of(Array3::zeros((0, 3, 2)).view());
        assert_eq!(none, Err(Error::Empty { array: "input", axis: "H" }));
        assert_eq!(Pooling::Max.of(Array3::zeros((1, 3, 0)).view()).unwrap().len(), 0);
    }
}
