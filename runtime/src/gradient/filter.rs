//! The gradients of filter and bias: products of patches and output gradients, summed over pixels.
//!
//! Patches transposed are a matrix `[taps, pixels]`, the output's gradients `[pixels, C_out]`; their
//! product is the filter's gradient as it lies in memory. A block of pixels is multiplied at a time,
//! by the kernels of the direct strategy. Few output channels would leave their lanes idle: then the
//! factors change places. Depthwise layers, whose products would be single columns, multiply and add
//! channel by channel instead.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use ndarray::parallel::prelude::*;
use ndarray::{Array1, Array2, Array3, Array4, ArrayView2, ArrayView4, ArrayViewMut3, Axis, s};

use super::product::{Memory, Product};
use crate::error::Error;
use crate::frame::Frame;
use crate::isa::Isa;
use crate::layer::Conv2d;
use crate::machine::Machine;
use crate::patches::{PATCHES, gather};
use crate::rows::{self, Source};

/// Tasks that large work is cut into, whatever the number of threads: each sums its own, so that
/// the answer is the same to the bit on any number of them.
const TASKS: usize = 8;

/// Multiply-adds below which one task does it all.
const SMALL: f64 = 2e6;

/// Floats that the sums of all tasks may take together.
const SUMS: usize = 8 << 20;

/// Pixels that a task sums at least, where the work is cut by pixels.
const PIXELS: usize = 1024;

/// Taps that a task sums at least, where the work is cut by input channels.
const TAPS: usize = 96;

/// Memory that a task works in, kept between calls.
#[derive(Debug, Default)]
pub(crate) struct Workplace {
    /// `[taps, pixels]`, or `[pixels, taps]` where taps are in the lanes.
    patches: Vec<f32>,
    /// `[pixels, C_out]`, or `[C_out, pixels]`.
    answers: Vec<f32>,
    planes: Planes,
    staged: Vec<f32>,
    product: Memory,
}

/// The workplaces of a layer: as many as tasks ran at the same time.
pub(crate) type Workplaces = Mutex<Vec<Workplace>>;

/// What every task reads.
struct Given<'a> {
    frame: Frame,
    isa: Isa,
    product: Product,
    workplaces: &'a Workplaces,
    inputs: ArrayView4<'a, f32>,
    gradients: ArrayView4<'a, f32>,
}

/// The sums of some output rows (counted through all pictures) for some input channels of each group.
struct Task<'a> {
    rows: Range<usize>,
    channels: Range<usize>,
    /// `[K_h · K_w, channels, C_out]`.
    sums: ArrayViewMut3<'a, f32>,
}

/// The gradient of the filter, equation (13).
pub(super) fn gradient(
    layer: &Conv2d,
    inputs: &ArrayView4<'_, f32>,
    gradients: &ArrayView4<'_, f32>,
) -> Result<Array4<f32>, Error> {
    let spec = *layer.spec();
    let frame = Frame::new(spec, [inputs.dim().1, inputs.dim().2])?;
    let product = Product::new(layer.isa(), Machine::detect(layer.isa()).l2)?;
    let (inputs, gradients) = (inputs.view(), gradients.view());
    let workplaces = &layer.workplaces;
    let given = Given { frame, isa: layer.isa(), product, workplaces, inputs, gradients };

    let rows = given.gradients.dim().0 * frame.output[0];
    let (by_rows, by_channels) = (given.by_rows(rows), given.by_channels(rows));
    let [places, channels] = [spec.kernel[0] * spec.kernel[1], spec.c_in_group()];
    let mut sums = vec![Array3::<f32>::zeros((places, channels, spec.c_out)); by_rows];
    let mut tasks = Vec::with_capacity(by_rows * by_channels);
    for (part, sums) in sums.iter_mut().enumerate() {
        let rows = part * rows / by_rows..(part + 1) * rows / by_rows;
        let share = channels.div_ceil(by_channels);
        for (part, sums) in sums.axis_chunks_iter_mut(Axis(1), share).enumerate() {
            let channels = part * share..part * share + sums.len_of(Axis(1));
            tasks.push(Task { rows: rows.clone(), channels, sums });
        }
    }
    tasks.into_par_iter().with_max_len(1).try_for_each(|task| given.run(task))?;

    let mut sums = sums.into_iter();
    let mut filter = sums.next().unwrap_or_default();
    for sums in sums {
        filter += &sums;
    }
    Ok(filter.into_shape_with_order(layer.filter().raw_dim()).unwrap_or_default())
}

