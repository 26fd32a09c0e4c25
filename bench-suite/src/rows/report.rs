//! Records of a report as rows.

use super::Row;
use crate::machine::Machine;
use crate::records::Record;
use crate::self_check::Noise;

impl Row {
    /// A record, with what is known of the machine that it was measured on.
    #[must_use]
    pub fn of(record: Record, machine: Option<&Machine>) -> Self {
        let rounds_s = record.rounds_s();
        let noise = machine.map(|machine| Noises::of(machine, record.threads)).unwrap_or_default();
        let known = |field: fn(&Machine) -> &String| machine.map(|machine| field(machine).clone());
        Row {
            group: record.group,
            shape: record.shape,
            contender: Some(record.contender),
            strategy: record.strategy,
            kernel: Some(record.kernel),
            isa: Some(record.isa),
            threads: Some(record.threads),
            median_s: record.median_s,
            low_s: None,
            high_s: None,
            min_s: Some(record.min_s),
            samples: Some(record.samples),
            gflops: Some(record.gflops),
            peak_gflops: Some(record.peak_gflops),
            fraction_of_peak: Some(record.fraction_of_peak),
            max_error: Some(record.max_error),
            checked: Some(record.checked),
            command: Some(record.command),
            processor: known(|machine| &machine.processor),
            cores: machine.map(|machine| machine.cores),
            system: known(|machine| &machine.system),
            compiler: known(|machine| &machine.compiler),
            version: known(|machine| &machine.version),
            date: known(|machine| &machine.date),
            effort: known(|machine| &machine.effort),
            noise: noise.of_time,
            noise_of_peak: noise.of_peak,
            slowed: Some(record.slowed),
            rounds_s,
        }
    }
}

/// How far medians of one thing lie apart on a machine, minutes apart where that was measured.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Noises {
    of_time: Option<f64>,
    of_peak: Option<f64>,
}

impl Noises {
    /// On so many threads; where that was not measured, on those that were, whatever is larger.
    fn of(machine: &Machine, threads: usize) -> Self {
        let own: Vec<&Noise> = machine.noise.iter().filter(|noise| noise.threads == threads).collect();
        let own = if own.is_empty() { machine.noise.iter().collect() } else { own };
        let largest = |apart: fn(&Noise) -> Option<f64>| {
            own.iter().map(|noise| apart(noise).unwrap_or(noise.believed)).max_by(f64::total_cmp)
        };
        Noises { of_time: largest(|noise| noise.apart), of_peak: largest(|noise| noise.apart_of_peak) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapwise::Isa;

    #[test]
    fn noise_is_that_of_as_many_threads() {
        let mut machine = Machine::here(Isa::Portable, "quick", "tapwise report");
        assert_eq!(Noises::of(&machine, 1), Noises::default());
        let noise = |threads, believed, apart| Noise {
            threads,
            pairs: 1,
            believed,
            apart,
            apart_of_peak: None,
            medians: Vec::new(),
            shares: Vec::new(),
        };
        machine.noise = vec![noise(1, 0.01, Some(0.02)), noise(2, 0.05, None)];
        let found = |threads| {
            let Noises { of_time, of_peak } = Noises::of(&machine, threads);
            (of_time, of_peak)
        };
        assert_eq!(found(1), (Some(0.02), Some(0.01)));
        assert_eq!(found(2), (Some(0.05), Some(0.05)));
        assert_eq!(found(4), (Some(0.05), Some(0.05)));
    }
}
