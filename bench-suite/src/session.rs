//! One run of `tapwise report`: measures everything and hands it to the report.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use tapwise::{Isa, Shape};

use crate::contenders;
use crate::error::Error;
use crate::filters::{self, gallery};
use crate::learning::experiment;
use crate::machine::{Machine, pool};
use crate::measurement::{Absent, Contest, Pace};
use crate::peers::{self as others, study::Request};
use crate::photograph::{Photograph, Pictures};
use crate::problems::{self, Effort, Problem, TARGETS, group};
use crate::progress::Progress;
use crate::records::{BuildCost, Builds, Record};
use crate::report::Findings;
use crate::tuning::regret;
use crate::{builds, dense_layer, gradients, report, tiles, waldo};

/// What the user asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// How deep to go.
    pub effort: Effort,
    /// A photograph instead of the one that ships.
    pub image: Option<PathBuf>,
    /// A file of shapes to measure as well.
    pub shapes: Option<PathBuf>,
    /// Threads of the measurements beyond one.
    pub threads: Option<usize>,
    /// Where the report goes.
    pub out: Option<PathBuf>,
    /// Other libraries to measure beside, if any.
    pub peers: Option<Request>,
    /// Whether filters that are known while compiling are measured.
    pub filters: bool,
    /// Whether the planner's choices are measured.
    pub choices: bool,
    /// Whether nothing but other libraries, filters and choices is measured, as far as they are asked for.
    pub alone: bool,
    /// The command as it was typed.
    pub command: String,
}

/// Measures, writes the report, and returns its folder with what was found.
///
/// # Errors
/// Everything that [`Error`] names; nothing is written unless every contender was right.
pub fn run(options: &Options) -> Result<(PathBuf, Findings), Error> {
    let start = Instant::now();
    let selected = Isa::selected()?;
    let mut machine = Machine::here(selected, options.effort.name(), &options.command);
    let shapes = options.shapes.as_deref().map(problems::read_shapes).transpose()?.unwrap_or_default();
    let photograph = Photograph::read(options.image.as_deref())?;
    let alone = options.alone;
    let folder = match (alone, &options.peers) {
        (true, _) if options.filters => machine.folder() + "-filters",
        (true, Some(_)) => machine.folder() + "-peers",
        (true, None) => machine.folder() + "-choices",
        _ => machine.folder(),
    };
    let out = options.out.clone().unwrap_or_else(|| Path::new("reports").join(folder));
    prepare(&out)?;

    let threads = options.threads.unwrap_or(machine.cores);
    let one = pool(1)?;
    one.install(|| measure_machine(&mut machine));
    let peers = |records: &mut Vec<Record>| -> Result<_, Error> {
        let Some(request) = &options.peers else { return Ok(None) };
        let (measured, found) = request.measure(options.effort, threads, &shapes, &options.command)?;
        records.extend(measured);
        Ok(Some(found))
    };
    let filtered = |records: &mut Vec<Record>, peers: &mut Option<_>| -> Result<_, Error> {
        if !options.filters {
            return Ok(gallery::Gallery::default());
        }
        let (effort, command) = (options.effort, &options.command);
        let python = options.peers.as_ref().map(|request| request.python.as_path());
        let mut unasked = others::Findings::default();
        let found = peers.as_mut().unwrap_or(&mut unasked);
        records.extend(filters::measure(effort, threads, python, command, found)?);
        gallery::hang(&photograph)
    };
    let choices = |records: &mut Vec<Record>| -> Result<_, Error> {
        if !options.choices {
            return Ok(None);
        }
        let (found, measured) = regret::measure(options.effort, selected, threads, &options.command)?;
        records.extend(measured);
        Ok(Some(found))
    };
    if alone {
        drop(one);
        let mut records = Vec::new();
        let mut peers = peers(&mut records)?;
        let filters = filtered(&mut records, &mut peers)?;
        let choices = choices(&mut records)?;
        machine.seconds = start.elapsed().as_secs_f64();
        let findings = Findings { records, filters, peers, choices, alone, ..Findings::of(machine) };
        report::write(&findings, &out)?;
        return Ok((out, findings));
    }
    let (mut records, pictures) =
        one.install(|| single(options, &machine, selected, &shapes, &photograph))?;
    drop(one);
    if threads > 1 {
        records.extend(pool(threads)?.install(|| targets(options, group::THREADS, threads))?);
        records.extend(pool(threads)?.install(|| measure_gradients(options, selected, threads))?);
    }
    let waldo = pool(threads)?.install(waldo::gallery::measure)?;
    let study = pool(threads)?.install(|| experiment::study(options.effort))?;
    let choices = choices(&mut records)?;
    let builds = measure_builds(options.effort);
    let mut peers = peers(&mut records)?;
    let filters = filtered(&mut records, &mut peers)?;
    machine.seconds = start.elapsed().as_secs_f64();
    let findings =
        Findings { machine, records, pictures, filters, builds, waldo, study, peers, choices, alone };
    report::write(&findings, &out)?;
    Ok((out, findings))
}

