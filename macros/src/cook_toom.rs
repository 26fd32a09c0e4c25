//! The transforms of Winograd's convolution, by the construction of Cook and Toom, in exact rationals.
//!
//! `F(m, r)` computes m outputs of a filter of r taps by α = m + r − 1 products:
//! `y = Aᵀ[(G g) ⊙ (Bᵀ d)]` for α inputs `d` and taps `g`. A polynomial is evaluated at α − 1 points and
//! at infinity; which points is a choice that decides how much rounding errors grow, and nothing else
//! (Lavin and Gray, "Fast algorithms for convolutional neural networks", 2016; Barabasz et al., "Error
//! analysis and improving the accuracy of Winograd convolution", 2020).

use num_rational::Ratio;

/// A rational number.
pub(crate) type Rational = Ratio<i64>;

/// A matrix, by rows.
pub(crate) type Matrix = Vec<Vec<Rational>>;

/// One algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Algorithm {
    /// Outputs, m.
    pub(crate) outputs: usize,
    /// Taps of the filter, r.
    pub(crate) taps: usize,
    /// The points beside infinity, as numerators and denominators; α − 1 of them.
    pub(crate) points: &'static [(i64, i64)],
}

/// Every algorithm that kernels are generated for: a new one is a line here. The points of four and six
/// products have the least growth of errors among small fractions, and so have those of eight.
pub(crate) const ALGORITHMS: &[Algorithm] = &[
    Algorithm { outputs: 1, taps: 1, points: NONE },
    Algorithm { outputs: 2, taps: 3, points: THREE },
    Algorithm { outputs: 4, taps: 3, points: FIVE },
    Algorithm { outputs: 6, taps: 3, points: SEVEN },
    Algorithm { outputs: 2, taps: 5, points: FIVE },
    Algorithm { outputs: 4, taps: 5, points: SEVEN },
    Algorithm { outputs: 2, taps: 7, points: SEVEN },
];

const NONE: &[(i64, i64)] = &[];
const THREE: &[(i64, i64)] = &[(0, 1), (1, 1), (-1, 1)];
const FIVE: &[(i64, i64)] = &[(0, 1), (2, 3), (-2, 3), (3, 2), (-3, 2)];
const SEVEN: &[(i64, i64)] = &[(0, 1), (1, 1), (-1, 1), (1, 2), (-1, 2), (2, 1), (-2, 1)];

/// The matrices of an algorithm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Matrices {
    /// `Bᵀ`, `[α, α]`: what inputs are multiplied by.
    pub(crate) input: Matrix,
    /// `G`, `[α, r]`: what taps are multiplied by.
    pub(crate) filter: Matrix,
    /// `Aᵀ`, `[m, α]`: what products are multiplied by.
    pub(crate) output: Matrix,
}

impl Algorithm {
    /// Products, α.
    pub(crate) fn products(&self) -> usize {
        self.outputs + self.taps - 1
    }

    fn points(&self) -> Vec<Rational> {
        self.points.iter().map(|&(numerator, denominator)| Ratio::new(numerator, denominator)).collect()
    }

    /// Its matrices. Row k of `Bᵀ` has the coefficients of `Π (x − p_l)` over the other points, without
    /// a factor of its own, so that its highest one is 1; row k of `G` has the powers of `p_k` over what
    /// that polynomial is at `p_k`; infinity takes the highest powers.
    pub(crate) fn matrices(&self) -> Matrices {
        let points = self.points();
        let products = self.products();
        let zero = Rational::from(0);
        let powers = |point: Rational, count: usize| -> Vec<Rational> {
            std::iter::successors(Some(Rational::from(1)), |power| Some(power * point)).take(count).collect()
        };
        let padded = |mut row: Vec<Rational>| {
            row.resize(products, zero);
            row
        };
        let others = |k: usize| {
            let others = points.iter().enumerate().filter(move |&(l, _)| l != k);
            others.map(|(_, &point)| point)
        };
        let mut input: Matrix = (0..points.len()).map(|k| padded(polynomial(others(k)))).collect();
        input.push(padded(polynomial(points.iter().copied())));
        let mut filter: Matrix = points
            .iter()
            .enumerate()
            .map(|(k, &point)| {
                let scale = others(k).fold(Rational::from(1), |product, other| product * (point - other));
                powers(point, self.taps).into_iter().map(|power| power / scale).collect()
            })
            .collect();
        let last = |length: usize| -> Vec<Rational> {
            (0..length).map(|at| Rational::from(i64::from(at + 1 == length))).collect()
        };
        filter.push(last(self.taps));
        let columns: Vec<Vec<Rational>> = points
            .iter()
            .map(|&point| powers(point, self.outputs))
            .chain(std::iter::once(last(self.outputs)))
            .collect();
        let output =
            (0..self.outputs).map(|row| columns.iter().map(|column| column[row]).collect()).collect();
        Matrices { input, filter, output }
    }

