//! A picture as filters see it: rows of numbers, whose taps are a step apart.

use ndarray::{ArrayView1, ArrayView2, Axis};

use super::passes::Passes;
use super::sample::Sample;
use crate::Border;
use crate::frame::Frame;
use crate::rows::{Ring, Space};

/// Rows of numbers: one channel of a picture, or all of them side by side.
#[derive(Debug, Clone, Copy)]
pub(super) struct Surface {
    /// The filter laid over the picture, in pixels of one channel.
    pub(super) frame: Frame,
    /// Numbers from one pixel to the next.
    pub(super) step: usize,
    /// Bytes of the second-level cache.
    pub(super) cache: usize,
}

impl Surface {
    /// Numbers of a row of the picture.
    pub(super) fn width(&self) -> usize {
        self.frame.input[1] * self.step
    }

    /// Numbers of a row of the output.
    pub(super) fn output(&self) -> usize {
        self.frame.output[1] * self.step
    }

    /// Numbers before the first of the picture that the filter reads.
    pub(super) fn left(&self) -> usize {
        self.frame.margins[1].before * self.step
    }

    /// Numbers that the taps of a filter lie apart, from the first to the last.
    pub(super) fn spread(&self) -> usize {
        (self.frame.spec.kernel[1] - 1) * self.step
    }

    /// Numbers after the last of the picture that the filter reads.
    pub(super) fn beyond(&self) -> usize {
        (self.output() + self.spread()).saturating_sub(self.left() + self.width())
    }

    /// Numbers of a strip, whole tiles, `rows` rows of which take half of the second-level cache: narrower ones are
    /// slower. Nothing where columns beyond one edge show what lies far from them, or a strip would be mostly what
    /// it shares with others.
    pub(super) fn strip(&self, rows: usize, tile: usize) -> Option<usize> {
        let strip = (self.cache / 2 / size_of::<f32>() / rows).next_multiple_of(tile).max(tile);
        let far =
            self.frame.spec.border == Border::Circular || self.left().max(self.beyond()) > self.spread();
        (!far && strip >= 4 * self.spread()).then_some(strip)
    }

    /// The number of the picture's row that number `at` of a padded row shows; zeros beyond what the
    /// filter reads.
    pub(super) fn source(&self, at: usize) -> Option<usize> {
        let column = self.frame.padded_column(at / self.step)?;
        Some(column * self.step + at % self.step)
    }
}

/// The rows of a picture as numbers: in place, or read into a ring of as many as a filter sees.
pub(super) struct Reader<'a, 's, I> {
    surface: &'a Surface,
    passes: &'a Passes,
    input: ArrayView2<'a, I>,
    in_place: bool,
    ring: Ring<'s>,
}

impl<'a, 's, I: Sample> Reader<'a, 's, I> {
    /// Memory that a reader of `rows` rows at a time needs, each at least `least` numbers long, of which a pass
    /// reads so many `at_once`.
    pub(super) fn space(
        surface: &Surface,
        input: &ArrayView2<'_, I>,
        [rows, at_once]: [usize; 2],
        least: usize,
    ) -> Space {
        let row = surface.width().max(least);
        Space { rows: if in_place(surface, input, [rows, at_once], least) { 0 } else { rows }, row }
    }

    pub(super) fn new(
        surface: &'a Surface,
        passes: &'a Passes,
        input: ArrayView2<'a, I>,
        space: Space,
        mut ring: Ring<'s>,
    ) -> Self {
        ring.stage_zeros();
        Reader { surface, passes, in_place: space.rows == 0, input, ring }
    }

    /// Makes rows of the padded picture ready, as many as a filter sees at once or fewer.
    pub(super) fn stage(&mut self, row: usize, count: usize) {
        if self.in_place {
            return;
        }
        for at in row..row + count {
            if let Some(source) = self.surface.frame.padded_row(at) {
                let (input, passes) = (&self.input, self.passes);
                // The rows that one output sees are some that follow one another in the padded picture: by
                // that name no two share a place.
                self.ring.stage(at, |target| {
                    I::read(passes, input.row(source), &mut target[..input.ncols()]);
                });
            }
        }
    }

    /// A row of zeros.
    pub(super) fn zeros(&self) -> &[f32] {
        self.ring.zeros()
    }

    /// Row `at` of the padded picture where it lies, to be asked for ahead of its use; zeros, which are at hand,
    /// where it is none of numbers side by side.
    pub(super) fn ahead(&self, at: usize) -> &[f32] {
        let row = self.surface.frame.padded_row(at).map(|source| row_of(&self.input, source));
        row.and_then(I::in_place).unwrap_or_else(|| self.zeros())
    }

    /// Row `at` of the padded picture, without its ends.
    pub(super) fn row(&self, at: usize) -> &[f32] {
        match self.surface.frame.padded_row(at) {
            None => self.ring.zeros(),
            Some(source) if self.in_place => I::in_place(row_of(&self.input, source)).unwrap_or_default(),
            Some(_) => self.ring.row(at),
        }
    }
}

fn row_of<'x, I>(input: &'x ArrayView2<'_, I>, row: usize) -> ArrayView1<'x, I> {
    input.index_axis(Axis(0), row)
}

/// Rows that are read at once beyond which rows of the picture are copied, and those of them that fall into the same
/// places of a cache.
const READ_IN_PLACE: usize = 9;
const IN_ONE_PLACE: usize = 6;

/// Numbers of a cache line, and lines after which the places of the nearest cache begin anew.
const LINE: usize = 16;
const PLACES: usize = 64;

/// How many of so many rows fall into the same places of a cache, whose numbers lie so far apart.
fn sharing(rows: usize, apart: usize) -> usize {
    let lines = apart.checked_div(LINE).filter(|_| apart.is_multiple_of(LINE)).unwrap_or(1);
    let places = PLACES >> lines.trailing_zeros().min(PLACES.trailing_zeros());
    rows.div_ceil(places)
}

/// Whether filters read the rows where they lie: numbers side by side, as many as a run has at least.
fn in_place<I: Sample>(
    surface: &Surface,
    input: &ArrayView2<'_, I>,
    [rows, at_once]: [usize; 2],
    least: usize,
) -> bool {
    let few = at_once <= READ_IN_PLACE && sharing(at_once, input.strides()[0].unsigned_abs()) <= IN_ONE_PLACE;
    // Copies that leave the cache are no gain.
    let many = rows * surface.width() * size_of::<f32>() > surface.cache / 2;
    (few || many) && input.ncols() >= least && input.nrows() > 0 && I::in_place(row_of(input, 0)).is_some()
}

#[cfg(test)]
mod tests {
    use super::sharing;

    #[test]
    fn rows_a_power_of_two_apart_share_places() {
        assert_eq!(sharing(9, 1920), 2);
        assert_eq!(sharing(9, 480), 1);
        assert_eq!(sharing(9, 1000), 1);
        assert_eq!(sharing(9, 1024), 9);
        assert_eq!(sharing(9, 512), 5);
        assert_eq!(sharing(9, 0), 9);
    }
}
