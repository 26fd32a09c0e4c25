//! Fewer products for each output: a tile of m×m outputs of an r×r filter takes (m + r − 1)² products
//! for each channel in and out instead of m²r² (Winograd, *Arithmetic complexity of computations*, 1980;
//! Lavin and Gray, "Fast algorithms for convolutional neural networks", 2016, equation 8):
//! `Y = Aᵀ[Σ_c (G g Gᵀ) ⊙ (Bᵀ X B)] A`.
//!
//! Blocks of tiles stay in the second-level cache while their inputs are transformed, multiplied as a
//! pointwise layer of as many groups as a tile has products, and transformed back.
//!
//! The grid of tiles begins with the output's first row and column, so that an output is computed alike
//! whatever band it falls into. A NaN or an infinity reaches all outputs of the tiles that read it.

mod choice;
mod packed;
mod section;
mod transform;

use std::ops::Range;
use std::sync::OnceLock;

use ndarray::{Array4, ArrayView3, ArrayViewMut2, ArrayViewMut3, Axis};

pub(crate) use choice::{Choice, choices};
pub use transform::{Across, Algorithm, Down, Finishing, Transform};

use super::{Band, Batch, Path, Strategy, Variant};
use crate::edges::Part;
use crate::engine::Fit;
use crate::epilogue::{Epilogue, residual_rows};
use crate::frame::{Frame, picture_row};
use crate::isa::Isa;
use crate::machine::Machine;
use crate::rows::{self, Ring, Space};
use crate::spec::ConvSpec;
use crate::workspace::{Scratch, Tables, recycle};
use choice::{Pair, pairs, small, tiles};
use packed::Packed;
use section::{Room, Section, Tiles};

tapwise_macros::winograd_transforms! {}

/// The Winograd strategy of one layer.
#[derive(Debug)]
pub(crate) struct Winograd {
    isa: Isa,
    spec: ConvSpec,
    filter: Array4<f32>,
    epilogue: Epilogue,
    /// The pairs of transforms that may serve, each with its weights once some picture needs them.
    pairs: Vec<(Pair, OnceLock<Option<Packed>>)>,
}

/// Whether some tile is as exact as a tolerance wants.
pub(crate) fn is_exact(isa: Isa, spec: &ConvSpec, tolerance: f32) -> bool {
    pairs(isa, spec).is_ok_and(|pairs| pairs.iter().any(|pair| pair.error(spec) <= f64::from(tolerance)))
}

impl Winograd {
    /// For a filter `[K_h, K_w, C_in, C_out]`. Weights are transformed for a size of tile when the
    /// first picture is planned that takes it, not here: which that is depends on the picture.
    pub(crate) fn new(
        isa: Isa,
        spec: &ConvSpec,
        filter: &Array4<f32>,
        epilogue: &Epilogue,
    ) -> Result<Self, String> {
        let pairs = pairs(isa, spec)?.into_iter().map(|pair| (pair, OnceLock::new())).collect();
        Ok(Winograd { isa, spec: *spec, filter: filter.clone(), epilogue: epilogue.clone(), pairs })
    }

    fn packed(&self, choice: &Choice) -> Option<(&Pair, &Packed)> {
        let (pair, packed) = self.pairs.get(choice.pair)?;
        let pack = || Packed::new(self.isa, pair, &self.spec, &self.filter, &self.epilogue);
        packed.get_or_init(pack).as_ref().map(|packed| (pair, packed))
    }
}

/// Rows of the padded picture and of the output that are handled together.
struct Rows {
    /// Output rows.
    count: usize,
    /// What of the padded picture's columns is staged; nothing where the picture is read in place.
    staged: Option<Part>,
    /// Whether outputs are written where they belong, and not gathered first.
    direct: bool,
}

