//! `tapwise tune`: measures the machine and many layers by every candidate, fits the planner's costs,
//! and writes them to a file.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use tapwise::cost::{Costs, Features, Term};
use tapwise::tuning::{Host, Model, TUNING_VARIABLE, Tuning};
use tapwise::{Isa, Maker, Planner, Shape};

use super::fit::{errors, fit};
use super::regret::{pace, summary};
use super::sample::{HOPELESS, Sample, measure};
use super::shapes::{more, split};
use crate::Error;
use crate::machine::{Machine, pool};
use crate::problems::Effort;
use crate::progress::Progress;

/// What the user asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// How deep to go.
    pub effort: Effort,
    /// Threads beyond one.
    pub threads: Option<usize>,
    /// The file.
    pub out: PathBuf,
    /// A file for everything that was measured, as JSON.
    pub samples: Option<PathBuf>,
    /// Such a file of before, on this machine: nothing is measured, costs are fitted to it.
    pub from: Option<PathBuf>,
}

/// Candidates that are predicted to take so many times as long as the best one are not measured: more
/// than [`HOPELESS`], since predictions are what is to be mended.
const FAR: f64 = 2.0 * HOPELESS;

/// Measures, fits, writes the file, and says what came of it.
///
/// # Errors
/// As [`measure`], and [`Error::Write`].
pub fn run(request: &Request) -> Result<String, Error> {
    let start = Instant::now();
    let isa = Isa::selected()?;
    let mut machine = Machine::here(isa, request.effort.name(), "tapwise tune");
    let threads = request.threads.unwrap_or(machine.cores);
    if request.from.is_none() {
        let one = pool(1)?;
        let progress = Progress::new("the machine", 1);
        one.install(|| machine.measure(isa));
        drop((progress, one));
    }

    let planner = Planner::default();
    let (samples, judged) = match &request.from {
        Some(path) => read(path, &planner, isa)?,
        None => measured(request.effort, threads, &planner, isa)?,
    };
    let rows = rows(&samples);
    let shipped = Costs::shipped(isa, Maker::here());
    let costs = fit(&rows, &shipped);
    let notes = notes(&machine, isa, &samples, start.elapsed().as_secs_f64());
    let tuning = Tuning { host: Host::here(isa), costs, notes };
    write(&request.out, &tuning.to_string())?;
    if let Some(path) = &request.samples {
        let all: Vec<&Sample> = samples.iter().chain(&judged).collect();
        write(path, &crate::records::to_json(&all, "samples")?)?;
    }
    let mut said = format!(
        "{} candidates of {} layers measured, {isa}, one thread and {threads}\n\n",
        rows.len(),
        samples.len()
    );
    said += &format!("{:<20}{:>12}{:>12}  {}\n", "nanoseconds for one", "shipped", "tuned", "of");
    for term in Term::ALL {
        let [old, new] = [shipped.get(term), costs.get(term)].map(figure);
        said += &format!("{:<20}{old:>12}{new:>12}  {}\n", term.key(), term.unit());
    }
    let [before, after] = [errors(&rows, &shipped), errors(&rows, &costs)];
    said += &format!(
        "\nprediction off by {} in the middle, {} at nine in ten (shipped: {} and {})\n",
        percent(after[0]),
        percent(after[1]),
        percent(before[0]),
        percent(before[1])
    );
    said += &judgement(&judged, &costs, threads, isa)?;
    let out = request.out.display();
    said += &format!(
        "\ntuning: {out}\nuse it: {TUNING_VARIABLE}={out}, tapwise::tuning::load, tapwise::embed_tuning!\n"
    );
    Ok(said)
}

/// How much the choices lose on layers held apart, by the costs that ship and by those that were fitted.
fn judgement(judged: &[Sample], costs: &Costs, threads: usize, isa: Isa) -> Result<String, Error> {
    let mut said = String::new();
    let chosen = Planner { model: Model::tuned(isa, *costs, "tuned"), ..Planner::default() };
    let counts = if threads > 1 { vec![1, threads] } else { vec![1] };
    for threads in counts {
        let Some(before) = summary(judged, threads) else { continue };
        let again =
            judged.iter().map(|sample| chosen_again(sample, &chosen, isa)).collect::<Result<Vec<_>, _>>()?;
        let Some(after) = summary(&again, threads) else { continue };
        let plural = if threads == 1 { "" } else { "s" };
        said += &format!(
            "regret on {} layers held apart, {threads} thread{plural}: {:.3} in the mean, {:.2} at worst (shipped: {:.3} and \
             {:.2})\n",
            after.count, after.mean, after.worst, before.mean, before.worst
        );
    }
    Ok(said)
}

