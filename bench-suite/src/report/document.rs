//! What a report says, before it is a page: which sections there are, and those that are short.

use tapwise::Isa;

pub(super) use super::block::{
    Block, Cell, Document, FirstScreen, Gallery, Section, Table, cell, judged, table,
};
use super::plot::Plot;
use super::{Findings, charts, gradients, learning, receptive, road, targets, words};
use crate::Error;
use crate::contenders;
use crate::machine::{Machine, Stream};
use crate::measurement::LIMIT;
use crate::photograph::Picture;
use crate::problems::group;
use crate::records::{Builds, Record};

/// Everything that was found, in the order in which it is read.
pub(super) fn document(findings: &Findings) -> Result<Document, Error> {
    let Findings { machine, records, builds, .. } = findings;
    if findings.alone {
        return beside(findings);
    }
    let mut sections = vec![machine_facts(machine), photograph(findings), throughput(machine, records)?];
    sections.extend(super::crossover::section(machine, records)?);
    sections.extend(super::filters::section(findings)?);
    sections.push(targets::section(machine, records));
    sections.extend(super::peers::section(findings)?);
    sections.extend(super::nets::section(findings)?);
    sections.extend(choices(findings)?);
    sections.extend(asked_for(records));
    sections.extend(super::tiles::section(machine, records)?);
    sections.push(road::counts()?);
    sections.extend(road::dense(machine, records)?);
    sections.push(receptive::section()?);
    sections.extend(gradients::section(machine, records));
    sections.extend(learning::section(&findings.study)?);
    sections.extend(super::waldo::section(&findings.waldo));
    sections.push(build_times(builds));
    sections.push(method(findings));
    Ok(Document {
        title: format!("Convolutions on {}", machine.processor),
        subtitle: format!(
            "{}, one core unless said otherwise, {}, {} report of tapwise {}",
            machine.date, machine.selected, machine.effort, machine.version
        ),
        lead: lead(machine, records),
        first: FirstScreen::default(),
        sections,
    })
}

fn choices(findings: &Findings) -> Result<Option<Section>, Error> {
    match &findings.choices {
        Some(measured) => super::choices::section(measured, &findings.records),
        None => Ok(None),
    }
}

/// A page of nothing but what was asked for.
fn beside(findings: &Findings) -> Result<Document, Error> {
    let machine = &findings.machine;
    let mut sections = vec![machine_facts(machine)];
    sections.extend(super::filters::section(findings)?);
    sections.extend(super::peers::section(findings)?);
    sections.extend(super::nets::section(findings)?);
    sections.extend(choices(findings)?);
    sections.push(method(findings));
    let filters = findings.records.iter().any(|record| record.group == group::FILTERS);
    let layers = findings.records.iter().any(|record| [group::PEERS, group::NETS].contains(&&*record.group));
    let (title, lead) = match (&findings.peers, &findings.choices) {
        (_, None) if filters && !layers => (
            "Filters known while compiling",
            "Image filters beside a plain copy of the picture, each answer checked against double precision before it \
             was timed.",
        ),
        (None, Some(_)) => (
            "Choices of the planner",
            "Every candidate of many layers beside the one that the planner chooses, each answer checked against double \
             precision before it was timed.",
        ),
        _ => (
            "Convolutions beside other libraries",
            "The same numbers through tapwise and through other libraries, each answer checked against double precision \
             before it was timed.",
        ),
    };
    Ok(Document {
        title: format!("{title} on {}", machine.processor),
        subtitle: format!("{}, {} report of tapwise {}", machine.date, machine.effort, machine.version),
        lead: lead.to_owned(),
        first: FirstScreen::default(),
        sections,
    })
}

fn lead(machine: &Machine, records: &[Record]) -> String {
    let best = records
        .iter()
        .filter(|record| record.group == group::TARGETS && record.strategy == "specialized")
        .max_by(|a, b| a.fraction_of_peak.total_cmp(&b.fraction_of_peak));
    let reached = match best {
        Some(best) => format!(
            "Here they reach up to {} of {} GFLOP/s, the most that one core multiplies and adds ({}).",
            words::share(best.fraction_of_peak),
            words::three(best.peak_gflops),
            words::shape(&best.shape),
        ),
        None => match machine.set(&machine.selected) {
            Some(set) => {
                format!("One core multiplies and adds at {} GFLOP/s here.", words::three(set.fma_gflops))
            }
            None => String::new(),
        },
    };
    format!(
        "Tapwise generates convolution kernels while a Rust program is compiled, for the shapes that the program \
         names. {reached} Every answer on this page was checked against double precision before it was timed."
    )
}

/// The records of a strategy in a group.
pub(super) fn of<'r>(records: &'r [Record], group: &str, strategy: &str) -> Vec<&'r Record> {
    records.iter().filter(|record| record.group == group && record.strategy == strategy).collect()
}

