//! What learning costs: the gradients of a layer beside the layer itself.

use tapwise::Shape;

use super::document::{Block, Section, cell, table};
use super::words;
use crate::gradients::{DENSE_RUNS, RUNS};
use crate::machine::Machine;
use crate::problems::group;
use crate::records::Record;

/// The section, where gradients were measured.
pub(super) fn section(machine: &Machine, records: &[Record]) -> Option<Section> {
    let own = || records.iter().filter(|record| record.group == group::GRADIENTS);
    let mut shapes: Vec<&str> = Vec::new();
    for record in own() {
        if RUNS.contains(&record.strategy.as_str()) && !shapes.contains(&record.shape.as_str()) {
            shapes.push(&record.shape);
        }
    }
    if shapes.is_empty() {
        return None;
    }
    let most = own().map(|record| record.threads).max().unwrap_or(1);
    let find = |shape: &str, run: &str, threads: usize| {
        own().find(|record| record.shape == shape && record.strategy == run && record.threads == threads)
    };
    let rows = shapes.iter().map(|shape| {
        let mut cells = vec![cell(words::shape(shape))];
        for run in RUNS {
            let text = match (find(shape, run, 1), find(shape, run, most)) {
                (Some(one), Some(many)) if most > 1 => {
                    format!("{} ({:.2} ×)", words::share(one.fraction_of_peak), one.median_s / many.median_s)
                }
                (Some(one), _) => words::share(one.fraction_of_peak),
                _ => "–".to_owned(),
            };
            cells.push(cell(text));
        }
        cells
    });
    let threads = if most > 1 {
        format!(" In brackets: how many times faster it is on {most} threads.")
    } else {
        String::new()
    };
    let first = "A layer learns by the gradients of a loss, `G = ∂L/∂H`, with respect to its input, filter and bias. \
                 With stride s, dilation δ and p padded pixels before the picture, `k = i·s + a·δ − p` and \
                 `l = j·s + b·δ − p`:";
    let equations = [
        "(12)  ∂L/∂X[k,l,c]   = Σ_(i,j,d) Σ_(a,b) V[a,b,c,d] · G[i,j,d]",
        "(13)  ∂L/∂V[a,b,c,d] = Σ_(i,j) X[k,l,c] · G[i,j,d]",
        "(14)  ∂L/∂u[d]       = Σ_(i,j) G[i,j,d]",
    ];
    let second = format!(
        "(12) is a convolution with the filter turned and its channels exchanged, and runs by the same kernels; so do \
         (13) and (14), as products of patches and gradients, the memory of the answer included. Each is as many \
         multiply-adds as the layer itself. The share of the FMA peak of one core under {}, 1 being all of it.{threads}",
        machine.selected
    );
    let head = ["picture and layer", "forward", "gradient of the input (12)", "of filter and bias (13, 14)"];
    let blocks = vec![
        Block::Text(first.to_owned()),
        Block::equations(&equations),
        Block::Text(second),
        table(&head, rows.collect()),
    ];
    let dense = DENSE_RUNS.map(|run| own().find(|record| record.strategy == run && record.threads == 1));
    let blocks: Vec<Block> = blocks.into_iter().chain(dense_layer(dense).map(Block::Text)).collect();
    Some(Section { id: "gradients", title: "What learning costs", blocks })
}

/// What the dense layer reaches, in a sentence.
fn dense_layer([forward, backward]: [Option<&Record>; 2]) -> Option<String> {
    let (forward, backward) = (forward?, backward?);
    let Shape { batch, spec, .. } = forward.shape.parse().ok()?;
    Some(format!(
        "The dense layer (1) on a batch of {batch}, from {} inputs to {} units, reaches {} forward and {} with both of its \
         gradients: products of matrices by a library.",
        spec.c_in,
        spec.c_out,
        words::share(forward.fraction_of_peak),
        words::share(backward.fraction_of_peak),
    ))
}
