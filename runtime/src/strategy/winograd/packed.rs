//! The weights of a layer as a pair of transforms wants them: `V = G g Gᵀ`, a matrix
//! `[C_in, C_out]` for each product of a tile.

use aligned_vec::AVec;
use ndarray::{Array4, ArrayView4};

use super::choice::Pair;
use crate::epilogue::Epilogue;
use crate::isa::Isa;
use crate::kernel::Family;
use crate::spec::ConvSpec;
use crate::strategy::direct;
use crate::tiled::Tiled;

/// Weights, transformed in f64 and rounded once, with what finishes the sums.
#[derive(Debug)]
pub(super) struct Packed {
    /// The products of a tile, as groups of a pointwise layer.
    pub(super) products: Tiled,
    /// Bias, padded to whole vectors.
    pub(super) bias: AVec<f32>,
    /// Slopes below zero, laid out as the bias; or none.
    pub(super) slopes: AVec<f32>,
}

/// The layer that the products of a tile are: as many groups as products, and a pixel for each tile.
pub(super) fn pointwise(pair: &Pair, spec: &ConvSpec) -> ConvSpec {
    let products = pair.products();
    let c_out = products * pair.padded(spec.c_out);
    ConvSpec { groups: products, ..ConvSpec::new([1, 1], products * spec.c_in, c_out) }
}

impl Packed {
    /// Transforms a filter `[K_h, K_w, C_in, C_out]`, or nothing where this machine lacks the
    /// instruction set.
    pub(super) fn new(
        isa: Isa,
        pair: &Pair,
        spec: &ConvSpec,
        filter: &Array4<f32>,
        epilogue: &Epilogue,
    ) -> Option<Self> {
        let kernel = direct::of_family(isa, Family::ChannelsOut)?.ready()?;
        let pointwise = pointwise(pair, spec);
        let weights = transformed(pair, spec, filter.view());
        let products = Tiled::new(kernel, &pointwise, weights.view(), &Epilogue::linear(pointwise.c_out));
        let padded = |values: &[f32], beyond: f32| {
            let beyond = std::iter::repeat_n(beyond, pair.padded(spec.c_out) - spec.c_out);
            AVec::from_iter(64, values.iter().copied().chain(beyond))
        };
        let slopes = if epilogue.slopes.is_empty() { AVec::new(64) } else { padded(&epilogue.slopes, 1.0) };
        Some(Packed { products, bias: padded(&epilogue.bias, 0.0), slopes })
    }

    /// Bytes of weights, biases and slopes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.products.bytes() + size_of::<f32>() * (self.bias.len() + self.slopes.len())
    }
}

/// `[1, 1, C_in, products · C_out]`, the output channels padded with zeros.
fn transformed(pair: &Pair, spec: &ConvSpec, filter: ArrayView4<'_, f32>) -> Array4<f32> {
    let padded = pair.padded(spec.c_out);
    let [down, across] = pair.algorithms();
    let [rows, columns] = [down.products(), across.products()];
    let mut weights = Array4::zeros((1, 1, spec.c_in, rows * columns * padded));
    let mut sums = vec![0.0f64; spec.c_out];
    let mut half = vec![0.0f64; rows * across.taps * spec.c_out];
    for c in 0..spec.c_in {
        // G g, then (G g) Gᵀ, for all output channels of an input channel at once.
        for (row, half) in half.chunks_exact_mut(across.taps * spec.c_out).enumerate() {
            for (b, sums) in half.chunks_exact_mut(spec.c_out).enumerate() {
                sums.fill(0.0);
                for a in 0..down.taps {
                    let factor = down.filter[row * down.taps + a];
                    for (d, sum) in sums.iter_mut().enumerate() {
                        *sum += factor * f64::from(filter[[a, b, c, d]]);
                    }
                }
            }
        }
        for (row, half) in half.chunks_exact(across.taps * spec.c_out).enumerate() {
            for column in 0..columns {
                sums.fill(0.0);
                for (b, half) in half.chunks_exact(spec.c_out).enumerate() {
                    let factor = across.filter[column * across.taps + b];
                    sums.iter_mut().zip(half).for_each(|(sum, half)| *sum += factor * half);
                }
                let first = (row * columns + column) * padded;
                for (d, sum) in sums.iter().enumerate() {
                    weights[[0, 0, c, first + d]] = *sum as f32;
                }
            }
        }
    }
    weights
}
