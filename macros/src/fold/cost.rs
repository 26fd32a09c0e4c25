//! What forms of a filter cost: cycles of a core for a vector of outputs, 16 lanes wide.

use super::{Factors, Shared, Weights, one_pass};

/// Operations that straight-line code may have, both stages together: more compile for too long.
pub(super) const LONGEST: usize = 600;

/// Rows after which the running sums of a window are begun anew, so that what rounding leaves behind in
/// them does not grow with the picture.
pub(crate) const ANEW: usize = 32;

/// Fewest weights of a window that is summed as it runs: the sums of smaller ones stay in registers.
const SMALLEST_WINDOW: usize = 25;

/// A load that begins on a cache line.
pub(super) const LOAD: f64 = 0.5;
/// A load that begins anywhere: at full width it crosses a line.
pub(super) const UNALIGNED: f64 = 1.0;
/// A multiply-add, an addition or a multiplication.
pub(super) const OPERATION: f64 = 0.5;
/// A store.
pub(super) const STORE: f64 = 1.0;
/// What a second pass costs beside its sums: they are read again from a cache that holds rows of the picture as well,
/// their ends are padded, and while they are summed along nothing else of the picture is read. Measured on pictures of
/// two megapixels, which one pass filters faster up to 7 x 7; at a hundred thousand pixels both are level from 5 x 5 on.
const SECOND: f64 = 9.0;
/// Rows of a filter from which on its sums along the rows come first: in programs that took turns over two
/// megapixels that was 0.8 to 0.9 of the time from 9 rows on, and level below.
const TALL: usize = 8;
/// Rows of output that are then computed at once, where registers suffice.
pub(crate) const TOGETHER: usize = 4;
/// A number along a row where taps lie side by side: loads, two thirds of them replaced by shifts.
const BESIDE: f64 = 0.6;
/// What a pass down the columns costs beside its sums where it is the second, as [`SECOND`].
const DOWN: f64 = 8.0;
/// Registers that the forms are compared for.
const REGISTERS: usize = 32;
/// The running sum down the columns of a window.
const RUNNING: f64 = 2.5;
/// Columns of a window up to which one sum along the row is cheaper than sums of 2, 4, 8.. neighbours.
pub(crate) const WIDEST_WINDOW: usize = 31;
/// A pass of sums along a row, each twice as wide as before.
const DOUBLING: f64 = 5.0;
/// A tap of a layer's direct kernel whose size arrives with the call.
const TAP: f64 = 2.0;
/// A layer by transforms along the rows, up to the height of [`TRANSFORMED`].
const TRANSFORMS: f64 = 90.0;
/// Rows of a filter that transforms cost [`TRANSFORMS`] for.
const TRANSFORMED: usize = 63;
/// What a layer costs beside its sums: borders, epilogue, memory that is not streamed.
const LAYER: f64 = 12.0;

/// The terms of a filter, or of several over one picture.
#[derive(Debug, Clone)]
pub(crate) struct Terms<'a> {
    /// Weights down the columns, `[T][K_h]`.
    pub(crate) columns: &'a [Vec<f64>],
    /// Weights along the rows, `[filter][T][K_w]`; none where a filter has no part in a term.
    pub(crate) filters: Vec<&'a [Vec<f64>]>,
}

impl<'a> From<&'a Factors> for Terms<'a> {
    fn from(factors: &'a Factors) -> Self {
        Terms { columns: &factors.columns, filters: vec![&factors.rows] }
    }
}

impl<'a> From<&'a Shared> for Terms<'a> {
    fn from(shared: &'a Shared) -> Self {
        Terms { columns: &shared.columns, filters: shared.rows.iter().map(Vec::as_slice).collect() }
    }
}

impl<'a> Terms<'a> {
    /// Weights along the rows, of every filter.
    pub(super) fn rows(&self) -> impl Iterator<Item = &'a Vec<f64>> {
        self.filters.iter().flat_map(|filter| filter.iter())
    }
}

/// Predicted cycles for a vector of outputs of every filter, in one pass or in two.
pub(super) fn cost<'a>(terms: impl Into<Terms<'a>>) -> f64 {
    let terms = terms.into();
    let two = of_two_passes(&terms);
    match one_pass::cost(&terms, REGISTERS) {
        Some(one) if takes_one_pass(&terms) => one,
        _ => two,
    }
}

