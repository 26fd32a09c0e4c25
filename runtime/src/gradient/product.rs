//! Matrix products by the library's own kernels: a product is a convolution of one tap.

use ndarray::{ArrayView3, ArrayView4, ArrayViewMut3};

use crate::epilogue::Epilogue;
use crate::error::Error;
use crate::fit::Fit;
use crate::frame::Frame;
use crate::isa::Isa;
use crate::kernel::{Family, Ready};
use crate::spec::{ConvSpec, Padding};
use crate::strategy::{Band, direct};
use crate::tiled::Tiled;
use crate::workspace::Scratch;

/// Most pixels of a row that a left matrix is laid out as: rows that share the second-level cache.
const WIDEST: usize = 128;

/// Multiplies by the run-time kernels of an instruction set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Product {
    kernel: Ready,
    cache: usize,
}

/// Memory that products need.
#[derive(Debug)]
pub(super) struct Memory {
    scratch: Scratch,
    block: Vec<f32>,
}

impl Default for Memory {
    fn default() -> Self {
        Memory { scratch: Scratch::new(), block: Vec::new() }
    }
}

impl Product {
    /// `cache` is the second-level cache in bytes.
    pub(super) fn new(isa: Isa, cache: usize) -> Result<Self, Error> {
        let kernel = direct::of_family(isa, Family::ChannelsOut).and_then(|kernel| kernel.ready());
        let kernel = kernel.ok_or_else(|| Error::InstructionSet {
            found: isa.to_string(),
            available: Isa::available().collect(),
        })?;
        Ok(Product { kernel, cache })
    }

    /// Gives `left · right` to `take`, some rows at a time: `take(first, rows)` with the rows
    /// `[.., N]` of the product one after another.
    ///
    /// `left` is `[M, K]` in row-major order: a picture of `M` pixels with `K` channels. `right` is
    /// `[K, N]`, with `N` columns: its filter.
    pub(super) fn of(
        &self,
        memory: &mut Memory,
        left: &[f32],
        (right, columns): (&[f32], usize),
        mut take: impl FnMut(usize, &[f32]),
    ) -> Result<(), Error> {
        let inner = right.len() / columns;
        let pixels = left.len() / inner;
        let width = width(pixels);
        let spec = ConvSpec { padding: Padding::Valid, ..ConvSpec::new([1, 1], inner, columns) };
        let frame = Frame::new(spec, [pixels / width, width])?;
        let epilogue = Epilogue::linear(columns);
        let input = ArrayView3::from_shape((pixels / width, width, inner), left);
        let filter = ArrayView4::from_shape((1, 1, inner, columns), right);
        let (Ok(input), Ok(filter)) = (input, filter) else {
            debug_assert!(false, "matrices of whole rows");
            return Ok(());
        };
        let layer = Tiled::new(self.kernel, &spec, filter, &epilogue);
        let fit: Fit = layer.fit(&frame, self.cache, 1);
        let rows = frame.output[0];
        // As many rows at once as leave the product in the cache beside its factors.
        let at_once = (self.cache / 16 / (width * columns)).clamp(1, rows);
        memory.block.resize(at_once * width * columns, 0.0);
        for first in (0..rows).step_by(at_once) {
            let rows = at_once.min(rows - first);
            let block = &mut memory.block[..rows * width * columns];
            if let Ok(output) = ArrayViewMut3::from_shape((rows, width, columns), &mut *block) {
                let band = Band { frame: &frame, epilogue: &epilogue, input, output, residual: None, first };
                layer.band(band, &fit, &mut memory.scratch);
            }
            take(first * width, block);
        }
        Ok(())
    }

    /// Gives to `take(place, sums)` the sums of each tap, `[channels, columns]`.
    ///
    /// `line(place, row)` is what a tap sees, from its first channel on; `right` the gradients,
    /// `[rows · width, columns]`.
    pub(super) fn of_taps<'l>(
        &self,
        memory: &mut Memory,
        tap: &Tap,
        places: usize,
        line: impl Fn(usize, usize) -> &'l [f32],
        right: &[f32],
        mut take: impl FnMut(usize, &[f32]),
    ) -> Result<(), Error> {
        let Tap { rows, width, channels, columns, .. } = *tap;
        let spec = ConvSpec { padding: Padding::Valid, ..ConvSpec::new([1, 1], rows * width, columns) };
        let epilogue = Epilogue::linear(columns);
        let Ok(filter) = ArrayView4::from_shape((1, 1, rows * width, columns), right) else {
            debug_assert!(false, "a gradient for each output");
            return Ok(());
        };
        let layer = Tiled::new(self.kernel, &spec, filter, &epilogue);
        let tiling = layer.tiling(channels);
        // As many taps at once as leave their sums in the cache beside the gradients.
        let at_once = (self.cache / 16 / (channels * columns)).clamp(1, places);
        memory.block.resize(at_once * channels * columns, 0.0);
        let mut table = Vec::with_capacity(at_once * rows);
        for first in (0..places).step_by(at_once) {
            let last = places.min(first + at_once);
            table.clear();
            table.extend(
                (first..last)
                    .flat_map(|place| (0..rows).map(move |row| (place, row)))
                    .map(|(p, r)| line(p, r)),
            );
            let block = &mut memory.block[..(last - first) * channels * columns];
            let mut outputs: Vec<&mut [f32]> = block.chunks_exact_mut(channels * columns).collect();
            layer.sum_rows(&table, &mut outputs, &tiling, [rows, width, tap.step, channels]);
            for (place, sums) in (first..).zip(&outputs) {
                take(place, sums);
            }
        }
        Ok(())
    }
}

/// How the weights of a tap are summed: for each of `channels` pixels, `step` numbers apart, the
/// products of `rows` rows of `width` numbers with as many rows of `columns` gradients.
pub(super) struct Tap {
    pub(super) rows: usize,
    pub(super) width: usize,
    pub(super) channels: usize,
    pub(super) step: usize,
    pub(super) columns: usize,
}

/// The largest divisor of `pixels` that is no more than [`WIDEST`]; all of them where there is none
/// worth the name.
fn width(pixels: usize) -> usize {
    let divisor = (1..=WIDEST.min(pixels)).rev().find(|width| pixels.is_multiple_of(*width));
    divisor.filter(|width| *width >= 16).unwrap_or(pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_the_sum_of_its_terms() {
        let (m, k, n) = (67, 5, 19);
        let left: Vec<f32> = (0..m * k).map(|at| (at % 13) as f32 - 6.0).collect();
        let right: Vec<f32> = (0..k * n).map(|at| (at % 11) as f32 - 5.0).collect();
        for isa in Isa::available() {
            for cache in [1 << 10, 1 << 20] {
                let mut found = vec![f32::NAN; m * n];
                let product = Product::new(isa, cache).unwrap();
                let mut memory = Memory::default();
                product
                    .of(&mut memory, &left, (&right, n), |first, rows| {
                        found[first * n..][..rows.len()].copy_from_slice(rows)
                    })
                    .unwrap();
                for i in 0..m {
                    for j in 0..n {
                        let wanted: f32 = (0..k).map(|at| left[i * k + at] * right[at * n + j]).sum();
                        assert_eq!(found[i * n + j], wanted, "{isa} {i} {j}");
                    }
                }
            }
        }
    }

    #[test]
    fn rows_are_divisors_or_everything() {
        assert_eq!([27, 576, 67, 131, 4608, 1].map(width), [27, 96, 67, 131, 128, 1]);
    }
}
