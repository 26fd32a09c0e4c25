//! Running a kernel of the along-the-row family: packing weights for it, and handing it bands by
//! tables of planar rows, one entry for each row and channel.
//!
//! Planar pictures are read and written in place; where columns are padded, the pixels at the left
//! and right end of a row read small windows that were staged, and those between read the picture.
//! Other pictures go through planar rows of scratch, a few at a time.

mod phased;
mod stage;

use aligned_vec::AVec;
use ndarray::{ArrayView3, ArrayView4, ArrayViewMut3, Axis};

use crate::edges::Edges;
use crate::engine::Order;
use crate::epilogue::{Epilogue, residual_rows};
use crate::frame::{Frame, Traffic};
use crate::interleave::Interleave;
use crate::kernel::{self, Description, Kernel, Numbers, Ready, Tiling};
use crate::layout;
use crate::machine::Machine;
use crate::simd;
use crate::spec::ConvSpec;
use crate::strategy::Band;
use crate::tiled::numbers;
use crate::workspace::{Scratch, Tables, recycle};
use stage::{Source, Stage};

pub(crate) use stage::edges;

/// Floats in a cache line.
const LINE: usize = 16;

/// Rows of a call: more would make tables that crowd the caches.
const MOST_ROWS: usize = 64;

/// A kernel with the weights of one layer.
#[derive(Debug)]
pub(crate) struct Planar {
    kernel: Ready,
    numbers: Numbers,
    planes: Packed,
    /// For pixels as they lie in memory, where the kernel reads them so.
    pixels: Option<Packed>,
}

/// What a kernel multiplies and adds, laid out as it reads it.
#[derive(Debug)]
struct Packed {
    weights: AVec<f32>,
    bias: AVec<f32>,
    /// Or empty.
    slopes: AVec<f32>,
}

/// What is decided for one size of picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Fit {
    /// Output rows of a call where rows are read in place, and where they are staged.
    rows: [usize; 2],
    /// How picture and output are moved.
    traffic: Traffic,
    /// Whether the kernel may read pixels as they lie in memory; calls have so many rows then.
    pixels: Option<[usize; 2]>,
}

impl Planar {
    /// Packs a filter `[K_h, K_w, C_in / groups, C_out]` for a kernel.
    pub(crate) fn new(
        kernel: Ready,
        spec: &ConvSpec,
        filter: ArrayView4<'_, f32>,
        epilogue: &Epilogue,
    ) -> Self {
        let description = kernel.description();
        let numbers = numbers(description, spec);
        let mut weights = AVec::new(64);
        weights.resize(spec.taps() * spec.c_out, 0.0);
        let mut packed = weights.as_mut_slice();
        let mut first = 0;
        for _ in 0..spec.groups {
            for (panels, count) in description.panels.iter().zip(numbers.panels) {
                let width = panels.vectors;
                for _ in 0..count {
                    let (panel, more) = packed.split_at_mut(spec.taps() * width);
                    for ((a, b, c, channel), weight) in
                        filter.slice(ndarray::s![.., .., .., first..first + width]).indexed_iter()
                    {
                        let tiles = (description.window, width);
                        panel[layout::planar(spec.kernel, tiles, [a, b, c], channel)] = *weight;
                    }
                    packed = more;
                    first += width;
                }
            }
        }
        let planes = Packed { weights, bias: epilogue.bias.clone(), slopes: epilogue.slopes.clone() };
        let pixels =
            phased::reads(description, spec).then(|| phased::pack(description, spec, &filter, epilogue));
        Planar { kernel, numbers, planes, pixels }
    }

    pub(crate) fn description(&self) -> &Description {
        self.kernel.description()
    }

    fn lanes(&self) -> usize {
        self.kernel.description().lanes
    }

