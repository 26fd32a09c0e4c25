//! The planar rows that a kernel reads: those of the picture in place, padded copies of their ends, or
//! rows parted from pixels, a few at a time.

use std::ops::Range;

use ndarray::{ArrayView3, Axis};

use super::LINE;
use crate::edges::Edges;
use crate::engine::Order;
use crate::frame::{Frame, picture_row};
use crate::interleave::Interleave;
use crate::kernel::Kernel;
use crate::rows::table_length;
use crate::spec::Border;

/// How the rows of a picture get into the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// From the picture's own memory: no column is padded.
    InPlace,
    /// From the picture's own memory, but for the output pixels at both ends, which read staged windows.
    Between(Edges),
    /// Staged row by row, padded on the way.
    Staged,
}

/// Bytes after which addresses fall into the same set of the first-level cache.
const PAGE: usize = 4096;

/// Planes that are too many for one set.
const CROWD: usize = 6;

impl Source {
    pub(super) fn of(frame: &Frame, input: &ArrayView3<'_, f32>, lanes: usize) -> Self {
        let width = frame.output[1];
        if width < lanes || Order::of_rows(input) != Some(Order::Planar) {
            return Source::Staged;
        }
        // Planes that lie a multiple of a page apart fall into the same sets of the first-level cache:
        // copies of their rows do not.
        let apart = input.strides()[2].unsigned_abs() * size_of::<f32>() % PAGE;
        if frame.spec.c_in_group() >= CROWD && apart.min(PAGE - apart) < PAGE / 16 {
            return Source::Staged;
        }
        if !frame.pads_columns() {
            return Source::InPlace;
        }
        ends(frame, lanes).map_or(Source::Staged, Source::Between)
    }
}

/// The output pixels at both ends that read staged windows, whole vectors of them, or `None` where too
/// few lie between.
fn ends(frame: &Frame, lanes: usize) -> Option<Edges> {
    let Edges { left, right } = Edges::least(frame)?;
    let [left, right] = [left, right].map(|pixels| pixels.next_multiple_of(lanes));
    (frame.output[1] >= 2 * left.max(right) + lanes).then_some(Edges { left, right })
}

/// Output pixels at both ends that read staged windows, where a picture of interleaved channels is read
/// in place: it has one channel.
pub(crate) fn edges(kernel: &Kernel, frame: &Frame) -> Option<Edges> {
    let (lanes, width) = (kernel.description().lanes, frame.output[1]);
    if frame.spec.c_in > 1 || width < lanes {
        return None;
    }
    if !frame.pads_columns() {
        return Some(Edges { left: 0, right: 0 });
    }
    ends(frame, lanes)
}

/// A part of the columns of the output, and where the rows for it are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) columns: Range<usize>,
    /// The staged rows begin here and are so far apart; or they are the picture's own.
    staged: Option<[usize; 2]>,
}

/// Rows as the kernel reads them.
#[derive(Debug)]
pub(super) struct Stage<'f> {
    frame: &'f Frame,
    turn: Interleave,
    parts: [Option<Part>; 3],
    /// Rows of the padded picture that are kept: row `r` in place `r % kept`.
    kept: usize,
    /// Where the row of zeros begins, and its numbers.
    zeros: [usize; 2],
}

/// Where staged rows lie in scratch.
struct Layout {
    parts: [Option<Part>; 3],
    kept: usize,
    zeros: [usize; 2],
}

impl Layout {
    fn of(frame: &Frame, source: Source, at_once: usize, lanes: usize) -> Self {
        let width = frame.output[1];
        let beyond = frame.spec.extent()[1] - 1;
        let kept = table_length(frame, at_once);
        // An odd number of lines, so that the rows of a table do not fall into the same sets.
        let pitch = |columns: usize| (columns + beyond).div_ceil(LINE) / 2 * 2 * LINE + LINE;
        let planes = kept * frame.spec.c_in;
        let part = |columns: Range<usize>, staged| Some(Part { columns, staged });
        let (parts, end, longest) = match source {
            Source::InPlace => ([part(0..width, None), None, None], 0, width + beyond),
            Source::Staged => {
                let columns = width.max(lanes);
                let pitch = pitch(columns);
                ([part(0..columns, Some([0, pitch])), None, None], planes * pitch, pitch)
            }
            Source::Between(Edges { left: before, right: after }) => {
                let [pitch_before, pitch_after] = [pitch(before), pitch(after)];
                let middle = planes * pitch_before;
                (
                    [
                        (before > 0).then_some(Part { columns: 0..before, staged: Some([0, pitch_before]) }),
                        part(before..width - after, None),
                        (after > 0).then(|| Part {
                            columns: width - after..width,
                            staged: Some([middle, pitch_after]),
                        }),
                    ],
                    middle + planes * pitch_after,
                    width + beyond,
                )
            }
        };
        Layout { parts, kept, zeros: [end, longest] }
    }
}

/// Floats of scratch that a stage needs.
pub(super) fn floats(frame: &Frame, source: Source, at_once: usize, lanes: usize) -> usize {
    let Layout { zeros, .. } = Layout::of(frame, source, at_once, lanes);
    zeros[0] + zeros[1]
}

