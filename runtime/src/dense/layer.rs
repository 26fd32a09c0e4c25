//! Equation (1): the fully connected layer.

use faer::{MatMut, MatRef};
use ndarray::{
    Array1, Array2, Array3, Array4, ArrayView, ArrayView1, ArrayView2, ArrayView3, ArrayView4, ArrayViewMut1,
    ArrayViewMut2, ArrayViewMut3, Axis, Dimension,
};

use super::product;
use crate::{Error, memory, parameters};

/// A fully connected layer from pictures `[H, W, C]` to hidden pictures `[H', W', D]`.
///
/// Equation (1), `H[i,j] = U[i,j] + Σ_k Σ_l W[i,j,k,l] · X[k,l]`: every hidden unit has a weight of
/// its own for every number of the picture (Zhang et al., *Dive into Deep Learning*, 7.1.1). The
/// weights are a matrix `[hidden, inputs]`, the bias `[hidden]`; pictures are flattened row by row,
/// `(i·W + j)·C + c`. Hidden units that are no picture are `[1, 1, hidden]`.
///
/// ```
/// use ndarray::{Array3, array};
/// use tapwise::dense::Dense;
///
/// // Two hidden units on a picture of one row and three columns.
/// let weights = array![[1.0, 2.0, 3.0], [0.0, 0.0, -1.0]];
/// let dense = Dense::new([1, 3, 1], [1, 1, 2], weights, Some(array![0.5, 0.0]))?;
/// let picture = Array3::from_shape_vec((1, 3, 1), vec![1.0, 10.0, 100.0]).unwrap();
/// assert_eq!(dense.forward(picture.view())?, array![[[321.5, -100.0]]]);
/// assert_eq!(dense.parameters(), 8);
/// # Ok::<(), tapwise::Error>(())
/// ```
///
/// Batches are a product of matrices and single pictures a product of the matrix and a vector, both
/// split over the caller's rayon pool; the answer has the same bits whatever the number of threads.
/// A sum may round differently in a batch than alone.
#[derive(Debug, Clone)]
pub struct Dense {
    input: [usize; 3],
    output: [usize; 3],
    /// `[hidden, inputs]`, row by row in memory.
    weights: Array2<f32>,
    bias: Array1<f32>,
}

impl Dense {
    /// A layer from pictures of `input` `[H, W, C]` to hidden pictures of `output` `[H', W', D]`,
    /// with weights `[hidden, inputs]` and a bias `[hidden]`, or none. Weights that lie row by row
    /// in memory are not copied.
    ///
    /// # Errors
    /// [`Error::Empty`] for a size of zero, [`Error::Length`] for weights or a bias that do not
    /// belong to these sizes, [`Error::Memory`] where weights had to be copied and cannot be.
    pub fn new(
        input: [usize; 3],
        output: [usize; 3],
        weights: Array2<f32>,
        bias: Option<Array1<f32>>,
    ) -> Result<Self, Error> {
        check_sizes(input, output)?;
        let [inputs, hidden] = [input, output].map(|size| count(size).try_into().unwrap_or(usize::MAX));
        let found = [
            ("weights", "hidden", weights.nrows(), hidden),
            ("weights", "inputs", weights.ncols(), inputs),
            ("bias", "hidden", bias.as_ref().map_or(hidden, Array1::len), hidden),
        ];
        for (array, axis, found, wanted) in found {
            if found != wanted {
                return Err(Error::Length { array, axis, found, wanted });
            }
        }
        let weights = memory::row_by_row("a dense layer", weights)?;
        let bias = match bias {
            Some(bias) => memory::row_by_row("the bias of a dense layer", bias)?,
            None => memory::zeros("the bias of a dense layer", hidden)?,
        };
        Ok(Dense { input, output, weights, bias })
    }

    /// A layer whose weights and bias are all zero: where a trainer or a conversion starts from.
    ///
    /// ```
    /// use tapwise::dense::Dense;
    ///
    /// let error = Dense::zeros([1_000_000, 1_000_000, 1], [1000, 1000, 1]).unwrap_err();
    /// let text = error.to_string();
    /// assert!(text.starts_with("a dense layer would need 4,000,000,000,000,000,000 bytes (4.0 EB)"), "{text}");
    /// # Ok::<(), tapwise::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Empty`] for a size of zero; [`Error::Memory`] with the bytes of the weights where
    /// this machine has no room for them.
    pub fn zeros(input: [usize; 3], output: [usize; 3]) -> Result<Self, Error> {
        check_sizes(input, output)?;
        let [inputs, hidden] = [input, output].map(count);
        let refused = || {
            let bytes = Dense::bytes(input, output);
            Error::Memory { what: "a dense layer", bytes, available: memory::available() }
        };
        let inputs = usize::try_from(inputs).map_err(|_| refused())?;
        let hidden = usize::try_from(hidden).map_err(|_| refused())?;
        let weights = memory::zeros("a dense layer", (hidden, inputs))?;
        let bias = memory::zeros("the bias of a dense layer", hidden)?;
        Ok(Dense { input, output, weights, bias })
    }

