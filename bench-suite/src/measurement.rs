//! How a problem is measured: verified first, then timed in rounds in which the contenders take
//! turns, with the peak of the machine measured in every round beside them.

use std::time::Instant;

use ndarray::{Array3, Array4, ArrayView3, ArrayView4, Axis};
use serde::{Deserialize, Serialize};
use tapwise::{Conv2d, Isa, Shape, Strategy, zeros_on_a_line};

use crate::Error;
use crate::contenders::Contender;
use crate::machine::fma_peak;
use crate::peers::Failure;
use crate::problems::{Effort, Problem};
use crate::records::Record;
use crate::reference::{Noise, Reference};
use crate::statistics::{KEPT, median, thinned};

/// The largest error, over the root mean square of the output, of an answer that is timed.
pub const LIMIT: f64 = 5e-5;

/// How long to look at one problem.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Rounds, each one sample of every contender.
    pub rounds: usize,
    /// Seconds that a sample lasts at least: fast contenders run several times. Short, so that
    /// most samples are over before the system gives the core to somebody else.
    pub sample: f64,
    /// Seconds that one contender may take in all; beyond it, it sits out the remaining rounds.
    pub budget: f64,
}

impl Pace {
    /// For one of the many points of a plot.
    #[must_use]
    pub fn of(effort: Effort) -> Self {
        match effort {
            Effort::Quick => Pace { rounds: 25, sample: 1.5e-3, budget: 0.15 },
            Effort::Full => Pace { rounds: 151, sample: 3e-3, budget: 3.0 },
        }
    }

    /// For a figure that stands for itself.
    #[must_use]
    pub fn careful(effort: Effort) -> Self {
        match effort {
            Effort::Quick => Pace { rounds: 151, sample: 1.5e-3, budget: 1.0 },
            Effort::Full => Pace { rounds: 1001, sample: 3e-3, budget: 6.0 },
        }
    }
}

/// One computation that is timed against others.
pub struct Entry<'a> {
    /// The name of its strategy in the record.
    pub strategy: String,
    /// The kernel that it runs.
    pub kernel: String,
    /// The instruction set, whose peak is measured beside it.
    pub isa: Isa,
    /// Its largest error over the root mean square of the output.
    pub max_error: f64,
    /// Which outputs were checked.
    pub checked: String,
    /// How it is run.
    pub run: Run<'a>,
}

/// How a computation is run and timed.
pub enum Run<'a> {
    /// One run on the calling thread's pool, timed from here.
    Here(Box<dyn FnMut() -> Result<(), tapwise::Error> + Send + 'a>),
    /// The same for something that is not of the library.
    Beside {
        /// The contender of its records.
        name: String,
        /// One run.
        run: Box<dyn FnMut() + Send + 'a>,
    },
    /// Another library's: it runs so many times and says how many seconds that took.
    Peer {
        /// Its name, the contender of its records.
        name: String,
        /// Seconds of so many runs.
        run: Box<dyn FnMut(usize) -> Result<f64, Failure> + Send + 'a>,
    },
}

impl Run<'_> {
    fn contender(&self) -> &str {
        match self {
            Run::Here(_) => "tapwise",
            Run::Beside { name, .. } | Run::Peer { name, .. } => name,
        }
    }
}

/// What every record of one race has in common.
#[derive(Debug, Clone)]
pub struct Label<'a> {
    /// The descriptor.
    pub shape: String,
    /// The group.
    pub group: &'a str,
    /// Multiply-adds of the direct sum.
    pub macs: u128,
    /// The command.
    pub command: &'a str,
}

/// A contender that did not take part, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Absent {
    /// The problem.
    pub shape: String,
    /// The strategy, or the name of a peer.
    pub strategy: String,
    /// Why.
    pub reason: String,
}

