//! Vectors of four for every target: what the target always has on x86-64, arrays elsewhere, which
//! the compiler turns into whatever the target has. Products are rounded before they are added,
//! since a fused multiply-add without hardware is a call of a library.

pub use lanes::{Vector, barrier};
use lanes::{four, from_four};

memory!(4, cfg_attr(target_arch = "x86_64", target_feature(enable = "sse")));

/// Reads the first `from.len()` numbers, at most four; zeros in the other lanes.
#[inline]
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "sse"))]
#[must_use]
pub fn load_head(from: &[f32]) -> Vector {
    let mut whole = [0.0; 4];
    for (to, number) in whole.iter_mut().zip(from) {
        *to = *number;
    }
    from_four(whole)
}

/// Writes the first `to.len()` numbers, at most four.
#[inline]
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "sse"))]
pub fn store_head(vector: Vector, to: &mut [f32]) {
    for (to, number) in to.iter_mut().zip(four(vector)) {
        *to = number;
    }
}

/// As [`store`]: this set has no store past the caches.
#[inline]
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "sse"))]
pub fn stream(vector: Vector, to: &mut [f32; 4]) {
    store(vector, to);
}

/// Nothing: this set leaves it to the processor what to fetch.
#[inline]
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "sse"))]
pub fn prefetch<const VECTORS: usize>(_row: &[f32], _from: usize) {}

/// Nothing, as [`prefetch`].
#[inline(always)]
pub fn prefetch_near<const VECTORS: usize>(_row: &[f32], _from: usize) {}

/// One number in every lane.
#[inline]
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "sse"))]
#[must_use]
pub fn splat(number: f32) -> Vector {
    lanes::splat(number)
}

/// Lane `CHANNEL` of every `GROUP` neighbouring lanes, in all of these.
#[inline]
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "sse"))]
#[must_use]
pub fn spread<const GROUP: i32, const CHANNEL: i32>(vector: Vector) -> Vector {
    const { assert!(GROUP == 2 && CHANNEL < 2, "groups of a vector of four lanes have two") }
    let [a, b, c, d] = four(vector);
    from_four(if CHANNEL == 0 { [a, a, c, c] } else { [b, b, d, d] })
}

/// `a * b + c`, rounded twice.
#[inline]
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "sse"))]
#[must_use]
pub fn mul_add(a: Vector, b: Vector, c: Vector) -> Vector {
    lanes::mul_add(a, b, c)
}

/// `x`, or `floor` where `x` is less; NaN stays NaN.
#[inline]
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "sse"))]
#[must_use]
pub fn max(floor: Vector, x: Vector) -> Vector {
    lanes::max(floor, x)
}

/// `x`, or `ceiling` where `x` is greater; NaN stays NaN.
#[inline]
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "sse"))]
#[must_use]
pub fn min(ceiling: Vector, x: Vector) -> Vector {
    lanes::min(ceiling, x)
}

/// `x` between `floor` and `ceiling`; NaN stays NaN.
#[inline]
#[must_use]
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "sse"))]
pub fn clamp(floor: Vector, ceiling: Vector, x: Vector) -> Vector {
    min(ceiling, max(floor, x))
}

/// `a + b`.
#[inline]
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "sse"))]
#[must_use]
pub fn add(a: Vector, b: Vector) -> Vector {
    lanes::add(a, b)
}

/// `a - b`.
#[inline]
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "sse"))]
#[must_use]
pub fn subtract(a: Vector, b: Vector) -> Vector {
    lanes::subtract(a, b)
}

/// `a * b`.
#[inline]
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "sse"))]
#[must_use]
pub fn multiply(a: Vector, b: Vector) -> Vector {
    lanes::multiply(a, b)
}

/// `x`, or `slope * x` where `x` is less than zero; NaN stays NaN.
#[inline]
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "sse"))]
#[must_use]
pub fn leak(slope: Vector, x: Vector) -> Vector {
    lanes::leak(slope, x)
}

#[cfg(target_arch = "x86_64")]
mod lanes {
    use std::arch::x86_64::{
        __m128, _mm_add_ps, _mm_and_ps, _mm_andnot_ps, _mm_cmplt_ps, _mm_max_ps, _mm_min_ps, _mm_mul_ps,
        _mm_or_ps, _mm_set1_ps, _mm_setzero_ps, _mm_sub_ps,
    };

    /// Four numbers.
    pub type Vector = __m128;