fn photograph(findings: &Findings) -> Section {
    let pictures = &findings.pictures;
    let shown: Vec<Picture> = pictures.photograph.iter().chain(&pictures.maps).cloned().collect();
    let mut blocks = vec![Block::Text(format!(
        "One layer looks at the photograph through {} filters at once. Each picture is one channel of its answer: \
         orange where the filter agrees, blue where its negative does, black where neither does.",
        pictures.maps.len()
    ))];
    blocks.push(Block::Pictures(Gallery { pictures: shown, overview: pictures.overview.clone() }));
    let mut rows = Vec::new();
    for contender in &contenders::ALL {
        for record in of(&findings.records, group::PHOTOGRAPH, contender.strategy.name()) {
            rows.push(vec![
                cell(contender.label),
                cell(words::time(record.median_s)),
                cell(words::three(record.gflops)),
                cell(words::error(record.max_error)),
            ]);
        }
    }
    if !rows.is_empty() {
        let what: Vec<String> = contenders::ALL
            .iter()
            .map(|contender| format!("{} ({})", contender.label, contender.what))
            .collect();
        blocks.push(Block::Text(format!(
            "Every strategy computes the same layer: {}. The last column is the largest difference from double precision, \
             as a share of the root mean square of the answer.",
            what.join(", ")
        )));
        blocks.push(table(&["strategy", "time", "GFLOP/s", "largest difference"], rows));
    }
    Section { id: "photograph", title: "A photograph and its feature maps", blocks }
}

fn throughput(machine: &Machine, records: &[Record]) -> Result<Section, Error> {
    let mut plots = Vec::new();
    let sweeps: [(Option<Plot>, &str, &str); 3] = [
        (
            charts::size(records),
            group::SIZE,
            "Over the side of a square picture, 32 channels in and out, 3 × 3.",
        ),
        (charts::delta(records), group::DELTA, "Over Δ, on 56 × 56 pixels of 32 channels in and out."),
        (charts::channels(records), group::CHANNELS, "Over channels, on 28 × 28 pixels, 3 × 3."),
    ];
    for (plot, group, caption) in sweeps {
        if let Some(plot) = plot {
            let naive = of(records, group, "naive");
            let most = naive.iter().map(|record| record.gflops).fold(0.0, f64::max);
            let floor = if most > 0.0 {
                format!(" Naive stays below {} GFLOP/s.", words::three(most))
            } else {
                String::new()
            };
            plots.push((plot.draw()?, format!("{caption}{floor}")));
        }
    }
    let text = format!(
        "More is better; the dashed line is what the core can do at most under {}, measured beside the rest. \
         Operations are those of the direct sum, two for each multiply-add.",
        machine.selected
    );
    Ok(Section {
        id: "throughput",
        title: "Throughput over size, Δ and channels",
        blocks: vec![Block::Text(text), Block::Plots(plots)],
    })
}

fn asked_for(records: &[Record]) -> Option<Section> {
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

fn build_times(builds: &Builds) -> Section {
    let blocks = match builds {
        Builds::Impossible(reason) => vec![Block::Text(format!("Not measured: {reason}."))],
        Builds::Measured(costs) => {
            let rows = costs.iter().map(|cost| {
                // What is computed by code of the library has no kernel of its own.
                let count = |count: usize| cell(if count > 0 { count.to_string() } else { "–".to_owned() });
                vec![
                    cell(words::shape(&cost.shape)),
                    count(cost.kernels),
                    judged(format!("{} s", words::three(cost.seconds)), cost.seconds < 0.5),
                    cell(words::bytes(cost.code_bytes)),
                    count(cost.fmas),
                ]
            });
            vec![
                Block::Text(
                    "What one more annotation adds to a release build. It generates a kernel for every instruction set \
                     of the architecture; a dash is none, or not counted."
                        .to_owned(),
                ),
                table(&["annotated shape or filter", "kernels", "build time", "code", "FMAs unrolled"], rows.collect()),
            ]
        }
    };
    Section { id: "builds", title: "What an annotation costs while compiling", blocks }
}

fn machine_facts(machine: &Machine) -> Section {
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

fn method(findings: &Findings) -> Section {
    let machine = &findings.machine;
    let texts = [
        format!(
            "Made by `{}` in {:.0} s. Every number is in `measurements.json`, the machine in `machine.json`, {}.",
            machine.command,
            machine.seconds,
            if findings.alone && findings.peers.is_some() {
                "what other libraries did not serve in `peers.json`"
            } else if findings.alone {
                "every candidate of every layer in `regret.json`"
            } else {
                "the build table in `builds.json`, what was learnt in `learning.json`, what was searched in `waldo.json`"
            }
        ),
        format!(
            "Each contender's answer is compared with the sum of the definition in double precision before it is timed; a \
             largest error above {} of the root mean square ends the report. Large problems are checked on outputs \
             drawn at random, and the records say so.",
            words::error(LIMIT)
        ),
        "The thread is pinned to one core. Contenders take turns in rounds, each sample lasting a millisecond or more, with \
         the FMA peak of the core measured in every round; what is shown are medians. Slow contenders get fewer samples. \
         Weights are packed when a layer is built, and outputs are allocated before: what is timed is one run into \
         memory that is there. Pictures are channels last, in single precision."
            .to_owned(),
    ];
    Section {
        id: "method",
        title: "How it was measured",
        blocks: texts.into_iter().map(Block::Text).collect(),
    }
}
