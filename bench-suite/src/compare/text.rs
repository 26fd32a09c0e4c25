//! A comparison as text for a terminal of 80 columns.

use super::summary::Tally;
use super::timing::Key;
use super::verdict::Verdict;
use super::{By, Change, Comparison};

const COLUMNS: usize = 80;

/// Rows of a list that is not asked for in full.
const SHOWN: usize = 20;

/// What has no pair is named where it is no more than this.
const FEW: usize = 5;

/// Columns before the name of a change.
const INDENT: usize = 26;

/// The whole text; `all` names every pair, and what only one side has.
#[must_use]
pub fn text(comparison: &Comparison, all: bool) -> String {
    let mut text = String::new();
    for (name, side) in [("old", &comparison.old), ("new", &comparison.new)] {
        text.push_str(&wrapped(&format!("{name}  {}", side.label), 5));
        if !side.made.is_empty() {
            text.push_str(&wrapped(&format!("     {}", side.made), 5));
        }
    }
    text.push_str(&format!("\n{}", wrapped(&lead(comparison), 0)));
    if !comparison.warnings.is_empty() {
        text.push('\n');
    }
    for warning in &comparison.warnings {
        text.push_str(&wrapped(&format!("warning: {warning}"), 9));
    }
    text.push('\n');
    text.push_str(&table(comparison));
    text.push_str(&changes(comparison, all));
    text.push_str(&unpaired(comparison, all));
    text
}

/// What the figures are.
#[must_use]
pub fn lead(comparison: &Comparison) -> String {
    let of = match comparison.by {
        By::Time => "Speed of new over old, by the time of a run",
        By::OfPeak => "Speed of new over old, by the share of the FMA peak that was measured beside",
    };
    let names = comparison.names().left_out();
    let names = names.map(|usual| format!(" Where nothing else is said: {usual}.")).unwrap_or_default();
    let runs = match &comparison.again {
        Some(again) => format!(" 19 of 20 pairs of {} and {again} differ by less.", comparison.old.label),
        None => {
            " What differs between two runs of one program is not in rounds of one: --noise-from takes it in."
                .to_owned()
        }
    };
    format!(
        "{of}: 1.25 × is 1.25 times as fast as before. A gain or a regression is a difference of {} or more whose 95 % \
         interval does not hold 1.{runs}{names}",
        noise(comparison)
    )
}

/// A ratio of speeds: `1.25 ×`.
#[must_use]
pub fn times(ratio: f64) -> String {
    format!("{} ×", digits(ratio))
}

/// An interval of ratios: `1.20 to 1.30`.
#[must_use]
pub fn interval(change: &Change) -> String {
    let found = change.interval.map(|found| format!("{} to {}", digits(found.low), digits(found.high)));
    found.unwrap_or_else(|| "–".to_owned())
}

fn digits(ratio: f64) -> String {
    match ratio {
        r if r >= 99.95 => format!("{r:.0}"),
        r if r >= 9.995 => format!("{r:.1}"),
        r if r >= 0.0995 => format!("{r:.2}"),
        r => format!("{r:.3}"),
    }
}

/// The difference that is nothing: `3 %`, or `3 to 5 %` where it is not the same for all pairs.
pub(crate) fn noise(comparison: &Comparison) -> String {
    let [least, most] = comparison.noise.map(percent);
    if least == most { least } else { format!("{} to {most}", least.trim_end_matches("\u{a0}%")) }
}

/// A share in percent, as short as it is.
pub(super) fn percent(share: f64) -> String {
    let share = 100.0 * share;
    let rounded = if share < 10.0 { (share * 10.0).round() / 10.0 } else { share.round() };
    format!("{rounded}\u{a0}%")
}

fn table(comparison: &Comparison) -> String {
    let mut text = format!(
        "{:<16}{:>6}{:>8}{:>7}{:>9}{:>7}{:>9}{:>9}{:>9}\n",
        "group", "pairs", "mean", "gains", "regress.", "alike", "unknown", "worst", "best"
    );
    let several = comparison.groups.len() > 1;
    for tally in comparison.groups.iter().chain(several.then_some(&comparison.all)) {
        let Tally { group, pairs, mean, gains, regressions, alike, unknown, worst, best } = tally;
        let figures = [times(*mean), times(*worst), times(*best)];
        let [mean, worst, best] = figures;
        // A long name has a line of its own.
        let group = if group.chars().count() < 16 { group.clone() } else { format!("{group}\n{:16}", "") };
        text.push_str(&format!(
            "{group:<16}{pairs:>6}{mean:>8}{gains:>7}{regressions:>9}{alike:>7}{unknown:>9}{worst:>9}{best:>9}\n"
        ));
    }
    text
}

