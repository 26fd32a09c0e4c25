//! Parts of a row that lie a step apart, found by one look at its length instead of one for each.

use std::marker::PhantomData;

/// `COUNT` windows of some vectors of `LANES` numbers each.
#[derive(Debug, Clone, Copy)]
pub struct Windows<'x, const COUNT: usize, const LANES: usize> {
    start: *const f32,
    step: usize,
    vectors: usize,
    row: PhantomData<&'x [f32]>,
}

/// As [`Windows`], to be written: none overlaps another.
#[derive(Debug)]
pub struct WindowsMut<'x, const COUNT: usize, const LANES: usize> {
    start: *mut f32,
    step: usize,
    vectors: usize,
    row: PhantomData<&'x mut [f32]>,
}

/// Numbers from the first of the first of `count` windows to the last of the last, or nothing where no
/// row is so long.
#[inline(always)]
fn reach(count: usize, step: usize, length: usize) -> Option<usize> {
    step.checked_mul(count.saturating_sub(1))?.checked_add(length)
}

impl<'x, const COUNT: usize, const LANES: usize> Windows<'x, COUNT, LANES> {
    /// Windows of `vectors` vectors that begin `from` numbers into the row and `step` numbers apart, or
    /// nothing where the last ends beyond the row.
    #[inline(always)]
    #[must_use]
    pub fn new(row: &'x [f32], from: usize, step: usize, vectors: usize) -> Option<Self> {
        let row = row.get(from..)?;
        let reach = reach(COUNT, step, vectors.checked_mul(LANES)?)?;
        (row.len() >= reach).then_some(Windows { start: row.as_ptr(), step, vectors, row: PhantomData })
    }

    /// Vector `at` of every window.
    #[inline(always)]
    #[must_use]
    pub fn vectors(&self, at: usize) -> Option<[&'x [f32; LANES]; COUNT]> {
        (at < self.vectors).then(|| {
            std::array::from_fn(|window| {
                // SAFETY: `window` is below `COUNT` and `at` below `vectors`, and the row has as many numbers
                // as the last vector of the last window needs, as `new` has seen.
                unsafe { &*self.start.add(window * self.step + at * LANES).cast() }
            })
        })
    }
}

impl<'x, const COUNT: usize, const LANES: usize> WindowsMut<'x, COUNT, LANES> {
    /// As [`Windows::new`]; nothing also where the windows would overlap.
    #[inline(always)]
    #[must_use]
    pub fn new(row: &'x mut [f32], from: usize, step: usize, vectors: usize) -> Option<Self> {
        let row = row.get_mut(from..)?;
        let length = vectors.checked_mul(LANES)?;
        let fits = row.len() >= reach(COUNT, step, length)? && (step >= length || COUNT == 1);
        fits.then_some(WindowsMut { start: row.as_mut_ptr(), step, vectors, row: PhantomData })
    }

    /// Vector `at` of every window.
    #[inline(always)]
    #[must_use]
    pub fn vectors(&mut self, at: usize) -> Option<[&mut [f32; LANES]; COUNT]> {
        (at < self.vectors).then(|| {
            std::array::from_fn(|window| {
                // SAFETY: as for `Windows`; and no two windows share a number, since they are at least as far
                // apart as they are long.
                unsafe { &mut *self.start.add(window * self.step + at * LANES).cast() }
            })
        })
    }
}

/// `COUNT` runs of `length` numbers that begin `from` numbers into a row and `step` numbers apart, or
/// nothing where the last ends beyond the row.
#[inline(always)]
#[must_use]
pub fn runs<const COUNT: usize>(
    row: &[f32],
    from: usize,
    step: usize,
    length: usize,
) -> Option<[&[f32]; COUNT]> {
    let row = row.get(from..)?;
    (row.len() >= reach(COUNT, step, length)?).then(|| {
        std::array::from_fn(|run| {
            // SAFETY: `run` is below `COUNT`, and the row is as long as the end of the last run.
            unsafe { std::slice::from_raw_parts(row.as_ptr().add(run * step), length) }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_where_a_slice_says_or_nowhere() {
        let row: Vec<f32> = (0..40).map(|number| number as f32).collect();
        for from in 0..44 {
            for step in [0, 1, 3, 8, 40, usize::MAX / 2] {
                for vectors in [0, 1, 2, usize::MAX / 4] {
                    let end = (from as u128) + 2 * step as u128 + 4 * vectors as u128;
                    let windows = Windows::<3, 4>::new(&row, from, step, vectors);
                    assert_eq!(windows.is_some(), from <= 40 && end <= 40, "{from} {step} {vectors}");
                    let Some(windows) = windows else { continue };
                    for at in 0..vectors {
                        let found = windows.vectors(at).unwrap();
                        for (window, numbers) in found.into_iter().enumerate() {
                            assert_eq!(numbers[..], row[from + window * step + 4 * at..][..4]);
                        }
                    }
                    assert!(windows.vectors(vectors).is_none());
                    let all = runs::<3>(&row, from, step, 4 * vectors).unwrap();
                    for (run, numbers) in all.into_iter().enumerate() {
                        assert_eq!(numbers, &row[from + run * step..][..4 * vectors]);
                    }
                    let mut written = row.clone();
                    let apart = WindowsMut::<3, 4>::new(&mut written, from, step, vectors);
                    assert_eq!(apart.is_some(), step >= 4 * vectors, "{from} {step} {vectors}");
                    if let Some(mut apart) = apart
                        && let Some([_, second, _]) = apart.vectors(0)
                    {
                        second[3] = -1.0;
                        assert_eq!(written[from + step + 3], -1.0);
                    }
                }
            }
        }
    }
}
