//! Passes over rows that no weights change, written plainly: the compiler makes vectors of the loops, once
//! for each instruction set.

use super::program::rounded;

/// Bytes as numbers.
#[inline(always)]
pub(super) fn widen(from: &[u8], to: &mut [f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = f32::from(*from);
    }
}

/// Numbers as bytes: rounded to the nearest, ties to even; what is less than 0 or NaN as 0, what is more
/// than 255 as 255.
#[inline(always)]
pub(super) fn narrow(from: &[f32], to: &mut [u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = rounded(*from);
    }
}

/// Adds a row.
#[inline(always)]
pub(super) fn accumulate(row: &[f32], sums: &mut [f32]) {
    for (sum, number) in sums.iter_mut().zip(row) {
        *sum += number;
    }
}

/// Adds a row and takes another away.
#[inline(always)]
pub(super) fn slide(new: &[f32], old: &[f32], sums: &mut [f32]) {
    for ((sum, new), old) in sums.iter_mut().zip(new).zip(old) {
        *sum += new - old;
    }
}

/// Sums of two rows.
#[inline(always)]
pub(super) fn add(a: &[f32], b: &[f32], to: &mut [f32]) {
    for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
        *to = a + b;
    }
}

/// Products with a number.
#[inline(always)]
pub(super) fn scale(factor: f32, from: &[f32], to: &mut [f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = factor * from;
    }
}

/// Adds a row of bytes, modulo 2¹⁶.
#[inline(always)]
pub(super) fn accumulate_bytes(row: &[u8], sums: &mut [u16]) {
    for (sum, byte) in sums.iter_mut().zip(row) {
        *sum = sum.wrapping_add(u16::from(*byte));
    }
}

/// Adds a row of bytes and takes another away, modulo 2¹⁶.
#[inline(always)]
pub(super) fn slide_bytes(new: &[u8], old: &[u8], sums: &mut [u16]) {
    for ((sum, new), old) in sums.iter_mut().zip(new).zip(old) {
        *sum = sum.wrapping_add(u16::from(*new)).wrapping_sub(u16::from(*old));
    }
}

/// Sums of two rows of sums of bytes, modulo 2¹⁶.
#[inline(always)]
pub(super) fn add_sums(a: &[u16], b: &[u16], to: &mut [u16]) {
    for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
        *to = a.wrapping_add(*b);
    }
}

/// Length and direction in the place of vectors: `√(x² + y²)`, and the angle from the x axis in radians,
/// from −π to π, within 3e-7 of it.
#[inline(always)]
pub(super) fn polar(x: &mut [f32], y: &mut [f32]) {
    for (x, y) in x.iter_mut().zip(y) {
        (*x, *y) = ((*x * *x + *y * *y).sqrt(), atan2(*y, *x));
    }
}

/// The angle of a vector, without branches.
#[inline(always)]
fn atan2(y: f32, x: f32) -> f32 {
    use std::f32::consts::{FRAC_PI_2, PI};
    let (across, up) = (x.abs(), y.abs());
    let (small, large) = (across.min(up), across.max(up));
    // 0 and 0 have no direction: 0 by convention, as in `f32::atan2`.
    let ratio = if large == 0.0 { 0.0 } else { small / large };
    let square = ratio * ratio;
    // The minimax polynomial of atan(r)/r in r² on [0, 1] (Abramowitz and Stegun, 4.4.49).
    let mut sum = 0.002_866_225_7_f32;
    for coefficient in [
        -0.016_165_737,
        0.042_909_615,
        -0.075_289_64,
        0.106_562_64,
        -0.142_089,
        0.199_935_5,
        -0.333_331_46,
        1.0,
    ] {
        sum = sum * square + coefficient;
    }
    let mut angle = sum * ratio;
    angle = if up > across { FRAC_PI_2 - angle } else { angle };
    angle = if x.is_sign_negative() { PI - angle } else { angle };
    angle = if y.is_sign_negative() { -angle } else { angle };
    // The comparisons above lose NaN.
    if x.is_nan() || y.is_nan() { f32::NAN } else { angle }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_are_those_of_the_standard_library() {
        let numbers = [-1e9, -3.0, -1.0, -0.2, -1e-30, -0.0, 0.0, 1e-30, 0.3, 1.0, 2.5, 7e8];
        for y in numbers {
            for x in numbers {
                let (found, wanted) = (atan2(y, x), y.atan2(x));
                assert!((found - wanted).abs() <= 3e-7, "{y} {x}: {found}, wanted {wanted}");
            }
        }
        for turn in 0..10_000 {
            let (y, x) = (turn as f32 * 6.3e-4 - 3.1).sin_cos();
            assert!((atan2(y, x) - y.atan2(x)).abs() <= 3e-7, "{y} {x}");
        }
        assert!(atan2(f32::NAN, 1.0).is_nan() && atan2(1.0, f32::NAN).is_nan());
    }

    #[test]
    fn bytes_are_the_nearest_even() {
        let numbers =
            [-3.0, -0.5, 0.5, 1.5, 2.5, 2.51, 254.5, 255.4, 300.0, f32::NAN, f32::INFINITY, 0.49999997];
        let mut bytes = [9; 12];
        narrow(&numbers, &mut bytes);
        assert_eq!(bytes, [0, 0, 0, 2, 2, 3, 254, 255, 255, 0, 255, 0]);
    }
}
