//! The roofline: what every layer reaches, below what arithmetic and memory allow it (Williams, Waterman and
//! Patterson 2009).

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use tapwise::Shape;

use super::document::{Block, Section, Table, cell};
use super::drawn::{Drawn, Point, WIDTH, sketch};
use super::evidence::Evidence;
use super::palette::{INK, colour};
use super::plot::{Area, Axis, Failed, Marker, draw_marker};
use super::{legend, words};
use crate::Error;
use crate::machine::{Machine, Stream};
use crate::problems::group;
use crate::records::Record;

const NAME: &str = "roofline";
const FONT: u32 = 30;
const SMALL: u32 = 26;
const PLOT_HEIGHT: i32 = 620;
/// Pixels at the left and below, for the numbers of the axes and their titles; and at the right, for the peaks.
const LEFT: i32 = 124;
const BELOW: i32 = 104;
const RIGHT: i32 = 176;

/// What a layer is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Filter,
    First,
    Middle,
    Pointwise,
    Depthwise,
}

/// Every family with its name, its colour and its marker.
const FAMILIES: [(Family, &str, RGBColor, Marker); 5] = [
    (Family::Middle, "many channels", colour::VERMILLION, Marker::Circle),
    (Family::First, "up to 4 channels in", colour::BLUE, Marker::Square),
    (Family::Pointwise, "pointwise", colour::GREEN, Marker::Triangle),
    (Family::Depthwise, "depthwise", colour::PURPLE, Marker::Diamond),
    (Family::Filter, "one channel", colour::ORANGE, Marker::Circle),
];

fn family(shape: &Shape) -> Family {
    let spec = &shape.spec;
    match () {
        () if spec.c_in == 1 => Family::Filter,
        () if spec.groups == spec.c_in => Family::Depthwise,
        () if spec.kernel == [1, 1] => Family::Pointwise,
        () if spec.c_in_group() <= 4 => Family::First,
        () => Family::Middle,
    }
}

/// Operations of the direct sum over the bytes that must go in or out: picture, filter and answer, once each.
fn intensity(shape: &Shape) -> Option<f64> {
    let Shape { batch, input, spec } = shape;
    let output = shape.output().ok()?;
    let pixels = |[height, width]: [usize; 2], channels: usize| (batch * height * width * channels) as f64;
    let filter = spec.kernel[0] * spec.kernel[1] * spec.c_in_group() * spec.c_out;
    let numbers = pixels(*input, spec.c_in) + pixels(output, spec.c_out) + filter as f64;
    Some(2.0 * shape.macs().ok()? as f64 / (4.0 * numbers))
}

/// A layer by the fastest way that was measured.
struct Placed<'r> {
    record: &'r Record,
    family: Family,
    intensity: f64,
}

/// Groups whose records are not of layers alone, or of tiles that may err by more than layers tolerate.
const OTHERS: [&str; 5] = [group::FILTERS, group::GRADIENTS, group::SELF_CHECK, group::CALLS, group::TILES];

/// Every layer once, on one thread under the selected instruction set.
fn placed<'r>(machine: &Machine, records: &'r [Record]) -> Vec<Placed<'r>> {
    let mut fastest: Vec<&Record> = Vec::new();
    let own = records.iter().filter(|record| {
        record.contender == "tapwise"
            && record.threads == 1
            && record.isa == machine.selected
            && record.strategy != crate::dense_layer::DENSE
            && !OTHERS.contains(&record.group.as_str())
    });
    for record in own {
        match fastest.iter_mut().find(|other| other.shape == record.shape) {
            Some(other) if other.median_s <= record.median_s => {}
            Some(other) => *other = record,
            None => fastest.push(record),
        }
    }
    let place = |record: &'r Record| {
        let shape: Shape = record.shape.parse().ok()?;
        Some(Placed { record, family: family(&shape), intensity: intensity(&shape)? })
    };
    fastest.into_iter().filter_map(place).collect()
}

/// What the memory lets a layer reach at most, where it all comes from one level; or from several that are as
/// fast.
#[derive(Debug, PartialEq)]
struct Level {
    names: String,
    /// GB/s; of several, the mean.
    bandwidth: f64,
}

/// Levels whose lines could not be told apart.
const ALIKE: f64 = 1.25;

/// The lines of the levels, the fastest first.
fn levels(streams: &[Stream]) -> Vec<Level> {
    let mut streams: Vec<&Stream> = streams.iter().collect();
    streams.sort_by(|a, b| b.read.total_cmp(&a.read));
    let alike = streams.chunk_by(|a, b| a.read < ALIKE * b.read);
    let level = |own: &[&Stream]| Level {
        names: own.iter().map(|stream| stream.level.as_str()).collect::<Vec<_>>().join(", "),
        bandwidth: own.iter().map(|stream| stream.read).sum::<f64>() / own.len() as f64,
    };
    alike.map(level).collect()
}

