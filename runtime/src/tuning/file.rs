//! The text of a tuning: `key = value` in every line, `#` before comments.

use std::fmt;
use std::str::FromStr;

use crate::cost::{Costs, Term};
use crate::isa::Isa;
use crate::machine::Machine;
use crate::processor;

/// The format of the files that this version writes and reads.
pub const FORMAT: u32 = 1;

/// The version of the library, whose terms the file counts.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Keys of a file that are no terms.
pub(super) const HEADER: [&str; 7] = ["format", "version", "processor", "isa", "l1", "l2", "l3"];

/// The machine that a tuning was measured on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// The processor as it names itself.
    pub processor: String,
    /// The instruction set.
    pub isa: Isa,
    /// Bytes of the data caches, the first level first.
    pub caches: [usize; 3],
}

impl Host {
    /// This machine under an instruction set.
    #[must_use]
    pub fn here(isa: Isa) -> Self {
        let Machine { l1, l2, l3, .. } = Machine::detect(isa);
        Host { processor: processor::name().to_owned(), isa, caches: [l1, l2, l3] }
    }
}

/// What a tuning file says.
///
/// ```
/// use tapwise::cost::Costs;
/// use tapwise::Maker;
/// use tapwise::tuning::{Host, Tuning};
/// let isa = tapwise::Isa::Portable;
/// let tuning = Tuning { host: Host::here(isa), costs: Costs::shipped(isa, Maker::here()), notes: Vec::new() };
/// assert_eq!(tuning.to_string().parse(), Ok(tuning));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Tuning {
    /// The machine.
    pub host: Host,
    /// The coefficients.
    pub costs: Costs,
    /// Comments below the title, which are not read back.
    pub notes: Vec<String>,
}

impl Tuning {
    /// Sees that the tuning is for a machine.
    ///
    /// # Errors
    /// What is another here, and what it is there.
    pub fn check(&self, here: &Host) -> Result<(), String> {
        let Host { processor, isa, caches } = &self.host;
        if *processor != here.processor {
            return Err(format!("it is for the processor {processor:?}, this is {:?}", here.processor));
        }
        if !isa.is_available() {
            return Err(format!("it is for {isa}, which this machine lacks"));
        }
        for (level, (found, wanted)) in caches.iter().zip(here.caches).enumerate() {
            if *found != wanted {
                return Err(format!(
                    "it is for a cache of level {} of {found} bytes, this machine's has {wanted}",
                    level + 1
                ));
            }
        }
        Ok(())
    }
}

impl fmt::Display for Tuning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Host { processor, isa, caches: [l1, l2, l3] } = &self.host;
        writeln!(f, "# Costs of tapwise on one machine, written by `tapwise tune`.")?;
        for note in &self.notes {
            writeln!(f, "# {note}")?;
        }
        writeln!(f, "format = {FORMAT}\nversion = {VERSION}\nprocessor = {processor}\nisa = {isa}")?;
        writeln!(f, "l1 = {l1}\nl2 = {l2}\nl3 = {l3}\n\n# Nanoseconds for one of each.")?;
        for term in Term::ALL {
            let line = format!("{} = {}", term.key(), self.costs.get(term));
            writeln!(f, "{line:<44} # {}", term.unit())?;
        }
        Ok(())
    }
}

