//! What the terminal shows at the end of a report.

use super::targets::{Reached, reached};
use super::{Findings, words};
use crate::peers::ratio::{Summary as Beside, rows, summary};
use crate::problems::group;
use crate::records::Builds;
use crate::tuning::regret::{self, Summary};

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
    text.push_str(&super::layers::terminal(findings));
    text.push_str(&beside(findings));
    text.push_str(&choices(findings));
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

/// How much time the planner's choices lose.
fn choices(findings: &Findings) -> String {
    let Some(choices) = &findings.choices else { return String::new() };
    let mut threads: Vec<usize> = choices.samples.iter().map(|sample| sample.threads).collect();
    threads.dedup();
    let lines = threads.into_iter().filter_map(|threads| {
        let Summary { count, mean, worst, alike } = regret::summary(&choices.samples, threads)?;
        Some(format!(
            "choices of the planner, threads: {threads:<6} {count} layers, {:.1} % slower than the best in the mean, {worst:.2} \
             times at worst, {alike} as good\n",
            100.0 * (mean - 1.0)
        ))
    });
    lines.collect()
}

/// A line for each layer beside other libraries.
fn beside(findings: &Findings) -> String {
    let mut text = String::new();
    let mut counts: Vec<usize> = Vec::new();
    for record in findings.records.iter().filter(|record| record.group == group::PEERS) {
        if !counts.contains(&record.threads) {
            counts.push(record.threads);
        }
    }
    for threads in counts {
        let rows = rows(&findings.records, group::PEERS, threads);
        text.push_str(&format!("share of the FMA peak, threads: {threads:<8} tapwise  best of the others\n"));
        for row in &rows {
            let best = row.peers.first().zip(row.ratio()).map(|(best, ratio)| {
                let (share, mark) =
                    (words::share(best.fraction_of_peak), if ratio < 1.0 { "  lost" } else { "" });
                format!("{share}  {:<14} {:>6} ×{mark}", best.contender, words::share(ratio))
            });
            let own = words::share(row.tapwise.fraction_of_peak);
            text.push_str(&format!("  {:<36} {own:>7}  {}\n", row.shape, best.unwrap_or_default()));
        }
        if let Some(Beside { rows, won, mean, .. }) = summary(&rows) {
            text.push_str(&format!(
                "  geometric mean {} ×, {won} of {rows} rows won\n\n",
                words::three(mean)
            ));
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
