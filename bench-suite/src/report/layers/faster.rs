//! What would make a user's layers faster, on the page and on the terminal.

use super::super::document::{Block, Cell, cell, table};
use super::super::words;
use crate::layers::Layer;
use crate::layers::advice::{Advice, Net, Step, advice};

/// Letters of a line on the terminal.
const WIDTH: usize = 96;

/// Lines of steps on the terminal.
const STEPS: usize = 8;

/// What is said, the block to paste in its midst.
struct Said {
    /// What the block is about; none where there is no block.
    block: Option<(String, String)>,
    /// What else is known of kernels for exactly one shape.
    kernels: Vec<String>,
    /// What is known of threads.
    threads: Option<String>,
}

fn plural(count: usize, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

fn said(advice: &Advice<'_>, threads: usize) -> Said {
    let mut kernels = Vec::new();
    let block = advice.block().map(|(block, left)| {
        let mut text = "Kernels compiled for exactly these shapes: paste this into your program.".to_owned();
        let told = advice.wanted.len() - advice.untold;
        if advice.compiled > 0 {
            text += &format!(
                " This program has the kernels of {}, and the times above are with them: how many times as fast as the \
                 best other strategy they are was measured.",
                plural(advice.compiled, "shape")
            );
        }
        if told > advice.compiled {
            text += &format!(
                " For {} it is expected from a layer of nearly the same channels on pictures of the same size, measured \
                 with its kernel and without.",
                plural(told - advice.compiled, "shape")
            );
        }
        if advice.untold > 0 {
            text += &format!(" For {} nothing tells how much they gain.", plural(advice.untold, "shape"));
        }
        if let Some([before, after]) = advice.expected {
            kernels.push(format!(
                "With these kernels all layers are expected to take {}, without any of them {}; where nothing tells, no gain \
                 is counted.",
                words::time(after),
                words::time(before)
            ));
        }
        if left > 0 {
            kernels.push(format!("{} of the least time are left out: one block has room for no more.", plural(left, "shape")));
        }
        (text, block)
    });
    if advice.pointless > 0 {
        kernels.push(format!(
            "{} without a kernel of their own would not be faster by one, as far as layers like them tell.",
            plural(advice.pointless, "layer")
        ));
    }
    for (layer, reason) in &advice.impossible {
        kernels.push(format!("No kernel can be compiled for `{}`: {reason}.", layer.name));
    }
    let threads = advice.alone.map(|(layers, share)| {
        format!(
            "On {threads} threads, {} with {} of the time stay on one: they are too small to be split, and more threads do \
             not help them.",
            plural(layers, "layer"),
            words::percent(share)
        )
    });
    Said { block, kernels, threads }
}

/// What is to be done, how many times as fast that is, and how it is known.
fn step(step: &Step<'_>) -> [String; 3] {
    match step {
        Step::Tolerate(inexact) => [
            format!(
                "`.tolerance({:.1e})` admits {} ({}), whose error is beyond the tolerance of 5e-5",
                rounded_up(inexact.error),
                words::strategy(&inexact.strategy),
                inexact.kernel
            ),
            format!("{} ×", words::three(inexact.gain)),
            "predicted".to_owned(),
        ],
        Step::Ask { record, gain, interval } => [
            format!(
                "`.strategy(Strategy::{})`, or `tapwise tune`, which fits the planner to this machine",
                variant(&record.strategy)
            ),
            format!("{} ×", words::three(*gain)),
            format!("measured: {} to {}", words::three(interval.low), words::three(interval.high)),
        ],
    }
}

/// An error to two digits, never below it.
fn rounded_up(error: f64) -> f64 {
    let unit = 10f64.powf(error.log10().floor() - 1.0);
    (error / unit).ceil() * unit
}

/// The name of a strategy in a program.
fn variant(name: &str) -> String {
    let own = tapwise::Strategy::ALL.into_iter().find(|strategy| strategy.name() == name);
    own.map_or_else(|| name.to_owned(), |strategy| format!("{strategy:?}"))
}

/// The blocks of the page.
pub(super) fn blocks(nets: &[Net<'_>], threads: usize, noise: f64) -> Vec<Block> {
    let advice = advice(nets, threads, noise);
    let Said { block, kernels, threads } = said(&advice, threads);
    let mut blocks = Vec::new();
    if let Some((text, block)) = block {
        blocks.push(Block::Text(format!("What would make it faster. {text}")));
        blocks.push(Block::Equations(block.lines().map(str::to_owned).collect()));
    }
    blocks.extend(kernels.into_iter().map(Block::Text));
    if !advice.steps.is_empty() {
        blocks.push(Block::Text("What else would make layers faster:".to_owned()));
        let row = |(layer, share, own): &(&Layer, f64, Step<'_>)| -> Vec<Cell> {
            let [what, gain, known] = step(own);
            vec![cell(layer.name.clone()), cell(what), cell(words::percent(*share)), cell(gain), cell(known)]
        };
        let head = ["layer", "what to do", "of the time", "times as fast", "how that is known"];
        blocks.push(table(&head, advice.steps.iter().map(row).collect()));
    }
    blocks.extend(threads.map(Block::Text));
    if blocks.is_empty() && nets.iter().any(|net| !net.rows.is_empty()) {
        let text =
            "Nothing that was measured or predicted would make these layers faster by more than the noise.";
        blocks.push(Block::Text(text.to_owned()));
    }
    blocks
}

/// The lines of the terminal.
pub(super) fn terminal(nets: &[Net<'_>], threads: usize, noise: f64) -> String {
    let advice = advice(nets, threads, noise);
    let Said { block, kernels, threads } = said(&advice, threads);
    let mut text = String::new();
    if let Some((about, block)) = block {
        text.push_str(&format!("\n{}\n{block}\n\n", wrapped(&about)));
    }
    for line in kernels.iter().chain(&threads) {
        text.push_str(&wrapped(line));
    }
    for (layer, share, own) in advice.steps.iter().take(STEPS) {
        let [what, gain, known] = step(own);
        text.push_str(&wrapped(&format!(
            "{} ({} of the time): {what}: {gain} as fast, {known}",
            layer.name,
            words::percent(*share)
        )));
    }
    let more = advice.steps.len().saturating_sub(STEPS);
    if more > 0 {
        text.push_str(&format!("{} more in the report\n", plural(more, "step")));
    }
    text
}

/// Lines of a text that fit a terminal.
pub(super) fn wrapped(text: &str) -> String {
    let mut lines = String::new();
    let mut column = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > WIDTH {
            lines.push_str("\n  ");
            column = 2;
        } else if column > 0 {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += length;
    }
    lines + "\n"
}
