//! Learning: what a layer's loss changes by with its input, its filter and its bias.

mod depthwise;
mod filter;
mod in_place;
mod input;
mod laid_out;
mod planes;
mod product;

use ndarray::{
    Array, Array1, Array3, Array4, ArrayView3, ArrayView4, Axis, CowArray, Dimension, Ix3, Ix4, Zip,
};

use crate::epilogue::Activation;
use crate::error::Error;
use crate::layer::Conv2d;

pub(crate) use filter::Workplaces;
pub(crate) use input::Transposed;

/// The gradients of a loss with respect to everything that a layer's answer depends on.
///
/// `D` is `Ix3` for one picture and `Ix4` for a batch, whose filter and bias gradients are the
/// sums over its pictures; `F` is the filter's dimension.
#[derive(Debug, Clone, PartialEq)]
pub struct Gradients<D: Dimension, F: Dimension = Ix4> {
    /// `∂L/∂X`, of the input's shape.
    pub input: Array<f32, D>,
    /// `∂L/∂V` `[K_h, K_w, C_in / groups, C_out]`, of the filter as it is correlated: turned, where
    /// the layer was built with [`flip`](crate::Conv2dBuilder::flip).
    pub filter: Array<f32, F>,
    /// `∂L/∂u` `[C_out]`.
    pub bias: Array1<f32>,
}

impl Conv2d {
    /// The gradients of a loss `L`, given `G = ∂L/∂H` `[H', W', C_out]` of the layer's answer to
    /// `input` `[H, W, C_in]`, by the chain rule.
    ///
    /// With stride `s`, dilation `δ` and `p` padded pixels before the picture:
    ///
    /// ```text
    /// (12)  ∂L/∂X[k,l,c]   = Σ V[a,b,c,d] · G[i,j,d]   over k = i·s + a·δ − p, l = j·s + b·δ − p
    /// (13)  ∂L/∂V[a,b,c,d] = Σ_(i,j) X[i·s + a·δ − p, j·s + b·δ − p, c] · G[i,j,d]
    /// (14)  ∂L/∂u[d]       = Σ_(i,j) G[i,j,d]
    /// ```
    ///
    /// A layer with an activation computes its sums once more to see what that passes on; at a corner
    /// it passes on what it does below: ReLU at 0 nothing. A border that repeats pixels of the picture passes their
    /// gradients back to them. The filter's gradient is the same to the bit on any number of
    /// threads.
    ///
    /// # Errors
    /// As [`Conv2d::forward`]; [`Error::Length`] for a gradient of another shape than the answer's.
    ///
    /// ```
    /// use ndarray::{Array3, Array4};
    /// use tapwise::Conv2d;
    ///
    /// // L = the sum of the answer: every G is 1.
    /// let layer = Conv2d::builder(Array4::from_elem((3, 3, 1, 1), 0.5).view()).build()?;
    /// let gradients = layer.backward(Array3::ones((5, 5, 1)).view(), Array3::ones((5, 5, 1)).view())?;
    /// assert_eq!(gradients.input[[2, 2, 0]], 4.5); // nine outputs see it, each by 0.5
    /// assert_eq!(gradients.input[[0, 0, 0]], 2.0); // a corner is seen by four
    /// assert_eq!(gradients.filter[[1, 1, 0, 0]], 25.0); // the centre tap meets every pixel
    /// assert_eq!(gradients.filter[[0, 1, 0, 0]], 20.0); // this one leaves the picture in a row
    /// assert_eq!(gradients.bias[0], 25.0);
    /// # Ok::<(), tapwise::Error>(())
    /// ```
    pub fn backward(
        &self,
        input: ArrayView3<'_, f32>,
        gradient: ArrayView3<'_, f32>,
    ) -> Result<Gradients<Ix3>, Error> {
        let gradients = self.backward_batch(input.insert_axis(Axis(0)), gradient.insert_axis(Axis(0)))?;
        let Gradients { input, filter, bias } = gradients;
        Ok(Gradients { input: input.index_axis_move(Axis(0), 0), filter, bias })
    }

    /// As [`Conv2d::backward`] for a batch: inputs `[N, H, W, C_in]`, gradients
    /// `[N, H', W', C_out]`.
    ///
    /// # Errors
    /// As [`Conv2d::backward`].
    pub fn backward_batch(
        &self,
        inputs: ArrayView4<'_, f32>,
        gradients: ArrayView4<'_, f32>,
    ) -> Result<Gradients<Ix4>, Error> {
        let (gradients, learnt) = self.backward_filter(inputs, gradients)?;
        let input = self.transposed_batch(gradients.view(), [inputs.dim().1, inputs.dim().2])?;
        Ok(Gradients { input, ..learnt })
    }

    /// The gradients of filter and bias alone, for a first layer whose input nobody learns; their
    /// `input` is empty (`[0, H, W, C_in]`).
    ///
    /// # Errors
    /// As [`Conv2d::backward`].
    pub fn backward_filter_batch(
        &self,
        inputs: ArrayView4<'_, f32>,
        gradients: ArrayView4<'_, f32>,
    ) -> Result<Gradients<Ix4>, Error> {
        Ok(self.backward_filter(inputs, gradients)?.1)
    }

