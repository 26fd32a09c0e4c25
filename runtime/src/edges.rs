//! How a row of outputs is cut where columns are padded: a left and a right part, which read small
//! padded copies of a few columns, and an interior, which reads the picture in place.

use std::ops::Range;

use crate::frame::Frame;

/// Parts that a row may have.
pub(crate) const MOST_PARTS: usize = 3;

/// A part of every row of outputs, and how it comes to its inputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// Output pixels.
    pub(crate) outputs: Range<usize>,
    /// Columns of the padded picture that they read.
    pub(crate) columns: Range<usize>,
    /// How they are read.
    pub(crate) reads: Reads,
}

/// How the columns of a part are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reads {
    /// All of them lie inside the picture, and are read there.
    InPlace,
    /// Inside the picture, and what is padding beside it: one column at each end of a row at most.
    Beside,
    /// They are copied into scratch, padded on the way.
    Staged,
}

impl Part {
    /// The part of some outputs, none of them left out.
    pub(crate) fn of(frame: &Frame, outputs: Range<usize>, staged: bool) -> Self {
        let spec = &frame.spec;
        let from = outputs.start * spec.stride[1];
        let to = outputs.end.saturating_sub(1) * spec.stride[1] + spec.extent()[1];
        let reads = if staged { Reads::Staged } else { Reads::InPlace };
        Part { outputs, columns: from..to, reads }
    }

    /// Whole rows, read in place by a kernel that finds one column beside each end of them.
    pub(crate) fn beside(frame: &Frame) -> Self {
        let before = frame.margins[1].before;
        let columns = before..before + frame.input[1];
        Part { outputs: 0..frame.output[1], columns, reads: Reads::Beside }
    }

    /// Whole rows.
    pub(crate) fn whole(frame: &Frame, staged: bool) -> Self {
        Part::of(frame, 0..frame.output[1], staged)
    }
}

/// Output pixels left and right of the interior.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Edges {
    pub(crate) left: usize,
    pub(crate) right: usize,
}

impl Edges {
    /// The pixels that read padding, or nothing where no other is left between them.
    pub(crate) fn least(frame: &Frame) -> Option<Self> {
        let (spec, width) = (&frame.spec, frame.output[1]);
        let before = frame.margins[1].before;
        let left = before.div_ceil(spec.stride[1]);
        // The first pixel that reads a column right of the picture.
        let beyond = (before + frame.input[1] + 1).checked_sub(spec.extent()[1])?;
        let right = width.saturating_sub(beyond.div_ceil(spec.stride[1]));
        (left + right < width).then_some(Edges { left, right })
    }

    /// The widths that cost least, and what they cost: no less than [`Edges::least`], and up to `more`
    /// pixels wider, since tiles may divide the interior then. `inside` and `staged` say what a part of
    /// so many pixels costs.
    pub(crate) fn cheapest(
        frame: &Frame,
        more: usize,
        inside: impl Fn(usize) -> f64,
        staged: impl Fn(usize) -> f64,
    ) -> Option<(Self, f64)> {
        let least = Edges::least(frame)?;
        let width = frame.output[1];
        let room = width - least.left - least.right - 1;
        let most = |least: usize| if least == 0 { 0 } else { more.min(room) };
        let costs = |least: usize| -> Vec<f64> {
            let wider = least..=least + most(least);
            wider.map(|pixels| if pixels == 0 { 0.0 } else { staged(pixels) }).collect()
        };
        let (left, right) = (costs(least.left), costs(least.right));
        let between: Vec<f64> = (0..=(most(least.left) + most(least.right)).min(room))
            .map(|taken| inside(width - least.left - least.right - taken))
            .collect();
        let all = left.iter().enumerate().flat_map(|(l, left)| {
            let pairs = right.iter().enumerate().map(move |(r, right)| (l, r, left + right));
            pairs.filter_map(|(l, r, edges)| {
                let edge = Edges { left: least.left + l, right: least.right + r };
                between.get(l + r).map(|between| (edge, edges + between))
            })
        });
        all.min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// The parts of a row, from left to right.
    pub(crate) fn parts(&self, frame: &Frame) -> Vec<Part> {
        let (width, Edges { left, right }) = (frame.output[1], *self);
        let parts = [(0..left, true), (left..width - right, false), (width - right..width, true)];
        let parts = parts.into_iter().filter(|(outputs, _)| !outputs.is_empty());
        parts.map(|(outputs, staged)| Part::of(frame, outputs, staged)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ConvSpec, Padding};

    fn frame(width: usize, change: impl Fn(ConvSpec) -> ConvSpec) -> Frame {
        Frame::new(change(ConvSpec::new([3, 3], 2, 4)), [9, width]).unwrap()
    }

    /// Whether a part reads nothing outside the picture.
    fn inside(frame: &Frame, part: &Part) -> bool {
        let before = frame.margins[1].before;
        part.columns.start >= before && part.columns.end <= before + frame.input[1]
    }

    #[test]
    fn the_interior_is_all_that_reads_no_padding() {
        for width in 3..40 {
            for stride in 1..4 {
                for dilation in 1..4 {
                    for kernel in 1..6 {
                        let spec = ConvSpec {
                            stride: [1, stride],
                            dilation: [1, dilation],
                            padding: Padding::Same,
                            ..ConvSpec::new([3, kernel], 2, 4)
                        };
                        let Ok(frame) = Frame::new(spec, [9, width]) else { continue };
                        let free: Vec<usize> = (0..frame.output[1])
                            .filter(|&at| inside(&frame, &Part::of(&frame, at..at + 1, false)))
                            .collect();
                        match Edges::least(&frame) {
                            None => assert!(free.is_empty(), "{frame:?}"),
                            Some(edges) => {
                                let parts = edges.parts(&frame);
                                let interior =
                                    parts.iter().find(|part| part.reads == Reads::InPlace).unwrap();
                                let between: Vec<usize> = interior.outputs.clone().collect();
                                assert_eq!(between, free, "{frame:?}");
                                assert!(inside(&frame, interior));
                                let pixels: usize = parts.iter().map(|part| part.outputs.len()).sum();
                                assert_eq!(pixels, frame.output[1]);
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn edges_grow_until_tiles_divide_the_interior() {
        let frame = frame(64, |spec| spec);
        let tiles = |pixels: usize| pixels.div_ceil(16) as f64 * 16.0;
        let (edges, cost) = Edges::cheapest(&frame, 16, tiles, |pixels| tiles(pixels) + 1.0).unwrap();
        assert_eq!((edges.left, edges.right, cost), (16, 16, 66.0));
    }

    #[test]
    fn a_row_that_is_all_edge_has_no_interior() {
        assert_eq!(Edges::least(&frame(2, |spec| spec)), None);
        assert_eq!(Edges::least(&frame(3, |spec| spec)), Some(Edges { left: 1, right: 1 }));
        let open = frame(9, |spec| ConvSpec { padding: Padding::Valid, ..spec });
        assert_eq!(Edges::least(&open), Some(Edges { left: 0, right: 0 }));
    }
}
