//! Everything that is measured beside other libraries, from beginning to end.

use std::path::PathBuf;

use tapwise::{Isa, Shape};

use super::{CALL, Findings, Peer, measure, nets, start};
use crate::Error;
use crate::machine::pool;
use crate::measurement::Pace;
use crate::problems::{Effort, Problem, beside, group};
use crate::progress::Progress;
use crate::records::Record;

/// What is wanted of the other libraries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The Python interpreter that has them.
    pub python: PathBuf,
    /// Whether the list of layers is measured, see [`beside`].
    pub layers: bool,
    /// Whether whole networks are.
    pub nets: bool,
    /// Whether nothing else of a report is measured; shapes that the user asks for replace the list
    /// of layers then.
    pub alone: bool,
}

fn pace(effort: Effort) -> Pace {
    match effort {
        Effort::Quick => Pace { rounds: 11, sample: 1.5e-3, budget: 0.25 },
        Effort::Full => Pace { rounds: 51, sample: 3e-3, budget: 3.0 },
    }
}

impl Request {
    /// Measures on one thread, and the list of layers on `threads` as well.
    ///
    /// # Errors
    /// As [`measure`] and [`pool`].
    pub fn measure(
        &self,
        effort: Effort,
        threads: usize,
        asked: &[Shape],
        command: &str,
    ) -> Result<(Vec<Record>, Findings), Error> {
        let isa = Isa::selected()?;
        let mut findings = Findings::default();
        let mut records = Vec::new();
        let mut shapes = asked.to_vec();
        if self.layers && (asked.is_empty() || !self.alone) {
            shapes.extend(beside()?.into_iter().map(|(_, shape)| shape));
        }
        let counts = if threads > 1 { vec![1, threads] } else { vec![1] };
        for count in counts {
            let whole_nets = self.nets && count == 1;
            if shapes.is_empty() && !whole_nets {
                continue;
            }
            pool(count)?.install(|| -> Result<(), Error> {
                let mut peers = start(&self.python, count, &mut findings, &|what| eprintln!("{what}"))?;
                if !shapes.is_empty() {
                    records.extend(layers(&shapes, &mut peers, isa, pace(effort), command, &mut findings)?);
                }
                if whole_nets {
                    records.extend(nets::measure(effort, &mut peers, isa, command, &mut findings)?);
                }
                Ok(())
            })?;
        }
        Ok((records, findings))
    }
}

/// What a call costs, then every shape.
fn layers(
    shapes: &[Shape],
    peers: &mut [Box<dyn Peer>],
    isa: Isa,
    pace: Pace,
    command: &str,
    findings: &mut Findings,
) -> Result<Vec<Record>, Error> {
    let threads = rayon::current_num_threads();
    let job = match threads {
        1 => "beside other libraries".to_owned(),
        _ => format!("beside other libraries on {threads} threads"),
    };
    let progress = Progress::new(&job, shapes.len() + 1);
    let mut problems = vec![Problem { shape: CALL.parse()?, group: group::CALLS }];
    problems.extend(shapes.iter().map(|&shape| Problem { shape, group: group::PEERS }));
    let mut records = Vec::new();
    for problem in problems {
        progress.say(&problem.shape.to_string());
        let say = |what: &str| progress.note(what);
        records.extend(measure(problem, peers, isa, pace, command, findings, &say)?);
        progress.step();
    }
    Ok(records)
}
