//! The arithmetic of whole filters, in rationals where they are known, and of their factors beside.

use super::exact::MOST_TERMS;
use super::number::{Exact, Number, whole};
use super::weights::Filter;
use crate::fold::Factors;

/// The one filter that does what two do one after the other, both as cross-correlations:
/// `(B ∘ A)[m] = Σ_a A[a] · B[m − a]`, of `H_a + H_b − 1` rows. It is what both do to the inside of a picture;
/// at a border the two in a row would pad in between, which the one does not.
pub(super) fn then(first: &Filter, second: &Filter) -> Filter {
    let width = first.width + second.width - 1;
    let height = first.height + second.height - 1;
    let places = |at: usize, by: usize| {
        (at / first.width + by / second.width) * width + at % first.width + by % second.width
    };
    let exact = exactly(first, second, width * height, places);
    let numbers = exact.unwrap_or_else(|| {
        let mut sums = vec![0.0; width * height];
        for (at, a) in first.numbers.iter().enumerate() {
            for (by, b) in second.numbers.iter().enumerate() {
                sums[places(at, by)] += a.near * b.near;
            }
        }
        sums.into_iter().map(Number::near).collect()
    });
    made_of(width, numbers, || {
        let (first, second) = (first.factors()?, second.factors()?);
        let (columns, rows) = each(&first)
            .flat_map(|(column, row)| {
                each(&second).map(move |(other, across)| (convolved(column, other), convolved(row, across)))
            })
            .unzip();
        Some(Factors { columns, rows })
    })
}

/// The sums of [`then`] in whole numbers over the product of both denominators, where they fit.
fn exactly(
    first: &Filter,
    second: &Filter,
    count: usize,
    places: impl Fn(usize, usize) -> usize,
) -> Option<Vec<Number>> {
    let (first, over) = whole(&first.rationals()?)?;
    let (second, over_second) = whole(&second.rationals()?)?;
    let over = over.checked_mul(over_second)?;
    let mut sums = vec![0i128; count];
    for (at, a) in first.iter().enumerate().filter(|(_, a)| **a != 0) {
        for (by, b) in second.iter().enumerate() {
            let sum = &mut sums[places(at, by)];
            *sum = sum.checked_add(a.checked_mul(*b)?)?;
        }
    }
    let number = |sum: &i128| (*sum != i128::MIN).then(|| Number::rational(Exact::new(*sum, over)));
    sums.iter().map(number).collect()
}

/// Turned by half a turn.
pub(super) fn flipped(filter: &Filter) -> Filter {
    let reversed = |vectors: &[Vec<f64>]| -> Vec<Vec<f64>> {
        vectors.iter().map(|vector| vector.iter().rev().copied().collect()).collect()
    };
    let factors = filter.factors.as_ref();
    Filter {
        numbers: filter.numbers.iter().rev().copied().collect(),
        factors: factors
            .map(|factors| Factors { columns: reversed(&factors.columns), rows: reversed(&factors.rows) }),
        ..*filter
    }
}

/// Every weight times a number.
pub(super) fn scaled(filter: &Filter, factor: Number) -> Filter {
    let numbers = filter.numbers.iter().map(|&number| number * factor).collect();
    made_of(filter.width, numbers, || {
        let mut factors = filter.factors()?;
        factors.rows.iter_mut().flatten().for_each(|weight| *weight *= factor.near);
        Some(factors)
    })
}

/// The sum of two filters of one size.
pub(super) fn plus(first: &Filter, second: &Filter) -> Filter {
    let numbers = first.numbers.iter().zip(&second.numbers).map(|(&a, &b)| a + b).collect();
    made_of(first.width, numbers, || {
        let (mut sum, more) = (first.factors()?, second.factors()?);
        for (column, row) in each(&more) {
            add_term(&mut sum, column, row);
        }
        Some(sum)
    })
}

/// A filter of these weights. Its factors are those of its rationals where all of them are known, and are
/// otherwise composed.
fn made_of(width: usize, numbers: Vec<Number>, factors: impl FnOnce() -> Option<Factors>) -> Filter {
    let filter = Filter::new(width, numbers);
    if filter.numbers.iter().all(|number| number.exact.is_some()) {
        return filter;
    }
    let factors = factors().filter(|factors| factors.rows.len() <= MOST_TERMS);
    Filter { factors, ..filter }
}

fn each(factors: &Factors) -> impl Iterator<Item = (&[f64], &[f64])> {
    factors.columns.iter().map(Vec::as_slice).zip(factors.rows.iter().map(Vec::as_slice))
}

/// `Σ_a first[a] · second[m − a]`.
fn convolved(first: &[f64], second: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; first.len() + second.len() - 1];
    for (at, a) in first.iter().enumerate() {
        for (by, b) in second.iter().enumerate() {
            sums[at + by] += a * b;
        }
    }
    sums
}

/// Adds a term: to one that has its column or its row, times a number, where there is such a one.
fn add_term(factors: &mut Factors, column: &[f64], row: &[f64]) {
    let add = |to: &mut [f64], multiple: f64, more: &[f64]| {
        to.iter_mut().zip(more).for_each(|(to, more)| *to += multiple * more);
    };
    for (known, other) in factors.columns.iter_mut().zip(&mut factors.rows) {
        if let Some(multiple) = multiple(column, known) {
            return add(other, multiple, row);
        }
        if let Some(multiple) = multiple(row, other) {
            return add(known, multiple, column);
        }
    }
    factors.columns.push(column.to_vec());
    factors.rows.push(row.to_vec());
}

/// How many times `of` a vector is, if it is one to the accuracy that factors in f64 have.
fn multiple(vector: &[f64], of: &[f64]) -> Option<f64> {
    let largest = (0..of.len()).max_by(|&a, &b| of[a].abs().total_cmp(&of[b].abs()))?;
    let multiple = vector[largest] / of[largest];
    let least = 1e-14 * vector[largest].abs();
    vector.iter().zip(of).all(|(a, b)| (a - multiple * b).abs() <= least).then_some(multiple)
}
