//! A plot of ratios: a row for each, its name above its mark, its interval through the mark.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::block::{Table, cell, number};
use super::drawn::{Drawn, Point, WIDTH, sketch};
use super::evidence::Evidence;
use super::legend;
use super::palette::INK;
use super::plot::{Area, Failed, Marker, draw_marker};
use crate::Error;

const FONT: u32 = 32;
const ROW: i32 = 90;
const AXIS: i32 = 108;
/// Pixels beside the first and the last tick, half a number wide.
const MARGIN: i32 = 40;
/// From the top of a row to its mark.
const LINE: i32 = 62;
/// Half the height of the grid in a row.
const BAND: i32 = 15;
/// Letters of a name that the width holds.
const LETTERS: usize = 58;
/// Pixels between ticks.
const APART: f64 = 84.0;

/// A kind of row: how its mark looks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Kind {
    pub(super) label: &'static str,
    pub(super) colour: RGBColor,
    pub(super) marker: Marker,
}

/// A ratio.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ratio {
    pub(super) name: String,
    /// Which of the kinds it is of.
    pub(super) kind: usize,
    pub(super) value: f64,
    /// Where it lies, as far as known.
    pub(super) ends: Option<[f64; 2]>,
    /// From this to its inverse nothing is believed, 0.03 for 1.03.
    pub(super) noise: f64,
    /// What is told of it.
    pub(super) text: String,
}

/// A chart before it is drawn.
pub(super) struct Intervals {
    pub(super) name: &'static str,
    pub(super) alternative: String,
    pub(super) title: String,
    pub(super) kinds: Vec<Kind>,
    pub(super) rows: Vec<Ratio>,
    /// What the ratios rest on.
    pub(super) evidence: Evidence,
}

impl Intervals {
    /// Draws the chart, its legend above.
    pub(super) fn draw(&self) -> Result<Drawn, Error> {
        let height = (legend::ROW + 20 + self.rows.len() as i32 * ROW + AXIS) as u32;
        let (inside, points) = sketch(self.name, height, |area| {
            self.legend(area)?;
            self.chart(area)
        })?;
        Ok(Drawn {
            wide: true,
            name: self.name,
            alternative: self.alternative.clone(),
            height,
            inside,
            points,
            shown: self.title.clone(),
            table: self.table(),
            evidence: self.evidence.clone(),
        })
    }

    fn table(&self) -> Table {
        let head = ["", "kind", &self.title, "from", "to"].map(str::to_owned).to_vec();
        let row = |row: &Ratio| {
            let figure = |value: f64| number(format!("{value:.3}"), value);
            let end = |which: usize| row.ends.map_or(cell("–"), |ends| figure(ends[which]));
            let kind = self.kinds.get(row.kind).map_or("", |kind| kind.label);
            vec![cell(row.name.clone()), cell(kind), figure(row.value), end(0), end(1)]
        };
        Table { head, rows: self.rows.iter().map(row).collect() }
    }

    /// The kinds that have rows.
    fn legend<DB: DrawingBackend>(&self, root: &Area<DB>) -> Result<(), Failed<DB>> {
        let text = ("sans-serif", FONT).into_font().color(&INK).pos(Pos::new(HPos::Left, VPos::Center));
        let mut column = 8;
        for (index, kind) in self.kinds.iter().enumerate() {
            if self.rows.iter().any(|row| row.kind == index) {
                let middle = 8 + legend::ROW / 2;
                draw_marker(root, kind.marker, (column + 14, middle), kind.colour)?;
                root.draw(&Text::new(kind.label, (column + 34, middle), text.clone()))?;
                column += 60 + (kind.label.chars().count() as f64 * f64::from(FONT) * 0.53) as i32;
            }
        }
        Ok(())
    }

    /// The least and the largest ratio of the axis: a range of ratios that has 1 in it.
    fn ends(&self) -> [f64; 2] {
        let values = self.rows.iter().flat_map(|row| row.ends.into_iter().flatten().chain([row.value]));
        let noise = self.rows.iter().map(|row| row.noise).fold(0.0, f64::max);
        let around = [1.0 / (1.0 + noise), 1.0 + noise];
        let [least, most] = values.fold(around, |[least, most], value| [least.min(value), most.max(value)]);
        [least / 1.02, most * 1.02]
    }

