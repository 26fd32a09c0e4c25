//! One dimension in time: a thin face over the kernels of [`Conv2d`].

use ndarray::{Array2, Array3, ArrayView1, ArrayView2, ArrayView3, ArrayViewMut2, Axis, Ix2, Ix3};

use crate::builder::Conv2dBuilder;
use crate::epilogue::Activation;
use crate::error::Error;
use crate::gradient::Gradients;
use crate::isa::Isa;
use crate::layer::Conv2d;
use crate::planner::Explanation;
use crate::spec::{Border, Padding};
use crate::strategy::Strategy;

/// A convolution over time: sequences `[T, C_in]`, filters `[K, C_in / groups, C_out]`.
///
/// ```text
/// (9)  H[t,d] = u[d] + Σ_a Σ_c V[a,c,d] · X[t + a·δ, c]
/// ```
///
/// With a dilation `δ` this is the layer of the time-delay network (Waibel, Hanazawa, Hinton,
/// Shikano and Lang, "Phoneme recognition using time-delay neural networks", 1989), whose units see
/// a few frames of speech wherever these stand in time. It is a [`Conv2d`] on pictures of one row,
/// and runs by the same kernels.
///
/// ```
/// use ndarray::{Array2, Array3};
/// use tapwise::{Conv1d, Padding1d};
///
/// // Three taps two frames apart, sixteen coefficients a frame, eight units.
/// let layer = Conv1d::builder(Array3::from_elem((3, 16, 8), 0.5).view())
///     .dilation(2)
///     .padding(Padding1d::Valid)
///     .build()?;
/// let hidden = layer.forward(Array2::ones((15, 16)).view())?;
/// assert_eq!(hidden.dim(), (11, 8)); // each sees five frames
/// assert_eq!(hidden[[0, 0]], 24.0);
///
/// // The past alone: what comes later changes nothing that was.
/// let causal = Conv1d::builder(Array3::ones((3, 1, 1)).view()).padding(Padding1d::Causal).build()?;
/// let sums = causal.forward(Array2::ones((4, 1)).view())?;
/// assert_eq!(sums.into_raw_vec_and_offset().0, [1.0, 2.0, 3.0, 3.0]);
/// # Ok::<(), tapwise::Error>(())
/// ```
#[derive(Debug)]
pub struct Conv1d {
    layer: Conv2d,
}

/// How far a sequence is extended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Padding1d {
    /// As many frames out as in, for stride 1; the odd frame comes last.
    #[default]
    Same,
    /// None.
    Valid,
    /// `(K − 1)·δ` frames before and none after: an answer sees its own frame and earlier ones.
    Causal,
    /// Frames before and after.
    Explicit {
        /// Before the first frame.
        before: usize,
        /// After the last one.
        after: usize,
    },
}

/// Describes a layer over time; [`Conv1dBuilder::build`] checks everything at once.
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct Conv1dBuilder<'a> {
    layer: Conv2dBuilder<'a>,
    padding: Padding1d,
    taps: usize,
    dilation: usize,
}

