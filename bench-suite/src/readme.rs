//! A README whose figures come from reports: between two comments stands what a report says, written again by
//! `tapwise readme`.
//!
//! ```text
//! <!-- tapwise: targets of reports/2026-01-02-machine -->
//! …
//! <!-- tapwise: end -->
//! ```

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::Error;
use crate::report::{Findings, excerpt, names, read};

const BEGIN: &str = "<!-- tapwise: ";
const CLOSE: &str = " -->";
const END: &str = "<!-- tapwise: end -->";

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct Arguments {
    /// The text; folders of reports that it names are looked for from where it is.
    #[arg(value_name = "FILE", default_value = "README.md")]
    file: PathBuf,
}

/// Writes the excerpts of a text again.
///
/// # Errors
/// As [`fill`], [`Error::Read`] and [`Error::Write`].
pub fn run(Arguments { file }: &Arguments) -> Result<(), Error> {
    let text = fs::read_to_string(file).map_err(|source| Error::Read { path: file.clone(), source })?;
    let filled = fill(&text, file)?;
    if filled != text {
        fs::write(file, filled).map_err(|source| Error::Write { path: file.clone(), source })?;
    }
    Ok(())
}

/// The text with what its reports say between its comments; `file` is where it stands.
///
/// # Errors
/// [`Error::Excerpt`] for a comment that names no excerpt or has no end, and for a report that did not measure it; as
/// [`read`] for the reports.
pub fn fill(text: &str, file: &Path) -> Result<String, Error> {
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut reports: HashMap<String, Findings> = HashMap::new();
    let (mut filled, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(BEGIN) {
        let line = text[..text.len() - rest.len() + at].matches('\n').count() + 1;
        let fail = |reason: String| Error::Excerpt { path: file.to_owned(), line, reason };
        let asked = &rest[at + BEGIN.len()..];
        let (asked, _) =
            asked.split_once(CLOSE).ok_or_else(|| fail(format!("no {CLOSE:?} after {BEGIN:?}")))?;
        let (name, report) = asked
            .split_once(" of ")
            .ok_or_else(|| fail(format!("{asked:?}, wanted the name of an excerpt, \"of\", and a report")))?;
        if !names().any(|own| own == name) {
            let all: Vec<&str> = names().collect();
            return Err(fail(format!("{name:?} is no excerpt, wanted one of {}", all.join(", "))));
        }
        let begin = at + BEGIN.len() + asked.len() + CLOSE.len();
        let length = rest[begin..].find(END).ok_or_else(|| fail(format!("no {END:?} after {asked:?}")))?;
        if !reports.contains_key(report) {
            reports.insert(report.to_owned(), read(&folder.join(report))?);
        }
        let excerpt = excerpt(name, &reports[report])?;
        let excerpt = excerpt.ok_or_else(|| fail(format!("{report} did not measure {name}")))?;
        filled.push_str(&rest[..begin]);
        filled.push_str(&format!("\n{excerpt}\n{END}"));
        rest = &rest[begin + length + END.len()..];
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_comment_is_told_with_its_line() {
        for (text, wanted) in [
            ("a\nb\n<!-- tapwise: targets -->\n", "README.md: line 3: \"targets\", wanted the name"),
            (
                "<!-- tapwise: riddles of x -->\n",
                "line 1: \"riddles\" is no excerpt, wanted one of figures, targets",
            ),
            ("\n<!-- tapwise: targets of x -->\n", "line 2: no \"<!-- tapwise: end -->\" after"),
            ("<!-- tapwise: targets of x", "no \" -->\""),
            ("<!-- tapwise: targets of no/such -->\n<!-- tapwise: end -->", "no/such: no machine.json in it"),
        ] {
            let error = fill(text, Path::new("README.md")).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
    }

    #[test]
    fn a_text_without_comments_stays() {
        assert_eq!(fill("# A title\n", Path::new("README.md")).unwrap(), "# A title\n");
    }
}
