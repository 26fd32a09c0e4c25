//! Windows of bytes all of whose weights are alike, at a cost that hardly grows with them.
//!
//! Down the columns a running sum takes a row in and another out, modulo 2¹⁶, where the sum of a column fits: it
//! never errs, and needs no new beginning. Sums of 2, 4, 8.. neighbours are made of those of half as many, and
//! generated code adds those that a window is wide, in 32 bits where they leave 16.

use ndarray::{ArrayView2, ArrayViewMut2, Axis};

use super::edges::Edges;
use super::passes::Passes;
use super::program::{ByteReady, ByteRows};
use super::surface::Surface;
use crate::workspace::Scratch;

/// Window sums of bytes for one size of picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct ByteWindows<'a> {
    pub(super) surface: Surface,
    pub(super) passes: &'a Passes,
    pub(super) kernel: ByteReady<u16>,
    /// Sums of 1, 2, 4.. neighbours that the kernel adds.
    pub(super) powers: usize,
}

/// Bytes of a cache line.
const LINE: usize = 64;
/// Sums of a cache line.
const SUMS: usize = LINE / size_of::<u16>();
impl ByteWindows<'_> {
    /// Computes rows `first..` of the output, `[rows, W' · C]`.
    pub(super) fn band(
        &self,
        input: ArrayView2<'_, u8>,
        output: ArrayViewMut2<'_, u8>,
        first: usize,
        scratch: &mut Scratch,
    ) {
        let Self { surface, passes, powers, .. } = self;
        let (height, width, left) = (surface.frame.spec.kernel[0], surface.width(), surface.left());
        // So that the numbers of the picture begin with a cache line.
        let before = left.next_multiple_of(SUMS) - left;
        let padded = surface.output() + surface.spread();
        // Whole lines are summed: what lies beyond the padded row is no number of the output's.
        let summed = (before + padded).next_multiple_of(SUMS);
        let furthest = (1usize << powers >> 1) * surface.step;
        let plane = (summed + furthest).next_multiple_of(SUMS);
        let pitch = width.next_multiple_of(LINE);

        let mut places = scratch.places();
        let edges = Edges::of(surface, &mut places);

        let sums = powers * plane * size_of::<u16>();
        let length = sums + 3 * pitch + surface.output();
        let memory: &mut [u8] = bytemuck::cast_slice_mut(scratch.floats(length.div_ceil(size_of::<f32>())));
        let (planes, memory) = memory.split_at_mut(sums);
        let planes: &mut [u16] = bytemuck::cast_slice_mut(planes);
        let (zeros, memory) = memory.split_at_mut(pitch);
        zeros.fill(0);
        let (new, memory) = memory.split_at_mut(pitch);
        let (old, memory) = memory.split_at_mut(pitch);
        let result = &mut memory[..surface.output()];

        for (at, mut row) in (first..).zip(output.into_outer_iter_mut()) {
            let inside = &mut planes[before + left..][..width];
            if at == first {
                inside.fill(0);
                for row in at..at + height {
                    passes.accumulate_bytes(self.row(&input, row, zeros, new), inside);
                }
            } else {
                let entering = self.row(&input, at + height - 1, zeros, new);
                passes.slide_bytes(entering, self.row(&input, at - 1, zeros, old), inside);
            }
            let padding = &mut planes[before..];
            edges.begin(padding);
            edges.end(padding);
            self.double(planes, plane, summed);
            let along = |output: &mut [u8]| {
                let (from, step, length) = (before, surface.step as isize, output.len());
                self.kernel.rows(&mut ByteRows { planes: &*planes, plane, from, step, output, length });
            };
            match row.as_slice_mut() {
                Some(row) => along(row),
                None => {
                    along(result);
                    row.iter_mut().zip(&*result).for_each(|(to, from)| *to = *from);
                }
            }
        }
        scratch.keep_places(places);
    }

    /// Sums of 2, 4, 8.. neighbours, each from those of half as many.
    fn double(&self, planes: &mut [u16], plane: usize, summed: usize) {
        for power in 1..self.powers {
            let (from, to) = planes.split_at_mut(power * plane);
            let from = &from[(power - 1) * plane..];
            let apart = (1 << (power - 1)) * self.surface.step;
            self.passes.add_sums(&from[..summed], &from[apart..][..summed], &mut to[..summed]);
        }
    }

    /// A row of the padded picture, by way of `copy` where its bytes do not lie side by side.
    fn row<'x>(
        &self,
        input: &'x ArrayView2<'_, u8>,
        at: usize,
        zeros: &'x [u8],
        copy: &'x mut [u8],
    ) -> &'x [u8] {
        let width = self.surface.width();
        let Some(source) = self.surface.frame.padded_row(at) else { return &zeros[..width] };
        let row = input.index_axis(Axis(0), source);
        if let Some(row) = row.to_slice() {
            return row;
        }
        let copy = &mut copy[..width];
        copy.iter_mut().zip(row).for_each(|(to, from)| *to = *from);
        copy
    }
}
