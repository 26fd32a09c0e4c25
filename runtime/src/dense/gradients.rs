//! What a dense layer learns by: the gradients of a loss with respect to all that it computes from.

use faer::{MatMut, MatRef};
use ndarray::{Array, Array1, Array2, ArrayView2, ArrayView3, Dimension, Ix2, Ix3};

use super::layer::{check_picture, check_rows, some_pictures};
use super::{Dense, product};
use crate::{Error, memory};

/// Inputs in a block of the gradient of the weights, and of that of the inputs.
const INPUTS: usize = 512;

/// The gradients of a loss L through a [`Dense`] layer; `D` is `Ix3` for a picture, `Ix2` for
/// flattened pictures.
#[derive(Debug, Clone, PartialEq)]
pub struct DenseGradients<D: Dimension> {
    /// `∂L/∂X`, of the input's shape.
    pub input: Array<f32, D>,
    /// `∂L/∂W`, `[hidden, inputs]`, summed over the batch.
    pub weights: Array2<f32>,
    /// `∂L/∂U`, `[hidden]`, summed over the batch.
    pub bias: Array1<f32>,
}

impl Dense {
    /// The gradients of a loss, given flattened pictures `[N, inputs]` and the loss's gradient `G`
    /// with respect to the layer's answers `[N, hidden]`: of the inputs `G · W`, of the weights
    /// `Gᵀ · X`, of the bias the sum of `G` over the batch.
    ///
    /// ```
    /// use ndarray::array;
    /// use tapwise::dense::Dense;
    ///
    /// let dense = Dense::new([1, 2, 1], [1, 1, 1], array![[3.0, -4.0]], None)?;
    /// // Two pictures; the loss is the sum of both answers, so that its gradient is one.
    /// let gradients = dense.backward_flat(array![[1.0, 2.0], [10.0, 20.0]].view(), array![[1.0], [1.0]].view())?;
    /// assert_eq!(gradients.input, array![[3.0, -4.0], [3.0, -4.0]]);
    /// assert_eq!(gradients.weights, array![[11.0, 22.0]]);
    /// assert_eq!(gradients.bias, array![2.0]);
    /// # Ok::<(), tapwise::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`] for arrays that do not belong to the layer or to each other,
    /// [`Error::Empty`] for a batch without pictures, [`Error::Memory`] where there is no room for a
    /// second array of the size of the weights.
    pub fn backward_flat(
        &self,
        inputs: ArrayView2<'_, f32>,
        gradients: ArrayView2<'_, f32>,
    ) -> Result<DenseGradients<Ix2>, Error> {
        let (hidden, length) = self.weights().dim();
        check_rows("input", "inputs", &inputs, length)?;
        check_rows("gradient", "hidden", &gradients, hidden)?;
        let (count, found) = (inputs.nrows(), gradients.nrows());
        if found != count {
            return Err(Error::Length { array: "gradient", axis: "N", found, wanted: count });
        }
        let inputs = some_pictures(&inputs)?.as_standard_layout();
        let gradients = gradients.as_standard_layout();
        let mut input = memory::zeros("the gradient of the input", (count, length))?;
        let mut weights = memory::zeros("the gradient of the weights", (hidden, length))?;

        let g = MatRef::from_row_major_slice(gradients.as_slice().unwrap_or_default(), count, hidden);
        product::add(
            MatMut::from_row_major_slice_mut(input.as_slice_mut().unwrap_or_default(), count, length),
            g,
            MatRef::from_row_major_slice(self.matrix(), hidden, length),
            [product::PICTURES, INPUTS],
        );
        product::add(
            MatMut::from_row_major_slice_mut(weights.as_slice_mut().unwrap_or_default(), hidden, length),
            g.transpose(),
            MatRef::from_row_major_slice(inputs.as_slice().unwrap_or_default(), count, length),
            [product::rows_of_weights(hidden), INPUTS],
        );
        let mut bias: Array1<f32> = memory::zeros("the gradient of the bias", hidden)?;
        for gradient in gradients.rows() {
            bias += &gradient;
        }
        Ok(DenseGradients { input, weights, bias })
    }

    /// As [`Dense::backward_flat`], for one picture `[H, W, C]` and a gradient `[H', W', D]`.
    ///
    /// # Errors
    /// As [`Dense::backward_flat`].
    pub fn backward(
        &self,
        input: ArrayView3<'_, f32>,
        gradient: ArrayView3<'_, f32>,
    ) -> Result<DenseGradients<Ix3>, Error> {
        check_picture("input", input.dim().into(), self.input())?;
        check_picture("gradient", gradient.dim().into(), self.output())?;
        let one_row = |picture: &ArrayView3<'_, f32>| {
            Array2::from_shape_vec((1, picture.len()), picture.iter().copied().collect())
        };
        let (Ok(inputs), Ok(gradients)) = (one_row(&input), one_row(&gradient)) else {
            return Err(Error::Empty { array: "input", axis: "H" });
        };
        let DenseGradients { input: flat, weights, bias } =
            self.backward_flat(inputs.view(), gradients.view())?;
        let mut input = memory::zeros("the gradient of the input", self.input())?;
        input.iter_mut().zip(flat).for_each(|(number, gradient)| *number = gradient);
        Ok(DenseGradients { input, weights, bias })
    }
}
