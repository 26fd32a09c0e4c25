//! The folder that criterion keeps its measurements in, `target/criterion`, as rows.
//!
//! Each benchmark has a folder, and in it one for each baseline: `new` of the last run, `base` of the one
//! before or, once a run is over, again of the last one, and those of `--save-baseline NAME`. In a baseline,
//! `benchmark.json` names the benchmark, `sample.json` has the nanoseconds of each sample, `estimates.json`
//! the median with its interval. Threads, kernels, operations and errors are not in these files.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tapwise::Shape;

use super::Row;
use crate::Error;

/// Folders inside one another that are looked through: criterion nests no more than group, function and value.
const DEPTH: usize = 6;

const NANOSECOND: f64 = 1e-9;

/// What `benchmark.json` has and is needed here.
#[derive(Deserialize)]
struct Benchmark {
    group_id: String,
    function_id: Option<String>,
    value_str: Option<String>,
}

/// What `sample.json` has.
#[derive(Deserialize)]
struct Sample {
    iters: Vec<f64>,
    times: Vec<f64>,
}

/// What `estimates.json` has and is needed here.
#[derive(Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    point_estimate: f64,
    confidence_interval: Confidence,
}

#[derive(Deserialize)]
struct Confidence {
    lower_bound: f64,
    upper_bound: f64,
}

/// The folders of all baselines of all benchmarks below a folder, in the order of their names.
///
/// # Errors
/// [`Error::Read`] for a folder that cannot be listed.
pub fn baselines(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    walk(folder, DEPTH, &mut found)?;
    Ok(found)
}

fn walk(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), Error> {
    let fail = |source| Error::Read { path: folder.to_owned(), source };
    let mut inside = Vec::new();
    for entry in fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        // Links are not followed, so that the walk ends.
        if entry.file_type().map_err(fail)?.is_dir() {
            inside.push(entry.path());
        }
    }
    inside.sort();
    for path in inside {
        if path.join("benchmark.json").is_file() {
            found.push(path);
        } else if depth > 0 {
            walk(&path, depth - 1, found)?;
        }
    }
    Ok(())
}

/// The measurements of one baseline.
///
/// # Errors
/// [`Error::NoBaseline`] where no benchmark has it, [`Error::Read`], [`Error::JsonFile`] and [`Error::Figure`].
pub fn read(folder: &Path, baseline: &str) -> Result<Vec<Row>, Error> {
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let all = baselines(folder)?;
    let rows: Vec<Row> = all
        .iter()
        .filter(|path| name(path).is_some_and(|name| name == baseline))
        .map(|path| row(path))
        .collect::<Result<_, _>>()?;
    if rows.is_empty() {
        let found: BTreeSet<String> = all.iter().filter_map(|path| name(path)).collect();
        return Err(Error::NoBaseline {
            path: folder.to_owned(),
            wanted: baseline.to_owned(),
            found: found.into_iter().collect(),
        });
    }
    Ok(rows)
}

/// The row of one baseline of one benchmark.
fn row(folder: &Path) -> Result<Row, Error> {
    let Benchmark { group_id, function_id, value_str } = json(&folder.join("benchmark.json"))?;
    let Estimates { median } = json(&folder.join("estimates.json"))?;
    let path = folder.join("sample.json");
    let Sample { iters, times } = json(&path)?;
    if iters.len() != times.len() {
        return Err(Error::SampleLengths { path, iters: iters.len(), times: times.len() });
    }
    let rounds_s: Vec<f64> = times.iter().zip(&iters).map(|(time, runs)| time / runs * NANOSECOND).collect();
    let (isa, shape) = value(value_str.unwrap_or_default());
    Row {
        strategy: function_id.unwrap_or_else(|| group_id.clone()),
        group: group_id,
        shape,
        isa,
        median_s: median.point_estimate * NANOSECOND,
        low_s: Some(median.confidence_interval.lower_bound * NANOSECOND),
        high_s: Some(median.confidence_interval.upper_bound * NANOSECOND),
        min_s: rounds_s.iter().copied().min_by(f64::total_cmp),
        samples: Some(rounds_s.len()),
        rounds_s,
        ..Row::default()
    }
    .validated(&path)
}

/// The instruction set and the descriptor, where a value is both, as in the benches of this crate: `avx2 h56w56
/// c64x64 k3x3`.
fn value(value: String) -> (Option<String>, String) {
    match value.split_once(' ') {
        Some((isa, shape)) if shape.parse::<Shape>().is_ok() => (Some(isa.to_owned()), shape.to_owned()),
        _ => (None, value),
    }
}

fn json<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let text = fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    serde_json::from_str(&text).map_err(|source| Error::JsonFile { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_our_benches_are_taken_apart() {
        let (isa, shape) = value("avx2 h56w56 c64x64 k3x3".to_owned());
        assert_eq!((isa.as_deref(), shape.as_str()), (Some("avx2"), "h56w56 c64x64 k3x3"));
        for other in ["", "128", "two words", "h56w56 c64x64 k3x3"] {
            assert_eq!(value(other.to_owned()), (None, other.to_owned()));
        }
    }
}