/// Times entries against each other on the calling thread's pool; the slowest get fewer samples. A
/// peer that fails meanwhile leaves the race without a record.
///
/// # Errors
/// What an entry's own run answers, a peer's excepted.
pub fn race(label: &Label<'_>, entries: Vec<Entry<'_>>, pace: Pace) -> Result<Vec<Record>, Error> {
    struct Lane<'a> {
        entry: Entry<'a>,
        repeats: usize,
        /// Whether it runs once before each sample, to find its data in the caches as it left it.
        warms_up: bool,
        seconds: Vec<f64>,
        spent: f64,
        failed: bool,
    }
    let threads = rayon::current_num_threads();
    let mut lanes = Vec::with_capacity(entries.len());
    let mut peaks: Vec<(Isa, Vec<f64>)> = Vec::new();
    'entries: for mut entry in entries {
        // The first run of a fast contender says little: warm up until a sample's time is over.
        // Not for long by the clock: a peer that rests between its runs would take seconds.
        let (mut warm, mut spent, start) = (0.0, 0.0, Instant::now());
        while spent == 0.0 || (spent < pace.sample && start.elapsed().as_secs_f64() < 4.0 * pace.sample) {
            let Some(seconds) = timed(&mut entry, 1)? else { continue 'entries };
            warm = seconds.max(1e-9);
            spent += warm;
        }
        if !peaks.iter().any(|(isa, _)| *isa == entry.isa) {
            peaks.push((entry.isa, Vec::new()));
        }
        let repeats = (pace.sample / warm).ceil().clamp(1.0, 1e6) as usize;
        let warms_up = warm < 4.0 * pace.sample;
        lanes.push(Lane { entry, repeats, warms_up, seconds: Vec::new(), spent: 0.0, failed: false });
    }
    for _ in 0..pace.rounds {
        for (isa, samples) in &mut peaks {
            samples.push(fma_peak(*isa));
        }
        for lane in lanes.iter_mut().filter(|lane| !lane.failed) {
            let next = lane.seconds.last().copied().unwrap_or(0.0) * lane.repeats as f64;
            if lane.spent + next > pace.budget && !lane.seconds.is_empty() {
                continue;
            }
            let warmed =
                if lane.warms_up { warm_up(&mut lane.entry, pace.sample, threads)? } else { Some(0.0) };
            match warmed.and(timed(&mut lane.entry, lane.repeats)?) {
                Some(seconds) => {
                    lane.spent += seconds;
                    lane.seconds.push(seconds / lane.repeats as f64);
                }
                None => lane.failed = true,
            }
        }
    }
    lanes.retain(|lane| !lane.failed);
    let records = lanes.into_iter().map(|mut lane| {
        let own = peaks.iter_mut().find(|(isa, _)| *isa == lane.entry.isa);
        let peak = own.map_or(f64::NAN, |(_, samples)| median(samples)) * threads as f64;
        let kept = thinned(&lane.seconds, KEPT);
        let median_s = median(&mut lane.seconds);
        let gflops = 2.0 * label.macs as f64 / median_s / 1e9;
        Record {
            shape: label.shape.clone(),
            group: label.group.to_owned(),
            contender: lane.entry.run.contender().to_owned(),
            strategy: lane.entry.strategy,
            kernel: lane.entry.kernel,
            isa: lane.entry.isa.name().to_owned(),
            threads,
            median_s,
            min_s: lane.seconds.first().copied().unwrap_or(median_s),
            samples: lane.seconds.len(),
            rounds: kept.into_iter().map(|seconds| relative(seconds, median_s)).collect(),
            gflops,
            peak_gflops: peak,
            fraction_of_peak: gflops / peak,
            max_error: lane.entry.max_error,
            checked: lane.entry.checked,
            slowed: false,
            command: label.command.to_owned(),
        }
    });
    Ok(records.collect())
}

/// A round's time over the median, to three digits behind the point.
fn relative(seconds: f64, median: f64) -> f64 {
    (seconds / median * 1e3).round() / 1e3
}

/// Runs before a sample: once, and on several threads for as long as a sample lasts, so that all of them are
/// awake with their part of the data in their caches. Another library warms up by itself there, right before
/// it is timed.
fn warm_up(entry: &mut Entry<'_>, sample: f64, threads: usize) -> Result<Option<f64>, Error> {
    let here = !matches!(entry.run, Run::Peer { .. });
    let mut seconds = timed(entry, 1)?;
    while let Some(spent) = seconds.filter(|&spent| here && threads > 1 && spent < sample) {
        seconds = timed(entry, 1)?.map(|more| spent + more);
    }
    Ok(seconds)
}

