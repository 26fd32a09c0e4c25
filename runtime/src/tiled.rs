//! Running a kernel: packing weights for it, covering rows with its tiles, and handing it bands by
//! tables of rows. Both Direct and Specialized are this, with different kernels.

use aligned_vec::AVec;
use ndarray::{ArrayView3, ArrayView4, Axis, s};

use crate::epilogue::{Epilogue, residual_rows};
use crate::frame::Frame;
use crate::kernel::{
    self, Description, Family, Kernel, MOST_KINDS, MOST_TILES, Numbers, Ready, Tile, Tiling,
};
use crate::layout;
use crate::rows::{self, Source};
use crate::spec::ConvSpec;
use crate::strategy::Band;
use crate::workspace::Scratch;

/// A kernel with the weights of one layer.
#[derive(Debug)]
pub(crate) struct Tiled {
    kernel: Ready,
    numbers: Numbers,
    weights: AVec<f32>,
    bias: AVec<f32>,
    /// Laid out as the bias, or empty.
    slopes: AVec<f32>,
    /// How often the kernel wants each channel of a row.
    times: usize,
}

/// What is decided for one size of picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Fit {
    tiling: Tiling,
    /// Output rows for which a kernel is called at once.
    rows: usize,
}

impl Tiled {
    /// Packs a filter `[K_h, K_w, C_in / groups, C_out]` for a kernel.
    pub(crate) fn new(
        kernel: Ready,
        spec: &ConvSpec,
        filter: ArrayView4<'_, f32>,
        epilogue: &Epilogue,
    ) -> Self {
        let description = kernel.description();
        let (numbers, times) = (numbers(description, spec), times(description.family, spec));
        let spec = &packed_as(description.family, spec);
        let mut weights = AVec::new(64);
        let (mut bias, mut slopes) = (AVec::new(64), AVec::new(64));
        for group in 0..spec.groups {
            let mut first = group * spec.c_out_group();
            let end = first + spec.c_out_group();
            for (panels, count) in description.panels.iter().zip(numbers.panels) {
                let width = panels.vectors * description.lanes;
                for _ in 0..count {
                    if description.family == Family::Depthwise {
                        // A last vector that would not be whole overlaps the one before.
                        first = first.min(end.saturating_sub(width));
                    }
                    pack(description, spec, &filter, first..end.min(first + width), width, &mut weights);
                    for channel in first..first + width {
                        bias.push(if channel < end { epilogue.bias[channel] } else { 0.0 });
                        if !epilogue.slopes.is_empty() {
                            slopes.push(if channel < end { epilogue.slopes[channel] } else { 1.0 });
                        }
                    }
                    first += width;
                }
            }
        }
        Tiled { kernel, numbers, weights, bias, slopes, times }
    }

    pub(crate) fn description(&self) -> &Description {
        self.kernel.description()
    }

    /// Covers the rows of a picture with tiles, and says how many rows make a call.
    pub(crate) fn fit(&self, frame: &Frame, cache: usize) -> Fit {
        let tiling = self.tiling(frame.output[1]);
        // The rows of a call are read once for each panel: they should stay in the second-level
        // cache, and the panel as well; more rows than that make the weights stream less often.
        let spec = &frame.spec;
        let budget = cache / 4;
        let row = rows::pitch(frame) * size_of::<f32>() * spec.stride[0];
        let rows = (budget / row).max(4).saturating_sub(spec.extent()[0] - 1).max(4);
        // Whole tiles, where a tile has several rows.
        let tile = self.description().panels.first().map_or(1, |panels| panels.rows);
        Fit { tiling, rows: (rows / tile * tile).min(frame.output[0]) }
    }

    /// How tiles cover a row of `width` pixels.
    pub(crate) fn tiling(&self, width: usize) -> Tiling {
        let mut tiling = Tiling::default();
        for (kind, panels) in self.description().panels.iter().enumerate() {
            tiling[kind] = cover(width, panels.tiles);
        }
        tiling
    }