    fn chart<DB: DrawingBackend>(&self, root: &Area<DB>) -> Result<Vec<Point>, Failed<DB>> {
        let text = ("sans-serif", FONT).into_font().color(&INK);
        let ends = self.ends();
        let width = f64::from(WIDTH as i32 - 2 * MARGIN);
        let whole = (ends[1] / ends[0]).ln();
        let place = |value: f64| MARGIN + ((value / ends[0]).ln() / whole * width).round() as i32;
        let above = legend::ROW + 20;
        let bottom = above + self.rows.len() as i32 * ROW;
        let ticks = ticks(ends, whole / width * APART);
        for (value, name) in &ticks {
            let style = text.clone().pos(Pos::new(HPos::Center, VPos::Top));
            root.draw(&Text::new(name.clone(), (place(*value), bottom + 10), style))?;
        }
        let style = text.clone().pos(Pos::new(HPos::Center, VPos::Top));
        root.draw(&Text::new(self.title.clone(), (WIDTH as i32 / 2, bottom + 58), style))?;
        for (index, row) in self.rows.iter().enumerate() {
            let top = above + index as i32 * ROW;
            let style = text.clone().pos(Pos::new(HPos::Left, VPos::Top));
            root.draw(&Text::new(shortened(&row.name), (8, top + 16), style))?;
            // Lines of the grid stop at the names.
            let line = top + LINE;
            let [upper, lower] = [line - BAND, line + BAND];
            let nothing = [place(1.0 / (1.0 + row.noise)), place(1.0 + row.noise)];
            root.draw(&Rectangle::new([(nothing[0], upper), (nothing[1], lower)], INK.mix(0.1).filled()))?;
            for (value, _) in &ticks {
                let ink = INK.mix(if *value == 1.0 { 0.7 } else { 0.2 }).stroke_width(2);
                root.draw(&PathElement::new([(place(*value), upper), (place(*value), lower)], ink))?;
            }
            self.mark(root, row, line, place)?;
        }
        let told = self.rows.iter().enumerate().map(|(index, row)| Point {
            at: (place(row.value), above + index as i32 * ROW + LINE),
            text: row.text.clone(),
        });
        Ok(told.collect())
    }

    /// The mark of a row, and its interval with an end on either side.
    fn mark<DB: DrawingBackend>(
        &self,
        root: &Area<DB>,
        row: &Ratio,
        line: i32,
        place: impl Fn(f64) -> i32,
    ) -> Result<(), Failed<DB>> {
        let Some(kind) = self.kinds.get(row.kind) else { return Ok(()) };
        if let Some([low, high]) = row.ends.map(|ends| ends.map(&place)) {
            let style = kind.colour.stroke_width(4);
            root.draw(&PathElement::new([(low, line), (high, line)], style))?;
            for end in [low, high] {
                root.draw(&PathElement::new([(end, line - 8), (end, line + 8)], style))?;
            }
        }
        draw_marker(root, kind.marker, (place(row.value), line), kind.colour)
    }
}

/// A name that the width holds.
fn shortened(name: &str) -> String {
    if name.chars().count() <= LETTERS {
        return name.to_owned();
    }
    name.chars().take(LETTERS - 1).chain(['…']).collect()
}

/// Ticks of a logarithmic axis around 1 that are at least `apart` from one another, in logarithms, and what
/// stands at them.
fn ticks([least, most]: [f64; 2], apart: f64) -> Vec<(f64, String)> {
    let steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0];
    let inside = |values: Vec<f64>| -> Vec<f64> {
        values.into_iter().filter(|value| (least..=most).contains(value)).collect()
    };
    let far = |values: &[f64]| values.windows(2).all(|pair| (pair[1] / pair[0]).ln() >= apart);
    let even = |step: f64| {
        let first = (least / step).ceil().max(1.0) as i64;
        inside((first..=(most / step).floor() as i64).map(|times| times as f64 * step).collect())
    };
    let decades = |digits: &[f64]| {
        let powers = (least.log10().floor() as i32)..=(most.log10().ceil() as i32);
        inside(powers.flat_map(|power| digits.iter().map(move |digit| digit * 10f64.powi(power))).collect())
    };
    // Even steps while the range is short, those of decades where it is long.
    let short = most / least < 4.0;
    let mut found = if short { steps.into_iter().map(even).find(|values| far(values)) } else { None };
    if found.is_none() {
        let digits: [&[f64]; 4] = [&[1.0, 1.5, 2.0, 3.0, 5.0, 7.0], &[1.0, 2.0, 5.0], &[1.0, 3.0], &[1.0]];
        found = digits.into_iter().map(decades).find(|values| far(values));
    }
    let found = found.filter(|values| !values.is_empty()).unwrap_or_else(|| vec![1.0]);
    let rounded = found.into_iter().map(|value| (value * 1e6).round() / 1e6);
    rounded.map(|value| (value, format!("{value}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_have_one_among_them_and_room_between() {
        for ends in [[0.96, 1.05], [0.8, 1.3], [0.5, 3.0], [0.09, 12.0], [0.97, 40.0], [1e-3, 1e3]] {
            let apart = 0.08 * f64::ln(ends[1] / ends[0]);
            let found = ticks(ends, apart);
            assert!(found.iter().any(|(value, _)| *value == 1.0), "{ends:?} {found:?}");
            assert!((3..=13).contains(&found.len()), "{ends:?} {found:?}");
            assert!(found.windows(2).all(|pair| f64::ln(pair[1].0 / pair[0].0) > 0.99 * apart), "{found:?}");
        }
    }

    #[test]
    fn long_names_are_shortened() {
        assert_eq!(shortened("short"), "short");
        let long = shortened(&"é".repeat(100));
        assert!(long.chars().count() == LETTERS && long.ends_with('…'));
    }
}
