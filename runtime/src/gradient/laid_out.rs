//! The gradient of the filter from patches that are laid out as a matrix, a block of pixels at a time.

use std::ops::Range;

use ndarray::{ArrayView2, ArrayViewMut2, Axis, s};

use super::filter::{Given, Task, Workplace};
use crate::error::Error;
use crate::patches::{PATCHES, gather};

impl Given<'_> {
    /// Pixels of a block whose patches have `taps` columns: an odd number of cache lines, so that
    /// the rows of a matrix do not fall into the same sets of the first-level cache.
    fn block(&self, taps: usize) -> usize {
        const LINE: usize = 16;
        let lines = (PATCHES / taps).clamp(256, 4096) / LINE;
        (lines - 1 + lines % 2) * LINE
    }

    /// Walks over the pixels of some output rows in blocks of `most`: which table of rows comes next,
    /// which pixels to lay out where, and when a block is to be multiplied.
    fn each_block(
        &self,
        rows: &Range<usize>,
        staged: &mut Vec<f32>,
        most: usize,
        mut step: impl FnMut(Step<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let width = self.frame.output[1];
        let mut held = 0;
        self.each_rows(rows, staged, |picture, rows, table| {
            step(Step::Rows(table))?;
            for (index, row) in rows.enumerate() {
                let mut from = 0;
                while from < width {
                    let pixels = from..width.min(from + most - held);
                    let length = pixels.len();
                    step(Step::Lay { table, picture, row, index, pixels, held })?;
                    held += length;
                    from += length;
                    if held == most {
                        step(Step::Multiply(held))?;
                        held = 0;
                    }
                }
            }
            Ok(())
        })?;
        if held > 0 { step(Step::Multiply(held)) } else { Ok(()) }
    }

    /// Taps as the pixels of a kernel, output channels as its lanes.
    pub(super) fn taps_as_pixels(&self, task: &mut Task<'_>, workplace: &mut Workplace) -> Result<(), Error> {
        let (frame, spec) = (&self.frame, &self.frame.spec);
        let (columns, channels) = (spec.c_out_group(), task.channels.len());
        let taps = spec.kernel[0] * spec.kernel[1] * channels;
        let most = self.block(taps);
        let Workplace { patches, answers, planes, staged, product } = workplace;
        patches.resize(taps * most, 0.0);
        answers.resize(most * columns, 0.0);
        for group in 0..spec.groups {
            let (first, outputs) = (group * spec.c_in_group(), group * columns..(group + 1) * columns);
            let mut sums = task.sums.slice_mut(s![.., .., outputs.clone()]);
            self.each_block(&task.rows, staged, most, |step| {
                match step {
                    Step::Rows(table) => {
                        planes.fill(frame, table, first + task.channels.start..first + task.channels.end);
                    }
                    Step::Lay { picture, row, index, pixels, held, .. } => {
                        let end = held + pixels.len();
                        for (tap, patches) in patches.chunks_exact_mut(most).enumerate() {
                            planes.copy(frame, index, tap, pixels.start, &mut patches[held..end]);
                        }
                        let source = self.gradients.slice(s![picture, row, pixels, outputs.clone()]);
                        copy(&source, &mut answers[held * columns..end * columns]);
                    }
                    Step::Multiply(held) => {
                        let left = together(patches, taps, most, held);
                        let right = (&answers[..held * columns], columns);
                        self.product.of(product, left, right, |first, rows| {
                            for (tap, row) in (first..).zip(rows.chunks_exact(columns)) {
                                let mut sums = sums.index_axis_mut(Axis(0), tap / channels);
                                let mut sums = sums.index_axis_mut(Axis(0), tap % channels);
                                if let Some(sums) = sums.as_slice_mut() {
                                    sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
                                }
                            }
                        })?;
                    }
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Output channels as the pixels of a kernel, taps as its lanes.
    pub(super) fn taps_in_lanes(&self, task: &mut Task<'_>, workplace: &mut Workplace) -> Result<(), Error> {
        let spec = &self.frame.spec;
        let (columns, taps) = (spec.c_out_group(), spec.taps());
        let most = self.block(taps);
        let Workplace { patches, answers, staged, product, .. } = workplace;
        patches.resize(most * taps, 0.0);
        answers.resize(columns * most, 0.0);
        for group in 0..spec.groups {
            let mut sums = task.sums.slice_mut(s![.., .., group * columns..(group + 1) * columns]);
            self.each_block(&task.rows, staged, most, |step| {
                match step {
                    Step::Rows(_) => {}
                    Step::Lay { table, picture, row, index, pixels, held } => {
                        let end = held + pixels.len();
                        let table = &table[index * spec.stride[0]..];
                        let target = &mut patches[held * taps..end * taps];
                        gather(&self.frame, table, (1, pixels.clone()), group, target);
                        for (column, answers) in answers.chunks_exact_mut(most).enumerate() {
                            let channel = group * columns + column;
                            let source = self.gradients.slice(s![picture, row, pixels.clone(), channel]);
                            answers[held..end].iter_mut().zip(source).for_each(|(a, g)| *a = *g);
                        }
                    }
                    Step::Multiply(held) => {
                        let left = together(answers, columns, most, held);
                        self.product.of(product, left, (&patches[..held * taps], taps), |first, rows| {
                            for (row, column) in rows.chunks_exact(taps).zip(first..) {
                                let mut sums = sums.index_axis_mut(Axis(2), column);
                                sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
                            }
                        })?;
                    }
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// A step of laying out blocks of pixels.
enum Step<'t> {
    /// The rows that the next pixels read.
    Rows(&'t [&'t [f32]]),
    /// Some pixels of an output row go behind the `held` that are there.
    Lay {
        table: &'t [&'t [f32]],
        picture: usize,
        /// The output row, in its picture and in the table's block of them.
        row: usize,
        index: usize,
        pixels: Range<usize>,
        held: usize,
    },
    /// So many pixels are laid out: they are to be multiplied and forgotten.
    Multiply(usize),
}

/// A matrix of `rows` rows of `most` numbers, of which the first `held` count: these move together
/// where a block is shorter than most.
fn together(matrix: &mut [f32], rows: usize, most: usize, held: usize) -> &[f32] {
    if held < most {
        for row in 1..rows {
            matrix.copy_within(row * most..row * most + held, row * held);
        }
    }
    &matrix[..rows * held]
}

/// Copies some pixels, `[pixels, channels]`, into a row-major matrix.
pub(super) fn copy(source: &ArrayView2<'_, f32>, target: &mut [f32]) {
    if let Ok(mut target) = ArrayViewMut2::from_shape(source.raw_dim(), target) {
        target.assign(source);
    }
}
