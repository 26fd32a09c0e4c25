//! The report: records, machine and pictures in; text, plots and a page out. Nothing is measured
//! here, so that a report can be made again from its files.

mod block;
mod builds;
mod charts;
mod choices;
pub(crate) mod comparison;
mod contents;
mod correctness;
mod crossover;
mod document;
mod dots;
mod drawn;
mod evidence;
mod excerpts;
mod files;
mod filters;
mod first;
mod gradients;
mod grid;
mod html;
mod intervals;
mod layers;
mod learning;
mod legend;
mod machine;
mod markdown;
mod memory;
mod method;
mod nets;
mod palette;
mod peers;
mod photograph;
mod plot;
mod receptive;
mod road;
mod roofline;
mod scaling;
mod tabulated;
mod targets;
mod terminal;
mod tiles;
mod waldo;
mod words;

use crate::filters::gallery::Gallery;
use crate::layers as own;
use crate::learning::experiment::Study;
use crate::machine::Machine;
use crate::memory::Row as Bytes;
use crate::parts::Part;
use crate::peers as others;
use crate::photograph::Pictures;
use crate::records::{Builds, Record};
use crate::tuning::regret;
use crate::waldo::gallery;

pub use excerpts::{excerpt, names};
pub use files::{File, files, read, read_all, write};
pub use terminal::terminal;

/// Everything that a report shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Findings {
    /// The machine.
    pub machine: Machine,
    /// Every measurement.
    pub records: Vec<Record>,
    /// The photograph and its feature maps.
    pub pictures: Pictures,
    /// What filters make of the photograph.
    pub filters: Gallery,
    /// What an annotation adds to a build.
    pub builds: Builds,
    /// Scenes that were searched for templates.
    pub waldo: gallery::Findings,
    /// What dense networks and convolutions learnt.
    pub study: Study,
    /// Other libraries that were measured beside, where that was asked for.
    pub peers: Option<others::Findings>,
    /// How well the planner chooses, where that was measured.
    pub choices: Option<regret::Findings>,
    /// Memory by strategy.
    pub memory: Vec<Bytes>,
    /// The user's own layers, where there are any.
    pub layers: Option<own::Findings>,
}

impl Findings {
    /// Whether a part was measured, as far as reports of older versions say.
    #[must_use]
    pub fn has(&self, part: Part) -> bool {
        self.machine.parts.is_empty() || self.machine.parts.contains(&part)
    }

    /// Nothing but a machine.
    #[must_use]
    pub fn of(machine: Machine) -> Self {
        Findings {
            machine,
            records: Vec::new(),
            pictures: Pictures::default(),
            filters: Gallery::default(),
            builds: Builds::Measured(Vec::new()),
            waldo: gallery::Findings::default(),
            study: Study::default(),
            peers: None,
            choices: None,
            memory: Vec::new(),
            layers: None,
        }
    }
}

#[cfg(test)]
mod tests;
