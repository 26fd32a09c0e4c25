//! Sums along the rows and down the columns in one pass over the picture, for some rows of output at once: what is
//! loaded and what is computed is counted for all of them, and divided by them.
//!
//! A term whose column is a single 1 is a row of the picture times weights, each number of which is loaded once for
//! every row of output that sees it. Of any other term each row of the picture is summed along once, and that sum is
//! added to every row of output that sees it: both passes of a separable filter, and nothing is stored between them.

use super::cost::{LOAD, OPERATION, STORE, Terms, UNALIGNED, is_unit, taps};

/// What is computed at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Tile {
    /// Vectors of a row.
    pub(crate) vectors: usize,
    /// Rows of output.
    pub(crate) rows: usize,
}

/// Weights beyond which those of a filter of rows as they are do not stay in registers beside its sums: each is then
/// loaded for as many vectors of as many rows as there are registers for.
pub(crate) const RESIDENT: usize = 12;

/// Rows of output that share the sums of the rows of the picture, most first: three rows of a filter are summed along
/// 8/6 times for each of six.
const ROWS: [usize; 3] = [6, 4, 2];

/// The tile of one pass with so many registers; none where its sums and weights do not stay in them.
pub(crate) fn tile(terms: &Terms<'_>, registers: usize) -> Option<Tile> {
    let filters = terms.filters.len();
    if terms.columns.iter().all(|column| is_unit(column)) {
        let many = registers >= 32;
        let weights: usize = terms.rows().map(|row| taps(row)).sum();
        return Some(match (filters, many) {
            (1, true) if weights > RESIDENT => Tile { vectors: 4, rows: 4 },
            (1, true) => Tile { vectors: 2, rows: 4 },
            (1, false) if weights > RESIDENT => Tile { vectors: 2, rows: 4 },
            (2, true) => Tile { vectors: 2, rows: 2 },
            _ => Tile { vectors: 1, rows: 2 },
        });
    }
    let mut weights: Vec<f64> =
        terms.columns.iter().flatten().chain(terms.rows().flatten()).copied().collect();
    weights.retain(|weight| *weight != 0.0 && weight.abs() != 1.0);
    weights.sort_by(f64::total_cmp);
    weights.dedup();
    // Beside sums and weights: the sums of a row of the picture, one for each term, and a number of it.
    let others = weights.len() + terms.columns.len() + 2;
    let rows = ROWS.into_iter().find(|rows| rows * filters + others <= registers)?;
    Some(Tile { vectors: 1, rows })
}

/// Predicted cycles for a vector of outputs, by the tile of so many registers.
pub(super) fn cost(terms: &Terms<'_>, registers: usize) -> Option<f64> {
    let Tile { vectors, rows } = tile(terms, registers)?;
    let height = terms.columns.iter().map(Vec::len).max().unwrap_or(0);
    let seen = height + rows - 1;
    // Rows of output that see a row of the picture through a term.
    let uses = |row: usize, term: usize| {
        let column = &terms.columns[term];
        let weight = |output: usize| row.checked_sub(output).and_then(|row| column.get(row));
        (0..rows).filter(|output| weight(*output).is_some_and(|weight| *weight != 0.0)).count()
    };
    let rows_of_picture = terms.columns.iter().all(|column| is_unit(column));
    let (mut loads, mut operations) = (0, 0);
    for row in 0..seen {
        let mut read: Vec<usize> = Vec::new();
        for term in 0..terms.columns.len() {
            let uses = uses(row, term);
            for along in
                terms.filters.iter().map(|filter| &filter[term]).filter(|along| uses > 0 && taps(along) > 0)
            {
                operations += taps(along) + if rows_of_picture { 0 } else { uses };
                read.extend((0..along.len()).filter(|tap| along[*tap] != 0.0));
            }
        }
        read.sort_unstable();
        read.dedup();
        loads += read.len();
    }
    let weights: usize = terms.rows().map(|row| taps(row)).sum();
    let of_weights = match rows_of_picture && weights > RESIDENT {
        true => LOAD * weights as f64 / vectors as f64,
        false => 0.0,
    };
    let shared = UNALIGNED * loads as f64 + OPERATION * operations as f64;
    Some(shared / rows as f64 + of_weights + STORE * terms.filters.len() as f64)
}
