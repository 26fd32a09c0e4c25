//! The gradients of filter and bias: products of patches and output gradients, summed over pixels.
//!
//! Patches transposed are a matrix `[taps, pixels]`, the output's gradients `[pixels, C_out]`; their
//! product is the filter's gradient as it lies in memory. The kernels of the direct strategy multiply
//! some rows of pixels at a time: where there are input channels enough, they read the patches from
//! the picture's own rows (`in_place.rs`); else, and where output channels are few, patches are laid
//! out (`laid_out.rs`). Depthwise layers, whose products would be single columns, are depthwise
//! convolutions of the picture with the gradients (`depthwise.rs`).

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use ndarray::parallel::prelude::*;
use ndarray::{Array1, Array3, Array4, ArrayView4, ArrayViewMut3, Axis};

use super::laid_out::copy;
use super::planes::Planes;
use super::product::{Memory, Product};
use crate::edges::Part;
use crate::error::Error;
use crate::frame::Frame;
use crate::isa::Isa;
use crate::layer::Conv2d;
use crate::machine::Machine;
use crate::patches::PATCHES;
use crate::rows::{self, Ring, Space};

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
    pub(super) patches: Vec<f32>,
    /// `[pixels, C_out]`, or `[C_out, pixels]`.
    pub(super) answers: Vec<f32>,
    pub(super) planes: Planes,
    pub(super) staged: Vec<f32>,
    pub(super) product: Memory,
}

/// The workplaces of a layer: as many as tasks ran at the same time.
pub(crate) type Workplaces = Mutex<Vec<Workplace>>;

/// Input channels of a task from which on they are pixels enough for a kernel.
const CHANNELS: usize = 8;

/// What every task reads.
pub(super) struct Given<'a> {
    pub(super) frame: Frame,
    pub(super) isa: Isa,
    pub(super) product: Product,
    pub(super) workplaces: &'a Workplaces,
    pub(super) inputs: ArrayView4<'a, f32>,
    pub(super) gradients: ArrayView4<'a, f32>,
}

/// The sums of some output rows (counted through all pictures) for some input channels of each group.
pub(super) struct Task<'a> {
    pub(super) rows: Range<usize>,
    pub(super) channels: Range<usize>,
    /// `[K_h · K_w, channels, C_out]`.
    pub(super) sums: ArrayViewMut3<'a, f32>,
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
        if self.is_small(rows) || self.frame.spec.is_depthwise() || self.lanes_are_taps() {
            return 1;
        }
        (TASKS / self.by_rows(rows)).min(self.frame.spec.taps() / TAPS).clamp(1, self.frame.spec.c_in_group())
    }

    fn run(&self, mut task: Task<'_>) -> Result<(), Error> {
        let idle = self.workplaces.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut workplace = idle.unwrap_or_default();
        let done = if self.frame.spec.is_depthwise() {
            self.depthwise(&mut task, &mut workplace)
        } else if self.lanes_are_taps() {
            self.taps_in_lanes(&mut task, &mut workplace)
        } else if task.channels.len() >= CHANNELS {
            self.channels_as_pixels(&mut task, &mut workplace)
        } else {
            self.taps_as_pixels(&mut task, &mut workplace)
        };
        self.workplaces.lock().unwrap_or_else(PoisonError::into_inner).push(workplace);
        done
    }

    /// Walks over the output rows of a task, some that lie in one picture at a time: the picture,
    /// the first of the rows, their number, and the table of padded rows that they read.
    pub(super) fn each_rows(
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
            let part = Part::whole(frame, frame.pads_columns() || !rows::interleaved(&input));
            let space = Space::of(frame, &part, count);
            let mut held = vec![0; space.rows];
            staged.resize(space.floats(), 0.0);
            let (mut ring, ..) = Ring::take(space, staged, &mut held);
            let mut table = Vec::with_capacity(rows::table_length(frame, count));
            rows::fill(frame, &input, &part, (first, count), &mut ring, &mut table);
            visit(picture, first..first + count, &table)?;
            at += count;
        }
        Ok(())
    }
}
