//! Matrices of weights as sums of few products of a column and a row, by singular values.
//!
//! Plain code without tokens: the library compiles the text of this file too, see `fold_module!`.

/// A filter as a sum of products of a column and a row: `V[a][b] = Σ_t columns[t][a] · rows[t][b]`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Factors {
    /// Weights down the columns, `[T][K_h]`.
    pub(crate) columns: Vec<Vec<f64>>,
    /// Weights along the rows, `[T][K_w]`.
    pub(crate) rows: Vec<Vec<f64>>,
}

impl Factors {
    /// The weight that they multiply back to, where a filter has it.
    pub(crate) fn weight(&self, row: usize, column: usize) -> f64 {
        let of_term = |(down, along): (&Vec<f64>, &Vec<f64>)| {
            down.get(row).copied().unwrap_or(0.0) * along.get(column).copied().unwrap_or(0.0)
        };
        self.columns.iter().zip(&self.rows).map(of_term).sum()
    }

    /// `‖V − U·R‖ / ‖V‖`, roots of sums of squares, for weights row after row, `width` in each.
    pub(crate) fn error(&self, values: &[f64], width: usize) -> f64 {
        let mut squares = 0.0;
        for (row, weights) in values.chunks(width.max(1)).enumerate() {
            for (column, weight) in weights.iter().enumerate() {
                squares += (weight - self.weight(row, column)).powi(2);
            }
        }
        let norm: f64 = values.iter().map(|weight| weight * weight).sum();
        if squares == 0.0 { 0.0 } else { (squares / norm).sqrt() }
    }
}

/// Whole numbers in a column up to this are kept: they are fewer multiplications than fractions.
const LARGEST: f64 = 4096.0;

/// The column and the row that a filter is the product of, to the bit, where it is; weights row after row,
/// `width` in each. Whole numbers have whole factors.
pub(crate) fn exact(values: &[f64], width: usize) -> Option<Factors> {
    let mut shared: Option<Vec<f64>> = None;
    let mut contents = Vec::new();
    for row in values.chunks(width.max(1)) {
        if row.iter().all(|weight| *weight == 0.0) {
            contents.push(0.0);
            continue;
        }
        let (row, content) = primitive(row)?;
        if shared.get_or_insert_with(|| row.clone()) != &row {
            return None;
        }
        contents.push(content);
    }
    let (column, unit) = scaled(primitive(&contents)?);
    // A zero times a negative unit is a zero without a sign.
    let row: Vec<f64> = shared?.iter().map(|weight| weight * unit + 0.0).collect();
    let exact = column.iter().chain(&row).all(|weight| rounded(*weight) == *weight);
    exact.then(|| Factors { columns: vec![column], rows: vec![row] })
}

/// Most sweeps over all pairs of columns; eight turn up to 63 columns.
const SWEEPS: usize = 40;

/// What a product of two columns may be of their lengths when they count as at right angles.
const ANGLE: f64 = 1e-15;

/// What two weights may differ by, and the least a weight may be, of the largest beside it, when they are
/// taken for the same, or for zero: the arithmetic of f64 leaves less.
const SAME: f64 = 1e-10;

/// The `most` largest products of a column and a row in weights row after row, `width` in each: the sum
/// of the first r is the closest matrix of rank r. The largest weight of a column is 1 or -1. Weights are
/// rounded to f32. Fewer where the others are zero; none where a weight is not finite.
pub(crate) fn singular(values: &[f64], width: usize, most: usize) -> Factors {
    let none = Factors { columns: Vec::new(), rows: Vec::new() };
    let largest = values.iter().fold(0.0, |most: f64, weight| most.max(weight.abs()));
    if width == 0 || largest == 0.0 || values.iter().any(|weight| !weight.is_finite()) {
        return none;
    }
    // The columns of the filter, turned until they are at right angles, and how they were turned. They are
    // scaled so that no square leaves the range.
    let height = values.len() / width;
    let mut turned: Vec<Vec<f64>> = (0..width)
        .map(|column| (0..height).map(|row| values[row * width + column] / largest).collect())
        .collect();
    let mut turns: Vec<Vec<f64>> =
        (0..width).map(|row| (0..width).map(|column| f64::from(u8::from(row == column))).collect()).collect();
    for _ in 0..SWEEPS {
        let mut still = true;
        for first in 0..width {
            for second in first + 1..width {
                if let Some(angle) = angle(&turned[first], &turned[second]) {
                    still = false;
                    turn(&mut turned, first, second, angle);
                    turn(&mut turns, first, second, angle);
                }
            }
        }
        if still {
            break;
        }
    }
    let mut terms: Vec<(f64, usize)> = turned.iter().map(|column| dot(column, column)).zip(0..).collect();
    // Equal ones stay in the order of their columns.
    terms.sort_by(|a, b| b.0.total_cmp(&a.0));
    let least = terms.first().map_or(0.0, |term| term.0) * f64::EPSILON * f64::EPSILON;
    let mut factors = none;
    for (square, term) in terms.into_iter().take(most) {
        if square <= least {
            break;
        }
        let column = tidied(&turned[term]);
        let scale = column
            .iter()
            .fold(0.0, |most: f64, weight| if weight.abs() > most.abs() { *weight } else { most });
        let row: Vec<f64> = turns[term].iter().map(|weight| weight * scale * largest).collect();
        factors.columns.push(column.iter().map(|weight| rounded(weight / scale)).collect());
        factors.rows.push(tidied(&row).into_iter().map(rounded).collect());
    }
    factors
}

