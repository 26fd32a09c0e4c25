//! Rows of a picture with their channels apart: what one tap sees of one channel lies side by side.

use std::ops::Range;

use crate::frame::Frame;

/// Some channels of a table of padded rows.
///
/// A row of a channel is cut into as many phases as the stride has pixels, so that what a tap sees
/// from one output to the next is the next number: `[row, channel, phase, column / stride]`.
#[derive(Debug, Default)]
pub(super) struct Planes {
    floats: Vec<f32>,
    channels: usize,
    /// Numbers of a phase.
    phase: usize,
    /// Numbers from one channel to the next: an odd number, so that channels do not fall into the
    /// same sets of the first-level cache.
    pub(super) step: usize,
}

impl Planes {
    /// Takes the channels of a table apart.
    pub(super) fn fill(&mut self, frame: &Frame, table: &[&[f32]], channels: Range<usize>) {
        let (stride, reach) = (frame.spec.stride[1], frame.reach());
        self.channels = channels.len();
        self.phase = reach.div_ceil(stride);
        self.step = (self.phase * stride) | 1;
        self.floats.resize(table.len() * self.channels * self.step, 0.0);
        for (row, planes) in table.iter().zip(self.floats.chunks_exact_mut(self.channels * self.step)) {
            for (channel, plane) in channels.clone().zip(planes.chunks_exact_mut(self.step)) {
                for (first, phase) in plane.chunks_exact_mut(self.phase).take(stride).enumerate() {
                    let from = first * frame.spec.c_in + channel;
                    let values = row.get(from..).unwrap_or_default().iter().step_by(stride * frame.spec.c_in);
                    phase.iter_mut().zip(values).for_each(|(target, value)| *target = *value);
                }
            }
        }
    }

    /// What the tap `place` (row by row of the filter) sees from outputs `from..` of the `index`-th
    /// row on, in the first channel; each further channel is [`Planes::step`] numbers on.
    pub(super) fn line(&self, frame: &Frame, index: usize, place: usize, from: usize) -> &[f32] {
        let spec = &frame.spec;
        let (a, b) = (place / spec.kernel[1], place % spec.kernel[1]);
        let row = index * spec.stride[0] + a * spec.dilation[0];
        let column = b * spec.dilation[1];
        let (phase, column) = (column % spec.stride[1], column / spec.stride[1] + from);
        let plane = self.channels * self.step;
        let of_row = self.floats.get(row * plane..(row + 1) * plane).unwrap_or_default();
        of_row.get(phase * self.phase + column..).unwrap_or_default()
    }

    /// What a tap, `[place, channel]` in row-major order, sees from the outputs `from..` of the
    /// `index`-th row.
    pub(super) fn copy(&self, frame: &Frame, index: usize, tap: usize, from: usize, target: &mut [f32]) {
        let (place, channel) = (tap / self.channels, tap % self.channels);
        let line = self.line(frame, index, place, from).get(channel * self.step..).unwrap_or_default();
        if let Some(source) = line.get(..target.len()) {
            target.copy_from_slice(source);
        }
    }
}
