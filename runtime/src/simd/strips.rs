//! Runs of rows that filters read and write in tiles of a few vectors, found by one look at their lengths.
//! The last tile of a run ends with it and overlaps the one before: what is computed twice is computed
//! alike.

use std::marker::PhantomData;

/// Where the tiles of a run begin.
#[derive(Debug, Clone, Copy)]
pub struct Tiles {
    next: usize,
    /// Where the one after the next begins, should it not be the last.
    second: usize,
    last: usize,
    tile: usize,
}

impl Tiles {
    /// The tiles of `length` numbers, `tile` each; none where the run is shorter than one.
    #[inline(always)]
    #[must_use]
    pub fn of(length: usize, tile: usize) -> Self {
        match length.checked_sub(tile) {
            Some(last) => Tiles { next: 0, second: tile, last, tile },
            None => Tiles { next: 1, second: 1, last: 0, tile },
        }
    }

    /// As [`Tiles::of`] for a run that is written: tiles from the second on begin on a cache line.
    #[inline(always)]
    #[must_use]
    pub fn aligned(run: &[f32], length: usize, tile: usize) -> Self {
        const LINE: usize = 64;
        let first = (run.as_ptr().addr().wrapping_neg() % LINE) / size_of::<f32>();
        let tiles = Tiles::of(length, tile);
        if first > 0 && first <= tile { Tiles { second: first, ..tiles } } else { tiles }
    }

    /// Where the next one begins.
    #[inline(always)]
    #[expect(
        clippy::should_implement_trait,
        reason = "generated code calls it, without the trait's machinery"
    )]
    pub fn next(&mut self) -> Option<usize> {
        let at = self.next;
        if at > self.last {
            return None;
        }
        self.next = if at == self.last { at + 1 } else { self.second.min(self.last) };
        self.second = self.next + self.tile;
        Some(at)
    }
}

/// Runs of `length` numbers of several rows, all from one place on.
#[derive(Debug, Clone, Copy)]
pub struct Strips<'x, const COUNT: usize, const LANES: usize, T = f32> {
    starts: [*const T; COUNT],
    length: usize,
    rows: PhantomData<&'x [T]>,
}

impl<'x, const COUNT: usize, const LANES: usize, T> Strips<'x, COUNT, LANES, T> {
    /// The runs, or nothing where there are fewer rows or one is too short.
    #[inline(always)]
    #[must_use]
    pub fn new(rows: &[&'x [T]], from: usize, length: usize) -> Option<Self> {
        let end = from.checked_add(length)?;
        let rows = rows.first_chunk::<COUNT>()?;
        // `from` is inside or at the end of each row, so that the start is too.
        rows.iter().all(|row| row.len() >= end).then(|| Strips {
            starts: rows.map(|row| row.as_ptr().wrapping_add(from)),
            length,
            rows: PhantomData,
        })
    }

    /// The `VECTORS` vectors of every run from number `at` of it on.
    #[inline(always)]
    #[must_use]
    pub fn tile<const VECTORS: usize>(&self, at: usize) -> Option<[&'x [[T; LANES]; VECTORS]; COUNT]> {
        let end = at.checked_add(VECTORS * LANES)?;
        (end <= self.length).then(|| {
            self.starts.map(|start| {
                // SAFETY: `new` has seen that every row has `length` numbers from its start on, and the tile
                // ends within them.
                unsafe { &*start.add(at).cast() }
            })
        })
    }
}

/// Runs of `length` numbers to be written, `plane` numbers apart.
#[derive(Debug)]
pub struct StripsMut<'y, const COUNT: usize, const LANES: usize, T = f32> {
    start: *mut T,
    plane: usize,
    length: usize,
    target: PhantomData<&'y mut [T]>,
}

impl<'y, const COUNT: usize, const LANES: usize, T> StripsMut<'y, COUNT, LANES, T> {
    /// The runs that begin `at` numbers into each plane, or nothing where they do not fit.
    #[inline(always)]
    #[must_use]
    pub fn new(target: &'y mut [T], plane: usize, at: usize, length: usize) -> Option<Self> {
        let end = at.checked_add(length)?;
        let all = plane.checked_mul(COUNT.saturating_sub(1))?.checked_add(end)?;
        (end <= plane && all <= target.len()).then(|| StripsMut {
            start: target.as_mut_ptr().wrapping_add(at),
            plane,
            length,
            target: PhantomData,
        })
    }

    /// The `VECTORS` vectors of every run from number `at` of it on.
    #[inline(always)]
    #[must_use]
    pub fn tile<const VECTORS: usize>(&mut self, at: usize) -> Option<[&mut [[T; LANES]; VECTORS]; COUNT]> {
        let end = at.checked_add(VECTORS * LANES)?;
        (end <= self.length).then(|| {
            std::array::from_fn(|run| {
                // SAFETY: `new` has seen that run `COUNT - 1` ends within the target and that each ends within
                // its plane, so that no two share a number; the tile ends within its run.
                unsafe { &mut *self.start.add(run * self.plane + at).cast() }
            })
        })
    }
}

/// The windows of a row that the taps of a filter see: each a step from the one before, which may be
/// negative.
#[derive(Debug, Clone, Copy)]
pub struct Taps<'x, const COUNT: usize, const LANES: usize, T = f32> {
    start: *const T,
    step: isize,
    length: usize,
    row: PhantomData<&'x [T]>,
}