fn rounded(weight: f64) -> f64 {
    f64::from(weight as f32)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Cosine and sine of the angle that turns two columns to where they are at right angles, or `None` where
/// they are.
fn angle(a: &[f64], b: &[f64]) -> Option<[f64; 2]> {
    let (aa, bb, ab) = (dot(a, a), dot(b, b), dot(a, b));
    if ab.abs() <= ANGLE * (aa * bb).sqrt() {
        return None;
    }
    let slope = (bb - aa) / (2.0 * ab);
    let tangent = slope.signum() / (slope.abs() + (1.0 + slope * slope).sqrt());
    let cosine = 1.0 / (1.0 + tangent * tangent).sqrt();
    Some([cosine, cosine * tangent])
}

fn turn(columns: &mut [Vec<f64>], first: usize, second: usize, [cosine, sine]: [f64; 2]) {
    let (head, tail) = columns.split_at_mut(second);
    for (a, b) in head[first].iter_mut().zip(&mut tail[0]) {
        (*a, *b) = (cosine * *a - sine * *b, sine * *a + cosine * *b);
    }
}

/// Weights that are zero but for rounding as zeros, and those that differ in nothing else alike, so that
/// symmetric filters have symmetric factors.
fn tidied(weights: &[f64]) -> Vec<f64> {
    let largest = weights.iter().fold(0.0, |most: f64, weight| most.max(weight.abs()));
    let mut tidy: Vec<f64> = Vec::new();
    for weight in weights {
        let size = weight.abs();
        let like =
            tidy.iter().map(|earlier| earlier.abs()).find(|earlier| (earlier - size).abs() <= SAME * largest);
        let zero = size <= SAME * largest;
        tidy.push(if zero { 0.0 } else { like.unwrap_or(size).copysign(*weight) });
    }
    tidy
}

/// Small whole numbers as they are, others by the power of two that brings them below 2.
pub(crate) fn scaled((often, unit): (Vec<f64>, f64)) -> (Vec<f64>, f64) {
    let largest = often.iter().fold(0.0, |most: f64, often| most.max(often.abs()));
    if largest <= LARGEST {
        return (often, unit);
    }
    let power = 2f64.powi(largest.log2().floor() as i32);
    (often.iter().map(|often| often / power).collect(), unit * power)
}

/// Numbers as whole ones without a common divisor, the first of them that is not zero positive, and what
/// to multiply those with. `None` where a number is not finite.
pub(crate) fn primitive(values: &[f64]) -> Option<(Vec<f64>, f64)> {
    let parts: Option<Vec<Option<(u64, i32)>>> =
        values.iter().map(|value| value.is_finite().then(|| (*value != 0.0).then(|| odd(*value)))).collect();
    let parts = parts?;
    let divisor = parts.iter().flatten().fold(0, |divisor, (odd, _)| common(divisor, *odd));
    let exponent = parts.iter().flatten().map(|(_, exponent)| *exponent).min()?;
    let sign = values.iter().find(|value| **value != 0.0).map_or(1.0, |value| value.signum());
    let whole = parts.iter().zip(values).map(|(part, value)| match part {
        Some((odd, power)) => (odd / divisor) as f64 * 2f64.powi(power - exponent) * sign * value.signum(),
        None => 0.0,
    });
    Some((whole.collect(), divisor as f64 * 2f64.powi(exponent) * sign))
}

/// A number that is not zero as an odd one times a power of two, without its sign.
fn odd(value: f64) -> (u64, i32) {
    let bits = value.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i32;
    let fraction = bits & ((1 << 52) - 1);
    let mantissa = if exponent == 0 { fraction } else { fraction | 1 << 52 };
    let zeros = mantissa.trailing_zeros();
    (mantissa >> zeros, exponent.max(1) - 1075 + zeros as i32)
}

/// The greatest common divisor.
fn common(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { common(b, a % b) }
}
