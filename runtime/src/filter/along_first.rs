//! Bands of rows of filters with many rows: sums along the rows first, then down the columns.
//!
//! Each row of the picture is summed along once, for every term, into a ring of the sums that rows of output see;
//! some rows of output at once are summed down the columns of those. What is beyond the edges of the picture, and
//! rows that are no numbers side by side, are summed from padded copies.

use std::ops::Range;

use ndarray::{ArrayView2, ArrayViewMut2, ArrayViewMut3, Axis, s};

use super::cut::{Run, parts};
use super::edges::Edges;
use super::passes::Passes;
use super::program::{Ready, Rows};
use super::sample::{Filters, Sample};
use super::surface::Surface;
use crate::rows::{Ring, Space, pitch};
use crate::simd::settle;
use crate::workspace::{Scratch, recycle};

/// Sums for one size of picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct AlongFirst<'a> {
    pub(super) surface: Surface,
    pub(super) kernel: Ready,
    pub(super) passes: &'a Passes,
    pub(super) terms: usize,
    /// Whether the filter is turned by half.
    pub(super) flipped: bool,
    /// Whether outputs pass the caches by.
    pub(super) stream: bool,
}

/// Numbers of a cache line.
const LINE: usize = 16;

/// Numbers of each row of output that are written elsewhere first: those of all rows stay in the nearest cache.
const PIECE: usize = 512;

