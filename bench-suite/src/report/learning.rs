//! The section on what a convolution assumes: what was learnt, in curves and a table.

use plotters::style::RGBColor;

use super::document::{Block, Cell, Gallery, Section, cell, table};
use super::evidence::Evidence;
use super::plot::{Axis, Band, Drawn, Marker, Plot, Series, Spot, colour};
use crate::Error;
use crate::learning::experiment::{BATCH, EPOCHS, Run, Study, seeds};
use crate::learning::scenes::{PATTERN, SCENE};
use crate::learning::tasks::{EXAMPLES, HELD_OUT, Learner, RATES, Task};
use crate::problems::Effort;

/// The section; none of a report without runs.
pub(super) fn section(study: &Study) -> Result<Option<Section>, Error> {
    if study.runs.is_empty() {
        return Ok(None);
    }
    let seeds = chosen(study, Task::Presence, Learner::Dense).len();
    let mut blocks = vec![Block::Text(format!(
        "A convolution is a dense layer with two assumptions: what matters is near, and it matters alike wherever it \
         is. Where that is so, it needs fewer parameters and what it learns holds elsewhere; where it is not, it cannot \
         even fit what it is shown. Both sides were put to the test on scenes of {} × {} pixels, cut from a photograph: training \
         scenes from its upper three fifths, held-out scenes from the rest. Each has a striped pattern of \
         {PATTERN} × {PATTERN} pixels, lighter or darker and with noise, or a decoy: the pixels of such a pattern in \
         another order.",
        SCENE[0], SCENE[1]
    )
    .replace(" × ", "\u{a0}×\u{a0}"))];
    blocks.push(Block::Pictures(Gallery {
        pictures: study.shown.pictures.clone(),
        overview: study.shown.overview.clone(),
    }));
    blocks.push(Block::Text(
        "Where the answer is one for the whole scene, the convolution ends in global pooling:".to_owned(),
    ));
    blocks.push(Block::equations(&["(11)  g[d] = max_(i,j) H[i,j,d]"]));
    blocks.push(Block::Text(format!(
        "{EXAMPLES} training scenes, {HELD_OUT} in each held-out set, {EPOCHS} epochs in batches of {BATCH} by Adam, \
         seeds 1 to {seeds}: a seed draws the scenes, the first weights and the order. Lines and \
         numbers are medians over the seeds; bands and brackets reach from the least to the most. Each network has the rate, of {}, that fitted it best on \
         five other seeds (`cargo run --release --example learn -- presence dense rates`, and so on).",
        RATES.map(|rate| rate.to_string()).join(", ")
    )));
    blocks.push(summary(study));
    for task in Task::ALL {
        blocks.push(Block::Text(story(task)));
        let mut plots = Vec::new();
        for learner in Learner::ALL {
            plots.extend(curves(study, task, learner)?);
        }
        blocks.push(Block::Plots(plots));
    }
    blocks.extend(rates(study));
    Ok(Some(Section { id: "learning", title: "What a convolution assumes", blocks }))
}

/// What a task is, and why it turns out as it does.
fn story(task: Task) -> String {
    match task {
        Task::Presence => "Is the pattern there, or a decoy? Learnt in the left half alone. The convolution looks for it \
                           everywhere with the same filters and takes the maximum (11), so that what it learnt on the left \
                           holds on the right. The dense network has other weights for every pixel: it fits the \
                           training scenes, and those on the right had no part in it. There it guesses."
            .to_owned(),
        Task::Place => "Where is it? Equation (1) against equation (8), nothing else: one linear layer to a heat map, and \
                        the hottest pixel has to be the place itself. The dense layer has a filter of its own for each \
                        place, and learns it from the few training scenes with the pattern there; to the right it has \
                        learnt that there is nothing."
            .to_owned(),
        Task::Side => format!(
            "The opposite: which half is it in? Scenes come in pairs that differ in nothing else. The networks are those \
             of the first task, and so is the effort. A maximum over all places says that something is there, not \
             where, and the filters see a whole pattern alike in both halves. What little the convolution fits is the \
             accident of which background the pattern covers and borders on: with more epochs it learns more of its \
             training scenes by heart, and still guesses on others (`cargo run --release --example learn -- side \
             convolution 100`). The place is lost in the maximum, not in the filters: the heat map of the second task \
             keeps it. Filters are applied without padding and patterns stand {} columns from the edge, since a border \
             tells a convolution where it is.",
            PATTERN - 1
        ),
    }
}

