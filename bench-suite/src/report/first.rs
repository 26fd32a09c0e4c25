//! The first screen: where it was measured, three figures, and one picture.

use super::block::{Figure, FirstScreen, Tone};
use super::dots::{Contender, Dot, Dots, Scale};
use super::drawn::Drawn;
use super::evidence::Evidence;
use super::palette::colour;
use super::plot::Marker;
use super::{Findings, markdown, nets, words};
use crate::Error;
use crate::machine::Machine;
use crate::parts::Part;
use crate::peers::ratio::{rows, summary};
use crate::problems::group;
use crate::records::Record;
use crate::tuning::regret;

/// Layers of the picture: image filters, a first layer, layers in the middle of networks, a pointwise and a
/// depthwise one.
pub(super) const LAYERS: [&str; 10] = [
    "h1080w1920 c1x1 k3x3",
    "h1080w1920 c1x1 k5x5",
    "h1080w1920 c1x1 k15x15",
    "h416w416 c3x16 k3x3",
    "h224w224 c64x64 k3x3",
    "h56w56 c64x64 k3x3",
    "h28w28 c128x128 k3x3",
    "h14w14 c256x256 k3x3",
    "h56w56 c64x256 k1x1",
    "h56w56 c128x128 k3x3 g128",
];

/// The first screen.
pub(super) fn screen(findings: &Findings) -> Result<FirstScreen, Error> {
    Ok(FirstScreen {
        facts: facts(&findings.machine),
        figures: figures(findings)?,
        plot: picture(&findings.machine, &findings.records)?,
    })
}

fn figures(findings: &Findings) -> Result<Vec<Figure>, Error> {
    Ok(vec![ratio(findings), share(findings)?, choices(findings)])
}

/// The three figures, a sentence each.
pub(super) fn sentences(findings: &Findings) -> Result<String, Error> {
    let sentences: Vec<String> = figures(findings)?.iter().map(markdown::sentence).collect();
    Ok(sentences.join("\n"))
}

fn facts(machine: &Machine) -> Vec<(&'static str, String)> {
    let peak = machine.set(&machine.selected).map_or(String::new(), |set| {
        format!(", {} GFLOP/s a core under {}", words::three(set.fma_gflops), machine.selected)
    });
    let cores = format!("{} core{}", machine.cores, if machine.cores == 1 { "" } else { "s" });
    let mut facts = vec![
        ("machine", format!("{}, {cores}{peak}", machine.processor)),
        ("date", machine.date.clone()),
        ("version", format!("tapwise {}, {}", machine.version, machine.compiler)),
        ("command", format!("`{}`, {} effort, {:.0} s", machine.command, machine.effort, machine.seconds)),
    ];
    if let Some(noise) = machine.noise.first() {
        let part = words::percent(noise.believed);
        facts.push(("noise", format!("differences below {part} within one figure are nothing")));
    }
    facts
}

fn missing(label: &str, part: Part, why: &str) -> Figure {
    Figure {
        value: None,
        unit: "",
        label: label.to_owned(),
        explanation: format!("{why}: `{}`", part.command()),
        tone: Tone::Plain,
    }
}

fn ratio(findings: &Findings) -> Figure {
    const LABEL: &str = "as fast as the best other library";
    let single = rows(&findings.records, group::PEERS, 1);
    let Some(found) = summary(&single) else {
        return missing(LABEL, Part::Peers, "Not measured here");
    };
    Figure {
        value: Some(words::three(found.mean)),
        unit: "×",
        label: LABEL.to_owned(),
        explanation: format!(
            "Geometric mean over {} layers, one thread, each against whichever library is fastest there; {} of them won, \
             the worst is {} ×.",
            found.rows,
            found.won,
            words::share(found.worst.1)
        ),
        tone: Tone::of(found.mean >= 1.0),
    }
}

fn share(findings: &Findings) -> Result<Figure, Error> {
    const LABEL: &str = "of the peak, over real networks";
    let Some(found) = nets::share_of_peak(&findings.records)? else {
        return Ok(missing(LABEL, Part::Nets, "Not measured here"));
    };
    Ok(Figure {
        value: Some(words::share(found.share)),
        unit: "",
        label: LABEL.to_owned(),
        explanation: format!(
            "Operations of {} layers of {} networks over the time of all of them, one thread, by run-time kernels.{}",
            found.layers,
            found.nets,
            if found.share > 1.0 { " Above 1: Winograd needs fewer than the direct sum." } else { "" }
        ),
        tone: Tone::Plain,
    })
}

