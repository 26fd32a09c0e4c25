//! The table of rows that kernels read: rows of the picture in place, padded copies of them, and
//! rows of zeros are the same thing to a kernel, so that a border mode is data and not code.

use ndarray::{ArrayView3, ArrayViewMut2};

use crate::frame::{Frame, picture_row};

/// How the rows of one picture get into the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The picture's own memory: its pixels are interleaved and no column is padded.
    InPlace,
    /// Copied row by row into scratch, padded on the way: no more rows than a band reads.
    Staged,
}

impl Source {
    /// How the rows of `input` can be read.
    pub(crate) fn of(frame: &Frame, input: &ArrayView3<'_, f32>) -> Self {
        let interleaved = picture_row(input, 0).to_slice().is_some();
        if interleaved && !frame.pads_columns() { Source::InPlace } else { Source::Staged }
    }
}

/// Floats from one staged row to the next: whole cache lines, an odd number of them, so that the
/// rows of a table never fall into the same sets of the first-level cache.
pub(crate) fn pitch(frame: &Frame) -> usize {
    const LINE: usize = 16;
    (frame.reach() * frame.spec.c_in).div_ceil(LINE) / 2 * 2 * LINE + LINE
}

/// Rows of the padded picture that `rows` output rows reach over.
pub(crate) fn table_length(frame: &Frame, rows: usize) -> usize {
    (rows - 1) * frame.spec.stride[0] + frame.spec.extent()[0]
}

/// Floats of scratch that [`fill`] needs for `rows` output rows.
pub(crate) fn scratch_floats(frame: &Frame, source: Source, rows: usize) -> usize {
    let staged = match source {
        Source::InPlace => 0,
        Source::Staged => {
            let spec = &frame.spec;
            table_length(frame, rows).min(rows * spec.kernel[0])
        }
    };
    (staged + 1) * pitch(frame)
}

/// Floats of scratch that [`repeat`] needs for `rows` output rows.
pub(crate) fn repeated_floats(frame: &Frame, times: usize, rows: usize) -> usize {
    if times == 1 { 0 } else { table_length(frame, rows) * times * pitch(frame) }
}

/// Puts rows with each channel `times` times in a row in the place of the rows of `table`.
pub(crate) fn repeat<'t>(frame: &Frame, times: usize, scratch: &'t mut [f32], table: &mut [&'t [f32]]) {
    let length = frame.reach() * frame.spec.c_in;
    let wide = scratch.chunks_exact_mut(times * pitch(frame));
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

/// Appends to `table` the rows that output rows `first..first + rows` read. Entry `i` is row
/// `first * stride + i` of the padded picture; entries that no tap reads are left empty.
pub(crate) fn fill<'t>(
    frame: &Frame,
    input: &ArrayView3<'t, f32>,
    source: Source,
    (first, rows): (usize, usize),
    scratch: &'t mut [f32],
    table: &mut Vec<&'t [f32]>,
) {
    let spec = &frame.spec;
    let [stride, dilation, taps] = [spec.stride[0], spec.dilation[0], spec.kernel[0]];
    let mut staged = scratch.chunks_exact_mut(pitch(frame));
    let mut zeros: Option<&'t [f32]> = None;
    // Rows between the taps of a dilated filter, or between two strides, may be skipped.
    let all = dilation == 1 && stride <= taps;
    let read = |entry: usize| {
        all || (0..taps)
            .any(|a| entry.checked_sub(a * dilation).is_some_and(|at| at % stride == 0 && at / stride < rows))
    };
    for entry in 0..table_length(frame, rows) {
        let row: &'t [f32] = if !read(entry) {
            &[]
        } else {
            match (frame.padded_row(first * stride + entry), source) {
                (None, _) => zeros.get_or_insert_with(|| {
                    let row = staged.next().unwrap_or_default();
                    row.fill(0.0);
                    row
                }),
                (Some(at), Source::InPlace) => picture_row(input, at).to_slice().unwrap_or_default(),
                (Some(at), Source::Staged) => {
                    let row = staged.next().unwrap_or_default();
                    frame.pad_row(picture_row(input, at), row);
                    row
                }
            }
        };
        table.push(row);
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
