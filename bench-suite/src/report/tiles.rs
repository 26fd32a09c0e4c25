//! Fewer products: what Winograd's tiles gain, and what they cost in exactness and memory.

use tapwise::{Planner, Shape, Strategy};

use super::document::{Block, Section, cell, table};
use super::evidence::Evidence;
use super::plot::{Axis, Marker, Plot, Series, Spot, colour};
use super::words;
use crate::Error;
use crate::machine::Machine;
use crate::problems::group;
use crate::records::Record;
use crate::tiles::of;

/// The section, where tiles were measured.
pub(super) fn section(machine: &Machine, records: &[Record]) -> Result<Option<Section>, Error> {
    let own: Vec<&Record> = records.iter().filter(|record| record.group == group::TILES).collect();
    let mut shapes: Vec<&str> = Vec::new();
    for record in &own {
        if !shapes.contains(&record.shape.as_str()) {
            shapes.push(&record.shape);
        }
    }
    let Some(plot) = plot(&own, &shapes) else { return Ok(None) };
    let text = "A tile of m × m outputs of an r × r filter takes (m + r − 1)² products for each channel in and out \
                instead of m²r²: its inputs, the weights and the products go through transforms that are generated \
                from interpolation points in exact rationals. Larger tiles save more, and their rounding errors grow \
                by more. What the growth is at most follows from the transforms exactly; what it is on noise is \
                predicted, and decides which tiles a layer of a given tolerance may take.";
    let rows = own.iter().map(|record| {
        let direct = own.iter().find(|other| other.shape == record.shape && other.strategy == "direct");
        let gain = direct.map_or(f64::NAN, |direct| direct.median_s / record.median_s);
        let plan = planned(machine, record);
        let [growth, predicted, memory] = match plan {
            Some(plan) => [
                format!("{:.0} ×", plan.growth),
                words::error(plan.error),
                format!("{} + {}", words::bytes(plan.weights as u64), words::bytes(plan.scratch as u64)),
            ],
            None => [const { String::new() }; 3],
        };
        vec![
            cell(words::shape(&record.shape)),
            cell(name(record)),
            words::took(record),
            cell(format!("{:.2}", record.fraction_of_peak)),
            cell(format!("{gain:.2} ×")),
            cell(words::error(record.max_error)),
            cell(predicted),
            cell(growth),
            cell(memory),
        ]
    });
    let head = [
        "picture and layer",
        "tile",
        "time",
        "share of peak",
        "against direct",
        "largest error",
        "predicted",
        "growth at most",
        "weights + scratch",
    ];
    let blocks = vec![
        Block::Text(text.to_owned()),
        Block::Plots(vec![(plot.draw()?, "The share of the peak over the error, one thread; up and left is better. A line joins the tiles of 2, 4 and 6 outputs.".to_owned())]),
        Block::Text(
            "The share counts the multiply-adds of the direct sum, so that fewer products can pass 1. Errors are over \
             the root mean square of the output, against f64; the tolerance of a layer is 5e-5 unless it says \
             otherwise."
                .to_owned(),
        ),
        table(&head, rows.collect()),
    ];
    Ok(Some(Section { id: "tiles", title: "Fewer products, larger errors", blocks }))
}

/// What is planned for a record, without running anything.
struct Planned {
    growth: f64,
    error: f64,
    weights: usize,
    scratch: usize,
}

fn planned(machine: &Machine, record: &Record) -> Option<Planned> {
    let shape: Shape = record.shape.parse().ok()?;
    let isa = tapwise::Isa::named(&record.isa).ok()?;
    let [l1, l2, l3] = machine.caches;
    let target = tapwise::Machine {
        isa,
        maker: tapwise::Maker::of(&machine.processor),
        threads: record.threads,
        l1,
        l2,
        l3,
    };
    let strategy = Strategy::ALL.into_iter().find(|strategy| strategy.name() == record.strategy)?;
    let tile = of(shape.spec.kernel).into_iter().find(|tile| {
        let [rows, columns] = tile;
        record.kernel.contains(&format!("F({rows}x{columns},"))
    });
    let planner = Planner { strategy, tile, ..Planner::default() };
    let plan = planner.choose(&shape.spec, shape.input, &target).ok()?;
    let chosen = plan.chosen()?;
    Some(Planned {
        growth: chosen.growth,
        error: chosen.error,
        weights: chosen.workspace_bytes.weights,
        scratch: chosen.workspace_bytes.scratch,
    })
}

/// `F(4x4,3x3)` of a kernel's name; `direct`.
fn name(record: &Record) -> String {
    let tile = record.kernel.split('-').find(|part| part.starts_with("F("));
    tile.map_or_else(|| record.strategy.clone(), str::to_owned)
}

/// The gain over the direct sum, over the error; a line for each layer.
fn plot(records: &[&Record], shapes: &[&str]) -> Option<Plot> {
    let colours =
        [colour::VERMILLION, colour::BLUE, colour::GREEN, colour::PURPLE, colour::ORANGE, colour::GREY];
    let markers = [Marker::Circle, Marker::Square, Marker::Triangle, Marker::Diamond];
    let series: Vec<Series> = shapes
        .iter()
        .enumerate()
        .map(|(index, shape)| {
            let tiles = records.iter().filter(|record| record.strategy == Strategy::Winograd.name());
            let own = tiles.filter(|record| record.shape == *shape);
            Series {
                label: words::shape(shape),
                colour: colours[index % colours.len()],
                marker: markers[index % markers.len()],
                dashed: false,
                points: own
                    .map(|record| Spot::of(record.max_error, record.fraction_of_peak, record))
                    .collect(),
            }
        })
        .collect();
    let points = || series.iter().flat_map(|series| &series.points);
    let top = points().map(|point| point.y).fold(0.0, f64::max);
    let errors = points().map(|point| point.x).filter(|error| *error > 0.0);
    let (low, high) = errors.fold((f64::INFINITY, 0.0f64), |(low, high), x| (low.min(x), high.max(x)));
    if top == 0.0 || low > high {
        return None;
    }
    let (from, to) = (10f64.powf(low.log10().floor()), 10f64.powf(high.log10().ceil()));
    let exponents = from.log10().round() as i32..=to.log10().round() as i32;
    Some(Plot {
        name: "tiles",
        alternative: "The share of the FMA peak that each size of tile reaches, over its largest error"
            .to_owned(),
        x: Axis {
            title: "largest error (over the root mean square)".to_owned(),
            range: (from, to),
            logarithmic: true,
            ticks: exponents.map(|exponent| (10f64.powi(exponent), format!("1e{exponent}"))).collect(),
        },
        y: Axis {
            title: "share of peak, direct sum".to_owned(),
            range: (0.0, top * 1.08),
            logarithmic: false,
            ticks: super::charts::steps(top),
        },
        series,
        marks: Vec::new(),
        evidence: Evidence::of(records, "tiles"),
    })
}