impl<'a> Conv1dBuilder<'a> {
    fn with(mut self, change: impl FnOnce(Conv2dBuilder<'a>) -> Conv2dBuilder<'a>) -> Self {
        self.layer = change(self.layer);
        self
    }

    /// One number for each output channel, added to the sum. None by default.
    pub fn bias(self, bias: ArrayView1<'a, f32>) -> Self {
        self.with(|layer| layer.bias(bias))
    }

    /// Frames between two outputs; 1 by default.
    pub fn stride(self, stride: usize) -> Self {
        self.with(|layer| layer.stride([1, stride]))
    }

    /// Frames between two taps; 1 by default.
    pub fn dilation(mut self, dilation: usize) -> Self {
        self.dilation = dilation;
        self.with(|layer| layer.dilation([1, dilation]))
    }

    /// Groups of channels that do not see each other; 1 by default.
    pub fn groups(self, groups: usize) -> Self {
        self.with(|layer| layer.groups(groups))
    }

    /// How far the sequence is extended; [`Padding1d::Same`] by default.
    pub fn padding(mut self, padding: Padding1d) -> Self {
        self.padding = padding;
        self
    }

    /// What it is extended by; [`Border::Zero`] by default.
    pub fn border(self, border: Border) -> Self {
        self.with(|layer| layer.border(border))
    }

    /// The nonlinearity; [`Activation::Identity`] by default.
    pub fn activation(self, activation: Activation) -> Self {
        self.with(|layer| layer.activation(activation))
    }

    /// Reverses the filter, for the mathematical convolution. Off by default.
    pub fn flip(self, flip: bool) -> Self {
        self.with(|layer| layer.flip(flip))
    }

    /// The strategy; [`Strategy::Auto`] by default.
    pub fn strategy(self, strategy: Strategy) -> Self {
        self.with(|layer| layer.strategy(strategy))
    }

    /// The largest error that `Auto` may accept, as [`Conv2dBuilder::tolerance`].
    pub fn tolerance(self, tolerance: f32) -> Self {
        self.with(|layer| layer.tolerance(tolerance))
    }

    /// The instruction set; by default what `TAPWISE_ISA` names, or the best of this machine.
    pub fn isa(self, isa: Isa) -> Self {
        self.with(|layer| layer.isa(isa))
    }

    /// Checks the description and packs the weights.
    ///
    /// # Errors
    /// As [`Conv2dBuilder::build`].
    pub fn build(self) -> Result<Conv1d, Error> {
        let past = self.taps.saturating_sub(1).saturating_mul(self.dilation);
        let sides = |before, after| Padding::Explicit { top: 0, bottom: 0, left: before, right: after };
        let padding = match self.padding {
            Padding1d::Same => Padding::Same,
            Padding1d::Valid => Padding::Valid,
            Padding1d::Causal => sides(past, 0),
            Padding1d::Explicit { before, after } => sides(before, after),
        };
        let layer = self.layer.padding(padding).build().map_err(in_time)?;
        Ok(Conv1d { layer })
    }
}

impl Conv1d {
    /// Begins a layer with a filter of `[K, C_in / groups, C_out]`.
    pub fn builder(filter: ArrayView3<'_, f32>) -> Conv1dBuilder<'_> {
        let taps = filter.len_of(Axis(0));
        let layer = Conv2d::builder(filter.insert_axis(Axis(0)));
        Conv1dBuilder { layer, padding: Padding1d::default(), taps, dilation: 1 }
    }

    /// The same layer as one on pictures of one row, `[1, T, C]`.
    #[must_use]
    pub fn as_conv2d(&self) -> &Conv2d {
        &self.layer
    }

    /// Its filter `[K, C_in / groups, C_out]` as it is correlated.
    #[must_use]
    pub fn filter(&self) -> ArrayView3<'_, f32> {
        self.layer.filter().index_axis_move(Axis(0), 0)
    }

    /// Its bias `[C_out]`.
    #[must_use]
    pub fn bias(&self) -> ArrayView1<'_, f32> {
        self.layer.bias()
    }

    /// How the layer runs on sequences of `length` frames.
    #[must_use]
    pub fn explain(&self, length: usize) -> Explanation {
        self.layer.explain([1, length])
    }

    /// Measures every candidate for sequences of `length` frames, as [`Conv2d::tune`].
    ///
    /// # Errors
    /// As [`Conv2d::tune`].
    pub fn tune(&self, length: usize) -> Result<Explanation, Error> {
        self.layer.tune([1, length])
    }

    /// Runs the layer on a sequence `[T, C_in]`; the answer is `[T', C_out]`.
    ///
    /// # Errors
    /// As [`Conv2d::forward`].
    pub fn forward(&self, input: ArrayView2<'_, f32>) -> Result<Array2<f32>, Error> {
        let answer = self.layer.forward(input.insert_axis(Axis(0))).map_err(in_time)?;
        Ok(answer.index_axis_move(Axis(0), 0))
    }

    /// As [`Conv1d::forward`], into memory that the caller has.
    ///
    /// # Errors
    /// As [`Conv2d::forward_into`].
    pub fn forward_into(
        &self,
        input: ArrayView2<'_, f32>,
        output: ArrayViewMut2<'_, f32>,
    ) -> Result<(), Error> {
        self.layer.forward_into(input.insert_axis(Axis(0)), output.insert_axis(Axis(0))).map_err(in_time)
    }