    /// Equation (1) as it is written: weights `W[i,j,k,l]` of `[H', W', H, W]` and a bias `U[i,j]`
    /// of `[H', W']`, or none, for pictures of one channel.
    ///
    /// ```
    /// use ndarray::{Array4, array};
    /// use tapwise::dense::Dense;
    ///
    /// // Every hidden pixel is the pixel across the diagonal.
    /// let weights = Array4::from_shape_fn((3, 2, 2, 3), |(i, j, k, l)| f32::from(u8::from((i, j) == (l, k))));
    /// let transpose = Dense::on_pictures(weights, None)?;
    /// let picture = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
    /// assert_eq!(transpose.forward_plane(picture.view())?, picture.t());
    /// # Ok::<(), tapwise::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Dense::new`].
    pub fn on_pictures(weights: Array4<f32>, bias: Option<Array2<f32>>) -> Result<Self, Error> {
        let (rows, columns, height, width) = weights.dim();
        let [input, output] = [[height, width, 1], [rows, columns, 1]];
        if let Some(bias) = &bias {
            for (axis, found, wanted) in [("H", bias.nrows(), rows), ("W", bias.ncols(), columns)] {
                if found != wanted {
                    return Err(Error::Length { array: "bias", axis, found, wanted });
                }
            }
        }
        let bias = bias.map(|bias| bias.iter().copied().collect());
        check_sizes(input, output)?;
        let bytes = Dense::bytes(input, output);
        let weights = memory::row_by_row("a dense layer", weights)?
            .into_shape_with_order((rows * columns, height * width))
            .map_err(|_| Error::Memory { what: "a dense layer", bytes, available: None })?;
        Dense::new(input, output, weights, bias)
    }

    /// Bytes of the weights of a layer from pictures of `input` to hidden pictures of `output`.
    ///
    /// ```
    /// // A megapixel to a megapixel: four terabytes.
    /// let megapixel = [1000, 1000, 1];
    /// assert_eq!(tapwise::dense::Dense::bytes(megapixel, megapixel), 4_000_000_000_000);
    /// ```
    #[must_use]
    pub fn bytes(input: [usize; 3], output: [usize; 3]) -> u128 {
        parameters::dense_pictures(input, output).saturating_mul(size_of::<f32>() as u128)
    }

    /// The pictures that go in, `[H, W, C]`.
    #[must_use]
    pub fn input(&self) -> [usize; 3] {
        self.input
    }

    /// The hidden pictures that come out, `[H', W', D]`.
    #[must_use]
    pub fn output(&self) -> [usize; 3] {
        self.output
    }

