//! What the terminal shows at the end of a report.

use super::targets::{Reached, reached};
use super::{Findings, words};
use crate::problems::group;
use crate::records::Builds;

/// The machine, the targets and the build times in a screenful.
#[must_use]
pub fn terminal(findings: &Findings) -> String {
    let machine = &findings.machine;
    let mut text = format!("{}, {} cores\n", machine.processor, machine.cores);
    for set in &machine.sets {
        text.push_str(&format!("  {:<9} {:>7} GFLOP/s on one core\n", set.isa, words::three(set.fma_gflops)));
    }
    for (group, title) in [(group::TARGETS, "on one thread"), (group::THREADS, "on several threads")] {
        let Some(record) = findings.records.iter().find(|record| record.group == group) else { continue };
        let title =
            if record.threads == 1 { title.to_owned() } else { format!("on {} threads", record.threads) };
        text.push_str(&format!("\nshare of the FMA peak {title:<24} wanted  specialized  direct\n"));
        for row in reached(&findings.records, group) {
            text.push_str(&line(&row, record.threads == 1));
        }
    }
    text.push('\n');
    match &findings.builds {
        Builds::Impossible(reason) => text.push_str(&format!("build times were not measured: {reason}\n")),
        Builds::Measured(costs) => {
            for cost in costs {
                text.push_str(&format!(
                    "{:<36} adds {:>5} s to a release build\n",
                    cost.shape,
                    words::three(cost.seconds)
                ));
            }
        }
    }
    text
}

fn line(row: &Reached, judged: bool) -> String {
    let target = &row.target;
    let name = format!("  {:<36} {:<9}", target.shape().to_string(), target.isa);
    let wanted = if judged { format!("{:.2}", target.share) } else { String::new() };
    match &row.shares {
        None => format!("{name} {wanted:>4}  skipped: this machine has no {}\n", target.isa),
        Some(shares) => {
            let shares: Vec<String> =
                shares.iter().map(|(_, share, _)| format!("{:>9}", words::share(*share))).collect();
            let verdict = match (judged, row.all()) {
                (true, Some(true)) => "  reached",
                (true, _) => "  not reached",
                _ => "",
            };
            format!("{name} {wanted:>4} {}{verdict}\n", shares.join(" "))
        }
    }
}