/// The gradient of the bias, equation (14): rows in f32, their sums in f64.
pub(super) fn bias_gradient(gradients: &ArrayView4<'_, f32>) -> Array1<f32> {
    let channels = gradients.len_of(Axis(3));
    let mut sums = vec![0.0f64; channels];
    let mut of_row = vec![0.0f32; channels];
    let mut copied = Vec::new();
    for picture in gradients.outer_iter() {
        for row in picture.outer_iter() {
            of_row.fill(0.0);
            let row = row.to_slice().unwrap_or_else(|| {
                copied.resize(row.len(), 0.0);
                copy(&row, &mut copied);
                &copied
            });
            // Four pixels at a time, so that the sums go through memory less often.
            let mut fours = row.chunks_exact(4 * channels);
            for pixels in &mut fours {
                let (first, second) = pixels.split_at(2 * channels);
                let ((one, two), (three, four)) = (first.split_at(channels), second.split_at(channels));
                for ((((sum, a), b), c), d) in of_row.iter_mut().zip(one).zip(two).zip(three).zip(four) {
                    *sum += (a + b) + (c + d);
                }
            }
            for pixel in fours.remainder().chunks_exact(channels) {
                of_row.iter_mut().zip(pixel).for_each(|(sum, gradient)| *sum += gradient);
            }
            sums.iter_mut().zip(&of_row).for_each(|(sum, row)| *sum += f64::from(*row));
        }
    }
    sums.into_iter().map(|sum| sum as f32).collect()
}

