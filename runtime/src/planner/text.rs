//! An explanation as a person reads it.

use std::fmt;

use super::{Borders, Explanation, Verdict};

/// Where costs come from.
const COSTS: &str = "predicted for one thread from shipped coefficients, not measured";

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let threads = self.machine.threads;
        let plural = if threads == 1 { "" } else { "s" };
        writeln!(f, "{} on {}, {threads} thread{plural}", self.shape, self.machine.isa)?;
        if let Some(error) = &self.error {
            return entry(f, "  cannot run: ", &error.to_string());
        }
        for candidate in &self.candidates {
            let cost = candidate.seconds.map_or_else(|| "-".to_owned(), time);
            let verdict = match &candidate.verdict {
                Verdict::Chosen => format!("chosen: {}", candidate.kernel),
                Verdict::Slower => {
                    let best = self.chosen().and_then(|chosen| chosen.seconds);
                    match (candidate.seconds, best) {
                        (Some(seconds), Some(best)) if best > 0.0 => {
                            format!("{:.1} times as long", seconds / best)
                        }
                        _ => "slower".to_owned(),
                    }
                }
                Verdict::Refused(reason) => format!("refused: {reason}"),
            };
            entry(f, &format!("  {:<12}{cost:>9}  ", candidate.strategy), &verdict)?;
            if candidate.verdict == Verdict::Chosen
                && let Some(schedule) = &candidate.schedule
            {
                entry(f, &" ".repeat(25), schedule)?;
            }
        }
        match self.bands {
            0 | 1 => writeln!(f, "  threads   one: the work is too small to split, or there is no other")?,
            bands => writeln!(
                f,
                "  threads   {bands} bands of up to {} of {} rows",
                self.rows.div_ceil(bands),
                self.rows
            )?,
        }
        if self.chosen().is_some_and(|chosen| chosen.borders == Borders::Signals) {
            let text = "any order: each row is laid out once for its transforms, some rows at a time";
            entry(f, "  memory    ", text)?;
            return entry(f, "  costs     ", COSTS);
        }
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
            Some(Borders::Staged) => "its rows are padded in scratch, a few at a time".to_owned(),
            _ => "its rows are read in place".to_owned(),
        };
        entry(f, "  memory    ", &format!("channels last: {interleaved}"))?;
        entry(
            f,
            "            ",
            "planar: rows are interleaved in scratch, a few at a time; the picture is not copied",
        )?;
        entry(f, "            ", "any other order: each row is gathered once")?;
        entry(f, "  costs     ", COSTS)
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