/// The runs with the rate that was chosen.
fn chosen(study: &Study, task: Task, learner: Learner) -> Vec<&Run> {
    let own = |run: &&Run| run.task == task && run.learner == learner && run.rate == learner.rate(task);
    study.runs.iter().filter(own).collect()
}

/// Least, median and most.
fn spread(values: impl Iterator<Item = f64>) -> Option<[f64; 3]> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let (least, most) = (*values.first()?, *values.last()?);
    Some([least, crate::statistics::median(&mut values), most])
}

/// A share with its spread in percent: `94.5 (88.0–98.0)`.
fn percent(values: impl Iterator<Item = f64>) -> String {
    spread(values).map_or("–".to_owned(), |values| {
        let [least, median, most] = values.map(|value| format!("{:.1}", 100.0 * value));
        if least == most { median } else { format!("{median} ({least}–{most})") }
    })
}

fn thousands(value: usize) -> String {
    let digits = value.to_string();
    let groups: Vec<&[u8]> = digits.as_bytes().rchunks(3).rev().collect();
    groups.iter().map(|group| String::from_utf8_lossy(group)).collect::<Vec<_>>().join(",")
}

fn name(task: Task, learner: Learner) -> String {
    format!("{} {}: {}", task.question(), learner.name(), learner.described(task))
}

fn summary(study: &Study) -> Block {
    let mut rows = Vec::new();
    for task in Task::ALL {
        for learner in Learner::ALL {
            let runs = chosen(study, task, learner);
            let Some(first) = runs.first() else { continue };
            let right = |set: usize| cell(percent(runs.iter().filter_map(|run| run.last(set))));
            rows.push(vec![
                cell(format!("{} {}", task.question(), learner.name())),
                right(0),
                right(1),
                right(2),
                cell(thousands(first.parameters)),
                cell(learner.described(task)),
            ]);
        }
    }
    table(&["right answers, %", "training", "held out", "held out, right", "parameters", "network"], rows)
}

/// Right answers of one network over the epochs.
fn curves(study: &Study, task: Task, learner: Learner) -> Result<Option<(Drawn, String)>, Error> {
    let runs = chosen(study, task, learner);
    let Some(first) = runs.first() else { return Ok(None) };
    let looks: [(RGBColor, Marker, bool); 3] = [
        (colour::BLUE, Marker::Circle, false),
        (colour::GREEN, Marker::None, false),
        (colour::VERMILLION, Marker::None, true),
    ];
    let (mut series, mut bands) = (Vec::new(), Vec::new());
    let guess = 100.0 * task.chance();
    let last = EPOCHS as f64;
    if guess > 1.0 {
        series.push(Series {
            label: "guessing".to_owned(),
            colour: colour::GREY,
            marker: Marker::None,
            dashed: true,
            points: vec![(0.0, guess).into(), (last, guess).into()],
        });
    }
    for (set, (label, (colour, marker, dashed))) in task.sets().iter().zip(looks).enumerate() {
        let values: Vec<Vec<f64>> = runs.iter().map(|run| run.shares(set).collect()).collect();
        let mut points = Vec::new();
        let mut band = Vec::new();
        for epoch in 0..first.loss.len() {
            let here = values.iter().filter_map(|run| run.get(epoch).map(|share| 100.0 * share));
            if let Some([least, median, most]) = spread(here) {
                points.push(Spot::from((epoch as f64, median)));
                band.push((epoch as f64, least, most));
            }
        }
        series.push(Series { label: (*label).to_owned(), colour, marker, dashed, points });
        bands.push(Band { colour, points: band });
    }
    let ticks =
        |step: usize, end: usize| (0..=end).step_by(step).map(|at| (at as f64, at.to_string())).collect();
    let plot = Plot {
        name: file(task, learner),
        alternative: format!("Right answers over epochs: {}", name(task, learner)),
        x: Axis {
            title: "epochs (times that each scene was seen)".to_owned(),
            range: (-0.3, last + 0.3),
            logarithmic: false,
            ticks: ticks(5, EPOCHS),
        },
        y: Axis {
            title: "right answers (%)".to_owned(),
            range: (-3.0, 104.0),
            logarithmic: false,
            ticks: ticks(20, 100),
        },
        series,
        marks: Vec::new(),
        evidence: Evidence::said(
            format!("Medians over {} seeds; bands from the least to the most", runs.len()),
            "learning",
        ),
    };
    let caption = format!("{}; {} parameters.", name(task, learner), thousands(first.parameters));
    Ok(Some((plot.draw_over(&bands)?, caption)))
}

