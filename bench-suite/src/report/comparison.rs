//! Two sides of measurements beside one another, as a page or as Markdown.

use super::block::{Block, Cell, Document, Figure, FirstScreen, Section, Tone, cell, judged, number, table};
use super::drawn::Drawn;
use super::evidence::Evidence;
use super::intervals::{Intervals, Kind, Ratio};
use super::palette::colour;
use super::plot::Marker;
use super::{html as page, markdown as plain, words};
use crate::Error;
use crate::compare::summary::Tally;
use crate::compare::text::{interval, lead, noise, times};
use crate::compare::timing::{Key, Names};
use crate::compare::verdict::Verdict;
use crate::compare::{By, Change, Comparison, Side};

/// Rows of a plot: the largest changes.
const PLOTTED: usize = 20;

/// Rows of a table of Markdown, which cannot fold.
const LISTED: usize = 50;

/// The comparison as a page of its own, with a plot.
///
/// # Errors
/// [`Error::Plot`], which is not known to happen.
pub(crate) fn html(comparison: &Comparison) -> Result<String, Error> {
    Ok(page::page(&document(comparison, plots(comparison)?, usize::MAX)))
}

/// The comparison as Markdown without a plot, since it is one file.
#[must_use]
pub(crate) fn markdown(comparison: &Comparison) -> String {
    plain::page(&document(comparison, Vec::new(), LISTED))
}

fn document(comparison: &Comparison, plots: Vec<(Drawn, String)>, most: usize) -> Document {
    let Comparison { old, new, .. } = comparison;
    let mut sections = vec![summary(comparison)];
    if !plots.is_empty() {
        let text = format!(
            "Bars are 95 % intervals, where rounds tell them. Differences inside of the grey bands ({}) are not \
             believed.",
            noise(comparison)
        );
        let blocks = vec![Block::Text(text), Block::Plots(plots)];
        sections.push(Section { id: "changes", title: "The largest changes", blocks });
    }
    sections.extend(lists(comparison, most));
    sections.extend(unpaired(comparison, most));
    Document {
        title: "Before and after".to_owned(),
        subtitle: format!("{} beside {}", new.label, old.label),
        lead: lead(comparison).replace("--noise-from", "`--noise-from`"),
        first: first(comparison),
        sections,
    }
}

/// The mean, the gains and the regressions.
fn first(comparison: &Comparison) -> FirstScreen {
    let Tally { pairs, mean, gains, regressions, alike, unknown, worst, best, .. } = &comparison.all;
    let judged = pairs - unknown;
    let count = |count: &usize| (judged > 0).then(|| count.to_string());
    let tone = |count: usize, tone| if count > 0 { tone } else { Tone::Plain };
    let told = |what: &str| match judged {
        0 => "No pair has the rounds that it takes to judge.".to_owned(),
        _ => format!("Of {judged} pairs that can be judged, {what}"),
    };
    let beyond = format!("by {} or more, with a 95 % interval that does not hold 1.", noise(comparison));
    let figure = |value, unit, label: &str, explanation, tone| Figure {
        value,
        unit,
        label: label.to_owned(),
        explanation,
        tone,
    };
    let named = |side: &Side| {
        if side.made.is_empty() { side.label.clone() } else { format!("{} ({})", side.label, side.made) }
    };
    FirstScreen {
        facts: vec![
            ("old", named(&comparison.old)),
            ("new", named(&comparison.new)),
            ("command", comparison.command.clone()),
        ],
        figures: vec![
            figure(
                Some(times(*mean).trim_end_matches(" ×").to_owned()),
                "×",
                "as fast as before",
                format!(
                    "The geometric mean of {pairs} pairs, which go from {} to {}.",
                    times(*worst),
                    times(*best)
                ),
                Tone::Plain,
            ),
            figure(
                count(regressions),
                "",
                "regressions",
                told(&format!("slower {beyond} {alike} are alike.")),
                tone(*regressions, Tone::Bad),
            ),
            figure(count(gains), "", "gains", told(&format!("faster {beyond}")), tone(*gains, Tone::Good)),
        ],
        plot: None,
    }
}

fn summary(comparison: &Comparison) -> Section {
    let warned = comparison.warnings.iter().map(|warning| Block::Text(format!("Warning: {warning}.")));
    let mut blocks: Vec<Block> = warned.collect();
    let counted = |count: usize, good: bool| {
        if count == 0 { cell("0") } else { judged(count.to_string(), good) }
    };
    let row = |tally: &Tally| {
        vec![
            cell(tally.group.clone()),
            cell(tally.pairs.to_string()),
            cell(times(tally.mean)),
            counted(tally.gains, true),
            counted(tally.regressions, false),
            cell(tally.alike.to_string()),
            cell(tally.unknown.to_string()),
            cell(times(tally.worst)),
            cell(times(tally.best)),
        ]
    };
    let several = comparison.groups.len() > 1;
    let rows = comparison.groups.iter().chain(several.then_some(&comparison.all)).map(row).collect();
    blocks.push(table(
        &["group", "pairs", "mean", "gains", "regressions", "alike", "unknown", "worst", "best"],
        rows,
    ));
    Section { id: "summary", title: "Summary", blocks }
}

/// A section for each verdict that was given.
fn lists(comparison: &Comparison, most: usize) -> Vec<Section> {
    let kinds = [
        (Verdict::Regression, "regressions", "Regressions"),
        (Verdict::Gain, "gains", "Gains"),
        (Verdict::Unknown, "unknown", "Not judged"),
        (Verdict::Alike, "alike", "Alike"),
    ];
    let names = comparison.names();
    let section = |(verdict, id, title)| {
        let found = comparison.with(verdict);
        let rows: Vec<Vec<Cell>> = found.iter().take(most).map(|change| row(change, &names)).collect();
        if rows.is_empty() {
            return None;
        }
        let mut blocks = vec![table(&["", "group", "old", "new", "speed", "95 % interval"], rows)];
        if most < found.len() {
            blocks.push(Block::Text(format!("And {} smaller ones.", found.len() - most)));
        }
        Some(Section { id, title, blocks })
    };
    kinds.into_iter().filter_map(section).collect()
}

