//! What a run has measured so far, in a file of its own: a run that is stopped half-way loses nothing but
//! the measurement that it was at, and `--resume` goes on from there.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Error;

/// The name of the file in a report's folder; it goes when the report is written.
pub const FILE: &str = "unfinished.jsonl";

/// A line of the file: what was measured, what came out, and how many seconds it took.
#[derive(Debug, Serialize, Deserialize)]
struct Entry<T> {
    key: String,
    seconds: f64,
    value: T,
}

/// What was measured before the run was stopped.
#[derive(Debug, Default)]
struct Done {
    seconds: f64,
    value: Value,
}

/// The measurements of one run.
#[derive(Debug)]
pub struct Journal {
    command: String,
    /// Measured before the run was stopped.
    done: HashMap<String, Done>,
    /// Seconds of all measurements.
    seconds: Mutex<f64>,
    /// Where the rest goes; nowhere in a run that leaves nothing behind.
    file: Option<(PathBuf, Mutex<File>)>,
}

/// The key of what a run was asked for.
const REQUEST: &str = "request";

impl Journal {
    /// A run of `command` that leaves nothing behind.
    #[must_use]
    pub fn none(command: &str) -> Self {
        Journal { command: command.to_owned(), done: HashMap::new(), seconds: Mutex::new(0.0), file: None }
    }

    /// Begins a run in a folder that exists; what another run left there is forgotten.
    ///
    /// # Errors
    /// [`Error::Write`], and [`Error::Json`], which is not known to happen.
    pub fn begin<T: Serialize>(folder: &Path, command: &str, request: &T) -> Result<Self, Error> {
        let path = folder.join(FILE);
        let file = File::create(&path).map_err(|source| Error::Write { path: path.clone(), source })?;
        let journal = Journal { file: Some((path, Mutex::new(file))), ..Journal::none(command) };
        journal.note(REQUEST, 0.0, request)?;
        Ok(journal)
    }

    /// Goes on with the run that was stopped in a folder; the second value is what it was asked for. A line
    /// that was being written when it was stopped is dropped.
    ///
    /// # Errors
    /// [`Error::NothingToResume`] where no run was stopped, [`Error::Read`], [`Error::Write`] and
    /// [`Error::Json`].
    pub fn resume<T: DeserializeOwned>(
        folder: &Path,
        command: impl FnOnce(&T) -> String,
    ) -> Result<(Self, T), Error> {
        let path = folder.join(FILE);
        let done = read(&path)?;
        let request = done.get(REQUEST).map(|done| done.value.clone()).unwrap_or_default();
        let request: T = serde_json::from_value(request).map_err(json)?;
        // What is whole is written again: the last line may not be.
        let again = |done: &HashMap<String, Done>| -> std::io::Result<File> {
            let fresh = path.with_extension("new");
            let mut file = File::create(&fresh)?;
            for (key, Done { seconds, value }) in done {
                let line = serde_json::to_string(&Entry { key: key.clone(), seconds: *seconds, value })?;
                file.write_all((line + "\n").as_bytes())?;
            }
            file.sync_all()?;
            fs::rename(&fresh, &path)?;
            OpenOptions::new().append(true).open(&path)
        };
        let file = again(&done).map_err(|source| Error::Write { path: path.clone(), source })?;
        let seconds = Mutex::new(done.values().map(|done| done.seconds).sum());
        let journal =
            Journal { command: command(&request), done, seconds, file: Some((path, Mutex::new(file))) };
        Ok((journal, request))
    }

    /// The command of the run, as it was typed.
    #[must_use]
    pub fn command(&self) -> &str {
        &self.command
    }

    /// How many measurements were found.
    #[must_use]
    pub fn found(&self) -> usize {
        self.done.len().saturating_sub(1)
    }

    /// What `measure` gives, to six digits; where the run has measured it before, what it gave then.
    ///
    /// # Errors
    /// Those of `measure`, [`Error::Write`] where the file cannot take it, and [`Error::Json`].
    pub fn once<T: Serialize + DeserializeOwned>(
        &self,
        key: &str,
        measure: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        if let Some(done) = self.done.get(key) {
            return serde_json::from_value(done.value.clone()).map_err(json);
        }
        let start = Instant::now();
        let mut value = serde_json::to_value(measure()?).map_err(json)?;
        let seconds = start.elapsed().as_secs_f64();
        *self.seconds.lock().unwrap_or_else(PoisonError::into_inner) += seconds;
        shorten(&mut value);
        self.note(key, seconds, &value)?;
        serde_json::from_value(value).map_err(json)
    }

