//! What a report has, in the order in which a reader asks.

use super::document::Document;
use super::{Findings, gradients, learning, receptive, road, targets, words};
use crate::Error;
use crate::machine::Machine;
use crate::parts::Part;
use crate::problems::group;
use crate::records::Record;

/// Everything that was found: of which machine, whether it is right, how fast it is and against whom, which
/// path wins where, how it scales, what it costs, and what it is for.
pub(super) fn document(findings: &Findings) -> Result<Document, Error> {
    let Findings { machine, records, builds, .. } = findings;
    let mut sections = vec![super::machine::section(machine, records)];
    sections.extend(super::correctness::section(records, findings.choices.as_ref()));
    sections.extend(super::photograph::section(findings));
    sections.extend(super::layers::section(findings)?);
    sections.extend(super::peers::section(findings)?);
    sections.extend(super::nets::section(findings)?);
    sections.extend(targets::section(machine, records));
    sections.extend(super::filters::section(findings)?);
    sections.extend(super::choices::section(findings.choices.as_ref())?);
    sections.extend(super::crossover::section(machine, records)?);
    sections.extend(super::roofline::section(machine, records)?);
    sections.extend(super::scaling::throughput(machine, records)?);
    sections.extend(super::scaling::batches_and_threads(records)?);
    sections.extend(gradients::section(machine, records));
    if findings.has(Part::Dense) {
        sections.push(road::counts()?);
    }
    sections.extend(road::dense(machine, records)?);
    sections.extend(super::tiles::section(machine, records)?);
    sections.extend(super::memory::section(&findings.memory)?);
    sections.extend(super::builds::section(builds));
    if findings.has(Part::Learning) {
        sections.push(receptive::section()?);
    }
    sections.extend(learning::section(&findings.study)?);
    sections.extend(super::waldo::section(&findings.waldo));
    sections.push(super::method::section(findings));
    Ok(Document {
        title: format!("Convolutions on {}", machine.processor),
        subtitle: format!(
            "{}, one core unless said otherwise, {}, {} report of tapwise {}",
            machine.date, machine.selected, machine.effort, machine.version
        ),
        lead: lead(machine, records),
        first: super::first::screen(findings)?,
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