/// Makes the folder and sees that files can be written to it, before anything is measured.
fn prepare(out: &Path) -> Result<(), Error> {
    let fail = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::Write { path, source }
    };
    fs::create_dir_all(out).map_err(fail(out))?;
    let probe = out.join(".tapwise-can-write");
    fs::write(&probe, b"").map_err(fail(out))?;
    fs::remove_file(&probe).map_err(fail(&probe))
}

fn measure_machine(machine: &mut Machine) {
    let sets: Vec<Isa> = Isa::available().collect();
    let progress = Progress::new("the machine", sets.len());
    for isa in sets {
        progress.say(isa.name());
        machine.measure(isa);
        progress.step();
    }
}

/// Everything that runs on one thread.
fn single(
    options: &Options,
    machine: &Machine,
    selected: Isa,
    shapes: &[Shape],
    photograph: &Photograph,
) -> Result<(Vec<Record>, Pictures), Error> {
    let Options { effort, command, .. } = options;
    let (effort, pace) = (*effort, Pace::of(*effort));
    let mut records = Vec::new();

    let progress = Progress::new("the photograph", 2);
    let mut contest = photograph.contest();
    records.extend(contest.measure(&contenders::ALL, &[selected], pace, command)?.0);
    progress.step();
    let layer = contest.layer(contenders::AUTO.strategy, selected)?;
    let pictures = match layer {
        Ok(layer) => photograph.pictures(&contest.verify(&layer, contenders::AUTO.strategy)?.answer)?,
        Err(_) => Pictures::default(),
    };
    drop(progress);

    let sweeps = problems::sweeps(effort);
    let progress = Progress::new("size, delta and channels", sweeps.len());
    for problem in sweeps {
        progress.say(&problem.shape.to_string());
        records.extend(Contest::new(problem).measure(&contenders::ALL, &[selected], pace, command)?.0);
        progress.step();
    }
    drop(progress);

    records.extend(sides(options, selected)?);
    records.extend(targets(options, group::TARGETS, 1)?);
    records.extend(measure_gradients(options, selected, 1)?);

    let layers = tiles::layers(effort);
    let progress = Progress::new("tiles of fewer products", layers.len());
    for layer in layers {
        progress.say(layer);
        records.extend(tiles::measure(layer.parse()?, selected, pace, command)?);
        progress.step();
    }
    drop(progress);

    let limit = dense_layer::limit(machine.memory, effort);
    let sides = dense_layer::sides(effort, limit);
    let progress = Progress::new("dense layers", sides.len());
    for side in sides {
        progress.say(&format!("{side} x {side} pixels"));
        records.extend(dense_layer::measure(side, limit, selected, pace, command)?);
        progress.step();
    }
    drop(progress);

    let mut absent = Vec::new();
    if !shapes.is_empty() {
        let progress = Progress::new("the shapes asked for", shapes.len());
        let mut contenders = vec![contenders::AUTO];
        contenders.extend(contenders::ALL);
        for &shape in shapes {
            progress.say(&shape.to_string());
            let problem = Problem { shape, group: group::SHAPES };
            let (measured, missing) =
                Contest::new(problem).measure(&contenders, &[selected], pace, command)?;
            records.extend(measured);
            absent.extend(missing);
            progress.step();
        }
    }
    for Absent { shape, strategy, reason } in absent {
        eprintln!("{shape}: no {strategy}: {reason}");
    }
    Ok((records, pictures))
}

