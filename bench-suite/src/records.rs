//! What was measured, as it is written to `measurements.json` and read back.

mod table;

use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Error;

/// One contender on one problem.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The one-line descriptor of the problem.
    pub shape: String,
    /// What it was measured for, one of [`crate::problems::group`].
    pub group: String,
    /// Whose code ran: `tapwise`, or the name of another library.
    pub contender: String,
    /// The strategy that was asked for.
    pub strategy: String,
    /// The kernel that ran.
    pub kernel: String,
    /// The instruction set.
    pub isa: String,
    /// Threads that it could use.
    pub threads: usize,
    /// Seconds of one run: the median of the samples.
    pub median_s: f64,
    /// Seconds of the fastest sample.
    pub min_s: f64,
    /// Samples taken, each the mean of as many runs as fill a millisecond or more.
    pub samples: usize,
    /// The samples over the median, in their order, at most [`crate::statistics::KEPT`]: where more were
    /// taken, medians of neighbours.
    #[serde(default)]
    pub rounds: Vec<f64>,
    /// GFLOP/s: two operations for every multiply-add of the direct sum, over the median.
    pub gflops: f64,
    /// The FMA peak of one core measured between the samples, times the threads.
    pub peak_gflops: f64,
    /// `gflops` over `peak_gflops`.
    pub fraction_of_peak: f64,
    /// The largest error against f64, over the root mean square of the output.
    pub max_error: f64,
    /// Which outputs were checked.
    pub checked: String,
    /// Whether the core was slower than it can be meanwhile, see [`crate::clock`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub slowed: bool,
    /// The command that made the record.
    pub command: String,
}

impl Record {
    /// Seconds of the rounds that are kept.
    #[must_use]
    pub fn rounds_s(&self) -> Vec<f64> {
        self.rounds.iter().map(|round| round * self.median_s).collect()
    }
}

/// What one annotated kernel adds to a release build.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BuildCost {
    /// The descriptor of the layer, without a picture.
    pub shape: String,
    /// Kernels that the annotation generates, one for each instruction set of the architecture.
    pub kernels: usize,
    /// Seconds that it adds to a release build.
    pub seconds: f64,
    /// Bytes that it adds to the program's code.
    pub code_bytes: u64,
    /// Multiply-adds that are unrolled in the kernels.
    pub fmas: usize,
}

/// The build table, or the reason why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Builds {
    /// One row for each shape.
    Measured(Vec<BuildCost>),
    /// It could not be measured here.
    Impossible(String),
}

/// A value as JSON, one that a person can read.
///
/// # Errors
/// [`Error::Json`] for numbers that JSON does not have.
pub fn to_json<T: Serialize>(value: &T, what: &'static str) -> Result<String, Error> {
    let text = serde_json::to_string_pretty(value).map_err(|source| Error::Json { what, source })?;
    Ok(text + "\n")
}

/// Lists of a value as JSON, an entry a line: files of many records stay small.
///
/// # Errors
/// As [`to_json`].
pub fn to_json_by_lines<T: Serialize>(value: &T, what: &'static str) -> Result<String, Error> {
    let fail = |source| Error::Json { what, source };
    let list = |entries: &[serde_json::Value]| -> Result<String, Error> {
        let lines: Result<Vec<String>, _> = entries.iter().map(serde_json::to_string).collect();
        Ok(format!("[\n{}\n]", lines.map_err(fail)?.join(",\n")))
    };
    let text = match serde_json::to_value(value).map_err(fail)? {
        serde_json::Value::Array(entries) => list(&entries)?,
        serde_json::Value::Object(fields) => {
            let mut parts = Vec::new();
            for (name, value) in &fields {
                let value = match value {
                    serde_json::Value::Array(entries) => list(entries)?,
                    other => serde_json::to_string(other).map_err(fail)?,
                };
                parts.push(format!("{}: {value}", serde_json::to_string(name).map_err(fail)?));
            }
            format!("{{\n{}\n}}", parts.join(",\n"))
        }
        other => serde_json::to_string(&other).map_err(fail)?,
    };
    Ok(text + "\n")
}

/// Records as a table in JSON: the names of their fields and what is the same in all of them once, then a line each.
///
/// # Errors
/// [`Error::Json`] for numbers that JSON does not have.
pub fn to_table(records: &[Record], what: &'static str) -> Result<String, Error> {
    let fail = |source| Error::Json { what, source };
    let values = records.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>().map_err(fail)?;
    table::pack(&values).map_err(fail)
}

/// Reads records that [`to_table`] wrote, or a plain list of them.
///
/// # Errors
/// [`Error::Read`] and [`Error::Json`].
pub fn read_table(path: &Path, what: &'static str) -> Result<Vec<Record>, Error> {
    let text = fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    from_table(&text).map_err(|source| Error::Json { what, source })
}

/// The records of what [`to_table`] wrote, or of a plain list of them.
///
/// # Errors
/// What is no JSON, and records that lack a field.
pub fn from_table(text: &str) -> Result<Vec<Record>, serde_json::Error> {
    serde_json::from_value(table::unpack(serde_json::from_str(text)?))
}

/// Reads a file that [`to_json`] or [`to_json_by_lines`] wrote.
///
/// # Errors
/// [`Error::Read`] and [`Error::Json`].
pub fn read_json<T: DeserializeOwned>(path: &Path, what: &'static str) -> Result<T, Error> {
    let text = fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    serde_json::from_str(&text).map_err(|source| Error::Json { what, source })
}
