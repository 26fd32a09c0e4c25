//! Which numbers along a row are shifted out of two vectors side by side, and not loaded.
//!
//! An unaligned load of a whole line takes two turns of a port, a shift one of the arithmetic's: of two windows of three
//! both are kept as busy.

use std::collections::{BTreeMap, BTreeSet};

use crate::fold::Shared;
use crate::isa::Isa;

/// Vectors that what a tile reads of a row may have. What is shared of wider ones the compiler puts onto the stack.
const WIDEST: usize = 8;

/// The windows that are shifted: by term, vector of a tile and tap the vector that they begin in, and at which number.
pub(super) struct Shifts {
    step: usize,
    taken: BTreeMap<(usize, usize, usize), (usize, usize)>,
}

impl Shifts {
    /// For taps `step` numbers apart and tiles of so many vectors; none where nothing would be gained, or registers do
    /// not suffice.
    pub(super) fn of(isa: &Isa, terms: &Shared, tile: usize, step: usize) -> Option<Self> {
        let mut taken = BTreeMap::new();
        for term in 0..terms.columns.len() {
            let width = terms.rows.iter().map(|rows| rows[term].len()).max().unwrap_or(0);
            let seen = tile * isa.lanes + width.saturating_sub(1) * step;
            if seen > WIDEST * isa.lanes {
                continue;
            }
            let read =
                |tap: usize| terms.rows.iter().any(|rows| rows[term].get(tap).is_some_and(|w| *w != 0.0));
            for vector in 0..tile {
                let windows = (0..width).filter(|tap| read(*tap)).map(|tap| {
                    let at = tap * step;
                    (tap, (vector + at / isa.lanes, at % isa.lanes))
                });
                // Both vectors lie inside what the tile reads.
                let inside = windows.filter(|(_, (at, by))| *by != 0 && (at + 2) * isa.lanes <= seen);
                let two_of_three = inside.enumerate().filter(|(number, _)| number % 3 != 0);
                taken.extend(two_of_three.map(|(_, (tap, place))| ((term, vector, tap), place)));
            }
        }
        let mut shifts = Shifts { step, taken };
        // Registers hold the vectors beside the weights, a sum and a group of one weight for each vector of the tile.
        let weights = terms.rows.iter().flatten().flatten().map(|weight| (weight.abs() as f32).to_bits());
        let others = weights.collect::<BTreeSet<_>>().len() + 2 * tile;
        let held: BTreeSet<_> =
            shifts.vectors().into_iter().take(isa.registers.saturating_sub(others)).collect();
        shifts
            .taken
            .retain(|(term, ..), (at, _)| held.contains(&(*term, *at)) && held.contains(&(*term, *at + 1)));
        (!shifts.taken.is_empty()).then_some(shifts)
    }

    /// Numbers from one tap to the next.
    pub(super) fn step(&self) -> usize {
        self.step
    }

    /// The vector that a window is shifted out of with the one after it, and the number that it begins with; nothing
    /// where it is loaded.
    pub(super) fn place(&self, term: usize, vector: usize, tap: usize) -> Option<(usize, usize)> {
        self.taken.get(&(term, vector, tap)).copied()
    }

    /// The vectors that windows are shifted out of: term, and which.
    pub(super) fn vectors(&self) -> BTreeSet<(usize, usize)> {
        let places = self.taken.iter().map(|((term, ..), (at, _))| (*term, *at));
        places.flat_map(|(term, at)| [(term, at), (term, at + 1)]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::ALL;

    fn shifts(taps: usize, step: usize) -> Option<Shifts> {
        let weights = (0..taps).map(|tap| 1.0 + tap.min(taps - 1 - tap) as f64).collect();
        let terms = Shared { columns: vec![vec![1.0]], rows: vec![vec![weights]] };
        Shifts::of(&ALL[0], &terms, 4, step)
    }

    #[test]
    fn windows_lie_where_their_taps_do_and_inside_the_row() {
        for (taps, step) in [(9, 1), (15, 1), (31, 1), (9, 3), (15, 3)] {
            let shifts = shifts(taps, step).unwrap();
            for ((term, vector, tap), (at, by)) in &shifts.taken {
                assert_eq!((*term, 16 * at + by), (0, 16 * vector + tap * step));
                assert!(*by > 0 && 16 * (at + 2) <= 64 + (taps - 1) * step, "{taps} {step}");
            }
            // Beside eight registers for sums and one for each size of weight.
            assert!(shifts.vectors().len() + taps.div_ceil(2) + 8 <= 32, "{taps} {step}");
            assert!(shifts.taken.len() > taps, "{taps} {step}: {}", shifts.taken.len());
        }
    }

    #[test]
    fn what_is_too_wide_is_loaded() {
        assert!(shifts(31, 3).is_none() && shifts(1, 1).is_none());
        // As many weights as registers.
        assert!(shifts(63, 1).is_none());
    }
}
