//! The gradient of the filter from patches that are laid out as a matrix, a block of pixels at a time.

use ndarray::{ArrayView2, Axis, s};

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

    /// Taps as the pixels of a kernel, output channels as its lanes.
    pub(super) fn taps_as_pixels(&self, task: &mut Task<'_>, workplace: &mut Workplace) -> Result<(), Error> {
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
    pub(super) fn taps_in_lanes(&self, task: &mut Task<'_>, workplace: &mut Workplace) -> Result<(), Error> {
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
}

/// Copies some pixels, `[pixels, channels]`, into a row-major matrix.
pub(super) fn copy(source: &ArrayView2<'_, f32>, target: &mut [f32]) {
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
