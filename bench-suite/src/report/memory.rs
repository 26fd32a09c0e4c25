//! The section on memory by strategy.

use tapwise::Strategy;

use super::block::number;
use super::document::{Block, Section, Table, cell};
use super::dots::{Contender, Dot, Dots, Scale};
use super::drawn::Drawn;
use super::evidence::Evidence;
use super::palette::colour;
use super::plot::Marker;
use super::words;
use crate::Error;
use crate::memory::Row;

/// What a strategy takes besides the picture, its answer and the filter, over those.
fn besides(row: &Row) -> f64 {
    (row.weights + row.scratch) as f64 / (row.input + row.output + row.filter) as f64
}

/// The section; none where nothing was counted.
pub(super) fn section(rows: &[Row]) -> Result<Option<Section>, Error> {
    let mut shapes: Vec<&str> = Vec::new();
    for row in rows {
        if !shapes.contains(&row.shape.as_str()) {
            shapes.push(&row.shape);
        }
    }
    if shapes.is_empty() {
        return Ok(None);
    }
    let looks = [
        (colour::GREY, Marker::Diamond),
        (colour::GREEN, Marker::Triangle),
        (colour::BLUE, Marker::Square),
        (colour::VERMILLION, Marker::Circle),
        (colour::ORANGE, Marker::Triangle),
        (colour::PURPLE, Marker::Diamond),
    ];
    let contenders = Strategy::ALL.iter().zip(looks).map(|(strategy, (colour, marker))| {
        let own = rows.iter().filter(|row| row.strategy == strategy.name() && row.weights + row.scratch > 0);
        let dot = |row: &Row| {
            let at = shapes.iter().position(|shape| *shape == row.shape).unwrap_or(0);
            let text = format!(
                "{} · {}\n{}\n{} of packed weights, {} of scratch",
                words::strategy(&row.strategy),
                row.kernel,
                words::shape(&row.shape),
                words::bytes(row.weights),
                words::bytes(row.scratch)
            );
            Dot { row: at, value: besides(row), text }
        };
        Contender { label: words::strategy(strategy.name()), colour, marker, values: own.map(dot).collect() }
    });
    let dots = Dots {
        name: "memory",
        alternative:
            "Packed weights and scratch of each strategy, over the bytes of picture, answer and filter"
                .to_owned(),
        title: "memory besides, over the rest".to_owned(),
        scale: Scale::Logarithmic,
        rows: shapes.iter().map(|shape| words::short_shape(shape)).collect(),
        contenders: contenders.collect(),
        evidence: Evidence::said("Bytes that the planner states and tests hold it to", "memory"),
    };
    let bytes = |bytes: u64| number(words::bytes(bytes), bytes as f64);
    let lines = rows.iter().map(|row| {
        vec![
            cell(words::shape(&row.shape)),
            cell(words::strategy(&row.strategy)),
            bytes(row.input),
            bytes(row.output),
            bytes(row.weights),
            bytes(row.scratch),
            number(words::figure(besides(row)), besides(row)),
        ]
    });
    let head = [
        "layer",
        "strategy",
        "picture",
        "answer",
        "packed weights",
        "scratch of a call",
        "besides, over the rest",
    ];
    let text = "What a layer keeps besides the picture that goes in and the answer that comes out: weights in the order \
                in which a kernel reads them, for as long as the layer is there, and scratch, which later calls use again. \
                On one thread; scratch grows with threads, packed weights do not. The rest is picture, answer and filter: at 1 on the axis a layer takes as much again \
                as it must.";
    let caption =
        "Less is better; the axis is logarithmic. A strategy that takes nothing besides has no mark.";
    let table = Table { head: head.map(str::to_owned).to_vec(), rows: lines.collect() };
    let drawn = Drawn { table, ..dots.draw()? };
    let blocks = vec![Block::Text(text.to_owned()), Block::Plots(vec![(drawn, caption.to_owned())])];
    Ok(Some(Section { id: "memory", title: "Memory by strategy", blocks }))
}