impl<'x, const COUNT: usize, const LANES: usize, T> Taps<'x, COUNT, LANES, T> {
    /// Windows of `length` numbers, the first of which begins `from` numbers into the row; or nothing where
    /// one would leave it.
    #[inline(always)]
    #[must_use]
    pub fn new(row: &'x [T], from: usize, step: isize, length: usize) -> Option<Self> {
        let last = isize::try_from(COUNT.saturating_sub(1)).ok()?.checked_mul(step)?;
        let other = from.checked_add_signed(last)?;
        let end = from.max(other).checked_add(length)?;
        // A part of the row in the place of an address: the compiler knows that it is somewhere.
        let start = row.get(from..)?.as_ptr();
        (end <= row.len()).then_some(Taps { start, step, length, row: PhantomData })
    }

    /// The `VECTORS` vectors of every window from number `at` of it on.
    #[inline(always)]
    #[must_use]
    pub fn tile<const VECTORS: usize>(&self, at: usize) -> Option<[&'x [[T; LANES]; VECTORS]; COUNT]> {
        let end = at.checked_add(VECTORS * LANES)?;
        (end <= self.length).then(|| {
            std::array::from_fn(|tap| {
                // SAFETY: `new` has seen that the first and the last window lie in the row, and the others lie
                // between them; the tile ends within its window. The offset fits, since the row does.
                unsafe { &*self.start.offset(tap as isize * self.step + at as isize).cast() }
            })
        })
    }
}

/// `VECTORS` vectors of a row from number `at` on, to be written.
#[inline(always)]
#[must_use]
pub fn tile_mut<T, const LANES: usize, const VECTORS: usize>(
    row: &mut [T],
    at: usize,
) -> Option<&mut [[T; LANES]; VECTORS]> {
    let tile = row.get_mut(at..)?.as_chunks_mut::<LANES>().0;
    tile.first_chunk_mut::<VECTORS>()
}

#[cfg(test)]
mod tests {
    use aligned_vec::AVec;

    use super::*;

    #[test]
    fn tiles_cover_a_run_and_end_with_it() {
        let memory: AVec<f32> = AVec::from_iter(64, std::iter::repeat_n(0.0, 100));
        for length in 0..50 {
            for from in 0..40 {
                let run = &memory[from..];
                for mut tiles in [Tiles::of(length, 8), Tiles::aligned(run, length, 8)] {
                    let mut covered = vec![false; length];
                    while let Some(at) = tiles.next() {
                        covered[at..at + 8].fill(true);
                    }
                    assert_eq!(covered.iter().all(|covered| *covered), length == 0 || length >= 8);
                    assert!(length >= 8 || covered.iter().all(|covered| !covered));
                }
                // A line is 16 numbers; where the next is in reach, the second tile begins with it.
                let reach = from.next_multiple_of(16) - from;
                let mut tiles = Tiles::aligned(run, length, 8);
                if let (Some(_), Some(second)) = (tiles.next(), tiles.next()) {
                    let wanted = if (1..=8).contains(&reach) { reach } else { 8 };
                    assert_eq!(second, wanted.min(length - 8), "{from} {length}");
                }
            }
        }
    }

    #[test]
    fn windows_are_where_slices_say_or_nowhere() {
        let row: Vec<f32> = (0..40).map(|number| number as f32).collect();
        for from in 0..44_usize {
            for step in [-13_isize, -1, 0, 1, 3, 8, 40, isize::MAX, isize::MIN] {
                for length in [0, 8, 9, 16, usize::MAX] {
                    let places = [0, 1, 2].map(|tap| from as i128 + tap * step as i128);
                    let fits = places.iter().all(|at| *at >= 0 && *at + length as i128 <= 40);
                    let taps = Taps::<3, 4>::new(&row, from, step, length);
                    assert_eq!(taps.is_some(), fits, "{from} {step} {length}");
                    let Some(taps) = taps else { continue };
                    assert!(taps.tile::<2>(length.saturating_sub(7)).is_none());
                    let Some(at) = length.checked_sub(8) else { continue };
                    for (place, numbers) in places.into_iter().zip(taps.tile::<2>(at).unwrap()) {
                        assert_eq!(numbers.as_flattened(), &row[place as usize + at..][..8]);
                    }
                }
            }
        }
    }

    #[test]
    fn runs_of_rows_are_read_and_written_in_place() {
        let rows: Vec<Vec<f32>> = (0..3).map(|row| vec![row as f32; 20 + row]).collect();
        let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        assert!(Strips::<3, 4>::new(&rows, 5, 16).is_none());
        assert!(Strips::<4, 4>::new(&rows, 0, 4).is_none());
        let strips = Strips::<3, 4>::new(&rows, 5, 15).unwrap();
        assert!(strips.tile::<2>(8).is_none());
        assert_eq!(strips.tile::<2>(7).unwrap().map(|tile| tile[1][3]), [0.0, 1.0, 2.0]);
        let mut target = [0.0; 40];
        assert!(StripsMut::<2, 4>::new(&mut target, 8, 1, 8).is_none());
        assert!(StripsMut::<2, 4>::new(&mut target[..19], 12, 0, 8).is_none());
        let mut strips = StripsMut::<2, 4>::new(&mut target, 12, 3, 9).unwrap();
        assert!(strips.tile::<2>(2).is_none());
        for (run, tile) in strips.tile::<2>(1).unwrap().into_iter().enumerate() {
            tile[0][0] = 1.0 + run as f32;
        }
        assert_eq!((target[4], target[16]), (1.0, 2.0));
        assert!(tile_mut::<_, 4, 2>(&mut target, 33).is_none());
        assert_eq!(tile_mut::<_, 4, 2>(&mut target, 4).map(|tile| tile[0][0]), Some(1.0));
    }
}
