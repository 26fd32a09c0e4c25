//! The gradient of the filter from the picture's own rows, their channels apart: no patch is copied.
//!
//! To a kernel, the weights of one tap are a row of output whose pixels are the input channels, and
//! the outputs that the tap meets are the filter that it sums over: some rows of gradients, one
//! after another.

use ndarray::{Axis, s};

use super::filter::{Given, Task, Workplace};
use super::laid_out::copy;
use super::product::Tap;
use crate::error::Error;

/// Outputs that are summed by one call at least: fewer would read and write the sums too often.
const OUTPUTS: usize = 512;

impl Given<'_> {
    /// Input channels as the pixels of a kernel, output channels as its lanes.
    pub(super) fn channels_as_pixels(
        &self,
        task: &mut Task<'_>,
        workplace: &mut Workplace,
    ) -> Result<(), Error> {
        let (frame, spec) = (&self.frame, &self.frame.spec);
        let (width, columns, channels) = (frame.output[1], spec.c_out_group(), task.channels.len());
        let places = spec.kernel[0] * spec.kernel[1];
        let Workplace { answers, planes, staged, product, .. } = workplace;
        for group in 0..spec.groups {
            let outputs = group * columns..(group + 1) * columns;
            let mut sums = task.sums.slice_mut(s![.., .., outputs.clone()]);
            self.each_rows(&task.rows, staged, |picture, rows, table| {
                let first = group * spec.c_in_group();
                planes.fill(frame, table, first + task.channels.start..first + task.channels.end);
                let blocks = (rows.len() * width / OUTPUTS).clamp(1, rows.len());
                let share = rows.len().div_ceil(blocks);
                for start in (0..rows.len()).step_by(share) {
                    let block = start..rows.len().min(start + share);
                    let at = rows.start + block.start..rows.start + block.end;
                    let source = self.gradients.slice(s![picture, at, .., outputs.clone()]);
                    let right = match source.to_slice() {
                        Some(source) => source,
                        None => {
                            answers.resize(source.len(), 0.0);
                            for (row, target) in
                                source.outer_iter().zip(answers.chunks_exact_mut(width * columns))
                            {
                                copy(&row, target);
                            }
                            &answers[..]
                        }
                    };
                    let tap = Tap { rows: block.len(), width, channels, step: planes.step, columns };
                    let line = |place: usize, row: usize| planes.line(frame, block.start + row, place, 0);
                    self.product.of_taps(product, &tap, places, line, right, |place, of_tap| {
                        let mut sums = sums.index_axis_mut(Axis(0), place);
                        for (mut sums, row) in sums.outer_iter_mut().zip(of_tap.chunks_exact(columns)) {
                            if let Some(sums) = sums.as_slice_mut() {
                                sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
                            }
                        }
                    })?;
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}
