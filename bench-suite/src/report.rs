//! The report: records, machine and pictures in; text, plots and a page out. Nothing is measured
//! here, so that a report can be made again from its files.

mod charts;
mod choices;
pub(crate) mod comparison;
mod crossover;
mod document;
mod dots;
mod filters;
mod gradients;
mod grid;
mod html;
mod intervals;
mod learning;
mod markdown;
mod nets;
mod peers;
mod plot;
mod receptive;
mod road;
mod targets;
mod terminal;
mod tiles;
mod waldo;
mod words;

use std::fs;
use std::path::Path;

use crate::Error;
use crate::filters::gallery::Gallery;
use crate::learning::experiment::Study;
use crate::machine::Machine;
use crate::peers as others;
use crate::photograph::Pictures;
use crate::records::{Builds, Record, to_json, to_json_by_lines};
use crate::tuning::regret;
use crate::waldo::gallery;

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
    /// Whether nothing but the machine and what `--only` names was measured.
    pub alone: bool,
}

impl Findings {
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
            alone: false,
        }
    }
}

/// A file of the report: its path inside the folder, and its contents.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// The path, with `/` between its parts.
    pub path: String,
    /// The contents.
    pub bytes: Vec<u8>,
}

/// The files of a report.
///
/// # Errors
/// [`Error::Plot`] and [`Error::Json`]; neither is known to happen.
pub fn files(findings: &Findings) -> Result<Vec<File>, Error> {
    let document = document::document(findings)?;
    let mut files = vec![
        File { path: "index.html".to_owned(), bytes: html::page(&document).into_bytes() },
        File { path: "report.md".to_owned(), bytes: markdown::page(&document).into_bytes() },
        by_lines("measurements.json", &findings.records, "measurements.json")?,
        json("machine.json", &findings.machine, "machine.json")?,
    ];
    if let Some(peers) = &findings.peers {
        files.push(json("peers.json", peers, "peers.json")?);
    }
    if let Some(choices) = &findings.choices {
        files.push(by_lines("regret.json", choices, "regret.json")?);
    }
    if !findings.alone {
        files.extend([
            json("builds.json", &findings.builds, "builds.json")?,
            json("waldo.json", &findings.waldo, "waldo.json")?,
            File { path: "learning.json".to_owned(), bytes: findings.study.to_json()?.into_bytes() },
        ]);
    }
    for plot in document.plots() {
        let path = format!("plots/{}.svg", plot.name);
        files.push(File { path, bytes: plot.standalone().into_bytes() });
    }
    let Pictures { photograph, maps, overview } = &findings.pictures;
    let shown = photograph.iter().chain(maps).chain(overview);
    let filtered = findings.filters.exhibits.iter().map(|exhibit| &exhibit.picture);
    let shown = shown.chain(filtered).chain(&findings.filters.overview);
    for picture in shown.chain(&findings.waldo.pictures).chain(findings.study.pictures()) {
        files.push(File { path: format!("pictures/{}", picture.file), bytes: picture.bytes.clone() });
    }
    Ok(files)
}

fn json<T: serde::Serialize>(path: &str, value: &T, what: &'static str) -> Result<File, Error> {
    Ok(File { path: path.to_owned(), bytes: to_json(value, what)?.into_bytes() })
}

fn by_lines<T: serde::Serialize>(path: &str, value: &T, what: &'static str) -> Result<File, Error> {
    Ok(File { path: path.to_owned(), bytes: to_json_by_lines(value, what)?.into_bytes() })
}

/// Writes the files of a report to a folder.
///
/// # Errors
/// As [`files`], and [`Error::Write`].
pub fn write(findings: &Findings, folder: &Path) -> Result<(), Error> {
    for file in files(findings)? {
        let path = folder.join(&file.path);
        let fail = |source| Error::Write { path: path.clone(), source };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(fail)?;
        }
        fs::write(&path, &file.bytes).map_err(fail)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
