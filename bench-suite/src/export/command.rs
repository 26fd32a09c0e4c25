//! `tapwise export`: the measurements of a report, or of criterion, as JSON Lines or CSV.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Format, text};
use crate::Error;
use crate::rows::{COLUMNS, source};

/// What the user asked for.
#[derive(Debug, Clone, PartialEq, Args)]
#[command(after_long_help = columns())]
pub struct Arguments {
    /// The folder of a report, its measurements.json, or a folder of criterion.
    #[arg(value_name = "DIR", required_unless_present = "criterion", conflicts_with = "criterion")]
    pub source: Option<PathBuf>,
    /// A folder of criterion, such as target/criterion.
    #[arg(long, value_name = "DIR")]
    pub criterion: Option<PathBuf>,
    /// Which run of criterion: new, the last one, or a baseline that was saved.
    #[arg(long, value_name = "NAME", default_value = "new")]
    pub baseline: String,
    /// A line for each measurement: an object of JSON, or fields of CSV.
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    pub format: Format,
    /// The file that is written; the standard output unless said.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Reads, and writes.
///
/// # Errors
/// As [`source::read`] and [`super::text`], and [`Error::Write`].
pub fn run(arguments: &Arguments) -> Result<(), Error> {
    let Arguments { source, criterion, baseline, format, out } = arguments;
    let read = match (criterion, source) {
        (Some(folder), _) => source::of_criterion(folder, baseline)?,
        // One of them is there, or the arguments are refused.
        (None, source) => source::read(source.as_deref().unwrap_or(Path::new(".")), baseline)?,
    };
    write(&text(&read.rows, *format)?, out.as_deref())
}

/// Writes to a file, or to the standard output; that nobody reads it to the end is no failure.
///
/// # Errors
/// [`Error::Write`].
pub fn write(text: &str, out: Option<&Path>) -> Result<(), Error> {
    let Some(path) = out else {
        let mut out = std::io::stdout().lock();
        return match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(source) if source.kind() != ErrorKind::BrokenPipe => {
                Err(Error::Write { path: PathBuf::from("the standard output"), source })
            }
            _ => Ok(()),
        };
    };
    std::fs::write(path, text).map_err(|source| Error::Write { path: path.to_owned(), source })
}

/// What the columns hold.
fn columns() -> String {
    let mut text = "Columns, null or empty where the source does not say:\n".to_owned();
    for (name, what) in COLUMNS {
        text.push_str(&format!("  {name:<17} {what}\n"));
    }
    text
}