    /// Runs a kernel of one tap, whose sizes arrive with the call, by a table of the caller's making:
    /// output row `r` of `width` pixels sums `rows` rows of the table, from `r · rows` on, `run`
    /// numbers of each; the next pixel is `step` numbers on. The weights are those of `rows · run`
    /// input channels.
    pub(crate) fn sum_rows(
        &self,
        table: &[&[f32]],
        outputs: &mut [&mut [f32]],
        tiling: &Tiling,
        [rows, run, step, width]: [usize; 4],
    ) {
        let numbers = Numbers {
            kernel_rows: rows,
            stride: rows,
            dilation: 1,
            runs: 1,
            run,
            pixel_step: step,
            ..self.numbers
        };
        self.call(table, outputs, width, tiling, numbers);
    }

    /// Runs a kernel by a table of the caller's making, as a layer without activation on rows of
    /// `width` pixels of output.
    pub(crate) fn run_rows(&self, table: &[&[f32]], outputs: &mut [&mut [f32]], width: usize) {
        self.call(table, outputs, width, &self.tiling(width), self.numbers);
    }

    fn call(
        &self,
        inputs: &[&[f32]],
        outputs: &mut [&mut [f32]],
        width: usize,
        tiling: &Tiling,
        numbers: Numbers,
    ) {
        self.kernel.run(&mut kernel::Band {
            inputs,
            outputs,
            weights: &self.weights,
            bias: &self.bias,
            slopes: &[],
            residuals: &[],
            floor: f32::NEG_INFINITY,
            ceiling: f32::INFINITY,
            width,
            tiling,
            numbers,
        });
    }

    /// Computes a band of output rows.
    pub(crate) fn band(&self, band: Band<'_, '_, '_>, fit: &Fit, scratch: &mut Scratch) {
        let Band { frame, epilogue, input, mut output, residual, first } = band;
        let source = Source::of(frame, &input);
        let interleaved = output.index_axis(Axis(0), 0).is_standard_layout() && !epilogue.doubles();
        let residual_in_place =
            residual.is_none_or(|residual| residual.index_axis(Axis(0), 0).is_standard_layout());
        let at_once = fit.rows.clamp(1, output.len_of(Axis(0)));
        let row_out = frame.output[1] * frame.spec.c_out;

        let tables = scratch.tables();
        let (mut input_table, mut output_table, mut residual_table) =
            (tables.inputs, tables.outputs, tables.residuals);
        let staged_floats = rows::scratch_floats(frame, source, at_once);
        let repeated_floats = rows::repeated_floats(frame, self.times, at_once);
        let output_floats = if interleaved { 0 } else { at_once * row_out };
        let residual_floats = if residual_in_place { 0 } else { at_once * row_out };
        let floats = scratch.floats(staged_floats + repeated_floats + output_floats + residual_floats);
        let (staged, floats) = floats.split_at_mut(staged_floats);
        let (repeated, floats) = floats.split_at_mut(repeated_floats);
        let (unpacked, added) = floats.split_at_mut(output_floats);

        let mut at = first;
        for mut block in output.axis_chunks_iter_mut(Axis(0), at_once) {
            let rows = block.len_of(Axis(0));
            let mut inputs = crate::workspace::recycle(std::mem::take(&mut input_table));
            let mut outputs = crate::workspace::recycle(std::mem::take(&mut output_table));
            let mut residuals = crate::workspace::recycle(std::mem::take(&mut residual_table));
            rows::fill(frame, &input, source, (at, rows), staged, &mut inputs);
            if self.times > 1 {
                rows::repeat(frame, self.times, repeated, &mut inputs);
            }
            if let Some(residual) = residual_rows(residual, at - first, rows) {
                rows::gather(residual, residual_in_place, added, &mut residuals);
            }
            if interleaved {
                outputs.extend(block.axis_iter_mut(Axis(0)).filter_map(ndarray::ArrayViewMut2::into_slice));
            } else {
                outputs.extend(unpacked.chunks_exact_mut(row_out).take(rows));
            }
            debug_assert_eq!(outputs.len(), rows);
            self.kernel.run(&mut kernel::Band {
                inputs: &inputs,
                outputs: &mut outputs,
                weights: &self.weights,
                bias: &self.bias,
                slopes: if epilogue.slopes.is_empty() { &[] } else { &self.slopes },
                residuals: &residuals,
                floor: epilogue.floor,
                ceiling: epilogue.ceiling,
                width: frame.output[1],
                tiling: &fit.tiling,
                numbers: self.numbers,
            });
            input_table = crate::workspace::recycle(inputs);
            output_table = crate::workspace::recycle(outputs);
            residual_table = crate::workspace::recycle(residuals);
            if !interleaved {
                let shape = (rows, frame.output[1], frame.spec.c_out);
                if let Ok(sums) = ArrayView3::from_shape(shape, &unpacked[..rows * row_out]) {
                    epilogue.deliver(sums, block);
                }
            }
            at += rows;
        }
        scratch.keep(crate::workspace::Tables {
            inputs: input_table,
            outputs: output_table,
            residuals: residual_table,
        });
    }
}

