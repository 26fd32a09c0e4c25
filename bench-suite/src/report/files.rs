//! A report as files: written to a folder, and read from one.

use std::collections::HashSet;
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
use crate::records::{Builds, read_json, read_table, to_json, to_json_by_lines, to_table};

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
        File {
            path: MEASUREMENTS.to_owned(),
            bytes: to_table(&findings.records, MEASUREMENTS)?.into_bytes(),
        },
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

/// Writes the files of a report to a folder, each as a whole or not at all. Plots and pictures that an older report
/// left there go, once the new ones are there.
///
/// # Errors
/// As [`files`], and [`Error::Write`].
pub fn write(findings: &Findings, folder: &Path) -> Result<(), Error> {
    let mut kept = HashSet::new();
    for file in files(findings)? {
        let path = folder.join(&file.path);
        whole(&path, &file.bytes).map_err(|source| Error::Write { path: path.clone(), source })?;
        kept.insert(path);
    }
    for inside in ["plots", "pictures"] {
        let Ok(found) = fs::read_dir(folder.join(inside)) else { continue };
        for path in found.flatten().map(|entry| entry.path()).filter(|path| !kept.contains(path)) {
            fs::remove_file(&path).map_err(|source| Error::Write { path, source })?;
        }
        if !kept.iter().any(|path| path.starts_with(folder.join(inside))) {
            let path = folder.join(inside);
            fs::remove_dir(&path).map_err(|source| Error::Write { path, source })?;
        }
    }
    Ok(())
}

/// Writes a file beside what has its name, and gives it the name when it is whole: a disk that is full leaves the
/// old one.
fn whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let fresh = path.with_file_name(name);
    let written = fs::write(&fresh, bytes).and_then(|()| fs::rename(&fresh, path));
    if written.is_err() {
        // Of two failures the first one is told.
        let _ = fs::remove_file(&fresh);
    }
    written
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
    findings.records = read_table(&folder.join(MEASUREMENTS), MEASUREMENTS)?;
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

#[cfg(test)]
mod tests {
    use super::super::tests::{filtered, findings, measured_choices};
    use super::*;
    use crate::parts::Part;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().flatten();
        let mut names: Vec<String> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_that_cannot_be_written_leaves_what_was_there() {
        let folder = std::env::temp_dir().join(format!("tapwise-files-{}", std::process::id()));
        let mut found = findings();
        write(&found, &folder).unwrap();
        let before = names(&folder);
        // No file can take the place of a folder.
        fs::remove_file(folder.join(MACHINE)).unwrap();
        fs::create_dir_all(folder.join(MACHINE)).unwrap();
        found.pictures = Pictures::default();
        let error = write(&found, &folder).unwrap_err();
        assert!(matches!(&error, Error::Write { path, .. } if path.ends_with(MACHINE)), "{error}");
        assert_eq!(names(&folder), before);
        assert!(folder.join("pictures/photograph.jpg").is_file());
        // What another report left goes once the new one is there.
        fs::remove_dir(folder.join(MACHINE)).unwrap();
        write(&found, &folder).unwrap();
        assert!(!folder.join("pictures/photograph.jpg").exists());
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_report_is_drawn_again_from_its_folder() {
        let findings = Findings { choices: Some(measured_choices()), ..filtered() };
        let folder = std::env::temp_dir().join(format!("tapwise-records-{}", std::process::id()));
        write(&findings, &folder).unwrap();
        let again = read(&folder).unwrap();
        assert_eq!(again, findings);
        // What is drawn again is what was drawn.
        assert!(files(&again).unwrap() == files(&findings).unwrap());
        fs::remove_file(folder.join("machine.json")).unwrap();
        let error = read(&folder).unwrap_err().to_string();
        assert!(error.contains("no machine.json in it"), "{error}");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn reports_of_one_machine_are_one_report() {
        let folder = |name: &str| std::env::temp_dir().join(format!("tapwise-{name}-{}", std::process::id()));
        let folders = ["first", "second"].map(folder);
        let mut first = findings();
        first.machine.parts = vec![Part::Sweeps];
        let mut second = Findings::of(first.machine.clone());
        second.machine.parts = vec![Part::Regret];
        (second.machine.seconds, second.choices) = (30.0, Some(measured_choices()));
        write(&first, &folders[0]).unwrap();
        write(&second, &folders[1]).unwrap();
        let both = read_all(&folders).unwrap();
        assert_eq!(both.machine.parts, [Part::Sweeps, Part::Regret]);
        assert_eq!((both.records.len(), both.machine.seconds), (first.records.len(), 90.0));
        assert!(both.choices.is_some());

        let twice = read_all(&[folders[0].clone(), folders[0].clone()]).unwrap_err().to_string();
        assert!(twice.contains("has measured sweeps"), "{twice}");
        second.machine.processor = "another".to_owned();
        write(&second, &folders[1]).unwrap();
        let other = read_all(&folders).unwrap_err().to_string();
        assert!(other.contains("its processor is another"), "{other}");
        for folder in folders {
            fs::remove_dir_all(folder).unwrap();
        }
    }
}
