//! The section on whether everything computes the right thing: what every strategy errs by.

use super::block::number;
use super::document::{Block, Cell, Section, cell, judged, table};
use super::words;
use crate::measurement::LIMIT;
use crate::problems::group;
use crate::records::Record;
use crate::statistics::median;
use crate::tuning::regret::Findings;

/// An answer that was compared with the definition.
struct Compared<'f> {
    strategy: &'f str,
    shape: &'f str,
    error: f64,
    /// Whether it may err by as much.
    allowed: bool,
}

/// Every answer of tapwise's own that was compared.
fn compared<'f>(records: &'f [Record], choices: Option<&'f Findings>) -> Vec<Compared<'f>> {
    let own = records.iter().filter(|record| record.contender == "tapwise" && record.group != group::FILTERS);
    let records = own.map(|record| Compared {
        strategy: &record.strategy,
        shape: &record.shape,
        error: record.max_error,
        // A tile that was asked for may err by more than a layer tolerates by default.
        allowed: record.max_error <= LIMIT || record.group == group::TILES,
    });
    let samples = choices
        .into_iter()
        .flat_map(|found| found.samples.iter().chain(found.map.iter().map(|cell| &cell.sample)));
    let candidates = samples.flat_map(|sample| {
        sample.candidates.iter().filter_map(|candidate| {
            let error = candidate.timing?.error;
            let (strategy, shape) = (candidate.strategy.as_str(), sample.shape.as_str());
            Some(Compared { strategy, shape, error, allowed: error <= LIMIT })
        })
    });
    records.chain(candidates).collect()
}

/// The section; none where nothing was measured.
pub(super) fn section(records: &[Record], choices: Option<&Findings>) -> Option<Section> {
    let compared = compared(records, choices);
    let mut names: Vec<&str> = Vec::new();
    for answer in &compared {
        if !names.contains(&answer.strategy) {
            names.push(answer.strategy);
        }
    }
    if names.is_empty() {
        return None;
    }
    let rows = names.into_iter().filter_map(|name| {
        let all: Vec<_> = compared.iter().filter(|answer| answer.strategy == name).collect();
        let worst = all.iter().max_by(|a, b| a.error.total_cmp(&b.error))?;
        let mut shapes: Vec<&str> = all.iter().map(|answer| answer.shape).collect();
        shapes.sort_unstable();
        shapes.dedup();
        let middle = median(&mut all.iter().map(|answer| answer.error).collect::<Vec<f64>>());
        Some(vec![
            cell(words::strategy(name)),
            number(shapes.len().to_string(), shapes.len() as f64),
            number(words::error(middle), middle),
            Cell { key: Some(worst.error), ..judged(words::error(worst.error), worst.allowed) },
            cell(words::shape(worst.shape)),
        ])
    });
    let rows: Vec<_> = rows.collect();
    let text = format!(
        "Before anything is timed its answer is compared with the sum of the definition in double precision; errors are \
         the largest over all outputs compared, as a share of the root mean square of the answer. {} for a layer and \
         nothing is written. On large pictures {} outputs are compared, the corners and others drawn at random.",
        format_args!("An error above {} ends a report", words::error(LIMIT)),
        "32,768"
    );
    let head = ["strategy", "layers", "error, middle", "error, largest", "on"];
    Some(Section {
        id: "correctness",
        title: "Does it compute the right thing",
        blocks: vec![Block::Text(text), table(&head, rows)],
    })
}