/// Seconds of `repeats` runs; none where a peer failed, which says so itself.
fn timed(entry: &mut Entry<'_>, repeats: usize) -> Result<Option<f64>, Error> {
    match &mut entry.run {
        Run::Here(run) => {
            let start = Instant::now();
            for _ in 0..repeats {
                run()?;
            }
            Ok(Some(start.elapsed().as_secs_f64()))
        }
        Run::Beside { run, .. } => {
            let start = Instant::now();
            for _ in 0..repeats {
                run();
            }
            Ok(Some(start.elapsed().as_secs_f64()))
        }
        Run::Peer { run, .. } => Ok(run(repeats).ok()),
    }
}

/// The numbers of a problem: a filter, pictures, and the answers to judge by.
pub struct Contest<'a> {
    /// The problem.
    pub problem: Problem,
    /// `[K_h, K_w, C_in / groups, C_out]`.
    pub filter: Array4<f32>,
    /// `[N, H, W, C_in]`.
    pub pictures: Array4<f32>,
    /// The answer to the first picture.
    reference: Option<Reference>,
    build: Box<BuildLayer<'a>>,
}

/// Builds the layer of a contest.
type BuildLayer<'a> =
    dyn Fn(ArrayView4<'_, f32>, Strategy, Isa) -> Result<Conv2d, tapwise::Error> + Send + Sync + 'a;

impl<'a> Contest<'a> {
    /// A problem with a filter and pictures of noise.
    #[must_use]
    pub fn new(problem: Problem) -> Self {
        let Shape { batch, input, spec } = problem.shape;
        let mut noise = Noise::new(0x7a9);
        let filter = Array4::from_shape_simple_fn(
            (spec.kernel[0], spec.kernel[1], spec.c_in_group(), spec.c_out),
            || noise.unit(),
        );
        let pictures = Array4::from_shape_simple_fn((batch, input[0], input[1], spec.c_in), || noise.unit());
        let build = move |filter: ArrayView4<'_, f32>, strategy, isa| {
            Conv2d::builder(filter).spec(&spec).strategy(strategy).isa(isa).build()
        };
        Contest { problem, filter, pictures, reference: None, build: Box::new(build) }
    }

    /// A problem with numbers of its own, whose layers are built by `build`.
    pub fn with(
        problem: Problem,
        filter: Array4<f32>,
        pictures: Array4<f32>,
        build: impl Fn(ArrayView4<'_, f32>, Strategy, Isa) -> Result<Conv2d, tapwise::Error> + Send + Sync + 'a,
    ) -> Self {
        Contest { problem, filter, pictures, reference: None, build: Box::new(build) }
    }

    /// The layer of a contender under an instruction set; the reason where it cannot take part.
    ///
    /// # Errors
    /// What the library refuses for another reason than that this strategy or set is not to be had.
    pub fn layer(&self, strategy: Strategy, isa: Isa) -> Result<Result<Conv2d, String>, Error> {
        match (self.build)(self.filter.view(), strategy, isa) {
            Ok(layer) => Ok(Ok(layer)),
            Err(tapwise::Error::Unsupported { reason, .. }) => Ok(Err(reason)),
            Err(error @ tapwise::Error::InstructionSet { .. }) => Ok(Err(error.to_string())),
            Err(error) => Err(error.into()),
        }
    }

    /// Checks a layer against f64 on the first picture.
    ///
    /// # Errors
    /// [`Error::Wrong`] for an answer that is further off than [`LIMIT`].
    pub fn verify(&mut self, layer: &Conv2d, strategy: Strategy) -> Result<Verified, Error> {
        let picture = self.pictures.index_axis(Axis(0), 0);
        let reference = match self.reference.take() {
            Some(reference) => reference,
            None => Reference::new(layer, self.filter.view(), picture)?,
        };
        let reference = self.reference.insert(reference);
        let answer = layer.forward(picture)?;
        let error = reference.error(answer.view());
        if error > LIMIT {
            return Err(Error::Wrong {
                shape: self.problem.shape.to_string(),
                strategy: strategy.to_string(),
                isa: layer.isa().to_string(),
                error,
                limit: LIMIT,
            });
        }
        Ok(Verified { error, checked: reference.checked.clone(), answer })
    }

    /// Verifies every contender, then times them against each other in the calling thread's pool.
    ///
    /// # Errors
    /// As [`Contest::layer`], [`Contest::verify`] and [`race`].
    pub fn measure(
        &mut self,
        contenders: &[Contender],
        sets: &[Isa],
        pace: Pace,
        command: &str,
    ) -> Result<(Vec<Record>, Vec<Absent>), Error> {
        let label = self.label(command)?;
        let (entries, absent) = self.entries(contenders, sets)?;
        Ok((race(&label, entries, pace)?, absent))
    }

    /// What its records have in common.
    ///
    /// # Errors
    /// As [`Shape::macs`].
    pub fn label<'c>(&self, command: &'c str) -> Result<Label<'c>, Error> {
        let Problem { shape, group } = self.problem;
        Ok(Label { shape: shape.to_string(), group, macs: shape.macs()?, command })
    }

    /// The largest error of an answer to the first picture, once a layer was verified.
    #[must_use]
    pub fn error(&self, answer: ArrayView3<'_, f32>) -> Option<Judged> {
        let reference = self.reference.as_ref()?;
        Some(Judged { error: reference.error(answer), checked: reference.checked.clone() })
    }

    /// Verifies every contender; what is left to do is to run them.
    ///
    /// # Errors
    /// As [`Contest::layer`] and [`Contest::verify`].
    pub fn entries(
        &mut self,
        contenders: &[Contender],
        sets: &[Isa],
    ) -> Result<(Vec<Entry<'_>>, Vec<Absent>), Error> {
        let shape = self.problem.shape;
        let [height, width] = shape.output()?;
        let mut absent = Vec::new();
        let mut ready = Vec::new();
        for &isa in sets {
            for contender in contenders {
                match self.layer(contender.strategy, isa)? {
                    Ok(layer) => {
                        let verified = self.verify(&layer, contender.strategy)?;
                        ready.push((contender, layer, verified));
                    }
                    Err(reason) => absent.push(Absent {
                        shape: shape.to_string(),
                        strategy: contender.strategy.to_string(),
                        reason,
                    }),
                }
            }
        }
        let pictures = self.pictures.view();
        let entries = ready.into_iter().map(|(contender, layer, verified)| {
            let plan = layer.explain(shape.input);
            let kernel = match plan.chosen() {
                Some(chosen) if contender.strategy == Strategy::Auto => {
                    format!("{}: {}", chosen.strategy, chosen.kernel)
                }
                Some(chosen) => chosen.kernel.clone(),
                None => String::new(),
            };
            // As other libraries lay the memory that they answer into.
            let mut outputs = zeros_on_a_line((shape.batch, height, width, shape.spec.c_out));
            let isa = layer.isa();
            let run = move || {
                if shape.batch == 1 {
                    layer.forward_into(pictures.index_axis(Axis(0), 0), outputs.index_axis_mut(Axis(0), 0))
                } else {
                    layer.forward_batch_into(pictures, outputs.view_mut())
                }
            };
            Entry {
                strategy: contender.strategy.to_string(),
                kernel,
                isa,
                max_error: verified.error,
                checked: verified.checked,
                run: Run::Here(Box::new(run)),
            }
        });
        Ok((entries.collect(), absent))
    }
}

