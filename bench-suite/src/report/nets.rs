//! The section on whole networks: how much of each runs how close to the peak.

use super::document::{Block, Cell, Section, Table, cell, judged, table};
use super::evidence::Evidence;
use super::peers::{all, look, names, said};
use super::plot::{Axis, Drawn, Marker, Plot, Series, Spot};
use super::{Findings, words};
use crate::Error;
use crate::peers::nets::{Layer, layers};
use crate::peers::ratio::{Row, distribution, rows, summary};
use crate::problems::group;
use crate::records::Record;

/// The files of the charts, one for each network in the order of the list.
const CHARTS: [&str; 6] = [
    "nets-resnet-50",
    "nets-mobilenet-v2",
    "nets-yolov8n",
    "nets-u-net",
    "nets-deepbench-server",
    "nets-deepbench-device",
];

/// The section; none where no network was measured.
pub(super) fn section(findings: &Findings) -> Result<Option<Section>, Error> {
    let measured = rows(&findings.records, group::NETS, 1);
    if measured.is_empty() {
        return Ok(None);
    }
    let all = layers()?;
    let mut nets: Vec<&str> = Vec::new();
    for layer in &all {
        if !nets.contains(&layer.net.as_str()) {
            nets.push(&layer.net);
        }
    }
    let (mut plots, mut lines) = (Vec::new(), Vec::new());
    for (net, chart) in nets.into_iter().zip(CHARTS) {
        let own: Vec<&Layer> = all.iter().filter(|layer| layer.net == net).collect();
        let found: Vec<(f64, &Row<'_>)> = own.iter().filter_map(|layer| find(layer, &measured)).collect();
        if found.is_empty() {
            continue;
        }
        let whole: f64 = own.iter().map(|layer| weight(layer)).sum();
        let part = found.iter().map(|(weight, _)| weight).sum::<f64>() / whole;
        // A curve of a small part would be taken for the net's.
        if part >= 0.25 {
            plots.push((panel(net, chart, &found)?, caption(net, part)));
        }
        lines.push(line(net, part, &found));
    }
    let mut blocks = vec![Block::Text(
        "How the multiply-adds of whole networks are spread over shares of the peak, on one thread: a curve says which \
         part of them runs at least that close to the peak; further up and to the right is better. Layers are taken one \
         at a time. Hardly any of them was annotated in this program: they run by the kernels of run-time channels. \
         Beyond 1 are layers by Winograd, which needs fewer multiply-adds than the direct sum."
            .to_owned(),
    )];
    blocks.push(Block::Plots(plots));
    blocks.extend(summary(&measured).map(|summary| Block::Text(said(&summary))));
    let head = [
        "network",
        "of its multiply-adds",
        "tapwise, all layers",
        "best library",
        "all layers",
        "ratio",
        "layer by layer",
        "lost layers",
    ];
    // Alone there is nobody to stand beside.
    let columns = if names(&measured).len() > 1 { head.len() } else { 3 };
    lines.iter_mut().for_each(|line: &mut Vec<Cell>| line.truncate(columns));
    blocks.push(table(&head[..columns], lines));
    let skipped = findings.peers.as_ref().map_or(0, |found| found.skipped.len());
    if skipped > 0 {
        blocks.push(Block::Text(format!(
            "{skipped} layers were left out because they cost too much for this effort; `peers.json` names them."
        )));
    }
    Ok(Some(Section { id: "nets", title: "Layers of whole networks", blocks }))
}

/// What whole networks reach together.
pub(super) struct Reached {
    /// The share of the peak: all operations over the time of all layers.
    pub(super) share: f64,
    /// Layers that were measured, those of one shape counted each.
    pub(super) layers: u32,
    /// Networks.
    pub(super) nets: usize,
}

/// The share of the peak over the layers of networks that were measured, on one thread; none where none were.
/// Lists of layers of many networks are left out.
pub(super) fn share_of_peak(records: &[Record]) -> Result<Option<Reached>, Error> {
    let measured = rows(records, group::NETS, 1);
    let (mut macs, mut ideal, mut count) = (0.0, 0.0, 0);
    let mut nets: Vec<String> = Vec::new();
    for layer in layers()?.into_iter().filter(|layer| !layer.net.starts_with("DeepBench")) {
        let Some((weight, row)) = find(&layer, &measured) else { continue };
        macs += weight;
        ideal += weight / row.tapwise.fraction_of_peak;
        count += layer.count;
        if !nets.contains(&layer.net) {
            nets.push(layer.net);
        }
    }
    Ok((macs > 0.0).then(|| Reached { share: macs / ideal, layers: count, nets: nets.len() }))
}

/// The multiply-adds of all layers of a shape.
fn weight(layer: &Layer) -> f64 {
    f64::from(layer.count) * layer.macs as f64
}

fn find<'r, 'a>(layer: &Layer, rows: &'r [Row<'a>]) -> Option<(f64, &'r Row<'a>)> {
    let shape = layer.shape.parse::<tapwise::Shape>().ok()?.to_string();
    let row = rows.iter().find(|row| row.shape == shape)?;
    Some((weight(layer), row))
}

fn caption(net: &str, part: f64) -> String {
    if part > 0.999 {
        format!("{net}.")
    } else {
        format!("{net}: the layers measured have {} of its multiply-adds.", of_whole(part))
    }
}

/// The part of a network that was measured.
fn of_whole(part: f64) -> String {
    if part < 0.01 { "< 0.01".to_owned() } else { words::share(part) }
}

