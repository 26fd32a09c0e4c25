//! The sections on throughput over size, Δ, channels, batches and threads.

use super::document::{Block, Section, of};
use super::plot::Plot;
use super::{charts, words};
use crate::Error;
use crate::machine::Machine;
use crate::problems::group;
use crate::records::Record;

/// Throughput over the side of the picture, Δ and channels; none where it was not measured.
pub(super) fn throughput(machine: &Machine, records: &[Record]) -> Result<Option<Section>, Error> {
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
    if plots.is_empty() {
        return Ok(None);
    }
    let text = format!(
        "More is better; the dashed line is what the core can do at most under {}, measured beside the rest. \
         Operations are those of the direct sum, two for each multiply-add.",
        machine.selected
    );
    Ok(Some(Section {
        id: "throughput",
        title: "Throughput over size, Δ and channels",
        blocks: vec![Block::Text(text), Block::Plots(plots)],
    }))
}