/// How often a kernel wants each channel of a row: where its lanes are output channels that meet an
/// input each, as often as a channel has outputs.
fn times(family: Family, spec: &ConvSpec) -> usize {
    match family {
        Family::ChannelsOut => 1,
        Family::Depthwise => spec.c_out_group(),
    }
}

/// The layer as its weights are packed: channels that see themselves alone are the output channels
/// of one group that sees a single one.
fn packed_as(family: Family, spec: &ConvSpec) -> ConvSpec {
    match family {
        Family::ChannelsOut => *spec,
        Family::Depthwise => ConvSpec { groups: 1, c_in: 1, ..*spec },
    }
}

/// Cycles that a kernel is predicted to take for a whole picture: its tiles over every row, and
/// the rows that are staged for it.
pub(crate) fn predicted_cycles(kernel: &Kernel, frame: &Frame) -> f64 {
    const CALL: f64 = 300.0;
    let description = kernel.description();
    let spec = &frame.spec;
    let numbers = numbers(description, spec);
    let height = frame.output[0];
    let mut all = 0.0;
    for (kind, count) in description.panels.iter().zip(numbers.panels) {
        // A picture of fewer rows than a tile has runs by the kind after it.
        let kind = if height < kind.rows { description.panels.last().unwrap_or(kind) } else { kind };
        let counts = cover(frame.output[1], kind.tiles);
        let cycles: f64 =
            counts.iter().zip(kind.tiles).map(|(n, tile)| *n as f64 * f64::from(tile.cycles)).sum();
        all += (height.div_ceil(kind.rows) * count) as f64 * cycles;
    }
    let row = frame.reach() * spec.c_in * spec.stride[0];
    let staged = if frame.pads_columns() { row } else { 0 };
    let repeated = match times(description.family, spec) {
        1 => 0,
        times => row * times,
    };
    let rows = height as f64;
    let taps = match description.family {
        Family::ChannelsOut => spec.taps() * spec.groups,
        Family::Depthwise => spec.taps(),
    };
    CALL + all * taps as f64 + rows * (staged as f64 / 8.0 + repeated as f64 / 4.0)
}

/// The numbers of a layer as a run-time kernel wants them.
fn numbers(description: &Description, spec: &ConvSpec) -> Numbers {
    let mut panels = [0; MOST_KINDS];
    match description.family {
        Family::ChannelsOut => {
            let vectors = spec.c_out_group().div_ceil(description.lanes);
            let widest = description.panels.iter().map(|panels| panels.vectors).max().unwrap_or(1);
            let split = layout::split(vectors, widest);
            for (count, kind) in panels.iter_mut().zip(description.panels) {
                let run_time =
                    split.iter().find(|width| width.vectors == kind.vectors).map_or(0, |width| width.count);
                *count = kind.count.unwrap_or(run_time);
            }
        }
        Family::Depthwise => {
            // The widest first, as often as they are whole; what is left is one more vector.
            let mut left = spec.c_out;
            for (count, kind) in panels.iter_mut().zip(description.panels) {
                let width = kind.vectors * description.lanes;
                let whole = if kind.vectors == 1 { left.div_ceil(width) } else { left / width };
                *count = kind.count.unwrap_or(whole);
                left = left.saturating_sub(*count * width);
            }
        }
    }
    let whole_rows = spec.dilation[1] == 1 && spec.groups == 1;
    let (runs, run) =
        if whole_rows { (1, spec.kernel[1] * spec.c_in) } else { (spec.kernel[1], spec.c_in_group()) };
    Numbers {
        groups: spec.groups,
        panels,
        taps: spec.taps(),
        kernel_rows: spec.kernel[0],
        stride: spec.stride[0],
        dilation: spec.dilation[0],
        runs,
        run,
        run_step: spec.dilation[1] * spec.c_in * times(description.family, spec),
        pixel_step: spec.stride[1] * spec.c_in * times(description.family, spec),
        c_in_group: spec.c_in_group(),
        c_out_group: spec.c_out_group(),
        c_out: spec.c_out,
    }
}

