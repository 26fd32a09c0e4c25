//! Records of a report as rows.

use super::Row;
use crate::machine::Machine;
use crate::records::Record;

impl Row {
    /// A record, with what is known of the machine that it was measured on.
    #[must_use]
    pub fn of(record: Record, machine: Option<&Machine>) -> Self {
        let rounds_s = record.rounds_s();
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
            noise: None,
            rounds_s,
        }
    }
}
