//! The stages of a small network: what each computes, and its gradients.

use ndarray::{Array, Array4, ArrayView4, Axis, CowArray, Dimension, Ix2, s};
use tapwise::dense::Dense;
use tapwise::{Activation, Conv2d, ConvSpec, Error, Padding, Pooling, Strategy};

use crate::reference::Noise;

/// A stage as it is asked for; how many numbers it takes in follows from the stage before.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Stage {
    /// A convolution, equation (8), without padding: `[N, H, W, C]` becomes
    /// `[N, H − K_h + 1, W − K_w + 1, channels]`.
    Convolution {
        /// Rows and columns of the filter.
        kernel: [usize; 2],
        /// Output channels.
        channels: usize,
        /// Whether a ReLU follows the sum.
        relu: bool,
    },
    /// Global max pooling, equation (11): `[N, H, W, C]` becomes `[N, 1, 1, C]`.
    GlobalMax,
    /// A dense layer, equation (1), to hidden units in no order: `[N, H, W, C]` becomes
    /// `[N, 1, 1, units]`.
    Dense {
        /// Hidden units.
        units: usize,
        /// Whether a ReLU follows the sum.
        relu: bool,
    },
}

/// The derivative of a loss by the parameters of a stage, flattened as the stage keeps them; empty
/// for a stage without parameters.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Slopes {
    /// `∂L/∂V`, equation (13), or by the weights of a dense layer.
    pub weights: Vec<f32>,
    /// `∂L/∂u`, equation (14).
    pub bias: Vec<f32>,
}

/// What changes the weights and the bias of a stage.
pub type Change<'a> = dyn FnMut(&mut [f32], &mut [f32]) -> Result<(), Error> + 'a;

/// A stage with its parameters.
#[derive(Debug)]
pub(super) enum Body {
    Convolution(Box<Conv2d>),
    GlobalMax,
    Dense { layer: Dense, relu: bool },
}

impl Body {
    /// Builds a stage for pictures `[H, W, C]`, its weights drawn at random; answers it with the
    /// size of what it puts out.
    pub(super) fn new(
        stage: Stage,
        input: [usize; 3],
        noise: &mut Noise,
    ) -> Result<(Self, [usize; 3]), Error> {
        let [height, width, channels_in] = input;
        match stage {
            Stage::Convolution { kernel: [rows, columns], channels, relu } => {
                let spec = ConvSpec {
                    padding: Padding::Valid,
                    ..ConvSpec::new([rows, columns], channels_in, channels)
                };
                spec.validate()?;
                let [height, width] = spec.output([height, width])?;
                let range = spread(relu, [spec.taps(), rows * columns * channels]);
                let shape = (rows, columns, channels_in, channels);
                let filter = Array4::from_shape_simple_fn(shape, || range * noise.unit());
                let layer = Conv2d::builder(filter.view())
                    .spec(&spec)
                    .activation(if relu { Activation::Relu } else { Activation::Identity })
                    // The planner's choice depends on the threads, and sums on the choice.
                    .strategy(Strategy::Direct)
                    .build()?;
                Ok((Body::Convolution(Box::new(layer)), [height, width, channels]))
            }
            Stage::GlobalMax => Ok((Body::GlobalMax, [1, 1, channels_in])),
            Stage::Dense { units, relu } => {
                let mut layer = Dense::zeros(input, [1, 1, units])?;
                let range = spread(relu, [layer.weights().ncols(), units]);
                layer.weights_mut().mapv_inplace(|_| range * noise.unit());
                Ok((Body::Dense { layer, relu }, [1, 1, units]))
            }
        }
    }

    /// Parameters that are learnt.
    pub(super) fn parameters(&self) -> usize {
        match self {
            Body::Convolution(layer) => layer.filter().len() + layer.bias().len(),
            Body::GlobalMax => 0,
            Body::Dense { layer, .. } => layer.weights().len() + layer.bias().len(),
        }
    }

    /// Runs the stage on a batch.
    pub(super) fn forward(&self, inputs: ArrayView4<'_, f32>) -> Result<Array4<f32>, Error> {
        match self {
            Body::Convolution(layer) => layer.forward_batch(inputs),
            Body::GlobalMax => {
                let mut pooled = Array4::zeros((inputs.len_of(Axis(0)), 1, 1, inputs.len_of(Axis(3))));
                for (input, mut pooled) in inputs.outer_iter().zip(pooled.outer_iter_mut()) {
                    pooled.slice_mut(s![0, 0, ..]).assign(&Pooling::Max.of(input)?);
                }
                Ok(pooled)
            }
            Body::Dense { layer, relu } => {
                let mut hidden = layer.forward_flat(flat(&inputs)?.view())?;
                if *relu {
                    hidden.mapv_inplace(|value| if value < 0.0 { 0.0 } else { value });
                }
                Ok(hidden.insert_axis(Axis(1)).insert_axis(Axis(1)))
            }
        }
    }