/// The lists of changes, those that matter first.
fn changes(comparison: &Comparison, all: bool) -> String {
    let names = comparison.names();
    let mut text = String::new();
    for verdict in [Verdict::Regression, Verdict::Gain, Verdict::Unknown, Verdict::Alike] {
        let found = comparison.with(verdict);
        let several = comparison.groups.len() > 1;
        // What is below the noise is said where everything is wanted.
        let beyond = |change: &&&Change| change.ratio.ln().abs() >= change.noise.ln_1p();
        let worth = match verdict {
            _ if all => found.len(),
            Verdict::Gain | Verdict::Regression => found.len(),
            Verdict::Unknown => found.iter().filter(beyond).count(),
            Verdict::Alike => 0,
        };
        let title = match (verdict, found.len()) {
            (_, 0) => continue,
            (Verdict::Alike, count) => format!("{count} alike"),
            (Verdict::Unknown, count) => format!("{count} unknown, {worth} differ by more than the noise"),
            (_, 1) => format!("1 {}", verdict.name()),
            (_, count) => format!("{count} {}s", verdict.name()),
        };
        let shown = if all { worth } else { worth.min(SHOWN) };
        text.push_str(&format!("\n{title}{}\n", if shown > 1 { ", the largest change first" } else { "" }));
        for change in found.iter().take(shown) {
            let group = if several { format!("{}: ", change.key.group) } else { String::new() };
            let line = format!(
                "{:>8}  {:<14}  {group}{}",
                times(change.ratio),
                interval(change),
                names.name(&change.key)
            );
            text.push_str(&wrapped(&line, INDENT));
        }
        if shown < worth {
            text.push_str(&format!("{:INDENT$}and {} more (--all)\n", "", worth - shown));
        }
    }
    text
}

/// What has no pair.
fn unpaired(comparison: &Comparison, all: bool) -> String {
    let Comparison { only_old, only_new, ambiguous, .. } = comparison;
    let names = comparison.names();
    let mut text = String::new();
    let line = |key: &Key, more: &str| wrapped(&format!("  {}: {}{more}", key.group, names.name(key)), 4);
    for (what, keys) in [("old", only_old), ("new", only_new)] {
        if keys.is_empty() {
            continue;
        }
        let named = all || keys.len() <= FEW;
        let hint = if named { "" } else { " (--all names them)" };
        text.push_str(&format!("\n{} only in {what}{hint}\n", keys.len()));
        keys.iter().filter(|_| named).for_each(|key| text.push_str(&line(key, "")));
    }
    if !ambiguous.is_empty() {
        text.push_str(&format!("\n{} several times on a side, not compared\n", ambiguous.len()));
        let shown = if all { ambiguous.len() } else { SHOWN };
        for found in ambiguous.iter().take(shown) {
            text.push_str(&line(&found.key, &format!(" ({} in old, {} in new)", found.old, found.new)));
        }
        if shown < ambiguous.len() {
            text.push_str(&format!("  and {} more (--all)\n", ambiguous.len() - shown));
        }
    }
    text
}

/// A line broken between words, its later lines moved to the right. Spaces inside of the line stay.
fn wrapped(line: &str, indent: usize) -> String {
    let mut text = String::new();
    let mut column = 0;
    for (index, word) in line.split(' ').enumerate() {
        let width = word.chars().count();
        if index > 0 && column + 1 + width > COLUMNS && column > indent {
            text.push_str(&format!("\n{:indent$}", ""));
            column = indent;
        } else if index > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += width;
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words() {
        let words = ["twelve chars"; 12].join(" ");
        let text = wrapped(&format!("  1.25 ×  {words}"), 10);
        assert!(
            text.lines().count() == 3 && text.lines().all(|line| line.chars().count() <= COLUMNS),
            "{text}"
        );
        assert!(
            text.starts_with("  1.25 ×  twelve")
                && text.lines().skip(1).all(|line| line.starts_with(&" ".repeat(10)))
        );
        assert_eq!(wrapped(&"x".repeat(100), 4), format!("{}\n", "x".repeat(100)));
    }

    #[test]
    fn ratios_have_three_digits() {
        assert_eq!(times(1.254), "1.25 ×");
        assert_eq!(times(12.34), "12.3 ×");
        assert_eq!(times(0.0123), "0.012 ×");
        assert_eq!(percent(0.03), "3\u{a0}%");
        assert_eq!(percent(0.0251), "2.5\u{a0}%");
        assert_eq!(percent(0.103), "10\u{a0}%");
    }
}
