//! The section on whether everything computes the right thing: what every strategy errs by.

use super::block::number;
use super::document::{Block, Cell, Section, cell, judged, table};
use super::words;
use crate::measurement::LIMIT;
use crate::problems::group;
use crate::records::Record;
use crate::statistics::median;

/// The section; none where nothing was measured.
pub(super) fn section(records: &[Record]) -> Option<Section> {
    let own =
        || records.iter().filter(|record| record.contender == "tapwise" && record.group != group::FILTERS);
    let mut names: Vec<&str> = Vec::new();
    for record in own() {
        if !names.contains(&record.strategy.as_str()) {
            names.push(&record.strategy);
        }
    }
    if names.is_empty() {
        return None;
    }
    let rows = names.into_iter().filter_map(|name| {
        let all: Vec<&Record> = own().filter(|record| record.strategy == name).collect();
        let worst = all.iter().max_by(|a, b| a.max_error.total_cmp(&b.max_error))?;
        let mut shapes: Vec<&str> = all.iter().map(|record| record.shape.as_str()).collect();
        shapes.sort_unstable();
        shapes.dedup();
        let middle = median(&mut all.iter().map(|record| record.max_error).collect::<Vec<f64>>());
        // A tile that was asked for may err by more than a layer tolerates by default.
        let allowed = worst.max_error <= LIMIT || worst.group == group::TILES;
        Some(vec![
            cell(words::strategy(name)),
            number(shapes.len().to_string(), shapes.len() as f64),
            number(words::error(middle), middle),
            Cell { key: Some(worst.max_error), ..judged(words::error(worst.max_error), allowed) },
            cell(words::shape(&worst.shape)),
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
