//! Measurements as flat rows: what `tapwise export` writes, and what `tapwise compare` reads of whatever
//! kind of file they are in.

pub mod criterion;
pub mod report;
pub mod source;

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::statistics::interval_of_median;

/// A measurement in one line. What its file does not say is `None`; nothing is made up.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// What it was measured for: a group of a report, or of criterion.
    pub group: String,
    /// The descriptor of the problem, or what criterion calls the value.
    pub shape: String,
    /// Whose code ran.
    pub contender: Option<String>,
    /// The strategy that was asked for, or what criterion calls the function.
    pub strategy: String,
    /// The kernel that ran.
    pub kernel: Option<String>,
    /// The instruction set.
    pub isa: Option<String>,
    /// Threads that it could use.
    pub threads: Option<usize>,
    /// Seconds of one run: the median of the samples.
    pub median_s: f64,
    /// The lower end of its 95 % bootstrap interval, in seconds.
    pub low_s: Option<f64>,
    /// The upper end.
    pub high_s: Option<f64>,
    /// Seconds of the fastest sample.
    pub min_s: Option<f64>,
    /// Samples taken.
    pub samples: Option<usize>,
    /// GFLOP/s: two operations for every multiply-add of the direct sum, over the median.
    pub gflops: Option<f64>,
    /// The FMA peak measured between the samples, of all its threads.
    pub peak_gflops: Option<f64>,
    /// `gflops` over `peak_gflops`.
    pub fraction_of_peak: Option<f64>,
    /// The largest error against f64, over the root mean square of the output.
    pub max_error: Option<f64>,
    /// Which outputs were checked.
    pub checked: Option<String>,
    /// The command that made the measurement.
    pub command: Option<String>,
    /// The processor as it names itself.
    pub processor: Option<String>,
    /// Cores that the system lent.
    pub cores: Option<usize>,
    /// The operating system and the architecture.
    pub system: Option<String>,
    /// The compiler that built the program.
    pub compiler: Option<String>,
    /// The version of the program.
    pub version: Option<String>,
    /// The day, `YYYY-MM-DD`, in UTC.
    pub date: Option<String>,
    /// `quick` or `full`.
    pub effort: Option<String>,
    /// The difference that medians of one thing had minutes apart, on as many threads: 0.03 for 3 %. What is less
    /// is nothing, see [`crate::self_check`].
    pub noise: Option<f64>,
    /// The same of shares of the peak.
    pub noise_of_peak: Option<f64>,
    /// Whether the core was slower than it can be meanwhile, see [`crate::clock`].
    pub slowed: Option<bool>,
    /// Seconds of one run in each sample that was kept, in their order.
    pub rounds_s: Vec<f64>,
}

/// The columns of a row, in their order, and what they hold.
pub const COLUMNS: [(&str, &str); 29] = [
    ("group", "what it was measured for"),
    ("shape", "the descriptor of the problem; criterion's value"),
    ("contender", "whose code ran: tapwise or another library"),
    ("strategy", "the strategy that was asked for; criterion's function"),
    ("kernel", "the kernel that ran"),
    ("isa", "the instruction set"),
    ("threads", "threads that it could use"),
    ("median_s", "seconds of one run, the median of the samples"),
    ("low_s", "the lower end of the median's 95 % interval, in seconds"),
    ("high_s", "the upper end"),
    ("min_s", "seconds of the fastest sample"),
    ("samples", "samples taken"),
    ("gflops", "two operations for every multiply-add of the direct sum, over the median"),
    ("peak_gflops", "the FMA peak measured between the samples, of all threads"),
    ("fraction_of_peak", "gflops over peak_gflops"),
    ("max_error", "the largest error against f64, over the output's root mean square"),
    ("checked", "which outputs were checked"),
    ("command", "the command that made the measurement"),
    ("processor", "the processor as it names itself"),
    ("cores", "cores that the system lent"),
    ("system", "operating system and architecture"),
    ("compiler", "the compiler that built the program"),
    ("version", "the version of the program"),
    ("date", "the day, YYYY-MM-DD, in UTC"),
    ("effort", "quick or full"),
    ("noise", "how far medians of one thing lie apart here, 0.03 for 3 %"),
    ("noise_of_peak", "the same of shares of the peak"),
    ("slowed", "whether the core was slower than it can be meanwhile"),
    ("rounds_s", "seconds of one run in each sample that was kept"),
];

impl Row {
    /// The row, if its times are times.
    ///
    /// # Errors
    /// [`Error::Figure`] for a median, a round or a peak that is not above zero.
    pub fn validated(self, path: &Path) -> Result<Self, Error> {
        let positive = |value: f64| value.is_finite() && value > 0.0;
        let rounds = self.rounds_s.iter().map(|round| ("rounds_s", *round));
        let figures = [("median_s", Some(self.median_s)), ("peak_gflops", self.peak_gflops)];
        let figures = figures.into_iter().filter_map(|(name, value)| value.map(|value| (name, value)));
        match figures.chain(rounds).find(|(_, value)| !positive(*value)) {
            None => Ok(self),
            Some((column, found)) => Err(Error::Figure {
                path: path.to_owned(),
                measurement: format!("{}: {} {}", self.group, self.shape, self.strategy),
                column,
                found,
            }),
        }
    }

    /// The row with the interval of its median, where its rounds tell one.
    #[must_use]
    pub fn with_interval(mut self) -> Self {
        if self.low_s.is_none()
            && let Some(interval) = interval_of_median(&self.rounds_s)
        {
            (self.low_s, self.high_s) = (Some(interval.low), Some(interval.high));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_are_the_fields() {
        let line = serde_json::to_string(&Row::default()).unwrap();
        let places: Vec<usize> =
            COLUMNS.iter().map(|(name, _)| line.find(&format!("\"{name}\":")).unwrap()).collect();
        assert!(places.is_sorted(), "{line}");
        assert_eq!(line.matches("\":").count(), COLUMNS.len());
    }

    #[test]
    fn figures_that_are_no_times_are_refused() {
        let path = Path::new("some.jsonl");
        let row = Row { median_s: 1e-3, rounds_s: vec![1e-3, 0.0], ..Row::default() };
        let error = row.clone().validated(path).unwrap_err().to_string();
        assert!(error.contains("some.jsonl") && error.contains("rounds_s is 0"), "{error}");
        assert!(Row { rounds_s: vec![1e-3], ..row.clone() }.validated(path).is_ok());
        assert!(Row { median_s: f64::NAN, ..row }.validated(path).is_err());
    }

    #[test]
    fn intervals_are_of_the_rounds() {
        let row = Row { median_s: 2.0, rounds_s: vec![2.0; 5], ..Row::default() }.with_interval();
        assert_eq!((row.low_s, row.high_s), (Some(2.0), Some(2.0)));
        assert_eq!(Row { median_s: 2.0, ..Row::default() }.with_interval().low_s, None);
    }
}
