//! A report as files: written to a folder, and read from one.

use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Findings, contents, html, markdown};
use crate::Error;
use crate::clock;
use crate::filters::gallery::Gallery;
use crate::learning::pictures::Shown;
use crate::photograph::{Picture, Pictures};
use crate::records::{Builds, read_json, to_json, to_json_by_lines};

/// A file of the report: its path inside the folder, and its contents.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// The path, with `/` between its parts.
    pub path: String,
    /// The contents.
    pub bytes: Vec<u8>,
}

const MEASUREMENTS: &str = "measurements.json";
const MACHINE: &str = "machine.json";
const PEERS: &str = "peers.json";
const REGRET: &str = "regret.json";
const BUILDS: &str = "builds.json";
const MEMORY: &str = "memory.json";
const LAYERS: &str = "layers.json";
const WALDO: &str = "waldo.json";
const LEARNING: &str = "learning.json";
const PICTURES: &str = "pictures.json";

/// What the pictures of a report are called and show; they themselves are files.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Shelf {
    photograph: Pictures,
    filters: Gallery,
    waldo: Vec<Picture>,
    learning: Shown,
}

impl Shelf {
    fn of(findings: &Findings) -> Self {
        Shelf {
            photograph: findings.pictures.clone(),
            filters: findings.filters.clone(),
            waldo: findings.waldo.pictures.clone(),
            learning: findings.study.shown.clone(),
        }
    }

    /// Every picture.
    fn pictures(&mut self) -> impl Iterator<Item = &mut Picture> {
        let Pictures { photograph, maps, overview } = &mut self.photograph;
        let filtered = self.filters.exhibits.iter_mut().map(|exhibit| &mut exhibit.picture);
        let learnt = self.learning.pictures.iter_mut().chain(&mut self.learning.overview);
        photograph
            .iter_mut()
            .chain(maps)
            .chain(overview)
            .chain(filtered)
            .chain(&mut self.filters.overview)
            .chain(&mut self.waldo)
            .chain(learnt)
    }
}

/// The files of a report.
///
/// # Errors
/// [`Error::Plot`] and [`Error::Json`]; neither is known to happen.
pub fn files(findings: &Findings) -> Result<Vec<File>, Error> {
    let document = contents::document(findings)?;
    let mut files = vec![
        File { path: "index.html".to_owned(), bytes: html::page(&document).into_bytes() },
        File { path: "report.md".to_owned(), bytes: markdown::page(&document).into_bytes() },
        by_lines(MEASUREMENTS, &findings.records)?,
        json(MACHINE, &findings.machine)?,
    ];
    if let Some(peers) = &findings.peers {
        files.push(json(PEERS, peers)?);
    }
    if let Some(choices) = &findings.choices {
        files.push(by_lines(REGRET, choices)?);
    }
    if findings.builds != Findings::of(findings.machine.clone()).builds {
        files.push(json(BUILDS, &findings.builds)?);
    }
    if !findings.memory.is_empty() {
        files.push(by_lines(MEMORY, &findings.memory)?);
    }
    if let Some(layers) = &findings.layers {
        files.push(by_lines(LAYERS, layers)?);
    }
    if !findings.waldo.rows.is_empty() {
        files.push(json(WALDO, &findings.waldo)?);
    }
    if !findings.study.runs.is_empty() {
        files.push(File { path: LEARNING.to_owned(), bytes: findings.study.to_json()?.into_bytes() });
    }
    for plot in document.plots() {
        let path = format!("plots/{}.svg", plot.name);
        files.push(File { path, bytes: plot.standalone().into_bytes() });
    }
    let mut shelf = Shelf::of(findings);
    let pictures: Vec<File> = shelf
        .pictures()
        .map(|picture| File { path: path_of(picture), bytes: std::mem::take(&mut picture.bytes) })
        .collect();
    if !pictures.is_empty() {
        files.push(json(PICTURES, &shelf)?);
        files.extend(pictures);
    }
    Ok(files)
}

fn path_of(picture: &Picture) -> String {
    format!("pictures/{}", picture.file)
}

fn json<T: Serialize>(path: &'static str, value: &T) -> Result<File, Error> {
    Ok(File { path: path.to_owned(), bytes: to_json(value, path)?.into_bytes() })
}

fn by_lines<T: Serialize>(path: &'static str, value: &T) -> Result<File, Error> {
    Ok(File { path: path.to_owned(), bytes: to_json_by_lines(value, path)?.into_bytes() })
}

