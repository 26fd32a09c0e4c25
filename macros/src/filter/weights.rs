//! A filter while it is put together: numbers, and the factors that are known beside.

use super::exact;
use super::number::{Exact, Number, whole};
use crate::fold::{Factors, Weights, Whole};

/// Rows and columns that a filter may have at most.
pub(super) const MOST_SIDE: usize = 63;

/// What the sizes of whole weights may add up to so that bytes times them fit 16 bits.
const MOST_WHOLE: u128 = u16::MAX as u128 / u8::MAX as u128;

/// A filter before its weights are rounded.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Filter {
    /// Rows.
    pub(super) height: usize,
    /// Columns.
    pub(super) width: usize,
    /// Row after row.
    pub(super) numbers: Vec<Number>,
    /// The factors, of a filter that is made of them; those of rationals are found when all is put together.
    pub(super) factors: Option<Factors>,
}

impl Filter {
    pub(super) fn new(width: usize, numbers: Vec<Number>) -> Filter {
        Filter { height: numbers.len() / width.max(1), width, numbers, factors: None }
    }

    /// Whole numbers over a common denominator, row after row.
    pub(super) fn integers(width: usize, numbers: &[i32]) -> Filter {
        Filter::new(width, numbers.iter().map(|&number| Number::integer(number)).collect())
    }

    /// The filter that factors are those of.
    pub(super) fn product(factors: Factors) -> Filter {
        let side = |vectors: &[Vec<f64>]| vectors.first().map_or(0, Vec::len);
        let (height, width) = (side(&factors.columns), side(&factors.rows));
        let number = |a: usize, b: usize| {
            let terms = factors.columns.iter().zip(&factors.rows);
            Number::near(terms.map(|(column, row)| column[a] * row[b]).sum())
        };
        let numbers =
            (0..height).flat_map(|a| (0..width).map(move |b| (a, b))).map(|(a, b)| number(a, b)).collect();
        Filter { height, width, numbers, factors: Some(factors) }
    }

    /// Its factors: those it is made of, or those of its rationals.
    pub(super) fn factors(&self) -> Option<Factors> {
        if let Some(factors) = &self.factors {
            return Some(factors.clone());
        }
        exact::factors(self.width, &self.rationals()?)
    }

    /// Its weights, where all of them are known exactly.
    pub(super) fn rationals(&self) -> Option<Vec<Exact>> {
        self.numbers.iter().map(|number| number.exact).collect()
    }

    /// Its weights as whole numbers over a common denominator, where those are known exactly, and any sum of
    /// them and of bytes fits 16 bits or all of them are alike.
    fn whole(&self) -> Option<Whole> {
        let (numerators, denominator) = whole(&self.rationals()?)?;
        let sizes =
            numerators.iter().try_fold(0u128, |sum, number| sum.checked_add(number.unsigned_abs()))?;
        let alike = numerators.iter().all(|number| Some(number) == numerators.first());
        if sizes > MOST_WHOLE && !alike {
            return None;
        }
        let exact: Vec<Exact> = numerators.iter().map(|&number| Exact::from(number)).collect();
        let numerators = numerators.into_iter().map(i32::try_from).collect::<Result<_, _>>().ok()?;
        let denominator = u32::try_from(denominator).ok()?;
        Some(Whole { numerators, denominator, factors: exact::factors(self.width, &exact) })
    }

    /// The weights, rounded; or what is wrong with all of them together.
    pub(super) fn weights(&self) -> Result<Weights, String> {
        let values: Vec<f64> = self.numbers.iter().map(|number| f64::from(number.near as f32)).collect();
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            let (row, column) = (at / self.width, at % self.width);
            return Err(format!(
                "the weight of row {row}, column {column} is {:e}, beyond f32, whose largest number is 3.4e38: write \
                 smaller weights",
                self.numbers[at].near
            ));
        }
        if values.iter().all(|value| *value == 0.0) {
            return Err("all weights are zero: write at least one that is not".to_owned());
        }
        // A zero has no sign here: it is no tap.
        let values = values.into_iter().map(|value| value + 0.0).collect();
        Ok(Weights {
            height: self.height,
            width: self.width,
            values,
            factors: self.factors(),
            whole: self.whole(),
        })
    }
}
