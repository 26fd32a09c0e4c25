//! The fully connected formulation that convolutions are derived from.
//!
//! `H[i,j] = U[i,j] + Σ_k Σ_l W[i,j,k,l] X[k,l]` (Zhang et al., *Dive into Deep Learning*, 7.1.1):
//! every hidden pixel has its own weight for every pixel of the picture.

use ndarray::linalg::general_mat_vec_mul;
use ndarray::{Array1, Array2, ArrayView2};

use crate::{ConvSpec, Error, parameters};

/// A dense layer from a picture of one channel to a hidden picture of one channel.
///
/// ```
/// use ndarray::{Array2, array};
/// use tapwise::dense::Dense;
///
/// // The dense layer that equals a 1x3 filter on pictures of one row.
/// let filter = array![[1.0, 0.0, -1.0]];
/// let dense = Dense::from_filter(filter.view(), [1, 4])?;
/// let hidden = dense.forward(array![[1.0, 2.0, 4.0, 8.0]].view())?;
/// assert_eq!(hidden, array![[-2.0, -3.0, -6.0, 4.0]]);
/// # Ok::<(), tapwise::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Dense {
    input: [usize; 2],
    output: [usize; 2],
    /// `W` as a matrix: a row for each hidden pixel.
    weights: Array2<f32>,
    /// `U`, flattened.
    bias: Array1<f32>,
}

impl Dense {
    /// Bytes of the weights of a dense layer from pictures of `input` to pictures of `output`.
    #[must_use]
    pub fn bytes(input: [usize; 2], output: [usize; 2]) -> u128 {
        parameters::dense(input, output).saturating_mul(size_of::<f32>() as u128)
    }

    /// The dense layer that computes the same as a cross-correlation with `filter` `[K_h, K_w]`
    /// over pictures of `input`, zeros around and as many pixels out as in.
    ///
    /// # Errors
    /// [`Error::TooLarge`] where the weights would not fit an array, with the number of them;
    /// [`Error::Empty`] for a filter or picture without pixels.
    pub fn from_filter(filter: ArrayView2<'_, f32>, input: [usize; 2]) -> Result<Self, Error> {
        let (rows, columns) = filter.dim();
        for (axis, length) in [("K_h", rows), ("K_w", columns)] {
            if length == 0 {
                return Err(Error::Empty { array: "filter", axis });
            }
        }
        let spec = ConvSpec::new([rows, columns], 1, 1);
        spec.validate()?;
        let output = spec.output(input)?;
        let found = parameters::dense(input, output);
        let limit = isize::MAX as u128 / size_of::<f32>() as u128;
        if found > limit {
            return Err(Error::TooLarge { what: "a dense layer", found, limit });
        }
        let margins = spec.margins(input);
        let mut weights = Array2::zeros((output[0] * output[1], input[0] * input[1]));
        for i in 0..output[0] {
            for j in 0..output[1] {
                for ((a, b), weight) in filter.indexed_iter() {
                    let inside = |at: usize, before: usize, length: usize| {
                        at.checked_sub(before).filter(|&at| at < length)
                    };
                    let k = inside(i + a, margins[0].before, input[0]);
                    let l = inside(j + b, margins[1].before, input[1]);
                    if let (Some(k), Some(l)) = (k, l) {
                        weights[[i * output[1] + j, k * input[1] + l]] = *weight;
                    }
                }
            }
        }
        Ok(Dense { input, output, bias: Array1::zeros(output[0] * output[1]), weights })
    }

    /// Runs the layer on a picture `[H, W]`.
    ///
    /// # Errors
    /// [`Error::Length`] for a picture of another size.
    pub fn forward(&self, input: ArrayView2<'_, f32>) -> Result<Array2<f32>, Error> {
        let (height, width) = input.dim();
        for (axis, found, wanted) in [("H", height, self.input[0]), ("W", width, self.input[1])] {
            if found != wanted {
                return Err(Error::Length { array: "input", axis, found, wanted });
            }
        }
        let flat = Array1::from_iter(input.iter().copied());
        let mut hidden = self.bias.clone();
        general_mat_vec_mul(1.0, &self.weights, &flat, 1.0, &mut hidden);
        let shape = (self.output[0], self.output[1]);
        Ok(Array2::from_shape_fn(shape, |(i, j)| hidden[i * shape.1 + j]))
    }
}
