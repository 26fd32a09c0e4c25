//! What the measurements of a user's layers say: where the time goes, and what would make it less. Pure: it
//! follows from records and findings.

use tapwise::{Geometry, Strategy};

use super::block::{self, Wanted};
use super::measure::{Findings, Inexact, Plan};
use super::{Layer, Unserved};
use crate::problems::group;
use crate::records::Record;
use crate::statistics::{Interval, interval_of_ratio};

/// The smallest difference that is believed where a machine's own noise was not measured.
pub const NOISE: f64 = 0.03;

/// Layers of one shape in a network, with what was measured of them.
#[derive(Debug, Clone)]
pub struct Row<'a> {
    /// The layers.
    pub layer: &'a Layer,
    /// What the planner says of their shape.
    pub plan: &'a Plan,
    /// One run by what the planner chooses.
    pub auto: &'a Record,
    /// One run by each strategy, the fastest first.
    pub others: Vec<&'a Record>,
    /// Seconds of all of them.
    pub seconds: f64,
    /// Their part of the network's time.
    pub share: f64,
}

impl Row<'_> {
    /// The record of a strategy that was asked for.
    #[must_use]
    pub fn of(&self, strategy: Strategy) -> Option<&Record> {
        self.others.iter().copied().find(|record| record.strategy == strategy.name())
    }

    /// The strategy that was faster than what the planner chose, by more than the noise: its record, how many
    /// times as fast, and where that lies.
    #[must_use]
    pub fn faster(&self, noise: f64) -> Option<(&Record, f64, Interval)> {
        let best = self.others.first().copied()?;
        // The choice itself, measured again.
        if best.strategy == self.plan.strategy {
            return None;
        }
        let interval = interval_of_ratio(&self.auto.rounds_s(), &best.rounds_s())?;
        (interval.low > 1.0 + noise).then(|| (best, self.auto.median_s / best.median_s, interval))
    }
}

/// A network: its layers, most of the time first.
#[derive(Debug, Clone)]
pub struct Net<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its layers.
    pub rows: Vec<Row<'a>>,
    /// Layers of its that are not served, or were not measured.
    pub unserved: Vec<&'a Unserved>,
    /// Seconds of all layers, one after the other.
    pub seconds: f64,
    /// The share of the FMA peak that all of them reach together.
    pub of_peak: f64,
}

impl Net<'_> {
    /// Layers, however many shapes they have.
    #[must_use]
    pub fn layers(&self) -> usize {
        self.rows.iter().map(|row| row.layer.count).sum()
    }
}

/// The networks of a file in its order, with what was measured of them.
#[must_use]
pub fn nets<'a>(findings: &'a Findings, records: &'a [Record]) -> Vec<Net<'a>> {
    let own = |record: &&Record| record.group == group::SHAPES && record.threads == 1;
    let mut by_shape: std::collections::HashMap<&str, Vec<&Record>> = std::collections::HashMap::new();
    for record in records.iter().filter(own) {
        by_shape.entry(&record.shape).or_default().push(record);
    }
    let plans: std::collections::HashMap<&str, &Plan> =
        findings.plans.iter().map(|plan| (plan.shape.as_str(), plan)).collect();
    let mut nets: Vec<Net<'a>> = Vec::new();
    let mut net = |name: &'a str| -> usize {
        nets.iter().position(|net| net.name == name).unwrap_or_else(|| {
            nets.push(Net { name, rows: Vec::new(), unserved: Vec::new(), seconds: 0.0, of_peak: 0.0 });
            nets.len() - 1
        })
    };
    let mut found: Vec<(usize, Row<'a>)> = Vec::new();
    for layer in &findings.layers {
        let shape = layer.shape.to_string();
        let (Some(records), Some(plan)) = (by_shape.get(shape.as_str()), plans.get(shape.as_str())) else {
            continue;
        };
        let (auto, mut others): (Vec<&Record>, Vec<&Record>) =
            records.iter().partition(|record| record.strategy == Strategy::Auto.name());
        let Some(auto) = auto.first() else { continue };
        others.sort_by(|a, b| a.median_s.total_cmp(&b.median_s));
        let seconds = auto.median_s * layer.count as f64;
        found.push((net(&layer.net), Row { layer, plan, auto, others, seconds, share: 0.0 }));
    }
    let unserved: Vec<(usize, &Unserved)> =
        findings.unserved.iter().map(|own| (net(&own.net), own)).collect();
    for (at, row) in found {
        nets[at].rows.push(row);
    }
    for (at, own) in unserved {
        nets[at].unserved.push(own);
    }
    for net in &mut nets {
        net.seconds = net.rows.iter().map(|row| row.seconds).sum();
        let sum = |of: fn(&Record) -> f64| net.rows.iter().map(|row| row.seconds * of(row.auto)).sum::<f64>();
        net.of_peak = sum(|record| record.gflops) / sum(|record| record.peak_gflops);
        for row in &mut net.rows {
            row.share = row.seconds / net.seconds;
        }
        net.rows.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    }
    nets
}

/// What is to be done about a layer.
#[derive(Debug, Clone)]
pub enum Step<'a> {
    /// A looser tolerance would admit a faster way.
    Tolerate(&'a Inexact),
    /// Another strategy was measured to be faster.
    Ask {
        /// Its record.
        record: &'a Record,
        /// How many times as fast.
        gain: f64,
        /// Where that lies.
        interval: Interval,
    },
}

