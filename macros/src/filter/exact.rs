//! The fewest products of columns and rows that a filter is a sum of, exactly, by elimination in rationals.
//!
//! `V = C · R` with as many columns in `C` as the rank of `V` is not unique: `C · R = (C · M⁻¹) · (M · R)`.
//! Of all forms one is wanted with many zeros, since those are no work, and many ±1, since those are additions.

use super::number::{Exact, over, plus_times, times, to_f64, whole};
use crate::fold::Factors;

/// The largest rank that is looked for: beyond, a filter of common size is cheaper as it stands.
pub(super) const MOST_TERMS: usize = 3;

/// Integers up to here are an f32.
const MOST_INTEGER: u128 = 1 << 24;

/// How much larger than the largest weight the terms may be that cancel to a weight: f32 loses that much.
const MOST_GROWTH: i128 = 8;

type Vector = Vec<Exact>;

/// `V[a][b] = Σ_t columns[t][a] · rows[t][b]`.
#[derive(Debug, Clone, PartialEq)]
struct Product {
    columns: Vec<Vector>,
    rows: Vec<Vector>,
}

/// The factors of a filter of rank [`MOST_TERMS`] or less, where the rationals of the elimination fit.
/// Columns come out as whole numbers without a common divisor where those are small.
pub(super) fn factors(width: usize, weights: &[Exact]) -> Option<Factors> {
    let best = fewest(width, weights)?;
    let near =
        |vectors: &[Vector]| vectors.iter().map(|vector| vector.iter().map(to_f64).collect()).collect();
    let factors = Factors { columns: near(&best.columns), rows: near(&best.rows) };
    faithful(&factors, width, weights).then_some(factors)
}

/// Whether the factors are the weights in f64 as well: small ones beside large ones may have been lost.
fn faithful(factors: &Factors, width: usize, weights: &[Exact]) -> bool {
    let largest = weights.iter().map(|weight| to_f64(weight).abs()).fold(0.0, f64::max);
    weights.iter().enumerate().all(|(at, weight)| {
        let terms = factors.columns.iter().zip(&factors.rows);
        let sum: f64 = terms.map(|(column, row)| column[at / width] * row[at % width]).sum();
        let wanted = to_f64(weight);
        let scale = if wanted == 0.0 { 1e-3 * largest } else { wanted.abs() };
        (sum - wanted).abs() <= 1e-12 * scale
    })
}

fn fewest(width: usize, weights: &[Exact]) -> Option<Product> {
    let rows: Vec<Vector> = weights.chunks(width).map(<[Exact]>::to_vec).collect();
    let columns: Vec<Vector> =
        (0..width).map(|column| rows.iter().map(|row| row[column]).collect()).collect();
    let down = skeleton(&rows).map(|(columns, rows)| Product { columns, rows });
    let across = skeleton(&columns).map(|(rows, columns)| Product { columns, rows });
    let largest = weights.iter().map(size).max()?;
    let limit = times(largest, Exact::from(MOST_GROWTH))?;
    let forms =
        [down, across].into_iter().flatten().filter_map(|product| simplified(product, limit)?.scaled());
    forms.min_by_key(Product::size)
}

fn zero() -> Exact {
    Exact::from(0)
}

fn is_zero(number: &Exact) -> bool {
    *number.numer() == 0
}

fn size(number: &Exact) -> Exact {
    if *number < zero() { -number } else { *number }
}

fn taps(vector: &[Exact]) -> usize {
    vector.iter().filter(|number| !is_zero(number)).count()
}

/// Weights that are neither 0 nor ±1.
fn products(vector: &[Exact]) -> usize {
    let one = Exact::from(1);
    vector.iter().filter(|number| !is_zero(number) && **number != one && **number != -one).count()
}

/// A row of the echelon form, and what it is in terms of the rows that were picked.
struct Reduced {
    vector: Vector,
    pivot: usize,
    mix: [Exact; MOST_TERMS],
}

