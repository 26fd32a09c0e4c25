//! One problem, tapwise beside every peer: prepared, checked, then raced.

use std::sync::{Mutex, PoisonError};

use ndarray::Axis;
use tapwise::{Isa, Strategy};

use super::{Failure, Findings, Peer, Task};
use crate::Error;
use crate::contenders;
use crate::measurement::{Absent, Contest, Entry, LIMIT, Pace, Run, race};
use crate::problems::Problem;
use crate::records::Record;

/// A layer of next to no work: what it takes is the price of a call.
pub const CALL: &str = "h40w32 c1x1 k1x1";

/// One way in which a peer runs a problem, its answer checked.
struct Checked {
    /// Which of the peers.
    peer: usize,
    name: String,
    form: String,
    error: f64,
    checked: String,
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
    let mut miss = |name: &str, failure: Failure| {
        let of = |reason| Absent { shape: shape.clone(), strategy: name.to_owned(), reason };
        match failure {
            Failure::Cannot(reason) => findings.absent.push(of(reason)),
            Failure::Failed(reason) => {
                say(&format!("{shape}: no {name}: {reason}"));
                findings.failed.push(of(reason));
            }
        }
    };
    match contest.layer(Strategy::Auto, isa)? {
        Ok(layer) => drop(contest.verify(&layer, Strategy::Auto)?),
        Err(reason) => miss("tapwise", Failure::Failed(reason)),
    }
    let mut checked = Vec::new();
    for (index, peer) in peers.iter_mut().enumerate() {
        let (name, ready) = (peer.name().to_owned(), checked.len());
        let task =
            Task { shape: problem.shape, filter: contest.filter.view(), pictures: contest.pictures.view() };
        let forms = match peer.prepare(&task) {
            Ok(forms) => forms,
            Err(failure) => {
                miss(&name, failure);
                continue;
            }
        };
        for form in forms {
            let judged = peer.answer(&form).and_then(|answer| {
                let first = answer.index_axis(Axis(0), 0);
                contest
                    .error(first)
                    .ok_or_else(|| Failure::Failed("there is nothing to check it by".to_owned()))
            });
            match judged {
                Ok(judged) if judged.error <= LIMIT => checked.push(Checked {
                    peer: index,
                    name: name.clone(),
                    form,
                    error: judged.error,
                    checked: judged.checked,
                }),
                Ok(judged) => miss(
                    &name,
                    Failure::Failed(format!(
                        "{form}: refused, its largest error is {:.1e} of the output's root mean square, wanted at \
                         most {LIMIT:.1e}",
                        judged.error
                    )),
                ),
                Err(failure) => {
                    miss(&name, failure);
                    // After a crash nothing of it is there any more.
                    checked.truncate(ready);
                    break;
                }
            }
        }
    }
    let label = contest.label(command)?;
    let failures = Mutex::new(Vec::new());
    let shared: Vec<Mutex<&mut Box<dyn Peer>>> = peers.iter_mut().map(Mutex::new).collect();
    let (mut entries, _) = contest.entries(&[contenders::AUTO], &[isa])?;
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
        entries.push(Entry {
            strategy,
            kernel: String::new(),
            isa,
            max_error: error,
            checked,
            run: Run::Peer { name, run: Box::new(run) },
        });
    }
    let records = race(&label, entries, pace)?;
    for (name, failure) in failures.into_inner().unwrap_or_else(PoisonError::into_inner) {
        miss(&name, failure);
    }
    Ok(records)
}