/// The name of a plot's file.
fn file(task: Task, learner: Learner) -> &'static str {
    match (task, learner) {
        (Task::Presence, Learner::Dense) => "learning-presence-dense",
        (Task::Presence, Learner::Convolution) => "learning-presence-convolution",
        (Task::Place, Learner::Dense) => "learning-place-dense",
        (Task::Place, Learner::Convolution) => "learning-place-convolution",
        (Task::Side, Learner::Dense) => "learning-side-dense",
        (Task::Side, Learner::Convolution) => "learning-side-convolution",
    }
}

/// What the other rates come to, where they were run.
fn rates(study: &Study) -> Vec<Block> {
    let [_, few] = seeds(Effort::Full);
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    let mut others = false;
    for task in Task::ALL {
        for learner in Learner::ALL {
            for rate in RATES {
                let own = |run: &&Run| {
                    run.task == task && run.learner == learner && run.rate == rate && run.seed <= few
                };
                let runs: Vec<&Run> = study.runs.iter().filter(own).collect();
                if runs.is_empty() {
                    continue;
                }
                let mark = if rate == learner.rate(task) { " (chosen)" } else { "" };
                others |= mark.is_empty();
                let loss = spread(runs.iter().filter_map(|run| run.loss.last().copied()));
                rows.push(vec![
                    cell(format!("{} {}, rate {rate}{mark}", task.question(), learner.name())),
                    cell(loss.map_or("–".to_owned(), |[_, median, _]| format!("{median:.4}"))),
                    cell(percent(runs.iter().filter_map(|run| run.last(0)))),
                    cell(percent(runs.iter().filter_map(|run| run.last(1)))),
                    cell(percent(runs.iter().filter_map(|run| run.last(2)))),
                ]);
            }
        }
    }
    if !others {
        return Vec::new();
    }
    vec![
        Block::Text(format!("The same by every rate that was tried, on seeds 1 to {few}.")),
        table(&["rate", "training loss", "training, %", "held out, %", "held out, right, %"], rows),
    ]
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn run(task: Task, learner: Learner, seed: u64, right: usize) -> Run {
        Run {
            task,
            learner,
            parameters: 1_142_876,
            rate: learner.rate(task),
            seed,
            scenes: vec![400; task.sets().len()],
            loss: vec![0.7, 0.1],
            right: vec![vec![200, right]; task.sets().len()],
        }
    }

    /// Three runs of every network on every task.
    pub(in super::super) fn study() -> Study {
        let mut study = Study::default();
        for (seed, right) in [(1, 300), (2, 400), (3, 320)] {
            for task in Task::ALL {
                study.runs.extend(Learner::ALL.map(|learner| run(task, learner, seed, right)));
            }
        }
        study
    }

    fn texts(section: &Section) -> String {
        let mut text = String::new();
        for block in &section.blocks {
            match block {
                Block::Text(paragraph) => text.push_str(paragraph),
                Block::Table(table) => {
                    table.rows.iter().flatten().for_each(|cell| text.push_str(&format!("[{}]", cell.text)));
                }
                _ => {}
            }
        }
        text
    }

    #[test]
    fn the_section_tells_medians_and_spread_of_every_network() {
        let section = section(&study()).unwrap().unwrap();
        let text = texts(&section);
        assert!(
            text.contains("[80.0 (75.0–100.0)][80.0 (75.0–100.0)][80.0 (75.0–100.0)][1,142,876]"),
            "{text}"
        );
        assert!(text.contains("seeds 1 to 3"));
        let plots = section.blocks.iter().map(|block| match block {
            Block::Plots(plots) => plots.len(),
            _ => 0,
        });
        assert_eq!(plots.sum::<usize>(), 6);
        assert!(!text.contains("(chosen)"));
    }

    #[test]
    fn rates_are_told_where_several_were_run() {
        let mut study = study();
        study.runs.push(Run { rate: 0.01, ..run(Task::Side, Learner::Dense, 1, 220) });
        let text = texts(&section(&study).unwrap().unwrap());
        assert!(text.contains("[Which half is it in? dense, rate 0.01][0.1000][55.0]"), "{text}");
        assert!(text.contains("rate 0.001 (chosen)"));
    }

    #[test]
    fn without_runs_there_is_no_section() {
        assert!(section(&Study::default()).unwrap().is_none());
    }
}
