//! Two sides of measurements, before and after: what became faster, what slower, and whether that is to
//! be believed.
//!
//! Measurements of one key are paired ([`pair`]); a ratio above 1 says that the new side is that many times as
//! fast. A difference is believed where it is larger than the noise of the machine and the bootstrap interval
//! of the ratio does not hold 1 ([`verdict`]). What differs between two runs of one program is told by a second run of
//! the old side ([`mod@noise`]).

pub mod command;
pub mod noise;
pub mod pair;
pub mod summary;
pub mod text;
pub mod timing;
pub mod verdict;
pub mod warnings;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::Error;
use crate::rows::Row;
use crate::rows::source::Source;
use crate::statistics::{Interval, interval_of_ratio};
use pair::{Ambiguous, Matched};
use summary::Tally;
use timing::{Key, Names, Timing};
use verdict::{Verdict, judge};

/// The difference that is believed in where no report says what its machine allows: 3 %.
pub const NOISE: f64 = 0.03;

/// What a ratio is of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// The time of a run.
    #[default]
    Time,
    /// The share of the FMA peak that was measured in the same rounds: a clock that wanders moves both.
    OfPeak,
}

/// What is compared, and how.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// What ratios are of.
    pub by: By,
    /// Groups; all of them where none is named.
    pub only: Vec<String>,
    /// Contenders; all of them where none is named.
    pub contenders: Vec<String>,
    /// The smallest difference that is believed, 0.03 for 3 %; what the reports say of their machines, else
    /// [`NOISE`].
    pub noise: Option<f64>,
    /// The second run of the old side that the noise is from, see [`mod@noise`].
    pub again: Option<String>,
    /// The command that compares so.
    pub command: String,
}

/// One side, in a few words.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Side {
    /// What it was read from.
    pub label: String,
    /// Its measurements that were looked at.
    pub measurements: usize,
    /// Processors, versions, days and efforts, as far as known.
    pub made: String,
}

/// A pair, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// What was measured.
    #[serde(flatten)]
    pub key: Key,
    /// The kernels that ran.
    pub kernels: [Option<String>; 2],
    /// Seconds, before and after.
    pub seconds: [f64; 2],
    /// How many times as fast the new side is.
    pub ratio: f64,
    /// Where that lies by the rounds of both sides; none where one has fewer than three.
    pub interval: Option<Interval>,
    /// The difference that is nothing, of whichever side allows less: 0.03 for 3 %.
    pub noise: f64,
    /// Whether the core of a side was slower than it can be.
    pub slowed: bool,
    /// What is to be believed of it.
    pub verdict: Verdict,
}

/// Two sides beside one another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Before.
    pub old: Side,
    /// After.
    pub new: Side,
    /// What ratios are of.
    pub by: By,
    /// The command that compares so.
    pub command: String,
    /// The least and the largest difference that is nothing among the pairs, 0.03 for 3 %.
    pub noise: [f64; 2],
    /// The second run of the old side that the noise is from.
    pub again: Option<String>,
    /// What may mislead.
    pub warnings: Vec<String>,
    /// All pairs together.
    pub all: Tally,
    /// The pairs of each group.
    pub groups: Vec<Tally>,
    /// The pairs, in the order of the old side.
    pub changes: Vec<Change>,
    /// What only the old side has.
    pub only_old: Vec<Key>,
    /// What only the new side has.
    pub only_new: Vec<Key>,
    /// What both have several times, so that nobody knows what belongs to what.
    pub ambiguous: Vec<Ambiguous>,
}

impl Comparison {
    /// Pairs with this verdict, the largest change first.
    #[must_use]
    pub fn with(&self, verdict: Verdict) -> Vec<&Change> {
        let mut found: Vec<&Change> =
            self.changes.iter().filter(|change| change.verdict == verdict).collect();
        found.sort_by(|a, b| b.ratio.ln().abs().total_cmp(&a.ratio.ln().abs()));
        found
    }

    /// How the pairs are called.
    #[must_use]
    pub fn names(&self) -> Names {
        Names::of(self.changes.iter().map(|change| &change.key))
    }

    /// Regressions that take more than so much longer, 0.05 for 5 %, at the kind end of their interval.
    #[must_use]
    pub fn worse_than(&self, share: f64) -> Vec<&Change> {
        let worse = |change: &&Change| change.interval.is_some_and(|found| found.high * (1.0 + share) < 1.0);
        self.with(Verdict::Regression).into_iter().filter(worse).collect()
    }
}

