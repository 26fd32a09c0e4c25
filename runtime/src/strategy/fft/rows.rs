//! Rows of a picture into complex signals, and complex signals into rows of the answer.

use std::ops::Range;

use ndarray::{ArrayView1, ArrayView3, ArrayViewMut1, Axis};

use super::layout::Layout;
use crate::epilogue::Channel;
use crate::frame::{Frame, picture_row};

/// The columns of the padded picture that a tile reads.
fn window(frame: &Frame, layout: &Layout, tile: usize) -> Range<usize> {
    let from = tile * layout.tile;
    let length = layout.tile - 1 + frame.spec.extent()[1];
    from..(from + length).min(frame.reach()).max(from)
}

/// Some columns of a row of the padded picture: in place where they lie side by side in the picture,
/// else in scratch.
fn columns<'t>(
    frame: &Frame,
    row: ArrayView3<'t, f32>,
    columns: Range<usize>,
    scratch: &'t mut [f32],
) -> &'t [f32] {
    let before = frame.margins[1].before;
    let inside = columns.start.checked_sub(before).zip(columns.end.checked_sub(before));
    if let Some((from, to)) = inside
        && let Some(row) = row.index_axis_move(Axis(0), 0).index_axis_move(Axis(1), 0).to_slice()
        && let Some(window) = row.get(from..to)
    {
        return window;
    }
    let length = columns.len();
    frame.pad_row(picture_row(&row, 0), columns, &mut scratch[..length]);
    &scratch[..length]
}

/// Lays row `at` of the padded picture, of one channel, out as the signal of a pair of tiles, in
/// `signal`: real and imaginary parts in turn. Says whether there is anything but zeros.
pub(super) fn stage(
    frame: &Frame,
    layout: &Layout,
    input: &ArrayView3<'_, f32>,
    (at, channel, pair): (usize, usize, usize),
    scratch: &mut [f32],
    signal: &mut [f32],
) -> bool {
    let Some(at) = frame.padded_row(at) else {
        signal.fill(0.0);
        return false;
    };
    let row = input.slice(ndarray::s![at..at + 1, .., channel..channel + 1]);
    let (left, right) = scratch.split_at_mut(layout.points);
    let left = columns(frame, row, window(frame, layout, 2 * pair), left);
    let right = columns(frame, row, window(frame, layout, 2 * pair + 1), right);
    let (numbers, _) = signal.as_chunks_mut::<2>();
    let (both, rest) = numbers.split_at_mut(right.len());
    for ((number, left), right) in both.iter_mut().zip(left).zip(right) {
        *number = [*left, *right];
    }
    // The last tile may be narrower than the one before.
    let (one, none) = rest.split_at_mut(left.len() - right.len());
    for (number, left) in one.iter_mut().zip(&left[right.len()..]) {
        *number = [*left, 0.0];
    }
    none.fill([0.0; 2]);
    true
}

/// `target = i · source`.
pub(super) fn turn(source: &[f32], target: &mut [f32]) {
    let (source, target) = (source.as_chunks::<2>().0, target.as_chunks_mut::<2>().0);
    for ([real, imaginary], turned) in source.iter().zip(target) {
        *turned = [-*imaginary, *real];
    }
}

/// The outputs of a row that a tile computes.
pub(super) fn outputs(frame: &Frame, layout: &Layout, tile: usize) -> Range<usize> {
    let (stride, width) = (frame.spec.stride[1], frame.output[1]);
    let at = |column: usize| column.div_ceil(stride).min(width);
    at(tile * layout.tile)..at((tile + 1) * layout.tile)
}

/// Finishes the outputs of a tile of one channel out of the signal that has it: `part` 0 is the real
/// one.
pub(super) fn deliver(
    (signal, part, skip, stride): (&[f32], usize, usize, usize),
    channel: &Channel,
    residual: Option<ArrayView1<'_, f32>>,
    mut target: ArrayViewMut1<'_, f32>,
) {
    let numbers = signal.as_chunks::<2>().0.get(skip..).unwrap_or_default();
    match (target.as_slice_mut(), residual, part) {
        (Some(target), None, 0) if stride == 1 => {
            target.iter_mut().zip(numbers).for_each(|(value, [real, _])| *value = channel.of(*real));
        }
        (Some(target), None, _) if stride == 1 => {
            target
                .iter_mut()
                .zip(numbers)
                .for_each(|(value, [_, imaginary])| *value = channel.of(*imaginary));
        }
        (_, residual, _) => {
            let sums = numbers.iter().step_by(stride).map(|number| number[part]);
            match residual {
                None => target.iter_mut().zip(sums).for_each(|(value, sum)| *value = channel.of(sum)),
                Some(residual) => {
                    let sums = sums.zip(residual).map(|(sum, more)| sum + more);
                    target.iter_mut().zip(sums).for_each(|(value, sum)| *value = channel.of(sum));
                }
            }
        }
    }
}
