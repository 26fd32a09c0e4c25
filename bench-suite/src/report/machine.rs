//! The section on the machine.

use tapwise::Isa;

use super::block::number;
use super::document::{Block, Section, Table, cell, table};
use super::words;
use crate::clock::{SLOWED, clocks};
use crate::machine::{Machine, Stream};
use crate::records::Record;
use crate::self_check::LAYER;

/// The section.
pub(super) fn section(machine: &Machine, records: &[Record]) -> Section {
    let [l1, l2, l3] = machine.caches.map(|bytes| words::bytes(bytes as u64));
    let memory = machine.memory.map_or(String::new(), |bytes| format!(", {} of memory", words::bytes(bytes)));
    let text = format!(
        "{}: {} core{}, caches of {l1}, {l2} and {l3} that layers count on{memory}; {}; built by {}.",
        machine.processor,
        machine.cores,
        if machine.cores == 1 { "" } else { "s" },
        machine.system,
        machine.compiler
    );
    let levels: Vec<&Stream> =
        machine.sets.first().map(|set| set.streams.iter().collect()).unwrap_or_default();
    let mut head = vec!["set".to_owned(), "FMA peak, GFLOP/s".to_owned()];
    head.extend(levels.iter().map(|stream| format!("{}, GB/s", stream.level)));
    let rows = machine.sets.iter().map(|set| {
        let mut cells = vec![cell(set.isa.clone()), cell(words::three(set.fma_gflops))];
        cells.extend(
            set.streams.iter().map(|stream| cell(format!("{:.0} / {:.0}", stream.read, stream.copy))),
        );
        cells
    });
    let absent: Vec<&str> =
        Isa::ALL.iter().map(|isa| isa.name()).filter(|isa| machine.set(isa).is_none()).collect();
    let mut note =
        "Bandwidth of one core, reading / copying; a copy counts the bytes read and the bytes written."
            .to_owned();
    if !absent.is_empty() {
        note.push_str(&format!(" This machine has no {}.", absent.join(" and no ")));
    }
    let table = Block::Table(Table { head, rows: rows.collect() });
    let mut blocks = vec![Block::Text(text), table, Block::Text(note)];
    blocks.extend(noise(machine));
    blocks.extend(clock(records));
    Section { id: "machine", title: "The machine", blocks }
}

/// How small a difference can be believed.
fn noise(machine: &Machine) -> Vec<Block> {
    if machine.noise.is_empty() {
        return Vec::new();
    }
    let or_none = |part: Option<f64>| part.map_or(cell("–"), |part| number(words::percent(part), part));
    let rows = machine.noise.iter().map(|noise| {
        vec![
            cell(format!("{} thread{}", noise.threads, if noise.threads == 1 { "" } else { "s" })),
            cell(noise.pairs.to_string()),
            number(words::percent(noise.believed), noise.believed),
            or_none(noise.apart),
            or_none(noise.apart_of_peak),
        ]
    });
    let text = format!(
        "How small a difference can be believed: the same layer ({}) was measured against itself, in the same rounds, \
         before everything else and again at the end. Below each figure 19 of 20 comparisons stayed; what differs by less \
         is noise.",
        words::shape(LAYER)
    );
    let head =
        ["on", "comparisons", "in the same rounds", "minutes apart", "minutes apart, as shares of the peak"];
    vec![Block::Text(text), table(&head, rows.collect())]
}

/// Whether the clock stayed.
fn clock(records: &[Record]) -> Option<Block> {
    let clocks = clocks(records);
    if clocks.is_empty() {
        return None;
    }
    let said = clocks.iter().map(|clock| {
        let [low, high] = clock.peaks.map(words::three);
        format!(
            "under {} from {low} to {high} GFLOP/s, {} of {} figures below {} of that",
            clock.isa,
            clock.slowed,
            clock.figures,
            words::percent(SLOWED)
        )
    });
    let said: Vec<String> = said.collect();
    let slowed = clocks.iter().any(|clock| clock.slowed > 0);
    let mark = if slowed {
        " A core may be slowed down by heat, by its neighbours or by the system; times of such figures are too long, their \
         shares of the peak, which was measured beside them, are not. In tables † marks such times; they are counted below each plot, and their points say so."
    } else {
        " No figure was measured while the core was slowed down."
    };
    Some(Block::Text(format!(
        "The peak of the core, measured beside every figure, went over nine tenths of the run {}.{mark}",
        said.join("; ")
    )))
}