    /// The derivatives by the inputs and by the parameters, from the one by the outputs. Of the
    /// `first` stage, whose inputs nobody learns, the former may be left out.
    pub(super) fn backward(
        &self,
        inputs: ArrayView4<'_, f32>,
        outputs: ArrayView4<'_, f32>,
        gradients: ArrayView4<'_, f32>,
        first: bool,
    ) -> Result<(Array4<f32>, Slopes), Error> {
        match self {
            Body::Convolution(layer) => {
                let slopes = match first {
                    true => layer.backward_filter_batch(inputs, gradients)?,
                    false => layer.backward_batch(inputs, gradients)?,
                };
                let own = Slopes { weights: numbers(&slopes.filter), bias: numbers(&slopes.bias) };
                Ok((slopes.input, own))
            }
            Body::GlobalMax => {
                let mut slopes = Array4::zeros(inputs.raw_dim());
                for ((n, _, _, d), slope) in gradients.indexed_iter() {
                    if let Some([i, j]) = hottest(&inputs, n, d) {
                        slopes[[n, i, j, d]] = *slope;
                    }
                }
                Ok((slopes, Slopes::default()))
            }
            Body::Dense { layer, relu } => {
                let mut gradients = flat(&gradients)?.into_owned();
                if *relu {
                    gradients.zip_mut_with(&flat(&outputs)?, |slope, &output| {
                        if output <= 0.0 {
                            *slope = 0.0;
                        }
                    });
                }
                let slopes = layer.backward_flat(flat(&inputs)?.view(), gradients.view())?;
                let input = slopes.input.to_shape(inputs.raw_dim()).map(CowArray::into_owned);
                let own = Slopes { weights: numbers(&slopes.weights), bias: numbers(&slopes.bias) };
                let (found, wanted) = (slopes.input.len(), inputs.len());
                let misshapen = |_| Error::Length { array: "gradient", axis: "inputs", found, wanted };
                Ok((input.map_err(misshapen)?, own))
            }
        }
    }

    /// Changes weights and bias in place.
    pub(super) fn change(&mut self, change: &mut Change<'_>) -> Result<(), Error> {
        match self {
            Body::Convolution(layer) => {
                let mut filter = layer.filter().as_standard_layout().into_owned();
                let mut bias = layer.bias().as_standard_layout().into_owned();
                if let (Some(weights), Some(constants)) = (filter.as_slice_mut(), bias.as_slice_mut()) {
                    change(weights, constants)?;
                }
                layer.replace_filter(filter.view(), bias.view())
            }
            Body::GlobalMax => Ok(()),
            Body::Dense { layer, .. } => {
                let mut bias = layer.bias().to_vec();
                if let Some(weights) = layer.weights_mut().as_slice_mut() {
                    change(weights, &mut bias)?;
                }
                layer.bias_mut().iter_mut().zip(bias).for_each(|(to, from)| *to = from);
                Ok(())
            }
        }
    }
}

/// The largest weight at the start: that of He et al. 2015 before a ReLU, that of Glorot and
/// Bengio 2010 otherwise; uniform, for numbers in and numbers out.
fn spread(relu: bool, [fan_in, fan_out]: [usize; 2]) -> f32 {
    let variance = if relu { 2.0 / fan_in as f32 } else { 2.0 / (fan_in as f32 + fan_out as f32) };
    (3.0 * variance).sqrt()
}

/// Where a channel of a picture is largest; the first such pixel of several, and NaN before any.
fn hottest(pictures: &ArrayView4<'_, f32>, n: usize, d: usize) -> Option<[usize; 2]> {
    let mut best: Option<([usize; 2], f32)> = None;
    for ((i, j), &value) in pictures.slice(s![n, .., .., d]).indexed_iter() {
        if best.is_none_or(|(_, most)| value > most || (value.is_nan() && !most.is_nan())) {
            best = Some(([i, j], value));
        }
    }
    best.map(|(at, _)| at)
}

/// A batch with every picture in one row; copied only where it does not lie so in memory.
pub(super) fn flat<'a>(batch: &'a ArrayView4<'_, f32>) -> Result<CowArray<'a, f32, Ix2>, Error> {
    let (count, height, width, channels) = batch.dim();
    let (found, wanted) = (batch.len(), count * height * width * channels);
    let misshapen = |_| Error::Length { array: "input", axis: "N", found, wanted };
    batch.to_shape((count, height * width * channels)).map_err(misshapen)
}

/// The numbers of an array, row by row.
fn numbers<D: Dimension>(array: &Array<f32, D>) -> Vec<f32> {
    array.as_slice().map_or_else(|| array.iter().copied().collect(), <[f32]>::to_vec)
}