impl AlongFirst<'_> {
    /// Computes rows `first..` of the output, `[1, rows, W' · C]`.
    pub(super) fn band<I: Filters<O>, O: Sample>(
        &self,
        input: ArrayView2<'_, I>,
        output: ArrayViewMut3<'_, O>,
        first: usize,
        scratch: &mut Scratch,
    ) {
        let mut output = output.index_axis_move(Axis(0), 0);
        let (length, rows) = (self.length(), self.seen() * self.terms);
        let strip = self.surface.strip(rows, self.kernel.tile()).unwrap_or(length);
        for strip in parts(length, strip) {
            let columns = strip.start..strip.end.min(self.surface.output());
            self.strip(input, output.slice_mut(s![.., columns]), (first, strip), scratch);
        }
        if self.stream {
            settle();
        }
    }

    /// Numbers of a row of output that are computed: more than it has where that is narrower than a tile.
    fn length(&self) -> usize {
        self.surface.output().max(self.kernel.tile())
    }

    /// Rows of sums that are held.
    fn seen(&self) -> usize {
        self.surface.frame.spec.kernel[0] + self.kernel.together() - 1
    }

    /// Computes numbers `strip` of rows `first..` of the output.
    fn strip<I: Filters<O>, O: Sample>(
        &self,
        input: ArrayView2<'_, I>,
        mut output: ArrayViewMut2<'_, O>,
        (first, strip): (usize, Range<usize>),
        scratch: &mut Scratch,
    ) {
        let (surface, together, seen) = (&self.surface, self.kernel.together(), self.seen());
        let (height, width, spread) = (surface.frame.spec.kernel[0], surface.width(), surface.spread());
        let length = strip.len();
        let plane = pitch(length);
        let space = Space { rows: seen, row: self.terms * plane };
        let before = surface.left().next_multiple_of(LINE) - surface.left();
        let padded = pitch(before + (surface.left() + width).max(self.length() + spread));
        let writes_in_place = output.outer_iter_mut().take(1).all(|row| O::in_place_mut(row).is_some());
        let direct = writes_in_place && length == output.ncols();
        // Where outputs lie elsewhere, or there are fewer rows than are computed at once.
        let piece = if direct { length } else { PIECE.max(self.kernel.tile()) };
        let result = pitch(length.min(2 * piece));
        let reads_in_place = input.outer_iter().take(1).all(|row| I::in_place(row).is_some());
        let runs = self.runs(&strip, reads_in_place);

        let mut tables = scratch.tables();
        tables.held.resize(space.rows, 0);
        let mut places = scratch.places();
        let edges = Edges::of(surface, &mut places);
        let floats = scratch.floats(space.floats() + padded + together * result);
        let (mut ring, rest, _) = Ring::take(space, floats, &mut tables.held);
        let (padded, results) = rest.split_at_mut(padded);
        ring.stage_zeros();
        // What lies beyond the picture and what the filter reads is no number of an earlier call.
        padded.fill(0.0);

        for (at, mut output) in
            (first..).step_by(together).zip(output.axis_chunks_iter_mut(Axis(0), together))
        {
            // The last rows of output may have no others beside them, and what those alone would see is not wanted.
            let wanted = height - 1 + output.nrows();
            for row in at..at + wanted {
                let Some(source) = surface.frame.padded_row(row) else { continue };
                ring.stage(row, |sums| {
                    let mut targets = recycle(std::mem::take(&mut tables.outputs));
                    targets.extend(sums.chunks_exact_mut(plane).take(self.terms));
                    let in_place = |row| I::in_place(input.index_axis(Axis(0), row)).unwrap_or_default();
                    let next = in_place(input.nrows().min(source + 2) - 1);
                    for run in runs.iter().filter(|run| run.length > 0) {
                        let numbers = if !reads_in_place {
                            self.read(input, source, &strip, edges, &mut padded[before..]);
                            &padded[before + run.from..]
                        } else if run.padded {
                            edges.pad(in_place(source), run.from, &mut padded[..run.length + spread]);
                            &*padded
                        } else {
                            &in_place(source)[run.from - surface.left()..]
                        };
                        self.along(numbers, next, (*run, strip.start), &mut targets);
                    }
                    tables.outputs = recycle(targets);
                });
            }
            let mut sums = recycle(std::mem::take(&mut tables.inputs));
            for term in 0..self.terms {
                let places = (0..seen).map(|row| if self.flipped { seen - 1 - row } else { row });
                sums.extend(places.map(|row| match surface.frame.padded_row(at + row) {
                    Some(_) if row < wanted => &ring.row(at + row)[term * plane..][..plane],
                    _ => &ring.zeros()[..plane],
                }));
            }
            for part in parts(length, piece) {
                let mut targets = recycle(std::mem::take(&mut tables.outputs));
                if direct {
                    targets
                        .extend(output.outer_iter_mut().map(|row| O::in_place_mut(row).unwrap_or_default()));
                }
                let missing = together - targets.len();
                targets.extend(results.chunks_exact_mut(result).take(missing));
                self.down(&sums, &part, direct && self.stream, &mut targets);
                tables.outputs = recycle(targets);
                if !direct {
                    let columns = part.start..part.end.min(output.ncols());
                    let part = output.slice_mut(s![.., columns]);
                    for (row, from) in part.into_outer_iter_mut().zip(results.chunks_exact(result)) {
                        O::write(self.passes, &from[..row.len()], row);
                    }
                }
            }
            tables.inputs = recycle(sums);
        }
        scratch.keep(tables);
        scratch.keep_places(places);
    }

    /// The runs of a strip, some of which may be empty: where rows are read in place those at the edges of the
    /// picture, of padded copies, and the one between them; else one.
    fn runs(&self, strip: &Range<usize>, in_place: bool) -> [Run; 3] {
        let (surface, tile, length) = (&self.surface, self.kernel.tile(), self.length());
        let beyond = surface.beyond() + length - surface.output();
        let left = surface.left().next_multiple_of(tile);
        let right = length.saturating_sub(beyond.next_multiple_of(tile));
        if !in_place || left.max(strip.start) + tile > right.min(strip.end) {
            let none = Run { from: strip.end, length: 0, padded: true };
            return [Run { from: strip.start, length: strip.len(), padded: true }, none, none];
        }
        let (left, right) = (left.max(strip.start), right.min(strip.end));
        let cuts = [(strip.start, left, true), (left, right, false), (right, strip.end, true)];
        cuts.map(|(from, to, padded)| Run { from, length: to - from, padded })
    }

    /// Reads what a strip sees of a row into its place in a padded row.
    fn read<I: Sample>(
        &self,
        input: ArrayView2<'_, I>,
        row: usize,
        strip: &Range<usize>,
        edges: Edges<'_>,
        padded: &mut [f32],
    ) {
        let (left, width) = (self.surface.left(), self.surface.width());
        // A border shows as many columns as it is wide, but for the outermost.
        let more = self.surface.spread() + 1;
        let seen = match strip.len() == self.length() {
            true => 0..width,
            false => strip.start.saturating_sub(left + more)..(strip.end + more).min(width),
        };
        let numbers = input.slice_move(s![row, seen.clone()]);
        I::read(self.passes, numbers, &mut padded[left + seen.start..][..seen.len()]);
        if seen.start == 0 {
            edges.begin(padded);
        }
        if seen.end == width {
            edges.end(padded);
        }
    }

    /// Sums a run of a row along, for every term, to where it lies in a strip, while memory is asked for the
    /// `next` row.
    fn along(&self, seen: &[f32], next: &[f32], (run, strip): (Run, usize), outputs: &mut [&mut [f32]]) {
        let (step, spread) = (self.surface.step as isize, self.surface.spread());
        self.kernel.rows(&mut Rows {
            sources: &[seen],
            from: if self.flipped { spread } else { 0 },
            step: if self.flipped { -step } else { step },
            outputs,
            at: run.from - strip,
            length: run.length,
            stream: false,
            ahead: &[next.get(strip..).unwrap_or_default()],
        });
    }

    /// Sums a part of the sums along the rows down the columns, to the first numbers of the outputs.
    fn down(&self, sources: &[&[f32]], part: &Range<usize>, stream: bool, outputs: &mut [&mut [f32]]) {
        // A filter that is turned reads the rows from the last on.
        if self.flipped {
            outputs.reverse();
        }
        let (from, length) = (part.start, part.len());
        self.kernel.down(&mut Rows { sources, from, step: 0, outputs, at: 0, length, stream, ahead: &[] });
    }
}
