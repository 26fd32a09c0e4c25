//! Regret: how much longer the planner's choice takes than the best candidate that was measured.

use serde::{Deserialize, Serialize};
use tapwise::tuning::Model;
use tapwise::{Isa, Maker, Planner, Shape};

use super::sample::{HOPELESS, Sample, measure as measure_sample};
use super::shapes::{MAP_CHANNELS, MAP_DELTAS, Split, cell, split};
use crate::Error;
use crate::journal::Journal;
use crate::machine::pool;
use crate::measurement::Pace;
use crate::problems::Effort;
use crate::progress::Progress;
use crate::statistics::geometric_mean;

/// A choice that loses less than this share is as good as the best: measurements differ by as much.
pub const ALIKE: f64 = 0.03;

/// Multiply-adds beyond which a cell of the map is left empty in a quick report.
const QUICK_CELL: u128 = 150_000_000;

/// A cell of the map of choices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// Δ: the filter has 2·Δ + 1 rows and columns.
    pub delta: usize,
    /// Channels in and out.
    pub channels: usize,
    /// What was measured.
    pub sample: Sample,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Findings {
    /// Layers that were held apart when costs were fitted, on one thread and on several.
    pub samples: Vec<Sample>,
    /// Layers held apart, measured or not.
    pub apart: usize,
    /// Layers of more than [`super::shapes::MOST`] multiply-adds.
    pub left_out: usize,
    /// Square filters over channels, on one thread.
    pub map: Vec<Cell>,
    /// Where the costs come from, in words.
    pub costs: String,
}

/// How well choices were made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Layers.
    pub count: usize,
    /// The geometric mean of the time of the choice over the time of the best.
    pub mean: f64,
    /// The worst.
    pub worst: f64,
    /// Layers whose choice is the best, or as good by [`ALIKE`].
    pub alike: usize,
}

/// The time of the planner's choice over the time of the best candidate.
#[must_use]
pub fn regret(sample: &Sample) -> Option<f64> {
    Some(sample.chosen()?.measured()? / sample.best()?.measured()?)
}

/// The regrets of samples on so many threads, taken together; none where there is none.
#[must_use]
pub fn summary(samples: &[Sample], threads: usize) -> Option<Summary> {
    let own = samples.iter().filter(|sample| sample.threads == threads);
    let regrets: Vec<f64> = own.filter_map(regret).collect();
    Some(Summary {
        count: regrets.len(),
        mean: geometric_mean(regrets.iter().copied())?,
        worst: regrets.iter().copied().fold(1.0, f64::max),
        alike: regrets.iter().filter(|regret| **regret <= 1.0 + ALIKE).count(),
    })
}

/// How long to look at a candidate.
#[must_use]
pub fn pace(effort: Effort) -> Pace {
    match effort {
        Effort::Quick => Pace { rounds: 5, sample: 3e-4, budget: 0.02 },
        Effort::Full => Pace { rounds: 15, sample: 8e-4, budget: 0.25 },
    }
}