/// Writes the files of a report to a folder. Plots and pictures that an older report left there go.
///
/// # Errors
/// As [`files`], and [`Error::Write`].
pub fn write(findings: &Findings, folder: &Path) -> Result<(), Error> {
    let files = files(findings)?;
    for inside in ["plots", "pictures"] {
        let path = folder.join(inside);
        if path.is_dir() {
            fs::remove_dir_all(&path).map_err(|source| Error::Write { path, source })?;
        }
    }
    for file in files {
        let path = folder.join(&file.path);
        let fail = |source| Error::Write { path: path.clone(), source };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(fail)?;
        }
        fs::write(&path, &file.bytes).map_err(fail)?;
    }
    Ok(())
}

/// Reads what a report was made of from its folder.
///
/// # Errors
/// [`Error::NoReport`] for a folder that has no measurements, [`Error::Read`] and [`Error::Json`].
pub fn read(folder: &Path) -> Result<Findings, Error> {
    for name in [MACHINE, MEASUREMENTS] {
        if !folder.join(name).is_file() {
            let reason = format!("no {name} in it, wanted the folder of a report");
            return Err(Error::NoReport { folder: folder.to_owned(), reason });
        }
    }
    let mut findings = Findings::of(read_json(&folder.join(MACHINE), MACHINE)?);
    findings.records = read_json(&folder.join(MEASUREMENTS), MEASUREMENTS)?;
    findings.peers = where_there(folder, PEERS)?;
    findings.choices = where_there(folder, REGRET)?;
    if let Some(builds) = where_there(folder, BUILDS)? {
        findings.builds = builds;
    }
    findings.memory = where_there(folder, MEMORY)?.unwrap_or_default();
    findings.layers = where_there(folder, LAYERS)?;
    findings.waldo = where_there(folder, WALDO)?.unwrap_or_default();
    findings.study.runs = where_there(folder, LEARNING)?.unwrap_or_default();
    let mut shelf: Shelf = where_there(folder, PICTURES)?.unwrap_or_default();
    for picture in shelf.pictures() {
        let path = folder.join(path_of(picture));
        picture.bytes = fs::read(&path).map_err(|source| Error::Read { path, source })?;
    }
    let Shelf { photograph, filters, waldo, learning } = shelf;
    findings.pictures = photograph;
    findings.filters = filters;
    findings.waldo.pictures = waldo;
    findings.study.shown = learning;
    Ok(findings)
}

fn where_there<T: DeserializeOwned>(folder: &Path, name: &'static str) -> Result<Option<T>, Error> {
    let path = folder.join(name);
    path.is_file().then(|| read_json(&path, name)).transpose()
}

/// Reads several reports as one: the records of all of them, and the machine of the first.
///
/// # Errors
/// As [`read`]; [`Error::NoReport`] for a folder of another machine or version, or one that measured a part that
/// another has measured.
pub fn read_all(folders: &[PathBuf]) -> Result<Findings, Error> {
    let Some((first, others)) = folders.split_first() else {
        let reason = "no folder was named".to_owned();
        return Err(Error::NoReport { folder: PathBuf::new(), reason });
    };
    let mut all = read(first)?;
    for folder in others {
        let other = read(folder)?;
        let fail = |reason: String| Err(Error::NoReport { folder: folder.clone(), reason });
        for (what, found, wanted) in [
            ("processor", &other.machine.processor, &all.machine.processor),
            ("version", &other.machine.version, &all.machine.version),
            ("instruction set", &other.machine.selected, &all.machine.selected),
        ] {
            if found != wanted {
                return fail(format!("its {what} is {found}, that of {} is {wanted}", first.display()));
            }
        }
        if let Some(part) = other.machine.parts.iter().find(|part| all.machine.parts.contains(part)) {
            return fail(format!("has measured {}, and so has another of these folders", part.name()));
        }
        all.join(other);
    }
    clock::mark(&mut all.records);
    Ok(all)
}

impl Findings {
    /// Takes in another report's parts.
    fn join(&mut self, other: Findings) {
        let Findings {
            machine,
            records,
            pictures,
            filters,
            builds,
            waldo,
            study,
            peers,
            choices,
            memory,
            layers,
        } = other;
        self.machine.parts.extend(machine.parts);
        self.machine.seconds += machine.seconds;
        self.machine.command = format!("{} and {}", self.machine.command, machine.command);
        self.records.extend(records);
        if pictures.photograph.is_some() {
            self.pictures = pictures;
        }
        if !filters.exhibits.is_empty() {
            self.filters = filters;
        }
        if builds != Builds::Measured(Vec::new()) {
            self.builds = builds;
        }
        if !waldo.rows.is_empty() {
            self.waldo = waldo;
        }
        if !study.runs.is_empty() {
            self.study = study;
        }
        if let Some(peers) = peers {
            self.peers.get_or_insert_default().take(peers);
        }
        self.choices = self.choices.take().or(choices);
        self.layers = self.layers.take().or(layers);
        if !memory.is_empty() {
            self.memory = memory;
        }
    }
}
