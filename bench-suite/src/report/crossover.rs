//! Where transforms overtake the direct sum: time over the side of a filter of one channel.

use tapwise::{Shape, Strategy};

use super::charts::look;
use super::document::{Block, Section, cell, table};
use super::evidence::Evidence;
use super::plot::{Axis, Plot, Series, Spot};
use super::words;
use crate::Error;
use crate::contenders;
use crate::machine::Machine;
use crate::problems::group;
use crate::records::Record;

/// The strategies as columns and lines, the direct ones first.
const STRATEGIES: [Strategy; 3] = [Strategy::Direct, Strategy::Specialized, Strategy::Fft];

/// The name of a strategy in plot and table.
fn label(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::Fft => contenders::FFT.label,
        other => contenders::of(other).map_or("", |contender| contender.label),
    }
}

/// The side of a filter with a record of each strategy that took part.
struct Row<'r> {
    side: usize,
    records: [Option<&'r Record>; 3],
}

impl Row<'_> {
    /// Whether transforms are faster than every direct sum.
    fn transforms_win(&self) -> bool {
        let [direct, specialized, transforms] =
            self.records.map(|record| record.map(|record| record.median_s));
        let best = direct.into_iter().chain(specialized).fold(f64::INFINITY, f64::min);
        transforms.is_some_and(|seconds| seconds < best)
    }
}

fn rows(records: &[Record]) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    for record in records.iter().filter(|record| record.group == group::FILTER) {
        let Ok(shape) = record.shape.parse::<Shape>() else { continue };
        let side = shape.spec.kernel[0];
        let Some(column) = STRATEGIES.iter().position(|strategy| strategy.name() == record.strategy) else {
            continue;
        };
        let at = rows.iter().position(|row| row.side == side).unwrap_or(rows.len());
        if at == rows.len() {
            rows.push(Row { side, records: [None; 3] });
        }
        rows[at].records[column] = Some(record);
    }
    rows.sort_by_key(|row| row.side);
    rows
}

/// The section, where filters were measured.
pub(super) fn section(machine: &Machine, records: &[Record]) -> Result<Option<Section>, Error> {
    let rows = rows(records);
    let Some(plot) = plot(&rows) else { return Ok(None) };
    // The smallest side from which on transforms win at every larger one.
    let losses = rows.iter().rposition(|row| !row.transforms_win());
    let first = rows.get(losses.map_or(0, |last| last + 1));
    let found = match first {
        Some(row) => format!("Here transforms are the faster ones from {side} × {side} on.", side = row.side),
        None => "Here they are faster at none of these sides.".to_owned(),
    };
    let text = format!(
        "One filter of one channel over 1080 × 1920 pixels on one core under {}. The direct sum takes as many \
         multiply-adds as the filter has taps, the square of its side; by transforms of rows it is a few operations for \
         each pixel and two multiply-adds for each row of the filter. The specialised kernels are those that are compiled \
         into this program. {found}",
        machine.selected
    );
    let head = [
        "filter",
        "direct",
        "specialized",
        "FFT",
        "FFT, GFLOP/s of the direct sum",
        "FFT, times the FMA peak",
    ];
    let cells = rows.iter().map(|row| {
        let time = |record: &Option<&Record>| record.map_or(cell("–"), words::took);
        let transforms = row.records[2];
        let of = |number: fn(&Record) -> f64| {
            transforms.map_or("–".to_owned(), |record| words::three(number(record)))
        };
        let times = row.records.iter().map(time);
        let effective = [of(|record| record.gflops), of(|record| record.fraction_of_peak)];
        std::iter::once(cell(format!("{0} × {0}", row.side)))
            .chain(times)
            .chain(effective.map(cell))
            .collect()
    });
    let caption =
        "Time for a picture over the side of the filter; both axes are logarithmic. Less is better.";
    let blocks = vec![
        Block::Text(text),
        Block::Plots(vec![(plot.draw()?, caption.to_owned())]),
        table(&head, cells.collect()),
    ];
    Ok(Some(Section { id: "crossover", title: "Where transforms overtake the direct sum", blocks }))
}

fn plot(rows: &[Row<'_>]) -> Option<Plot> {
    let (first, last) = (rows.first()?.side as f64, rows.last()?.side as f64);
    let lines = STRATEGIES.iter().enumerate().map(|(column, &strategy)| {
        let (colour, marker) = look(strategy);
        let points = rows.iter().filter_map(|row| Some((row.side as f64, row.records[column]?)));
        let points = points.map(|(side, record)| Spot::of(side, record.median_s * 1e3, record));
        Series { label: label(strategy).to_owned(), colour, marker, dashed: false, points: points.collect() }
    });
    let series: Vec<Series> = lines.filter(|line| !line.points.is_empty()).collect();
    let times = || series.iter().flat_map(|line| &line.points).map(|point| point.y);
    let (low, high) = (times().fold(f64::INFINITY, f64::min), times().fold(0.0, f64::max));
    let near = |value: f64| rows.iter().map(|row| row.side as f64).find(|side| *side == value);
    let ticks = [3.0, 5.0, 7.0, 11.0, 15.0, 21.0, 31.0, 63.0].into_iter().filter_map(near);
    let powers = (-3..5).map(|power| 10f64.powi(power));
    let steps = powers.flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * power));
    let range = (low / 1.25, high * 1.25);
    let measured: Vec<&Record> = rows.iter().flat_map(|row| row.records).flatten().collect();
    Some(Plot {
        name: "crossover",
        alternative:
            "milliseconds for a picture over the side of the filter, by the direct sum and by transforms"
                .to_owned(),
        x: Axis {
            title: "side of the filter (pixels)".to_owned(),
            range: (first / 1.1, last * 1.1),
            logarithmic: true,
            ticks: ticks.map(|side| (side, format!("{side}"))).collect(),
        },
        y: Axis {
            title: "time (ms)".to_owned(),
            range,
            logarithmic: true,
            ticks: steps
                .filter(|value| (range.0..=range.1).contains(value))
                .map(|value| (value, words::plain(value)))
                .collect(),
        },
        series,
        marks: Vec::new(),
        evidence: Evidence::of(&measured, "sides"),
    })
}
