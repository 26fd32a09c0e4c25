//! How well the planner chooses: regret on layers of networks, the worst of them, and a map of what is
//! the fastest where.

use super::document::{Block, Section, cell, judged, table};
use super::evidence::Evidence;
use super::{grid, words};
use crate::Error;
use crate::tuning::regret::{ALIKE, Findings, regret, summary};
use crate::tuning::sample::{Candidate, HOPELESS, Sample};
use crate::tuning::shapes::{MAP_SIDE, MOST};

/// Rows of the table of the worst choices.
const WORST: usize = 15;

/// Regrets that are wanted: the geometric mean, and the worst.
const WANTED: [f64; 2] = [1.03, 1.3];

/// What ran: the family of a generated kernel, or the strategy.
pub(super) fn algorithm(candidate: &Candidate) -> String {
    match candidate.strategy.as_str() {
        "direct" | "specialized" => ["channels-out", "depthwise", "along-row"]
            .into_iter()
            .find(|family| candidate.kernel.starts_with(family))
            .unwrap_or("direct")
            .to_owned(),
        other => words::strategy(other),
    }
}

/// The section, where choices were measured.
pub(super) fn section(measured: Option<&Findings>) -> Result<Option<Section>, Error> {
    let Some(findings) = measured else { return Ok(None) };
    if findings.samples.is_empty() {
        return Ok(None);
    }
    let mut threads: Vec<usize> = findings.samples.iter().map(|sample| sample.threads).collect();
    threads.dedup();
    let rows = threads.iter().filter_map(|&threads| {
        let summary = summary(&findings.samples, threads)?;
        Some(vec![
            cell(format!("{threads} thread{}", if threads == 1 { "" } else { "s" })),
            cell(summary.count.to_string()),
            judged(format!("{:.1} %", 100.0 * (summary.mean - 1.0)), summary.mean <= WANTED[0]),
            judged(format!("{:.2} ×", summary.worst), summary.worst <= WANTED[1]),
            cell(format!("{} of {}", summary.alike, summary.count)),
        ])
    });
    let first = format!(
        "The planner runs nothing before it chooses: it predicts what every candidate costs, here from {}. Regret is \
         the time of its choice over the time of the best candidate, each the least of several runs taken in turns. The \
         layers are those of networks that the costs were not fitted to, {} in all{}; {} more of over {} billion \
         multiply-adds are left out, and so are candidates that are predicted to take {HOPELESS:.0} times as long as \
         the best.",
        findings.costs,
        findings.apart,
        if findings.samples.iter().filter(|sample| sample.threads == 1).count() < findings.apart {
            ", of which this report takes some"
        } else {
            ""
        },
        findings.left_out,
        MOST / 1_000_000_000,
    );
    let head = ["on", "layers", "regret, geometric mean", "worst", &format!("within {:.0} %", 100.0 * ALIKE)];
    let mut blocks = vec![Block::Text(first), table(&head, rows.collect())];
    let worst = worst(&findings.samples);
    if !worst.is_empty() {
        blocks.push(Block::Text("The choices that lose most:".to_owned()));
        blocks.push(table(&["layer", "threads", "chosen", "best", "regret"], worst));
    }
    if !findings.map.is_empty() {
        let caption = format!(
            "What is the fastest, over Δ and channels: {MAP_SIDE} × {MAP_SIDE} pixels, as many channels out as in, one \
             thread. A cell with a number is one where the planner chooses another candidate, which takes so many \
             times as long (more than {:.0} % longer). Empty cells are too much work to measure here.",
            100.0 * ALIKE
        );
        let timings = findings.map.iter().map(|cell| (cell.sample.rounds, cell.sample.spread));
        let evidence = Evidence::timed(timings, "regret");
        let map = grid::map(&findings.map, evidence)?;
        blocks.push(Block::Plots(vec![(map, caption)]));
    }
    Ok(Some(Section { id: "choices", title: "How well the planner chooses", blocks }))
}

/// The rows of the worst choices, the worst first.
fn worst(samples: &[Sample]) -> Vec<Vec<super::document::Cell>> {
    let mut lost: Vec<(f64, &Sample)> =
        samples.iter().filter_map(|sample| Some((regret(sample)?, sample))).collect();
    lost.retain(|(regret, _)| *regret > 1.0 + ALIKE);
    lost.sort_by(|a, b| b.0.total_cmp(&a.0));
    let named = |candidate: &Candidate| {
        let seconds = candidate.measured().map_or("–".to_owned(), words::time);
        format!("{}, {seconds}", algorithm(candidate))
    };
    let rows = lost.into_iter().take(WORST).filter_map(|(regret, sample)| {
        let (chosen, best) = (sample.chosen()?, sample.best()?);
        Some(vec![
            cell(words::shape(&sample.shape)),
            cell(sample.threads.to_string()),
            cell(named(chosen)),
            cell(named(best)),
            judged(format!("{regret:.2} ×"), regret <= WANTED[1]),
        ])
    });
    rows.collect()
}