    /// The gradients before the activation, and those of filter and bias, with an empty input.
    fn backward_filter<'a>(
        &self,
        inputs: ArrayView4<'_, f32>,
        gradients: ArrayView4<'a, f32>,
    ) -> Result<(CowArray<'a, f32, Ix4>, Gradients<Ix4>), Error> {
        self.check_gradients(&inputs, &gradients)?;
        let gradients = self.before_activation(inputs, gradients)?;
        let (_, height, width, channels) = inputs.dim();
        let learnt = Gradients {
            input: Array4::zeros((0, height, width, channels)),
            filter: filter::gradient(self, &inputs, &gradients.view())?,
            bias: filter::bias_gradient(&gradients.view()),
        };
        Ok((gradients, learnt))
    }

    /// The transposed convolution: the adjoint of the layer's linear part, from `[H', W', C_out]`
    /// back to pictures `[H, W, C_in]` of `input` rows and columns, equation (12). Bias and
    /// activation take no part. For every `x` and `y` of fitting shapes,
    /// `⟨conv(x), y⟩ = ⟨x, transposed(y)⟩`.
    ///
    /// It runs by the layer's own kernels: with stride 1 it is a convolution with the filter turned
    /// and its channels exchanged; with stride `s` it is `s²` smaller ones, one for each residue of
    /// the output's place, so that no product with the zeros between two strides is computed.
    ///
    /// # Errors
    /// As [`Conv2d::forward`] for a picture of `input`; [`Error::Length`] for a gradient of another
    /// shape than its answer's.
    ///
    /// ```
    /// use ndarray::{Array3, Array4, array};
    /// use tapwise::Conv2d;
    ///
    /// // Stride 2 in one row: what a filter of [1, 2, 3] gathers, its transpose spreads.
    /// let filter = Array4::from_shape_vec((1, 3, 1, 1), vec![1.0, 2.0, 3.0]).unwrap();
    /// let layer = Conv2d::builder(filter.view()).stride([1, 2]).padding(tapwise::Padding::Valid).build()?;
    /// let spread = layer.transposed(array![[[1.0], [10.0]]].view(), [1, 5])?;
    /// assert_eq!(spread, array![[[1.0], [2.0], [13.0], [20.0], [30.0]]]);
    /// # Ok::<(), tapwise::Error>(())
    /// ```
    pub fn transposed(&self, gradient: ArrayView3<'_, f32>, input: [usize; 2]) -> Result<Array3<f32>, Error> {
        let pictures = self.transposed_batch(gradient.insert_axis(Axis(0)), input)?;
        Ok(pictures.index_axis_move(Axis(0), 0))
    }

    /// As [`Conv2d::transposed`] for a batch `[N, H', W', C_out]`.
    ///
    /// # Errors
    /// As [`Conv2d::transposed`].
    pub fn transposed_batch(
        &self,
        gradients: ArrayView4<'_, f32>,
        input: [usize; 2],
    ) -> Result<Array4<f32>, Error> {
        self.check_answer(&gradients, input, self.spec().c_out)?;
        let transposed = match self.transposed.get() {
            Some(transposed) => transposed,
            None => {
                let packed = Transposed::new(self)?;
                self.transposed.get_or_init(|| packed)
            }
        };
        transposed.run(self, &gradients, input)
    }

    fn check_gradients(
        &self,
        inputs: &ArrayView4<'_, f32>,
        gradients: &ArrayView4<'_, f32>,
    ) -> Result<(), Error> {
        let (pictures, height, width, channels) = inputs.dim();
        if channels != self.spec().c_in {
            let [found, wanted] = [channels, self.spec().c_in];
            return Err(Error::Length { array: "input", axis: "C_in", found, wanted });
        }
        self.check_answer(gradients, [height, width], self.channels())?;
        let found = gradients.len_of(Axis(0));
        if found != pictures {
            return Err(Error::Length { array: "gradient", axis: "N", found, wanted: pictures });
        }
        Ok(())
    }

    /// Refuses gradients that have not the shape of the answer to pictures of `input`, or of its sums.
    fn check_answer(
        &self,
        gradients: &ArrayView4<'_, f32>,
        input: [usize; 2],
        wanted: usize,
    ) -> Result<(), Error> {
        let [rows, columns] = self.spec().output(input)?;
        let (pictures, height, width, channels) = gradients.dim();
        if pictures == 0 {
            return Err(Error::Empty { array: "gradient", axis: "N" });
        }
        let axes = [("H", height, rows), ("W", width, columns), ("C_out", channels, wanted)];
        for (axis, found, wanted) in axes {
            if found != wanted {
                return Err(Error::Length { array: "gradient", axis, found, wanted });
            }
        }
        Ok(())
    }

    /// The gradients of the sums that the activation was applied to, by its derivative.
    fn before_activation<'a>(
        &self,
        inputs: ArrayView4<'_, f32>,
        gradients: ArrayView4<'a, f32>,
    ) -> Result<CowArray<'a, f32, Ix4>, Error> {
        let activation = self.activation();
        if *activation == Activation::Identity {
            return Ok(gradients.into());
        }
        let mut before = self.sums_batch(inputs)?;
        let c_out = self.spec().c_out;
        Zip::from(before.rows_mut()).and(gradients.rows()).for_each(|mut sums, gradients| {
            for (channel, sum) in sums.iter_mut().enumerate() {
                let mut gradient = activation.derivative(channel, *sum) * gradients[channel];
                // The second half of a CReLU is of the sums with their signs turned.
                if let Some(turned) = gradients.get(c_out + channel) {
                    gradient -= activation.derivative(channel, -*sum) * turned;
                }
                *sum = gradient;
            }
        });
        Ok(before.into())
    }
}
