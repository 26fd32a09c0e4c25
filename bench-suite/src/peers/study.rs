//! Everything that is measured beside other libraries, from beginning to end.

use std::path::Path;

use tapwise::{Isa, Shape};

use super::{CALL, Findings, Peer, measure, nets, start};
use crate::Error;
use crate::journal::Journal;
use crate::machine::pool;
use crate::measurement::Pace;
use crate::problems::{Effort, Problem, beside, group};
use crate::progress::Progress;
use crate::records::Record;

/// How long to look at a layer of the list.
fn pace(effort: Effort) -> Pace {
    match effort {
        Effort::Quick => Pace { rounds: 11, sample: 1.5e-3, budget: 0.25 },
        Effort::Full => Pace { rounds: 51, sample: 3e-3, budget: 3.0 },
    }
}

/// Measures what a call costs, then the shapes asked for, and the list of layers where the `whole` of it is
/// wanted, on so many threads each.
///
/// # Errors
/// As [`measure`] and [`pool`].
pub fn layers(
    effort: Effort,
    python: &Path,
    asked: &[Shape],
    whole: bool,
    counts: &[usize],
    journal: &Journal,
) -> Result<(Vec<Record>, Findings), Error> {
    let isa = Isa::selected()?;
    let mut problems = vec![Problem { shape: CALL.parse()?, group: group::CALLS }];
    problems.extend(asked.iter().map(|&shape| Problem { shape, group: group::PEERS }));
    if whole {
        problems.extend(beside()?.into_iter().map(|(_, shape)| Problem { shape, group: group::PEERS }));
    }
    let mut findings = Findings::default();
    let mut records = Vec::new();
    for &threads in counts {
        pool(threads)?.install(|| -> Result<(), Error> {
            let mut peers = start(python, threads, &mut findings, &|what| eprintln!("{what}"))?;
            let job = match threads {
                1 => "beside other libraries".to_owned(),
                _ => format!("beside other libraries on {threads} threads"),
            };
            records.extend(each(&job, &problems, &mut peers, isa, pace(effort), journal, &mut findings)?);
            Ok(())
        })?;
    }
    Ok((records, findings))
}

/// Measures every layer of the networks once, on one thread; beside other libraries where an interpreter is
/// named.
///
/// # Errors
/// As [`measure`] and [`pool`].
pub fn nets(
    effort: Effort,
    python: Option<&Path>,
    journal: &Journal,
) -> Result<(Vec<Record>, Findings), Error> {
    let isa = Isa::selected()?;
    let mut findings = Findings::default();
    let pool = pool(1)?;
    pool.install(|| {
        let mut peers = match python {
            Some(python) => start(python, 1, &mut findings, &|what| eprintln!("{what}"))?,
            None => Vec::new(),
        };
        let (shapes, skipped) = nets::shapes(effort, python.is_some())?;
        let problems: Vec<Problem> =
            shapes.into_iter().map(|shape| Problem { shape, group: group::NETS }).collect();
        findings.skipped = skipped;
        let (job, pace) = ("layers of networks", nets::pace(effort));
        let records = each(job, &problems, &mut peers, isa, pace, journal, &mut findings)?;
        Ok((records, findings))
    })
}

/// Every problem beside the peers that are there, on the calling thread's pool.
fn each(
    job: &str,
    problems: &[Problem],
    peers: &mut [Box<dyn Peer>],
    isa: Isa,
    pace: Pace,
    journal: &Journal,
    findings: &mut Findings,
) -> Result<Vec<Record>, Error> {
    let threads = rayon::current_num_threads();
    let progress = Progress::new(job, problems.len());
    let mut records = Vec::new();
    for &problem in problems {
        progress.say(&problem.shape.to_string());
        let key = format!("{} {} beside peers, {threads} threads", problem.group, problem.shape);
        let (measured, missed) = journal.once(&key, || {
            let mut missed = Findings::default();
            let say = |what: &str| progress.note(what);
            let measured = measure(problem, peers, isa, pace, journal.command(), &mut missed, &say)?;
            Ok((measured, missed))
        })?;
        records.extend(measured);
        findings.take(missed);
        progress.step();
    }
    Ok(records)
}