/// Whether sums take one pass over the picture: where all terms are rows of it, and where that is cheaper than two.
pub(crate) fn takes_one_pass(terms: &Terms<'_>) -> bool {
    let rows = terms.columns.iter().all(|column| is_unit(column));
    rows || one_pass::cost(terms, REGISTERS).is_some_and(|cycles| cycles < of_two_passes(terms))
}

/// Whether two passes begin with sums along the rows.
pub(crate) fn along_first(terms: &Terms<'_>) -> bool {
    let height = terms.columns.iter().map(Vec::len).max().unwrap_or(0);
    let summed = !terms.columns.is_empty() && !terms.columns.iter().any(|column| is_unit(column));
    terms.filters.len() == 1 && height >= TALL && summed
}

/// Predicted cycles for a vector of outputs of every filter in two passes.
///
/// Down the columns: the rows that terms read are loaded once for two rows of output, every weight is an operation and
/// every term a store, but for terms whose column is a single 1, which read the picture where it lies. Along the rows:
/// every weight is a load and an operation. Then the output is stored.
///
/// Where the sums along the rows come first, they are stored, and loaded for four rows of output at once.
fn of_two_passes(terms: &Terms<'_>) -> f64 {
    let summed = || terms.columns.iter().filter(|column| !is_unit(column));
    let height = terms.columns.iter().map(Vec::len).max().unwrap_or(0);
    let is_read = |row: usize| summed().any(|column| column.get(row).is_some_and(|weight| *weight != 0.0));
    let rows = (0..=height).filter(|row| is_read(*row) || row.checked_sub(1).is_some_and(is_read)).count();
    let down: usize = summed().map(|column| taps(column)).sum();
    let along: usize = terms.rows().map(|row| taps(row)).sum();
    if along_first(terms) {
        let lines = terms.columns.len() * (height + TOGETHER - 1);
        return OPERATION * (down + along) as f64
            + BESIDE * along as f64
            + STORE * (terms.columns.len() + 1) as f64
            + LOAD * lines as f64 / TOGETHER as f64
            + DOWN;
    }
    LOAD * rows as f64 / 2.0
        + OPERATION * (down + along) as f64
        + STORE * summed().count() as f64
        + UNALIGNED * along as f64
        + STORE * terms.filters.len() as f64
        + SECOND
}

/// Weights of both stages that are not zero: operations of straight-line code.
pub(super) fn operations(factors: &Factors) -> usize {
    let down: usize =
        factors.columns.iter().filter(|column| !is_unit(column)).map(|column| taps(column)).sum();
    down + factors.rows.iter().map(|row| taps(row)).sum::<usize>()
}

/// The one weight of a window that is worth running sums, and what those cost.
pub(super) fn of_a_window(weights: &Weights) -> Option<(f64, f64)> {
    let first = *weights.values.first()?;
    let alike = first != 0.0 && weights.values.iter().all(|weight| *weight == first);
    let down = if weights.height > 1 { RUNNING } else { 0.0 };
    let along = match weights.width {
        width @ 0..=WIDEST_WINDOW => (BESIDE + OPERATION) * width as f64 + STORE,
        width => DOUBLING * passes(width) as f64,
    };
    let cycles = down + along;
    (alike && weights.values.len() >= SMALLEST_WINDOW).then_some((first, cycles))
}

/// Passes that sums of so many columns take, each pass of a wide window adding sums that are there already.
pub(super) fn passes(columns: usize) -> u32 {
    match columns {
        0..=WIDEST_WINDOW => 1,
        _ => columns.checked_ilog2().map_or(0, |log| log + columns.count_ones() - 1),
    }
}

/// What a layer with a filter of this size costs by the cheaper of direct kernels and transforms.
pub(super) fn of_a_layer(height: usize, width: usize) -> f64 {
    let transforms = TRANSFORMS * (height as f64 / TRANSFORMED as f64).max(1.0);
    LAYER + (TAP * (height * width) as f64).min(transforms)
}

/// The row that a column reads as it is: where it is a single 1.
pub(crate) fn unit(column: &[f64]) -> Option<usize> {
    let row = column.iter().position(|weight| *weight == 1.0)?;
    (taps(column) == 1).then_some(row)
}

/// Whether a column reads one row as it is.
pub(super) fn is_unit(column: &[f64]) -> bool {
    unit(column).is_some()
}

/// Weights that are not zero.
pub(super) fn taps(weights: &[f64]) -> usize {
    weights.iter().filter(|weight| **weight != 0.0).count()
}
