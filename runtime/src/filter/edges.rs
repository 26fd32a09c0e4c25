//! What rows show beyond the edges of a picture: the same numbers of every row, looked up once for all of them.

use super::surface::Surface;

/// A number beyond the edges that shows none of the picture.
const NOTHING: usize = usize::MAX;

/// For each number of a padded row before and after the picture the one of that row that it shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edges<'t> {
    /// Numbers before the picture, and from its first to the first after it.
    left: usize,
    width: usize,
    before: &'t [usize],
    after: &'t [usize],
}

impl<'t> Edges<'t> {
    /// Looks up what the filter reads beyond the edges, in `memory`, which may come from an earlier call.
    pub(super) fn of(surface: &Surface, memory: &'t mut Vec<usize>) -> Self {
        let (left, width) = (surface.left(), surface.width());
        let beyond = (0..left).chain(left + width..surface.output() + surface.spread());
        memory.clear();
        memory.extend(beyond.map(|at| surface.source(at).map_or(NOTHING, |source| left + source)));
        let (before, after) = memory.split_at(left);
        Edges { left, width, before, after }
    }

    /// Writes the numbers before the picture from those of it, which are there: `padded` is a padded row.
    pub(super) fn begin<T: Copy + Default>(&self, padded: &mut [T]) {
        for (at, shown) in self.before.iter().enumerate() {
            padded[at] = number(padded, *shown);
        }
    }

    /// Writes the numbers after the picture.
    pub(super) fn end<T: Copy + Default>(&self, padded: &mut [T]) {
        for (at, shown) in (self.left + self.width..).zip(self.after) {
            padded[at] = number(padded, *shown);
        }
    }

    /// Writes `target.len()` numbers of a padded row, from number `from` of it on, out of a row of the picture; zeros
    /// beyond what the filter reads.
    pub(super) fn pad(&self, row: &[f32], from: usize, target: &mut [f32]) {
        let (left, end) = (self.left, self.left + self.width);
        let to = from + target.len();
        let inside = from.clamp(left, end)..to.clamp(left, end);
        let (before, rest) = target.split_at_mut(inside.start.max(from).min(to) - from);
        let (middle, after) = rest.split_at_mut(inside.len().min(rest.len()));
        middle.copy_from_slice(&row[inside.start - left..][..middle.len()]);
        let shown = |shown: usize| if shown == NOTHING { 0.0 } else { row[shown - left] };
        before.iter_mut().zip(&self.before[from.min(left)..]).for_each(|(to, from)| *to = shown(*from));
        let first = (to - after.len()).max(end) - end;
        let known = self.after.get(first..).unwrap_or_default();
        let more = std::iter::repeat(&NOTHING);
        after.iter_mut().zip(known.iter().chain(more)).for_each(|(to, from)| *to = shown(*from));
    }
}

fn number<T: Copy + Default>(padded: &[T], shown: usize) -> T {
    if shown == NOTHING { T::default() } else { padded[shown] }
}
