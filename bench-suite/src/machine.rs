//! What a report says about the machine that it was made on.

mod bandwidth;
mod peak;
mod pinning;

use serde::{Deserialize, Serialize};
use std::fs;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};
use tapwise::Isa;

use crate::parts::Part;
use crate::self_check::Noise;

pub use bandwidth::{Stream, read};
pub use peak::fma_peak;
pub use pinning::{alone, cores, pool};

/// A machine: its name, its sizes, and what was measured of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor as it names itself.
    pub processor: String,
    /// Cores that the system lends to this process (hardware threads, where cores have several).
    pub cores: usize,
    /// Bytes of memory, where the system tells.
    pub memory: Option<u64>,
    /// Bytes of the data caches that layers count on, first level first.
    pub caches: [usize; 3],
    /// The operating system and the architecture.
    pub system: String,
    /// The compiler that built the program.
    pub compiler: String,
    /// The version of the program.
    pub version: String,
    /// The day of the measurement, `YYYY-MM-DD`, in UTC.
    pub date: String,
    /// The command that made the report.
    pub command: String,
    /// `quick` or `full`.
    pub effort: String,
    /// The parts of the report that were measured; none is said by reports of older versions.
    #[serde(default)]
    pub parts: Vec<Part>,
    /// Seconds of all measurements.
    pub seconds: f64,
    /// How small a difference can be believed, on one thread and on several.
    #[serde(default)]
    pub noise: Vec<Noise>,
    /// The instruction set that layers use by default.
    pub selected: String,
    /// What each instruction set of the machine reaches on one core, best first.
    pub sets: Vec<SetFacts>,
}

/// What one core reaches under one instruction set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetFacts {
    /// The name of the set.
    pub isa: String,
    /// Numbers of f32 in a vector.
    pub lanes: usize,
    /// GFLOP/s of multiply-adds between registers, two operations each: the median of several.
    pub fma_gflops: f64,
    /// Streams through each level of memory.
    pub streams: Vec<Stream>,
}

impl Machine {
    /// What is known without measuring.
    #[must_use]
    pub fn here(selected: Isa, effort: &str, command: &str) -> Self {
        let facts = tapwise::Machine::detect(selected);
        Machine {
            processor: processor(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory: memory(),
            caches: [facts.l1, facts.l2, facts.l3],
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            compiler: env!("TAPWISE_RUSTC").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            date: today(),
            command: command.to_owned(),
            effort: effort.to_owned(),
            parts: Vec::new(),
            seconds: 0.0,
            noise: Vec::new(),
            selected: selected.name().to_owned(),
            sets: Vec::new(),
        }
    }

    /// Measures one instruction set on the calling thread, which is best pinned.
    pub fn measure(&mut self, isa: Isa) {
        let mut peaks: Vec<f64> = (0..41).map(|_| fma_peak(isa)).collect();
        let [l1, l2, l3] = self.caches;
        // Out of the last level, also where a guest has a part of one that it is not told.
        let far = (4 * l3).clamp(256 << 20, 512 << 20);
        let levels = [("L1", l1 / 2), ("L2", l2 / 2), ("L3", l3 / 2), ("memory", far)];
        self.sets.push(SetFacts {
            isa: isa.name().to_owned(),
            lanes: isa.lanes(),
            fma_gflops: crate::statistics::median(&mut peaks),
            streams: levels.into_iter().map(|(level, bytes)| bandwidth::measure(isa, level, bytes)).collect(),
        });
    }

    /// What was measured of an instruction set, where the machine has it.
    #[must_use]
    pub fn set(&self, isa: &str) -> Option<&SetFacts> {
        self.sets.iter().find(|set| set.isa == isa)
    }

    /// The name of the folder of this machine's report: `2026-11-22-some-processor`.
    #[must_use]
    pub fn folder(&self) -> String {
        format!("{}-{}", self.date, slug(&self.processor))
    }
}

/// Lower-case letters and digits with single hyphens between, for the name of a folder.
#[must_use]
pub fn slug(name: &str) -> String {
    let mut text = String::new();
    for word in name.to_lowercase().split(|letter: char| !letter.is_ascii_alphanumeric()) {
        // "Intel(R) Core(TM)" says nothing by its brackets.
        if word.is_empty() || ["r", "tm", "cpu", "processor"].contains(&word) {
            continue;
        }
        if !text.is_empty() {
            text.push('-');
        }
        text.push_str(word);
    }
    if text.is_empty() { "machine".to_owned() } else { text.chars().take(60).collect() }
}

/// Today in UTC as `YYYY-MM-DD`.
#[must_use]
pub fn today() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    date(seconds / 86_400)
}

/// The day that lies `days` after 1970-01-01, in the Gregorian calendar.
#[must_use]
pub fn date(days: u64) -> String {
    // Years begin in March here, so that the leap day is the last of a year.
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The processor's own name, or the architecture where it does not tell.
fn processor() -> String {
    let name = brand().or_else(|| match std::env::consts::OS {
        "linux" => field("/proc/cpuinfo", "model name").or_else(|| field("/proc/cpuinfo", "Model")),
        "macos" => said_by("sysctl", &["-n", "machdep.cpu.brand_string"]),
        _ => std::env::var("PROCESSOR_IDENTIFIER").ok(),
    });
    let name = name.map(|name| name.split_whitespace().collect::<Vec<_>>().join(" "));
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

/// The name that the library knows a machine by, where it knows one.
fn brand() -> Option<String> {
    let name = tapwise::tuning::Host::here(Isa::Portable).processor;
    (name != std::env::consts::ARCH).then_some(name)
}

/// Bytes of memory.
fn memory() -> Option<u64> {
    match std::env::consts::OS {
        "linux" => {
            let text = field("/proc/meminfo", "MemTotal")?;
            let kilobytes: u64 = text.split_whitespace().next()?.parse().ok()?;
            Some(kilobytes * 1024)
        }
        "macos" => said_by("sysctl", &["-n", "hw.memsize"])?.parse().ok(),
        _ => None,
    }
}

/// The value of the first line `name: value` of a file.
fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.into_iter().find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned())
}

fn said_by(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(11_016), "2000-02-29");
        assert_eq!(date(19_782), "2024-02-29");
        assert_eq!(date(19_783), "2024-03-01");
        assert_eq!(date(20_453), "2025-12-31");
    }

    #[test]
    fn slugs_are_names_of_folders() {
        assert_eq!(slug("AMD EPYC"), "amd-epyc");
        assert_eq!(slug("Intel(R) Core(TM) i7-1165G7 @ 2.80GHz"), "intel-core-i7-1165g7-2-80ghz");
        assert_eq!(slug("Ünïcode/../"), "n-code");
        assert_eq!(slug("///"), "machine");
    }

    #[test]
    fn every_available_set_has_a_peak() {
        for isa in Isa::available() {
            assert!(fma_peak(isa) > 0.0 && fma_peak(isa).is_finite(), "{isa}");
        }
    }
}