/// Measures the layers that were held apart on one thread and on `threads`, and the map on one. A quick
/// report takes some of them.
///
/// # Errors
/// As [`measure_sample`].
pub fn measure(effort: Effort, isa: Isa, threads: usize, journal: &Journal) -> Result<Findings, Error> {
    let Split { judged, left_out, .. } = split()?;
    let planner = Planner { model: Model::current(), ..Planner::default() };
    let apart = judged.len();
    let (some, cells) = match effort {
        Effort::Quick => (60, QUICK_CELL),
        Effort::Full => (judged.len(), super::shapes::MOST),
    };
    let mut findings = Findings { apart, left_out, ..Findings::default() };
    findings.costs = match planner.model.costs(isa, Maker::here()).1 {
        tapwise::tuning::Origin::Tuned { file } => format!("the tuning {file}"),
        _ => "the coefficients that ship".to_owned(),
    };
    let few = |count: usize| judged.iter().take(count).copied().collect::<Vec<Shape>>();
    let mut rounds = vec![(1, few(some))];
    if threads > 1 {
        let on_several = match effort {
            Effort::Quick => some / 2,
            Effort::Full => some,
        };
        rounds.push((threads, few(on_several)));
    }
    // What was neither measured nor chosen says nothing of a choice.
    let weighed = |mut sample: Sample| {
        sample.candidates.retain(|candidate| candidate.timing.is_some() || candidate.chosen);
        sample
    };
    for (threads, shapes) in rounds {
        let plural = if threads == 1 { "" } else { "s" };
        let progress = Progress::new(&format!("choices on {threads} thread{plural}"), shapes.len());
        let pool = pool(threads)?;
        for shape in shapes {
            progress.say(&shape.to_string());
            let sample = journal.once(&format!("regret {shape}, {threads} threads"), || {
                pool.install(|| measure_sample(shape, &planner, isa, pace(effort), HOPELESS))
            })?;
            findings.samples.push(weighed(sample));
            progress.step();
        }
    }
    let cells: Vec<(usize, usize, Shape)> = MAP_DELTAS
        .into_iter()
        .flat_map(|delta| MAP_CHANNELS.map(|channels| (delta, channels, cell(delta, channels))))
        .filter(|(_, _, shape)| shape.macs().is_ok_and(|macs| macs <= cells))
        .collect();
    let progress = Progress::new("the map of choices", cells.len());
    let pool = pool(1)?;
    for (delta, channels, shape) in cells {
        progress.say(&shape.to_string());
        let sample = journal.once(&format!("dispatch {shape}"), || {
            pool.install(|| measure_sample(shape, &planner, isa, pace(effort), HOPELESS))
        })?;
        findings.map.push(Cell { delta, channels, sample: weighed(sample) });
        progress.step();
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tuning::sample::{Candidate, Timing};

    fn sample(threads: usize, times: &[(f64, bool)]) -> Sample {
        let candidates = times.iter().map(|&(seconds, chosen)| Candidate {
            strategy: "direct".to_owned(),
            kernel: "k".to_owned(),
            features: tapwise::cost::Features::default(),
            predicted: 1.0,
            timing: Some(Timing { measured: seconds, error: 1e-7 }),
            chosen,
            inexact: false,
        });
        let candidates = candidates.collect();
        Sample { shape: "h8w8 c1x1 k3x3".to_owned(), threads, rounds: 5, spread: 0.1, candidates }
    }

    #[test]
    fn regret_is_the_time_of_the_choice_over_the_best() {
        let good = sample(1, &[(2.0, true), (3.0, false)]);
        let bad = sample(1, &[(4.0, true), (1.0, false)]);
        assert_eq!([regret(&good), regret(&bad)], [Some(1.0), Some(4.0)]);
        let summary = summary(&[good, bad, sample(2, &[(9.0, true), (1.0, false)])], 1).unwrap();
        assert_eq!((summary.count, summary.alike), (2, 1));
        assert!((summary.mean - 2.0).abs() < 1e-12 && (summary.worst - 4.0).abs() < 1e-12);
    }

    #[test]
    fn what_may_not_be_chosen_is_no_regret() {
        let mut sample = sample(1, &[(2.0, true), (1.0, false)]);
        sample.candidates[1].inexact = true;
        assert_eq!(regret(&sample), Some(1.0));
        sample.candidates[0].timing = None;
        assert_eq!(regret(&sample), None);
        assert_eq!(summary(&[sample], 1), None);
    }

    #[test]
    fn one_layer_is_measured_by_every_candidate() {
        let planner = Planner::default();
        let isa = Isa::selected().unwrap();
        let shape: Shape = "h9w10 c3x8 k3x3".parse().unwrap();
        let pace = Pace { rounds: 1, sample: 1e-6, budget: 1e-3 };
        let run = || measure_sample(shape, &planner, isa, pace, f64::INFINITY).unwrap();
        let sample = pool(1).unwrap().install(run);
        assert!(sample.candidates.len() >= 3 && sample.candidates.iter().all(|own| own.timing.is_some()));
        assert_eq!(sample.rounds, 1);
        // What is not there is not written, and read as it was.
        let mut written = sample.clone();
        written.candidates.iter_mut().for_each(|candidate| candidate.features = Default::default());
        written.candidates[0].timing = None;
        let text = serde_json::to_string(&written).unwrap();
        assert_eq!(text.matches("measured").count(), written.candidates.len() - 1);
        assert_eq!(serde_json::from_str::<Sample>(&text).unwrap(), written);
        assert!(regret(&sample).unwrap() >= 1.0);
    }
}
