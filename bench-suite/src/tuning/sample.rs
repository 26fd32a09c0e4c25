//! One layer by every candidate that the planner weighs: verified, then timed in turns.

use ndarray::Array4;
use serde::{Deserialize, Serialize};
use tapwise::cost::Features;
use tapwise::{Conv2d, Isa, Machine, Planner, Shape, Verdict};

use crate::Error;
use crate::measurement::{Contest, Entry, Pace, Run, race};
use crate::problems::{Problem, group};
use crate::statistics::spread;

/// A candidate that is predicted to take so many times as long as the best one is not measured.
pub const HOPELESS: f64 = 4.0;

/// An error beyond what is allowed by this factor is no rounding.
const SLACK: f64 = 4.0;

/// A candidate for a layer: what was predicted, and what was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The strategy.
    pub strategy: String,
    /// The kernel.
    pub kernel: String,
    /// What it does, counted; not written to files.
    #[serde(skip)]
    pub features: Features,
    /// Predicted seconds.
    pub predicted: f64,
    /// What was measured; nothing where it was not.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub timing: Option<Timing>,
    /// Whether the planner chooses it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub chosen: bool,
    /// Whether it is less exact than the planner's tolerance wants.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inexact: bool,
}

/// What a candidate took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// The least of the measured seconds.
    pub measured: f64,
    /// The largest error against f64, over the root mean square of the output; 0 where older reports do not say it.
    #[serde(default)]
    pub error: f64,
}

impl Candidate {
    /// The least of the measured seconds; none where it was not measured.
    #[must_use]
    pub fn measured(&self) -> Option<f64> {
        self.timing.map(|timing| timing.measured)
    }
}

/// A layer with all its candidates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The descriptor.
    pub shape: String,
    /// Threads.
    pub threads: usize,
    /// Samples taken of the candidate that has the fewest.
    #[serde(default)]
    pub rounds: usize,
    /// The part between the quartiles of the samples over their median: of the candidate where it is the largest.
    #[serde(default)]
    pub spread: f64,
    /// The candidates as the planner orders them; those that cannot run are left out.
    pub candidates: Vec<Candidate>,
}

impl Sample {
    /// The candidate of the planner's choice.
    #[must_use]
    pub fn chosen(&self) -> Option<&Candidate> {
        self.candidates.iter().find(|candidate| candidate.chosen)
    }

    /// The fastest that was measured and is exact enough.
    #[must_use]
    pub fn best(&self) -> Option<&Candidate> {
        let measured =
            self.candidates.iter().filter(|candidate| !candidate.inexact && candidate.timing.is_some());
        measured.min_by(|a, b| a.measured().unwrap_or(f64::NAN).total_cmp(&b.measured().unwrap_or(f64::NAN)))
    }
}

/// Measures a shape on the calling thread's pool by every candidate of `planner`; choices are the
/// planner's. A candidate that is predicted to take `hopeless` times as long as the best is left out.
///
/// # Errors
/// What the library refuses, and [`Error::Wrong`] for a candidate whose answer is.
pub fn measure(
    shape: Shape,
    planner: &Planner,
    isa: Isa,
    pace: Pace,
    hopeless: f64,
) -> Result<Sample, Error> {
    let machine = Machine::detect(isa);
    let plan = planner.choose(&shape.spec, shape.input, &machine)?;
    let mut contest = Contest::new(Problem { shape, group: group::REGRET });
    let least =
        plan.candidates.iter().filter_map(|candidate| candidate.seconds).fold(f64::INFINITY, f64::min);
    let mut candidates = Vec::new();
    let mut ready = Vec::new();
    for candidate in &plan.candidates {
        let Some(predicted) = candidate.seconds else { continue };
        let mut inexact = candidate.error > f64::from(planner.tolerance);
        if predicted <= hopeless * least {
            let filter = contest.filter.view();
            let builder = Conv2d::builder(filter).spec(&shape.spec).strategy(candidate.strategy).isa(isa);
            let builder = match (candidate.family, candidate.tile) {
                (Some(family), _) => builder.family(family),
                (_, Some(tile)) => builder.tile(tile),
                _ => builder,
            };
            let layer = builder.build()?;
            match contest.verify(&layer, candidate.strategy) {
                Ok(verified) => ready.push((candidates.len(), layer, verified)),
                // A candidate that errs a little more than was predicted is not timed; one that is
                // wrong ends the job.
                Err(Error::Wrong { error, limit, .. }) if error < SLACK * limit => inexact = true,
                Err(error) => return Err(error),
            }
        }
        candidates.push(Candidate {
            strategy: candidate.strategy.to_string(),
            kernel: candidate.kernel.clone(),
            features: candidate.features,
            predicted,
            timing: None,
            chosen: candidate.verdict == Verdict::Chosen,
            inexact,
        });
    }
    let [height, width] = shape.output()?;
    let label = contest.label("")?;
    let pictures = contest.pictures.view();
    let mut order = Vec::new();
    let entries: Vec<Entry<'_>> = ready
        .into_iter()
        .map(|(index, layer, verified)| {
            order.push(index);
            let mut output = Array4::<f32>::zeros((1, height, width, shape.spec.c_out));
            let run = move || {
                layer.forward_into(
                    pictures.index_axis(ndarray::Axis(0), 0),
                    output.index_axis_mut(ndarray::Axis(0), 0),
                )
            };
            Entry {
                strategy: candidates[index].strategy.clone(),
                kernel: candidates[index].kernel.clone(),
                isa,
                max_error: verified.error,
                checked: verified.checked,
                run: Run::Here(Box::new(run)),
            }
        })
        .collect();
    let records = race(&label, entries, pace)?;
    for (index, record) in order.into_iter().zip(&records) {
        candidates[index].timing = Some(Timing { measured: record.min_s, error: record.max_error });
    }
    let spreads =
        records.iter().filter(|record| record.rounds.len() > 1).map(|record| spread(&record.rounds));
    Ok(Sample {
        shape: shape.to_string(),
        threads: machine.threads,
        rounds: records.iter().map(|record| record.samples).min().unwrap_or(0),
        spread: spreads.fold(0.0, f64::max),
        candidates,
    })
}
