//! A chart as SVG, with what stands behind its points, its numbers as a table and what they rest on.

use plotters::prelude::*;

use super::block::Table;
use super::evidence::Evidence;
use super::html::escape;
use super::plot::Area;
use crate::Error;

/// Pixels across of every chart. The page shows about half of them, so that lines are sharp on any screen.
pub(super) const WIDTH: u32 = 880;

/// The colour that stands for the ink of the page, see [`super::palette::INK`].
const INK_TEXT: &str = "#010101";

/// Pixels around a point that belong to it.
const REACH: u32 = 16;

/// What is told of a place in a chart, in one to three short lines.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    pub(super) at: (i32, i32),
    pub(super) text: String,
}

/// A chart as SVG.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Drawn {
    /// The name of its file.
    pub(super) name: &'static str,
    /// What it shows, for those who cannot see it.
    pub(super) alternative: String,
    pub(super) height: u32,
    /// What is inside of the `svg` element, see [`inside`].
    pub(super) inside: String,
    pub(super) points: Vec<Point>,
    /// What its numbers are, with their unit.
    pub(super) shown: String,
    /// The same numbers.
    pub(super) table: Table,
    pub(super) evidence: Evidence,
    /// Whether it wants half of a wide page instead of a third.
    pub(super) wide: bool,
}

/// Has a chart of a height drawn: its elements, and what `draw` gives.
///
/// # Errors
/// [`Error::Plot`], which is not known to happen.
pub(super) fn sketch<T>(
    name: &str,
    height: u32,
    draw: impl FnOnce(&Area<SVGBackend<'_>>) -> Result<T, DrawingAreaErrorKind<std::io::Error>>,
) -> Result<(String, T), Error> {
    let mut svg = String::new();
    let drawn = {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        draw(&area).and_then(|drawn| area.present().map(|()| drawn))
    };
    let fail =
        |error: DrawingAreaErrorKind<_>| Error::Plot { plot: name.to_owned(), reason: error.to_string() };
    Ok((inside(&svg), drawn.map_err(fail)?))
}

/// The elements of a picture that plotters wrote, with the ink of the page and without what need not be said.
fn inside(svg: &str) -> String {
    let elements = svg.split_once('>').map_or("", |(_, rest)| rest).trim_start();
    let mut short = elements.trim_end().trim_end_matches("</svg>").to_owned();
    for (long, brief) in [
        (" fill=\"#010101\">\n", ">"),
        (INK_TEXT, "currentColor"),
        (" opacity=\"1\"", ""),
        (" font-family=\"sans-serif\"", ""),
        (" stroke=\"none\" stroke-width=\"1\"", ""),
        ("\n</text>", "</text>"),
        (" \"/>", "\"/>"),
    ] {
        short = short.replace(long, brief);
    }
    rounded(&short)
}

/// Font sizes with one digit.
fn rounded(svg: &str) -> String {
    const SIZE: &str = "font-size=\"";
    let mut pieces = svg.split(SIZE);
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        text.push_str(SIZE);
        match piece.split_once('"').and_then(|(size, rest)| Some((size.parse::<f64>().ok()?, rest))) {
            Some((size, rest)) => text.push_str(&format!("{}\"{rest}", (size * 10.0).round() / 10.0)),
            None => text.push_str(piece),
        }
    }
    text
}

impl Drawn {
    /// The same chart with other numbers below it.
    pub(super) fn tabulated(self, table: Table) -> Self {
        Drawn { table, ..self }
    }

    /// An element for a page, which gives it its ink by `color`, and its points their looks.
    pub(super) fn inline(&self) -> String {
        let mut points = String::new();
        if !self.points.is_empty() {
            points.push_str("<g class=\"p\" fill=\"transparent\">\n");
            for Point { at: (x, y), text } in &self.points {
                points.push_str(&format!(
                    "<circle cx=\"{x}\" cy=\"{y}\" r=\"{REACH}\"><title>{}</title></circle>\n",
                    escape(text)
                ));
            }
            points.push_str("</g>\n");
        }
        format!(
            "<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"{}\" fill=\"currentColor\" \
             xmlns=\"http://www.w3.org/2000/svg\">\n{}{points}</svg>",
            self.height,
            escape(&self.alternative),
            self.inside
        )
    }

    /// A file of its own, which takes its ink from the light or dark mode of whoever looks.
    pub(super) fn standalone(&self) -> String {
        format!(
            "<svg width=\"{WIDTH}\" height=\"{}\" viewBox=\"0 0 {WIDTH} {}\" font-family=\"sans-serif\" \
             fill=\"currentColor\" xmlns=\"http://www.w3.org/2000/svg\">\n\
             <title>{}</title>\n<style>svg{{color:#1f2328}}@media(prefers-color-scheme:dark){{svg{{color:#e6edf3}}}}</style>\n\
             {}</svg>\n",
            self.height,
            self.height,
            escape(&self.alternative),
            self.inside
        )
    }

    /// What its numbers rest on, in a line.
    pub(super) fn evidence(&self) -> String {
        self.evidence.line(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_plotters_writes_becomes_short() {
        let svg = "<svg width=\"1\" height=\"1\" xmlns=\"x\">\n<text x=\"1\" font-family=\"sans-serif\" \
                   font-size=\"29.032258\" opacity=\"1\" fill=\"#010101\">\nside\n</text>\n<line opacity=\"0.16\" \
                   stroke=\"#010101\"/>\n</svg>\n";
        let short =
            "<text x=\"1\" font-size=\"29\">side</text>\n<line opacity=\"0.16\" stroke=\"currentColor\"/>\n";
        assert_eq!(inside(svg), short);
    }
}
