//! What happens to a sum before it is stored: bias, residual, activation.

use aligned_vec::AVec;
use ndarray::{Array1, Array3, ArrayView1, ArrayView3, ArrayViewMut3, Axis, Zip, s};

use crate::error::Error;
use crate::layer::zeros_like;

/// The nonlinearity that follows the sum, fused into the store.
///
/// ```
/// use ndarray::{Array3, Array4, array};
/// use tapwise::{Activation, Conv2d};
///
/// let filter = array![1.0, -1.0].into_shape_with_order((1, 1, 1, 2)).unwrap();
/// let run = |activation| {
///     let layer = Conv2d::builder(filter.view()).activation(activation).build()?;
///     layer.forward(Array3::from_elem((1, 1, 1), 8.0).view()).map(|answer| answer.into_raw_vec_and_offset().0)
/// };
/// assert_eq!(run(Activation::Identity)?, [8.0, -8.0]);
/// assert_eq!(run(Activation::Relu)?, [8.0, 0.0]);
/// assert_eq!(run(Activation::Relu6)?, [6.0, 0.0]);
/// assert_eq!(run(Activation::Clamp { low: -3.0, high: 4.0 })?, [4.0, -3.0]);
/// assert_eq!(run(Activation::LeakyRelu { slope: 0.25 })?, [8.0, -2.0]);
/// assert_eq!(run(Activation::Prelu(array![0.25, 0.5]))?, [8.0, -4.0]);
/// assert_eq!(run(Activation::Crelu)?, [8.0, 0.0, 0.0, 8.0]);
/// # Ok::<(), tapwise::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub enum Activation {
    /// None: the sum as it is.
    #[default]
    Identity,
    /// `max(0, x)`; NaN stays NaN.
    Relu,
    /// `min(6, max(0, x))`; NaN stays NaN.
    Relu6,
    /// `min(high, max(low, x))`; NaN stays NaN. Either bound may be infinite.
    Clamp {
        /// The least answer.
        low: f32,
        /// The greatest answer.
        high: f32,
    },
    /// `x`, or `slope·x` where x is below 0.
    LeakyRelu {
        /// What negative numbers are multiplied by.
        slope: f32,
    },
    /// `x`, or `slope[d]·x` where x is below 0: a slope for each output channel, `[C_out]` (He et al.,
    /// "Delving deep into rectifiers", 2015).
    Prelu(Array1<f32>),
    /// `max(0, x)` and, as many channels more, `max(0, −x)`: the answer has `2·C_out` channels
    /// (Shang et al., "Understanding and improving convolutional neural networks via concatenated
    /// rectified linear units", 2016).
    Crelu,
}

impl Activation {
    /// Channels of the answer of a layer whose filter has `c_out`.
    #[must_use]
    pub fn channels(&self, c_out: usize) -> usize {
        match self {
            Activation::Crelu => 2 * c_out,
            _ => c_out,
        }
    }

    /// What answers are cut off at, below and above.
    fn range(&self) -> [f32; 2] {
        match *self {
            Activation::Relu => [0.0, f32::INFINITY],
            Activation::Relu6 => [0.0, 6.0],
            Activation::Clamp { low, high } => [low, high],
            _ => [f32::NEG_INFINITY, f32::INFINITY],
        }
    }

    /// The answer to `x` in channel `channel` of the sums; for CReLU the first half of it.
    pub(crate) fn of(&self, channel: usize, x: f64) -> f64 {
        let slope = match self {
            Activation::LeakyRelu { slope } => Some(*slope),
            Activation::Prelu(slopes) => slopes.get(channel).copied(),
            _ => None,
        };
        match (self, slope) {
            (Activation::Crelu, _) => at_least(0.0, x),
            (_, Some(slope)) if x < 0.0 => x * f64::from(slope),
            (_, Some(_)) => x,
            _ => {
                let [floor, ceiling] = self.range().map(f64::from);
                at_most(ceiling, at_least(floor, x))
            }
        }
    }

