//! Bands of rows by sums down the columns and along the rows.
//!
//! For each row of output the rows of the picture that the filter sees are summed down the columns, once
//! for each term, into a row that stays in the first-level cache; it is padded there, and summed along. A
//! term that is a row of the picture is read in place, but for its ends.

use std::ops::Range;

use ndarray::{ArrayView2, ArrayViewMut3, Axis};

use super::cut::{Cut, Run};
use super::edges::Edges;
use super::passes::Passes;
use super::program::{Columns, Ready, Rows};
use super::sample::{Filters, Sample};
use super::surface::{Reader, Surface};
use crate::rows::{Ring, pitch};
use crate::simd::settle;
use crate::workspace::{Scratch, recycle};

/// Sums for one size of picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sums<'a> {
    pub(super) surface: Surface,
    pub(super) kernel: Ready,
    pub(super) passes: &'a Passes,
    /// For each term the row of the filter that it reads in place.
    pub(super) terms: &'a [Option<usize>],
    /// Whether the filter is turned by half.
    pub(super) flipped: bool,
    /// Whether outputs pass the caches by.
    pub(super) stream: bool,
}

/// Numbers of a cache line.
const LINE: usize = 16;

/// Rows of output whose strips are computed one after another.
const BLOCK: usize = 16;

/// The rows of the picture that a pair of rows of output sees, and their sums.
#[derive(Clone, Copy)]
struct Seen<'t, 'x> {
    table: &'t [&'x [f32]],
    /// For each row of this pair a row of the picture that is seen soon.
    ahead: &'t [&'x [f32]],
    edges: Edges<'t>,
    /// Sums down the columns, the terms of the first row and those of the second.
    planes: &'x [f32],
    plane: usize,
    /// Which row of the pair.
    row: usize,
}

