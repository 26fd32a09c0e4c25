//! The table of rows that kernels read: rows of the picture in place, padded copies of them, and
//! rows of zeros are the same thing to a kernel, so that a border mode is data and not code.

use ndarray::{ArrayView3, ArrayViewMut2};

use crate::edges::{Part, Reads};
use crate::frame::{Frame, picture_row};

/// Floats from one staged row of `floats` to the next: whole cache lines, an odd number of them, so
/// that the rows of a table never fall into the same sets of the first-level cache.
pub(crate) fn pitch(floats: usize) -> usize {
    const LINE: usize = 16;
    floats.div_ceil(LINE) / 2 * 2 * LINE + LINE
}

/// Whether the pixels of a picture's row lie side by side, so that kernels can read them in place.
pub(crate) fn interleaved(input: &ArrayView3<'_, f32>) -> bool {
    picture_row(input, 0).to_slice().is_some()
}

/// Rows of the padded picture that `rows` output rows reach over.
pub(crate) fn table_length(frame: &Frame, rows: usize) -> usize {
    (rows - 1) * frame.spec.stride[0] + frame.spec.extent()[0]
}

/// Staged rows in scratch: each stays until the memory is needed for another, so that what two blocks
/// of output rows read is copied once. One more row is all zeros.
#[derive(Debug, Default)]
pub(crate) struct Ring<'s> {
    zeros: &'s mut [f32],
    zeroed: bool,
    floats: &'s mut [f32],
    /// Which row each place holds, plus one; none at first.
    held: &'s mut [usize],
    pitch: usize,
}

/// Memory that a [`Ring`] needs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Space {
    /// Rows that are held at a time.
    pub(crate) rows: usize,
    /// Floats of a row.
    pub(crate) row: usize,
}

impl Space {
    /// For the rows that `rows` output rows read.
    pub(crate) fn of(frame: &Frame, part: &Part, rows: usize) -> Self {
        let held = match part.reads {
            Reads::InPlace | Reads::Beside => 0,
            // Rows between two strides that no tap reads have no place.
            Reads::Staged => table_length(frame, rows).min(rows * frame.spec.extent()[0]),
        };
        Space { rows: held, row: part.columns.len() * frame.spec.c_in }
    }

    /// Floats of scratch, the row of zeros included.
    pub(crate) fn floats(&self) -> usize {
        (self.rows + 1) * pitch(self.row)
    }
}

impl<'s> Ring<'s> {
    /// An empty ring, out of the first of the `floats` and the first of the places; gives back the rest.
    pub(crate) fn take(
        space: Space,
        floats: &'s mut [f32],
        held: &'s mut [usize],
    ) -> (Self, &'s mut [f32], &'s mut [usize]) {
        let pitch = pitch(space.row);
        let (zeros, floats) = floats.split_at_mut(pitch);
        let (floats, rest) = floats.split_at_mut(space.rows * pitch);
        let (held, more) = held.split_at_mut(space.rows);
        // To fill nothing is not free: a masked store to an address that is none takes a
        // tenth of a microsecond on some machines.
        if space.rows > 0 {
            held.fill(0);
        }
        (Ring { zeros, zeroed: false, floats, held, pitch }, rest, more)
    }

    /// Puts the row of a name into its place, unless it is there.
    pub(crate) fn stage(&mut self, name: usize, write: impl FnOnce(&mut [f32])) {
        let place = name % self.held.len().max(1);
        let from = place * self.pitch;
        if let Some(held) = self.held.get_mut(place)
            && *held != name + 1
            && let Some(row) = self.floats.get_mut(from..from + self.pitch)
        {
            write(row);
            *held = name + 1;
        }
    }

    /// The row of a name that was staged before.
    pub(crate) fn row(&self, name: usize) -> &[f32] {
        let from = name % self.held.len().max(1) * self.pitch;
        self.floats.get(from..from + self.pitch).unwrap_or_default()
    }

    /// Makes the row of zeros.
    pub(crate) fn stage_zeros(&mut self) {
        if !std::mem::replace(&mut self.zeroed, true) {
            self.zeros.fill(0.0);
        }
    }

    /// The row of zeros, which was made before.
    pub(crate) fn zeros(&self) -> &[f32] {
        self.zeros
    }
}

