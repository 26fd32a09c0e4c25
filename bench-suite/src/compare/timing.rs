//! What comparing needs of a measurement: what it is of, and how long it took.

use std::collections::HashMap;
use std::hash::Hash;

use serde::Serialize;

use super::By;
use crate::Error;
use crate::rows::Row;

/// What a measurement is of. Two of the same key are before and after of one another.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Key {
    /// The group.
    pub group: String,
    /// The descriptor of the problem.
    pub shape: String,
    /// Whose code ran, where that is known.
    pub contender: Option<String>,
    /// The strategy.
    pub strategy: String,
    /// The instruction set, where that is known.
    pub isa: Option<String>,
    /// Threads, where that is known.
    pub threads: Option<usize>,
    /// The kernel, where one key has several.
    pub kernel: Option<String>,
}

/// A measurement.
#[derive(Debug, Clone, PartialEq)]
pub struct Timing {
    /// What it is of.
    pub key: Key,
    /// The kernel that ran.
    pub kernel: Option<String>,
    /// Seconds of one run: the median.
    pub median_s: f64,
    /// The difference that is nothing on its machine, where that is known.
    pub noise: Option<f64>,
    /// Whether its core was slower than it can be.
    pub slowed: bool,
    /// What is compared: seconds, or multiply-adds that the peak would have done meanwhile.
    pub cost: f64,
    /// The same for each round.
    pub rounds: Vec<f64>,
}

impl Timing {
    /// What is compared of rows.
    ///
    /// # Errors
    /// [`Error::NoPeak`] where a peak is wanted and not there.
    pub fn all(rows: &[&Row], by: By, label: &str) -> Result<Vec<Timing>, Error> {
        if by == By::OfPeak {
            let missing = rows.iter().filter(|row| row.peak_gflops.is_none()).count();
            if missing > 0 {
                return Err(Error::NoPeak { label: label.to_owned(), missing });
            }
        }
        Ok(rows.iter().map(|row| Timing::of(row, by)).collect())
    }

    fn of(row: &Row, by: By) -> Timing {
        let (scale, noise) = match by {
            By::Time => (1.0, row.noise),
            By::OfPeak => (row.peak_gflops.unwrap_or(1.0), row.noise_of_peak),
        };
        Timing {
            key: Key {
                group: row.group.clone(),
                shape: row.shape.clone(),
                contender: row.contender.clone(),
                strategy: row.strategy.clone(),
                isa: row.isa.clone(),
                threads: row.threads,
                kernel: None,
            },
            kernel: row.kernel.clone(),
            median_s: row.median_s,
            noise,
            slowed: row.slowed.unwrap_or(false),
            cost: row.median_s * scale,
            rounds: row.rounds_s.iter().map(|round| round * scale).collect(),
        }
    }
}

/// Names of keys as a person reads them: contender, instruction set and threads are left out where they are what
/// most keys have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    contender: Option<String>,
    isa: Option<String>,
    threads: Option<usize>,
}

impl Names {
    /// Names among these keys.
    pub fn of<'k>(keys: impl IntoIterator<Item = &'k Key>) -> Self {
        let keys: Vec<&Key> = keys.into_iter().collect();
        Names {
            contender: usual(&keys, |key| key.contender.clone()),
            isa: usual(&keys, |key| key.isa.clone()),
            threads: usual(&keys, |key| key.threads),
        }
    }

    /// The problem, the strategy or kernel, and what is not as usual, in one line.
    #[must_use]
    pub fn name(&self, key: &Key) -> String {
        let contender = key.contender.as_ref().filter(|_| self.contender != key.contender).cloned();
        let isa = key.isa.as_ref().filter(|_| self.isa != key.isa).cloned();
        let threads = key.threads.filter(|_| self.threads != key.threads).map(in_words);
        let strategy = match (&key.kernel, &key.isa) {
            // The kernel's name has the instruction set in it.
            (Some(kernel), Some(isa)) => kernel.replace(&format!("-{isa}"), ""),
            (Some(kernel), None) => kernel.clone(),
            (None, _) => key.strategy.clone(),
        };
        let parts = [Some(key.shape.clone()), contender, Some(strategy), isa, threads];
        let parts = parts.into_iter().flatten().filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join(", ")
    }

    /// What names leave out, where they do.
    #[must_use]
    pub fn left_out(&self) -> Option<String> {
        let parts = [self.contender.clone(), self.isa.clone(), self.threads.map(in_words)];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

fn in_words(threads: usize) -> String {
    if threads == 1 { "1 thread".to_owned() } else { format!("{threads} threads") }
}

/// The value that at least two of three keys have.
fn usual<T: Eq + Hash>(keys: &[&Key], value: impl Fn(&Key) -> Option<T>) -> Option<T> {
    let mut counts: HashMap<Option<T>, usize> = HashMap::new();
    keys.iter().for_each(|key| *counts.entry(value(key)).or_default() += 1);
    let often = counts.into_iter().find(|(_, count)| 3 * count >= 2 * keys.len());
    often.and_then(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_is_not_usual() {
        let key = |isa: &str, threads| Key {
            group: "targets".to_owned(),
            shape: "h9w9 c1x1 k3x3".to_owned(),
            contender: Some("tapwise".to_owned()),
            strategy: "direct".to_owned(),
            isa: Some(isa.to_owned()),
            threads: Some(threads),
            kernel: None,
        };
        let keys = [key("avx2", 1), key("avx512", 1)];
        let names = Names::of(&keys);
        assert_eq!(names.name(&keys[0]), "h9w9 c1x1 k3x3, direct, avx2");
        assert_eq!(names.left_out().as_deref(), Some("tapwise, 1 thread"));
        let keys = [key("avx2", 1), key("avx2", 1), key("avx2", 2)];
        let names = Names::of(&keys);
        assert_eq!(names.name(&keys[0]), "h9w9 c1x1 k3x3, direct");
        assert_eq!(names.name(&keys[2]), "h9w9 c1x1 k3x3, direct, 2 threads");
        let tiled = Key { kernel: Some("winograd-F(2x2,3x3)-avx2".to_owned()), ..key("avx2", 1) };
        assert_eq!(names.name(&tiled), "h9w9 c1x1 k3x3, winograd-F(2x2,3x3)");
        let bare = Key { shape: String::new(), contender: None, isa: None, threads: None, ..key("", 1) };
        assert_eq!(
            (Names::of([&bare]).name(&bare), Names::of([&bare]).left_out()),
            ("direct".to_owned(), None)
        );
    }
}
