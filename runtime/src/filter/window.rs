//! Windows all of whose weights are alike, at a cost that does not grow with them.
//!
//! Down the columns a running sum takes a row in and another out. It errs by a rounding for each, and is
//! therefore begun anew every [`Windows::anew`] rows, by whose number in the picture alone an output is
//! decided: the error is at most `(K_h + 2·anew + log₂ K_w + 2) · 2⁻²⁴` of the sum of sizes under the
//! rows that it has seen, and nothing for whole numbers up to 2²⁴ such as bytes. Along the row sums of 2,
//! 4, 8.. neighbours are made of those of half as many, and those that a window's width is made of added:
//! fewer roundings than one sum after another.

use ndarray::{ArrayView2, ArrayViewMut3, Axis};

use super::passes::Passes;
use super::sample::{Filters, Sample};
use super::surface::{Reader, Surface};
use crate::rows::{Ring, pitch};
use crate::workspace::Scratch;

/// Window sums for one size of picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Windows<'a> {
    pub(super) surface: Surface,
    pub(super) passes: &'a Passes,
    pub(super) weight: f32,
    /// Rows of output after which sums down the columns begin anew.
    pub(super) anew: usize,
}

impl Windows<'_> {
    /// Computes rows `first..` of the output, `[1, rows, W' · C]`; `first` is a multiple of those after which
    /// sums begin anew.
    pub(super) fn band<I: Filters<O>, O: Sample>(
        &self,
        input: ArrayView2<'_, I>,
        output: ArrayViewMut3<'_, O>,
        first: usize,
        scratch: &mut Scratch,
    ) {
        let Windows { surface, passes, weight, anew } = self;
        let [height, width] = surface.frame.spec.kernel;
        let length = surface.output() + surface.spread();
        let plane = pitch(length.max(surface.left() + surface.width()));
        let space = Reader::space(surface, &input, height + 1, 0);

        let mut tables = scratch.tables();
        tables.held.resize(space.rows, 0);
        let floats = scratch.floats(space.floats() + 5 * plane);
        let (ring, rest, _) = Ring::take(space, floats, &mut tables.held);
        let mut planes = rest.chunks_exact_mut(plane);
        let mut next = || planes.next().unwrap_or_default();
        let (sums, result) = (&mut next()[..surface.width()], &mut next()[..surface.output()]);
        let mut buffers = [next(), next(), next()];
        let mut reader = Reader::new(surface, passes, input, space, ring);

        for (at, row) in (first..).zip(output.index_axis_move(Axis(0), 0).into_outer_iter_mut()) {
            reader.stage(at, height);
            if at.is_multiple_of(*anew) {
                sums.fill(0.0);
                (at..at + height).for_each(|row| passes.accumulate(reader.row(row), sums));
            } else {
                passes.slide(reader.row(at + height - 1), reader.row(at - 1), sums);
            }
            let [padded, ..] = &mut buffers;
            padded[surface.left()..][..sums.len()].copy_from_slice(sums);
            surface.complete(padded, 0..surface.left());
            surface.complete(padded, surface.left() + surface.width()..length);
            self.along(width, length, &mut buffers);
            let [_, _, sum] = &buffers;
            let (mut row, sum) = (row, &sum[..result.len()]);
            match O::in_place_mut(row.view_mut()) {
                Some(row) => passes.scale(*weight, sum, row),
                None => {
                    passes.scale(*weight, sum, result);
                    O::write(passes, result, row);
                }
            }
        }
        scratch.keep(tables);
    }

    /// Sums of `width` neighbours: of the first of the buffers, `length` numbers, into the last.
    fn along(&self, width: usize, length: usize, buffers: &mut [&mut [f32]; 3]) {
        let step = self.surface.step;
        let [mut powers, mut spare, sum] = buffers.each_mut().map(|buffer| &mut **buffer);
        // Windows of `taken` neighbours are in the sum, and of `power` in the powers.
        let (mut taken, mut power) = (0, 1);
        loop {
            // The numbers of the sum that are still wanted.
            let wanted = length - (width - 1) * step;
            if width & power != 0 {
                let part = &powers[taken * step..][..wanted];
                if taken == 0 {
                    sum[..wanted].copy_from_slice(part);
                } else {
                    self.passes.accumulate(part, &mut sum[..wanted]);
                }
                taken += power;
            }
            if taken == width {
                return;
            }
            let left = length - (2 * power - 1) * step;
            self.passes.add(&powers[..left], &powers[power * step..][..left], &mut spare[..left]);
            std::mem::swap(&mut powers, &mut spare);
            power *= 2;
        }
    }
}
