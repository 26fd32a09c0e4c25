//! Many ratios in a line.

use serde::Serialize;

use super::Change;
use super::verdict::Verdict;
use crate::statistics::geometric_mean;

/// What the pairs of a group come to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tally {
    /// The group.
    pub group: String,
    /// Pairs.
    pub pairs: usize,
    /// The geometric mean of the ratios, of whatever verdict.
    pub mean: f64,
    /// How many are gains.
    pub gains: usize,
    /// How many are regressions.
    pub regressions: usize,
    /// How many are alike.
    pub alike: usize,
    /// How many cannot be judged.
    pub unknown: usize,
    /// The smallest ratio.
    pub worst: f64,
    /// The largest ratio.
    pub best: f64,
}

impl Tally {
    /// What these pairs come to; none of no pairs.
    pub fn of<'c>(group: &str, changes: impl IntoIterator<Item = &'c Change>) -> Option<Self> {
        let changes: Vec<&Change> = changes.into_iter().collect();
        let count = |verdict| changes.iter().filter(|change| change.verdict == verdict).count();
        let ratios = || changes.iter().map(|change| change.ratio);
        Some(Tally {
            group: group.to_owned(),
            pairs: changes.len(),
            mean: geometric_mean(ratios())?,
            gains: count(Verdict::Gain),
            regressions: count(Verdict::Regression),
            alike: count(Verdict::Alike),
            unknown: count(Verdict::Unknown),
            worst: ratios().fold(f64::INFINITY, f64::min),
            best: ratios().fold(0.0, f64::max),
        })
    }

    /// What each group comes to, in the order in which they appear.
    #[must_use]
    pub fn groups(changes: &[Change]) -> Vec<Self> {
        let mut names: Vec<&str> = Vec::new();
        for change in changes {
            if !names.contains(&change.key.group.as_str()) {
                names.push(&change.key.group);
            }
        }
        let tally = |name| Tally::of(name, changes.iter().filter(|change| change.key.group == name));
        names.into_iter().filter_map(tally).collect()
    }
}
