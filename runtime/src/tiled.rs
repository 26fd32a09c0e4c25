//! Running a kernel: packing weights for it, covering rows with its tiles, and handing it bands by
//! tables of rows. Both Direct and Specialized are this, with different kernels.

mod memory;
mod share;

use aligned_vec::AVec;
use ndarray::{ArrayView3, ArrayView4, ArrayViewMut2, Axis, s};

use crate::cover::cover;
use crate::edges::{MOST_PARTS, Reads};
use crate::epilogue::{Epilogue, residual_rows};
use crate::fit::{Fit, Piece};
use crate::frame::{Frame, Traffic};
use crate::joined::Joined;
use crate::kernel::{self, Description, Family, Kernel, MOST_KINDS, Numbers, Ready, Tiling};
use crate::layout;
use crate::rows::{self, Ring, Space};
use crate::simd;
use crate::spec::ConvSpec;
use crate::strategy::Band;
use crate::workspace::{Scratch, Tables, recycle};

use memory::staging;
pub(crate) use memory::{packed_bytes, scratch};
pub(crate) use share::{Share, unit};

/// Bytes of weights that a panel of run-time width may have: each row of output reads them once, so
/// that they should stay in the second-level cache.
const PANEL: usize = 640 << 10;

/// Bytes of weights from which they are asked for ahead of their use: fewer stay in the second-level cache.
const FAR: usize = 1 << 20;

