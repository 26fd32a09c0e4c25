//! One line chart, drawn as SVG that is legible on light and dark paper and on a phone.

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::Error;

// The page shows a chart at about half of these pixels, so that lines are sharp on any screen.
pub(super) const WIDTH: u32 = 880;
const PLOT_HEIGHT: u32 = 560;
pub(super) const LEGEND_ROW: i32 = 46;
const FONT: u32 = 36;
const MARKER: i32 = 9;

/// Stand for the colours of the page in what plotters writes.
pub(super) const INK: RGBColor = RGBColor(1, 1, 1);
const INK_TEXT: &str = "#010101";

/// The colours of Okabe and Ito that are seen on white and on black alike, by any eye.
pub(super) mod colour {
    use plotters::style::RGBColor;

    pub(in super::super) const VERMILLION: RGBColor = RGBColor(0xd5, 0x5e, 0x00);
    pub(in super::super) const BLUE: RGBColor = RGBColor(0x00, 0x78, 0xbe);
    pub(in super::super) const GREEN: RGBColor = RGBColor(0x00, 0x9e, 0x73);
    pub(in super::super) const PURPLE: RGBColor = RGBColor(0xcc, 0x79, 0xa7);
    pub(in super::super) const ORANGE: RGBColor = RGBColor(0xe6, 0x9f, 0x00);
    pub(in super::super) const GREY: RGBColor = RGBColor(0x88, 0x88, 0x88);
}

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

/// A line through points.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series {
    pub(super) label: String,
    pub(super) colour: RGBColor,
    pub(super) marker: Marker,
    pub(super) dashed: bool,
    pub(super) points: Vec<(f64, f64)>,
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
    fn place(&self, value: f64) -> f64 {
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
}

/// A chart as SVG.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Drawn {
    pub(super) name: &'static str,
    pub(super) alternative: String,
    height: u32,
    /// What is inside of the `svg` element.
    inside: String,
}

impl Drawn {
    /// What was drawn on a canvas [`WIDTH`] wide.
    pub(super) fn new(name: &'static str, alternative: &str, height: u32, svg: &str) -> Self {
        // The ink is that of the page; the size is the reader's.
        let inside = svg.split_once('>').map_or("", |(_, rest)| rest).trim_start();
        let inside = inside.trim_end().trim_end_matches("</svg>").replace(INK_TEXT, "currentColor");
        Drawn { name, alternative: alternative.to_owned(), height, inside }
    }

    /// An element for a page, which gives it its ink by `color`.
    pub(super) fn inline(&self) -> String {
        format!(
            "<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"{}\" xmlns=\"http://www.w3.org/2000/svg\">\n{}</svg>",
            self.height,
            super::html::escape(&self.alternative),
            self.inside
        )
    }

    /// A file of its own, which takes its ink from the light or dark mode of whoever looks.
    pub(super) fn standalone(&self) -> String {
        format!(
            "<svg width=\"{WIDTH}\" height=\"{}\" viewBox=\"0 0 {WIDTH} {}\" xmlns=\"http://www.w3.org/2000/svg\">\n\
             <title>{}</title>\n<style>svg{{color:#1f2328}}@media(prefers-color-scheme:dark){{svg{{color:#e6edf3}}}}</style>\n\
             {}</svg>\n",
            self.height,
            self.height,
            super::html::escape(&self.alternative),
            self.inside
        )
    }
}

impl Plot {
    /// Draws the chart: its legend above, where no curve is.
    pub(super) fn draw(&self) -> Result<Drawn, Error> {
        self.draw_over(&[])
    }

    /// Draws the chart over bands.
    pub(super) fn draw_over(&self, bands: &[Band]) -> Result<Drawn, Error> {
        let legend = self.legend();
        let rows = legend.iter().map(|(_, at)| at.1).max().map_or(0, |last| last + 1);
        let above = rows * LEGEND_ROW + 24;
        let height = PLOT_HEIGHT + above as u32;
        let mut svg = String::new();
        let fail = |reason: String| Error::Plot { plot: self.name.to_owned(), reason };
        {
            let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
            for (series, (column, row)) in legend {
                let y = 12 + row * LEGEND_ROW + LEGEND_ROW / 2;
                draw_key(&area, series, (column, y)).map_err(|error| fail(error.to_string()))?;
            }
            self.draw_chart(&area, above, bands).map_err(|error| fail(error.to_string()))?;
            area.present().map_err(|error| fail(error.to_string()))?;
        }
        Ok(Drawn::new(self.name, &self.alternative, height, &svg))
    }

    /// Where the keys of the legend go: the left edge in pixels, and the row.
    fn legend(&self) -> Vec<(&Series, (i32, i32))> {
        let (mut column, mut row) = (16, 0);
        let named = self.series.iter().filter(|series| !series.label.is_empty());
        named
            .map(|series| {
                let width = 90 + (series.label.chars().count() as f64 * f64::from(FONT) * 0.45) as i32;
                if column > 16 && column + width > WIDTH as i32 {
                    column = 16;
                    row += 1;
                }
                let at = (column, row);
                column += width + 26;
                (series, at)
            })
            .collect()
    }

    fn draw_chart<DB: DrawingBackend>(
        &self,
        root: &Area<DB>,
        above: i32,
        bands: &[Band],
    ) -> Result<(), Failed<DB>> {
        let text = ("sans-serif", FONT).into_font().color(&INK);
        let wide = self.y.ticks.iter().map(|(_, text)| text.chars().count()).max().unwrap_or(1) as u32;
        let mut chart = ChartBuilder::on(&root.split_vertically(above).1)
            .margin_right(34)
            .margin_top(8)
            .margin_bottom(4)
            .x_label_area_size(104)
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
        for series in &self.series {
            let style = series.colour.stroke_width(if series.dashed { 3 } else { 5 });
            if series.dashed {
                chart.draw_series(DashedLineSeries::new(series.points.clone(), 14, 10, style))?;
            } else {
                chart.draw_series(LineSeries::new(series.points.clone(), style))?;
            }
            for point in &series.points {
                draw_marker(root, series.marker, chart.backend_coord(point), series.colour)?;
            }
        }
        for mark in &self.marks {
            let (x, y) = chart.backend_coord(&mark.at);
            let style = text.clone().pos(Pos::new(HPos::Right, VPos::Bottom));
            root.draw(&Circle::new((x, y), MARKER + 1, INK.filled()))?;
            root.draw(&Text::new(mark.text.clone(), (x - 12, y - 8), style))?;
        }
        Ok(())
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
    root.draw(&Text::new(series.label.clone(), (x + 78, y), text))
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