/// The section; none where nothing was measured.
pub(super) fn section(machine: &Machine, records: &[Record]) -> Result<Option<Section>, Error> {
    let mut layers = placed(machine, records);
    let Some(set) = machine.set(&machine.selected) else { return Ok(None) };
    if layers.len() < 2 {
        return Ok(None);
    }
    layers.sort_by(|a, b| a.intensity.total_cmp(&b.intensity));
    let memory = set.streams.last().map_or(f64::NAN, |stream| stream.read);
    let ridge = set.fma_gflops / memory;
    let left = layers.iter().filter(|layer| layer.intensity < ridge).count();
    let text = format!(
        "Each point is a layer, by the fastest way that was measured on one thread. To the right, a layer has more \
         operations for each byte that it must read or write (picture, filter and answer once, in single precision); \
         further up it is faster. Level lines are what multiply-adds allow under each instruction set, slanted ones what \
         each level of the memory delivers under {}. Left of {} operations a byte, memory is the limit of a layer that \
         comes from there ({left} of {} layers); what is above its slanted line came from a nearer cache. Above the level \
         line are layers by fewer operations than the direct sum has.",
        machine.selected,
        words::three(ridge),
        layers.len(),
    );
    let caption =
        "Both axes are logarithmic. Further up is better; further from the roof, there is more to gain.";
    let blocks = vec![Block::Text(text), Block::Plots(vec![(draw(machine, &layers)?, caption.to_owned())])];
    Ok(Some(Section { id: NAME, title: "The roofline: how far from the limit", blocks }))
}

/// The same numbers as a table.
fn tabulated(layers: &[Placed<'_>], peak: f64, memory: f64) -> Table {
    let head =
        ["layer", "family", "operations a byte", "GFLOP/s", "of its roof", "by"].map(str::to_owned).to_vec();
    let row = |layer: &Placed<'_>| {
        let named =
            FAMILIES.iter().find(|(family, ..)| *family == layer.family).map_or("", |(_, name, ..)| name);
        let roof = peak.min(memory * layer.intensity);
        vec![
            cell(words::shape(&layer.record.shape)),
            cell(named),
            cell(words::three(layer.intensity)),
            cell(words::three(layer.record.gflops)),
            cell(words::share(layer.record.gflops / roof)),
            cell(words::strategy(&layer.record.strategy)),
        ]
    };
    Table { head, rows: layers.iter().map(row).collect() }
}

