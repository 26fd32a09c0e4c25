//! `tapwise compare`: which two sides, how they are shown, and what the exit status says.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::noise::between;
use super::verdict::Verdict;
use super::{By, Comparison, Options, compare, text};
use crate::Error;
use crate::export::command::write;
use crate::records::to_json;
use crate::report::comparison;
use crate::rows::source::{self, Source};

/// The contender that is compared unless others are named.
const OURS: &str = "tapwise";

/// The exit status of a regression that --fail-over does not allow.
const REGRESSION: u8 = 1;

/// The exit status of everything that goes wrong, as that of arguments which are not understood.
const FAILURE: u8 = 2;

/// What the user asked for.
#[derive(Debug, Clone, PartialEq, Args)]
#[command(
    after_help = "A side is the folder of a report, its measurements.json, JSON Lines of `tapwise export`, or a \
                  folder of criterion.\n\nExit status: 0 compared; 1 a regression beyond --fail-over; 2 bad usage, a \
                  side that cannot be read, or nothing to compare."
)]
pub struct Arguments {
    /// What was measured before.
    #[arg(required_unless_present = "criterion")]
    pub old: Option<PathBuf>,
    /// What was measured after.
    #[arg(required_unless_present = "criterion", conflicts_with = "criterion")]
    pub new: Option<PathBuf>,
    /// A folder of criterion, such as target/criterion, as the new side; alone, its baseline is the old side.
    #[arg(long, value_name = "DIR")]
    pub criterion: Option<PathBuf>,
    /// Which run of criterion is the old side: one that `cargo bench -- --save-baseline NAME` kept. After a run
    /// without such options base is that run itself.
    #[arg(long, value_name = "NAME", default_value = "base")]
    pub baseline: String,
    /// Which run of criterion is the new side.
    #[arg(long, value_name = "NAME", default_value = "new")]
    pub new_baseline: String,
    /// Compares shares of the FMA peak instead of times: a clock that wanders moves both.
    #[arg(long)]
    pub of_peak: bool,
    /// The smallest difference that is believed; what the reports say of their machines unless said, else 3.
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub noise: Option<f64>,
    /// A second run of what OLD is of: the difference that 19 of 20 pairs of the two stay below is what is believed.
    #[arg(long, value_name = "OLD2", conflicts_with = "noise")]
    pub noise_from: Option<PathBuf>,
    /// Groups, with commas between; all of them unless said.
    #[arg(long, value_name = "GROUPS", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Contenders, with commas between, or `all`.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = OURS)]
    pub contender: Vec<String>,
    /// How the comparison is written; html is a page of its own with a plot.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Names every pair in the text, and what only one side has.
    #[arg(long)]
    pub all: bool,
    /// The file that is written; the standard output unless said.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Ends with status 1 where a regression takes more than PERCENT longer by its whole interval.
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub fail_over: Option<f64>,
}

/// How a comparison is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a terminal of 80 columns.
    Text,
    /// For a comment on a change.
    Markdown,
    /// A page that opens from disk.
    Html,
    /// For programs.
    Json,
}

/// Percent, as a share.
fn percent(text: &str) -> Result<f64, String> {
    match text.trim().trim_end_matches('%').trim_end().parse::<f64>() {
        Ok(percent) if (0.0..=1000.0).contains(&percent) => Ok(percent / 100.0),
        _ => Err("wanted a number from 0 to 1000".to_owned()),
    }
}

/// Compares, writes, and says by its status what came of it.
#[must_use]
pub fn run(arguments: &Arguments) -> ExitCode {
    match done(arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("tapwise: {error}");
            ExitCode::from(FAILURE)
        }
    }
}

fn done(arguments: &Arguments) -> Result<ExitCode, Error> {
    let [old, new] = sides(arguments)?;
    let everyone = arguments.contender.iter().any(|name| name == "all");
    let mut options = Options {
        by: if arguments.of_peak { By::OfPeak } else { By::Time },
        only: arguments.only.clone(),
        contenders: if everyone { Vec::new() } else { arguments.contender.clone() },
        noise: arguments.noise,
        again: None,
        command: typed(),
    };
    if let Some(path) = &arguments.noise_from {
        let again = source::read(path, &arguments.baseline)?;
        options.noise = Some(between(&old, &again, &options)?);
        options.again = Some(again.label);
    }
    let comparison = compare(&old, &new, &options)?;
    let written = match arguments.format {
        Format::Text => text::text(&comparison, arguments.all),
        Format::Markdown => comparison::markdown(&comparison),
        Format::Html => comparison::html(&comparison)?,
        Format::Json => to_json(&comparison, "the comparison")?,
    };
    write(&written, arguments.out.as_deref())?;
    match arguments.fail_over {
        Some(limit) => judged(&comparison, limit),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// The command as it was typed, words with spaces between quotes.
fn typed() -> String {
    let words = std::env::args().skip(1);
    let words = words.map(|word| if word.contains(' ') { format!("'{word}'") } else { word });
    std::iter::once("tapwise".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

/// Whether the comparison passes.
fn judged(comparison: &Comparison, limit: f64) -> Result<ExitCode, Error> {
    if comparison.with(Verdict::Unknown).len() == comparison.changes.len() {
        return Err(Error::Unjudged { pairs: comparison.changes.len() });
    }
    let worse = comparison.worse_than(limit).len();
    if worse == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    let verb = if worse == 1 { "measurement takes" } else { "measurements take" };
    let held = if comparison.by == By::OfPeak { ", held to the peak beside" } else { "" };
    eprintln!("tapwise: {worse} {verb} more than {} % longer than before{held}", 100.0 * limit);
    Ok(ExitCode::from(REGRESSION))
}

/// The two sides.
fn sides(arguments: &Arguments) -> Result<[Source; 2], Error> {
    let Arguments { old, new, criterion, baseline, new_baseline, .. } = arguments;
    // Clap refuses arguments that leave one of the sides open.
    let open = Path::new("");
    let before = match (old, criterion) {
        (None, Some(folder)) => source::of_criterion(folder, baseline)?,
        (old, _) => source::read(old.as_deref().unwrap_or(open), baseline)?,
    };
    let after = match (new, criterion) {
        (_, Some(folder)) => source::of_criterion(folder, new_baseline)?,
        (new, _) => source::read(new.as_deref().unwrap_or(open), new_baseline)?,
    };
    Ok([before, after])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents_are_shares() {
        assert_eq!(percent("5"), Ok(0.05));
        assert_eq!(percent(" 2.5 %"), Ok(0.025));
        for wrong in ["-1", "many", "NaN", "inf", ""] {
            assert!(percent(wrong).is_err(), "{wrong}");
        }
    }
}
