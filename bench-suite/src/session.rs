//! One run of `tapwise report` from beginning to end: the parts that were asked for, in order, and the report.

mod stages;

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tapwise::Isa;

use crate::error::Error;
use crate::journal::{self, Journal};
use crate::layers::Input;
use crate::machine::{Machine, pool};
use crate::parts::Part;
use crate::photograph::Photograph;
use crate::problems::Effort;
use crate::progress::Progress;
use crate::report::Findings;
use crate::self_check::{self, Noise};
use crate::{clock, report};

/// What the user asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// How deep to go.
    pub effort: Effort,
    /// The parts that are measured.
    pub parts: Vec<Part>,
    /// Whether they were named one by one.
    pub alone: bool,
    /// A photograph instead of the one that ships.
    pub image: Option<PathBuf>,
    /// A file of layers to measure as well.
    pub shapes: Option<PathBuf>,
    /// Height and width of the pictures of layers whose file leaves them open.
    #[serde(default)]
    pub input: Option<Input>,
    /// Threads of the measurements beyond one.
    pub threads: Option<usize>,
    /// Where the report goes.
    pub out: Option<PathBuf>,
    /// The Python that has other libraries, where they are measured beside.
    pub python: Option<PathBuf>,
    /// The command as it was typed.
    pub command: String,
}

/// A run as it is kept for being resumed: what was asked for, and where.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Begun {
    options: Options,
    version: String,
    processor: String,
    isa: String,
}

/// A run while it runs.
pub(crate) struct Run {
    options: Options,
    isa: Isa,
    threads: usize,
    journal: Journal,
    photograph: Photograph,
    findings: Findings,
}

/// Measures, writes the report, and returns its folder with what was found.
///
/// # Errors
/// Everything that [`Error`] names. What was measured until then stays in the folder, for [`resume`].
pub fn run(options: &Options) -> Result<(PathBuf, Findings), Error> {
    let isa = Isa::selected()?;
    let machine = Machine::here(isa, options.effort.name(), &options.command);
    let out = match &options.out {
        Some(out) => out.clone(),
        None => Path::new(REPORTS).join(folder(options, &machine)),
    };
    prepare(&out)?;
    if out.join(journal::FILE).exists() {
        eprintln!("{}: forgets the run that was stopped there (--resume would have gone on)", out.display());
    }
    let begun = Begun {
        options: options.clone(),
        version: machine.version.clone(),
        processor: machine.processor.clone(),
        isa: isa.name().to_owned(),
    };
    // Nothing is begun that cannot be read to its end.
    let photograph = Photograph::read(options.image.as_deref())?;
    stages::layers_asked_for(options)?;
    let journal = Journal::begin(&out, &options.command, &begun)?;
    finish(options.clone(), machine, isa, journal, photograph, out)
}

/// Goes on with the run that was stopped in a folder; in the newest that there is, where none is named.
///
/// # Errors
/// [`Error::NothingToResume`]; [`Error::OtherRun`] where the program, the machine or the instruction set is
/// another one; else as [`run`].
pub fn resume(folder: Option<&Path>) -> Result<(PathBuf, Findings), Error> {
    let out = match folder {
        Some(folder) => folder.to_owned(),
        None => journal::newest(Path::new(REPORTS))?,
    };
    let isa = Isa::selected()?;
    let (journal, begun) = Journal::resume(&out, |begun: &Begun| begun.options.command.clone())?;
    let machine = Machine::here(isa, begun.options.effort.name(), journal.command());
    for (what, found, wanted) in [
        ("version", &begun.version, &machine.version),
        ("processor", &begun.processor, &machine.processor),
        ("instruction set", &begun.isa, &isa.name().to_owned()),
    ] {
        if found != wanted {
            let (found, wanted) = (found.clone(), wanted.clone());
            return Err(Error::OtherRun { folder: out, what, found, wanted });
        }
    }
    eprintln!("{}: goes on after {} measurements", out.display(), journal.found());
    let photograph = Photograph::read(begun.options.image.as_deref())?;
    finish(begun.options, machine, isa, journal, photograph, out)
}

/// The folder of reports, in the folder that the program is run in.
pub const REPORTS: &str = "reports";

/// The name of a report's folder; that of parts says which, where they are few.
fn folder(options: &Options, machine: &Machine) -> String {
    let names: Vec<String> = options.parts.iter().map(|part| part.name()).collect();
    match (options.alone, names.len()) {
        (false, _) => machine.folder(),
        (true, ..=3) => format!("{}-{}", machine.folder(), names.join("-")),
        (true, _) => machine.folder() + "-parts",
    }
}

/// Everything that is left to do once it is clear what.
fn finish(
    options: Options,
    machine: Machine,
    isa: Isa,
    journal: Journal,
    photograph: Photograph,
    out: PathBuf,
) -> Result<(PathBuf, Findings), Error> {
    let threads = options.threads.unwrap_or(machine.cores);
    let mut machine = journal.once("machine", || {
        let mut measured = machine;
        pool(1)?.install(|| measure_machine(&mut measured));
        Ok(measured)
    })?;
    machine.parts.clone_from(&options.parts);
    let mut run = Run { options, isa, threads, journal, photograph, findings: Findings::of(machine) };
    run.findings.machine.noise = run.check("before")?;
    for (part, stage) in stages::STAGES {
        if run.options.parts.contains(&part) {
            stage(&mut run)?;
        }
    }
    let after = run.check("after")?;
    let Run { journal, mut findings, .. } = run;
    for (noise, after) in findings.machine.noise.iter_mut().zip(&after) {
        noise.close(after);
    }
    clock::mark(&mut findings.records);
    findings.machine.seconds = journal.seconds();
    report::write(&findings, &out)?;
    journal.finish()?;
    Ok((out, findings))
}

impl Run {
    /// Compares the same with the same, on one thread and on several.
    fn check(&self, when: &str) -> Result<Vec<Noise>, Error> {
        let counts = if self.threads > 1 { vec![1, self.threads] } else { vec![1] };
        let progress = Progress::new(&format!("the noise of the machine, {when}"), counts.len());
        let check = |count: usize| {
            let key = format!("self-check, {when}, {count} threads");
            let measure = || pool(count)?.install(|| self_check::measure(self.options.effort, self.isa));
            let found = self.journal.once(&key, measure);
            progress.step();
            found
        };
        counts.into_iter().map(check).collect()
    }
}

/// Makes the folder and sees that files can be written to it, before anything is measured.
fn prepare(out: &Path) -> Result<(), Error> {
    let fail = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::Write { path, source }
    };
    fs::create_dir_all(out).map_err(fail(out))?;
    let probe = out.join(".writable");
    fs::write(&probe, b"").map_err(fail(&probe))?;
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
