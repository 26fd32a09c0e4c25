//! Numbers that are rational as long as they fit, and near beside.

use std::ops::{Add, Div, Mul, Neg, Sub};

use num_rational::Ratio;
use num_traits::{CheckedAdd, CheckedDiv, CheckedMul, CheckedSub};

/// A rational number.
pub(super) type Exact = Ratio<i128>;

/// A number, and what it is exactly where that is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Number {
    /// As a rational, where it is one whose numerator and denominator fit.
    pub(super) exact: Option<Exact>,
    /// The nearest f64 of it, or of what was computed in f64.
    pub(super) near: f64,
}

impl Number {
    pub(super) const ZERO: Number = Number { exact: Some(Exact::new_raw(0, 1)), near: 0.0 };
    pub(super) const ONE: Number = Number { exact: Some(Exact::new_raw(1, 1)), near: 1.0 };

    pub(super) fn integer(value: i32) -> Number {
        Number { exact: Some(Exact::from(i128::from(value))), near: f64::from(value) }
    }

    pub(super) fn rational(exact: Exact) -> Number {
        Number { exact: Some(exact), near: to_f64(&exact) }
    }

    /// A number of which only the f64 is known.
    pub(super) fn near(near: f64) -> Number {
        Number { exact: None, near }
    }

    pub(super) fn is_zero(&self) -> bool {
        match &self.exact {
            Some(exact) => *exact.numer() == 0,
            None => self.near == 0.0,
        }
    }

    /// The result of an operation in rationals where both sides are known, else in f64.
    fn computed(self, other: Number, exactly: impl Fn(Exact, Exact) -> Option<Exact>, near: f64) -> Number {
        match self.exact.zip(other.exact).and_then(|(a, b)| exactly(a, b)) {
            Some(exact) => Number::rational(exact),
            None => Number::near(near),
        }
    }
}

impl Add for Number {
    type Output = Number;
    fn add(self, other: Number) -> Number {
        self.computed(other, |a, b| fitting(a.checked_add(&b)), self.near + other.near)
    }
}

impl Sub for Number {
    type Output = Number;
    fn sub(self, other: Number) -> Number {
        self.computed(other, |a, b| fitting(a.checked_sub(&b)), self.near - other.near)
    }
}

impl Mul for Number {
    type Output = Number;
    fn mul(self, other: Number) -> Number {
        self.computed(other, times, self.near * other.near)
    }
}

impl Div for Number {
    type Output = Number;
    /// Infinite or NaN where the divisor is zero: see to it before.
    fn div(self, other: Number) -> Number {
        self.computed(other, over, self.near / other.near)
    }
}

impl Neg for Number {
    type Output = Number;
    fn neg(self) -> Number {
        Number { exact: self.exact.map(|exact| -exact), near: -self.near }
    }
}

/// `a · b`, where it fits.
pub(super) fn times(a: Exact, b: Exact) -> Option<Exact> {
    fitting(a.checked_mul(&b))
}

/// `a / b`, where it fits and `b` is not zero.
pub(super) fn over(a: Exact, b: Exact) -> Option<Exact> {
    fitting(a.checked_div(&b))
}

/// `a + b · c`, where it fits.
pub(super) fn plus_times(a: Exact, b: Exact, c: Exact) -> Option<Exact> {
    fitting(a.checked_add(&times(b, c)?))
}

/// Rationals as whole numbers over their common denominator, where those fit.
pub(super) fn whole(numbers: &[Exact]) -> Option<(Vec<i128>, i128)> {
    let mut common = 1i128;
    for number in numbers {
        // What a fraction's denominator comes down to tells the common divisor of its parts.
        common = common.checked_mul(*Exact::new(common, *number.denom()).denom())?;
    }
    let numbers = numbers.iter().map(|number| {
        number.numer().checked_mul(&(common / number.denom())).filter(|number| *number != i128::MIN)
    });
    Some((numbers.collect::<Option<_>>()?, common))
}

/// The smallest `i128` has no negative, which every operation here relies on.
fn fitting(number: Option<Exact>) -> Option<Exact> {
    number.filter(|number| *number.numer() != i128::MIN)
}

/// The f64 of a rational: the nearest one where both parts are below 2^53, else within two units of it.
pub(super) fn to_f64(number: &Exact) -> f64 {
    *number.numer() as f64 / *number.denom() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_is_exact_as_long_as_it_fits() {
        let third = Number::ONE / Number::integer(3);
        assert_eq!(third + third + third, Number::ONE);
        assert_eq!((third - third).exact, Number::ZERO.exact);
        assert_eq!((-third * Number::integer(-6)).near, 2.0);
    }

    #[test]
    fn beyond_128_bits_the_f64_goes_on() {
        let large = (0..100).fold(Number::ONE, |product, _| product * Number::integer(1000));
        assert_eq!(large.exact, None);
        assert!((large.near / 1e300 - 1.0).abs() < 1e-12);
        let small = Number::ONE / large;
        assert!(!small.is_zero() && small.exact.is_none());
    }

    #[test]
    fn the_smallest_integer_does_not_get_in() {
        let power = |n: u32| Number { exact: Some(Exact::from(1i128 << n)), near: 2f64.powi(n as i32) };
        assert_eq!((-power(100) * power(27)).exact, None);
        assert!((-power(100) * power(26)).exact.is_some());
    }
}
