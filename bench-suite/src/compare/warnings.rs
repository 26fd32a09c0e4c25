//! What may make a comparison mislead, said before its figures.

use super::text::percent;
use super::verdict::Verdict;
use super::{By, Change};
use crate::rows::Row;

/// The values of a fact, each once, in their order.
pub(super) fn distinct(rows: &[&Row], fact: impl Fn(&Row) -> Option<String>) -> Vec<String> {
    let mut found = Vec::new();
    for value in rows.iter().filter_map(|row| fact(row)) {
        if !found.contains(&value) {
            found.push(value);
        }
    }
    found.sort();
    found
}

/// The noise from which on a machine was disturbed: 10 %.
const DISTURBED: f64 = 0.1;

/// Where a report says that its machine was disturbed while it was made.
#[must_use]
pub fn disturbed(sides: [&[&Row]; 2], by: By) -> Vec<String> {
    let noise = |row: &&Row| if by == By::OfPeak { row.noise_of_peak } else { row.noise };
    let mut warnings = Vec::new();
    for (name, rows) in ["old", "new"].into_iter().zip(sides) {
        let largest = rows.iter().filter_map(noise).max_by(f64::total_cmp);
        if let Some(noise) = largest.filter(|noise| *noise >= DISTURBED) {
            warnings.push(format!(
                "the {name} side was disturbed: one layer measured twice differed by {} there",
                percent(noise)
            ));
        }
    }
    warnings
}

/// Where the two sides were not made by the same machine in the same way.
#[must_use]
pub fn machines(old: &[&Row], new: &[&Row]) -> Vec<String> {
    type Fact = (&'static str, fn(&Row) -> Option<String>);
    let facts: [Fact; 8] = [
        ("processors", |row| row.processor.clone()),
        ("cores", |row| row.cores.map(|cores| cores.to_string())),
        ("systems", |row| row.system.clone()),
        ("instruction sets", |row| row.isa.clone()),
        ("threads", |row| row.threads.map(|threads| threads.to_string())),
        ("compilers", |row| row.compiler.clone()),
        ("versions of tapwise", |row| row.version.clone()),
        ("efforts", |row| row.effort.clone()),
    ];
    let mut warnings = Vec::new();
    for (name, fact) in facts {
        let (before, after) = (distinct(old, fact), distinct(new, fact));
        // What one side does not know is no difference; what neither knows is said below.
        if before != after && !before.is_empty() && !after.is_empty() {
            warnings.push(format!(
                "the {name} differ: {}, then {}",
                before.join(" and "),
                after.join(" and ")
            ));
        }
    }
    let unknown = |rows: &[&Row]| rows.iter().any(|row| row.processor.is_none());
    let sides = match (unknown(old), unknown(new)) {
        (true, true) => "either side",
        (true, false) => "the old side",
        (false, true) => "the new side",
        (false, false) => return warnings,
    };
    warnings.push(format!("nothing says which machine made {sides}"));
    warnings
}

/// What pairs do not tell.
#[must_use]
pub fn pairs(changes: &[Change], left_out: &[&str], by: By) -> Vec<String> {
    let mut warnings = Vec::new();
    if !left_out.is_empty() {
        warnings.push(format!(
            "not every measurement says its {}: pairs are made without",
            left_out.join(" and its ")
        ));
    }
    let unknown = changes.iter().filter(|change| change.verdict == Verdict::Unknown).count();
    if unknown > 0 {
        warnings.push(format!(
            "{unknown} of {} pairs cannot be judged: a side has fewer than 3 rounds, as of slow contenders and in reports \
             of older versions",
            changes.len()
        ));
    }
    let slowed = changes.iter().filter(|change| change.slowed).count();
    if slowed > 0 && by == By::Time {
        warnings.push(format!(
            "{slowed} of {} pairs were measured on a core that was slower than it can be: --of-peak compares shares of \
             the peak beside",
            changes.len()
        ));
    }
    if changes.iter().all(same) {
        warnings.push("both sides are the same measurements".to_owned());
    }
    warnings
}

/// Whether a pair is one measurement twice: two of them do not agree to the last bit.
fn same(change: &Change) -> bool {
    change.seconds[0].to_bits() == change.seconds[1].to_bits() && change.ratio == 1.0
}