/// How far an answer is off.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// Its largest error over the root mean square of the output.
    pub error: f64,
    /// Which outputs were checked.
    pub checked: String,
}

/// An answer that was checked.
#[derive(Debug, Clone)]
pub struct Verified {
    /// Its largest error over the root mean square of the output.
    pub error: f64,
    /// Which outputs were checked.
    pub checked: String,
    /// The answer.
    pub answer: Array3<f32>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contenders;
    use crate::problems::group;

    #[test]
    fn a_contest_says_who_was_absent() {
        let shape: Shape = "n2 h9w7 c5x6 k3x3".parse().unwrap();
        let mut contest = Contest::new(Problem { shape, group: group::SHAPES });
        let pace = Pace { rounds: 3, sample: 1e-5, budget: 1.0 };
        let (records, absent) = contest.measure(&contenders::ALL, &[Isa::Portable], pace, "test").unwrap();
        assert_eq!(records.len(), contenders::ALL.len() - 1);
        assert_eq!(absent.len(), 1);
        assert!(absent[0].reason.contains("specialize!"), "{}", absent[0].reason);
        for record in records {
            assert!(record.median_s > 0.0 && record.min_s <= record.median_s && record.samples == 3);
            assert!(record.rounds.len() == 3 && record.rounds.contains(&1.0), "{:?}", record.rounds);
            assert!(record.max_error < LIMIT);
        }
    }
}