impl Given<'_> {
    fn is_depthwise(&self) -> bool {
        self.frame.spec.c_in_group() == 1 && self.frame.spec.c_out_group() == 1
    }

    /// Whether the lanes of a kernel go to taps rather than to output channels.
    fn lanes_are_taps(&self) -> bool {
        let spec = &self.frame.spec;
        2 * spec.c_out_group() <= self.isa.lanes() && spec.taps() > spec.c_out_group()
    }

    fn is_small(&self, rows: usize) -> bool {
        self.frame.macs(1) * rows as f64 <= SMALL
    }

    /// Pieces of the output rows.
    fn by_rows(&self, rows: usize) -> usize {
        let spec = &self.frame.spec;
        let pixels = rows * self.frame.output[1];
        if self.is_small(rows) {
            return 1;
        }
        (SUMS / (spec.taps() * spec.c_out)).min(pixels / PIXELS).clamp(1, TASKS).min(rows)
    }

    /// Pieces of the input channels, where there are not rows enough.
    fn by_channels(&self, rows: usize) -> usize {
        if self.is_small(rows) || self.is_depthwise() || self.lanes_are_taps() {
            return 1;
        }
        (TASKS / self.by_rows(rows)).min(self.frame.spec.taps() / TAPS).clamp(1, self.frame.spec.c_in_group())
    }

    fn run(&self, mut task: Task<'_>) -> Result<(), Error> {
        let idle = self.workplaces.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut workplace = idle.unwrap_or_default();
        let done = if self.is_depthwise() {
            self.depthwise(&mut task, &mut workplace)
        } else if self.lanes_are_taps() {
            self.taps_in_lanes(&mut task, &mut workplace)
        } else {
            self.channels_in_lanes(&mut task, &mut workplace)
        };
        self.workplaces.lock().unwrap_or_else(PoisonError::into_inner).push(workplace);
        done
    }

    /// Walks over the output rows of a task, some that lie in one picture at a time: the picture,
    /// the first of the rows, their number, and the table of padded rows that they read.
    fn each_rows(
        &self,
        rows: &Range<usize>,
        staged: &mut Vec<f32>,
        mut visit: impl FnMut(usize, Range<usize>, &[&[f32]]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (frame, height) = (&self.frame, self.frame.output[0]);
        // As many as share most of their input rows, and fit beside the patches.
        let at_once = (PATCHES / (frame.reach() * frame.spec.c_in)).clamp(1, 16).min(height);
        let mut at = rows.start;
        while at < rows.end {
            let (picture, first) = (at / height, at % height);
            let count = at_once.min(height - first).min(rows.end - at);
            let input = self.inputs.index_axis(Axis(0), picture);
            let source = Source::of(frame, &input);
            staged.resize(rows::scratch_floats(frame, source, count), 0.0);
            let mut table = Vec::with_capacity(rows::table_length(frame, count));
            rows::fill(frame, &input, source, (first, count), staged, &mut table);
            visit(picture, first..first + count, &table)?;
            at += count;
        }
        Ok(())
    }

    /// Pixels of a block whose patches have `taps` columns: an odd number of cache lines, so that
    /// the rows of a matrix do not fall into the same sets of the first-level cache.
    fn block(&self, taps: usize) -> usize {
        const LINE: usize = 16;
        let lines = (PATCHES / taps).clamp(256, 4096) / LINE;
        (lines - 1 + lines % 2) * LINE
    }

    /// Taps as the pixels of a kernel, output channels as its lanes.
    fn channels_in_lanes(&self, task: &mut Task<'_>, workplace: &mut Workplace) -> Result<(), Error> {
        let spec = &self.frame.spec;
        let (width, columns) = (self.frame.output[1], spec.c_out_group());
        let channels = task.channels.len();
        let taps = spec.kernel[0] * spec.kernel[1] * channels;
        let most = self.block(taps);
        let Workplace { patches, answers, planes, staged, product } = workplace;
        for group in 0..spec.groups {
            patches.resize(taps * most, 0.0);
            answers.resize(most * columns, 0.0);
            let mut held = 0;
            let mut sums = task.sums.slice_mut(s![.., .., group * columns..(group + 1) * columns]);
            let mut flush = |patches: &mut [f32], answers: &[f32], held: usize| {
                let mut add = |first: usize, rows: &[f32]| {
                    for (tap, row) in (first..).zip(rows.chunks_exact(columns)) {
                        let mut sums = sums.index_axis_mut(Axis(0), tap / channels);
                        let mut sums = sums.index_axis_mut(Axis(0), tap % channels);
                        if let Some(sums) = sums.as_slice_mut() {
                            sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
                        }
                    }
                };
                // The last block may be shorter: its rows move together.
                for tap in 1..if held < most { taps } else { 0 } {
                    patches.copy_within(tap * most..tap * most + held, tap * held);
                }
                let left = &patches[..taps * held];
                self.product.of(product, left, (&answers[..held * columns], columns), &mut add)
            };
            self.each_rows(&task.rows, staged, |picture, rows, table| {
                let first = group * spec.c_in_group();
                planes.fill(&self.frame, table, first + task.channels.start..first + task.channels.end);
                for (index, row) in rows.enumerate() {
                    let mut from = 0;
                    while from < width {
                        let pixels = (width - from).min(most - held);
                        for (tap, patches) in patches.chunks_exact_mut(most).enumerate() {
                            planes.copy(&self.frame, index, tap, from, &mut patches[held..held + pixels]);
                        }
                        let channels = group * columns..(group + 1) * columns;
                        let source = self.gradients.slice(s![picture, row, from..from + pixels, channels]);
                        copy(&source, &mut answers[held * columns..][..pixels * columns]);
                        held += pixels;
                        from += pixels;
                        if held == most {
                            flush(patches, answers, held)?;
                            held = 0;
                        }
                    }
                }
                Ok(())
            })?;
            if held > 0 {
                flush(patches, answers, held)?;
            }
        }
        Ok(())
    }

    /// Output channels as the pixels of a kernel, taps as its lanes.
    fn taps_in_lanes(&self, task: &mut Task<'_>, workplace: &mut Workplace) -> Result<(), Error> {
        let spec = &self.frame.spec;
        let (width, columns, taps) = (self.frame.output[1], spec.c_out_group(), spec.taps());
        let most = self.block(taps);
        let Workplace { patches, answers, staged, product, .. } = workplace;
        for group in 0..spec.groups {
            patches.resize(most * taps, 0.0);
            answers.resize(columns * most, 0.0);
            let mut held = 0;
            let mut sums = task.sums.slice_mut(s![.., .., group * columns..(group + 1) * columns]);
            let mut flush = |patches: &[f32], answers: &mut [f32], held: usize| {
                let mut add = |first: usize, rows: &[f32]| {
                    for (row, column) in rows.chunks_exact(taps).zip(first..) {
                        let mut sums = sums.index_axis_mut(Axis(2), column);
                        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
                    }
                };
                for column in 1..if held < most { columns } else { 0 } {
                    answers.copy_within(column * most..column * most + held, column * held);
                }
                let left = &answers[..columns * held];
                self.product.of(product, left, (&patches[..held * taps], taps), &mut add)
            };
            self.each_rows(&task.rows, staged, |picture, rows, table| {
                for (index, row) in rows.enumerate() {
                    let table = &table[index * spec.stride[0]..];
                    let mut from = 0;
                    while from < width {
                        let pixels = (width - from).min(most - held);
                        let target = &mut patches[held * taps..][..pixels * taps];
                        gather(&self.frame, table, (1, from..from + pixels), group, target);
                        for (column, answers) in answers.chunks_exact_mut(most).enumerate() {
                            let channel = group * columns + column;
                            let source = self.gradients.slice(s![picture, row, from..from + pixels, channel]);
                            answers[held..held + pixels].iter_mut().zip(source).for_each(|(a, g)| *a = *g);
                        }
                        held += pixels;
                        from += pixels;
                        if held == most {
                            flush(patches, answers, held)?;
                            held = 0;
                        }
                    }
                }
                Ok(())
            })?;
            if held > 0 {
                flush(patches, answers, held)?;
            }
        }
        Ok(())
    }

    /// Each channel of the picture meets its own of the gradient.
    fn depthwise(&self, task: &mut Task<'_>, workplace: &mut Workplace) -> Result<(), Error> {
        let spec = &self.frame.spec;
        let (width, channels) = (self.frame.output[1], spec.c_out);
        let mut answers = Array2::<f32>::zeros((width, channels));
        self.each_rows(&task.rows, &mut workplace.staged, |picture, rows, table| {
            for (index, row) in rows.enumerate() {
                answers.assign(&self.gradients.slice(s![picture, row, .., ..]));
                for (tap, mut sums) in task.sums.outer_iter_mut().enumerate() {
                    let mut sums = sums.index_axis_mut(Axis(0), 0);
                    let Some(sums) = sums.as_slice_mut() else { continue };
                    let (a, b) = (tap / spec.kernel[1], tap % spec.kernel[1]);
                    let source = table[index * spec.stride[0] + a * spec.dilation[0]];
                    for (column, answers) in answers.outer_iter().enumerate() {
                        let at = (column * spec.stride[1] + b * spec.dilation[1]) * channels;
                        if let (Some(pixel), Some(answers)) =
                            (source.get(at..at + channels), answers.to_slice())
                        {
                            for ((sum, value), answer) in sums.iter_mut().zip(pixel).zip(answers) {
                                *sum += value * answer;
                            }
                        }
                    }
                }
            }
            Ok(())
        })
    }
}

