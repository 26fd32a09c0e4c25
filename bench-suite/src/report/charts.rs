//! Which charts a report has, and how records become their lines.

use tapwise::{Shape, Strategy, parameters};

use super::evidence::Evidence;
use super::plot::{Axis, Mark, Marker, Plot, Series, Spot, colour};
use super::words;
use crate::contenders;
use crate::dense_layer::{DENSE, largest_side};
use crate::machine::Machine;
use crate::problems::group;
use crate::records::Record;

/// The hidden units of the textbook's dense layer, and the Δ that its local layer is shown with.
const HIDDEN: usize = 1000;
const DELTA: usize = 10;
const CHANNELS: [usize; 2] = [3, 16];

/// Throughput of every strategy over the side of the picture.
pub(super) fn size(records: &[Record]) -> Option<Plot> {
    let x = |shape: &Shape| shape.input[0] as f64;
    throughput(records, group::SIZE, "throughput-size", "side of the picture (pixels)", true, x)
}

/// Throughput over Δ.
pub(super) fn delta(records: &[Record]) -> Option<Plot> {
    let x = |shape: &Shape| (shape.spec.kernel[0] / 2) as f64;
    throughput(records, group::DELTA, "throughput-delta", "Δ (the filter is 2Δ + 1 pixels square)", false, x)
}

/// Throughput over channels.
pub(super) fn channels(records: &[Record]) -> Option<Plot> {
    let x = |shape: &Shape| shape.spec.c_in as f64;
    throughput(records, group::CHANNELS, "throughput-channels", "channels in and out", true, x)
}

fn throughput(
    records: &[Record],
    group: &str,
    name: &'static str,
    title: &str,
    doubling: bool,
    x: impl Fn(&Shape) -> f64,
) -> Option<Plot> {
    let mut points: Vec<(f64, &Record)> = Vec::new();
    for record in records.iter().filter(|record| record.group == group) {
        if let Ok(shape) = record.shape.parse::<Shape>() {
            points.push((x(&shape), record));
        }
    }
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (first, last) = (points.first()?.0, points.last()?.0);
    let mut peaks: Vec<f64> = points.iter().map(|(_, record)| record.peak_gflops).collect();
    let peak = crate::statistics::median(&mut peaks);
    let mut series = vec![Series {
        label: "FMA peak of the core".to_owned(),
        colour: colour::GREY,
        marker: Marker::None,
        dashed: true,
        points: vec![(first, peak).into(), (last, peak).into()],
    }];
    // The fastest first, as they are seen from above.
    for contender in contenders::ALL.iter().rev() {
        let own = points.iter().filter(|(_, record)| record.strategy == contender.strategy.name());
        let own: Vec<Spot> = own.map(|(x, record)| Spot::of(*x, record.gflops, record)).collect();
        if !own.is_empty() {
            let (colour, marker) = look(contender.strategy);
            series.push(Series {
                label: contender.label.to_owned(),
                colour,
                marker,
                dashed: false,
                points: own,
            });
        }
    }
    let top = series.iter().flat_map(|series| &series.points).map(|point| point.y).fold(0.0, f64::max);
    let ticks = if doubling {
        let powers = (0..20).map(|power| f64::from(1 << power));
        powers
            .filter(|value| (first..=last).contains(value))
            .map(|value| (value, format!("{value}")))
            .collect()
    } else {
        (first as usize..=last as usize).map(|value| (value as f64, value.to_string())).collect()
    };
    let room = if doubling { (first / 1.15, last * 1.15) } else { (first - 0.2, last + 0.2) };
    Some(Plot {
        name,
        alternative: format!("GFLOP/s of every strategy over {title}"),
        x: Axis { title: title.to_owned(), range: room, logarithmic: doubling, ticks },
        y: Axis {
            title: "GFLOP/s".to_owned(),
            range: (-0.03 * top, top * 1.06),
            logarithmic: false,
            ticks: steps(top),
        },
        series,
        marks: Vec::new(),
        evidence: Evidence::of(&points.iter().map(|(_, record)| *record).collect::<Vec<_>>(), "sweeps"),
    })
}

/// The colour and marker of a strategy, the same in every chart.
pub(super) fn look(strategy: Strategy) -> (plotters::style::RGBColor, Marker) {
    match strategy {
        Strategy::Specialized => (colour::VERMILLION, Marker::Circle),
        Strategy::Winograd => (colour::ORANGE, Marker::Triangle),
        Strategy::Direct => (colour::BLUE, Marker::Square),
        Strategy::Im2colGemm => (colour::GREEN, Marker::Triangle),
        Strategy::Naive => (colour::PURPLE, Marker::Diamond),
        Strategy::Fft => (colour::BROWN, Marker::Diamond),
        _ => (colour::GREY, Marker::Circle),
    }
}

/// Four to eight round numbers from zero up.
pub(super) fn steps(top: f64) -> Vec<(f64, String)> {
    let size = 10f64.powf((top / 4.0).max(1e-9).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * size).into_iter().find(|step| top / step <= 7.0);
    let step = step.unwrap_or(10.0 * size);
    let count = (top * 1.06 / step).floor() as usize;
    let digits = (-step.log10().floor()).max(0.0) as usize;
    (0..=count).map(|index| index as f64 * step).map(|value| (value, format!("{value:.digits$}"))).collect()
}

/// Powers of ten on an axis, every `every`-th of them.
fn decades(from: i32, to: i32, every: usize, text: impl Fn(i32) -> String) -> Vec<(f64, String)> {
    (from..=to).step_by(every).map(|exponent| (10f64.powi(exponent), text(exponent))).collect()
}