fn row(change: &Change, names: &Names) -> Vec<Cell> {
    let speed = match change.verdict {
        Verdict::Gain => judged(times(change.ratio), true),
        Verdict::Regression => judged(times(change.ratio), false),
        Verdict::Alike | Verdict::Unknown => cell(times(change.ratio)),
    };
    let [old, new] = change.seconds.map(|seconds| number(words::time(seconds), seconds));
    vec![
        cell(names.name(&change.key)),
        cell(change.key.group.clone()),
        old,
        new,
        speed,
        cell(interval(change)),
    ]
}

/// What has no pair.
fn unpaired(comparison: &Comparison, most: usize) -> Option<Section> {
    let Comparison { only_old, only_new, ambiguous, .. } = comparison;
    let names = comparison.names();
    let row = |key: &Key, why: String| vec![cell(names.name(key)), cell(key.group.clone()), cell(why)];
    let several = ambiguous
        .iter()
        .map(|found| row(&found.key, format!("{} in old, {} in new: which is which?", found.old, found.new)));
    let old = only_old.iter().map(|key| row(key, "only in old".to_owned()));
    let new = only_new.iter().map(|key| row(key, "only in new".to_owned()));
    let mut rows: Vec<Vec<Cell>> = several.chain(old).chain(new).collect();
    let count = rows.len();
    rows.truncate(most);
    if rows.is_empty() {
        return None;
    }
    let mut blocks = vec![
        Block::Text(format!(
            "{} only in old, {} only in new, {} that a side has several times.",
            only_old.len(),
            only_new.len(),
            ambiguous.len()
        )),
        table(&["", "group", "why"], rows),
    ];
    if most < count {
        blocks.push(Block::Text(format!("And {} more.", count - most)));
    }
    Some(Section { id: "unpaired", title: "Not compared", blocks })
}

/// What became slower, and what became faster: of each the largest changes, believed ones first.
fn plots(comparison: &Comparison) -> Result<Vec<(Drawn, String)>, Error> {
    let (slower, faster): (Vec<&Change>, Vec<&Change>) =
        comparison.changes.iter().partition(|change| change.ratio < 1.0);
    let mut plots = Vec::new();
    for (name, word, mut found) in [("slower", "slower", slower), ("faster", "as fast or faster", faster)] {
        let count = found.len();
        let believed = |change: &Change| matches!(change.verdict, Verdict::Gain | Verdict::Regression);
        let size = |change: &Change| change.ratio.ln().abs();
        found.sort_by(|a, b| believed(b).cmp(&believed(a)).then(size(b).total_cmp(&size(a))));
        found.truncate(PLOTTED);
        found.sort_by(|a, b| size(b).total_cmp(&size(a)));
        let caption = match (found.len(), count) {
            (0, _) => continue,
            (1, 1) => format!("One pair is {word}."),
            (shown, count) if shown == count => format!("{count} pairs are {word}."),
            (shown, count) => {
                format!("{count} pairs are {word}, of which these are the {shown} largest changes.")
            }
        };
        plots.push((plot(comparison, name, &found)?, caption));
    }
    Ok(plots)
}

fn plot(comparison: &Comparison, name: &'static str, found: &[&Change]) -> Result<Drawn, Error> {
    let kinds = [
        (Verdict::Gain, colour::GREEN, Marker::Triangle),
        (Verdict::Regression, colour::VERMILLION, Marker::Square),
        (Verdict::Alike, colour::GREY, Marker::Circle),
        (Verdict::Unknown, colour::BLUE, Marker::Diamond),
    ];
    let names = comparison.names();
    let several = comparison.groups.len() > 1;
    let rows = found.iter().map(|change| {
        let group = if several { format!("{}: ", change.key.group) } else { String::new() };
        Ratio {
            name: format!("{group}{}", names.name(&change.key)),
            noise: change.noise,
            text: told(change, &names.name(&change.key)),
            kind: kinds.iter().position(|(verdict, ..)| *verdict == change.verdict).unwrap_or_default(),
            value: change.ratio,
            ends: change.interval.map(|found| [found.low, found.high]),
        }
    });
    let of = match comparison.by {
        By::Time => "",
        By::OfPeak => ", by the share of the peak",
    };
    let range = found.first().zip(found.last());
    let range = range.map_or_else(String::new, |(first, last)| {
        format!(", from {} to {}", times(first.ratio), times(last.ratio))
    });
    Intervals {
        name,
        alternative: format!("Speed of new over old{of} for {} pairs{range}.", found.len()),
        title: format!("times as fast as before{of}"),
        kinds: kinds.map(|(verdict, colour, marker)| Kind { label: verdict.name(), colour, marker }).to_vec(),
        rows: rows.collect(),
        evidence: Evidence::Said {
            what: "Ratios of medians, with bootstrap intervals of the rounds of both sides".to_owned(),
            again: comparison.command.clone(),
        },
    }
    .draw()
}

/// What is told of a mark.
fn told(change: &Change, name: &str) -> String {
    let [old, new] = change.seconds.map(words::time);
    let interval = change.interval.map_or_else(String::new, |_| format!(", {}", interval(change)));
    format!("{name}\n{old}, then {new}\n{}{interval}: {}", times(change.ratio), change.verdict.name())
}
