//! What a unit of a deep network sees: equation (10), as a table and as drawings.

use tapwise::{ConvSpec, ReceptiveField};

use super::document::{Block, Section, Table, cell, table};
use super::evidence::Evidence;
use super::plot::{Axis, Marker, Plot, Series, Spot, colour};
use crate::Error;

/// Layers of each network.
const DEPTH: usize = 5;

/// The side of the pictures in pixels: wide enough that nothing is cut off.
const SIDE: usize = 256;

/// A network of layers of 3 by 3, and how it widens what it sees.
struct Network {
    name: &'static str,
    /// How its line is drawn; strides and dilations that double see the same, and are one line.
    line: Option<(&'static str, plotters::style::RGBColor, Marker)>,
    stride: fn(usize) -> usize,
    dilation: fn(usize) -> usize,
}

const NETWORKS: [Network; 3] = [
    Network {
        name: "dilation 1, 2, 4, …",
        line: Some(("dilation or stride doubles", colour::VERMILLION, Marker::Circle)),
        stride: |_| 1,
        dilation: |layer| 1 << layer,
    },
    Network { name: "stride 2", line: None, stride: |_| 2, dilation: |_| 1 },
    Network {
        name: "neither",
        line: Some(("neither", colour::GREEN, Marker::Triangle)),
        stride: |_| 1,
        dilation: |_| 1,
    },
];

impl Network {
    /// What its units see after 0, 1, .. layers.
    fn fields(&self) -> Result<Vec<ReceptiveField>, Error> {
        let mut fields = vec![ReceptiveField::pixel([SIDE, SIDE])];
        let mut field = fields[0];
        for layer in 0..DEPTH {
            let spec = ConvSpec {
                stride: [(self.stride)(layer); 2],
                dilation: [(self.dilation)(layer); 2],
                ..ConvSpec::new([3, 3], 1, 1)
            };
            field = field.through(&spec)?;
            fields.push(field);
        }
        Ok(fields)
    }
}

/// The section: the same in every report, since nothing is measured.
pub(super) fn section() -> Result<Section, Error> {
    let mut series = Vec::new();
    let mut rows = Vec::new();
    for network in &NETWORKS {
        let fields = network.fields()?;
        let point =
            |(layer, field): (usize, &ReceptiveField)| Spot::from((layer as f64, field.size[0] as f64));
        if let Some((label, colour, marker)) = network.line {
            let points = fields.iter().enumerate().map(point).collect();
            series.push(Series { label: label.to_owned(), colour, marker, dashed: false, points });
        }
        let last = fields[fields.len() - 1];
        let mut cells = vec![cell(network.name)];
        cells.extend(fields[1..].iter().map(|field| cell(field.size[0].to_string())));
        cells.push(cell(last.stride[0].to_string()));
        cells.push(cell(last.offset[0].to_string()));
        rows.push(cells);
    }
    let first = "One unit of a first layer sees 2Δ + 1 pixels; a unit of a later layer sees what the units below it see. \
                 After n layers of k taps, stride s and dilation δ, with p padded pixels before the picture, a window has \
                 r pixels, neighbouring ones are j apart, and the first begins at o:";
    let equations = [
        "(10)  r_n = r_(n−1) + (k_n − 1)·δ_n·j_(n−1)    r_0 = 1",
        "      j_n = s_n·j_(n−1)                        j_0 = 1",
        "      o_n = o_(n−1) − p_n·j_(n−1)              o_0 = 0",
    ];
    let second = "Five layers of 3 × 3, whose 45 weights see 11 pixels across, see 63 with dilations or strides that \
                  double. The library's tests move every pixel of random networks and find that it changes units whose \
                  window it lies in, and no bit of any other.";
    let head = ["layers of 3 × 3", "after 1", "2", "3", "4", "5", "stride j", "first window from"];
    let plots = vec![
        (growth(series).draw()?, "Pixels across that one unit sees, after each layer.".to_owned()),
        (
            drawn()?.draw()?.tabulated(windows()?),
            "The windows of one unit after each layer of the first network, over the pixels around it."
                .to_owned(),
        ),
    ];
    let blocks = vec![
        Block::Text(first.to_owned()),
        Block::equations(&equations),
        Block::Text(second.to_owned()),
        table(&head, rows),
        Block::Plots(plots),
    ];
    Ok(Section { id: "receptive", title: "What a deeper unit sees", blocks })
}

fn growth(series: Vec<Series>) -> Plot {
    let powers = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];
    Plot {
        name: "receptive-growth",
        alternative: "Pixels across that one unit sees over the number of layers".to_owned(),
        x: Axis {
            title: "layers of 3 × 3".to_owned(),
            range: (-0.15, DEPTH as f64 + 0.15),
            logarithmic: false,
            ticks: (0..=DEPTH).map(|layer| (layer as f64, layer.to_string())).collect(),
        },
        y: Axis {
            title: "receptive field (pixels)".to_owned(),
            range: (0.85, 80.0),
            logarithmic: true,
            ticks: powers.map(|value| (value, format!("{value}"))).to_vec(),
        },
        series,
        marks: Vec::new(),
        evidence: Evidence::Computed,
    }
}

/// The windows of the first network in numbers.
fn windows() -> Result<Table, Error> {
    let row = |(layer, field): (usize, &ReceptiveField)| {
        vec![cell(layer.to_string()), cell(field.size[0].to_string())]
    };
    let rows = NETWORKS[0].fields()?.iter().enumerate().skip(1).map(row).collect();
    Ok(Table { head: ["layers", "pixels across"].map(str::to_owned).to_vec(), rows })
}

/// The windows of the first network as squares around the unit.
fn drawn() -> Result<Plot, Error> {
    let colours = [colour::VERMILLION, colour::BLUE, colour::GREEN, colour::PURPLE, colour::ORANGE];
    let fields = NETWORKS[0].fields()?;
    let square = |(layer, (field, colour)): (usize, (&ReceptiveField, &plotters::style::RGBColor))| {
        let half = field.size[0] as f64 / 2.0;
        Series {
            label: format!("{} layer{}", layer + 1, if layer == 0 { "" } else { "s" }),
            colour: *colour,
            marker: Marker::None,
            dashed: false,
            points: [(-half, -half), (half, -half), (half, half), (-half, half), (-half, -half)]
                .map(Spot::from)
                .to_vec(),
        }
    };
    let ticks = |most: i32| (-most..=most).step_by(16).map(|at| (f64::from(at), at.to_string())).collect();
    Ok(Plot {
        name: "receptive-windows",
        alternative: "Nested windows of one unit after one to five dilated layers".to_owned(),
        x: Axis {
            title: "columns from the unit (pixels)".to_owned(),
            range: (-60.0, 60.0),
            logarithmic: false,
            ticks: ticks(48),
        },
        y: Axis {
            title: "rows (pixels)".to_owned(),
            range: (-34.0, 34.0),
            logarithmic: false,
            ticks: ticks(32),
        },
        series: fields[1..].iter().zip(&colours).enumerate().map(square).collect(),
        marks: Vec::new(),
        evidence: Evidence::Computed,
    })
}
