//! An explanation as a person reads it.

use std::fmt;

use super::{Borders, Explanation, Verdict};
use crate::kernel::Family;
use crate::strategy::Strategy;
use crate::tuning::Origin;

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let threads = self.machine.threads;
        let plural = if threads == 1 { "" } else { "s" };
        writeln!(f, "{} on {}, {threads} thread{plural}", self.shape, self.machine.isa)?;
        if let Some(error) = &self.error {
            return entry(f, "  cannot run: ", &error.to_string());
        }
        writeln!(f, "  {:<13}{:>9}{:>10}{:>10}", "strategy", "time", "scratch", "weights")?;
        for (index, candidate) in self.candidates.iter().enumerate() {
            if candidate.tile.is_some() && self.first_of(candidate.strategy) != Some(index) {
                continue;
            }
            let seconds = candidate.measured.or(candidate.seconds);
            let cost = seconds.map_or_else(|| "-".to_owned(), time);
            let [scratch, weights] = match seconds {
                Some(_) => [candidate.workspace_bytes.scratch, candidate.workspace_bytes.weights].map(bytes),
                None => ["-", "-"].map(str::to_owned),
            };
            let mut verdict = match &candidate.verdict {
                Verdict::Chosen => format!("chosen: {}", candidate.kernel),
                Verdict::Slower => {
                    let best = self.chosen().and_then(|chosen| chosen.measured.or(chosen.seconds));
                    match (seconds, best) {
                        (Some(seconds), Some(best)) if best > 0.0 => {
                            format!("{:.2} times as long: {}", seconds / best, candidate.kernel)
                        }
                        _ => "slower".to_owned(),
                    }
                }
                Verdict::Refused(reason) => format!("refused: {reason}"),
            };
            if let (Some(_), Some(predicted)) = (candidate.measured, candidate.seconds) {
                verdict += &format!(" (predicted: {})", time(predicted));
            }
            let name = candidate.strategy.name();
            entry(f, &format!("  {name:<13}{cost:>9}{scratch:>10}{weights:>10}  "), &verdict)?;
            if candidate.verdict == Verdict::Chosen
                && let Some(schedule) = &candidate.schedule
            {
                entry(f, &" ".repeat(46), schedule)?;
            }
            let tiles = self.candidates.iter().filter(|other| other.strategy == candidate.strategy);
            let others = tiles.filter(|other| other.tile.is_some()).count().saturating_sub(1);
            if others > 0 {
                entry(f, &" ".repeat(46), &format!("{others} other tiles are slower or refused"))?;
            }
        }
        match (self.bands, self.parts) {
            _ if self.shares > 1 => writeln!(
                f,
                "  threads   {} shares of up to {} of {} channels",
                self.shares, self.channels, self.shape.spec.c_out
            )?,
            (0 | 1, 0 | 1) => {
                writeln!(f, "  threads   one: the work is too small to split, or there is no other")?
            }
            (0 | 1, parts) => {
                writeln!(f, "  threads   {parts} parts of up to {} columns", self.columns)?;
            }
            (bands, _) => writeln!(
                f,
                "  threads   {bands} bands of up to {} of {} rows",
                self.rows.div_ceil(bands),
                self.rows
            )?,
        }
        let along_row = self.chosen().is_some_and(|chosen| chosen.family == Some(Family::AlongRow));
        let interleaved = match self.chosen().map(|chosen| chosen.borders) {
            Some(Borders::Cut { left, right }) => format!(
                "its rows are read in place, but for {left} pixels at the left and {right} at the right that read \
                 padded copies of a few columns"
            ),
            Some(Borders::Joined) => "its rows are read in place, all of them as one long row".to_owned(),
            Some(Borders::Tiles) => {
                "its tiles are read in place, but for those over the border, which read padded \
                                    copies"
                    .to_owned()
            }
            Some(Borders::Signals) => "each row is laid out as the signals that are transformed".to_owned(),
            Some(Borders::Staged) if along_row => {
                "its rows are parted into padded planes in scratch, a few at a time".to_owned()
            }
            Some(Borders::Staged) => "its rows are padded in scratch, a few at a time".to_owned(),
            _ => "its rows are read in place".to_owned(),
        };
        entry(f, "  memory    ", &format!("channels last: {interleaved}"))?;
        let planar = if along_row {
            "planar: rows are read in place, but for their ends where they are padded"
        } else {
            "planar: rows are interleaved in scratch, a few at a time; the picture is not copied"
        };
        entry(f, "            ", planar)?;
        entry(f, "            ", "any other order: each row is gathered once")?;
        let costs = match &self.costs {
            Origin::Shipped => {
                format!("predicted for {threads} thread{plural} from shipped coefficients, not measured")
            }
            Origin::Refused { file, reason } => format!(
                "predicted for {threads} thread{plural} from shipped coefficients; the tuning {file} is refused: {reason}"
            ),
            Origin::Tuned { file } => {
                format!("predicted for {threads} thread{plural} from the tuning {file}")
            }
            Origin::Measured => format!("measured on this machine, on {threads} thread{plural}"),
        };
        entry(f, "  costs     ", &costs)
    }
}

impl Explanation {
    /// The place of a strategy's first candidate.
    fn first_of(&self, strategy: Strategy) -> Option<usize> {
        self.candidates.iter().position(|candidate| candidate.strategy == strategy)
    }
}

/// Predicted seconds as a person would write them.
fn time(seconds: f64) -> String {
    match seconds {
        s if s < 1e-3 => format!("{:.1} us", s * 1e6),
        s if s < 1.0 => format!("{:.2} ms", s * 1e3),
        s => format!("{s:.2} s"),
    }
}

/// Bytes as a person would write them.
fn bytes(bytes: usize) -> String {
    match bytes as f64 / 1024.0 {
        kilo if kilo < 1.0 => format!("{bytes} B"),
        kilo if kilo < 1024.0 => format!("{kilo:.1} KiB"),
        kilo if kilo < 1024.0 * 1024.0 => format!("{:.1} MiB", kilo / 1024.0),
        kilo => format!("{:.1} GiB", kilo / 1024.0 / 1024.0),
    }
}

/// A label and a text wrapped to a terminal, continued under its own beginning.
fn entry(f: &mut fmt::Formatter<'_>, label: &str, text: &str) -> fmt::Result {
    const WIDTH: usize = 96;
    f.write_str(label)?;
    let mut column = label.len();
    for (index, word) in text.split(' ').enumerate() {
        if index > 0 && column + 1 + word.len() > WIDTH {
            write!(f, "\n{}", " ".repeat(label.len()))?;
            column = label.len();
        } else if index > 0 {
            f.write_str(" ")?;
            column += 1;
        }
        f.write_str(word)?;
        column += word.len();
    }
    writeln!(f)
}