impl Rows {
    fn of(frame: &Frame, pair: &Pair, band: &Band<'_, '_, '_>) -> Self {
        let spec = &frame.spec;
        let direct = band.output.index_axis(Axis(0), 0).is_standard_layout() && !band.epilogue.doubles();
        let in_place = rows::interleaved(&band.input);
        let residual = band.residual.is_none_or(|rows| rows.index_axis(Axis(0), 0).is_standard_layout());
        let [_, across] = pair.algorithms();
        // Whole tiles, beyond the last output where it does not end one.
        let columns = frame.output[1].next_multiple_of(across.outputs * spec.dilation[1]);
        let staged = (!in_place).then(|| Part::of(frame, 0..columns, true));
        let all = band.output.len_of(Axis(0));
        let count = if direct && in_place && residual { all } else { grain(pair, spec).min(all) };
        Rows { count, staged, direct }
    }
}

/// Rows that bands have a multiple of.
fn grain(pair: &Pair, spec: &ConvSpec) -> usize {
    pair.outputs()[0] * spec.dilation[0]
}

/// Rows of the padded picture where they lie, none of them for a row of zeros.
fn rows_in_place<'x>(
    frame: &Frame,
    picture: ArrayView3<'x, f32>,
    rows: Range<usize>,
) -> impl Iterator<Item = &'x [f32]> {
    rows.map(move |at| match frame.padded_row(at) {
        Some(row) => picture_row(&picture, row).to_slice().unwrap_or_default(),
        None => &[],
    })
}

impl Path for Winograd {
    fn strategy(&self) -> Strategy {
        Strategy::Winograd
    }

    fn fit(&self, frame: &Frame, machine: &Machine, bands: usize, variant: Variant) -> Fit {
        let choices = choices(self.isa, frame, machine, variant.tile).ok();
        let mut choice = choices.and_then(|choices| choices.into_iter().next());
        // Weights are transformed now, and not by the first call.
        if let Some(choice) = &mut choice
            && let Some((pair, packed)) = self.packed(choice)
        {
            choice.divide(pair, packed, frame, bands);
        }
        Fit::of_tiles(choice)
    }

    #[cfg(test)]
    fn packed_bytes(&self) -> usize {
        let packed = self.pairs.iter().filter_map(|(_, packed)| packed.get()?.as_ref());
        packed.map(Packed::bytes).sum()
    }

    fn grain(&self, fit: &Fit) -> usize {
        let pair = fit.winograd.as_ref().and_then(|choice| self.pairs.get(choice.pair));
        pair.map_or(1, |(pair, _)| grain(pair, &self.spec))
    }

    /// Where a picture has few tiles, blocks take those of several: each block reads all weights.
    fn batch(&self, batch: Batch<'_, '_, '_>, fit: &Fit, scratch: &mut Scratch) -> bool {
        let Some(choice) = &fit.winograd else { return false };
        let Some((pair, packed)) = self.packed(choice) else { return false };
        let Batch { frame, epilogue, inputs, mut outputs } = batch;
        let spec = &frame.spec;
        let [height, width] = frame.output;
        let [rows, columns] =
            [0, 1].map(|axis| tiles(frame.output[axis], pair.outputs()[axis], spec.dilation[axis]));
        let in_place = rows::interleaved(&inputs.index_axis(Axis(0), 0))
            && outputs.index_axis(Axis(0), 0).is_standard_layout()
            && !epilogue.doubles();
        let together = choice.most.div_ceil(rows * columns).min(inputs.len_of(Axis(0)));
        if !in_place || together < 2 {
            return false;
        }
        let block = choice.most.min(together * rows * columns);
        let tiling = packed.products.tiling(block);
        let reach = height.next_multiple_of(grain(pair, spec)) + (spec.kernel[0] - 1) * spec.dilation[0];
        let [inputs_of, products] = pair.layouts(spec, block).map(|layout| layout.floats);
        let [halfway, patch] = small(pair, spec);
        let mut tables = scratch.tables();
        let [of_inputs, products, halfway, patch] = scratch.parts([inputs_of, products, halfway, patch]);
        let mut room = Room { inputs: of_inputs, products, halfway, patch };
        let tiles = Tiles { frame, epilogue, pair, packed, block, tiling, stream: choice.stream };
        let (mut input_table, mut output_table) = (tables.inputs, tables.outputs);
        let chunks = inputs.axis_chunks_iter(Axis(0), together);
        for (inputs, mut outputs) in chunks.zip(outputs.axis_chunks_iter_mut(Axis(0), together)) {
            let mut input_rows = recycle(std::mem::take(&mut input_table));
            let mut output_rows = recycle(std::mem::take(&mut output_table));
            for picture in 0..inputs.len_of(Axis(0)) {
                let picture = inputs.index_axis_move(Axis(0), picture);
                input_rows.extend(rows_in_place(frame, picture, 0..reach));
            }
            for picture in outputs.axis_iter_mut(Axis(0)).filter_map(ArrayViewMut3::into_slice) {
                output_rows.extend(picture.chunks_exact_mut(width * spec.c_out));
            }
            tiles.run(
                &mut Section {
                    inputs,
                    rows: &input_rows,
                    reach,
                    origin: frame.margins[1].before,
                    outputs: &mut output_rows,
                    residuals: &[],
                    first: 0,
                },
                &mut room,
            );
            input_table = recycle(input_rows);
            output_table = recycle(output_rows);
        }
        tables.inputs = input_table;
        tables.outputs = output_table;
        scratch.keep(tables);
        true
    }