/// Rows that the others are sums of, the emptiest and plainest first, and what multiples of them:
/// `(C, R)`, each by terms.
fn skeleton(rows: &[Vector]) -> Option<(Vec<Vector>, Vec<Vector>)> {
    let mut order: Vec<(usize, usize, usize)> = Vec::with_capacity(rows.len());
    for (at, row) in rows.iter().enumerate() {
        let plain = if taps(row) == 0 { row.clone() } else { primitive(row)?.0 };
        order.push((taps(&plain), products(&plain), at));
    }
    order.sort_unstable();
    let mut echelon: Vec<Reduced> = Vec::new();
    let mut picked: Vec<Vector> = Vec::new();
    for (_, _, at) in order {
        let (vector, mix) = reduce(&rows[at], &echelon)?;
        let Some(pivot) = vector.iter().position(|number| !is_zero(number)) else {
            continue;
        };
        if picked.len() == MOST_TERMS {
            return None;
        }
        // What is left is the row less a mix of those before.
        let mut mix = mix.map(|factor| -factor);
        mix[picked.len()] = Exact::from(1);
        picked.push(rows[at].clone());
        echelon.push(Reduced { vector, pivot, mix });
    }
    let mut columns = vec![Vec::with_capacity(rows.len()); picked.len()];
    for row in rows {
        let (_, mix) = reduce(row, &echelon)?;
        for (column, factor) in columns.iter_mut().zip(mix) {
            column.push(factor);
        }
    }
    (!picked.is_empty()).then_some((columns, picked))
}

/// What is left of a row without the rows of the echelon form, and the mix of picked rows taken away.
fn reduce(row: &[Exact], echelon: &[Reduced]) -> Option<(Vector, [Exact; MOST_TERMS])> {
    let mut left = row.to_vec();
    let mut mix = [zero(); MOST_TERMS];
    for reduced in echelon {
        let factor = over(left[reduced.pivot], reduced.vector[reduced.pivot])?;
        left = sum(&left, -factor, &reduced.vector)?;
        for (mixed, part) in mix.iter_mut().zip(reduced.mix) {
            *mixed = plus_times(*mixed, factor, part)?;
        }
    }
    Some((left, mix))
}

/// `vector + factor · other`.
fn sum(vector: &[Exact], factor: Exact, other: &[Exact]) -> Option<Vector> {
    vector.iter().zip(other).map(|(&a, &b)| plus_times(a, factor, b)).collect()
}

/// Takes multiples of terms out of other terms as long as that leaves fewer weights:
/// `C_i R_i + C_j R_j = (C_i + λ C_j) R_i + C_j (R_j − λ R_i)`. Nothing where terms are beyond `limit`.
fn simplified(mut product: Product, limit: Exact) -> Option<Product> {
    loop {
        let most = limit.max(product.largest_term()?);
        let mut moves = Vec::new();
        for (i, j) in pairs(product.rows.len()) {
            moves.extend(product.savings(i, j)?.into_iter().map(|(factor, saved)| (saved, i, j, factor)));
        }
        moves.sort_by_key(|(saved, ..)| std::cmp::Reverse(*saved));
        let mut better = None;
        for (_, i, j, factor) in moves {
            let mut changed = product.clone();
            changed.rows[j] = sum(&product.rows[j], -factor, &product.rows[i])?;
            changed.columns[i] = sum(&product.columns[i], factor, &product.columns[j])?;
            if changed.largest_term()? <= most {
                better = Some(changed);
                break;
            }
        }
        match better {
            Some(better) => product = better,
            None => return (product.largest_term()? <= limit).then_some(product),
        }
    }
}

fn pairs(count: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..count).flat_map(move |i| (0..count).map(move |j| (i, j))).filter(|(i, j)| i != j)
}

impl Product {
    fn taps(&self) -> usize {
        self.columns.iter().chain(&self.rows).map(|vector| taps(vector)).sum()
    }

    /// What is compared: weights that are not zero, then those that are not ±1 either.
    fn size(&self) -> (usize, usize) {
        (self.taps(), self.columns.iter().chain(&self.rows).map(|vector| products(vector)).sum())
    }

    /// The largest that the sum of the sizes of a weight's terms may be: that of the largest of each.
    fn largest_term(&self) -> Option<Exact> {
        self.columns.iter().zip(&self.rows).try_fold(zero(), |sum, (column, row)| {
            plus_times(sum, column.iter().map(size).max()?, row.iter().map(size).max()?)
        })
    }

