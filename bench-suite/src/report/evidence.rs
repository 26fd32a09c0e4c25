//! What a figure rests on: how often it was measured, how far the rounds lie apart, and what makes it again.

use super::words;
use crate::records::Record;
use crate::statistics::{median, spread};

/// What stands below a figure.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Evidence {
    /// Medians of samples.
    Measured {
        /// The fewest and the most samples of a point.
        samples: [usize; 2],
        /// The part between the quartiles over the median: of the point in the middle, and of the worst. None of
        /// records without rounds.
        spread: Option<[f64; 2]>,
        /// Points, and those that were measured while the core was slowed down.
        slowed: [usize; 2],
        /// The command that measures it again.
        again: String,
    },
    /// Something else that was counted or learnt: what, in words.
    Said {
        /// What a point is.
        what: String,
        /// The command that does it again.
        again: String,
    },
    /// Follows from a formula.
    Computed,
}

impl Evidence {
    /// What figures of these records rest on; `only` is the part of a report that measures them again.
    pub(super) fn of(records: &[&Record], only: &str) -> Self {
        let slowed = records.iter().filter(|record| record.slowed).count();
        let timings = records.iter().map(|record| {
            (record.samples, if record.rounds.len() > 1 { spread(&record.rounds) } else { f64::NAN })
        });
        Evidence::measured(timings, [records.len(), slowed], only)
    }

    /// What figures rest on that were taken in turns, whatever the clock did: of each the samples, and the part
    /// between the quartiles over the median.
    pub(super) fn timed(timings: impl Iterator<Item = (usize, f64)>, only: &str) -> Self {
        Evidence::measured(timings, [0, 0], only)
    }

    fn measured(timings: impl Iterator<Item = (usize, f64)>, slowed: [usize; 2], only: &str) -> Self {
        let (samples, mut spreads): (Vec<usize>, Vec<f64>) = timings.unzip();
        let samples =
            [samples.iter().copied().min().unwrap_or(0), samples.iter().copied().max().unwrap_or(0)];
        spreads.retain(|spread| spread.is_finite());
        let worst = spreads.iter().copied().fold(0.0, f64::max);
        let spread = (!spreads.is_empty()).then(|| [median(&mut spreads), worst]);
        Evidence::Measured { samples, spread, slowed, again: again(only) }
    }

    /// What was measured otherwise than by records.
    pub(super) fn said(what: impl Into<String>, only: &str) -> Self {
        Evidence::Said { what: what.into(), again: again(only) }
    }

    /// The line below a figure that shows this, with its unit; words between backticks are code.
    pub(super) fn line(&self, shown: &str) -> String {
        match self {
            Evidence::Measured { samples: [fewest, most], spread, slowed: [points, slowed], again } => {
                let samples = if fewest == most {
                    format!("{most} sample{} a point", if *most == 1 { "" } else { "s" })
                } else {
                    format!("{fewest} to {most} samples a point")
                };
                let spread = spread.map_or(String::new(), |[middle, worst]| {
                    let [middle, worst] = [middle, worst].map(words::percent);
                    format!("; between quartiles {middle} in the middle, {worst} at worst")
                });
                let slowed = match slowed {
                    0 => String::new(),
                    _ => format!("; {slowed} of {points} points while the core was slowed down"),
                };
                format!("Shown: {shown}. {samples}{spread}{slowed}. Again by `{again}`.")
            }
            Evidence::Said { what, again } => format!("Shown: {shown}. {what}. Again by `{again}`."),
            Evidence::Computed => format!("Shown: {shown}. Computed, not measured."),
        }
    }
}

fn again(only: &str) -> String {
    format!("tapwise report --only {only}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_tells_samples_and_spread() {
        let record = |samples: usize, rounds: &[f64]| Record {
            samples,
            rounds: rounds.to_vec(),
            ..super::super::tests::record("h8w8 c1x1 k3x3", "size", "direct", "avx512", 1)
        };
        let (calm, wild, old) =
            (record(31, &[0.99, 1.0, 1.01]), record(7, &[0.8, 1.0, 1.4]), record(31, &[]));
        let more = record(31, &[0.98, 1.0, 1.02]);
        let line = |records: &[&Record]| Evidence::of(records, "sweeps").line("GFLOP/s");
        assert_eq!(
            line(&[&calm, &wild, &more]),
            "Shown: GFLOP/s. 7 to 31 samples a point; between quartiles 2.0\u{a0}% in the middle, 30\u{a0}% at worst. \
             Again by `tapwise report --only sweeps`."
        );
        assert_eq!(
            line(&[&old]),
            "Shown: GFLOP/s. 31 samples a point. Again by `tapwise report --only sweeps`."
        );
        assert!(Evidence::Computed.line("parameters").ends_with("Computed, not measured."));
    }
}
