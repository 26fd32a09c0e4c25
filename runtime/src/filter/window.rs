//! Windows all of whose weights are alike, at a cost that does not grow with them.
//!
//! Down the columns a running sum takes a row in and another out. It errs by a rounding for each, and is
//! therefore begun anew every [`Windows::anew`] rows, by whose number in the picture alone an output is
//! decided: the error is at most `(K_h + 2·anew + log₂ K_w + 2) · 2⁻²⁴` of the sum of sizes under the
//! rows that it has seen, and nothing for whole numbers up to 2²⁴ such as bytes. Along the row of a wide window
//! sums of 2, 4, 8.. neighbours are made of those of half as many, and those that a window's width is made of
//! added: fewer roundings than one sum after another. Where a window is not wide, generated code sums its
//! columns one after another, with `K_w` in the place of `log₂ K_w`.

use ndarray::{ArrayView2, ArrayViewMut3, Axis};

use super::edges::Edges;
use super::passes::Passes;
use super::program::{Ready, Rows};
use super::sample::{Filters, Sample};
use super::surface::{Reader, Surface};
use crate::rows::{Ring, pitch};
use crate::simd::settle;
use crate::workspace::Scratch;

/// Window sums for one size of picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Windows<'a> {
    pub(super) surface: Surface,
    pub(super) passes: &'a Passes,
    /// The pass along the row of a window that is not wide.
    pub(super) along: Option<Ready>,
    pub(super) weight: f32,
    /// Rows of output after which sums down the columns begin anew.
    pub(super) anew: usize,
    /// Whether outputs pass the caches by.
    pub(super) stream: bool,
}

/// Numbers of a cache line.
const LINE: usize = 16;

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
        let Windows { surface, passes, along, weight, anew, stream } = self;
        let [height, width] = surface.frame.spec.kernel;
        let least = along.as_ref().map_or(0, Ready::tile);
        let outputs = surface.output().max(least);
        let length = outputs + surface.spread();
        // So that the numbers of the picture begin with a cache line.
        let before = surface.left().next_multiple_of(LINE) - surface.left();
        let plane = pitch(before + length.max(surface.left() + surface.width()));
        let space = Reader::space(surface, &input, [height + 1, 2], 0);

        let mut tables = scratch.tables();
        tables.held.resize(space.rows, 0);
        let mut places = scratch.places();
        let edges = Edges::of(surface, &mut places);
        let floats = scratch.floats(space.floats() + 5 * plane);
        let (ring, rest, _) = Ring::take(space, floats, &mut tables.held);
        let mut planes = rest.chunks_exact_mut(plane);
        let mut next = || planes.next().unwrap_or_default();
        let (sums, result) = (&mut next()[before..], &mut next()[..outputs]);
        let mut buffers = [next(), next(), next()];
        let mut reader = Reader::new(surface, passes, input, space, ring);
        // What is between the picture and a tile that ends beyond it is no number of an earlier call.
        sums.fill(0.0);

        for (at, mut row) in (first..).zip(output.index_axis_move(Axis(0), 0).into_outer_iter_mut()) {
            reader.stage(at, height);
            let inside = &mut sums[surface.left()..][..surface.width()];
            if at.is_multiple_of(*anew) {
                inside.fill(0.0);
                (at..at + height).for_each(|row| passes.accumulate(reader.row(row), inside));
            } else {
                passes.slide(reader.row(at + height - 1), reader.row(at - 1), inside);
            }
            edges.begin(sums);
            edges.end(sums);
            let direct = O::in_place_mut(row.view_mut()).filter(|row| row.len() >= least);
            let (target, elsewhere) = match direct {
                Some(row) => (row, false),
                None => (&mut *result, true),
            };
            if let Some(along) = along {
                along.rows(&mut Rows {
                    sources: &[&*sums],
                    from: 0,
                    step: surface.step as isize,
                    length: target.len(),
                    outputs: &mut [target],
                    at: 0,
                    stream: *stream && !elsewhere,
                    ahead: &[reader.ahead(at + height + 1)],
                });
            } else {
                let [padded, ..] = &mut buffers;
                padded[..length].copy_from_slice(&sums[..length]);
                self.along(width, length, &mut buffers);
                let [_, _, sum] = &buffers;
                passes.scale(*weight, &sum[..target.len()], target);
            }
            if elsewhere {
                O::write(passes, &result[..surface.output()], row);
            }
        }
        scratch.keep(tables);
        scratch.keep_places(places);
        if *stream {
            settle();
        }
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