    #[inline]
    #[target_feature(enable = "sse")]
    pub(super) fn from_four(numbers: [f32; 4]) -> Vector {
        // SAFETY: both are four numbers, and every bit pattern is one of each.
        unsafe { std::mem::transmute(numbers) }
    }

    #[inline]
    #[target_feature(enable = "sse")]
    pub(super) fn four(vector: Vector) -> [f32; 4] {
        // SAFETY: as above.
        unsafe { std::mem::transmute(vector) }
    }

    #[inline]
    #[target_feature(enable = "sse")]
    pub(super) fn splat(number: f32) -> Vector {
        _mm_set1_ps(number)
    }

    #[inline]
    #[target_feature(enable = "sse")]
    pub(super) fn mul_add(a: Vector, b: Vector, c: Vector) -> Vector {
        _mm_add_ps(_mm_mul_ps(a, b), c)
    }

    #[inline]
    #[target_feature(enable = "sse")]
    pub(super) fn max(floor: Vector, x: Vector) -> Vector {
        // The instruction returns its second operand where either is NaN.
        _mm_max_ps(floor, x)
    }

    #[inline]
    #[target_feature(enable = "sse")]
    pub(super) fn min(ceiling: Vector, x: Vector) -> Vector {
        // The instruction returns its second operand where either is NaN.
        _mm_min_ps(ceiling, x)
    }

    #[inline]
    #[target_feature(enable = "sse")]
    pub(super) fn add(a: Vector, b: Vector) -> Vector {
        _mm_add_ps(a, b)
    }

    #[inline]
    #[target_feature(enable = "sse")]
    pub(super) fn subtract(a: Vector, b: Vector) -> Vector {
        _mm_sub_ps(a, b)
    }

    #[inline]
    #[target_feature(enable = "sse")]
    pub(super) fn multiply(a: Vector, b: Vector) -> Vector {
        _mm_mul_ps(a, b)
    }

    #[inline]
    #[target_feature(enable = "sse")]
    pub(super) fn leak(slope: Vector, x: Vector) -> Vector {
        let below = _mm_cmplt_ps(x, _mm_setzero_ps());
        _mm_or_ps(_mm_and_ps(below, _mm_mul_ps(slope, x)), _mm_andnot_ps(below, x))
    }

    barrier!(xmm_reg, "/* {0} {1} {2} */", target_feature(enable = "sse"));
}

#[cfg(not(target_arch = "x86_64"))]
mod lanes {
    /// Four numbers.
    pub type Vector = [f32; 4];

    #[inline(always)]
    pub(super) fn from_four(numbers: [f32; 4]) -> Vector {
        numbers
    }

    #[inline(always)]
    pub(super) fn four(vector: Vector) -> [f32; 4] {
        vector
    }

    #[inline(always)]
    pub(super) fn splat(number: f32) -> Vector {
        [number; 4]
    }

    #[inline(always)]
    pub(super) fn mul_add(a: Vector, b: Vector, c: Vector) -> Vector {
        [a[0] * b[0] + c[0], a[1] * b[1] + c[1], a[2] * b[2] + c[2], a[3] * b[3] + c[3]]
    }

    #[inline(always)]
    pub(super) fn max(floor: Vector, x: Vector) -> Vector {
        std::array::from_fn(|lane| if x[lane] < floor[lane] { floor[lane] } else { x[lane] })
    }

    #[inline(always)]
    pub(super) fn min(ceiling: Vector, x: Vector) -> Vector {
        std::array::from_fn(|lane| if x[lane] > ceiling[lane] { ceiling[lane] } else { x[lane] })
    }

    #[inline(always)]
    pub(super) fn add(a: Vector, b: Vector) -> Vector {
        std::array::from_fn(|lane| a[lane] + b[lane])
    }

    #[inline(always)]
    pub(super) fn subtract(a: Vector, b: Vector) -> Vector {
        std::array::from_fn(|lane| a[lane] - b[lane])
    }

    #[inline(always)]
    pub(super) fn multiply(a: Vector, b: Vector) -> Vector {
        std::array::from_fn(|lane| a[lane] * b[lane])
    }

    #[inline(always)]
    pub(super) fn leak(slope: Vector, x: Vector) -> Vector {
        std::array::from_fn(|lane| if x[lane] < 0.0 { slope[lane] * x[lane] } else { x[lane] })
    }

    /// Nothing: no register class is known to hold an array on every target.
    #[inline(always)]
    #[must_use]
    pub fn barrier<'x, 'w, X, W>(window: &'x X, weights: &'w W, sum: Vector) -> (&'x X, &'w W, Vector) {
        (window, weights, sum)
    }
}