    /// By how much errors grow on numbers that are like noise: the root of the mean square of the terms
    /// that are summed for an output over that of the output itself. 1 for the direct sum.
    pub(crate) fn amplification(&self) -> f64 {
        let Matrices { input, filter, output } = self.matrices();
        let square = |row: &[Rational]| row.iter().fold(Rational::from(0), |sum, x| sum + x * x);
        let terms = output.iter().map(|row| {
            let term = |(k, factor): (usize, &Rational)| {
                to_f64(&(factor * factor)) * to_f64(&square(&filter[k])) * to_f64(&square(&input[k]))
            };
            row.iter().enumerate().map(term).sum::<f64>() / self.taps as f64
        });
        terms.fold(0.0, f64::max).sqrt()
    }

    /// By how much errors grow at most: the largest that the sum of the terms' sizes can be for an output,
    /// where inputs are at most 1 and the taps of a filter 1 each. As many as the taps for the direct sum.
    pub(crate) fn worst(&self) -> Rational {
        let Matrices { input, filter, output } = self.matrices();
        let sizes = |row: &[Rational]| row.iter().fold(Rational::from(0), |sum, x| sum + size(x));
        let zero = Rational::from(0);
        let terms = output.iter().map(|row| {
            row.iter()
                .enumerate()
                .fold(zero, |sum, (k, factor)| sum + size(factor) * sizes(&filter[k]) * sizes(&input[k]))
        });
        terms.fold(zero, |most, terms| if terms > most { terms } else { most })
    }
}

/// The coefficients of `Π (x − p)`, the constant first.
fn polynomial(points: impl Iterator<Item = Rational>) -> Vec<Rational> {
    points.fold(vec![Rational::from(1)], |factors, point| {
        let zero = Rational::from(0);
        let higher = std::iter::once(&zero).chain(&factors);
        let lower = factors.iter().chain(std::iter::once(&zero));
        higher.zip(lower).map(|(higher, lower)| higher - lower * point).collect()
    })
}

fn size(number: &Rational) -> Rational {
    if *number < Rational::from(0) { -number } else { *number }
}

/// The nearest f64.
pub(crate) fn to_f64(number: &Rational) -> f64 {
    *number.numer() as f64 / *number.denom() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_is_the_correlation_exactly() {
        for algorithm in ALGORITHMS {
            let Matrices { input, filter, output } = algorithm.matrices();
            let (m, r) = (algorithm.outputs, algorithm.taps);
            assert_eq!(input.len(), m + r - 1);
            // The sum is linear in either: it is right where it is right on unit vectors.
            let units = (0..r).flat_map(|tap| (0..m + r - 1).map(move |at| (tap, at)));
            for (tap, at) in units {
                for (row, factors) in output.iter().enumerate() {
                    let terms = factors.iter().zip(&filter).zip(&input);
                    let sum = terms.fold(Rational::from(0), |sum, ((factor, filter), input)| {
                        sum + factor * filter[tap] * input[at]
                    });
                    assert_eq!(sum, Rational::from(i64::from(row + tap == at)), "{algorithm:?}");
                }
            }
        }
    }

    #[test]
    fn points_are_better_than_the_classic_ones() {
        let classic = Algorithm { outputs: 4, taps: 3, points: &[(0, 1), (1, 1), (-1, 1), (2, 1), (-2, 1)] };
        let ours = ALGORITHMS.iter().find(|algorithm| (algorithm.outputs, algorithm.taps) == (4, 3)).unwrap();
        assert!(ours.amplification() < 0.5 * classic.amplification());
        assert!(ours.worst() < classic.worst());
    }

    #[test]
    fn no_amplification_is_below_that_of_the_sum_itself() {
        for algorithm in ALGORITHMS {
            assert!(algorithm.amplification() >= 1.0, "{algorithm:?}");
            assert!(to_f64(&algorithm.worst()) >= algorithm.taps as f64, "{algorithm:?}");
        }
    }
}