    /// Bytes of packed weights, bias and slopes.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        let of = |packed: &Packed| packed.weights.len() + packed.bias.len() + packed.slopes.len();
        size_of::<f32>() * (of(&self.planes) + self.pixels.as_ref().map_or(0, of))
    }

    /// Computes a band of output rows.
    pub(crate) fn band(&self, band: Band<'_, '_, '_>, fit: &Fit, scratch: &mut Scratch) {
        if let (Some(pixels), Some(rows)) = (&self.pixels, fit.pixels)
            && phased::serves(&band)
            && let Some(frame) = phased::frame(self.description(), band.frame)
        {
            let band = phased::band(&frame, band);
            return self.rows(band, &Fit { rows, ..*fit }, scratch, (pixels, Some(self.numbers.c_out)));
        }
        self.rows(band, fit, scratch, (&self.planes, None));
    }

    /// As [`Planar::band`], with numbers packed for rows of planes, or for rows of pixels of so many channels.
    fn rows(
        &self,
        band: Band<'_, '_, '_>,
        fit: &Fit,
        scratch: &mut Scratch,
        (packed, pixel): (&Packed, Option<usize>),
    ) {
        let Band { frame, epilogue, input, mut output, residual, first } = band;
        let [width, c_out] = [frame.output[1], frame.spec.c_out];
        let lanes = self.lanes();
        let source = Source::of(frame, &input, lanes);
        let in_place = width >= lanes && Order::of_rows(&output.view()) == Some(Order::Planar);
        let at_once = fit.rows(source == Source::Staged).clamp(1, output.len_of(Axis(0)));
        // The rows of the next call are asked for while those of this one are parted.
        let ahead = at_once * frame.spec.stride[0] * frame.input[1] * frame.spec.c_in;
        let turn = Interleave::of(&self.kernel)
            .beyond_caches(fit.traffic.stream, if fit.traffic.stream { ahead } else { 0 });
        let stage = Stage::new(frame, source, at_once, lanes, turn);
        let pitch = width.max(lanes).next_multiple_of(LINE);
        let planes = at_once * c_out * pitch;

        let tables = scratch.tables();
        let (mut input_table, mut output_table, mut residual_table) =
            (tables.inputs, tables.outputs, tables.residuals);
        let unpacked_floats = if in_place { 0 } else { epilogue.channels() / c_out * planes };
        let residual_floats = if residual.is_some() { planes } else { 0 };
        let floats = scratch.floats(stage.floats() + unpacked_floats + residual_floats);
        let (staged, floats) = floats.split_at_mut(stage.floats());
        let (unpacked, added) = floats.split_at_mut(unpacked_floats);
        // Rows of the padded picture before this one are staged.
        let mut ready = first * frame.spec.stride[0];

        let mut at = first;
        for mut block in output.axis_chunks_iter_mut(Axis(0), at_once) {
            let rows = block.len_of(Axis(0));
            stage.fill(&input, (at, rows), &mut ready, staged);
            if let Some(residual) = residual_rows(residual, at - first, rows) {
                pack(&residual, turn, pitch, added);
            }
            for part in stage.parts() {
                let mut inputs = recycle(std::mem::take(&mut input_table));
                let mut outputs = recycle(std::mem::take(&mut output_table));
                let mut residuals = recycle(std::mem::take(&mut residual_table));
                stage.table(&input, (at, rows), part, staged, &mut inputs);
                let columns = part.columns.clone();
                let packed = (packed, pixel.map(|channels| columns.start % channels));
                if residual.is_some() {
                    let rows = added.chunks_exact(pitch).take(rows * c_out);
                    residuals.extend(rows.filter_map(|row| row.get(columns.clone())));
                }
                // The second half of a CReLU comes after the first.
                if in_place {
                    let (mut sums, mut more) = block.view_mut().split_at(Axis(2), c_out);
                    for half in [&mut sums, &mut more] {
                        let lanes = half.lanes_mut(Axis(1)).into_iter();
                        let rows = lanes.filter_map(ndarray::ArrayViewMut1::into_slice);
                        outputs.extend(rows.filter_map(|row| row.get_mut(columns.clone())));
                    }
                    self.call(frame, epilogue, fit, packed, &inputs, &residuals, &mut outputs, source, true);
                    output_table = recycle(outputs);
                } else {
                    for half in unpacked.chunks_exact_mut(planes) {
                        let rows = half.chunks_exact_mut(pitch).take(rows * c_out);
                        outputs.extend(rows.filter_map(|row| row.get_mut(columns.clone())));
                    }
                    self.call(frame, epilogue, fit, packed, &inputs, &residuals, &mut outputs, source, false);
                    output_table = recycle(outputs);
                }
                input_table = recycle(inputs);
                residual_table = recycle(residuals);
            }
            for (half, planes) in unpacked.chunks_exact(planes).enumerate() {
                unpack(planes, turn, pitch, [half * c_out, c_out], &mut block);
            }
            at += rows;
        }
        if fit.traffic.stream {
            simd::settle();
        }
        scratch.keep(Tables {
            inputs: input_table,
            outputs: output_table,
            residuals: residual_table,
            held: tables.held,
        });
    }

    /// Calls the kernel for rows of equal width; the second half of the outputs are those of a CReLU.
    #[expect(clippy::too_many_arguments, reason = "tables are borrowed for different times")]
    fn call(
        &self,
        frame: &Frame,
        epilogue: &Epilogue,
        fit: &Fit,
        (packed, phase): (&Packed, Option<usize>),
        inputs: &[&[f32]],
        residuals: &[&[f32]],
        outputs: &mut [&mut [f32]],
        source: Source,
        in_place: bool,
    ) {
        let doubles = epilogue.doubles();
        let sums = if doubles { outputs.len() / 2 } else { outputs.len() };
        debug_assert_eq!(sums % frame.spec.c_out, 0);
        let (outputs, negatives) = outputs.split_at_mut(sums);
        let width = outputs.first().map_or(0, |row| row.len());
        self.kernel.run(&mut kernel::Band {
            inputs,
            outputs,
            weights: &packed.weights,
            bias: &packed.bias,
            slopes: if epilogue.slopes.is_empty() { &[] } else { &packed.slopes },
            residuals,
            floor: if doubles { 0.0 } else { epilogue.floor },
            ceiling: epilogue.ceiling,
            width,
            tiling: &Tiling::default(),
            negatives,
            stream: fit.traffic.stream && in_place,
            prefetch: fit.traffic.prefetch && source != Source::Staged,
            ahead: false,
            phase,
            beside: None,
            numbers: self.numbers,
        });
    }
}

