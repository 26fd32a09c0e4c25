//! One problem, tapwise beside every peer: prepared, checked, then raced.

use std::sync::{Mutex, PoisonError};

use ndarray::Axis;
use tapwise::{Isa, Strategy};

use super::{Failure, Findings, Peer, Task};
use crate::Error;
use crate::contenders;
use crate::measurement::{Contest, Entry, Judged, LIMIT, Label, Pace, Run, race};
use crate::problems::Problem;
use crate::records::Record;

/// A layer of next to no work: what it takes is the price of a call.
pub const CALL: &str = "h40w32 c1x1 k1x1";

/// Names of peers, each with what it failed at.
pub(crate) type Failures = Vec<(String, Failure)>;

/// One way in which a peer runs a problem, its answer checked.
pub(crate) struct Checked {
    /// Which of the peers.
    peer: usize,
    name: String,
    form: String,
    error: f64,
    checked: String,
}

/// Has every peer prepare a problem and answer it in each of its forms; those whose answer `judge` finds
/// right.
pub(crate) fn check(
    peers: &mut [Box<dyn Peer>],
    mut prepare: impl FnMut(&mut dyn Peer) -> Result<Vec<String>, Failure>,
    mut judge: impl FnMut(&mut dyn Peer, &str) -> Result<Judged, Failure>,
    miss: &mut dyn FnMut(&str, Failure),
) -> Vec<Checked> {
    let mut checked = Vec::new();
    for (index, peer) in peers.iter_mut().enumerate() {
        let (name, ready) = (peer.name().to_owned(), checked.len());
        let forms = match prepare(peer.as_mut()) {
            Ok(forms) => forms,
            Err(failure) => {
                miss(&name, failure);
                continue;
            }
        };
        for form in forms {
            match judge(peer.as_mut(), &form) {
                Ok(Judged { error, checked: what }) => {
                    checked.push(Checked { peer: index, name: name.clone(), form, error, checked: what });
                }
                Err(failure) => {
                    let ended = !peer.is_there();
                    miss(&name, failure);
                    if ended {
                        // After a crash nothing of it is there any more.
                        checked.truncate(ready);
                        break;
                    }
                }
            }
        }
    }
    checked
}

/// Races entries and the peers that were checked; the records, and who failed meanwhile.
pub(crate) fn race_beside(
    label: &Label<'_>,
    entries: Vec<Entry<'_>>,
    checked: Vec<Checked>,
    peers: &mut [Box<dyn Peer>],
    isa: Isa,
    pace: Pace,
) -> Result<(Vec<Record>, Failures), Error> {
    let failures = Mutex::new(Vec::new());
    let shared: Vec<Mutex<&mut Box<dyn Peer>>> = peers.iter_mut().map(Mutex::new).collect();
    let records = {
        // For as long as the failures live, not longer.
        let mut all: Vec<Entry<'_>> = entries;
        for Checked { peer, name, form, error, checked } in checked {
            let (shared, failures, own) = (&shared[peer], &failures, name.clone());
            let strategy = form.clone();
            let run = move |repeats| {
                let seconds = shared.lock().unwrap_or_else(PoisonError::into_inner).run(&form, repeats);
                if let Err(failure) = &seconds {
                    let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
                    failures.push((own.clone(), failure.clone()));
                }
                seconds
            };
            all.push(Entry {
                strategy,
                kernel: String::new(),
                isa,
                max_error: error,
                checked,
                run: Run::Peer { name, run: Box::new(run) },
            });
        }
        race(label, all, pace)?
    };
    Ok((records, failures.into_inner().unwrap_or_else(PoisonError::into_inner)))
}

/// Checks every answer, then times all that are right in the same rounds as tapwise's own choice.
///
/// Peers that fail or are wrong are said aloud by `say` and listed; those that do not serve the
/// problem are listed.
///
/// # Errors
/// What the library refuses, and [`Error::Wrong`] where it is tapwise that is wrong.
pub fn measure(
    problem: Problem,
    peers: &mut [Box<dyn Peer>],
    isa: Isa,
    pace: Pace,
    command: &str,
    findings: &mut Findings,
    say: &dyn Fn(&str),
) -> Result<Vec<Record>, Error> {
    let mut contest = Contest::new(problem);
    let shape = problem.shape.to_string();
    match contest.layer(Strategy::Auto, isa)? {
        Ok(layer) => drop(contest.verify(&layer, Strategy::Auto)?),
        Err(reason) => findings.miss(&shape, "tapwise", Failure::Failed(reason), say),
    }
    let checked = check(
        peers,
        |peer| {
            let (filter, pictures) = (contest.filter.view(), contest.pictures.view());
            peer.prepare(&Task { shape: problem.shape, filter, pictures })
        },
        |peer, form| {
            let answer = peer.answer(form)?;
            let judged = contest.error(answer.index_axis(Axis(0), 0));
            match judged {
                Some(judged) if judged.error <= LIMIT => Ok(judged),
                Some(judged) => Err(Failure::Failed(format!(
                    "{form}: refused, its largest error is {:.1e} of the output's root mean square, wanted at most \
                     {LIMIT:.1e}",
                    judged.error
                ))),
                None => Err(Failure::Failed("there is nothing to check it by".to_owned())),
            }
        },
        &mut |name, failure| findings.miss(&shape, name, failure, say),
    );
    let label = contest.label(command)?;
    let (entries, _) = contest.entries(&[contenders::AUTO], &[isa])?;
    let (records, failures) = race_beside(&label, entries, checked, peers, isa, pace)?;
    for (name, failure) in failures {
        findings.miss(&shape, &name, failure, say);
    }
    Ok(records)
}
