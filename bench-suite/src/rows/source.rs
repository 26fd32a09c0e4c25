//! Where rows come from: the folder of a report, its `measurements.json`, JSON Lines, or a folder of criterion.

use std::fs;
use std::path::Path;

use super::{Row, criterion};
use crate::machine::Machine;
use crate::records::{Record, from_table};
use crate::{Error, clock};

/// Rows, and what they were read from.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// The path as it was given, with the baseline where it is a folder of criterion.
    pub label: String,
    /// The rows, at least one.
    pub rows: Vec<Row>,
}

/// Reads whatever kind of file or folder is there; `baseline` is what is read of a folder of criterion.
///
/// # Errors
/// [`Error::Read`], [`Error::JsonFile`], [`Error::JsonLine`], [`Error::Figure`], [`Error::NoBaseline`], and
/// [`Error::NoMeasurements`] for what holds none.
pub fn read(path: &Path, baseline: &str) -> Result<Source, Error> {
    let label = path.display().to_string();
    let fail = |source| Error::Read { path: path.to_owned(), source };
    if !fs::metadata(path).map_err(fail)?.is_dir() {
        return Ok(Source { label, rows: file(path)? });
    }
    let measurements = path.join("measurements.json");
    if measurements.is_file() {
        return Ok(Source { label, rows: file(&measurements)? });
    }
    if criterion::baselines(path)?.is_empty() {
        return Err(none(path, "neither measurements.json nor a benchmark of criterion is in it"));
    }
    of_criterion(path, baseline)
}

/// Reads a folder of criterion.
///
/// # Errors
/// As [`criterion::read`].
pub fn of_criterion(path: &Path, baseline: &str) -> Result<Source, Error> {
    let label = format!("{} ({baseline})", path.display());
    Ok(Source { label, rows: criterion::read(path, baseline)? })
}

/// A file: records as a table or a list, or a row in each line.
fn file(path: &Path) -> Result<Vec<Row>, Error> {
    let text = fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    let begin = text.trim_start();
    // An object in a line of its own is a row, one over several lines a table.
    let whole = begin.lines().next().is_some_and(|line| line.trim_end().ends_with('}'));
    let rows = match begin.chars().next() {
        Some('{') if whole => lines(path, &text)?,
        Some('[' | '{') => records(path, &text)?,
        Some(_) => return Err(none(path, "it is no JSON")),
        None => return Err(none(path, "it is empty")),
    };
    if rows.is_empty() {
        return Err(none(path, "its list is empty"));
    }
    rows.into_iter().map(|row| row.validated(path)).collect()
}

/// `measurements.json`, with the `machine.json` beside it if there is one.
fn records(path: &Path, text: &str) -> Result<Vec<Row>, Error> {
    let mut records: Vec<Record> =
        from_table(text).map_err(|source| Error::JsonFile { path: path.to_owned(), source })?;
    let beside = path.with_file_name("machine.json");
    let machine: Option<Machine> = if beside.is_file() {
        let text =
            fs::read_to_string(&beside).map_err(|source| Error::Read { path: beside.clone(), source })?;
        Some(serde_json::from_str(&text).map_err(|source| Error::JsonFile { path: beside, source })?)
    } else {
        None
    };
    // Reports of older versions do not say which of theirs were slowed down.
    clock::mark(&mut records);
    Ok(records.into_iter().map(|record| Row::of(record, machine.as_ref())).collect())
}

/// JSON Lines, as `tapwise export` writes them.
fn lines(path: &Path, text: &str) -> Result<Vec<Row>, Error> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            serde_json::from_str(line).map_err(|source| Error::JsonLine {
                path: path.to_owned(),
                line: number + 1,
                source,
            })
        })
        .collect()
}

fn none(path: &Path, found: &'static str) -> Error {
    Error::NoMeasurements { path: path.to_owned(), found }
}