    /// What the answer changes by with `x`, for CReLU the first half of it. At a corner of ReLU, and at
    /// either bound of a range: 0; at 0 of the leaky ones: the slope.
    pub(crate) fn derivative(&self, channel: usize, x: f32) -> f32 {
        let [floor, ceiling] = self.range();
        match self {
            Activation::Identity => 1.0,
            Activation::LeakyRelu { slope } if x <= 0.0 => *slope,
            Activation::Prelu(slopes) if x <= 0.0 => slopes.get(channel).copied().unwrap_or(1.0),
            Activation::LeakyRelu { .. } | Activation::Prelu(_) => 1.0,
            Activation::Crelu => f32::from(x > 0.0),
            Activation::Relu | Activation::Relu6 | Activation::Clamp { .. } => {
                f32::from(x > floor && x < ceiling)
            }
        }
    }

    /// Applies it to every number of an array `[H, W, C]`.
    pub(crate) fn apply(&self, sums: Array3<f32>) -> Result<Array3<f32>, Error> {
        let (height, width, channels) = sums.dim();
        self.check(channels)?;
        if *self == Activation::Crelu {
            let mut answer = zeros_like(&sums.view(), ndarray::Dim([height, width, 2 * channels]));
            spread(sums.view(), answer.view_mut());
            return Ok(answer);
        }
        let mut answer = sums;
        for ((_, _, channel), value) in answer.indexed_iter_mut() {
            *value = self.of(channel, f64::from(*value)) as f32;
        }
        Ok(answer)
    }

    /// Refuses slopes that are not one for each output channel, and a range that holds no number.
    pub(crate) fn check(&self, c_out: usize) -> Result<(), Error> {
        match self {
            Activation::Prelu(slopes) if slopes.len() != c_out => {
                Err(Error::Length { array: "slopes", axis: "C_out", found: slopes.len(), wanted: c_out })
            }
            Activation::Clamp { low, high } if low.is_nan() || high.is_nan() || low > high => {
                Err(Error::Parameter {
                    parameter: "activation",
                    found: format!("{self:?}"),
                    wanted: "a low bound that is at most the high one".to_owned(),
                })
            }
            _ => Ok(()),
        }
    }

    /// The name in drawings and messages.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Activation::Identity => "identity",
            Activation::Relu => "ReLU",
            Activation::Relu6 => "ReLU6",
            Activation::Clamp { .. } => "clamp",
            Activation::LeakyRelu { .. } => "leaky ReLU",
            Activation::Prelu(_) => "PReLU",
            Activation::Crelu => "CReLU",
        }
    }
}

/// Bias and activation of a layer, as its kernels want them.
#[derive(Debug, Clone)]
pub(crate) struct Epilogue {
    /// One for each channel of the sums; zeros where the layer has none.
    pub(crate) bias: AVec<f32>,
    /// What a sum below zero is multiplied by, one for each channel; empty where it is left alone.
    pub(crate) slopes: AVec<f32>,
    pub(crate) activation: Activation,
    /// Sums are raised to this.
    pub(crate) floor: f32,
    /// Sums are lowered to this.
    pub(crate) ceiling: f32,
}

impl Epilogue {
    /// Of a layer of `c_out` channels.
    pub(crate) fn new(bias: Option<ArrayView1<'_, f32>>, c_out: usize, activation: Activation) -> Self {
        let bias = match bias {
            Some(bias) => AVec::from_iter(64, bias.iter().copied()),
            None => AVec::from_iter(64, std::iter::repeat_n(0.0, c_out)),
        };
        let slopes = match &activation {
            Activation::LeakyRelu { slope } => AVec::from_iter(64, std::iter::repeat_n(*slope, c_out)),
            Activation::Prelu(slopes) => AVec::from_iter(64, slopes.iter().copied()),
            _ => AVec::new(64),
        };
        let [floor, ceiling] = activation.range();
        Epilogue { bias, slopes, activation, floor, ceiling }
    }

    /// Of a layer of `c_out` channels without bias and activation.
    pub(crate) fn linear(c_out: usize) -> Self {
        Self::new(None, c_out, Activation::Identity)
    }

