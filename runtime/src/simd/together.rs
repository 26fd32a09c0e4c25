//! Rows that are read together, and rows that are written together, found by one look at their lengths: as many as
//! filters of one pass have, where a look for each of them at each tile would cost as much as their sums.

use std::marker::PhantomData;

/// The windows that taps see of several rows: each a step from the one before, which may be negative.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'x, const ROWS: usize, const TAPS: usize, const LANES: usize> {
    starts: [*const f32; ROWS],
    step: isize,
    length: usize,
    rows: PhantomData<&'x [f32]>,
}

/// A tile of `VECTORS` vectors of every window.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'x, const ROWS: usize, const TAPS: usize, const LANES: usize, const VECTORS: usize> {
    sources: Sources<'x, ROWS, TAPS, LANES>,
    at: usize,
}

impl<'x, const ROWS: usize, const TAPS: usize, const LANES: usize> Sources<'x, ROWS, TAPS, LANES> {
    /// Windows of `length` numbers, the first of which begins `from` numbers into each row; or nothing where one would
    /// leave a row, or there are not as many rows.
    #[inline(always)]
    #[must_use]
    pub fn new(rows: &[&'x [f32]], from: usize, step: isize, length: usize) -> Option<Self> {
        let rows: &[&[f32]; ROWS] = rows.try_into().ok()?;
        let last = isize::try_from(TAPS.saturating_sub(1)).ok()?.checked_mul(step)?;
        let other = from.checked_add_signed(last)?;
        let end = from.max(other).checked_add(length)?;
        // `from` is inside or at the end of each row, so that the start is too.
        rows.iter().all(|row| row.len() >= end).then(|| Sources {
            starts: rows.map(|row| row.as_ptr().wrapping_add(from)),
            step,
            length,
            rows: PhantomData,
        })
    }

    /// The `VECTORS` vectors of every window from number `at` of it on.
    #[inline(always)]
    #[must_use]
    pub fn tile<const VECTORS: usize>(&self, at: usize) -> Option<Seen<'x, ROWS, TAPS, LANES, VECTORS>> {
        let end = at.checked_add(VECTORS * LANES)?;
        (end <= self.length).then_some(Seen { sources: *self, at })
    }
}

impl<'x, const ROWS: usize, const TAPS: usize, const LANES: usize, const VECTORS: usize>
    Seen<'x, ROWS, TAPS, LANES, VECTORS>
{
    /// What the taps see of a row.
    #[inline(always)]
    #[must_use]
    pub fn row<const ROW: usize>(&self) -> [&'x [[f32; LANES]; VECTORS]; TAPS] {
        const { assert!(ROW < ROWS) };
        let Sources { starts, step, .. } = self.sources;
        let start = alone(starts[ROW].wrapping_add(self.at));
        std::array::from_fn(|tap| {
            // SAFETY: `Sources::new` has seen that the first and the last window lie in the row, and the others lie
            // between them; `Sources::tile` that the tile ends within its window. The offset fits, since the row does.
            unsafe { &*start.offset(tap as isize * step).cast() }
        })
    }
}

/// The same address, as one that the compiler knows nothing of. Else it would keep an address for every tap of every
/// row, more than there are registers, where one for each row and one distance for each tap do.
#[inline(always)]
#[cfg_attr(
    any(target_arch = "x86_64", target_arch = "aarch64"),
    expect(clippy::pointers_in_nomem_asm_block, reason = "the assembly is empty: it follows no pointer")
)]
fn alone(address: *const f32) -> *const f32 {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    {
        let mut address = address;
        // SAFETY: the assembly is empty, so that the address comes out as it went in.
        unsafe {
            std::arch::asm!("/* {0} */", inout(reg) address, options(pure, nomem, nostack, preserves_flags));
        }
        address
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    address
}

/// Runs of `length` numbers of several rows, to be written.
#[derive(Debug)]
pub struct Targets<'y, const ROWS: usize, const LANES: usize> {
    starts: [*mut f32; ROWS],
    length: usize,
    rows: PhantomData<&'y mut [f32]>,
}

/// A tile of `VECTORS` vectors of every run.
#[derive(Debug)]
pub struct Written<'y, const ROWS: usize, const LANES: usize, const VECTORS: usize> {
    starts: [*mut f32; ROWS],
    at: usize,
    rows: PhantomData<&'y mut [f32]>,
}

