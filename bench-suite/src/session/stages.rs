//! The parts of a report: what each measures, in which order, into which findings.

use tapwise::{Isa, Shape};

use super::{Options, Run};
use crate::contenders::{self, Contender};
use crate::error::Error;
use crate::filters::{self, gallery};
use crate::layers::measure::Conditions;
use crate::layers::{self, Listing};
use crate::learning::experiment::{self, Study};
use crate::learning::pictures::pictures;
use crate::machine::pool;
use crate::measurement::{Absent, Contest, Pace};
use crate::parts::Part;
use crate::peers::study;
use crate::problems::{self, Effort, Problem, SCALING, TARGETS, group};
use crate::progress::Progress;
use crate::records::{BuildCost, Builds, Record};
use crate::tuning::regret;
use crate::{builds, dense_layer, gradients, memory, tiles, waldo};

type Stage = fn(&mut Run) -> Result<(), Error>;

/// Every part with what measures it.
pub(super) const STAGES: [(Part, Stage); 17] = [
    (Part::Photograph, photograph),
    (Part::Sweeps, sweeps),
    (Part::Batch, batches),
    (Part::Sides, sides),
    (Part::Targets, targets),
    (Part::Gradients, gradients),
    (Part::Tiles, tiles),
    (Part::Dense, dense),
    (Part::Shapes, shapes),
    (Part::Memory, memory),
    (Part::Waldo, waldo),
    (Part::Learning, learning),
    (Part::Regret, regret),
    (Part::Builds, builds),
    (Part::Nets, nets),
    (Part::Peers, peers),
    (Part::Filters, filters),
];

/// How a part's layers are measured.
struct Layers<'a> {
    /// The name on the progress bar.
    job: &'a str,
    threads: usize,
    pace: Pace,
    contenders: &'a [Contender],
}

impl Run {
    fn effort(&self) -> Effort {
        self.options.effort
    }

    /// One thread, and as many as were asked for.
    fn counts(&self) -> Vec<usize> {
        if self.threads > 1 { vec![1, self.threads] } else { vec![1] }
    }

    /// Measures every layer under its instruction set; who was absent, and why.
    fn race(&mut self, layers: &Layers<'_>, problems: &[(Problem, Isa)]) -> Result<Vec<Absent>, Error> {
        let &Layers { job, threads, pace, contenders } = layers;
        let job = if threads == 1 { job.to_owned() } else { format!("{job} on {threads} threads") };
        let progress = Progress::new(&job, problems.len());
        let pool = pool(threads)?;
        let mut absent = Vec::new();
        for &(problem, isa) in problems {
            progress.say(&problem.shape.to_string());
            let key = format!("{} {} {isa} {threads} threads", problem.group, problem.shape);
            let command = self.journal.command();
            let measure =
                || pool.install(|| Contest::new(problem).measure(contenders, &[isa], pace, command));
            let (records, missing) = self.journal.once(&key, measure)?;
            self.findings.records.extend(records);
            absent.extend(missing);
            progress.step();
        }
        Ok(absent)
    }

    /// The same on one thread, all under the selected instruction set, at the pace of the plots.
    fn plotted(&mut self, job: &str, contenders: &[Contender], problems: &[Problem]) -> Result<(), Error> {
        let layers = Layers { job, threads: 1, pace: Pace::of(self.effort()), contenders };
        let problems: Vec<_> = problems.iter().map(|problem| (*problem, self.isa)).collect();
        self.race(&layers, &problems).map(drop)
    }

    /// Runs a measurement that has no contest of its own for each of some things, on a pool.
    fn each<T>(
        &mut self,
        job: &str,
        threads: usize,
        things: &[T],
        name: impl Fn(&T) -> String,
        measure: impl Fn(&T, &str) -> Result<Vec<Record>, Error> + Sync,
    ) -> Result<(), Error>
    where
        T: Sync,
    {
        let title = if threads == 1 { job.to_owned() } else { format!("{job} on {threads} threads") };
        let progress = Progress::new(&title, things.len());
        let pool = pool(threads)?;
        for thing in things {
            let name = name(thing);
            progress.say(&name);
            let command = self.journal.command();
            let key = format!("{job} {name} {threads} threads");
            let records = self.journal.once(&key, || pool.install(|| measure(thing, command)))?;
            self.findings.records.extend(records);
            progress.step();
        }
        Ok(())
    }
}