/// Appends one panel: the weights of `channels`, padded to `width`.
fn pack(
    description: &Description,
    spec: &ConvSpec,
    filter: &ArrayView4<'_, f32>,
    channels: std::ops::Range<usize>,
    width: usize,
    weights: &mut AVec<f32>,
) {
    let start = weights.len();
    weights.resize(start + spec.taps() * width, 0.0);
    let panel = &mut weights[start..];
    for (a, rows) in filter.outer_iter().enumerate() {
        for (b, taps) in rows.outer_iter().enumerate() {
            for (c, filters) in taps.outer_iter().enumerate() {
                let (step, tap) =
                    layout::step(spec.kernel[1], description.window, spec.c_in_group(), [a, b, c]);
                let from = (step * description.window + tap) * width;
                let target = &mut panel[from..from + channels.len()];
                match filters.to_slice() {
                    Some(filters) => target.copy_from_slice(&filters[channels.clone()]),
                    None => {
                        target.iter_mut().zip(filters.slice(s![channels.clone()])).for_each(|(t, f)| *t = *f)
                    }
                }
            }
        }
    }
}

/// How often each tile runs so that `width` pixels are covered at the least predicted cost. The
/// last tiles may overlap: what is computed twice is computed alike.
fn cover(width: usize, tiles: &[Tile]) -> [usize; MOST_TILES] {
    // Beyond a few tiles the cheapest one for each pixel does the bulk.
    const EXACT: usize = 192;
    let mut counts = [0; MOST_TILES];
    let cheapest = tiles
        .iter()
        .enumerate()
        .filter(|(_, tile)| tile.pixels <= width)
        .min_by(|(_, a), (_, b)| (a.cycles / a.pixels as f32).total_cmp(&(b.cycles / b.pixels as f32)));
    let Some((bulk, tile)) = cheapest else { return counts };
    let in_bulk = width.saturating_sub(EXACT) / tile.pixels;
    counts[bulk] = in_bulk;
    let rest = width - in_bulk * tile.pixels;

    // best[n]: the least cost of covering n pixels, and the tile that comes last.
    let mut best = vec![(0.0f32, 0usize); rest + 1];
    for pixels in 1..=rest {
        best[pixels] = tiles
            .iter()
            .enumerate()
            .filter(|(_, tile)| tile.pixels <= width)
            .map(|(index, tile)| (best[pixels.saturating_sub(tile.pixels)].0 + tile.cycles, index))
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .unwrap_or_default();
    }
    let mut left = rest;
    while left > 0 {
        let (_, index) = best[left];
        counts[index] += 1;
        left = left.saturating_sub(tiles[index].pixels);
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    const TILES: [Tile; 4] = [
        Tile { pixels: 8, cycles: 8.5 },
        Tile { pixels: 7, cycles: 7.5 },
        Tile { pixels: 4, cycles: 5.0 },
        Tile { pixels: 1, cycles: 4.0 },
    ];

    #[test]
    fn tiles_cover_every_width_and_none_is_wider_than_the_row() {
        for width in 1..600 {
            let counts = cover(width, &TILES);
            let covered: usize = counts.iter().zip(TILES).map(|(count, tile)| count * tile.pixels).sum();
            assert!(covered >= width, "{width}: {counts:?}");
            for (count, tile) in counts.iter().zip(TILES) {
                assert!(*count == 0 || tile.pixels <= width, "{width}: {counts:?}");
            }
        }
    }

    #[test]
    fn widths_that_tiles_divide_are_covered_exactly() {
        assert_eq!(cover(56, &TILES), [7, 0, 0, 0, 0]);
        assert_eq!(cover(14, &TILES), [0, 2, 0, 0, 0]);
        assert_eq!(cover(15, &TILES), [1, 1, 0, 0, 0]);
    }
}
