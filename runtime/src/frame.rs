//! A layer laid over a picture of one size: where the padding is, and how padded rows are made.

use std::ops::Range;

use ndarray::{ArrayView2, ArrayView3, ArrayViewMut2, s};

use crate::machine::Machine;
use crate::spec::Margins;
use crate::{Border, ConvSpec, Error};

/// A layer on pictures of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) spec: ConvSpec,
    pub(crate) input: [usize; 2],
    pub(crate) output: [usize; 2],
    pub(crate) margins: [Margins; 2],
}

/// How a picture and its output are moved, which no near cache holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    /// Whether outputs pass the caches by.
    pub(crate) stream: bool,
    /// Whether rows are fetched before they are read.
    pub(crate) prefetch: bool,
}

impl Frame {
    pub(crate) fn new(spec: ConvSpec, input: [usize; 2]) -> Result<Self, Error> {
        let output = spec.output(input)?;
        Ok(Frame { spec, input, output, margins: spec.margins(input) })
    }

    /// Multiply-adds of `rows` output rows.
    pub(crate) fn macs(&self, rows: usize) -> f64 {
        rows as f64 * self.output[1] as f64 * self.spec.c_out as f64 * self.spec.taps() as f64
    }

    /// Bytes of the padded picture and of the output.
    pub(crate) fn moved(&self) -> usize {
        let [inputs, outputs] = [
            self.input[0] * self.spec.c_in * self.reach(),
            self.output[0] * self.spec.c_out * self.output[1],
        ];
        (inputs + outputs) * size_of::<f32>()
    }

    /// How picture and output are moved. A cache that holds them twice over keeps the output for whoever reads it.
    pub(crate) fn traffic(&self, machine: &Machine) -> Traffic {
        let moved = self.moved();
        Traffic { stream: moved > machine.l3 / 2, prefetch: moved > machine.l2 }
    }

    /// Columns of the padded picture that the filter reads.
    pub(crate) fn reach(&self) -> usize {
        (self.output[1] - 1) * self.spec.stride[1] + self.spec.extent()[1]
    }

    /// Whether the filter reads columns that are not in the picture.
    pub(crate) fn pads_columns(&self) -> bool {
        self.margins[1].before > 0 || self.reach() > self.input[1]
    }

    /// Whether it reads such columns, one at each end of a row at most.
    pub(crate) fn pads_one_column(&self) -> bool {
        let before = self.margins[1].before;
        self.pads_columns() && before <= 1 && self.reach() <= before + self.input[1] + 1
    }

    /// The row of the picture that tap row `a` of output row `row` reads, or `None` for zeros.
    pub(crate) fn source_row(&self, row: usize, a: usize) -> Option<usize> {
        self.padded_row(row * self.spec.stride[0] + a * self.spec.dilation[0])
    }

    /// The row of the picture that row `at` of the padded picture shows, or `None` for zeros.
    pub(crate) fn padded_row(&self, at: usize) -> Option<usize> {
        let at = at as isize - self.margins[0].before as isize;
        self.spec.border.source(at, self.input[0])
    }

    /// The column of the picture that column `at` of the padded picture shows.
    pub(crate) fn padded_column(&self, at: usize) -> Option<usize> {
        let at = at as isize - self.margins[1].before as isize;
        self.spec.border.source(at, self.input[1])
    }

    /// Writes some columns of one row of the padded picture from a row `[W, C]` of the picture in any
    /// memory order, of as many channels as it has.
    pub(crate) fn pad_row(&self, row: ArrayView2<'_, f32>, columns: Range<usize>, target: &mut [f32]) {
        let channels = row.ncols();
        let before = self.margins[1].before;
        let inside = columns.start.max(before)..columns.end.min(before + self.input[1]);
        if inside.is_empty() {
            return self.pad_edge(row, columns, target);
        }
        let (left, rest) = target.split_at_mut((inside.start - columns.start) * channels);
        let (middle, right) = rest.split_at_mut(inside.len() * channels);
        let from = inside.start - before;
        if let Some(source) = row.to_slice() {
            middle.copy_from_slice(&source[from * channels..][..middle.len()]);
        } else if let Ok(mut middle) = ArrayViewMut2::from_shape((inside.len(), channels), middle) {
            middle.assign(&row.slice(s![from..from + inside.len(), ..]));
        }
        self.pad_edge(row, columns.start..inside.start, left);
        self.pad_edge(row, inside.end..columns.end, right);
    }

    /// Writes columns of the padded picture that are not in the picture.
    fn pad_edge(&self, row: ArrayView2<'_, f32>, columns: Range<usize>, target: &mut [f32]) {
        let channels = row.ncols();
        if self.spec.border == Border::Zero {
            target[..columns.len() * channels].fill(0.0);
            return;
        }
        for (column, pixel) in columns.zip(target.chunks_exact_mut(channels)) {
            match self.padded_column(column) {
                None => pixel.fill(0.0),
                Some(column) => {
                    pixel.iter_mut().zip(row.row(column)).for_each(|(value, from)| *value = *from)
                }
            }
        }
    }
}

/// A row of a picture, `[W, C]`, borrowed for as long as the picture itself.
pub(crate) fn picture_row<'x>(input: &ArrayView3<'x, f32>, row: usize) -> ArrayView2<'x, f32> {
    (*input).index_axis_move(ndarray::Axis(0), row)
}