    /// Runs the layer on every sequence of a batch `[N, T, C_in]`.
    ///
    /// # Errors
    /// As [`Conv2d::forward_batch`].
    pub fn forward_batch(&self, inputs: ArrayView3<'_, f32>) -> Result<Array3<f32>, Error> {
        let answers = self.layer.forward_batch(inputs.insert_axis(Axis(1))).map_err(in_time)?;
        Ok(answers.index_axis_move(Axis(1), 0))
    }

    /// The gradients of a loss, given those of the answer to `input`: as [`Conv2d::backward`].
    ///
    /// # Errors
    /// As [`Conv2d::backward`].
    pub fn backward(
        &self,
        input: ArrayView2<'_, f32>,
        gradient: ArrayView2<'_, f32>,
    ) -> Result<Gradients<Ix2, Ix3>, Error> {
        let found = self.backward_batch(input.insert_axis(Axis(0)), gradient.insert_axis(Axis(0)))?;
        let Gradients { input, filter, bias } = found;
        Ok(Gradients { input: input.index_axis_move(Axis(0), 0), filter, bias })
    }

    /// As [`Conv1d::backward`] for a batch: inputs `[N, T, C_in]`, gradients `[N, T', C_out]`.
    ///
    /// # Errors
    /// As [`Conv2d::backward_batch`].
    pub fn backward_batch(
        &self,
        inputs: ArrayView3<'_, f32>,
        gradients: ArrayView3<'_, f32>,
    ) -> Result<Gradients<Ix3, Ix3>, Error> {
        let (inputs, gradients) = (inputs.insert_axis(Axis(1)), gradients.insert_axis(Axis(1)));
        let Gradients { input, filter, bias } =
            self.layer.backward_batch(inputs, gradients).map_err(in_time)?;
        Ok(Gradients {
            input: input.index_axis_move(Axis(1), 0),
            filter: filter.index_axis_move(Axis(0), 0),
            bias,
        })
    }

    /// The transposed convolution, back to sequences of `length` frames: as [`Conv2d::transposed`].
    ///
    /// # Errors
    /// As [`Conv2d::transposed`].
    pub fn transposed(&self, gradient: ArrayView2<'_, f32>, length: usize) -> Result<Array2<f32>, Error> {
        let sequence = self.layer.transposed(gradient.insert_axis(Axis(0)), [1, length]).map_err(in_time)?;
        Ok(sequence.index_axis_move(Axis(0), 0))
    }

    /// Takes another filter and bias of the same shapes: as [`Conv2d::replace_filter`].
    ///
    /// # Errors
    /// As [`Conv2d::replace_filter`].
    pub fn replace_filter(
        &mut self,
        filter: ArrayView3<'_, f32>,
        bias: ArrayView1<'_, f32>,
    ) -> Result<(), Error> {
        self.layer.replace_filter(filter.insert_axis(Axis(0)), bias).map_err(in_time)
    }
}

/// The message of a layer on pictures in the words of one over time.
fn in_time(error: Error) -> Error {
    let axis = |axis: &'static str| match axis {
        "W" => "T",
        "K_w" => "K",
        "width" => "time",
        other => other,
    };
    match error {
        Error::Length { array, axis: name, found, wanted } => {
            Error::Length { array, axis: axis(name), found, wanted }
        }
        Error::Empty { array, axis: name } => Error::Empty { array, axis: axis(name) },
        Error::FilterExceedsInput { axis: name, extent, padded } => {
            Error::FilterExceedsInput { axis: axis(name), extent, padded }
        }
        Error::Parameter { parameter, found, wanted } => {
            let parameter = match parameter {
                "stride[1]" => "stride",
                "dilation[1]" => "dilation",
                "kernel[1]" => "kernel",
                "padding left" => "padding before",
                "padding right" => "padding after",
                other => other,
            };
            Error::Parameter { parameter, found, wanted }
        }
        other => other,
    }
}