/// Appends to `table` the rows that a part of output rows `first..first + rows` reads. Entry `i` is
/// row `first * stride + i` of the padded picture, from the part's first column on; entries that no
/// tap reads are left empty. Where the kernel looks beside its rows, what is left of each follows, and then
/// what is right of each.
pub(crate) fn fill<'t>(
    frame: &Frame,
    input: &ArrayView3<'t, f32>,
    part: &Part,
    (first, rows): (usize, usize),
    ring: &'t mut Ring<'_>,
    table: &mut Vec<&'t [f32]>,
) {
    let spec = &frame.spec;
    let [stride, dilation, taps] = [spec.stride[0], spec.dilation[0], spec.kernel[0]];
    let extent = spec.extent()[0];
    // Rows between the taps of a dilated filter, or between two strides, may be skipped.
    let all = dilation == 1 && stride <= taps;
    let read = |entry: usize| {
        all || (0..taps)
            .any(|a| entry.checked_sub(a * dilation).is_some_and(|at| at % stride == 0 && at / stride < rows))
    };
    // The number of a row among those that some tap may read.
    let name = |entry: usize| {
        let row = first * stride + entry;
        if stride > extent { row / stride * extent + row % stride } else { row }
    };
    let length = table_length(frame, rows);
    for entry in (0..length).filter(|&entry| read(entry)) {
        match frame.padded_row(first * stride + entry) {
            None => ring.stage_zeros(),
            Some(at) if part.reads == Reads::Staged => ring.stage(name(entry), |target| {
                frame.pad_row(picture_row(input, at), part.columns.clone(), target);
            }),
            Some(_) => {}
        }
    }
    if part.reads == Reads::Beside {
        ring.stage_zeros();
    }
    let ring: &'t Ring<'_> = ring;
    let (channels, before) = (spec.c_in, frame.margins[1].before);
    let inside = part.columns.start.saturating_sub(before) * channels;
    let inside = inside..inside + part.columns.len() * channels;
    table.extend((0..length).map(|entry| {
        if !read(entry) {
            return &[][..];
        }
        match frame.padded_row(first * stride + entry) {
            None => ring.zeros(),
            Some(_) if part.reads == Reads::Staged => ring.row(name(entry)),
            Some(at) => {
                let row = picture_row(input, at).to_slice().unwrap_or_default();
                row.get(inside.clone()).unwrap_or_default()
            }
        }
    }));
    if part.reads == Reads::Beside {
        let ends = [before.checked_sub(1), Some(before + frame.input[1])];
        for column in ends.map(|end| end.and_then(|end| frame.padded_column(end))) {
            table.extend((0..length).map(|entry| {
                if !read(entry) {
                    return &[][..];
                }
                match (frame.padded_row(first * stride + entry), column) {
                    (Some(at), Some(column)) => {
                        let row = picture_row(input, at).to_slice().unwrap_or_default();
                        row.get(column * channels..(column + 1) * channels).unwrap_or_default()
                    }
                    _ => ring.zeros(),
                }
            }));
        }
    }
}

/// Floats of scratch that [`repeat`] needs for `rows` output rows of a part.
pub(crate) fn repeated_floats(frame: &Frame, part: &Part, times: usize, rows: usize) -> usize {
    if times == 1 {
        0
    } else {
        table_length(frame, rows) * pitch(times * part.columns.len() * frame.spec.c_in)
    }
}

/// Puts rows with each number `times` times in a row in the place of the rows of `table`, those of a
/// part.
pub(crate) fn repeat<'t>(
    frame: &Frame,
    part: &Part,
    times: usize,
    scratch: &'t mut [f32],
    table: &mut [&'t [f32]],
) {
    let length = part.columns.len() * frame.spec.c_in;
    let wide = scratch.chunks_exact_mut(pitch(times * length));
    for (row, wide) in table.iter_mut().filter(|row| !row.is_empty()).zip(wide) {
        let Some(narrow) = row.get(..length) else { continue };
        match times {
            2 => repeat_each::<2>(narrow, wide),
            3 => repeat_each::<3>(narrow, wide),
            4 => repeat_each::<4>(narrow, wide),
            _ => wide.chunks_exact_mut(times).zip(narrow).for_each(|(wide, number)| wide.fill(*number)),
        }
        *row = wide;
    }
}

fn repeat_each<const TIMES: usize>(narrow: &[f32], wide: &mut [f32]) {
    for (wide, number) in wide.as_chunks_mut().0.iter_mut().zip(narrow) {
        *wide = [*number; TIMES];
    }
}

/// Appends the rows of `[rows, W, C]` to `table`: in place where their pixels are interleaved, else
/// gathered into `scratch`.
pub(crate) fn gather<'t>(
    rows: ArrayView3<'t, f32>,
    in_place: bool,
    scratch: &'t mut [f32],
    table: &mut Vec<&'t [f32]>,
) {
    let (_, width, channels) = rows.dim();
    let mut staged = scratch.chunks_exact_mut((width * channels).max(1));
    for row in (0..rows.len_of(ndarray::Axis(0))).map(|row| rows.index_axis_move(ndarray::Axis(0), row)) {
        if in_place {
            table.push(row.to_slice().unwrap_or_default());
        } else if let Some(target) = staged.next() {
            if let Ok(mut target) = ArrayViewMut2::from_shape((width, channels), &mut *target) {
                target.assign(&row);
            }
            table.push(target);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_writes_each_row_once() {
        let space = Space { rows: 3, row: 2 };
        let (mut floats, mut held) = (vec![7.0; space.floats()], [9; 4]);
        let (mut ring, rest, more) = Ring::take(space, &mut floats, &mut held);
        assert_eq!((rest.len(), more.len()), (0, 1));
        ring.stage_zeros();
        assert!(ring.zeros().iter().all(|zero| *zero == 0.0));
        let mut written = Vec::new();
        for block in [[0, 1, 2], [1, 2, 3], [5, 6, 7], [6, 7, 8]] {
            for name in block {
                ring.stage(name, |row| {
                    row[0] = name as f32;
                    written.push(name);
                });
            }
            assert_eq!(block.map(|name| ring.row(name)[0]), block.map(|name| name as f32));
        }
        assert_eq!(written, [0, 1, 2, 3, 5, 6, 7, 8]);
    }
}