    /// Whether an answer is its sum and another one: kernels of interleaved memory then leave the sums
    /// as they are.
    pub(crate) fn doubles(&self) -> bool {
        self.activation == Activation::Crelu
    }

    /// Channels of the answer.
    pub(crate) fn channels(&self) -> usize {
        self.activation.channels(self.bias.len())
    }

    /// Finishes rows of sums `[rows, W, C_out]` that come out of a library without their bias, but for
    /// the second half of a CReLU.
    pub(crate) fn finish(&self, sums: &mut [f32], residual: Option<ArrayView3<'_, f32>>) {
        let channels = self.bias.len();
        if let Some(residual) = residual {
            sums.iter_mut().zip(residual).for_each(|(sum, more)| *sum += more);
        }
        for pixel in sums.chunks_exact_mut(channels) {
            for (value, bias) in pixel.iter_mut().zip(self.bias.iter()) {
                *value += bias;
            }
            for (value, slope) in pixel.iter_mut().zip(self.slopes.iter()) {
                *value = if *value < 0.0 { *value * slope } else { *value };
            }
            for value in pixel {
                *value = at_most(self.ceiling, at_least(self.floor, *value));
            }
        }
    }

    /// What becomes of the sums of channel `channel`, and which channel of the answer each is: one, or two
    /// for a CReLU.
    pub(crate) fn ways(&self, channel: usize) -> impl Iterator<Item = (Channel, usize)> {
        let (doubles, channels) = (self.doubles(), self.bias.len());
        let floor = if doubles { 0.0 } else { self.floor };
        let one = Channel {
            bias: self.bias[channel],
            sign: 1.0,
            slope: self.slopes.get(channel).copied().unwrap_or(1.0),
            floor,
            ceiling: self.ceiling,
        };
        let other = doubles.then_some((Channel { sign: -1.0, ..one }, channels + channel));
        [(one, channel)].into_iter().chain(other)
    }

    /// Puts finished rows of sums where the answer is wanted: as they are, or for CReLU twice.
    pub(crate) fn deliver(&self, sums: ArrayView3<'_, f32>, mut answer: ArrayViewMut3<'_, f32>) {
        if self.doubles() {
            spread(sums, answer);
        } else {
            answer.assign(&sums);
        }
    }
}

/// What becomes of the sums of one channel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Channel {
    bias: f32,
    /// −1 in the second half of a CReLU.
    sign: f32,
    /// What a sum below zero is multiplied by.
    slope: f32,
    floor: f32,
    ceiling: f32,
}

impl Channel {
    /// The answer of a sum, without its bias, to which the residual was added.
    pub(crate) fn of(&self, sum: f32) -> f32 {
        let value = self.sign * (sum + self.bias);
        let value = if value < 0.0 { value * self.slope } else { value };
        at_most(self.ceiling, at_least(self.floor, value))
    }
}

/// `max(0, x)` into the first half of the channels of `answer`, `max(0, −x)` into the second.
fn spread(sums: ArrayView3<'_, f32>, answer: ArrayViewMut3<'_, f32>) {
    let (positive, negative) = answer.split_at(Axis(2), sums.len_of(Axis(2)));
    Zip::from(positive).and(negative).and(sums).for_each(|positive, negative, &sum| {
        *positive = at_least(0.0, sum);
        *negative = at_least(0.0, -sum);
    });
}

/// A residual's rows `first..first + rows`.
pub(crate) fn residual_rows<'x>(
    residual: Option<ArrayView3<'x, f32>>,
    first: usize,
    rows: usize,
) -> Option<ArrayView3<'x, f32>> {
    residual.map(|residual| residual.slice_move(s![first..first + rows, .., ..]))
}

/// `max(floor, value)` where NaN stays NaN.
pub(crate) fn at_least<F: PartialOrd>(floor: F, value: F) -> F {
    if value < floor { floor } else { value }
}

/// `min(ceiling, value)` where NaN stays NaN.
pub(crate) fn at_most<F: PartialOrd>(ceiling: F, value: F) -> F {
    if value > ceiling { ceiling } else { value }
}