impl Fit {
    /// Decides how many rows make a call of a kernel, and what passes the caches by.
    pub(crate) fn of(description: &Description, frame: &Frame, machine: &Machine) -> Self {
        Fit {
            rows: rows_at_once(description, frame, machine),
            traffic: frame.traffic(machine),
            pixels: phased::frame(description, frame).map(|frame| rows_at_once(description, &frame, machine)),
        }
    }

    /// Output rows of a call, where rows are staged or not.
    pub(crate) fn rows(&self, staged: bool) -> usize {
        self.rows[usize::from(staged)]
    }
}

/// Output rows of a call where rows are read in place, and where they are staged.
fn rows_at_once(description: &Description, frame: &Frame, machine: &Machine) -> [usize; 2] {
    let spec = &frame.spec;
    let tall = description.panels.iter().flat_map(|panels| panels.tiles);
    let tall = tall.map(|tile| tile.rows).max().unwrap_or(1);
    let whole = |rows: usize| (rows.clamp(tall, MOST_ROWS) / tall * tall).min(frame.output[0]);
    let bytes = |rows: usize, channels: usize| rows * frame.reach() * channels * size_of::<f32>();
    // Rows are read once for each panel, and staged rows were just written: they should stay in the
    // second-level cache.
    let budget = machine.l2 / 3;
    let read = budget / bytes(spec.stride[0], spec.c_in).max(1);
    let staged = budget / (bytes(spec.stride[0], spec.c_in) + bytes(1, spec.c_out)).max(1);
    [whole(read), whole(staged)]
}