fn panel(net: &str, name: &'static str, found: &[(f64, &Row<'_>)]) -> Result<Drawn, Error> {
    let rows: Vec<Row<'_>> = found.iter().map(|(_, row)| (*row).clone()).collect();
    let (mut series, mut curves) = (Vec::new(), Vec::new());
    for contender in names(&rows) {
        let own: Option<Vec<(f64, f64)>> =
            found.iter().map(|(weight, row)| Some((share(row, contender)?, *weight))).collect();
        // A library that does not serve every layer has no curve.
        if let Some(own) = own {
            let (colour, _) = look(contender);
            let mut points = distribution(&own);
            let last = points.last().map_or(1.0, |point| point.1);
            points.push((0.0, last));
            let dashed = look(contender).1 != Marker::Circle && look(contender).1 != Marker::Square;
            let mut points: Vec<Spot> = points.into_iter().map(Spot::from).collect();
            if contender == "tapwise" {
                tell(&mut points, &rows);
            }
            curves.push((contender, own));
            series.push(Series { label: contender.to_owned(), colour, marker: Marker::None, dashed, points });
        }
    }
    series.reverse();
    curves.reverse();
    let top = series.iter().flat_map(|series| &series.points).map(|point| point.x).fold(1.0, f64::max);
    let plot = Plot {
        name,
        alternative: format!(
            "{net}: the part of its multiply-adds that runs at least at a share of the peak"
        ),
        x: Axis {
            title: "share of the FMA peak".to_owned(),
            range: (0.0, top * 1.03),
            logarithmic: false,
            ticks: super::charts::steps(top),
        },
        y: Axis {
            title: "part of the multiply-adds".to_owned(),
            range: (0.0, 1.04),
            logarithmic: false,
            ticks: [0.0, 0.25, 0.5, 0.75, 1.0].map(|part| (part, format!("{part}"))).to_vec(),
        },
        series,
        marks: Vec::new(),
        evidence: Evidence::of(&rows.iter().flat_map(all).collect::<Vec<_>>(), "nets"),
    };
    Ok(plot.draw()?.tabulated(parts(&curves, top)))
}

/// Says of the points of tapwise which layers they are, the fastest first as in [`distribution`].
fn tell(points: &mut [Spot], rows: &[Row<'_>]) {
    let mut layers: Vec<&Record> = rows.iter().map(|row| row.tapwise).collect();
    layers.sort_by(|a, b| b.fraction_of_peak.total_cmp(&a.fraction_of_peak));
    for (point, layer) in points.iter_mut().skip(1).step_by(2).zip(layers) {
        point.text = Some(words::record(layer));
    }
}

/// The curves in numbers: the part that runs at least at each tenth of the peak.
fn parts(curves: &[(&str, Vec<(f64, f64)>)], top: f64) -> Table {
    let mut head = vec!["share of the FMA peak, at least".to_owned()];
    head.extend(curves.iter().map(|(contender, _)| (*contender).to_owned()));
    let row = |tenth: u32| {
        let least = f64::from(tenth) / 10.0;
        let mut cells = vec![cell(format!("{least:.1}"))];
        cells.extend(curves.iter().map(|(_, layers)| {
            let whole: f64 = layers.iter().map(|(_, macs)| macs).sum();
            let own: f64 = layers.iter().filter(|(share, _)| *share >= least).map(|(_, macs)| macs).sum();
            cell(words::share(own / whole))
        }));
        cells
    };
    Table { head, rows: (1..=(top * 10.0) as u32).map(row).collect() }
}

fn share(row: &Row<'_>, contender: &str) -> Option<f64> {
    all(row).find(|record| record.contender == contender).map(|record| record.fraction_of_peak)
}

/// The times of all layers together, and the layers one by one.
fn line(net: &str, part: f64, found: &[(f64, &Row<'_>)]) -> Vec<Cell> {
    let total = |name: &str| -> Option<f64> {
        let times = found.iter().map(|(weight, row)| {
            let record = all(row).find(|record| record.contender == name)?;
            // Layers of one shape are as many as their weight over one's own multiply-adds.
            let macs = record.gflops * record.median_s * 1e9 / 2.0;
            Some(record.median_s * (weight / macs).round())
        });
        times.sum()
    };
    let rows: Vec<Row<'_>> = found.iter().map(|(_, row)| (*row).clone()).collect();
    let tapwise = total("tapwise").unwrap_or(f64::NAN);
    let others = names(&rows).into_iter().filter(|name| *name != "tapwise");
    let best = others.filter_map(|name| Some((name, total(name)?))).min_by(|a, b| a.1.total_cmp(&b.1));
    let mut cells = vec![cell(net), cell(of_whole(part)), cell(words::time(tapwise))];
    match best {
        Some((name, seconds)) => {
            let ratio = seconds / tapwise;
            cells.extend([cell(name), cell(words::time(seconds))]);
            let mark = if ratio >= 1.0 { "✓" } else { "✗" };
            cells.push(judged(format!("{} {mark}", words::share(ratio)), ratio >= 1.0));
        }
        None => cells.extend(["–", "–", "–"].map(cell)),
    }
    match summary(&rows) {
        Some(summary) => {
            cells.push(cell(words::three(summary.mean)));
            cells.push(cell(format!("{} of {}", summary.rows - summary.won, summary.rows)));
        }
        None => cells.extend(["–", "–"].map(cell)),
    }
    cells
}
