//! The section on the shapes of the user's file.

use super::document::{Block, Section, Table, cell};
use super::words;
use crate::contenders;
use crate::problems::group;
use crate::records::Record;

/// The section; none where nothing was asked for.
pub(super) fn section(records: &[Record]) -> Option<Section> {
    let own: Vec<&Record> = records.iter().filter(|record| record.group == group::SHAPES).collect();
    let mut shapes: Vec<&str> = Vec::new();
    for record in &own {
        if !shapes.contains(&record.shape.as_str()) {
            shapes.push(&record.shape);
        }
    }
    if shapes.is_empty() {
        return None;
    }
    let names: Vec<&str> = std::iter::once(contenders::AUTO.strategy.name())
        .chain(contenders::ALL.iter().rev().map(|contender| contender.strategy.name()))
        .collect();
    let mut head = vec!["shape".to_owned()];
    head.extend(names.iter().map(|name| words::strategy(name)));
    let rows = shapes.into_iter().map(|shape| {
        let mut cells = vec![cell(format!("`{shape}`"))];
        for name in &names {
            let record = own.iter().find(|record| record.shape == shape && record.strategy == *name);
            cells.push(cell(record.map_or("–".to_owned(), |record| {
                format!("{} · {}", words::time(record.median_s), words::share(record.fraction_of_peak))
            })));
        }
        cells
    });
    Some(Section {
        id: "shapes",
        title: "The shapes asked for",
        blocks: vec![
            Block::Text(
                "Time of one run, and the share of the FMA peak. A dash: the strategy cannot serve this shape; for \
                 specialized, no kernel was compiled for it (`tapwise explain` names the line to add)."
                    .to_owned(),
            ),
            Block::Table(Table { head, rows: rows.collect() }),
        ],
    })
}
