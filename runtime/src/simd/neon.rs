//! 128-bit vectors of four.

use std::arch::aarch64::{
    float32x4_t, vaddq_f32, vbslq_f32, vcltzq_f32, vdupq_n_f32, vfmaq_f32, vmaxq_f32, vminq_f32, vmulq_f32,
    vsubq_f32, vtrn1q_f32, vtrn2q_f32,
};

/// Four numbers.
pub type Vector = float32x4_t;

memory!(4, target_feature(enable = "neon"));

/// Reads the first `from.len()` numbers, at most four; zeros in the other lanes.
#[inline]
#[must_use]
#[target_feature(enable = "neon")]
pub fn load_head(from: &[f32]) -> Vector {
    let mut whole = [0.0; 4];
    for (to, number) in whole.iter_mut().zip(from) {
        *to = *number;
    }
    load(&whole)
}

/// Writes the first `to.len()` numbers, at most four.
#[inline]
#[target_feature(enable = "neon")]
pub fn store_head(vector: Vector, to: &mut [f32]) {
    let mut whole = [0.0; 4];
    store(vector, &mut whole);
    for (to, number) in to.iter_mut().zip(whole) {
        *to = number;
    }
}

/// As [`store`]: this set has no store past the caches.
#[inline]
#[target_feature(enable = "neon")]
pub fn stream(vector: Vector, to: &mut [f32; 4]) {
    store(vector, to);
}

/// Nothing: this set leaves it to the processor what to fetch.
#[inline]
#[target_feature(enable = "neon")]
pub fn prefetch<const VECTORS: usize>(_row: &[f32], _from: usize) {}

/// Nothing, as [`prefetch`].
#[inline]
#[target_feature(enable = "neon")]
pub fn prefetch_near<const VECTORS: usize>(_row: &[f32], _from: usize) {}

/// One number in every lane.
#[inline]
#[must_use]
#[target_feature(enable = "neon")]
pub fn splat(number: f32) -> Vector {
    vdupq_n_f32(number)
}

/// Lane `CHANNEL` of every `GROUP` neighbouring lanes, in all of these. Groups are of two: a group
/// of four is a vector of its own.
#[inline]
#[must_use]
#[target_feature(enable = "neon")]
pub fn spread<const GROUP: i32, const CHANNEL: i32>(vector: Vector) -> Vector {
    const { assert!(GROUP == 2 && CHANNEL < 2, "groups of a vector of four lanes have two") }
    if CHANNEL == 0 { vtrn1q_f32(vector, vector) } else { vtrn2q_f32(vector, vector) }
}

/// `a * b + c`, rounded once.
#[inline]
#[must_use]
#[target_feature(enable = "neon")]
pub fn mul_add(a: Vector, b: Vector, c: Vector) -> Vector {
    vfmaq_f32(c, a, b)
}

/// `x`, or `floor` where `x` is less; NaN stays NaN.
#[inline]
#[must_use]
#[target_feature(enable = "neon")]
pub fn max(floor: Vector, x: Vector) -> Vector {
    vmaxq_f32(floor, x)
}

/// `x`, or `ceiling` where `x` is greater; NaN stays NaN.
#[inline]
#[must_use]
#[target_feature(enable = "neon")]
pub fn min(ceiling: Vector, x: Vector) -> Vector {
    vminq_f32(ceiling, x)
}

/// `x` between `floor` and `ceiling`; NaN stays NaN.
#[inline]
#[must_use]
#[target_feature(enable = "neon")]
pub fn clamp(floor: Vector, ceiling: Vector, x: Vector) -> Vector {
    min(ceiling, max(floor, x))
}

/// `a + b`.
#[inline]
#[must_use]
#[target_feature(enable = "neon")]
pub fn add(a: Vector, b: Vector) -> Vector {
    vaddq_f32(a, b)
}

/// `a - b`.
#[inline]
#[must_use]
#[target_feature(enable = "neon")]
pub fn subtract(a: Vector, b: Vector) -> Vector {
    vsubq_f32(a, b)
}

/// `a * b`.
#[inline]
#[must_use]
#[target_feature(enable = "neon")]
pub fn multiply(a: Vector, b: Vector) -> Vector {
    vmulq_f32(a, b)
}

/// `x`, or `slope * x` where `x` is less than zero; NaN stays NaN.
#[inline]
#[must_use]
#[target_feature(enable = "neon")]
pub fn leak(slope: Vector, x: Vector) -> Vector {
    vbslq_f32(vcltzq_f32(x), vmulq_f32(x, slope), x)
}

barrier!(vreg, "/* {0} {1} {2:q} */", target_feature(enable = "neon"));