fn draw(machine: &Machine, layers: &[Placed<'_>]) -> Result<Drawn, Error> {
    let above = legend::height(&keys()) + 20;
    let height = (above + PLOT_HEIGHT + BELOW) as u32;
    let (inside, points) = sketch(NAME, height, |area| {
        draw_keys(area)?;
        chart(area, machine, layers, above)
    })?;
    let records: Vec<&Record> = layers.iter().map(|layer| layer.record).collect();
    let (peak, memory) = machine.set(&machine.selected).map_or((f64::NAN, f64::NAN), |set| {
        (set.fma_gflops, set.streams.last().map_or(f64::NAN, |stream| stream.read))
    });
    Ok(Drawn {
        wide: true,
        name: NAME,
        alternative: format!(
            "GFLOP/s of {} layers over their operations for each byte, below the ceilings of the caches, of memory and \
             of multiply-adds",
            layers.len()
        ),
        height,
        inside,
        points,
        shown: "GFLOP/s of the direct sum over operations for each byte".to_owned(),
        table: tabulated(layers, peak, memory),
        evidence: Evidence::of(&records, "sweeps,sides,targets,batch,nets"),
    })
}

/// Where the keys of the legend go: the left edge in pixels, and the row.
fn keys() -> Vec<(i32, i32)> {
    legend::places(FAMILIES.iter().map(|(_, name, ..)| *name), FONT, 34)
}

fn draw_keys<DB: DrawingBackend>(root: &Area<DB>) -> Result<(), Failed<DB>> {
    for ((_, name, colour, marker), (column, row)) in FAMILIES.into_iter().zip(keys()) {
        let (x, y) = (column + 14, 8 + row * legend::ROW + legend::ROW / 2);
        draw_marker(root, marker, (x, y), colour)?;
        let text = ("sans-serif", FONT).into_font().color(&INK).pos(Pos::new(HPos::Left, VPos::Center));
        root.draw(&Text::new(name, (x + 20, y), text))?;
    }
    Ok(())
}

/// An axis of powers around some values.
fn powers(values: impl Iterator<Item = f64> + Clone, base: f64, title: &str) -> Axis {
    let (low, high) = (values.clone().fold(f64::INFINITY, f64::min), values.fold(0.0, f64::max));
    let [first, last] = [low.log(base).floor() as i32, high.log(base).ceil() as i32];
    let tick = |power: i32| (base.powi(power), words::plain_power(base, power));
    Axis {
        title: title.to_owned(),
        range: (base.powi(first), base.powi(last)),
        logarithmic: true,
        ticks: (first..=last).map(tick).collect(),
    }
}

fn chart<DB: DrawingBackend>(
    root: &Area<DB>,
    machine: &Machine,
    layers: &[Placed<'_>],
    above: i32,
) -> Result<Vec<Point>, Failed<DB>> {
    let selected = machine.set(&machine.selected);
    let mut x = powers(layers.iter().map(|layer| layer.intensity), 4.0, "operations for each byte");
    // Room at the left for the names of the levels.
    x.range.0 /= 4.0;
    x.ticks.insert(0, (x.range.0, String::new()));
    let reached = layers.iter().map(|layer| layer.record.gflops);
    let peaks = machine.sets.iter().map(|set| set.fma_gflops);
    let y = powers(reached.chain(peaks.map(|peak| peak * 1.3)), 2.0, "GFLOP/s");
    let (right, bottom) = (WIDTH as i32 - RIGHT, above + PLOT_HEIGHT);
    let at = |intensity: f64, speed: f64| {
        let across = x.place(intensity) * f64::from(right - LEFT);
        let up = y.place(speed) * f64::from(PLOT_HEIGHT);
        (LEFT + across.round() as i32, bottom - up.round() as i32)
    };
    let text = ("sans-serif", FONT).into_font().color(&INK);
    let centred = Pos::new(HPos::Center, VPos::Top);
    for (value, name) in &x.ticks {
        let (across, _) = at(*value, y.range.0);
        root.draw(&PathElement::new([(across, above), (across, bottom)], INK.mix(0.14).stroke_width(1)))?;
        root.draw(&Text::new(name.clone(), (across, bottom + 10), text.clone().pos(centred)))?;
    }
    for (value, name) in &y.ticks {
        let (_, up) = at(x.range.0, *value);
        root.draw(&PathElement::new([(LEFT, up), (right, up)], INK.mix(0.14).stroke_width(1)))?;
        let style = text.clone().pos(Pos::new(HPos::Right, VPos::Center));
        root.draw(&Text::new(name.clone(), (LEFT - 12, up), style))?;
    }
    let middle = (LEFT + right) / 2;
    root.draw(&Text::new(x.title.clone(), (middle, bottom + 56), text.clone().pos(centred)))?;
    let upright = ("sans-serif", FONT).into_font().transform(FontTransform::Rotate270).color(&INK);
    root.draw(&Text::new(y.title.clone(), (6, (above + bottom) / 2), upright.pos(centred)))?;

    let small = ("sans-serif", SMALL).into_font().color(&INK);
    for set in &machine.sets {
        let own = set.isa == machine.selected;
        let style = INK.mix(if own { 0.85 } else { 0.45 }).stroke_width(if own { 4 } else { 2 });
        let ((_, up), peak) = (at(x.range.0, set.fma_gflops), words::three(set.fma_gflops));
        root.draw(&PathElement::new([(LEFT, up), (right, up)], style))?;
        let label = small.clone().pos(Pos::new(HPos::Left, VPos::Center));
        root.draw(&Text::new(format!("{} {peak}", set.isa), (right + 10, up), label))?;
    }
    let peak = selected.map_or(f64::NAN, |set| set.fma_gflops);
    let streams = selected.map_or(&[][..], |set| &set.streams);
    for Level { names, bandwidth } in levels(streams) {
        // From where it enters the picture to the roof.
        let from = x.range.0.max(y.range.0 / bandwidth);
        let to = (peak / bandwidth).min(x.range.1);
        if from >= to {
            continue;
        }
        let ends = [at(from, from * bandwidth), at(to, to * bandwidth)];
        root.draw(&PathElement::new(ends, INK.mix(0.45).stroke_width(2)))?;
        let label = small.clone().pos(Pos::new(HPos::Left, VPos::Top));
        // Under the line, where it begins.
        let (across, up) = ends[0];
        root.draw(&Text::new(format!("{names}: {bandwidth:.0} GB/s"), (across + 30, up - 4), label))?;
    }
    let mut points = Vec::new();
    for (family, _, colour, marker) in FAMILIES.into_iter().rev() {
        for layer in layers.iter().filter(|layer| layer.family == family) {
            let place = at(layer.intensity, layer.record.gflops);
            draw_marker(root, marker, place, colour)?;
            points.push(Point { at: place, text: words::record(layer.record) });
        }
    }
    Ok(points)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_that_are_as_fast_share_a_line() {
        let stream = |level: &str, read| Stream { level: level.to_owned(), bytes: 1, read, copy: read };
        let level = |names: &str, bandwidth| Level { names: names.to_owned(), bandwidth };
        let found = levels(&[stream("L1", 190.0), stream("L2", 210.0), stream("memory", 30.0)]);
        assert_eq!(found, [level("L2, L1", 200.0), level("memory", 30.0)]);
        assert!(levels(&[]).is_empty());
    }

    #[test]
    fn operations_a_byte_are_those_of_the_direct_sum() {
        let shape: Shape = "h4w4 c1x1 k1".parse().unwrap();
        // 16 multiply-adds; 16 numbers in, 16 out, one weight.
        assert_eq!(intensity(&shape), Some(32.0 / (4.0 * 33.0)));
        let families = ["h9w9 c1x1 k3", "h9w9 c8x8 k3 g8", "h9w9 c8x8 k1", "h9w9 c3x8 k3", "h9w9 c8x8 k3"]
            .map(|text| family(&text.parse().unwrap()));
        let wanted = [Family::Filter, Family::Depthwise, Family::Pointwise, Family::First, Family::Middle];
        assert_eq!(families, wanted);
    }
}