/// Floats of scratch for a band of `rows` output rows of a picture of interleaved channels.
pub(crate) fn scratch(kernel: &Kernel, frame: &Frame, fit: &Fit, rows: usize) -> usize {
    match as_numbers(kernel, frame, fit) {
        Some((numbers, fit)) => of_planes(kernel, &numbers, &fit, rows),
        None => of_planes(kernel, frame, fit, rows),
    }
}

/// The picture of one channel that a picture of interleaved channels is read as, where it is, with a fit of
/// its own.
pub(crate) fn as_numbers(kernel: &Kernel, frame: &Frame, fit: &Fit) -> Option<(Frame, Fit)> {
    let numbers = phased::frame(kernel.description(), frame)?;
    Some((numbers, Fit { rows: fit.pixels?, pixels: None, ..*fit }))
}

/// As [`scratch`], where channels go through planes.
fn of_planes(kernel: &Kernel, frame: &Frame, fit: &Fit, rows: usize) -> usize {
    let (lanes, [_, width]) = (kernel.description().lanes, frame.output);
    let source = match edges(kernel, frame) {
        None => Source::Staged,
        Some(Edges { left: 0, right: 0 }) => Source::InPlace,
        Some(edges) => Source::Between(edges),
    };
    let at_once = fit.rows(source == Source::Staged).clamp(1, rows.max(1));
    let staged = stage::floats(frame, source, at_once, lanes);
    let in_place = width >= lanes && frame.spec.c_out == 1;
    let planes = at_once * frame.spec.c_out * width.max(lanes).next_multiple_of(LINE);
    staged + if in_place { 0 } else { planes }
}

/// Bytes that the weights and the bias of a layer are packed to.
pub(crate) fn packed_bytes(description: &Description, spec: &ConvSpec) -> usize {
    let phases = if phased::reads(description, spec) { description.lanes } else { 0 };
    size_of::<f32>() * spec.c_out * (spec.taps() + 1) * (1 + phases)
}

/// Writes computed planes to some channels of an output of any memory order.
fn unpack(
    planes: &[f32],
    turn: Interleave,
    pitch: usize,
    [first, count]: [usize; 2],
    block: &mut ArrayViewMut3<'_, f32>,
) {
    let [width, channels] = [block.len_of(Axis(1)), block.len_of(Axis(2))];
    for (mut row, planes) in block.axis_iter_mut(Axis(0)).zip(planes.chunks_exact(count * pitch)) {
        if let Some(row) = row.as_slice_mut() {
            turn.join(planes, pitch, channels, first, row);
        } else {
            let targets = row.axis_iter_mut(Axis(1)).skip(first);
            for (mut target, plane) in targets.zip(planes.chunks_exact(pitch)) {
                target.iter_mut().zip(&plane[..width]).for_each(|(target, number)| *target = *number);
            }
        }
    }
}

/// Writes rows of any memory order to planes.
fn pack(rows: &ArrayView3<'_, f32>, turn: Interleave, pitch: usize, planes: &mut [f32]) {
    let channels = rows.len_of(Axis(2));
    for (row, planes) in rows.axis_iter(Axis(0)).zip(planes.chunks_exact_mut(channels * pitch)) {
        if let Some(pixels) = row.to_slice() {
            turn.split(pixels, channels, planes, pitch, 0);
        } else {
            for (numbers, plane) in row.axis_iter(Axis(1)).zip(planes.chunks_exact_mut(pitch)) {
                plane.iter_mut().zip(numbers).for_each(|(target, number)| *target = *number);
            }
        }
    }
}
