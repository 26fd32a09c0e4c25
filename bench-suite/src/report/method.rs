//! The section on how everything was measured: what is done, what is in a figure and what is not, and what is
//! known to be off.

use super::document::{Block, Section};
use super::{Findings, words};
use crate::clock::SLOWED;
use crate::measurement::LIMIT;
use crate::statistics::{CONFIDENCE, KEPT};

/// What is done, step by step.
fn steps() -> Vec<(&'static str, String)> {
    let step = |name, text: &str| (name, text.to_owned());
    vec![
        (
            "Checked first",
            format!(
                "Each contender's answer is compared with the sum of the definition in double precision before it is \
                 timed; a largest error above {} of the root mean square ends the report. Large problems are checked on \
                 outputs drawn at random, the corners among them, and the records say so.",
                words::error(LIMIT)
            ),
        ),
        step(
            "Pinned",
            "Every thread stays on a core of its own, the last cores first, since interrupts like the first one. Other \
             libraries run in processes of their own, told to use as many threads and pinned to the same cores.",
        ),
        step(
            "Warmed up",
            "A contender runs until a sample's time is over before anything counts, and once more before each sample \
             where a run is short, so that it finds its data in the caches as it left it.",
        ),
        step(
            "In rounds, interleaved",
            "Contenders take turns: a round is one sample of each. What slows the machine down for a while slows all \
             of them. A sample is as many runs as fill a millisecond or more. Slow contenders get fewer samples, and \
             those beyond a time limit sit out the remaining rounds.",
        ),
        step(
            "The peak beside",
            "In every round the most multiply-adds that the core does between registers is measured as well, under the \
             same instruction set. Shares are of the median of these, so that a clock that wanders changes both.",
        ),
        step(
            "Medians",
            "What is shown are medians over the rounds, never the best of them; the spread below a plot is the part \
             between the quartiles over the median.",
        ),
        (
            "Intervals",
            format!(
                "A record keeps up to {KEPT} rounds (where there were more, medians of neighbours). Intervals of medians, \
                 and of the ratio of two, are bootstrapped from them: rounds drawn with replacement, 400 times, the \
                 middle {:.0} % (Efron 1979). `tapwise compare` calls a difference a gain or a regression only where \
                 the whole interval is beyond what this machine's noise explains.",
                100.0 * CONFIDENCE
            ),
        ),
        (
            "A core that slows down",
            format!(
                "A figure whose peak beside it is below {} of what the core reached most of the time is counted in \
                 the line below its plot, and its point says so.",
                words::percent(SLOWED)
            ),
        ),
        step(
            "Inside of the time",
            "One run on arrays that are there, into memory that is there: everything from the call to its return, \
             borders and layout included. Ordinary arrays in and out, channels last, single precision.",
        ),
        step(
            "Outside of the time",
            "Building a layer, packing its weights, taking memory for the answer, and a first call of a size, which \
             plans. Other libraries are prepared as far as they can be as well: graphs compiled, weights packed, memory \
             kept.",
        ),
        step(
            "Known to be off",
            "Operations are those of the direct sum, so that algorithms with fewer of them can pass 1. A layer that runs \
             again and again finds its weights in the caches, which in a network it may not. A shared machine has \
             neighbours that no pinning keeps away. Other libraries of Python are called some microseconds later than a \
             program in C++ would call them; the section on them says how many. Copies of pages, huge pages and the \
             placement of arrays differ from run to run by a few percent, which rounds do not show: they are of one run.",
        ),
    ]
}

/// The section.
pub(super) fn section(findings: &Findings) -> Section {
    let machine = &findings.machine;
    let made = format!(
        "Made by `{}` in {:.0} s. Every number is in the JSON files beside this page, each measurement in \
         `measurements.json`, the machine in `machine.json`; `tapwise report --from DIR` draws the page again from them \
         without measuring, and `tapwise report --only PART` measures a part alone.",
        machine.command, machine.seconds,
    );
    Section {
        id: "method",
        title: "How it was measured",
        blocks: vec![Block::Text(made), Block::Terms(steps())],
    }
}
