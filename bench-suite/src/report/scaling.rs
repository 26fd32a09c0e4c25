//! The sections on throughput over size, Δ, channels, batches and threads.

use tapwise::Shape;

use super::document::{Block, Section, of};
use super::dots::{Contender, Dot, Dots, Scale};
use super::drawn::Drawn;
use super::evidence::Evidence;
use super::palette::colour;
use super::plot::{Axis, Marker, Plot, Series, Spot};
use super::{charts, words};
use crate::Error;
use crate::machine::Machine;
use crate::problems::group;
use crate::records::Record;

/// Throughput over the side of the picture, Δ and channels; none where it was not measured.
pub(super) fn throughput(machine: &Machine, records: &[Record]) -> Result<Option<Section>, Error> {
    let mut plots = Vec::new();
    let sweeps: [(Option<Plot>, &str, &str); 3] = [
        (
            charts::size(records),
            group::SIZE,
            "Over the side of a square picture, 32 channels in and out, 3 × 3.",
        ),
        (charts::delta(records), group::DELTA, "Over Δ, on 56 × 56 pixels of 32 channels in and out."),
        (charts::channels(records), group::CHANNELS, "Over channels, on 28 × 28 pixels, 3 × 3."),
    ];
    for (plot, group, caption) in sweeps {
        if let Some(plot) = plot {
            let naive = of(records, group, "naive");
            let most = naive.iter().map(|record| record.gflops).fold(0.0, f64::max);
            let floor = if most > 0.0 {
                format!(" Naive stays below {} GFLOP/s.", words::three(most))
            } else {
                String::new()
            };
            plots.push((plot.draw()?, format!("{caption}{floor}")));
        }
    }
    if plots.is_empty() {
        return Ok(None);
    }
    let text = format!(
        "More is better; the dashed line is what the core can do at most under {}, measured beside the rest. \
         Operations are those of the direct sum, two for each multiply-add.",
        machine.selected
    );
    Ok(Some(Section {
        id: "throughput",
        title: "Throughput over size, Δ and channels",
        blocks: vec![Block::Text(text), Block::Plots(plots)],
    }))
}

/// The looks of one thread, of as many as were asked for, and of numbers between.
const LOOKS: [(plotters::style::RGBColor, Marker); 5] = [
    (colour::BLUE, Marker::Square),
    (colour::VERMILLION, Marker::Circle),
    (colour::GREEN, Marker::Triangle),
    (colour::PURPLE, Marker::Diamond),
    (colour::ORANGE, Marker::Square),
];

/// Batches and threads; none where they were not measured.
pub(super) fn batches_and_threads(records: &[Record]) -> Result<Option<Section>, Error> {
    let mut plots = Vec::new();
    if let Some(plot) = batches(records)? {
        let caption = "Batches of pictures of 16 × 16 pixels, 32 channels in and out, 3 × 3: what a call costs shows at 1.";
        plots.push((plot, caption.to_owned()));
    }
    if let Some(plot) = threads(records)? {
        let caption = "How many times as fast a layer is on several threads as on one. Two shared cores rarely give all.";
        plots.push((plot, caption.to_owned()));
    }
    if plots.is_empty() {
        return Ok(None);
    }
    let text = "What the planner chooses, for one small layer over the number of pictures in a call, and for six layers \
                over the number of threads.";
    let blocks = vec![Block::Text(text.to_owned()), Block::Plots(plots)];
    Ok(Some(Section { id: "scaling", title: "Batches and threads", blocks }))
}

/// The numbers of threads in a group, fewest first.
fn counts(records: &[Record], group: &str) -> Vec<usize> {
    let mut counts: Vec<usize> =
        records.iter().filter(|record| record.group == group).map(|record| record.threads).collect();
    counts.sort_unstable();
    counts.dedup();
    counts
}

fn said(threads: usize) -> String {
    format!("{threads} thread{}", if threads == 1 { "" } else { "s" })
}

fn batches(records: &[Record]) -> Result<Option<Drawn>, Error> {
    let own: Vec<&Record> = records.iter().filter(|record| record.group == group::BATCH).collect();
    let placed = |threads: usize| -> Vec<Spot> {
        let here = own.iter().filter(|record| record.threads == threads);
        let spot = |record: &&Record| {
            let shape: Shape = record.shape.parse().ok()?;
            Some(Spot::of(shape.batch as f64, record.gflops, record))
        };
        let mut spots: Vec<Spot> = here.filter_map(spot).collect();
        spots.sort_by(|a, b| a.x.total_cmp(&b.x));
        spots
    };
    let lines = counts(records, group::BATCH).into_iter().zip(LOOKS).map(|(threads, (colour, marker))| {
        Series { label: said(threads), colour, marker, dashed: false, points: placed(threads) }
    });
    let mut series: Vec<Series> = lines.collect();
    series.reverse();
    let points = || series.iter().flat_map(|series| &series.points);
    let last = points().map(|point| point.x).fold(0.0, f64::max);
    if last < 2.0 {
        return Ok(None);
    }
    let top = points().map(|point| point.y).fold(0.0, f64::max);
    let ticks = (0..12).map(|power| f64::from(1 << power)).filter(|value| *value <= last);
    let plot = Plot {
        name: "batches",
        alternative: "GFLOP/s over the number of pictures in a call, on one thread and on several".to_owned(),
        x: Axis {
            title: "pictures in a call".to_owned(),
            range: (1.0 / 1.15, last * 1.15),
            logarithmic: true,
            ticks: ticks.map(|value| (value, format!("{value}"))).collect(),
        },
        y: Axis {
            title: "GFLOP/s".to_owned(),
            range: (-0.03 * top, top * 1.06),
            logarithmic: false,
            ticks: charts::steps(top),
        },
        series,
        marks: Vec::new(),
        evidence: Evidence::of(&own, "batch"),
    };
    plot.draw().map(Some)
}

fn threads(records: &[Record]) -> Result<Option<Drawn>, Error> {
    let own: Vec<&Record> = records.iter().filter(|record| record.group == group::SCALING).collect();
    let mut shapes: Vec<&str> = Vec::new();
    for record in &own {
        if !shapes.contains(&record.shape.as_str()) {
            shapes.push(&record.shape);
        }
    }
    let several: Vec<usize> =
        counts(records, group::SCALING).into_iter().filter(|threads| *threads > 1).collect();
    if several.is_empty() {
        return Ok(None);
    }
    let on = |shape: &str, threads: usize| {
        own.iter().find(|record| record.shape == shape && record.threads == threads).copied()
    };
    let contenders = several.iter().zip(LOOKS.into_iter().skip(1)).map(|(&threads, (colour, marker))| {
        let dot = |(row, shape): (usize, &&str)| {
            let (one, many) = (on(shape, 1)?, on(shape, threads)?);
            let mut dot = Dot::of(row, one.median_s / many.median_s, many);
            dot.text.push_str(&format!("\n{} on one thread", words::time(one.median_s)));
            Some(dot)
        };
        Contender {
            label: said(threads),
            colour,
            marker,
            values: shapes.iter().enumerate().filter_map(dot).collect(),
        }
    });
    let dots = Dots {
        name: "threads",
        alternative: "How many times as fast layers are on several threads as on one".to_owned(),
        title: "times as fast as on one thread".to_owned(),
        scale: Scale::Linear,
        rows: shapes.iter().map(|shape| words::short_shape(shape)).collect(),
        contenders: contenders.collect(),
        evidence: Evidence::of(&own, "batch"),
    };
    dots.draw().map(Some)
}