impl<'f> Stage<'f> {
    pub(super) fn new(
        frame: &'f Frame,
        source: Source,
        at_once: usize,
        lanes: usize,
        turn: Interleave,
    ) -> Self {
        let Layout { parts, kept, zeros } = Layout::of(frame, source, at_once, lanes);
        Stage { frame, turn, parts, kept, zeros }
    }

    /// Floats of scratch.
    pub(super) fn floats(&self) -> usize {
        self.zeros[0] + self.zeros[1]
    }

    pub(super) fn parts(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().flatten()
    }

    /// Stages what output rows `first..first + rows` read and earlier calls have not.
    pub(super) fn fill(
        &self,
        input: &ArrayView3<'_, f32>,
        (first, rows): (usize, usize),
        ready: &mut usize,
        staged: &mut [f32],
    ) {
        let spec = &self.frame.spec;
        let [from, to] = [first * spec.stride[0], first * spec.stride[0] + table_length(self.frame, rows)];
        if let Some(zeros) = staged.get_mut(self.zeros[0]..) {
            zeros.fill(0.0);
        }
        for at in (*ready).max(from)..to {
            let Some(row) = self.frame.padded_row(at) else { continue };
            for part in self.parts() {
                let Some([start, pitch]) = part.staged else { continue };
                let start = start + at % self.kept * spec.c_in * pitch;
                if let Some(planes) = staged.get_mut(start..start + spec.c_in * pitch) {
                    self.fill_row(input, row, part, planes, pitch);
                }
            }
        }
        *ready = (*ready).max(to);
    }

    /// Writes the padded columns of a part of one row of the picture, as planes.
    fn fill_row(
        &self,
        input: &ArrayView3<'_, f32>,
        row: usize,
        part: &Part,
        planes: &mut [f32],
        pitch: usize,
    ) {
        let frame = self.frame;
        let channels = frame.spec.c_in;
        let row = picture_row(input, row);
        let length = pitch.min(part.columns.len() + frame.spec.extent()[1] - 1);
        // Columns of the planes that show the picture, and the first column of the picture there.
        let (from, left) = (part.columns.start, frame.margins[1].before);
        let begin = left.saturating_sub(from).min(length);
        let source = (from + begin).saturating_sub(left);
        let inside = frame.input[1].saturating_sub(source).min(length - begin);
        if let Some(pixels) = row.to_slice().filter(|_| channels > 1) {
            let pixels = pixels.get(source * channels..(source + inside) * channels);
            self.turn.split(pixels.unwrap_or_default(), channels, planes, pitch, begin);
        } else {
            for (plane, numbers) in planes.chunks_exact_mut(pitch).zip(row.axis_iter(Axis(1))) {
                let Some(plane) = plane.get_mut(begin..begin + inside) else { continue };
                match numbers.to_slice().and_then(|numbers| numbers.get(source..source + inside)) {
                    Some(numbers) => plane.copy_from_slice(numbers),
                    None => {
                        let numbers = numbers.iter().skip(source);
                        plane.iter_mut().zip(numbers).for_each(|(target, number)| *target = *number);
                    }
                }
            }
        }
        let reach = frame.reach();
        let zeros = frame.spec.border == Border::Zero;
        for edge in [0..begin, begin + inside..length] {
            if zeros {
                planes.chunks_exact_mut(pitch).for_each(|plane| plane[edge.clone()].fill(0.0));
                continue;
            }
            for column in edge {
                let shown = if from + column < reach { frame.padded_column(from + column) } else { None };
                for (c, plane) in planes.chunks_exact_mut(pitch).enumerate() {
                    plane[column] = shown.map_or(0.0, |shown| row[[shown, c]]);
                }
            }
        }
    }

    /// Appends the rows of a part of the columns to the table.
    pub(super) fn table<'t>(
        &self,
        input: &ArrayView3<'t, f32>,
        (first, rows): (usize, usize),
        part: &Part,
        staged: &'t [f32],
        table: &mut Vec<&'t [f32]>,
    ) {
        let spec = &self.frame.spec;
        let zeros = staged.get(self.zeros[0]..).unwrap_or_default();
        for entry in 0..table_length(self.frame, rows) {
            let at = first * spec.stride[0] + entry;
            match (self.frame.padded_row(at), part.staged) {
                (None, _) => table.extend(std::iter::repeat_n(zeros, spec.c_in)),
                (Some(_), Some([start, pitch])) => {
                    let start = start + at % self.kept * spec.c_in * pitch;
                    table.extend(staged.get(start..).unwrap_or_default().chunks_exact(pitch).take(spec.c_in));
                }
                (Some(row), None) => {
                    let from = part.columns.start - self.frame.margins[1].before.min(part.columns.start);
                    let row = picture_row(input, row);
                    table.extend((0..spec.c_in).map(|c| {
                        let plane = row.index_axis_move(Axis(1), c).to_slice().unwrap_or_default();
                        plane.get(from..).unwrap_or_default()
                    }));
                }
            }
        }
    }
}