/// Layers to fit costs to and layers to judge by, measured on one thread and on several.
fn measured(
    effort: Effort,
    threads: usize,
    planner: &Planner,
    isa: Isa,
) -> Result<(Vec<Sample>, Vec<Sample>), Error> {
    let halves = split()?;
    let some =
        |shapes: &[Shape], every: usize| -> Vec<Shape> { shapes.iter().copied().step_by(every).collect() };
    let (every, apart) = match effort {
        Effort::Quick => (3, Vec::new()),
        Effort::Full => (1, halves.judged),
    };
    let mut fitted = some(&halves.fitted, every);
    fitted.extend(some(&more()?, every));
    let mut samples = take("layers to fit", &fitted, 1, planner, isa, effort)?;
    let mut judged = take("layers to judge by", &apart, 1, planner, isa, effort)?;
    if threads > 1 {
        // Several threads have but a few coefficients of their own.
        samples.extend(take("layers to fit", &some(&fitted, 2), threads, planner, isa, effort)?);
        judged.extend(take("layers to judge by", &apart, threads, planner, isa, effort)?);
    }
    Ok((samples, judged))
}

/// What was measured before, with the features of today.
fn read(path: &Path, planner: &Planner, isa: Isa) -> Result<(Vec<Sample>, Vec<Sample>), Error> {
    let samples: Vec<Sample> = crate::records::read_json(path, "samples")?;
    let judged: Vec<String> = split()?.judged.iter().map(ToString::to_string).collect();
    let again =
        samples.iter().map(|sample| chosen_again(sample, planner, isa)).collect::<Result<Vec<_>, _>>()?;
    Ok(again.into_iter().partition(|sample| !judged.contains(&sample.shape)))
}

/// Measures shapes on a number of threads.
fn take(
    job: &str,
    shapes: &[Shape],
    threads: usize,
    planner: &Planner,
    isa: Isa,
    effort: Effort,
) -> Result<Vec<Sample>, Error> {
    if shapes.is_empty() {
        return Ok(Vec::new());
    }
    let plural = if threads == 1 { "" } else { "s" };
    let progress = Progress::new(&format!("{job}, {threads} thread{plural}"), shapes.len());
    let pool = pool(threads)?;
    let mut samples = Vec::new();
    for &shape in shapes {
        progress.say(&shape.to_string());
        samples.push(pool.install(|| measure(shape, planner, isa, pace(effort), FAR))?);
        progress.step();
    }
    Ok(samples)
}

/// Features and seconds of everything that was measured.
#[must_use]
pub fn rows(samples: &[Sample]) -> Vec<(Features, f64)> {
    let candidates = samples.iter().flat_map(|sample| &sample.candidates);
    candidates.filter_map(|candidate| Some((candidate.features, candidate.measured()?))).collect()
}

/// A sample with the features and the choice of another planner.
///
/// # Errors
/// As [`Planner::choose`].
pub fn chosen_again(sample: &Sample, planner: &Planner, isa: Isa) -> Result<Sample, Error> {
    let shape: Shape = sample.shape.parse()?;
    let machine = tapwise::Machine { threads: sample.threads, ..tapwise::Machine::detect(isa) };
    let plan = planner.choose(&shape.spec, shape.input, &machine)?;
    let mut again = sample.clone();
    for candidate in &mut again.candidates {
        let own = plan
            .candidates
            .iter()
            .find(|own| own.strategy.name() == candidate.strategy && own.kernel == candidate.kernel);
        let Some(own) = own else { continue };
        candidate.features = own.features;
        candidate.predicted = own.seconds.unwrap_or(f64::INFINITY);
        candidate.chosen = own.verdict == tapwise::Verdict::Chosen;
    }
    Ok(again)
}

/// What a person wants to know of the measurement.
fn notes(machine: &Machine, isa: Isa, samples: &[Sample], seconds: f64) -> Vec<String> {
    let mut notes = vec![format!(
        "{}, {} effort: {} layers by every candidate, {seconds:.0} s",
        machine.date,
        machine.effort,
        samples.len()
    )];
    if let Some(set) = machine.set(isa.name()) {
        notes.push(format!("{} GFLOP/s of multiply-adds on one core", figure(set.fma_gflops)));
        for stream in &set.streams {
            notes.push(format!(
                "{}: {} GB/s read, {} GB/s copied",
                stream.level,
                figure(stream.read),
                figure(stream.copy)
            ));
        }
    }
    notes
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(|source| Error::Write { path: path.to_owned(), source })
}

/// Three figures that count.
fn figure(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let digits = (2 - value.abs().log10().floor() as i32).clamp(0, 9) as usize;
    format!("{value:.digits$}")
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}
