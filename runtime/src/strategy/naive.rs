//! The textbook's sum, loop by loop: readable, and the oracle that every other strategy is judged by.
//!
//! `H[i,j,d] = u[d] + Σ_a Σ_b Σ_c V[a,b,c,d] · X[i·s + a·δ − top, j·s + b·δ − left, c]`

use ndarray::{Array4, ArrayView3};

use super::{Band, Path, Strategy};
use crate::engine::Fit;
use crate::epilogue::Epilogue;
use crate::frame::Frame;
use crate::workspace::Scratch;

/// The naive strategy of one layer.
#[derive(Debug)]
pub(crate) struct Naive {
    /// `[K_h, K_w, C_in / groups, C_out]`.
    pub(crate) filter: Array4<f32>,
}

/// One output, summed in f64 in the order of the formula.
pub(crate) fn sum(
    frame: &Frame,
    filter: &Array4<f32>,
    input: &ArrayView3<'_, f32>,
    [row, column, channel]: [usize; 3],
) -> f64 {
    let spec = &frame.spec;
    let first_channel = channel / spec.c_out_group() * spec.c_in_group();
    let mut sum = 0.0;
    for a in 0..spec.kernel[0] {
        let source_row = frame.source_row(row, a);
        for b in 0..spec.kernel[1] {
            let source_column = frame.padded_column(column * spec.stride[1] + b * spec.dilation[1]);
            for c in 0..spec.c_in_group() {
                let pixel = match (source_row, source_column) {
                    (Some(row), Some(column)) => input[[row, column, first_channel + c]],
                    _ => 0.0,
                };
                sum += f64::from(filter[[a, b, c, channel]]) * f64::from(pixel);
            }
        }
    }
    sum
}

/// One output of the layer in f64: the sum, the bias, what `more` adds to the channel, the activation.
pub(crate) fn answer(
    frame: &Frame,
    filter: &Array4<f32>,
    epilogue: &Epilogue,
    input: &ArrayView3<'_, f32>,
    more: impl Fn(usize) -> f64,
    [row, column, channel]: [usize; 3],
) -> f64 {
    // The second half of a CReLU is of the sums with their signs turned.
    let c_out = frame.spec.c_out;
    let (channel, sign) = if channel < c_out { (channel, 1.0) } else { (channel - c_out, -1.0) };
    let sum = sum(frame, filter, input, [row, column, channel]);
    epilogue.activation.of(channel, sign * (sum + f64::from(epilogue.bias[channel]) + more(channel)))
}

impl Path for Naive {
    fn strategy(&self) -> Strategy {
        Strategy::Naive
    }

    #[cfg(test)]
    fn packed_bytes(&self) -> usize {
        size_of::<f32>() * self.filter.len()
    }

    fn band(&self, band: Band<'_, '_, '_>, _fit: &Fit, _scratch: &mut Scratch) {
        let Band { frame, epilogue, input, mut output, residual, first } = band;
        for ((row, column, channel), value) in output.indexed_iter_mut() {
            let place = [first + row, column, channel];
            let more = |channel| residual.map_or(0.0, |residual| f64::from(residual[[row, column, channel]]));
            *value = answer(frame, &self.filter, epilogue, &input, more, place) as f32;
        }
    }
}
