//! Image filters whose weights are known while compiling, beside a plain copy of the picture and beside
//! other libraries.

pub mod contest;
pub mod gallery;
pub mod judge;
pub mod list;
pub mod picture;

use std::path::Path;

use self::list::ALL;
use self::picture::{KINDS, Pixels, SIZE};
use crate::Error;
use crate::journal::Journal;
use crate::machine::pool;
use crate::measurement::Pace;
use crate::peers::{Findings, Peer, start_for_filters};
use crate::problems::Effort;
use crate::progress::Progress;
use crate::records::Record;

/// The many filters of a report are seen at a glance: short samples, and fewer of them than elsewhere.
fn pace(effort: Effort, peers: bool) -> Pace {
    match (effort, peers) {
        (Effort::Quick, false) => Pace { rounds: 9, sample: 8e-4, budget: 0.03 },
        (Effort::Quick, true) => Pace { rounds: 11, sample: 1.5e-3, budget: 0.1 },
        (Effort::Full, _) => Pace { rounds: 51, sample: 3e-3, budget: 1.0 },
    }
}

/// Measures every filter on every kind of picture that it is for, on one thread and on `threads`; beside the
/// libraries of the interpreter, where one is named.
///
/// # Errors
/// As [`contest::measure`] and [`pool`].
pub fn measure(
    effort: Effort,
    threads: usize,
    python: Option<&Path>,
    journal: &Journal,
) -> Result<(Vec<Record>, Findings), Error> {
    let mut records = Vec::new();
    let mut findings = Findings::default();
    let counts = if threads > 1 { vec![1, threads] } else { vec![1] };
    for count in counts {
        records.extend(pool(count)?.install(|| {
            let mut peers = match python {
                Some(python) => start_for_filters(python, count, &mut findings, &|what| eprintln!("{what}"))?,
                None => Vec::new(),
            };
            every(effort, &mut peers, journal, &mut findings)
        })?);
    }
    Ok((records, findings))
}

/// Every filter on the calling thread's pool.
fn every(
    effort: Effort,
    peers: &mut [Box<dyn Peer>],
    journal: &Journal,
    findings: &mut Findings,
) -> Result<Vec<Record>, Error> {
    let job = match rayon::current_num_threads() {
        1 => "filters".to_owned(),
        threads => format!("filters on {threads} threads"),
    };
    let measured = |channels| ALL.iter().filter(move |row| channels == 1 || row.colour);
    let count = KINDS.iter().map(|kind| measured(kind.channels).count()).sum();
    let progress = Progress::new(&job, count);
    let pace = pace(effort, !peers.is_empty());
    let mut records = Vec::new();
    for kind in KINDS {
        let pixels = Pixels::noise(kind, SIZE);
        for row in measured(kind.channels) {
            progress.say(&contest::descriptor(row, kind));
            let key = format!(
                "filters {}, {} threads",
                contest::descriptor(row, kind),
                rayon::current_num_threads()
            );
            let (measured, missed) = journal.once(&key, || {
                let mut missed = Findings::default();
                let say = |what: &str| progress.note(what);
                let command = journal.command();
                let found = contest::measure(row, kind, &pixels, peers, pace, command, &mut missed, &say)?;
                Ok((found, missed))
            })?;
            records.extend(measured);
            findings.take(missed);
            progress.step();
        }
    }
    Ok(records)
}
