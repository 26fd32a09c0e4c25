//! Figures that were measured while the core was slower than it can be: the peak that is measured beside every
//! figure tells.

use crate::records::Record;
use crate::statistics::quantile;

/// A core whose peak is below this part of what it reached most of the time is slowed down, by heat, by a
/// neighbour or by the system.
pub const SLOWED: f64 = 0.9;

/// How the clock went during a run, under one instruction set.
#[derive(Debug, Clone, PartialEq)]
pub struct Clock {
    /// The instruction set.
    pub isa: String,
    /// GFLOP/s of one core beside the slowest and the fastest tenth of the figures, and the peak that figures
    /// are held to: nine of ten are below it.
    pub peaks: [f64; 2],
    /// Figures.
    pub figures: usize,
    /// Those that were measured while the core was slowed down.
    pub slowed: usize,
}

/// Marks the records that were measured while the core was slowed down.
pub fn mark(records: &mut [Record]) {
    let clocks = clocks(records);
    for record in records {
        let own = clocks.iter().find(|clock| clock.isa == record.isa);
        record.slowed = own.is_some_and(|clock| per_core(record) < SLOWED * clock.peaks[1]);
    }
}

/// A clock for each instruction set that was measured, in the order of the records.
#[must_use]
pub fn clocks(records: &[Record]) -> Vec<Clock> {
    let mut names: Vec<&str> = Vec::new();
    for record in records {
        if !names.contains(&record.isa.as_str()) {
            names.push(&record.isa);
        }
    }
    let clock = |isa: &str| {
        let own = || records.iter().filter(|record| record.isa == isa);
        let mut peaks: Vec<f64> = own().map(per_core).filter(|peak| peak.is_finite()).collect();
        peaks.sort_by(f64::total_cmp);
        let ends = [quantile(&peaks, 0.1), quantile(&peaks, 0.9)];
        let slowed = own().filter(|record| per_core(record) < SLOWED * ends[1]).count();
        Clock { isa: isa.to_owned(), peaks: ends, figures: own().count(), slowed }
    };
    names.into_iter().map(clock).collect()
}

fn per_core(record: &Record) -> f64 {
    record.peak_gflops / record.threads.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(peaks: &[(f64, usize)]) -> Vec<Record> {
        let one = |&(peak, threads): &(f64, usize)| {
            let text = r#"{"shape":"h8w8 c1x1 k3x3","group":"delta","contender":"tapwise","strategy":"direct",
                "kernel":"k","isa":"avx2","threads":1,"median_s":1.0,"min_s":1.0,"samples":3,"gflops":1.0,
                "peak_gflops":1.0,"fraction_of_peak":1.0,"max_error":0.0,"checked":"all","command":"c"}"#;
            let record: Record = serde_json::from_str(text).unwrap();
            Record { peak_gflops: peak, threads, ..record }
        };
        peaks.iter().map(one).collect()
    }

    #[test]
    fn figures_below_the_usual_peak_are_marked() {
        let mut records = records(&[(100.0, 1), (99.0, 1), (198.0, 2), (80.0, 1), (101.0, 1), (140.0, 2)]);
        mark(&mut records);
        let slowed: Vec<bool> = records.iter().map(|record| record.slowed).collect();
        assert_eq!(slowed, [false, false, false, true, false, true]);
        let clocks = clocks(&records);
        assert_eq!((clocks.len(), clocks[0].figures, clocks[0].slowed), (1, 6, 2));
    }

    #[test]
    fn a_steady_clock_marks_nothing() {
        let mut records = records(&[(100.0, 1); 9]);
        mark(&mut records);
        assert!(records.iter().all(|record| !record.slowed));
        assert!(clocks(&[]).is_empty());
    }
}
