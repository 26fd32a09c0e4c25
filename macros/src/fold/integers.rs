//! Filters of bytes in 16-bit integers: where weights are whole numbers over a common denominator, and every
//! sum that bytes can have fits, the nearest byte is found without rounding on the way.
//!
//! Additions, subtractions and multiplications are modulo 2¹⁶, where only the result has to fit: sums on the
//! way may leave 16 bits and come back. The division is by a product whose upper half is taken, which is tried
//! for every dividend.

use super::{Factors, Weights, Whole, candidates};

/// A filter of bytes in 16-bit integers: sums down the columns, along the rows, and one division.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Integers {
    /// Weights down the columns, `[T][K_h]`.
    pub(crate) columns: Vec<Vec<i32>>,
    /// Weights along the rows, `[T][K_w]`.
    pub(crate) rows: Vec<Vec<i32>>,
    /// Whether sums may be negative: 16-bit numbers with a sign.
    pub(crate) signed: bool,
    /// What is divided by.
    pub(crate) divisor: u16,
    /// How.
    pub(crate) division: Division,
    /// Predicted cycles for 16 outputs.
    pub(crate) cycles: f64,
}

/// `⌊n / divisor⌋ = ⌊n · factor / 2¹⁶⌋ / 2^shift`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Division {
    pub(crate) factor: u16,
    pub(crate) shift: u32,
}

/// Taps of both passes together, beyond which they are not written out.
const MOST_TAPS: usize = 64;

/// Cycles for 16 outputs: a row of bytes that is made 16 bits wide, for two rows of output.
const WIDEN: f64 = 0.3;
/// A tap: a load and an operation along the row, an operation down the columns.
const ALONG: f64 = 0.5;
const DOWN: f64 = 0.25;
/// A row of sums that is stored.
const STORE: f64 = 0.5;
/// The division, the limits of a byte and the store.
const OUTPUT: f64 = 1.5;

/// The cheapest way in 16-bit integers, where there is one.
pub(crate) fn integers(weights: &Weights) -> Option<Integers> {
    let whole = weights.whole.as_ref()?;
    let sum = |positive: bool| -> i64 {
        let weights = whole.numerators.iter().filter(|weight| (**weight > 0) == positive);
        weights.map(|weight| i64::from(*weight) * i64::from(u8::MAX)).sum()
    };
    let (least, most) = (sum(false), sum(true));
    let signed = least < 0;
    let fits = if signed {
        least >= i64::from(i16::MIN) && most <= i64::from(i16::MAX)
    } else {
        most <= i64::from(u16::MAX)
    };
    let divisor = u16::try_from(whole.denominator).ok()?;
    // Half a divisor is added before the division.
    let dividend = u16::try_from(most).ok()?.checked_add(divisor / 2)?;
    let division = division(divisor, dividend).filter(|_| fits)?;
    let numerators = Weights {
        height: weights.height,
        width: weights.width,
        values: whole.numerators.iter().map(|weight| f64::from(*weight)).collect(),
        factors: whole.factors.clone(),
        whole: None,
    };
    let ways = candidates(&numerators, 0.0).into_iter().filter_map(|way| of_factors(&way.factors, whole));
    let ways = ways.filter(|(columns, rows)| taps_of(columns) + taps_of(rows) <= MOST_TAPS);
    let costs = ways.map(|way| (cycles(&way.0, &way.1), way));
    let (cycles, (columns, rows)) = costs.min_by(|a, b| a.0.total_cmp(&b.0))?;
    Some(Integers { columns, rows, signed, divisor, division, cycles })
}

/// A sentence about it.
pub(crate) fn finding(integers: &Integers) -> String {
    let sign = if integers.signed { "with a sign" } else { "without a sign" };
    let division = match integers.divisor {
        1 => String::new(),
        divisor if divisor.is_power_of_two() => format!(", divided by {divisor} by shifts"),
        divisor => format!(", divided by {divisor} by one multiplication"),
    };
    format!("bytes to bytes: 16-bit integers {sign}, exact{division}")
}

/// Factors as whole numbers, where they are and multiply back to the numerators.
fn of_factors(factors: &Factors, whole: &Whole) -> Option<(Vectors, Vectors)> {
    let integer = |number: &f64| {
        let integer = *number as i32;
        (f64::from(integer) == *number && integer.abs() < i32::from(i16::MAX)).then_some(integer)
    };
    let all = |vectors: &[Vec<f64>]| -> Option<Vec<Vec<i32>>> {
        vectors.iter().map(|vector| vector.iter().map(integer).collect()).collect()
    };
    let (columns, rows) = (all(&factors.columns)?, all(&factors.rows)?);
    let width = rows.first()?.len();
    let product = |at: usize| -> i64 {
        let terms = columns.iter().zip(&rows);
        terms.map(|(column, row)| i64::from(column[at / width]) * i64::from(row[at % width])).sum()
    };
    let same = whole.numerators.iter().enumerate().all(|(at, weight)| product(at) == i64::from(*weight));
    same.then_some((columns, rows))
}

fn taps_of(vectors: &[Vec<i32>]) -> usize {
    vectors.iter().flatten().filter(|weight| **weight != 0).count()
}

fn cycles(columns: &[Vec<i32>], rows: &[Vec<i32>]) -> f64 {
    let height = columns.first().map_or(0, Vec::len);
    WIDEN * (height + 1) as f64
        + DOWN * taps_of(columns) as f64
        + STORE * columns.len() as f64
        + ALONG * taps_of(rows) as f64
        + OUTPUT
}

/// A vector for each term.
type Vectors = Vec<Vec<i32>>;

/// A factor that divides every number up to the largest.
fn division(divisor: u16, largest: u16) -> Option<Division> {
    if divisor.is_power_of_two() {
        // Shifts alone: the factor is not looked at.
        return Some(Division { factor: 0, shift: divisor.trailing_zeros() });
    }
    (0..u16::BITS).find_map(|shift| {
        let factor = u16::try_from((1u64 << (16 + shift)).div_ceil(u64::from(divisor))).ok()?;
        let divided = |number: u16| (u32::from(number) * u32::from(factor)) >> 16 >> shift;
        let right = (0..=largest).all(|number| divided(number) == u32::from(number / divisor));
        right.then_some(Division { factor, shift })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divisions_are_right_up_to_the_largest_and_wanted_where_they_are() {
        for divisor in 1..=1000u16 {
            let found = division(divisor, 20_000).unwrap();
            for number in 0..=20_000u16 {
                let quotient = match divisor.is_power_of_two() {
                    true => u32::from(number) >> found.shift,
                    false => (u32::from(number) * u32::from(found.factor)) >> 16 >> found.shift,
                };
                assert_eq!(quotient, u32::from(number / divisor), "{number} / {divisor}");
            }
        }
        // 7 needs a factor of 17 bits for all numbers of 16.
        assert_eq!(division(7, u16::MAX), None);
    }
}
