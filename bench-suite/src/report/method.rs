//! The section on how everything was measured.

use super::document::{Block, Section};
use super::{Findings, words};
use crate::measurement::LIMIT;

/// The section.
pub(super) fn section(findings: &Findings) -> Section {
    let machine = &findings.machine;
    let texts = [
        format!(
            "Made by `{}` in {:.0} s. Every number is in the JSON files beside this page, each measurement in \
             `measurements.json`, the machine in `machine.json`; `tapwise report --from` draws the page again from them.",
            machine.command, machine.seconds,
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
