//! The section on the machine.

use tapwise::Isa;

use super::document::{Block, Section, Table, cell};
use super::words;
use crate::machine::{Machine, Stream};

/// The section.
pub(super) fn section(machine: &Machine) -> Section {
    let [l1, l2, l3] = machine.caches.map(|bytes| words::bytes(bytes as u64));
    let memory = machine.memory.map_or(String::new(), |bytes| format!(", {} of memory", words::bytes(bytes)));
    let text = format!(
        "{}: {} core{}, caches of {l1}, {l2} and {l3}{memory}; {}; built by {}.",
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
    Section { id: "machine", title: "The machine", blocks: vec![Block::Text(text), table, Block::Text(note)] }
}
