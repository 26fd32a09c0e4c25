//! Bands of rows of bytes to bytes, in 16-bit integers or in `f32`.
//!
//! For two rows of output the rows of the picture are summed down the columns, once for each term, into rows of
//! numbers that stay in the first-level cache; those are padded there, summed along and rounded.

use bytemuck::Pod;
use ndarray::{ArrayView1, ArrayView2, ArrayViewMut1, ArrayViewMut2, Axis};

use super::edges::Edges;
use super::program::{ByteColumns, ByteReady, ByteRows};
use super::surface::Surface;
use crate::workspace::{Scratch, recycle};

/// Sums of bytes for one size of picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct ByteSums<T> {
    pub(super) surface: Surface,
    pub(super) kernel: ByteReady<T>,
    /// Terms of the filter.
    pub(super) terms: usize,
    /// Whether the filter is turned by half.
    pub(super) flipped: bool,
}

/// Bytes of a cache line.
const LINE: usize = 64;

impl<T: Pod + Default> ByteSums<T> {
    /// Computes rows `first..` of the output, `[rows, W' · C]`.
    pub(super) fn band(
        &self,
        input: ArrayView2<'_, u8>,
        mut output: ArrayViewMut2<'_, u8>,
        first: usize,
        scratch: &mut Scratch,
    ) {
        let surface = &self.surface;
        let (height, width) = (surface.frame.spec.kernel[0], surface.width());
        let before = surface.left().next_multiple_of(LINE / size_of::<T>()) - surface.left();
        let padded = surface.output() + surface.spread();
        let plane = (before + padded).next_multiple_of(LINE / size_of::<T>());
        // Rows whose bytes do not lie side by side are copied, as many as two rows of output see.
        let staged = !input.outer_iter().take(1).all(|row| row.to_slice().is_some());
        let (pitch, copies) = (width.next_multiple_of(LINE), if staged { height + 1 } else { 0 });

        let (mut tables, mut bytes) = (scratch.tables(), scratch.bytes());
        tables.held.clear();
        tables.held.resize(copies, 0);
        let mut places = scratch.places();
        let edges = Edges::of(surface, &mut places);
        let sums = 2 * self.terms * plane * size_of::<T>();
        let length = sums + (1 + copies) * pitch + surface.output();
        let memory: &mut [u8] = bytemuck::cast_slice_mut(scratch.floats(length.div_ceil(size_of::<f32>())));
        let (planes, memory) = memory.split_at_mut(sums);
        let planes: &mut [T] = bytemuck::cast_slice_mut(planes);
        let (zeros, memory) = memory.split_at_mut(pitch);
        zeros.fill(0);
        let (ring, memory) = memory.split_at_mut(copies * pitch);
        let result = &mut memory[..surface.output()];

        for (at, mut pair) in (first..).step_by(2).zip(output.axis_chunks_iter_mut(Axis(0), 2)) {
            let rows = pair.nrows();
            // A last row of output has no second, and what that alone would see is not wanted.
            let seen = |a: usize| if a < height + rows - 1 { surface.frame.padded_row(at + a) } else { None };
            if staged {
                for (a, source) in (0..=height).filter_map(|a| Some((a, seen(a)?))) {
                    let place = (at + a) % copies;
                    if std::mem::replace(&mut tables.held[place], at + a + 1) != at + a + 1 {
                        copy(input.row(source), &mut ring[place * pitch..][..width]);
                    }
                }
            }
            let mut table = recycle(std::mem::take(&mut bytes));
            table.extend((0..=height).map(|a| if self.flipped { height - a } else { a }).map(
                |a| match seen(a) {
                    None => &zeros[..width],
                    Some(_) if staged => &ring[(at + a) % copies * pitch..][..width],
                    Some(source) => input.index_axis_move(Axis(0), source).to_slice().unwrap_or_default(),
                },
            ));
            self.kernel.columns(&mut ByteColumns {
                rows: &table,
                target: planes,
                plane,
                at: before + surface.left(),
                length: width,
            });
            bytes = recycle(table);
            for plane in planes.chunks_exact_mut(plane) {
                let numbers = &mut plane[before..];
                edges.begin(numbers);
                edges.end(numbers);
            }
            for (row, output) in pair.outer_iter_mut().enumerate() {
                // A filter that is turned reads the rows from the last on.
                let row = if self.flipped { 1 - row } else { row };
                let planes = &planes[row * self.terms * plane..];
                self.along(planes, (plane, before), output, result);
            }
        }
        scratch.keep(tables);
        scratch.keep_places(places);
        scratch.keep_bytes(bytes);
    }

    /// Sums one row of output along, by way of `result` where its bytes do not lie side by side.
    fn along(
        &self,
        planes: &[T],
        (plane, before): (usize, usize),
        mut row: ArrayViewMut1<'_, u8>,
        result: &mut [u8],
    ) {
        let (step, spread) = (self.surface.step as isize, self.surface.spread());
        let from = before + if self.flipped { spread } else { 0 };
        let step = if self.flipped { -step } else { step };
        let length = result.len();
        if let Some(output) = row.as_slice_mut() {
            return self.kernel.rows(&mut ByteRows { planes, plane, from, step, output, length });
        }
        self.kernel.rows(&mut ByteRows { planes, plane, from, step, output: result, length });
        row.iter_mut().zip(result).for_each(|(to, from)| *to = *from);
    }
}

fn copy(row: ArrayView1<'_, u8>, to: &mut [u8]) {
    to.iter_mut().zip(row).for_each(|(to, from)| *to = *from);
}
