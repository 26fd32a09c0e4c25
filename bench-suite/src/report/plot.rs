//! One line chart, drawn as SVG that is legible on light and dark paper and on a phone.

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

pub(super) use super::drawn::Drawn;
use super::drawn::{Point, sketch};
use super::evidence::Evidence;
pub(super) use super::palette::{INK, colour};
use super::{legend, tabulated, words};
use crate::Error;
use crate::records::Record;

const PLOT_HEIGHT: u32 = 560;
const FONT: u32 = 36;
const MARKER: i32 = 9;
/// Pixels before a name in the legend: a piece of the line.
const KEY: i32 = 78;

/// A canvas in pixels, and what may go wrong on it.
pub(super) type Area<DB> = DrawingArea<DB, plotters::coord::Shift>;
pub(super) type Failed<DB> = DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>;

/// What stands on a point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Marker {
    Circle,
    Square,
    Triangle,
    Diamond,
    None,
}

/// A point of a line, and what is told of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Spot {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) text: Option<String>,
}

impl Spot {
    /// A point that a record stands behind.
    pub(super) fn of(x: f64, y: f64, record: &Record) -> Self {
        Spot { x, y, text: Some(words::record(record)) }
    }

    fn at(&self) -> (f64, f64) {
        (self.x, self.y)
    }
}

impl From<(f64, f64)> for Spot {
    fn from((x, y): (f64, f64)) -> Self {
        Spot { x, y, text: None }
    }
}

/// A line through points.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series {
    pub(super) label: String,
    pub(super) colour: RGBColor,
    pub(super) marker: Marker,
    pub(super) dashed: bool,
    pub(super) points: Vec<Spot>,
}

/// An area behind the lines: a colour, and the lower and the upper end at each place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Band {
    pub(super) colour: RGBColor,
    pub(super) points: Vec<(f64, f64, f64)>,
}

/// A point with a text above and to the left of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mark {
    pub(super) at: (f64, f64),
    pub(super) text: String,
}

/// An axis; values of a logarithmic one are above zero.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    pub(super) title: String,
    pub(super) range: (f64, f64),
    pub(super) logarithmic: bool,
    pub(super) ticks: Vec<(f64, String)>,
}

impl Axis {
    /// Where a value lies: 0 at the low end of the axis, 1 at the high end.
    pub(super) fn place(&self, value: f64) -> f64 {
        let [value, low, high] = [value, self.range.0, self.range.1]
            .map(|value| if self.logarithmic { value.max(f64::MIN_POSITIVE).log10() } else { value });
        (value - low) / (high - low)
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        from + (self.place(*value) * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.iter().map(|(value, _)| *value).collect()
    }

    fn range(&self) -> std::ops::Range<f64> {
        self.range.0..self.range.1
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        self.ticks.iter().find(|(at, _)| at == value).map(|(_, text)| text.clone()).unwrap_or_default()
    }
}

/// A chart before it is drawn.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plot {
    /// The name of its file.
    pub(super) name: &'static str,
    /// What it shows, for those who cannot see it.
    pub(super) alternative: String,
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) series: Vec<Series>,
    pub(super) marks: Vec<Mark>,
    /// What the points rest on.
    pub(super) evidence: Evidence,
}

impl Plot {
    /// Draws the chart: its legend above, where no curve is.
    pub(super) fn draw(&self) -> Result<Drawn, Error> {
        self.draw_over(&[])
    }

    /// Draws the chart over bands.
    pub(super) fn draw_over(&self, bands: &[Band]) -> Result<Drawn, Error> {
        let named: Vec<&Series> = self.series.iter().filter(|series| !series.label.is_empty()).collect();
        let places = legend::places(named.iter().map(|series| series.label.as_str()), FONT, KEY);
        let above = legend::height(&places) + 24;
        let height = PLOT_HEIGHT + above as u32;
        let (inside, points) = sketch(self.name, height, |area| {
            for (series, (column, row)) in named.into_iter().zip(places) {
                let y = 12 + row * legend::ROW + legend::ROW / 2;
                draw_key(area, series, (column, y))?;
            }
            self.draw_chart(area, above, bands)
        })?;
        Ok(Drawn {
            name: self.name,
            alternative: self.alternative.clone(),
            height,
            inside,
            points,
            shown: self.y.title.clone(),
            table: tabulated::plot(self),
            evidence: self.evidence.clone(),
            wide: false,
        })
    }