impl FromStr for Tuning {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut entries: Vec<(&str, &str, usize)> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let content = line.split('#').next().unwrap_or_default().trim();
            if content.is_empty() {
                continue;
            }
            let number = index + 1;
            let Some((key, value)) = content.split_once('=') else {
                return Err(format!("line {number} is {content:?}, wanted `key = value`"));
            };
            let (key, value) = (key.trim(), value.trim());
            if !HEADER.contains(&key)
                && Term::named(key).is_none()
                && seen(&entries, "version") == Some(VERSION)
            {
                return Err(format!("line {number} has the key {key:?}, which is none"));
            }
            if seen(&entries, key).is_some() {
                return Err(format!("line {number} has the key {key:?} again"));
            }
            entries.push((key, value, number));
        }
        let find = |key: &str| {
            let entry = entries.iter().find(|(own, ..)| *own == key);
            entry.map(|(_, value, line)| (*value, *line)).ok_or_else(|| format!("the key {key:?} is missing"))
        };
        let same = |key: &str, wanted: &str| match find(key)?.0 {
            found if found == wanted => Ok(()),
            found => {
                Err(format!("its {key} is {found}, this library's is {wanted}; run `tapwise tune` again"))
            }
        };
        same("format", &FORMAT.to_string())?;
        same("version", VERSION)?;
        let isa = find("isa")?.0;
        let isa = Isa::named(isa).map_err(|_| format!("it is for {isa}, which this machine lacks"))?;
        let bytes = |key: &str| {
            let (value, line) = find(key)?;
            value.parse::<usize>().map_err(|_| format!("line {line}: {key} is {value:?}, wanted bytes"))
        };
        let host = Host {
            processor: find("processor")?.0.to_owned(),
            isa,
            caches: [bytes("l1")?, bytes("l2")?, bytes("l3")?],
        };
        let mut nanoseconds = [0.0; Term::COUNT];
        for term in Term::ALL {
            let (value, line) = find(term.key())?;
            let wanted =
                || format!("line {line}: {} is {value:?}, wanted a number of at least 0", term.key());
            let number: f64 = value.parse().map_err(|_| wanted())?;
            if !number.is_finite() || number < 0.0 {
                return Err(wanted());
            }
            nanoseconds[term as usize] = number;
        }
        let costs = Costs::new(|term| nanoseconds[term as usize]);
        Ok(Tuning { host, costs, notes: Vec::new() })
    }
}

fn seen<'t>(entries: &[(&'t str, &'t str, usize)], key: &str) -> Option<&'t str> {
    entries.iter().find(|(own, ..)| *own == key).map(|(_, value, _)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tuning() -> Tuning {
        let isa = Isa::Portable;
        let costs = Costs::new(|term| 0.1 + term as usize as f64);
        Tuning { host: Host::here(isa), costs, notes: Vec::new() }
    }

    /// The message about a text with a piece replaced.
    fn refused(from: &str, to: &str) -> String {
        let text = tuning().to_string();
        assert!(text.contains(from), "{text}");
        text.replacen(from, to, 1).parse::<Tuning>().unwrap_err()
    }

    #[test]
    fn a_file_is_read_back_as_it_was_written() {
        let noted = Tuning { notes: vec!["measured in a minute".to_owned()], ..tuning() };
        assert!(noted.to_string().contains("\n# measured in a minute\n"));
        assert_eq!(noted.to_string().parse(), Ok(tuning()));
    }

    #[test]
    fn what_is_no_tuning_is_refused_with_its_line() {
        assert!(refused("calls = 0.1", "calls: 0.1").contains("wanted `key = value`"));
        assert!(
            refused("calls = 0.1", "calls = -0.1")
                .contains("calls is \"-0.1\", wanted a number of at least 0")
        );
        assert!(refused("calls = 0.1", "calls = NaN").contains("line 11: calls is \"NaN\""));
        assert!(refused("calls = 0.1", "calls = inf").contains("calls is \"inf\""));
        assert!(refused("calls = 0.1", "calls = many").contains("calls is \"many\""));
        assert!(refused("calls = 0.1", "\n").contains("the key \"calls\" is missing"));
        assert!(refused("calls = 0.1", "calls = 1\ncalls = 2").contains("again"));
        assert!(refused("calls = 0.1", "calls = 1\nhopes = 2").contains("\"hopes\", which is none"));
        assert!(refused("isa = portable", "isa = sse9").contains("sse9, which this machine lacks"));
        assert!(refused("l2 = ", "l2 = about ").contains("wanted bytes"));
    }

    #[test]
    fn other_formats_and_versions_are_refused() {
        assert!(refused("format = 1", "format = 2").contains("its format is 2, this library's is 1"));
        let error = refused(&format!("version = {VERSION}"), "version = 0.0.1");
        assert!(error.contains("its version is 0.0.1") && error.contains("tapwise tune"), "{error}");
    }

    #[test]
    fn other_machines_are_refused() {
        let here = tuning().host;
        assert_eq!(tuning().check(&here), Ok(()));
        let other = Host { processor: "Abacus".to_owned(), ..here.clone() };
        assert!(tuning().check(&other).unwrap_err().contains("this is \"Abacus\""));
        let [l1, l2, l3] = here.caches;
        let smaller = Host { caches: [l1, l2 / 2, l3], ..here };
        assert!(tuning().check(&smaller).unwrap_err().contains("a cache of level 2"));
    }
}