/// A kernel with the weights of one layer.
#[derive(Debug)]
pub(crate) struct Tiled {
    kernel: Ready,
    numbers: Numbers,
    weights: AVec<f32>,
    bias: AVec<f32>,
    /// Laid out as the bias, or empty.
    slopes: AVec<f32>,
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
        let numbers = numbers(description, spec);
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
        Tiled { kernel, numbers, weights, bias, slopes }
    }

    pub(crate) fn description(&self) -> &Description {
        self.kernel.description()
    }

    /// Lays the kernel over a picture; `cache` is the second-level cache in bytes, `bands` into how
    /// many the output is cut.
    pub(crate) fn fit(&self, frame: &Frame, cache: usize, bands: usize) -> Fit {
        let joined = Joined::new(self, frame, cache, bands);
        Fit { joined, ..Fit::of(self.description(), &self.numbers.panels, frame, cache) }
    }

    /// How tiles cover a row of `width` pixels.
    pub(crate) fn tiling(&self, width: usize) -> Tiling {
        tiling(self.description(), width)
    }

    /// Bytes of packed weights, bias and slopes.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        size_of::<f32>() * (self.weights.len() + self.bias.len() + self.slopes.len())
    }

    /// Whether its weights are more than near caches hold.
    fn is_far(&self) -> bool {
        size_of_val(&self.weights[..]) > FAR
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
        self.sum(table, outputs, width, tiling, numbers);
    }

    /// Runs a kernel by a table of the caller's making for one row of output, `width` pixels side by
    /// side. `steps` are the numbers of input from one tap of a filter row to the next, and from one
    /// pixel to the next.
    pub(crate) fn run_apart(
        &self,
        table: &[&[f32]],
        output: &mut [f32],
        tiling: &Tiling,
        [run_step, pixel_step]: [usize; 2],
        width: usize,
    ) {
        let numbers = Numbers { run_step, pixel_step, ..self.numbers };
        self.sum(table, &mut [output], width, tiling, numbers);
    }

    /// Multiplies one row of `width` pixels by the weights of one group of a pointwise layer, without
    /// activation: pixels lie so many numbers apart in input and output.
    pub(crate) fn multiply(
        &self,
        group: usize,
        inputs: &[f32],
        outputs: &mut [f32],
        width: usize,
        tiling: &Tiling,
        [pixel_step, c_out]: [usize; 2],
    ) {
        let groups = self.numbers.groups.max(1);
        let (weights, bias) = (self.weights.len() / groups, self.bias.len() / groups);
        let numbers =
            Numbers { groups: 1, runs: 1, run: self.numbers.c_in_group, pixel_step, c_out, ..self.numbers };
        let weights = self.weights.get(group * weights..).unwrap_or_default();
        let bias = self.bias.get(group * bias..).unwrap_or_default();
        self.sum_with((weights, bias), (&[inputs], &mut [outputs]), width, tiling, numbers);
    }

    /// Runs a kernel by a table of the caller's making, as a layer without activation on rows of
    /// `width` pixels of output.
    pub(crate) fn run_rows(&self, table: &[&[f32]], outputs: &mut [&mut [f32]], width: usize) {
        self.sum(table, outputs, width, &self.tiling(width), self.numbers);
    }

    fn sum(
        &self,
        inputs: &[&[f32]],
        outputs: &mut [&mut [f32]],
        width: usize,
        tiling: &Tiling,
        numbers: Numbers,
    ) {
        self.sum_with((&self.weights, &self.bias), (inputs, outputs), width, tiling, numbers);
    }

    fn sum_with(
        &self,
        (weights, bias): (&[f32], &[f32]),
        (inputs, outputs): (&[&[f32]], &mut [&mut [f32]]),
        width: usize,
        tiling: &Tiling,
        numbers: Numbers,
    ) {
        let (floor, ceiling) = (f32::NEG_INFINITY, f32::INFINITY);
        self.kernel.run(&mut kernel::Band {
            inputs,
            outputs,
            weights,
            bias,
            slopes: &[],
            residuals: &[],
            floor,
            ceiling,
            width,
            tiling,
            negatives: &mut [],
            stream: false,
            prefetch: false,
            ahead: self.is_far(),
            phase: None,
            beside: None,
            numbers,
        });
    }

    /// Runs the kernel for `width` pixels of each row of the tables, with the layer's activation, and moves what
    /// it reads and writes as it is told, where the kernel can. `beside` are the numbers that padding adds before
    /// a row, where it is looked up beside rows.
    pub(crate) fn finish(
        &self,
        (epilogue, traffic, share): (&Epilogue, Traffic, &Share<'_>),
        (inputs, beside): (&[&[f32]], Option<usize>),
        outputs: &mut [&mut [f32]],
        residuals: &[&[f32]],
        width: usize,
        tiling: &Tiling,
    ) {
        self.kernel.run(&mut kernel::Band {
            inputs,
            outputs,
            weights: share.weights,
            bias: share.bias,
            slopes: if epilogue.slopes.is_empty() { &[] } else { share.slopes },
            residuals,
            floor: epilogue.floor,
            ceiling: epilogue.ceiling,
            width,
            tiling,
            negatives: &mut [],
            stream: traffic.stream,
            prefetch: traffic.prefetch,
            ahead: self.is_far(),
            phase: None,
            beside,
            numbers: share.numbers,
        });
    }

    /// Computes a band of output rows.
    pub(crate) fn band(&self, band: Band<'_, '_, '_>, fit: &Fit, scratch: &mut Scratch) {
        self.some_channels(band, &self.whole(), fit, scratch);
    }

    /// Computes some channels of a band of output rows: the band's output has no others.
    fn some_channels(&self, band: Band<'_, '_, '_>, share: &Share<'_>, fit: &Fit, scratch: &mut Scratch) {
        let mut band = band;
        if fit.joined.as_ref().is_some_and(|joined| joined.run(self, share, &mut band, scratch)) {
            return;
        }
        let Band { frame, epilogue, input, mut output, residual, first } = band;
        let whole_pixels = share.channels.len() == frame.spec.c_out;
        let interleaved =
            whole_pixels && output.index_axis(Axis(0), 0).is_standard_layout() && !epilogue.doubles();
        let residual_in_place =
            residual.is_none_or(|residual| residual.index_axis(Axis(0), 0).is_standard_layout());
        let in_place = rows::interleaved(&input) && residual_in_place;
        let pieces = if in_place { &fit.in_place[..] } else { &fit.gathered[..] };
        let traffic = Traffic { stream: fit.traffic.stream && interleaved, ..fit.traffic };
        let at_once = fit.rows.clamp(1, output.len_of(Axis(0)));
        let row_out = frame.output[1] * frame.spec.c_out;
        let before = frame.margins[1].before * frame.spec.c_in;

        let spaces = pieces.iter().map(|piece| Space::of(frame, &piece.part, at_once));
        let times = times(self.description().family, &frame.spec);
        let [held, staged, repeated] = staging(frame, pieces, at_once, times);
        let mut tables = scratch.tables();
        tables.held.resize(held, 0);
        let output_floats = if interleaved { 0 } else { at_once * row_out };
        let residual_floats = if residual_in_place { 0 } else { at_once * row_out };
        let floats = scratch.floats(staged + repeated + output_floats + residual_floats);
        let (mut staged, floats) = floats.split_at_mut(staged);
        let (repeated, floats) = floats.split_at_mut(repeated);
        let (unpacked, added) = floats.split_at_mut(output_floats);
        let mut held = &mut tables.held[..];
        let mut rings: [Ring<'_>; MOST_PARTS] = Default::default();
        for (ring, space) in rings.iter_mut().zip(spaces) {
            (*ring, staged, held) = Ring::take(space, staged, held);
        }
        let (mut input_table, mut output_table, mut residual_table) =
            (tables.inputs, tables.outputs, tables.residuals);

        let mut at = first;
        for mut block in output.axis_chunks_iter_mut(Axis(0), at_once) {
            let rows = block.len_of(Axis(0));
            for (Piece { part, tiling }, ring) in pieces.iter().zip(&mut rings) {
                let mut inputs = recycle(std::mem::take(&mut input_table));
                let mut outputs = recycle(std::mem::take(&mut output_table));
                let mut residuals = recycle(std::mem::take(&mut residual_table));
                rows::fill(frame, &input, part, (at, rows), ring, &mut inputs);
                if times > 1 {
                    rows::repeat(frame, part, times, repeated, &mut inputs);
                }
                let [from, end] = [part.outputs.start, part.outputs.end].map(|at| at * frame.spec.c_out);
                let columns = from + share.channels.start..end;
                if let Some(residual) = residual_rows(residual, at - first, rows) {
                    rows::gather(residual, residual_in_place, added, &mut residuals);
                    residuals.iter_mut().for_each(|row| *row = row.get(columns.clone()).unwrap_or_default());
                }
                if interleaved {
                    let rows = block.axis_iter_mut(Axis(0)).filter_map(ArrayViewMut2::into_slice);
                    outputs.extend(rows.filter_map(|row| row.get_mut(columns.clone())));
                } else {
                    let rows = unpacked.chunks_exact_mut(row_out).take(rows);
                    outputs.extend(rows.filter_map(|row| row.get_mut(columns.clone())));
                }
                debug_assert_eq!(outputs.len(), rows);
                self.finish(
                    (epilogue, traffic, share),
                    (&inputs, (part.reads == Reads::Beside).then_some(before)),
                    &mut outputs,
                    &residuals,
                    part.outputs.len(),
                    tiling,
                );
                input_table = recycle(inputs);
                output_table = recycle(outputs);
                residual_table = recycle(residuals);
            }
            if !interleaved {
                let shape = (rows, frame.output[1], frame.spec.c_out);
                if let Ok(sums) = ArrayView3::from_shape(shape, &unpacked[..rows * row_out]) {
                    epilogue.deliver(sums.slice(s![.., .., share.channels.clone()]), block);
                }
            }
            at += rows;
        }
        if traffic.stream {
            simd::settle();
        }
        scratch.keep(Tables {
            inputs: input_table,
            outputs: output_table,
            residuals: residual_table,
            held: tables.held,
        });
    }
}

/// The layer as its weights are packed: channels that see those of their group alone are the output
/// channels of one group that sees as few.
fn packed_as(family: Family, spec: &ConvSpec) -> ConvSpec {
    match family {
        Family::ChannelsOut | Family::AlongRow => *spec,
        Family::Depthwise => ConvSpec { groups: 1, c_in: spec.c_in_group(), ..*spec },
    }
}

/// How often a kernel wants each channel of a row: where its lanes are output channels that meet an
/// input each, as often as a channel has outputs.
pub(crate) fn times(family: Family, spec: &ConvSpec) -> usize {
    match family {
        Family::Depthwise if spec.c_in == spec.groups => spec.c_out_group(),
        _ => 1,
    }
}

/// How the tiles of a kernel cover a row of `width` pixels.
pub(crate) fn tiling(description: &Description, width: usize) -> Tiling {
    let mut tiling = Tiling::default();
    for (kind, panels) in description.panels.iter().enumerate() {
        tiling[kind] = cover(width, panels.tiles);
    }
    tiling
}

/// Pixels of the widest tile of a kernel.
pub(crate) fn widest(description: &Description) -> usize {
    let tiles = description.panels.iter().flat_map(|panels| panels.tiles);
    tiles.map(|tile| tile.pixels).max().unwrap_or(1)
}

/// How a kernel would be laid over a picture, before any weights are packed for it.
pub(crate) fn fit(kernel: &Kernel, frame: &Frame, cache: usize) -> Fit {
    let description = kernel.description();
    Fit::of(description, &numbers(description, &frame.spec).panels, frame, cache)
}

/// The numbers of a layer as a run-time kernel wants them.
pub(crate) fn numbers(description: &Description, spec: &ConvSpec) -> Numbers {
    let mut panels = [0; MOST_KINDS];
    match description.family {
        Family::ChannelsOut => {
            let vectors = spec.c_out_group().div_ceil(description.lanes);
            let widest = description.panels.iter().map(|panels| panels.vectors).max().unwrap_or(1);
            let vector = spec.taps() * description.lanes * size_of::<f32>();
            let widest = widest.min((PANEL / vector).max(2));
            let split = layout::split(vectors, widest);
            for (count, kind) in panels.iter_mut().zip(description.panels) {
                let run_time =
                    split.iter().find(|width| width.vectors == kind.vectors).map_or(0, |width| width.count);
                *count = kind.count.unwrap_or(run_time);
            }
        }
        Family::AlongRow => {
            // The widest first, as often as they are whole: the last is of one channel.
            let mut left = spec.c_out_group();
            for (count, kind) in panels.iter_mut().zip(description.panels) {
                *count = kind.count.unwrap_or(left / kind.vectors);
                left = left.saturating_sub(*count * kind.vectors);
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
    let planar = description.family == Family::AlongRow;
    let whole_rows = spec.dilation[1] == 1 && spec.groups == 1 && description.row_stride.is_none() && !planar;
    let (runs, run) = if whole_rows {
        (1, spec.kernel[1] * spec.c_in)
    } else if planar {
        (spec.kernel[1], spec.c_in_group())
    } else {
        (spec.kernel[1] / description.window, spec.c_in_group())
    };
    let pixel = spec.c_in * times(description.family, spec);
    Numbers {
        groups: spec.groups,
        panels,
        taps: spec.taps(),
        kernel_rows: spec.kernel[0],
        stride: spec.stride[0],
        dilation: spec.dilation[0],
        runs,
        run,
        run_step: spec.dilation[1] * if planar { 1 } else { pixel },
        pixel_step: spec.stride[1] * pixel,
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