    fn band(&self, band: Band<'_, '_, '_>, fit: &Fit, scratch: &mut Scratch) {
        let Some(choice) = &fit.winograd else { return };
        let Some((pair, packed)) = self.packed(choice) else { return };
        let Rows { count, staged, direct } = Rows::of(band.frame, pair, &band);
        let Band { frame, epilogue, input, mut output, residual, first } = band;
        let spec = &frame.spec;
        let [down, _] = pair.algorithms();
        // Rows of the padded picture under whole tiles.
        let reach = count.next_multiple_of(grain(pair, spec)) + (down.taps - 1) * spec.dilation[0];
        let space =
            staged.as_ref().map(|part| Space::of(frame, part, count.next_multiple_of(grain(pair, spec))));

        let [inputs, products] = pair.layouts(spec, choice.block).map(|layout| layout.floats);
        let [halfway, patch] = small(pair, spec);
        let row_out = frame.output[1] * spec.c_out;
        let unpacked = if direct { 0 } else { count * row_out };
        let added = if residual.is_some() { count * row_out } else { 0 };
        let staging = space.map_or(0, |space| space.floats());
        let mut tables = scratch.tables();
        let [inputs, products, halfway, patch, unpacked, added, staging] =
            scratch.parts([inputs, products, halfway, patch, unpacked, added, staging]);
        let mut room = Room { inputs, products, halfway, patch };
        tables.held.resize(space.map_or(0, |space| space.rows), 0);
        let mut ring = space.map(|space| Ring::take(space, staging, &mut tables.held).0);
        let Choice { block, tiling, stream, .. } = *choice;
        let tiles = Tiles { frame, epilogue, pair, packed, block, tiling, stream: stream && direct };

        let (mut input_table, mut output_table, mut residual_table) =
            (tables.inputs, tables.outputs, tables.residuals);
        let mut at = first;
        for mut block in output.axis_chunks_iter_mut(Axis(0), count) {
            let rows = block.len_of(Axis(0));
            let mut inputs = recycle(std::mem::take(&mut input_table));
            let mut outputs = recycle(std::mem::take(&mut output_table));
            let mut residuals = recycle(std::mem::take(&mut residual_table));
            match (&staged, &mut ring) {
                (Some(part), Some(ring)) => {
                    let whole = rows.next_multiple_of(grain(pair, spec));
                    rows::fill(frame, &input, part, (at, whole), ring, &mut inputs);
                }
                _ => inputs.extend(rows_in_place(frame, input, at..at + reach)),
            }
            if let Some(residual) = residual_rows(residual, at - first, rows) {
                let in_place = residual.index_axis(Axis(0), 0).is_standard_layout();
                rows::gather(residual, in_place, added, &mut residuals);
            }
            if direct {
                outputs.extend(block.axis_iter_mut(Axis(0)).filter_map(ArrayViewMut2::into_slice));
            } else {
                outputs.extend(unpacked.chunks_exact_mut(row_out).take(rows));
            }
            let origin = if staged.is_some() { 0 } else { frame.margins[1].before };
            tiles.run(
                &mut Section {
                    inputs: input.insert_axis(Axis(0)),
                    rows: &inputs,
                    reach,
                    origin,
                    outputs: &mut outputs,
                    residuals: &residuals,
                    first: at,
                },
                &mut room,
            );
            input_table = recycle(inputs);
            output_table = recycle(outputs);
            residual_table = recycle(residuals);
            if !direct {
                let shape = (rows, frame.output[1], spec.c_out);
                if let Ok(sums) = ArrayView3::from_shape(shape, &unpacked[..rows * row_out]) {
                    epilogue.deliver(sums, block);
                }
            }
            at += rows;
        }
        let tables = Tables {
            inputs: input_table,
            outputs: output_table,
            residuals: residual_table,
            held: tables.held,
        };
        scratch.keep(tables);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processor::Maker;
    use ndarray::Array3;

    #[test]
    fn blocks_are_as_even_in_bands_as_in_the_picture() {
        let spec = ConvSpec::new([3, 3], 16, 32);
        let frame = Frame::new(spec, [256, 256]).unwrap();
        assert_eq!(frame.output, [256, 256]);
        let filter = Array4::ones((3, 3, 16, 32));
        for isa in Isa::available() {
            let path = Winograd::new(isa, &spec, &filter, &Epilogue::linear(32)).unwrap();
            let block = |bands: usize, l2: usize| {
                let machine =
                    Machine { isa, maker: Maker::Other, threads: 2, l1: 32 << 10, l2, l3: 32 << 20 };
                let variant = Variant { family: None, tile: Some([4, 4]), two_passes: false };
                let choice = path.fit(&frame, &machine, bands, variant).winograd.unwrap();
                assert!(choice.block <= choice.most);
                choice.block
            };
            // Bands of 64, and tiles of 4x4: 1024 of them.
            for l2 in [1 << 20, 2 << 20] {
                let of_band = block(4, l2);
                let last = (1024 - 1) % of_band + 1;
                assert!(last > of_band / 2, "{isa}: blocks of {of_band}, the last of {last}");
            }
            // A band that is one block has the picture's.
            assert_eq!(block(1, 256 << 20), block(4, 256 << 20), "{isa}");
        }
    }

    #[test]
    fn outputs_past_the_caches_are_the_same() {
        let spec = ConvSpec::new([3, 3], 5, 40);
        let frame = Frame::new(spec, [13, 11]).unwrap();
        let number = |at: usize| (at * 37 % 101) as f32 / 50.0 - 1.0;
        let filter = Array4::from_shape_fn((3, 3, 5, 40), |(a, b, c, d)| number(a + 3 * b + 9 * c + 45 * d));
        let input = Array3::from_shape_fn((13, 11, 5), |(i, j, c)| number(i + 13 * j + 143 * c));
        for isa in Isa::available() {
            let epilogue = Epilogue::linear(40);
            let path = Winograd::new(isa, &spec, &filter, &epilogue).unwrap();
            let answer = |l3: usize| {
                let machine = Machine { isa, maker: Maker::Other, threads: 1, l1: 32 << 10, l2: 1 << 20, l3 };
                let variant = Variant { family: None, tile: Some([4, 4]), two_passes: false };
                let fit = path.fit(&frame, &machine, 1, variant);
                assert_eq!(fit.winograd.as_ref().map(|choice| choice.stream), Some(l3 == 0));
                let mut output = crate::zeros_on_a_line((13, 11, 40));
                let band = Band {
                    frame: &frame,
                    epilogue: &epilogue,
                    input: input.view(),
                    output: output.view_mut(),
                    residual: None,
                    first: 0,
                };
                path.band(band, &fit, &mut Scratch::new());
                output
            };
            assert_eq!(answer(0), answer(32 << 20), "{isa}");
        }
    }
}