    /// The λ of [`simplified`] that save weights, and how many, in the order of where they are found.
    fn savings(&self, i: usize, j: usize) -> Option<Vec<(Exact, usize)>> {
        let rows = self.rows[j].iter().zip(&self.rows[i]).map(|(&a, &b)| (a, b));
        let columns = self.columns[i].iter().zip(&self.columns[j]).map(|(&a, &b)| (-a, b));
        let mut found: Vec<(Exact, usize)> = Vec::new();
        let mut lost = 0;
        for (a, b) in rows.chain(columns).filter(|(_, b)| !is_zero(b)) {
            if is_zero(&a) {
                lost += 1;
                continue;
            }
            let factor = over(a, b)?;
            match found.iter_mut().find(|(known, _)| *known == factor) {
                Some((_, count)) => *count += 1,
                None => found.push((factor, 1)),
            }
        }
        let saved = found.into_iter().filter(|(_, count)| *count > lost);
        Some(saved.map(|(factor, count)| (factor, count - lost)).collect())
    }

    /// The same with plain columns, which filters of a bank share where they are equal: what those are scaled
    /// by goes into the rows.
    fn scaled(mut self) -> Option<Product> {
        for (column, row) in self.columns.iter_mut().zip(&mut self.rows) {
            let (plain, scale) = primitive(column)?;
            *row = row.iter().map(|&number| over(number, scale)).collect::<Option<_>>()?;
            *column = plain;
        }
        Some(self)
    }
}

fn multiplied(vector: &[Exact], factor: Exact) -> Option<Vector> {
    vector.iter().map(|&number| times(number, factor)).collect()
}