    fn draw_chart<DB: DrawingBackend>(
        &self,
        root: &Area<DB>,
        above: i32,
        bands: &[Band],
    ) -> Result<Vec<Point>, Failed<DB>> {
        let text = ("sans-serif", FONT).into_font().color(&INK);
        let wide = self.y.ticks.iter().map(|(_, text)| text.chars().count()).max().unwrap_or(1) as u32;
        let mut chart = ChartBuilder::on(&root.split_vertically(above).1)
            .margin_right(34)
            .margin_top(8)
            .margin_bottom(4)
            .x_label_area_size(92)
            .y_label_area_size(66 + wide * FONT * 9 / 20)
            .build_cartesian_2d(self.x.clone(), self.y.clone())?;
        chart
            .configure_mesh()
            .max_light_lines(0)
            .light_line_style(TRANSPARENT)
            .bold_line_style(INK.mix(0.16))
            .axis_style(INK.mix(0.55).stroke_width(2))
            .label_style(text.clone())
            .axis_desc_style(text.clone())
            .x_labels(self.x.ticks.len())
            .y_labels(self.y.ticks.len())
            .x_desc(self.x.title.clone())
            .y_desc(self.y.title.clone())
            .draw()?;
        for Band { colour, points } in bands {
            let lower = points.iter().map(|(x, low, _)| (*x, *low));
            let upper = points.iter().rev().map(|(x, _, high)| (*x, *high));
            let corners: Vec<(f64, f64)> = lower.chain(upper).collect();
            chart.draw_series([Polygon::new(corners, colour.mix(0.22))])?;
        }
        let mut told = Vec::new();
        for series in &self.series {
            let line: Vec<(f64, f64)> = series.points.iter().map(Spot::at).collect();
            let style = series.colour.stroke_width(if series.dashed { 3 } else { 5 });
            if series.dashed {
                chart.draw_series(DashedLineSeries::new(line, 14, 10, style))?;
            } else {
                chart.draw_series(LineSeries::new(line, style))?;
            }
            for point in &series.points {
                let at = chart.backend_coord(&point.at());
                draw_marker(root, series.marker, at, series.colour)?;
                told.extend(point.text.clone().map(|text| Point { at, text }));
            }
        }
        for mark in &self.marks {
            let (x, y) = chart.backend_coord(&mark.at);
            let style = text.clone().pos(Pos::new(HPos::Right, VPos::Bottom));
            root.draw(&Circle::new((x, y), MARKER + 1, INK.filled()))?;
            root.draw(&Text::new(mark.text.clone(), (x - 12, y - 8), style))?;
        }
        Ok(told)
    }
}

/// A key of the legend: a piece of the line with its marker, and its name.
fn draw_key<DB: DrawingBackend>(
    root: &Area<DB>,
    series: &Series,
    (x, y): (i32, i32),
) -> Result<(), Failed<DB>> {
    let style = series.colour.stroke_width(5);
    let pieces: &[(i32, i32)] = if series.dashed { &[(0, 16), (24, 40), (48, 64)] } else { &[(0, 64)] };
    for (from, to) in pieces {
        root.draw(&PathElement::new([(x + from, y), (x + to, y)], style))?;
    }
    draw_marker(root, series.marker, (x + 32, y), series.colour)?;
    let text = ("sans-serif", FONT).into_font().color(&INK).pos(Pos::new(HPos::Left, VPos::Center));
    root.draw(&Text::new(series.label.clone(), (x + KEY, y), text))
}

/// A marker around a pixel.
pub(super) fn draw_marker<DB: DrawingBackend>(
    root: &Area<DB>,
    marker: Marker,
    (x, y): (i32, i32),
    colour: RGBColor,
) -> Result<(), Failed<DB>> {
    const S: i32 = MARKER;
    let polygon = |corners: &[(i32, i32)]| {
        let placed: Vec<(i32, i32)> = corners.iter().map(|(across, down)| (x + across, y + down)).collect();
        root.draw(&Polygon::new(placed, colour.filled()))
    };
    match marker {
        Marker::Circle => root.draw(&Circle::new((x, y), S, colour.filled())),
        Marker::Square => polygon(&[(-S, -S), (S, -S), (S, S), (-S, S)]),
        Marker::Triangle => polygon(&[(0, -S - 3), (S + 2, S), (-S - 2, S)]),
        Marker::Diamond => polygon(&[(0, -S - 3), (S + 3, 0), (0, S + 3), (-S - 3, 0)]),
        Marker::None => Ok(()),
    }
}
