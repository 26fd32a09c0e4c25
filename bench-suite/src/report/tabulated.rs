//! The numbers of a chart as a table.

use super::block::{Cell, Table, cell, number};
use super::dots::Dots;
use super::plot::{Axis, Plot, Series};
use super::words;

/// A row for each place on the x axis and a column for each line; where hardly any place is shared, a row for each
/// point.
pub(super) fn plot(plot: &Plot) -> Table {
    let named: Vec<&Series> = plot.series.iter().filter(|series| !upright(series)).collect();
    let mut places: Vec<f64> = named
        .iter()
        .filter(|series| level(series).is_none())
        .flat_map(|series| series.points.iter().map(|point| point.x))
        .collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    let longest = named.iter().map(|series| series.points.len()).max().unwrap_or(0);
    if places.len() > longest + longest / 2 {
        return by_points(plot, &named);
    }
    let mut head = vec![plot.x.title.clone()];
    head.extend(named.iter().map(|series| series.label.clone()));
    let row = |place: &f64| {
        let mut cells = vec![at(&plot.x, *place)];
        cells.extend(named.iter().map(|series| {
            let own = series.points.iter().find(|point| point.x == *place).map(|point| point.y);
            own.or(level(series)).map_or(cell("–"), figure)
        }));
        cells
    };
    Table { head, rows: places.iter().map(row).collect() }
}

fn by_points(plot: &Plot, series: &[&Series]) -> Table {
    let head = vec!["line".to_owned(), plot.x.title.clone(), plot.y.title.clone()];
    let rows = series.iter().flat_map(|series| {
        series
            .points
            .iter()
            .map(|point| vec![cell(series.label.clone()), at(&plot.x, point.x), figure(point.y)])
    });
    Table { head, rows: rows.collect() }
}

/// A row for each row, a column for each contender.
pub(super) fn dots(dots: &Dots) -> Table {
    let shown: Vec<_> = dots.contenders.iter().rev().filter(|own| !own.values.is_empty()).collect();
    let mut head = vec![dots.title.clone()];
    head.extend(shown.iter().map(|contender| contender.label.clone()));
    let row = |(index, name): (usize, &String)| {
        let mut cells = vec![cell(name.clone())];
        cells.extend(shown.iter().map(|contender| {
            let own = contender.values.iter().find(|dot| dot.row == index);
            own.map_or(cell("–"), |dot| figure(dot.value))
        }));
        cells
    };
    Table { head, rows: dots.rows.iter().enumerate().map(row).collect() }
}

/// The height of a line that is level from end to end.
fn level(series: &Series) -> Option<f64> {
    match series.points.as_slice() {
        [first, last] if first.y == last.y => Some(first.y),
        _ => None,
    }
}

/// Whether a line only marks a place on the x axis.
fn upright(series: &Series) -> bool {
    matches!(series.points.as_slice(), [first, last] if first.x == last.x)
}

fn at(axis: &Axis, place: f64) -> Cell {
    let tick = axis.ticks.iter().find(|(value, _)| *value == place);
    number(tick.map_or_else(|| words::figure(place), |(_, text)| text.clone()), place)
}

fn figure(value: f64) -> Cell {
    number(words::figure(value), value)
}

#[cfg(test)]
mod tests {
    use super::super::evidence::Evidence;
    use super::super::plot::{Marker, Spot, colour};
    use super::*;

    fn lines(points: &[&[(f64, f64)]]) -> Plot {
        let axis = |title: &str| Axis {
            title: title.to_owned(),
            range: (0.0, 9.0),
            logarithmic: false,
            ticks: vec![(1.0, "one".to_owned())],
        };
        let series = points.iter().enumerate().map(|(index, points)| Series {
            label: format!("line {index}"),
            colour: colour::BLUE,
            marker: Marker::None,
            dashed: false,
            points: points.iter().copied().map(Spot::from).collect(),
        });
        Plot {
            name: "lines",
            alternative: String::new(),
            x: axis("x"),
            y: axis("y"),
            series: series.collect(),
            marks: Vec::new(),
            evidence: Evidence::Computed,
        }
    }

    fn texts(table: &Table) -> Vec<Vec<&str>> {
        table.rows.iter().map(|row| row.iter().map(|cell| cell.text.as_str()).collect()).collect()
    }

    #[test]
    fn lines_over_the_same_places_are_columns() {
        let drawn = lines(&[
            &[(1.0, 5.0), (2.0, 0.25)],
            &[(2.0, 8.0), (1.0, 4.0), (3.0, 1e7)],
            &[(0.0, 6.0), (9.0, 6.0)],
            &[(2.5, 0.0), (2.5, 9.0)],
        ]);
        let table = plot(&drawn);
        assert_eq!(table.head, ["x", "line 0", "line 1", "line 2"]);
        let wanted = [["one", "5", "4", "6"], ["2", "0.25", "8", "6"], ["3", "–", "1.00·10⁷", "6"]];
        assert_eq!(texts(&table), wanted);
    }

    #[test]
    fn points_that_share_no_place_are_rows() {
        let drawn = lines(&[&[(1.0, 5.0), (2.0, 1.0), (2.5, 1.0)], &[(1.5, 8.0), (3.0, 4.0)], &[(3.5, 8.0)]]);
        let table = plot(&drawn);
        assert_eq!(table.head, ["line", "x", "y"]);
        assert_eq!(texts(&table)[0], ["line 0", "one", "5"]);
        assert_eq!(table.rows.len(), 6);
    }
}