fn photograph(run: &mut Run) -> Result<(), Error> {
    let progress = Progress::new("the photograph", 1);
    let mut contest = run.photograph.contest();
    let pool = pool(1)?;
    let (pace, command) = (Pace::of(run.effort()), run.journal.command());
    let records = run.journal.once(group::PHOTOGRAPH, || {
        let measure = || contest.measure(&contenders::ALL, &[run.isa], pace, command);
        Ok(pool.install(measure)?.0)
    })?;
    run.findings.records.extend(records);
    progress.step();
    let strategy = contenders::AUTO.strategy;
    if let Ok(layer) = contest.layer(strategy, run.isa)? {
        run.findings.pictures = run.photograph.pictures(&contest.verify(&layer, strategy)?.answer)?;
    }
    Ok(())
}

fn sweeps(run: &mut Run) -> Result<(), Error> {
    run.plotted("size, delta and channels", &contenders::ALL, &problems::sweeps(run.effort()))
}

fn batches(run: &mut Run) -> Result<(), Error> {
    let pace = Pace::of(run.effort());
    let contenders = [contenders::AUTO];
    let isa = run.isa;
    let batches: Vec<_> = problems::batches(run.effort()).into_iter().map(|problem| (problem, isa)).collect();
    let mut counts: Vec<usize> =
        (0..10).map(|power| 1 << power).filter(|count| *count <= run.threads).collect();
    if !counts.contains(&run.threads) {
        counts.push(run.threads);
    }
    let layer = |text: &str| -> Result<(Problem, Isa), Error> {
        Ok((Problem { shape: text.parse()?, group: group::SCALING }, isa))
    };
    let layers = SCALING.into_iter().map(layer).collect::<Result<Vec<_>, _>>()?;
    for threads in run.counts() {
        run.race(&Layers { job: "batches", threads, pace, contenders: &contenders }, &batches)?;
    }
    for threads in counts {
        run.race(&Layers { job: "threads", threads, pace, contenders: &contenders }, &layers)?;
    }
    Ok(())
}

/// Filters of one channel by their side: the direct sum against transforms.
fn sides(run: &mut Run) -> Result<(), Error> {
    let direct = contenders::FAST.into_iter().filter_map(contenders::of).copied();
    let rows: Vec<_> = [contenders::FFT].into_iter().chain(direct).collect();
    run.plotted("filters by their side", &rows, &problems::filters(run.effort()))
}

/// The shapes with a share to reach; sets that the machine lacks are left out.
fn targets(run: &mut Run) -> Result<(), Error> {
    let fast: Vec<_> = contenders::FAST.into_iter().filter_map(contenders::of).copied().collect();
    let pace = Pace::careful(run.effort());
    for threads in run.counts() {
        let group = if threads == 1 { group::TARGETS } else { group::THREADS };
        let here = TARGETS.iter().filter(|target| target.isa.is_available());
        let problems: Vec<_> =
            here.map(|target| (Problem { shape: target.shape(), group }, target.isa)).collect();
        run.race(&Layers { job: "the targets", threads, pace, contenders: &fast }, &problems)?;
    }
    Ok(())
}

fn gradients(run: &mut Run) -> Result<(), Error> {
    let (isa, pace) = (run.isa, Pace::of(run.effort()));
    let shapes = gradients::shapes(run.effort())?;
    for threads in run.counts() {
        run.each("gradients", threads, &shapes, Shape::to_string, |shape, command| {
            gradients::measure(shape, isa, pace, command)
        })?;
        run.each(
            "a dense layer",
            threads,
            &[()],
            |()| "and its gradients".to_owned(),
            |(), command| gradients::measure_dense(isa, pace, command),
        )?;
    }
    Ok(())
}

