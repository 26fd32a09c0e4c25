//! The sum of the textbook in f64, written without anything of the library: what it is judged by.

use ndarray::{Array3, ArrayView1, ArrayView3, ArrayView4};
use tapwise::{Activation, Border, ConvSpec, Padding};

/// Half the distance from 1 to the next f32.
pub const ROUNDING: f64 = 1.0 / (1u64 << 24) as f64;

/// The answers, and with each the sum of the sizes of everything that was added.
pub struct Answer {
    pub value: Array3<f64>,
    pub scale: Array3<f64>,
}

/// The pixel of a line of `length` that position `at` shows, walking there step by step.
pub fn shows(border: Border, at: isize, length: usize) -> Option<usize> {
    let (mut at, last) = (at, length as isize - 1);
    while at < 0 || at > last {
        match border {
            Border::Zero => return None,
            Border::Replicate => at = at.clamp(0, last),
            Border::Circular => at += if at < 0 { length as isize } else { -(length as isize) },
            Border::Reflect if last == 0 => at = 0,
            Border::Reflect => at = if at < 0 { -at } else { 2 * last - at },
            other => panic!("no oracle for {other}"),
        }
    }
    Some(at as usize)
}

/// Padding before the first pixel, and outputs, along one axis; no outputs where the filter does
/// not fit.
pub fn axis(spec: &ConvSpec, axis: usize, length: usize) -> (usize, Option<usize>) {
    let extent = (spec.kernel[axis] - 1) * spec.dilation[axis] + 1;
    let stride = spec.stride[axis];
    let (before, after) = match spec.padding {
        Padding::Valid => (0, 0),
        Padding::Explicit { top, bottom, left, right } => [(top, bottom), (left, right)][axis],
        Padding::Same => {
            let outputs = length.div_ceil(stride);
            let total = ((outputs - 1) * stride + extent).saturating_sub(length);
            (total / 2, total.div_ceil(2))
        }
        other => panic!("no oracle for {other:?}"),
    };
    let padded = before + length + after;
    (before, padded.checked_sub(extent).map(|room| room / stride + 1))
}

/// The layer on a picture, or nothing where the filter does not fit.
pub fn answer(
    spec: &ConvSpec,
    filter: ArrayView4<'_, f32>,
    bias: Option<ArrayView1<'_, f32>>,
    activation: &Activation,
    picture: ArrayView3<'_, f32>,
) -> Option<Answer> {
    let (height, width, _) = picture.dim();
    let (top, rows) = axis(spec, 0, height);
    let (left, columns) = axis(spec, 1, width);
    let shape = (rows?, columns?, spec.c_out);
    let mut value = Array3::zeros(shape);
    let mut scale = Array3::zeros(shape);
    let (inputs, outputs) = (spec.c_in / spec.groups, spec.c_out / spec.groups);
    let blank = vec![0.0f32; spec.c_in];
    let picture = picture.as_standard_layout();
    let filter = filter.as_standard_layout();
    for i in 0..shape.0 {
        for j in 0..shape.1 {
            let mut sums = vec![0.0f64; spec.c_out];
            let mut sizes = vec![0.0f64; spec.c_out];
            for a in 0..spec.kernel[0] {
                for b in 0..spec.kernel[1] {
                    let down = (i * spec.stride[0] + a * spec.dilation[0]) as isize - top as isize;
                    let across = (j * spec.stride[1] + b * spec.dilation[1]) as isize - left as isize;
                    let place = shows(spec.border, down, height).zip(shows(spec.border, across, width));
                    let pixel: &[f32] = match place {
                        Some((row, column)) => {
                            &picture.as_slice().unwrap()[(row * width + column) * spec.c_in..][..spec.c_in]
                        }
                        None => &blank,
                    };
                    for c in 0..inputs {
                        let from = ((a * spec.kernel[1] + b) * inputs + c) * spec.c_out;
                        let weights = &filter.as_slice().unwrap()[from..][..spec.c_out];
                        for group in 0..spec.groups {
                            let x = f64::from(pixel[group * inputs + c]);
                            for d in group * outputs..(group + 1) * outputs {
                                let product = f64::from(weights[d]) * x;
                                sums[d] += product;
                                sizes[d] += product.abs();
                            }
                        }
                    }
                }
            }
            for d in 0..spec.c_out {
                let bias = bias.map_or(0.0, |bias| f64::from(bias[d]));
                let sum = sums[d] + bias;
                value[[i, j, d]] = sum;
                scale[[i, j, d]] = sizes[d] + bias.abs();
            }
        }
    }
    Some(Answer { value, scale }.bent(activation))
}