/// What would make layers faster.
#[derive(Debug, Clone, Default)]
pub struct Advice<'a> {
    /// Geometries that are worth a kernel of their own.
    pub wanted: Vec<Wanted>,
    /// Seconds of all layers, and what they would be with these kernels, as far as measurements tell; none where
    /// none do.
    pub expected: Option<[f64; 2]>,
    /// Of the wanted ones, those that this program has a kernel for, which another program has not.
    pub compiled: usize,
    /// Of the wanted ones, those whose gain nothing tells.
    pub untold: usize,
    /// Layers without a kernel of their own that would not be faster by it.
    pub pointless: usize,
    /// Layers that no kernel can be compiled for, and why.
    pub impossible: Vec<(&'a Layer, &'a str)>,
    /// What else is to be done: the layers of the most time first.
    pub steps: Vec<(&'a Layer, f64, Step<'a>)>,
    /// Layers that are too small for more than one thread, and their part of the whole time; none where all are
    /// planned for one.
    pub alone: Option<(usize, f64)>,
}

/// What is said of a kernel for exactly one shape.
enum Worth {
    /// It is known to be worth it, or not known; how many times as fast, and whether this program has it.
    Wanted { gain: Option<f64>, compiled: bool },
    /// It would be no faster.
    Pointless,
    /// There is one, or the layer is computed otherwise.
    Settled,
}

fn worth(row: &Row<'_>, noise: f64) -> Worth {
    let chosen = row.plan.strategy.as_str();
    if row.plan.compiled {
        let others = row.others.iter().find(|record| record.strategy != Strategy::Specialized.name());
        let (Some(fixed), Some(other)) = (row.of(Strategy::Specialized), others) else {
            return Worth::Settled;
        };
        let gain = other.median_s / fixed.median_s;
        return match chosen == Strategy::Specialized.name() && gain > 1.0 + noise {
            true => Worth::Wanted { gain: Some(gain), compiled: true },
            false => Worth::Settled,
        };
    }
    let Some(direct) = row.of(Strategy::Direct) else { return Worth::Settled };
    let same =
        [Strategy::Direct, Strategy::Im2colGemm, Strategy::Naive].iter().any(|own| own.name() == chosen);
    match &row.plan.sibling {
        // What runs now over what the kernel is expected to take.
        Some(sibling) => {
            let gain = row.auto.median_s / direct.median_s * sibling.gain;
            let believed = sibling.interval.is_none_or(|interval| interval.low > 1.0 + noise);
            match gain > 1.0 + noise && believed {
                true => Worth::Wanted { gain: Some(gain), compiled: false },
                false => Worth::Pointless,
            }
        }
        None if same => Worth::Wanted { gain: None, compiled: false },
        None => Worth::Settled,
    }
}

/// What would make the layers of a file faster; differences of less than `noise` are nothing.
#[must_use]
pub fn advice<'a>(nets: &[Net<'a>], threads: usize, noise: f64) -> Advice<'a> {
    let mut advice = Advice::default();
    let all: f64 = nets.iter().map(|net| net.seconds).sum();
    let mut rows: Vec<&Row<'a>> = nets.iter().flat_map(|net| &net.rows).collect();
    rows.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    let (mut before, mut after) = (0.0, 0.0);
    // Seconds with and without, of one geometry at several sizes.
    let mut gains: Vec<(Geometry, f64, f64)> = Vec::new();
    let mut alone = (0, 0.0);
    for row in rows {
        let (layer, share) = (row.layer, row.seconds / all);
        if row.plan.pieces <= 1 {
            alone = (alone.0 + layer.count, alone.1 + share);
        }
        if let Some(inexact) = &row.plan.inexact {
            advice.steps.push((layer, share, Step::Tolerate(inexact)));
        }
        let best = row.others.first().copied();
        if let (Some((_, gain, interval)), Some(record)) = (row.faster(noise), best) {
            advice.steps.push((layer, share, Step::Ask { record, gain, interval }));
        }
        let (gain, compiled) = match (worth(row, noise), &row.plan.unspecializable) {
            (Worth::Settled, _) => continue,
            (Worth::Wanted { .. }, Some(reason)) => {
                advice.impossible.push((layer, reason));
                continue;
            }
            (Worth::Pointless, _) => {
                advice.pointless += layer.count;
                continue;
            }
            (Worth::Wanted { gain, compiled }, None) => (gain, compiled),
        };
        let geometry = Geometry::of(&layer.shape.spec);
        let place = advice.wanted.iter().position(|own| own.geometry == geometry).unwrap_or_else(|| {
            advice.wanted.push(Wanted { geometry, share: 0.0, layers: 0, gain: None, measured: compiled });
            gains.push((geometry, 0.0, 0.0));
            advice.compiled += usize::from(compiled);
            advice.wanted.len() - 1
        });
        advice.wanted[place].share += share;
        advice.wanted[place].layers += layer.count;
        if let Some(gain) = gain {
            // A kernel that this program has is in what was measured already.
            let [slow, fast] =
                if compiled { [row.seconds * gain, row.seconds] } else { [row.seconds, row.seconds / gain] };
            gains[place].1 += slow;
            gains[place].2 += fast;
            before += slow - row.seconds;
            after += fast - row.seconds;
        }
    }
    for (own, (_, slow, fast)) in advice.wanted.iter_mut().zip(&gains) {
        own.gain = (*fast > 0.0).then(|| slow / fast);
    }
    advice.untold = advice.wanted.iter().filter(|own| own.gain.is_none()).count();
    advice.expected = gains.iter().any(|gain| gain.2 > 0.0).then_some([all + before, all + after]);
    advice.wanted.sort_by(|a, b| b.share.total_cmp(&a.share));
    advice.alone = (threads > 1).then_some(alone).filter(|alone| alone.0 > 0);
    advice
}

impl Advice<'_> {
    /// The block to paste, and how many geometries it has no room for; none where none is wanted.
    #[must_use]
    pub fn block(&self) -> Option<(String, usize)> {
        block::text(&self.wanted)
    }
}

#[cfg(test)]
mod tests;