impl Sums<'_> {
    /// Numbers before a padded row, so that those of the picture begin with a cache line.
    fn before(&self) -> usize {
        self.surface.left().next_multiple_of(LINE) - self.surface.left()
    }

    /// Terms whose sums down the columns are stored.
    fn summed(&self) -> usize {
        if self.kernel.one_pass() { 0 } else { self.terms.iter().filter(|term| term.is_none()).count() }
    }

    fn cut(&self) -> Cut {
        let (surface, tile) = (&self.surface, self.kernel.tile());
        let output = surface.output();
        let rows = surface.frame.spec.kernel[0] + 1 + 2 * self.summed();
        let whole = Cut { left: 0, right: 0, strip: output.max(tile), length: output.max(tile) };
        let Some(strip) = surface.strip(rows, tile) else { return whole };
        if !self.kernel.one_pass() && self.summed() == self.terms.len() {
            return Cut { strip: strip.min(whole.length), ..whole };
        }
        // Without sums there is nothing to keep in the cache between runs.
        let strip = if self.kernel.one_pass() { output.max(tile) } else { strip };
        let (left, right) = (surface.left().next_multiple_of(tile), surface.beyond().next_multiple_of(tile));
        if left + right + tile > output { whole } else { Cut { left, right, strip, length: output } }
    }

    /// Computes rows `first..` of the output, `[N, rows, W' · C]`.
    pub(super) fn band<I: Filters<O>, O: Sample>(
        &self,
        input: ArrayView2<'_, I>,
        mut output: ArrayViewMut3<'_, O>,
        first: usize,
        scratch: &mut Scratch,
    ) {
        let (surface, tile, cut) = (&self.surface, self.kernel.tile(), self.cut());
        let height = surface.frame.spec.kernel[0];
        let filters = output.len_of(Axis(0));
        let (summed, together) = (self.summed(), self.kernel.together());
        // Rows of output that share rows of the picture while those are in a cache: many where the picture is
        // cut into strips.
        let block = if cut.strips() > 1 { BLOCK } else { together };
        let space = Reader::space(surface, &input, [height + block - 1, height], tile);
        // A padded row, with room for a run that ends beyond it.
        let wide = surface.width().max(tile) + surface.left();
        let plane = pitch(wide.max(cut.length + surface.spread()) + LINE);
        let longest = cut.runs().filter(|run| run.padded).map(|run| run.length).max().unwrap_or(0);
        let end = pitch(longest + surface.spread());
        let row = pitch(cut.length);
        let ends =
            if self.kernel.one_pass() { height + together - 1 } else { self.terms.len() - summed } * end;
        let direct = cut.length == surface.output() && writes_in_place(&mut output);
        // What is written elsewhere on the way to the output is read again.
        let sums = Sums { stream: self.stream && direct, ..*self };
        // Where outputs lie elsewhere, or there are fewer rows than kernels compute at once.
        let results = if direct { together - 1 } else { block } * filters * row;

        let mut tables = scratch.tables();
        tables.held.resize(space.rows, 0);
        let mut places = scratch.places();
        let edges = Edges::of(surface, &mut places);
        let floats = scratch.floats(space.floats() + 2 * summed * plane + ends + results);
        let (ring, rest, _) = Ring::take(space, floats, &mut tables.held);
        let (planes, rest) = rest.split_at_mut(2 * summed * plane);
        let (ends, rest) = rest.split_at_mut(ends);
        let results = &mut rest[..results];
        let mut reader = Reader::new(surface, self.passes, input, space, ring);

        for (at, mut output) in (first..).step_by(block).zip(output.axis_chunks_iter_mut(Axis(1), block)) {
            let rows = output.len_of(Axis(1));
            reader.stage(at, height + rows - 1);
            // The last rows of output may have no others beside them, and what those alone would see is not wanted.
            let rows_seen = height - 1 + rows.next_multiple_of(together);
            let mut rows_of_picture = recycle(std::mem::take(&mut tables.inputs));
            let seen = |a: usize| if a < height + rows - 1 { reader.row(at + a) } else { reader.zeros() };
            rows_of_picture
                .extend((0..rows_seen).map(|a| seen(if self.flipped { rows_seen - 1 - a } else { a })));
            // What is new to the rows of output two groups further down: the memory is slower than one group.
            let next = at + 2 * together + height - 1;
            rows_of_picture.extend((next..).take(rows_seen + 1 - height).map(|row| reader.ahead(row)));
            let (table, ahead) = rows_of_picture.split_at(rows_seen);

            let mut targets = recycle(std::mem::take(&mut tables.outputs));
            if direct {
                let rows = output.axis_iter_mut(Axis(1)).flat_map(|row| row.into_outer_iter_mut());
                targets.extend(rows.map(|row| O::in_place_mut(row).unwrap_or_default()));
            }
            let missing = rows.next_multiple_of(together) * filters - targets.len();
            targets.extend(results.chunks_exact_mut(row).take(missing));
            for run in cut.runs() {
                for (group, targets) in targets.chunks_exact_mut(together * filters).enumerate() {
                    let (from, count) = (together * group, height + together - 1);
                    let from = if self.flipped { rows_seen - count - from } else { from };
                    let table = &table[from..][..count];
                    let ahead = &ahead[together * group..][..together];
                    if self.kernel.one_pass() {
                        let mut sources = recycle(std::mem::take(&mut tables.residuals));
                        sums.run_together(run, edges, [table, ahead], (ends, end), &mut sources, targets);
                        tables.residuals = recycle(sources);
                        continue;
                    }
                    self.sum_columns(table, self.columns(run, cut), edges, planes, plane);
                    for (row, targets) in targets.chunks_exact_mut(filters).enumerate() {
                        let mut sources = recycle(std::mem::take(&mut tables.residuals));
                        let seen = Seen { table, ahead, edges, planes, plane, row };
                        sums.run(run, seen, (ends, end), &mut sources, targets);
                        tables.residuals = recycle(sources);
                    }
                }
            }
            tables.outputs = recycle(targets);
            tables.inputs = recycle(rows_of_picture);
            if !direct {
                let rows = output.axis_iter_mut(Axis(1)).flat_map(|row| row.into_outer_iter_mut());
                for (row, from) in rows.zip(results.chunks_exact(row)) {
                    O::write(self.passes, &from[..surface.output()], row);
                }
            }
        }
        scratch.keep(tables);
        scratch.keep_places(places);
        if self.stream {
            settle();
        }
    }

    /// Columns of the picture that a run sees, with those that its border shows.
    fn columns(&self, run: Run, cut: Cut) -> Range<usize> {
        let (surface, tile) = (&self.surface, self.kernel.tile());
        let (width, left, spread) = (surface.width(), surface.left(), surface.spread());
        if run.length == cut.length {
            return 0..width;
        }
        // A border shows as many columns as it is wide, but for the outermost.
        let end = (run.from + run.length + spread + 1).saturating_sub(left);
        let end = end.next_multiple_of(tile).min(width);
        let beyond = if end == width { spread + 1 } else { 0 };
        run.from.saturating_sub(left + beyond) / LINE * LINE..end
    }

    /// Sums some columns of the picture for every plane, and what lies beyond its edges where they reach
    /// them.
    fn sum_columns(
        &self,
        table: &[&[f32]],
        columns: Range<usize>,
        edges: Edges<'_>,
        planes: &mut [f32],
        plane: usize,
    ) {
        let (surface, tile) = (&self.surface, self.kernel.tile());
        let end = if columns.end == surface.width() { columns.end.max(tile) } else { columns.end };
        let from = columns.start.min(end - tile);
        self.kernel.columns(&mut Columns {
            rows: table,
            from,
            target: planes,
            plane,
            at: self.before() + surface.left() + from,
            length: end - from,
        });
        for plane in planes.chunks_exact_mut(plane) {
            let padded = &mut plane[self.before()..];
            if columns.start == 0 {
                edges.begin(padded);
            }
            if columns.end == surface.width() {
                edges.end(padded);
            }
        }
    }

    /// Sums one run of a row of output along the rows.
    fn run<'t>(
        &self,
        run: Run,
        Seen { table, ahead, edges, planes, plane, row }: Seen<'_, 't>,
        (ends, end): (&'t mut [f32], usize),
        sources: &mut Vec<&'t [f32]>,
        outputs: &mut [&mut [f32]],
    ) {
        let surface = &self.surface;
        // A filter that is turned reads the rows from the last on.
        let place = if self.flipped { 1 - row } else { row };
        let length = run.length + surface.spread();
        if run.padded {
            let in_place = self.terms.iter().flatten();
            for (end, row) in ends.chunks_exact_mut(end).zip(in_place) {
                edges.pad(table[row + place], run.from, &mut end[..length]);
            }
        }
        let mut planes = planes.chunks_exact(plane).skip(place * self.summed());
        let mut ends = ends.chunks_exact(end);
        sources.extend(self.terms.iter().map(|term| match term {
            None => &planes.next().unwrap_or_default()[self.before() + run.from..],
            Some(_) if run.padded => ends.next().unwrap_or_default(),
            Some(row) => &table[row + place][run.from - surface.left()..],
        }));
        self.call(run, sources, &ahead[row..=row], outputs);
    }

    /// Sums one run of as many rows of output as kernels of one pass compute at once.
    fn run_together<'t>(
        &self,
        run: Run,
        edges: Edges<'_>,
        [table, ahead]: [&[&'t [f32]]; 2],
        (ends, end): (&'t mut [f32], usize),
        sources: &mut Vec<&'t [f32]>,
        outputs: &mut [&mut [f32]],
    ) {
        let surface = &self.surface;
        if self.flipped {
            // A filter that is turned reads the rows from the last on.
            self.turn(outputs);
        }
        if run.padded {
            let length = run.length + surface.spread();
            for (end, row) in ends.chunks_exact_mut(end).zip(table) {
                edges.pad(row, run.from, &mut end[..length]);
            }
            sources.extend(ends.chunks_exact(end));
        } else {
            sources.extend(table.iter().map(|row| &row[run.from - surface.left()..]));
        }
        self.call(run, sources, ahead, outputs);
        if self.flipped {
            self.turn(outputs);
        }
    }

    /// Rows of output from the last to the first, each with its filters in order.
    fn turn(&self, outputs: &mut [&mut [f32]]) {
        let filters = (outputs.len() / self.kernel.together()).max(1);
        outputs.reverse();
        outputs.chunks_exact_mut(filters).for_each(<[_]>::reverse);
    }

    fn call<'t>(&self, run: Run, sources: &[&'t [f32]], ahead: &[&'t [f32]], outputs: &mut [&mut [f32]]) {
        let (step, spread) = (self.surface.step as isize, self.surface.spread());
        self.kernel.rows(&mut Rows {
            sources,
            from: if self.flipped { spread } else { 0 },
            step: if self.flipped { -step } else { step },
            outputs,
            at: run.from,
            length: run.length,
            stream: self.stream,
            ahead,
        });
    }
}

/// Whether rows of an output are written where they lie.
fn writes_in_place<O: Sample>(output: &mut ArrayViewMut3<'_, O>) -> bool {
    let rows = output.axis_iter_mut(Axis(0)).flat_map(|plane| plane.into_outer_iter_mut());
    rows.take(1).all(|row| O::in_place_mut(row).is_some())
}