/// Pairs two sides and judges each pair.
///
/// # Errors
/// [`Error::Unmeasured`] for a group or contender that neither side has, [`Error::NoPeak`], and
/// [`Error::Unpaired`] where the sides have nothing in common.
pub fn compare(old: &Source, new: &Source, options: &Options) -> Result<Comparison, Error> {
    let [old_rows, new_rows] = filtered([&old.rows, &new.rows], options)?;
    let timings = |rows: &[&Row], label: &str| Timing::all(rows, options.by, label);
    let (before, after) = (timings(&old_rows, &old.label)?, timings(&new_rows, &new.label)?);
    let Matched { pairs, only_old, only_new, ambiguous, left_out } = pair::pair(before, after);
    let changes: Vec<Change> = pairs.into_iter().map(|(old, new)| change(old, new, options.noise)).collect();
    let Some(all) = Tally::of("all", &changes) else {
        let reason = format!(
            "{} has {} measurements and {} has {}, and none is of the same thing",
            old.label,
            old_rows.len(),
            new.label,
            new_rows.len()
        );
        return Err(Error::Unpaired { reason });
    };
    let mut warnings = warnings::machines(&old_rows, &new_rows);
    warnings.extend(warnings::disturbed([&old_rows, &new_rows], options.by));
    warnings.extend(warnings::pairs(&changes, &left_out, options.by));
    Ok(Comparison {
        old: side(old, &old_rows),
        new: side(new, &new_rows),
        by: options.by,
        command: options.command.clone(),
        again: options.again.clone(),
        noise: [f64::min, f64::max]
            .map(|end| changes.iter().map(|found| found.noise).reduce(end).unwrap_or(NOISE)),
        warnings,
        all,
        groups: Tally::groups(&changes),
        changes,
        only_old,
        only_new,
        ambiguous,
    })
}

fn change(old: Timing, new: Timing, noise: Option<f64>) -> Change {
    let said = [old.noise, new.noise].into_iter().flatten().max_by(f64::total_cmp);
    let noise = noise.or(said).unwrap_or(NOISE);
    let ratio = old.cost / new.cost;
    let interval = interval_of_ratio(&old.rounds, &new.rounds);
    Change {
        key: old.key,
        kernels: [old.kernel, new.kernel],
        seconds: [old.median_s, new.median_s],
        ratio,
        interval,
        noise,
        slowed: old.slowed || new.slowed,
        verdict: judge(ratio, interval, noise),
    }
}

/// The rows that were asked for. Rows without a contender are of no library, and stay.
fn filtered<'r>(sides: [&'r [Row]; 2], options: &Options) -> Result<[Vec<&'r Row>; 2], Error> {
    let known = |name: fn(&Row) -> Option<&String>| -> BTreeSet<&String> {
        sides.iter().flat_map(|rows| rows.iter()).filter_map(name).collect()
    };
    let unmeasured = |what, wanted: &[String], found: &BTreeSet<&String>| {
        let missing = wanted.iter().find(|name| !found.contains(name));
        missing.map_or(Ok(()), |missing| {
            let found = found.iter().map(|name| (*name).clone()).collect();
            Err(Error::Unmeasured { what, wanted: missing.clone(), found })
        })
    };
    unmeasured("group", &options.only, &known(|row| Some(&row.group)))?;
    let contenders = known(|row| row.contender.as_ref());
    if !contenders.is_empty() {
        unmeasured("contender", &options.contenders, &contenders)?;
    }
    let asked = |row: &&Row| {
        let in_group = options.only.is_empty() || options.only.contains(&row.group);
        let by = row.contender.as_ref().is_none_or(|name| options.contenders.contains(name));
        in_group && (options.contenders.is_empty() || by)
    };
    Ok(sides.map(|rows| rows.iter().filter(asked).collect()))
}

fn side(source: &Source, rows: &[&Row]) -> Side {
    let facts: [fn(&Row) -> Option<String>; 4] = [
        |row| row.processor.clone(),
        |row| row.version.as_ref().map(|version| format!("tapwise {version}")),
        |row| row.date.clone(),
        |row| row.effort.clone(),
    ];
    let made = facts.map(|fact| warnings::distinct(rows, fact).join(" and "));
    let made: Vec<String> = made.into_iter().filter(|fact| !fact.is_empty()).collect();
    Side { label: source.label.clone(), measurements: rows.len(), made: made.join(", ") }
}

#[cfg(test)]
mod tests;