/// Copies some pixels, `[pixels, channels]`, into a row-major matrix.
fn copy(source: &ArrayView2<'_, f32>, target: &mut [f32]) {
    if let Some(source) = source.to_slice() {
        target.copy_from_slice(source);
        return;
    }
    for (target, pixel) in target.chunks_exact_mut(source.len_of(Axis(1))).zip(source.outer_iter()) {
        match pixel.to_slice() {
            Some(pixel) => target.copy_from_slice(pixel),
            None => target.iter_mut().zip(pixel).for_each(|(target, value)| *target = *value),
        }
    }
}

/// Some channels of a table of rows, each row of each channel side by side.
#[derive(Debug, Default)]
struct Planes {
    /// `[row, channel, column]`.
    floats: Vec<f32>,
    channels: usize,
}

impl Planes {
    fn fill(&mut self, frame: &Frame, table: &[&[f32]], channels: Range<usize>) {
        let reach = frame.reach();
        self.channels = channels.len();
        self.floats.resize(table.len() * self.channels * reach, 0.0);
        for (row, planes) in table.iter().zip(self.floats.chunks_exact_mut(self.channels * reach)) {
            for (channel, plane) in channels.clone().zip(planes.chunks_exact_mut(reach)) {
                let values = row.get(channel..).unwrap_or_default().iter().step_by(frame.spec.c_in);
                plane.iter_mut().zip(values).for_each(|(target, value)| *target = *value);
            }
        }
    }

    /// What a tap sees from the outputs `from..` of the `index`-th row.
    fn copy(&self, frame: &Frame, index: usize, tap: usize, from: usize, target: &mut [f32]) {
        let (spec, reach) = (&frame.spec, frame.reach());
        let (place, c) = (tap / self.channels, tap % self.channels);
        let (a, b) = (place / spec.kernel[1], place % spec.kernel[1]);
        let row = index * spec.stride[0] + a * spec.dilation[0];
        let stride = spec.stride[1];
        let at = (row * self.channels + c) * reach + from * stride + b * spec.dilation[1];
        let length = (target.len() - 1) * stride + 1;
        let Some(source) = self.floats.get(at..at + length) else { return };
        if stride == 1 {
            target.copy_from_slice(source);
        } else {
            target.iter_mut().zip(source.iter().step_by(stride)).for_each(|(target, value)| *target = *value);
        }
    }
}