fn tiles(run: &mut Run) -> Result<(), Error> {
    let (isa, pace) = (run.isa, Pace::of(run.effort()));
    let layers = tiles::layers(run.effort());
    run.each(
        "tiles of fewer products",
        1,
        layers,
        |layer| (*layer).to_owned(),
        |layer, command| tiles::measure(layer.parse()?, isa, pace, command),
    )
}

fn dense(run: &mut Run) -> Result<(), Error> {
    let (isa, pace) = (run.isa, Pace::of(run.effort()));
    let limit = dense_layer::limit(run.findings.machine.memory, run.effort());
    let sides = dense_layer::sides(run.effort(), limit);
    run.each(
        "dense layers",
        1,
        &sides,
        |side| format!("{side} x {side} pixels"),
        |side, command| dense_layer::measure(*side, limit, isa, pace, command),
    )
}

/// The layers of the user's file; none where no file was named.
///
/// # Errors
/// As [`layers::read`].
pub(super) fn layers_asked_for(options: &Options) -> Result<Option<Listing>, Error> {
    options.shapes.as_deref().map(|path| layers::read(path, options.input)).transpose()
}

fn shapes(run: &mut Run) -> Result<(), Error> {
    let (Some(listing), Some(path)) = (layers_asked_for(&run.options)?, &run.options.shapes) else {
        return Ok(());
    };
    let conditions = Conditions {
        isa: run.isa,
        pace: Pace::of(run.effort()),
        threads: run.threads,
        memory: run.findings.machine.memory,
        journal: &run.journal,
    };
    let (records, found) = layers::measure::measure(path, listing, &conditions)?;
    run.findings.records.extend(records);
    run.findings.layers = Some(found);
    Ok(())
}

fn memory(run: &mut Run) -> Result<(), Error> {
    run.findings.memory = pool(1)?.install(|| memory::count(run.isa))?;
    Ok(())
}

fn waldo(run: &mut Run) -> Result<(), Error> {
    // Not in the journal: its pictures are made of it, and it takes seconds.
    run.findings.waldo = pool(run.threads)?.install(waldo::gallery::measure)?;
    Ok(())
}

fn learning(run: &mut Run) -> Result<(), Error> {
    let effort = run.effort();
    let (album, pool) = (experiment::album()?, pool(run.threads)?);
    let runs = run.journal.once("learning", || pool.install(|| Ok(experiment::run(&album, effort)?)))?;
    run.findings.study = Study { runs, shown: pool.install(|| pictures(&album))? };
    Ok(())
}

fn regret(run: &mut Run) -> Result<(), Error> {
    run.findings.choices = Some(regret::measure(run.effort(), run.isa, run.threads, &run.journal)?);
    Ok(())
}

fn nets(run: &mut Run) -> Result<(), Error> {
    let python = run.options.python.as_deref();
    let (records, found) = study::nets(run.effort(), python, &run.journal)?;
    run.findings.records.extend(records);
    run.findings.peers.get_or_insert_default().take(found);
    Ok(())
}

fn peers(run: &mut Run) -> Result<(), Error> {
    let Some(python) = run.options.python.clone() else { return Ok(()) };
    let shapes = layers_asked_for(&run.options)?.map(|listing| listing.shapes()).unwrap_or_default();
    let whole = !run.options.alone || shapes.is_empty();
    let (records, found) = study::layers(run.effort(), &python, &shapes, whole, &run.counts(), &run.journal)?;
    run.findings.records.extend(records);
    run.findings.peers.get_or_insert_default().take(found);
    Ok(())
}

fn filters(run: &mut Run) -> Result<(), Error> {
    let python = run.options.python.as_deref();
    let (records, found) = filters::measure(run.effort(), run.threads, python, &run.journal)?;
    run.findings.records.extend(records);
    if python.is_some() {
        run.findings.peers.get_or_insert_default().take(found);
    }
    run.findings.filters = gallery::hang(&run.photograph)?;
    Ok(())
}

fn builds(run: &mut Run) -> Result<(), Error> {
    let effort = run.effort();
    run.findings.builds = run.journal.once("builds", || Ok(measure_builds(effort)))?;
    Ok(())
}

fn measure_builds(effort: Effort) -> Builds {
    let shapes = problems::builds(effort);
    let rounds = match effort {
        Effort::Quick => 2,
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