    /// Seconds that everything took that was measured, also before the run was stopped.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        *self.seconds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note<T: Serialize>(&self, key: &str, seconds: f64, value: &T) -> Result<(), Error> {
        let Some((path, file)) = &self.file else { return Ok(()) };
        let line =
            serde_json::to_string(&Entry { key: key.to_owned(), seconds, value }).map_err(json)? + "\n";
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(line.as_bytes()).map_err(|source| Error::Write { path: path.clone(), source })
    }

    /// The report is written: the file has done its work.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn finish(self) -> Result<(), Error> {
        let Some((path, _)) = self.file else { return Ok(()) };
        fs::remove_file(&path).map_err(|source| Error::Write { path, source })
    }
}

fn json(source: serde_json::Error) -> Error {
    Error::Json { what: FILE, source }
}

/// Takes every number that is not whole to six digits: more than any clock tells.
fn shorten(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            let short = number.as_f64().and_then(|long| format!("{long:.5e}").parse().ok());
            if let Some(short) = short.and_then(serde_json::Number::from_f64) {
                *number = short;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(shorten),
        Value::Object(fields) => fields.values_mut().for_each(shorten),
        _ => {}
    }
}

/// The lines of a file that are whole.
fn read(path: &Path) -> Result<HashMap<String, Done>, Error> {
    let fail = |source| Error::Read { path: path.to_owned(), source };
    let file = match File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::NothingToResume { folder: path.parent().unwrap_or(path).to_owned() });
        }
        opened => opened.map_err(fail)?,
    };
    let mut done = HashMap::new();
    for line in BufReader::new(file).lines() {
        let line = line.map_err(fail)?;
        match serde_json::from_str::<Entry<Value>>(&line) {
            Ok(Entry { key, seconds, value }) => done.insert(key, Done { seconds, value }),
            Err(_) => break,
        };
    }
    Ok(done)
}

/// The newest folder in `reports` that a run was stopped in.
///
/// # Errors
/// [`Error::NothingToResume`].
pub fn newest(reports: &Path) -> Result<PathBuf, Error> {
    let nothing = || Error::NothingToResume { folder: reports.to_owned() };
    let folders = fs::read_dir(reports).map_err(|_| nothing())?.flatten();
    let stopped = folders.filter_map(|folder| {
        let changed = fs::metadata(folder.path().join(FILE)).ok()?.modified().ok()?;
        Some((changed, folder.path()))
    });
    stopped.max().map(|(_, folder)| folder).ok_or_else(nothing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_goes_on_where_it_was_stopped() {
        let folder = std::env::temp_dir().join(format!("tapwise-journal-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let missing = Journal::resume::<u32>(&folder, |_| String::new()).unwrap_err();
        assert!(matches!(missing, Error::NothingToResume { .. }), "{missing}");
        let journal = Journal::begin(&folder, "a command", &7u32).unwrap();
        // Resumed or not, a measurement is the same.
        assert_eq!(journal.once("seventh", || Ok(1.0 / 7.0)).unwrap(), 0.142857);
        let failed = journal.once::<u32>("broken", || Err(Error::NoShapes { path: "list".into() }));
        assert!(failed.is_err());
        drop(journal);
        // Stopped in the middle of a line.
        let path = folder.join(FILE);
        let mut text = fs::read_to_string(&path).unwrap();
        text.push_str("{\"key\":\"half\",\"val");
        fs::write(&path, text).unwrap();
        assert_eq!(newest(folder.parent().unwrap()).unwrap(), folder);

        let (journal, request) = Journal::resume::<u32>(&folder, |request| format!("{request}")).unwrap();
        assert_eq!((request, journal.command(), journal.found()), (7, "7", 1));
        let again: f64 = journal.once("seventh", || panic!("measured twice")).unwrap();
        assert_eq!(again, 0.142857);
        assert_eq!(journal.once("half", || Ok(1u32)).unwrap(), 1);
        drop(journal);
        let (journal, _) = Journal::resume::<u32>(&folder, |_| String::new()).unwrap();
        assert_eq!(journal.found(), 2);
        journal.finish().unwrap();
        assert!(!path.exists());
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let error = Journal::begin(Path::new("no/such/folder"), "", &0).unwrap_err().to_string();
        assert!(error.contains("unfinished.jsonl"), "{error}");
    }
}