/// Filters of one channel by their side: the direct sum against transforms.
fn sides(options: &Options, isa: Isa) -> Result<Vec<Record>, Error> {
    let problems = problems::filters(options.effort);
    let progress = Progress::new("filters by their side", problems.len());
    let direct = contenders::FAST.into_iter().filter_map(contenders::of).copied();
    let rows: Vec<_> = [contenders::FFT].into_iter().chain(direct).collect();
    let mut records = Vec::new();
    for problem in problems {
        progress.say(&problem.shape.to_string());
        let pace = Pace::of(options.effort);
        records.extend(Contest::new(problem).measure(&rows, &[isa], pace, &options.command)?.0);
        progress.step();
    }
    Ok(records)
}

/// The shapes with a share to reach, on the calling thread's pool; sets that the machine lacks are
/// left out.
fn targets(options: &Options, group: &'static str, threads: usize) -> Result<Vec<Record>, Error> {
    let job =
        if threads == 1 { "the targets".to_owned() } else { format!("the targets on {threads} threads") };
    let progress = Progress::new(&job, TARGETS.len());
    let fast: Vec<_> = contenders::FAST.into_iter().filter_map(contenders::of).copied().collect();
    let mut records = Vec::new();
    for target in TARGETS {
        progress.say(&target.shape().to_string());
        if target.isa.is_available() {
            let mut contest = Contest::new(Problem { shape: target.shape(), group });
            let pace = Pace::careful(options.effort);
            records.extend(contest.measure(&fast, &[target.isa], pace, &options.command)?.0);
        }
        progress.step();
    }
    Ok(records)
}

/// Layers and their gradients, on the calling thread's pool.
fn measure_gradients(options: &Options, isa: Isa, threads: usize) -> Result<Vec<Record>, Error> {
    let shapes = gradients::shapes(options.effort)?;
    let job = if threads == 1 { "gradients".to_owned() } else { format!("gradients on {threads} threads") };
    let progress = Progress::new(&job, shapes.len() + 1);
    let mut records = Vec::new();
    let (pace, command) = (Pace::of(options.effort), &options.command);
    for shape in shapes {
        progress.say(&shape.to_string());
        records.extend(gradients::measure(&shape, isa, pace, command)?);
        progress.step();
    }
    progress.say("a dense layer");
    records.extend(gradients::measure_dense(isa, pace, command)?);
    progress.step();
    Ok(records)
}

fn measure_builds(effort: Effort) -> Builds {
    let shapes = problems::builds(effort);
    let rounds = match effort {
        Effort::Quick => 3,
        Effort::Full => 5,
    };
    let progress = Progress::new("build times", 1);
    match builds::measure(&shapes, rounds, &|what| progress.say(what)) {
        Err(reason) => Builds::Impossible(reason),
        Ok(measured) => Builds::Measured(
            measured
                .into_iter()
                .map(|build| BuildCost {
                    shape: builds::named(&build.shape).map_or(build.shape.clone(), str::to_owned),
                    kernels: build.kernels,
                    seconds: build.seconds,
                    code_bytes: build.code_bytes,
                    fmas: build.fmas,
                })
                .collect(),
        ),
    }
}