impl<'y, const ROWS: usize, const LANES: usize> Targets<'y, ROWS, LANES> {
    /// The runs that begin `at` numbers into each row; or nothing where one would leave it, or there are not as many
    /// rows.
    #[inline(always)]
    #[must_use]
    pub fn new(rows: &'y mut [&mut [f32]], at: usize, length: usize) -> Option<Self> {
        let rows: &mut [&mut [f32]; ROWS] = rows.try_into().ok()?;
        let end = at.checked_add(length)?;
        rows.iter().all(|row| row.len() >= end).then(|| Targets {
            starts: rows.each_mut().map(|row| row.as_mut_ptr().wrapping_add(at)),
            length,
            rows: PhantomData,
        })
    }

    /// The `VECTORS` vectors of every run from number `at` of it on.
    #[inline(always)]
    #[must_use]
    pub fn tile<const VECTORS: usize>(&mut self, at: usize) -> Option<Written<'_, ROWS, LANES, VECTORS>> {
        let end = at.checked_add(VECTORS * LANES)?;
        (end <= self.length).then_some(Written { starts: self.starts, at, rows: PhantomData })
    }
}

impl<const ROWS: usize, const LANES: usize, const VECTORS: usize> Written<'_, ROWS, LANES, VECTORS> {
    /// The tile of a row.
    #[inline(always)]
    #[must_use]
    pub fn row<const ROW: usize>(&mut self) -> &mut [[f32; LANES]; VECTORS] {
        const { assert!(ROW < ROWS) };
        // SAFETY: `Targets::new` has seen that the run lies in the row, which nobody else has while this lives, and
        // `Targets::tile` that the tile ends within the run.
        unsafe { &mut *self.starts[ROW].add(self.at).cast() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_where_slices_say_or_nowhere() {
        let rows: Vec<Vec<f32>> =
            (0..2).map(|row| (0..40 + row).map(|number| (100 * row + number) as f32).collect()).collect();
        let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        assert!(Sources::<3, 1, 4>::new(&rows, 0, 0, 4).is_none());
        assert!(Sources::<1, 1, 4>::new(&rows, 0, 0, 4).is_none());
        for from in 0..44_usize {
            for step in [-13_isize, -1, 0, 1, 3, 8, 40, isize::MAX, isize::MIN] {
                for length in [0, 8, 9, 16, usize::MAX] {
                    let places = [0, 1, 2].map(|tap| from as i128 + tap * step as i128);
                    let fits = places.iter().all(|at| *at >= 0 && *at + length as i128 <= 40);
                    let sources = Sources::<2, 3, 4>::new(&rows, from, step, length);
                    assert_eq!(sources.is_some(), fits, "{from} {step} {length}");
                    let Some(sources) = sources else { continue };
                    assert!(sources.tile::<2>(length.saturating_sub(7)).is_none());
                    let Some(at) = length.checked_sub(8) else { continue };
                    let seen = sources.tile::<2>(at).unwrap();
                    for (row, windows) in rows.iter().zip([seen.row::<0>(), seen.row::<1>()]) {
                        for (place, numbers) in places.into_iter().zip(windows) {
                            assert_eq!(numbers.as_flattened(), &row[place as usize + at..][..8]);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn rows_are_written_in_place_or_nowhere() {
        let (mut first, mut second) = ([0.0; 20], [0.0; 21]);
        let mut rows = [&mut first[..], &mut second[..]];
        assert!(Targets::<2, 4>::new(&mut rows, 5, 16).is_none());
        assert!(Targets::<2, 4>::new(&mut rows, usize::MAX, 16).is_none());
        assert!(Targets::<1, 4>::new(&mut rows, 0, 4).is_none());
        let mut targets = Targets::<2, 4>::new(&mut rows, 5, 15).unwrap();
        assert!(targets.tile::<2>(8).is_none());
        let mut written = targets.tile::<2>(7).unwrap();
        written.row::<0>()[1][3] = 1.0;
        written.row::<1>()[0][0] = 2.0;
        assert_eq!((first[19], second[12]), (1.0, 2.0));
    }
}