fn choices(findings: &Findings) -> Figure {
    const LABEL: &str = "lost by the planner's choices";
    let found = findings.choices.as_ref().and_then(|choices| regret::summary(&choices.samples, 1));
    let Some(found) = found else {
        return missing(LABEL, Part::Regret, "Not measured here");
    };
    Figure {
        value: Some(format!("{:.1}", 100.0 * (found.mean - 1.0))),
        unit: "%",
        label: LABEL.to_owned(),
        explanation: format!(
            "Time of its choice over that of the best measured candidate, geometric mean over {} layers; the worst is \
             {:.2} ×.",
            found.count, found.worst
        ),
        tone: Tone::of(found.mean <= 1.03),
    }
}

/// The share of the peak of a few layers: the fastest of tapwise, and the best of the others where they were
/// measured, in the same rounds.
fn picture(machine: &Machine, records: &[Record]) -> Result<Option<Drawn>, Error> {
    let here: Vec<&Record> =
        records.iter().filter(|record| record.threads == 1 && record.isa == machine.selected).collect();
    let fastest = |shape: &str, tapwise: bool| fastest(&here, shape, tapwise);
    let shown: Vec<&str> = LAYERS.into_iter().filter(|shape| fastest(shape, true).is_some()).collect();
    if shown.is_empty() {
        return Ok(None);
    }
    let contender = |label: &str, tapwise: bool, colour, marker| {
        let value = |(row, shape): (usize, &&str)| {
            let record = fastest(shape, tapwise)?;
            Some(Dot::of(row, record.fraction_of_peak, record))
        };
        Contender {
            label: label.to_owned(),
            colour,
            marker,
            values: shown.iter().enumerate().filter_map(value).collect(),
        }
    };
    let measured: Vec<&Record> =
        shown.iter().flat_map(|shape| [fastest(shape, false), fastest(shape, true)]).flatten().collect();
    let beside = measured.iter().any(|record| record.contender != "tapwise");
    let fewer = measured.iter().any(|record| record.fraction_of_peak > 1.0);
    let dots = Dots {
        name: "first",
        alternative: format!(
            "The share of the FMA peak that tapwise reaches on {} layers{}{}",
            shown.len(),
            if beside { ", and the best other library" } else { "" },
            if fewer { "; beyond 1 by Winograd, with fewer multiply-adds than the direct sum" } else { "" }
        ),
        title: "share of the FMA peak of one core".to_owned(),
        scale: Scale::Linear,
        rows: shown.iter().map(|shape| words::short_shape(shape)).collect(),
        contenders: vec![
            contender("best other library", false, colour::BLUE, Marker::Square),
            contender("tapwise", true, colour::VERMILLION, Marker::Circle),
        ],
        evidence: Evidence::of(
            &measured,
            if beside { "targets,batch,sides,peers" } else { "targets,batch,sides" },
        ),
    };
    dots.draw().map(Some)
}

/// The fastest measurement of a layer by tapwise or by the others: of the same rounds, where others were measured.
fn fastest<'r>(records: &[&'r Record], shape: &str, tapwise: bool) -> Option<&'r Record> {
    let of_layer = || records.iter().copied().filter(|record| record.shape == shape);
    let contest = of_layer().find(|record| record.contender != "tapwise").map(|record| &record.group);
    let layers = of_layer().filter(|record| {
        contest.is_none_or(|group| record.group == *group)
            && record.strategy != crate::dense_layer::DENSE
            && ![group::GRADIENTS, group::TILES].contains(&record.group.as_str())
    });
    let own = layers.filter(|record| (record.contender == "tapwise") == tapwise);
    own.min_by(|a, b| a.median_s.total_cmp(&b.median_s))
}

#[cfg(test)]
mod tests {
    use super::super::tests::record;
    use super::*;

    #[test]
    fn what_is_shown_beside_others_was_measured_beside_them() {
        let shape = LAYERS[5];
        let beside = record(shape, group::PEERS, "auto", "avx512", 1);
        let other = Record { contender: "PyTorch".to_owned(), ..beside.clone() };
        let alone = Record { group: "nets".to_owned(), median_s: beside.median_s / 2.0, ..beside.clone() };
        let found = fastest(&[&alone, &beside, &other], shape, true).unwrap();
        assert_eq!((found.group.as_str(), found.median_s), (group::PEERS, beside.median_s));
        assert_eq!(fastest(&[&alone, &beside], shape, true).unwrap().group, "nets");
        assert_eq!(fastest(&[&alone, &beside], shape, false).map(|record| record.median_s), None);
    }
}