    /// The weights, `[hidden, inputs]`.
    #[must_use]
    pub fn weights(&self) -> ArrayView2<'_, f32> {
        self.weights.view()
    }

    /// The bias, `[hidden]`.
    #[must_use]
    pub fn bias(&self) -> ArrayView1<'_, f32> {
        self.bias.view()
    }

    /// The weights, to be changed.
    pub fn weights_mut(&mut self) -> ArrayViewMut2<'_, f32> {
        self.weights.view_mut()
    }

    /// The bias, to be changed.
    pub fn bias_mut(&mut self) -> ArrayViewMut1<'_, f32> {
        self.bias.view_mut()
    }

    /// Numbers that can be learnt: weights and biases.
    #[must_use]
    pub fn parameters(&self) -> u128 {
        self.weights.len() as u128 + self.bias.len() as u128
    }

    /// Runs the layer on a picture `[H, W, C]`; the answer is `[H', W', D]`.
    ///
    /// # Errors
    /// [`Error::Length`] for a picture of another size, [`Error::Memory`] for an answer that this
    /// machine has no room for.
    pub fn forward(&self, input: ArrayView3<'_, f32>) -> Result<Array3<f32>, Error> {
        let mut output = memory::zeros("the output", self.output)?;
        self.forward_into(input, output.view_mut())?;
        Ok(output)
    }

    /// As [`Dense::forward`], into memory that the caller has: any view of `[H', W', D]`. No
    /// picture is copied where both lie row by row in memory.
    ///
    /// # Errors
    /// As [`Dense::forward`], and [`Error::Length`] for an output of another size.
    pub fn forward_into(
        &self,
        input: ArrayView3<'_, f32>,
        mut output: ArrayViewMut3<'_, f32>,
    ) -> Result<(), Error> {
        check_picture("output", output.dim().into(), self.output)?;
        check_picture("input", input.dim().into(), self.input)?;
        let flat = input.as_standard_layout();
        let flat = flat.as_slice().unwrap_or_default();
        if let Some(output) = output.as_slice_mut() {
            self.run(flat, output);
        } else {
            let mut answer = memory::zeros("the output", self.output)?;
            self.run(flat, answer.as_slice_mut().unwrap_or_default());
            output.assign(&answer);
        }
        Ok(())
    }

    /// Runs the layer on every picture of a batch `[N, H, W, C]`; the answer is `[N, H', W', D]`.
    ///
    /// # Errors
    /// As [`Dense::forward`], and [`Error::Empty`] for a batch without pictures.
    pub fn forward_batch(&self, inputs: ArrayView4<'_, f32>) -> Result<Array4<f32>, Error> {
        let (count, height, width, channels) = inputs.dim();
        check_picture("input", [height, width, channels], self.input)?;
        let flat = some_pictures(&inputs)?.as_standard_layout();
        let [height, width, channels] = self.output;
        let mut outputs = memory::zeros("the output", (count, height, width, channels))?;
        self.run(flat.as_slice().unwrap_or_default(), outputs.as_slice_mut().unwrap_or_default());
        Ok(outputs)
    }

    /// Runs the layer on flattened pictures `[N, inputs]`; the answer is `[N, hidden]`.
    ///
    /// # Errors
    /// As [`Dense::forward_batch`].
    pub fn forward_flat(&self, inputs: ArrayView2<'_, f32>) -> Result<Array2<f32>, Error> {
        check_rows("input", "inputs", &inputs, self.weights.ncols())?;
        let flat = some_pictures(&inputs)?.as_standard_layout();
        let mut outputs = memory::zeros("the output", (inputs.nrows(), self.weights.nrows()))?;
        self.run(flat.as_slice().unwrap_or_default(), outputs.as_slice_mut().unwrap_or_default());
        Ok(outputs)
    }

    /// Runs a layer from one channel to one channel on a picture `[H, W]`; the answer is
    /// `[H', W']`.
    ///
    /// # Errors
    /// As [`Dense::forward`], and [`Error::Length`] where the layer has more channels.
    pub fn forward_plane(&self, input: ArrayView2<'_, f32>) -> Result<Array2<f32>, Error> {
        for (array, found) in [("input", self.input[2]), ("output", self.output[2])] {
            if found != 1 {
                return Err(Error::Length { array, axis: "C", found, wanted: 1 });
            }
        }
        let hidden = self.forward(input.insert_axis(Axis(2)))?;
        Ok(hidden.remove_axis(Axis(2)))
    }

    /// `outputs[N, hidden] = bias + inputs[N, inputs] · weightsᵀ`.
    fn run(&self, inputs: &[f32], outputs: &mut [f32]) {
        let (hidden, length) = self.weights.dim();
        let count = outputs.len() / hidden;
        let bias = self.bias.as_slice().unwrap_or_default();
        for output in outputs.chunks_exact_mut(hidden) {
            output.copy_from_slice(bias);
        }
        product::add(
            MatMut::from_row_major_slice_mut(outputs, count, hidden),
            MatRef::from_row_major_slice(inputs, count, length),
            MatRef::from_row_major_slice(self.matrix(), hidden, length).transpose(),
            [product::PICTURES, product::rows_of_weights(hidden)],
        );
    }

    /// The weights row by row.
    pub(super) fn matrix(&self) -> &[f32] {
        self.weights.as_slice().unwrap_or_default()
    }

    /// The weights row by row, to be filled.
    pub(super) fn matrix_mut(&mut self) -> &mut [f32] {
        self.weights.as_slice_mut().unwrap_or_default()
    }
}

/// Numbers of a picture.
fn count(size: [usize; 3]) -> u128 {
    size.iter().fold(1u128, |product, &length| product.saturating_mul(length as u128))
}

fn check_sizes(input: [usize; 3], output: [usize; 3]) -> Result<(), Error> {
    for (array, size) in [("input", input), ("output", output)] {
        for (axis, length) in ["H", "W", "C"].into_iter().zip(size) {
            if length == 0 {
                return Err(Error::Empty { array, axis });
            }
        }
    }
    Ok(())
}

pub(super) fn check_picture(array: &'static str, found: [usize; 3], wanted: [usize; 3]) -> Result<(), Error> {
    for ((axis, found), wanted) in ["H", "W", "C"].into_iter().zip(found).zip(wanted) {
        if found != wanted {
            return Err(Error::Length { array, axis, found, wanted });
        }
    }
    Ok(())
}

/// Refuses rows of another length than the layer needs.
pub(super) fn check_rows(
    array: &'static str,
    axis: &'static str,
    rows: &ArrayView2<'_, f32>,
    wanted: usize,
) -> Result<(), Error> {
    let found = rows.ncols();
    if found == wanted { Ok(()) } else { Err(Error::Length { array, axis, found, wanted }) }
}

/// Refuses a batch without pictures.
pub(super) fn some_pictures<'a, 'x, D: Dimension>(
    batch: &'a ArrayView<'x, f32, D>,
) -> Result<&'a ArrayView<'x, f32, D>, Error> {
    if batch.is_empty() { Err(Error::Empty { array: "input", axis: "N" }) } else { Ok(batch) }
}
