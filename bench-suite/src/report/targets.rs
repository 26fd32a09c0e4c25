//! How close the kernels come to the machine: shapes that have a share of its peak to reach.

use super::document::{Block, Section, cell, judged, of, table};
use super::words;
use crate::contenders;
use crate::machine::Machine;
use crate::problems::{TARGETS, Target, group};
use crate::records::Record;

/// A target with what was reached on a number of threads by each of [`contenders::FAST`].
pub(super) struct Reached {
    pub(super) target: Target,
    /// `None` where the machine lacks the instruction set.
    pub(super) shares: Option<Vec<(&'static str, f64, f64)>>,
}

impl Reached {
    /// Whether every strategy reached it.
    pub(super) fn all(&self) -> Option<bool> {
        let shares = self.shares.as_ref()?;
        Some(shares.iter().all(|(_, share, _)| *share >= self.target.share))
    }
}

/// Every target with what was reached: strategy, share of the peak, seconds.
pub(super) fn reached(records: &[Record], group: &str) -> Vec<Reached> {
    let row = |target: Target| {
        let shape = target.shape().to_string();
        let find = |name: &str| {
            let mut own = of(records, group, name).into_iter();
            own.find(|record| record.shape == shape && record.isa == target.isa.name())
        };
        let names = contenders::FAST.map(|strategy| strategy.name());
        let shares: Option<Vec<_>> = names
            .into_iter()
            .map(|name| find(name).map(|r| (name, r.fraction_of_peak, r.median_s)))
            .collect();
        Reached { target, shares }
    };
    TARGETS.into_iter().map(row).collect()
}

/// The section: targets on one thread, and the same on several; none where they were not measured.
pub(super) fn section(machine: &Machine, records: &[Record]) -> Option<Section> {
    if !records.iter().any(|record| record.group == group::TARGETS) {
        return None;
    }
    let single = reached(records, group::TARGETS);
    let mut rows = Vec::new();
    for row in &single {
        let Target { isa, share: wanted, .. } = row.target;
        let mut cells = vec![cell(format!("{isa}: {}", words::shape(&row.target.shape().to_string())))];
        cells.push(cell(format!("{wanted:.2}")));
        match &row.shares {
            Some(shares) => cells.extend(shares.iter().map(|(_, share, _)| {
                let good = *share >= wanted;
                judged(format!("{} {}", words::share(*share), if good { "✓" } else { "✗" }), good)
            })),
            None => cells.extend(["–", "skipped: this machine lacks the set"].map(cell)),
        }
        rows.push(cells);
    }
    let mut blocks = vec![
        Block::Text(
            "The share of the FMA peak that one pinned thread reaches, 1 being all of it. The peak is measured between \
             the samples, so that a clock that wanders changes both. ✓ is at or above what is wanted, ✗ below."
                .to_owned(),
        ),
        table(&["set, picture and layer", "wanted", "specialized", "direct"], rows),
    ];
    let threads = records.iter().find(|record| record.group == group::THREADS).map(|record| record.threads);
    if let Some(threads) = threads {
        let mut rows = Vec::new();
        for (many, one) in reached(records, group::THREADS).iter().zip(&single) {
            let (Some(many_shares), Some(one_shares)) = (&many.shares, &one.shares) else { continue };
            let name = words::shape(&many.target.shape().to_string());
            let mut cells = vec![cell(format!("{}: {name}", many.target.isa))];
            for ((_, share, seconds), (_, _, alone)) in many_shares.iter().zip(one_shares) {
                cells.push(cell(format!("{} ({:.2} ×)", words::share(*share), alone / seconds)));
            }
            rows.push(cells);
        }
        blocks.push(Block::Text(format!(
            "The same on {threads} threads of {} cores: the share of {threads} times the peak of one core, and in \
             brackets how many times faster than on one thread.",
            machine.cores
        )));
        blocks.push(table(&["set, picture and layer", "specialized", "direct"], rows));
    }
    Some(Section { id: "targets", title: "How close to the machine", blocks })
}