/// A vector, which is not zero, as whole numbers without a common divisor, or over its largest where those
/// would be beyond what f32 counts to; mostly positive, or at last positive; and what it was multiplied by.
fn primitive(vector: &[Exact]) -> Option<(Vector, Exact)> {
    let (numbers, denominator) = whole(vector)?;
    let nonzero = numbers.iter().filter(|number| **number != 0);
    let largest = numbers.iter().map(|number| number.unsigned_abs()).max()?;
    let divisor = nonzero.clone().fold(0, |divisor, &number| match divisor {
        0 => number.abs(),
        // What a fraction's numerator comes down to tells the common divisor of its parts.
        divisor => number / Exact::new(number, divisor).numer(),
    });
    let divisor = if largest.checked_div(divisor.unsigned_abs())? > MOST_INTEGER {
        i128::try_from(largest).ok()?
    } else {
        divisor
    };
    let total = numbers.iter().try_fold(0i128, |sum, &number| sum.checked_add(number))?;
    let sign = if total == 0 { *nonzero.clone().next_back()? } else { total }.signum();
    let scale = times(Exact::from(sign), Exact::new(denominator, divisor))?;
    Some((multiplied(vector, scale)?, scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whole numbers over a common denominator.
    fn rational(numbers: &[i128], denominator: i128) -> Vec<Exact> {
        numbers.iter().map(|&number| Exact::new(number, denominator)).collect()
    }

    fn known(width: usize, numbers: &[i128], denominator: i128) -> Factors {
        let weights = rational(numbers, denominator);
        let product = fewest(width, &weights).unwrap();
        for (at, &weight) in weights.iter().enumerate() {
            let terms = product.columns.iter().zip(&product.rows);
            let sum = terms.fold(zero(), |sum, (column, row)| sum + column[at / width] * row[at % width]);
            assert_eq!(sum, weight, "{at}");
        }
        factors(width, &weights).unwrap()
    }

    #[test]
    fn sobel_is_a_difference_of_sums() {
        let across = known(3, &[-1, 0, 1, -2, 0, 2, -1, 0, 1], 1);
        assert_eq!(across.columns, [[1.0, 2.0, 1.0]]);
        assert_eq!(across.rows, [[-1.0, 0.0, 1.0]]);
        let down = known(3, &[-1, -2, -1, 0, 0, 0, 1, 2, 1], 1);
        assert_eq!(down.columns, [[-1.0, 0.0, 1.0]]);
        assert_eq!(down.rows, [[1.0, 2.0, 1.0]]);
    }

    #[test]
    fn a_binomial_filter_keeps_its_denominator_in_the_rows() {
        let line = [1, 4, 6, 4, 1];
        let numbers: Vec<i128> = line.iter().flat_map(|a| line.map(|b| a * b)).collect();
        let factors = known(5, &numbers, 256);
        assert_eq!(factors.columns, [[1.0, 4.0, 6.0, 4.0, 1.0]]);
        assert_eq!(factors.rows, [[1.0, 4.0, 6.0, 4.0, 1.0].map(|tap| tap / 256.0)]);
    }

    #[test]
    fn a_laplacian_has_two_terms_of_few_taps() {
        let factors = known(3, &[0, 1, 0, 1, -4, 1, 0, 1, 0], 1);
        assert_eq!(factors.rows.len(), 2);
        let taps = factors.rows.iter().chain(&factors.columns).flatten().filter(|tap| **tap != 0.0).count();
        assert_eq!(taps, 7);
        let diagonal = known(3, &[1, 1, 1, 1, -8, 1, 1, 1, 1], 1);
        let unit = diagonal.columns.iter().position(|column| *column == [0.0, 1.0, 0.0]).unwrap();
        assert_eq!(diagonal.rows[unit], [0.0, -9.0, 0.0]);
        assert_eq!((&diagonal.columns[1 - unit], &diagonal.rows[1 - unit]), (&vec![1.0; 3], &vec![1.0; 3]));
    }

    #[test]
    fn three_terms_are_found_and_four_are_not() {
        // A sum of squares of distances: x² + y² + xy has rank 3 on any grid.
        let numbers: Vec<i128> =
            (-3i128..=3).flat_map(|y| (-4..=4).map(move |x| x * x + y * y + x * y)).collect();
        assert_eq!(known(9, &numbers, 7).rows.len(), 3);
        let unit: Vec<i128> = (0..16).map(|at| i128::from(at % 5 == 0)).collect();
        assert_eq!(factors(4, &rational(&unit, 1)), None);
        assert_eq!(factors(3, &rational(&[0; 9], 1)), None);
    }

    #[test]
    fn terms_do_not_cancel_much() {
        // The rows are a millionth apart: the second is a million times their difference.
        let numbers = [1_000_000, 2_000_000, 1_000_001, 2_000_001, 1_000_000, 2_000_001];
        let product = fewest(2, &rational(&numbers, 1)).unwrap();
        assert!(product.largest_term().unwrap() <= Exact::from(8 * 2_000_001));
    }

    #[test]
    fn rank_one_is_exact_or_it_is_not() {
        let nearly = rational(&[1, 2, 3, 2, 4, 6, 3, 6, 10], 10);
        assert_eq!(factors(3, &nearly).unwrap().rows.len(), 2);
    }

    #[test]
    fn large_whole_numbers_are_scaled_to_one() {
        let column = [1_000_003, 2_000_003, 30_000_001];
        let numbers: Vec<i128> = column.iter().flat_map(|a| [1, 3].map(|b| a * b)).collect();
        let factors = known(2, &numbers, 1);
        assert_eq!(factors.columns[0][2], 1.0);
    }

    #[test]
    fn numbers_beyond_128_bits_are_no_panic() {
        let primes = [1_000_000_007i128, 998_244_353, 1_000_000_009, 999_999_937, 1_000_000_021];
        let numbers: Vec<Exact> = (0..25)
            .map(|at| Exact::new(primes[at % 5] + at as i128, primes[at / 5] * primes[(at * 7) % 5]))
            .collect();
        assert_eq!(factors(5, &numbers), None);
    }

    #[test]
    fn sums_of_random_products_are_found_again() {
        let mut state = 7u64;
        let mut random = |below: i128| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            i128::from(state >> 33) % below
        };
        for case in 0..60usize {
            let terms = case % 3 + 1;
            let (height, width) = (4 + case % 5, 4 + case % 7);
            let vectors = |length: usize, random: &mut dyn FnMut(i128) -> i128| -> Vec<Vec<i128>> {
                (0..terms).map(|_| (0..length).map(|_| random(7) - 3).collect()).collect()
            };
            let (columns, rows) = (vectors(height, &mut random), vectors(width, &mut random));
            let weight = |at: usize| -> i128 {
                columns.iter().zip(&rows).map(|(column, row)| column[at / width] * row[at % width]).sum()
            };
            let numbers: Vec<i128> = (0..height * width).map(weight).collect();
            let found = known(width, &numbers, 1 + random(30));
            assert!(found.rows.len() <= terms, "{numbers:?}");
            let taps = |vectors: &[Vec<i128>]| vectors.iter().flatten().filter(|tap| **tap != 0).count();
            let weights = |vectors: &[Vec<f64>]| vectors.iter().flatten().filter(|tap| **tap != 0.0).count();
            let (wanted, got) =
                (taps(&columns) + taps(&rows), weights(&found.columns) + weights(&found.rows));
            assert!(got <= wanted, "{case}: {got} weights for {wanted}");
        }
    }
}
