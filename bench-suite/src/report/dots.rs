//! A dot plot: a row for each problem, a mark for each contender.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::charts::steps;
use super::drawn::{Drawn, Point, WIDTH, sketch};
use super::evidence::Evidence;
use super::palette::INK;
use super::plot::{Area, Failed, Marker, draw_marker};
use super::{legend, tabulated, words};
use crate::Error;
use crate::records::Record;

const FONT: u32 = 34;
const ROW: i32 = 46;
/// Pixels before a name in the legend: a mark.
const KEY: i32 = 34;
/// Pixels for the axis below, and beside the last tick.
const AXIS: i32 = 104;
const MARGIN: i32 = 34;

/// A mark in a row.
pub(super) struct Dot {
    /// The number of the row, counted from the top.
    pub(super) row: usize,
    pub(super) value: f64,
    /// What is told of it.
    pub(super) text: String,
}

impl Dot {
    /// A mark that a record stands behind.
    pub(super) fn of(row: usize, value: f64, record: &Record) -> Self {
        Dot { row, value, text: words::record(record) }
    }
}

/// A contender: its mark in every row that it has a value in.
pub(super) struct Contender {
    pub(super) label: String,
    pub(super) colour: RGBColor,
    pub(super) marker: Marker,
    pub(super) values: Vec<Dot>,
}

/// How values lie along the axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    /// From 0 on.
    Linear,
    /// Each power of ten as long as the next.
    Logarithmic,
}

impl Scale {
    /// Where the axis begins and ends, for these values.
    fn ends(self, values: impl Iterator<Item = f64>) -> [f64; 2] {
        match self {
            Scale::Linear => [0.0, values.fold(1.0, f64::max) * 1.03],
            Scale::Logarithmic => {
                let ends =
                    values.fold([1.0f64, 1.0f64], |[least, most], value| [least.min(value), most.max(value)]);
                [ends[0].max(1e-6) / 1.12, ends[1] * 1.12]
            }
        }
    }

    /// The part of the axis up to a value.
    fn part(self, value: f64, [least, most]: [f64; 2]) -> f64 {
        match self {
            Scale::Linear => value / most,
            Scale::Logarithmic => (value.max(least) / least).ln() / (most / least).ln(),
        }
    }

    /// Ticks, and what stands at them.
    fn ticks(self, [least, most]: [f64; 2]) -> Vec<(f64, String)> {
        match self {
            Scale::Linear => steps(most / 1.06),
            Scale::Logarithmic => {
                let decades = (least.log10().floor() as i32)..=(most.log10().ceil() as i32);
                let digits: &[f64] = if most / least > 500.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
                decades
                    .flat_map(|decade| digits.iter().map(move |digit| digit * 10f64.powi(decade)))
                    .filter(|value| (least..=most).contains(value))
                    .map(|value| (value, format!("{}", (value * 1e6).round() / 1e6)))
                    .collect()
            }
        }
    }
}

/// A chart before it is drawn.
pub(super) struct Dots {
    pub(super) name: &'static str,
    pub(super) alternative: String,
    pub(super) title: String,
    pub(super) scale: Scale,
    pub(super) rows: Vec<String>,
    /// Those drawn later lie on top.
    pub(super) contenders: Vec<Contender>,
    /// What the marks rest on.
    pub(super) evidence: Evidence,
}

impl Dots {
    /// Draws the chart, its legend above.
    pub(super) fn draw(&self) -> Result<Drawn, Error> {
        // The last drawn is named first.
        let named: Vec<&Contender> =
            self.contenders.iter().rev().filter(|own| !own.values.is_empty()).collect();
        let places = legend::places(named.iter().map(|own| own.label.as_str()), FONT, KEY);
        let above = legend::height(&places) + 20;
        let height = (above + self.rows.len() as i32 * ROW + AXIS) as u32;
        let (inside, points) = sketch(self.name, height, |area| {
            for (contender, (column, row)) in named.into_iter().zip(places) {
                key(area, contender, (column + 14, 8 + row * legend::ROW + legend::ROW / 2))?;
            }
            self.chart(area, above)
        })?;
        Ok(Drawn {
            name: self.name,
            alternative: self.alternative.clone(),
            height,
            inside,
            points,
            shown: self.title.clone(),
            table: tabulated::dots(self),
            evidence: self.evidence.clone(),
            wide: true,
        })
    }

    /// Pixels for the names of the rows.
    fn names(&self) -> i32 {
        let longest = self.rows.iter().map(|name| legend::width(name, FONT)).max().unwrap_or(0);
        (longest + 24).min(WIDTH as i32 * 3 / 5)
    }

    fn chart<DB: DrawingBackend>(&self, root: &Area<DB>, above: i32) -> Result<Vec<Point>, Failed<DB>> {
        let text = ("sans-serif", FONT).into_font().color(&INK);
        let values = self.contenders.iter().flat_map(|contender| &contender.values).map(|dot| dot.value);
        let ends = self.scale.ends(values);
        let names = self.names();
        let width = f64::from(WIDTH as i32 - names - MARGIN);
        let place = |value: f64| names + (self.scale.part(value, ends) * width).round() as i32;
        let line = |row: usize| above + row as i32 * ROW + ROW / 2;
        let bottom = above + self.rows.len() as i32 * ROW;
        for (value, name) in self.scale.ticks(ends) {
            let style = text.clone().pos(Pos::new(HPos::Center, VPos::Top));
            // The peak, or the copy, is what everything is compared with.
            let ink = INK.mix(if value == 1.0 { 0.6 } else { 0.16 });
            root.draw(&PathElement::new(
                [(place(value), above), (place(value), bottom)],
                ink.stroke_width(2),
            ))?;
            root.draw(&Text::new(name, (place(value), bottom + 8), style))?;
        }
        let style = text.clone().pos(Pos::new(HPos::Center, VPos::Top));
        // Below the middle of the axis; a long title begins further left.
        let end = WIDTH as i32 - MARGIN;
        let middle = ((names + end) / 2).min(end - legend::width(&self.title, FONT) / 2);
        root.draw(&Text::new(self.title.clone(), (middle, bottom + 54), style))?;
        for (row, name) in self.rows.iter().enumerate() {
            let ends = [(names, line(row)), (WIDTH as i32 - MARGIN, line(row))];
            root.draw(&PathElement::new(ends, INK.mix(0.1).stroke_width(1)))?;
            let style = text.clone().pos(Pos::new(HPos::Right, VPos::Center));
            root.draw(&Text::new(name.clone(), (names - 16, line(row)), style))?;
        }
        let mut points = Vec::new();
        for contender in &self.contenders {
            for dot in &contender.values {
                let at = (place(dot.value), line(dot.row));
                draw_marker(root, contender.marker, at, contender.colour)?;
                points.push(Point { at, text: dot.text.clone() });
            }
        }
        Ok(points)
    }
}

fn key<DB: DrawingBackend>(
    root: &Area<DB>,
    contender: &Contender,
    (x, y): (i32, i32),
) -> Result<(), Failed<DB>> {
    draw_marker(root, contender.marker, (x, y), contender.colour)?;
    let text = ("sans-serif", FONT).into_font().color(&INK).pos(Pos::new(HPos::Left, VPos::Center));
    root.draw(&Text::new(contender.label.clone(), (x + KEY - 14, y), text))
}
