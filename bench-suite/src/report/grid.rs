//! A map: a cell for each Δ and number of channels, coloured by what is the fastest there.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::block::{self, Table};
use super::choices::algorithm;
use super::drawn::{Drawn, Point, WIDTH, sketch};
use super::evidence::Evidence;
use super::palette::{INK, colour, on};
use super::plot::{Area, Failed};
use super::{legend, words};
use crate::Error;
use crate::tuning::regret::{ALIKE, Cell, regret};
use crate::tuning::shapes::{MAP_CHANNELS, MAP_DELTAS};

const FONT: u32 = 34;
const ROW: i32 = 56;
/// Pixels for the names of rows and their axis, for those of columns, and at the right.
const LEFT: i32 = 110;
const BELOW: i32 = 100;
const MARGIN: i32 = 16;
/// Pixels before a name in the legend: a patch of colour.
const KEY: i32 = 38;

/// The algorithms and their colours, in the order of the legend.
const COLOURS: [(&str, RGBColor); 7] = [
    ("channels-out", colour::BLUE),
    ("along-row", colour::GREEN),
    ("depthwise", colour::PURPLE),
    ("Winograd", colour::ORANGE),
    ("FFT", colour::VERMILLION),
    ("im2col + GEMM", colour::GREY),
    ("naive", colour::BROWN),
];

/// Draws the map, its legend above.
pub(super) fn map(cells: &[Cell], evidence: Evidence) -> Result<Drawn, Error> {
    const NAME: &str = "dispatch";
    let winners: Vec<(&Cell, String)> =
        cells.iter().filter_map(|cell| Some((cell, algorithm(cell.sample.best()?)))).collect();
    let present: Vec<(&str, RGBColor)> =
        COLOURS.into_iter().filter(|(name, _)| winners.iter().any(|(_, winner)| winner == name)).collect();
    let keys = legend::places(present.iter().map(|(name, _)| *name), FONT, KEY);
    let above = legend::height(&keys) + 20;
    let height = (above + MAP_DELTAS.len() as i32 * ROW + BELOW) as u32;
    let (inside, ()) = sketch(NAME, height, |area| {
        name_colours(area, &present, &keys)?;
        draw(area, &winners, above)
    })?;
    let what: Vec<&str> = present.iter().map(|(name, _)| *name).collect();
    let alternative = format!(
        "A map of Δ from {} to {} over {} to {} channels; the fastest are {}",
        MAP_DELTAS[0],
        MAP_DELTAS[MAP_DELTAS.len() - 1],
        MAP_CHANNELS[0],
        MAP_CHANNELS[MAP_CHANNELS.len() - 1],
        what.join(", ")
    );
    Ok(Drawn {
        name: NAME,
        alternative,
        height,
        inside,
        points: winners.iter().filter_map(|(cell, winner)| point(cell, winner, above)).collect(),
        shown: "the fastest, and the time of the choice over its time".to_owned(),
        table: tabulated(&winners),
        evidence,
        wide: true,
    })
}

/// The corner of a cell, Δ growing upwards, and how wide it is.
fn place(row: usize, column: usize, above: i32) -> ((i32, i32), i32) {
    let width = (WIDTH as i32 - LEFT - MARGIN) / MAP_CHANNELS.len() as i32;
    let down = (MAP_DELTAS.len() - 1 - row) as i32;
    ((LEFT + column as i32 * width, above + down * ROW), width)
}

/// What is told of a cell.
fn point(cell: &Cell, winner: &str, above: i32) -> Option<Point> {
    let row = MAP_DELTAS.iter().position(|delta| *delta == cell.delta)?;
    let column = MAP_CHANNELS.iter().position(|channels| *channels == cell.channels)?;
    let ((x, y), width) = place(row, column, above);
    let (best, chosen) = (cell.sample.best()?, cell.sample.chosen()?);
    let text = format!(
        "{}\nfastest: {winner}, {}\nchosen: {}, {}",
        words::shape(&cell.sample.shape),
        words::time(best.measured()?),
        algorithm(chosen),
        words::time(chosen.measured()?)
    );
    Some(Point { at: (x + width / 2, y + ROW / 2), text })
}

