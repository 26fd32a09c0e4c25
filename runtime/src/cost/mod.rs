//! What a way of computing a layer is predicted to cost: [`Features`], counts of what it does to a
//! picture of one size, and [`Costs`], what one of each takes.
//!
//! The prediction is a sum: every [`Term`] of the features times its coefficient. Features are facts
//! of schedules and sizes and know no machine but its caches and threads; coefficients are measured.
//! Those that ship were fitted by `tapwise tune` (see [`crate::tuning`]).
//!
//! ```
//! use tapwise::cost::{Costs, Features, Term};
//! use tapwise::{Isa, Maker};
//!
//! let mut features = Features::default();
//! features.add(Term::NaiveProducts, 1000.0);
//! let costs = Costs::shipped(Isa::Portable, Maker::Other);
//! let seconds = costs.seconds(&features);
//! assert_eq!(seconds, 1000.0 * costs.get(Term::NaiveProducts) * 1e-9);
//! ```

pub(crate) mod planar;
pub(crate) mod product;
mod shipped;
mod terms;
pub(crate) mod tiled;

use crate::isa::Isa;
use crate::processor::Maker;

pub use terms::Term;
pub(crate) use tiled::add_data;

/// Counts of what a computation does, one for each [`Term`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Features {
    counts: [f64; Term::COUNT],
}

impl Default for Features {
    fn default() -> Self {
        Features { counts: [0.0; Term::COUNT] }
    }
}

impl Features {
    /// The count of a term.
    #[must_use]
    pub fn get(&self, term: Term) -> f64 {
        self.counts[term as usize]
    }

    /// Counts more of a term.
    pub fn add(&mut self, term: Term, count: f64) {
        self.counts[term as usize] += count;
    }

    /// Every term that is counted at all, with its count.
    pub fn counted(&self) -> impl Iterator<Item = (Term, f64)> {
        Term::ALL.into_iter().zip(self.counts).filter(|(_, count)| *count != 0.0)
    }

    /// What the busiest of several threads does, where it has this `share` of the work: its part of
    /// what is divided, the memory that all of them want at once, and being handed the work.
    #[must_use]
    pub(crate) fn shared(&self, share: f64, bands: usize) -> Self {
        let mut own = *self;
        for (term, count) in Term::ALL.into_iter().zip(&mut own.counts) {
            if term.is_divided() {
                *count *= share;
            }
        }
        own.add(Term::SharedMemory, self.get(Term::MemoryBytes) * (1.0 - share));
        own.add(Term::HandOvers, 1.0);
        own.add(Term::Bands, bands as f64);
        own
    }
}

/// Nanoseconds that one of each [`Term`] takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Costs {
    nanoseconds: [f64; Term::COUNT],
}

impl Costs {
    /// The coefficients that ship for an instruction set, on processors of a maker.
    #[must_use]
    pub fn shipped(isa: Isa, maker: Maker) -> Self {
        shipped::costs(isa, maker)
    }

    /// A coefficient for every term, in nanoseconds.
    ///
    /// ```
    /// use tapwise::cost::{Costs, Term};
    /// let costs = Costs::new(|term| if term == Term::Calls { 80.0 } else { 0.1 });
    /// assert_eq!(costs.get(Term::Calls), 80.0);
    /// ```
    #[must_use]
    pub fn new(nanoseconds: impl FnMut(Term) -> f64) -> Self {
        Costs { nanoseconds: Term::ALL.map(nanoseconds) }
    }

    /// Nanoseconds that one of a term takes.
    #[must_use]
    pub fn get(&self, term: Term) -> f64 {
        self.nanoseconds[term as usize]
    }

    /// Predicted seconds: the sum over all terms.
    #[must_use]
    pub fn seconds(&self, features: &Features) -> f64 {
        let products = features.counts.iter().zip(&self.nanoseconds);
        products.map(|(count, nanoseconds)| count * nanoseconds).sum::<f64>() * 1e-9
    }
}

/// The share of a working set that does not fit a cache: nothing where it fills half of it, all of it
/// where it is twice as large, and in between in proportion to its logarithm.
pub(crate) fn beyond(bytes: f64, cache: usize) -> f64 {
    let cache = cache.max(1) as f64;
    ((bytes / cache).max(1e-9).log2() / 2.0 + 0.5).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_coefficient_is_a_time() {
        for (&isa, maker) in Isa::ALL.iter().flat_map(|isa| Maker::ALL.map(|maker| (isa, maker))) {
            for term in Term::ALL {
                let value = Costs::shipped(isa, maker).get(term);
                assert!(value.is_finite() && value >= 0.0, "{isa} {maker:?} {}: {value}", term.key());
            }
        }
    }

    #[test]
    fn keys_are_distinct_and_lead_back_to_their_terms() {
        for term in Term::ALL {
            assert_eq!(Term::named(term.key()), Some(term));
            assert!(!term.unit().is_empty());
        }
        assert_eq!(Term::named("clairvoyance"), None);
    }

    #[test]
    fn half_the_work_is_half_the_products_and_all_of_the_call() {
        let mut features = Features::default();
        features.add(Term::NaiveProducts, 100.0);
        features.add(Term::MemoryBytes, 40.0);
        features.add(Term::Calls, 1.0);
        let half = features.shared(0.5, 2);
        assert_eq!(half.get(Term::NaiveProducts), 50.0);
        assert_eq!(half.get(Term::SharedMemory), 20.0);
        assert_eq!(
            [half.get(Term::Calls), half.get(Term::HandOvers), half.get(Term::Bands)],
            [1.0, 1.0, 2.0]
        );
    }

    #[test]
    fn what_lies_beyond_a_cache_grows_with_the_working_set() {
        assert_eq!(beyond(500.0, 1000), 0.0);
        assert_eq!(beyond(1000.0, 1000), 0.5);
        assert_eq!(beyond(2000.0, 1000), 1.0);
        assert_eq!(beyond(0.0, 0), 0.0);
    }
}
