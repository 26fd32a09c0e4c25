//! The memory that a kernel of interleaved channels needs, before anything is packed for it.

use super::{numbers, times};
use crate::fit::{Fit, Piece};
use crate::frame::Frame;
use crate::joined;
use crate::kernel::{Description, Family};
use crate::rows::{self, Space};
use crate::spec::ConvSpec;

/// Rows that are held at a time, floats for them, and floats for rows whose numbers are repeated.
pub(super) fn staging(frame: &Frame, pieces: &[Piece], at_once: usize, times: usize) -> [usize; 3] {
    pieces.iter().fold([0; 3], |[held, staged, repeated], Piece { part, .. }| {
        let space = Space::of(frame, part, at_once);
        let more = rows::repeated_floats(frame, part, times, at_once);
        [held + space.rows, staged + space.floats(), repeated.max(more)]
    })
}

/// Floats of scratch for a band of `rows` output rows of a picture of interleaved channels.
pub(crate) fn scratch(description: &Description, frame: &Frame, fit: &Fit, rows: usize) -> usize {
    if joined::serves(frame) {
        return 0;
    }
    let times = times(description.family, &frame.spec);
    let [_, staged, repeated] = staging(frame, &fit.in_place, fit.rows.clamp(1, rows.max(1)), times);
    staged + repeated
}

/// Bytes that the weights and the bias of a layer are packed to.
pub(crate) fn packed_bytes(description: &Description, spec: &ConvSpec) -> usize {
    let groups = if description.family == Family::Depthwise { 1 } else { spec.groups };
    let panels = description.panels.iter().zip(numbers(description, spec).panels);
    let channels: usize = panels.map(|(kind, count)| kind.vectors * description.lanes * count).sum();
    size_of::<f32>() * groups * channels * (spec.taps() + 1)
}