/// The fastest in each cell, and what the choice loses where it is another.
fn tabulated(winners: &[(&Cell, String)]) -> Table {
    let mut head = vec!["Δ, pixels".to_owned()];
    head.extend(MAP_CHANNELS.iter().map(|channels| format!("{channels} channels")));
    let row = |delta: &usize| {
        let mut cells = vec![block::number(delta.to_string(), *delta as f64)];
        cells.extend(MAP_CHANNELS.iter().map(|channels| {
            let own = winners.iter().find(|(cell, _)| cell.delta == *delta && cell.channels == *channels);
            let Some((cell, winner)) = own else { return block::cell("–") };
            match lost(cell) {
                Some(lost) => block::number(format!("{winner}, {lost:.2} ×"), lost),
                None => block::number(winner.clone(), 1.0),
            }
        }));
        cells
    };
    Table { head, rows: MAP_DELTAS.iter().map(row).collect() }
}

/// What a choice loses, where it is not as good as the best.
fn lost(cell: &Cell) -> Option<f64> {
    regret(&cell.sample).filter(|regret| *regret > 1.0 + ALIKE)
}

fn name_colours<DB: DrawingBackend>(
    root: &Area<DB>,
    keys: &[(&str, RGBColor)],
    places: &[(i32, i32)],
) -> Result<(), Failed<DB>> {
    for ((name, colour), (column, row)) in keys.iter().zip(places) {
        let middle = 8 + row * legend::ROW + legend::ROW / 2;
        root.draw(&Rectangle::new([(*column, middle - 13), (column + 26, middle + 13)], colour.filled()))?;
        let text = ("sans-serif", FONT).into_font().color(&INK).pos(Pos::new(HPos::Left, VPos::Center));
        root.draw(&Text::new((*name).to_owned(), (column + KEY, middle), text))?;
    }
    Ok(())
}

fn draw<DB: DrawingBackend>(
    root: &Area<DB>,
    winners: &[(&Cell, String)],
    above: i32,
) -> Result<(), Failed<DB>> {
    let text = ("sans-serif", FONT).into_font().color(&INK);
    let (_, width) = place(0, 0, above);
    let corner = |row: usize, column: usize| place(row, column, above).0;
    for (row, delta) in MAP_DELTAS.iter().enumerate() {
        for (column, channels) in MAP_CHANNELS.iter().enumerate() {
            let (x, y) = corner(row, column);
            let inside = [(x + 2, y + 2), (x + width - 2, y + ROW - 2)];
            let own = winners.iter().find(|(cell, _)| cell.delta == *delta && cell.channels == *channels);
            let Some((cell, winner)) = own else {
                root.draw(&Rectangle::new(inside, INK.mix(0.12).stroke_width(1)))?;
                continue;
            };
            let colour =
                COLOURS.iter().find(|(name, _)| name == winner).map_or(colour::GREY, |(_, own)| *own);
            root.draw(&Rectangle::new(inside, colour.filled()))?;
            if let Some(lost) = lost(cell) {
                root.draw(&Rectangle::new(inside, INK.stroke_width(5)))?;
                let style = ("sans-serif", FONT).into_font().color(&on(colour));
                let style = style.pos(Pos::new(HPos::Center, VPos::Center));
                root.draw(&Text::new(format!("{lost:.2}"), (x + width / 2, y + ROW / 2), style))?;
            }
        }
    }
    let centred = Pos::new(HPos::Center, VPos::Top);
    for (column, channels) in MAP_CHANNELS.iter().enumerate() {
        let (x, y) = corner(0, column);
        root.draw(&Text::new(
            channels.to_string(),
            (x + width / 2, y + ROW + 10),
            text.clone().pos(centred),
        ))?;
    }
    for (row, delta) in MAP_DELTAS.iter().enumerate() {
        let (x, y) = corner(row, 0);
        let style = text.clone().pos(Pos::new(HPos::Right, VPos::Center));
        root.draw(&Text::new(delta.to_string(), (x - 14, y + ROW / 2), style))?;
    }
    let bottom = above + MAP_DELTAS.len() as i32 * ROW;
    let middle = LEFT + width * MAP_CHANNELS.len() as i32 / 2;
    root.draw(&Text::new("channels, in and out", (middle, bottom + 54), text.clone().pos(centred)))?;
    let upright = ("sans-serif", FONT).into_font().transform(FontTransform::Rotate270).color(&INK);
    let style = upright.pos(Pos::new(HPos::Center, VPos::Top));
    root.draw(&Text::new("Δ, pixels", (8, (above + bottom) / 2), style))
}