/// Parameters of every step from the dense layer to the convolution, over the side of the picture.
pub(super) fn parameter_counts() -> Plot {
    // One megapixel, the textbook's picture, is in the right third.
    let sides: Vec<usize> =
        (10..=36).map(|tenth| 10f64.powf(f64::from(tenth) / 10.0).round() as usize).collect();
    let line = |label: String, colour, dashed, count: &dyn Fn([usize; 2]) -> u128| Series {
        label,
        colour,
        marker: Marker::None,
        dashed,
        points: sides.iter().map(|&side| (side as f64, count([side, side]) as f64).into()).collect(),
    };
    let [c_in, c_out] = CHANNELS;
    let mark = |count: u128, text: String| Mark { at: (1000.0, count as f64), text };
    let megapixel = [1000, 1000];
    Plot {
        name: "parameters",
        alternative:
            "Parameters over the side of the picture: dense, translation invariant, local, with channels"
                .to_owned(),
        x: Axis {
            title: "side of the picture (pixels)".to_owned(),
            range: (10.0, 4000.0),
            logarithmic: true,
            ticks: [10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0].map(|side| (side, format!("{side}"))).to_vec(),
        },
        y: Axis {
            title: "parameters".to_owned(),
            range: (50.0, 1e15),
            logarithmic: true,
            ticks: decades(2, 14, 2, words::power),
        },
        series: vec![
            line("dense".to_owned(), colour::VERMILLION, false, &|side| parameters::dense(side, side)),
            line(format!("dense, {HIDDEN} hidden units"), colour::PURPLE, true, &|side| {
                parameters::dense_to_hidden(side, HIDDEN)
            }),
            line("translation invariant".to_owned(), colour::BLUE, false, &parameters::translation_invariant),
            line(format!("local, Δ = {DELTA}"), colour::GREEN, false, &|_| parameters::local(DELTA)),
            line(format!("local, Δ = {DELTA}, {c_in} → {c_out} channels"), colour::ORANGE, true, &|_| {
                parameters::channels(DELTA, c_in, c_out)
            }),
        ],
        marks: vec![
            mark(parameters::dense(megapixel, megapixel), words::power(12)),
            mark(parameters::dense_to_hidden(megapixel, HIDDEN), words::power(9)),
            mark(parameters::translation_invariant(megapixel), format!("4·{}", words::power(6))),
            mark(parameters::local(DELTA), "4Δ²".to_owned()),
        ],
        evidence: Evidence::Computed,
    }
}

/// Seconds of the dense layer and of the convolution that equals it.
pub(super) fn dense(records: &[Record], machine: &Machine) -> Option<Plot> {
    let measured: Vec<&Record> = records.iter().filter(|record| record.group == group::DENSE).collect();
    let points = |strategy: &str| -> Vec<Spot> {
        let own = measured.iter().filter(|record| record.strategy == strategy);
        let placed = own.filter_map(|record| {
            let side = record.shape.parse::<Shape>().ok()?.input[0];
            Some(Spot::of(side as f64, record.median_s, record))
        });
        let mut points: Vec<_> = placed.collect();
        points.sort_by(|a, b| a.x.total_cmp(&b.x));
        points
    };
    let (dense, convolution) = (points(DENSE), points("auto"));
    let seconds = || dense.iter().chain(&convolution).map(|point| point.y);
    let (least, most) = (seconds().fold(f64::INFINITY, f64::min), seconds().fold(0.0, f64::max));
    let sides = || dense.iter().chain(&convolution).map(|point| point.x);
    let (first, last) = (sides().fold(f64::INFINITY, f64::min), sides().fold(0.0, f64::max));
    if !least.is_finite() || least <= 0.0 {
        return None;
    }
    let bottom = least.log10().floor() as i32;
    let top = (most.log10().ceil() as i32).max(bottom + 1);
    let mut series = vec![
        Series {
            label: "dense".to_owned(),
            colour: colour::VERMILLION,
            marker: Marker::Circle,
            dashed: false,
            points: dense,
        },
        Series {
            label: "convolution".to_owned(),
            colour: colour::BLUE,
            marker: Marker::Square,
            dashed: false,
            points: convolution,
        },
    ];
    if let Some(memory) = machine.memory {
        let side = (largest_side(memory) + 1) as f64;
        series.push(Series {
            label: format!("dense beyond {}", words::bytes(memory)),
            colour: colour::GREY,
            marker: Marker::None,
            dashed: true,
            points: vec![(side, 10f64.powi(bottom)).into(), (side, 10f64.powi(top)).into()],
        });
    }
    let text = |exponent: i32| {
        let (unit, name) = match exponent {
            ..-6 => (-9, "ns"),
            -6..-3 => (-6, "µs"),
            -3..0 => (-3, "ms"),
            _ => (0, "s"),
        };
        format!("{} {name}", 10f64.powi(exponent - unit).round())
    };
    let powers = (0..14).map(|power| f64::from(1 << power)).filter(|value| (first..=last).contains(value));
    Some(Plot {
        name: "dense",
        alternative:
            "Time of the dense layer and of the convolution that equals it, over the side of the picture"
                .to_owned(),
        x: Axis {
            title: "side of the picture (pixels)".to_owned(),
            range: (first / 1.15, last * 1.15),
            logarithmic: true,
            ticks: powers.map(|value| (value, format!("{value}"))).collect(),
        },
        y: Axis {
            title: "time of one picture (s)".to_owned(),
            range: (10f64.powi(bottom), 10f64.powi(top)),
            logarithmic: true,
            ticks: decades(bottom, top, 1, text),
        },
        series,
        marks: Vec::new(),
        evidence: Evidence::of(&measured, "dense"),
    })
}