impl Answer {
    /// The answers with something added to each.
    pub fn and(mut self, residual: ArrayView3<'_, f32>) -> Answer {
        self.value.zip_mut_with(&residual, |value, more| *value += f64::from(*more));
        self.scale.zip_mut_with(&residual, |scale, more| *scale += f64::from(more.abs()));
        self
    }

    /// The answers under an activation, which stretches no difference.
    pub fn bent(self, activation: &Activation) -> Answer {
        let Answer { value, scale } = self;
        let relu = |x: f64| if x < 0.0 { 0.0 } else { x };
        let cut = |x: f64, low: f64, high: f64| {
            if x < low {
                low
            } else if x > high {
                high
            } else {
                x
            }
        };
        let bend = |channel: usize, x: f64| match activation {
            Activation::Identity => x,
            Activation::Relu => relu(x),
            Activation::Relu6 => cut(x, 0.0, 6.0),
            Activation::Clamp { low, high } => cut(x, f64::from(*low), f64::from(*high)),
            Activation::LeakyRelu { slope } if x < 0.0 => f64::from(*slope) * x,
            Activation::Prelu(slopes) if x < 0.0 => f64::from(slopes[channel]) * x,
            Activation::LeakyRelu { .. } | Activation::Prelu(_) => x,
            Activation::Crelu => relu(x),
            other => panic!("no oracle for {other:?}"),
        };
        let bent = Array3::from_shape_fn(value.dim(), |(i, j, d)| bend(d, value[[i, j, d]]));
        if *activation != Activation::Crelu {
            return Answer { value: bent, scale };
        }
        let turned = value.mapv(|x| relu(-x));
        let channels = ndarray::Axis(2);
        Answer {
            value: ndarray::concatenate(channels, &[bent.view(), turned.view()]).unwrap(),
            scale: ndarray::concatenate(channels, &[scale.view(), scale.view()]).unwrap(),
        }
    }
}

/// How far a sum of `taps` products and a bias in f32 may be from the exact one, over the sum of
/// the sizes of what is added.
///
/// Every one of the at most `n = 2·taps + 1` roundings (product and sum, where they are not fused)
/// changes a partial sum, which is no larger than the sum of sizes, by half a unit in the last place
/// at most: `n·u` at worst. Roundings of either sign add up as the square root; `λ·√n·u` then holds
/// with a probability of at least `1 - 2·exp(-λ²/2)` (Higham and Mary, "A new approach to
/// probabilistic rounding error analysis", 2019). λ = 6 leaves 3·10^-8 for partial sums that are as
/// large as the sum of sizes throughout, which those of data with signs are not by far.
pub fn bound(taps: usize) -> f64 {
    let roundings = (2 * taps + 1) as f64;
    ROUNDING * roundings.min(6.0 * roundings.sqrt())
}

/// How far an answer may be off: a share of the sum of sizes of what is added, and something beyond.
#[derive(Debug, Clone, Copy)]
pub struct Bound {
    pub relative: f64,
    pub beyond: f64,
}

impl From<f64> for Bound {
    fn from(relative: f64) -> Self {
        Bound { relative, beyond: 0.0 }
    }
}

/// NaN, plus infinity, minus infinity or finite.
fn class(value: f64) -> &'static str {
    match value {
        v if v.is_nan() => "NaN",
        f64::INFINITY => "+inf",
        f64::NEG_INFINITY => "-inf",
        _ => "finite",
    }
}

/// Judges an answer: each number of the class of the exact one, and within `bound` where it is finite.
pub fn judge(found: ArrayView3<'_, f32>, answer: &Answer, bound: impl Into<Bound>) -> Result<(), String> {
    let Bound { relative, beyond } = bound.into();
    if found.dim() != answer.value.dim() {
        return Err(format!("the output is {:?}, wanted {:?}", found.dim(), answer.value.dim()));
    }
    for ((place, &wanted), (&found, &scale)) in
        answer.value.indexed_iter().zip(found.iter().zip(&answer.scale))
    {
        let found = f64::from(found);
        // An infinite product has no size to err by, but then the answer is not finite either.
        let good = class(found) == class(wanted)
            && (!wanted.is_finite()
                || (found - wanted).abs() <= relative * scale + beyond + f64::from(f32::MIN_POSITIVE));
        if !good {
            return Err(format!(
                "{place:?} is {found:e}, wanted {wanted:e} within {:e}; off by {:e}",
                relative * scale + beyond,
                (found - wanted).abs()
            ));
        }
    }
    Ok(())
}
