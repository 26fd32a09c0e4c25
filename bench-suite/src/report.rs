//! The report: records, machine and pictures in; text, plots and a page out. Nothing is measured
//! here, so that a report can be made again from its files.

mod charts;
mod document;
mod html;
mod markdown;
mod plot;
mod terminal;
mod words;

use std::fs;
use std::path::Path;

use crate::Error;
use crate::machine::Machine;
use crate::photograph::Pictures;
use crate::records::{Builds, Record, to_json};

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
    /// What an annotation adds to a build.
    pub builds: Builds,
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
        json("measurements.json", &findings.records, "measurements.json")?,
        json("machine.json", &findings.machine, "machine.json")?,
        json("builds.json", &findings.builds, "builds.json")?,
    ];
    for plot in document.plots() {
        let path = format!("plots/{}.svg", plot.name);
        files.push(File { path, bytes: plot.standalone().into_bytes() });
    }
    let Pictures { photograph, maps, overview } = &findings.pictures;
    for picture in photograph.iter().chain(maps).chain(overview) {
        files.push(File { path: format!("pictures/{}", picture.file), bytes: picture.bytes.clone() });
    }
    Ok(files)
}

fn json<T: serde::Serialize>(path: &str, value: &T, what: &'static str) -> Result<File, Error> {
    Ok(File { path: path.to_owned(), bytes: to_json(value, what)?.into_bytes() })
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
