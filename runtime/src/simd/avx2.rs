//! 256-bit vectors of eight.

use std::arch::x86_64::{
    __m256, __m256i, _CMP_LT_OQ, _MM_HINT_T0, _MM_HINT_T1, _mm_prefetch, _mm256_add_ps, _mm256_blendv_ps,
    _mm256_cmp_ps, _mm256_fmadd_ps, _mm256_loadu_si256, _mm256_maskload_ps, _mm256_maskstore_ps,
    _mm256_max_ps, _mm256_min_ps, _mm256_mul_ps, _mm256_permute_ps, _mm256_set1_ps, _mm256_setzero_ps,
    _mm256_storeu_ps, _mm256_stream_ps, _mm256_sub_ps,
};

/// Eight numbers.
pub type Vector = __m256;

memory!(8, target_feature(enable = "fma"));

/// A mask of the first `length` lanes, at most eight.
#[inline]
#[target_feature(enable = "fma")]
fn head(length: usize) -> __m256i {
    const LANES: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
    // SAFETY: eight of sixteen numbers, from the first or one of the eight after it on; the load needs no alignment.
    unsafe { _mm256_loadu_si256(LANES.as_ptr().wrapping_add(8 - length.min(8)).cast()) }
}

/// Reads the first `from.len()` numbers, at most eight; zeros in the other lanes.
#[inline]
#[must_use]
#[target_feature(enable = "fma")]
pub fn load_head(from: &[f32]) -> Vector {
    // SAFETY: the mask is set for the lanes that fall into `from` and for none beyond it; lanes that
    // are not set are not read.
    unsafe { _mm256_maskload_ps(from.as_ptr(), head(from.len())) }
}

/// Writes the first `to.len()` numbers, at most eight.
#[inline]
#[target_feature(enable = "fma")]
pub fn store_head(vector: Vector, to: &mut [f32]) {
    // SAFETY: the mask is set for the lanes that fall into `to` and for none beyond it; lanes that
    // are not set are not touched.
    unsafe { _mm256_maskstore_ps(to.as_mut_ptr(), head(to.len()), vector) }
}

/// Writes eight numbers past the caches, where they lie on a boundary of 32 bytes; as [`store`] else.
#[inline]
#[target_feature(enable = "fma")]
pub fn stream(vector: Vector, to: &mut [f32; 8]) {
    let to = to.as_mut_ptr();
    if to.addr().is_multiple_of(32) {
        // SAFETY: `to` is eight numbers, and lies as the store needs it.
        unsafe { _mm256_stream_ps(to, vector) }
    } else {
        // SAFETY: `to` is eight numbers, and the store needs no alignment.
        unsafe { _mm256_storeu_ps(to, vector) }
    }
}

/// Asks for the lines of `VECTORS` vectors of a row, from `from` on, ahead of their use.
#[inline]
#[target_feature(enable = "fma")]
pub fn prefetch<const VECTORS: usize>(row: &[f32], from: usize) {
    for vector in 0..VECTORS {
        let at = row.as_ptr().wrapping_add(from + vector * 8);
        _mm_prefetch::<_MM_HINT_T1>(at.cast());
    }
}

/// As [`prefetch`], into the nearest cache, for what is read soon.
#[inline]
#[target_feature(enable = "fma")]
pub fn prefetch_near<const VECTORS: usize>(row: &[f32], from: usize) {
    for vector in 0..VECTORS {
        let at = row.as_ptr().wrapping_add(from + vector * 8);
        _mm_prefetch::<_MM_HINT_T0>(at.cast());
    }
}

/// One number in every lane.
#[inline]
#[must_use]
#[target_feature(enable = "fma")]
pub fn splat(number: f32) -> Vector {
    _mm256_set1_ps(number)
}

/// Lane `CHANNEL` of every `GROUP` neighbouring lanes, in all of these.
#[inline]
#[must_use]
#[target_feature(enable = "fma")]
pub fn spread<const GROUP: i32, const CHANNEL: i32>(vector: Vector) -> Vector {
    const { assert!(GROUP == 2 || GROUP == 4, "groups of a vector of eight lanes have two or four") }
    // Within halves of the vector, each of which has whole groups.
    match (GROUP, CHANNEL) {
        (2, 0) => _mm256_permute_ps::<0b10_10_00_00>(vector),
        (2, _) => _mm256_permute_ps::<0b11_11_01_01>(vector),
        (_, 0) => _mm256_permute_ps::<0b00_00_00_00>(vector),
        (_, 1) => _mm256_permute_ps::<0b01_01_01_01>(vector),
        (_, 2) => _mm256_permute_ps::<0b10_10_10_10>(vector),
        _ => _mm256_permute_ps::<0b11_11_11_11>(vector),
    }
}

/// `a * b + c`, rounded once.
#[inline]
#[must_use]
#[target_feature(enable = "fma")]
pub fn mul_add(a: Vector, b: Vector, c: Vector) -> Vector {
    _mm256_fmadd_ps(a, b, c)
}

/// `x`, or `floor` where `x` is less; NaN stays NaN.
#[inline]
#[must_use]
#[target_feature(enable = "fma")]
pub fn max(floor: Vector, x: Vector) -> Vector {
    // The instruction returns its second operand where either is NaN.
    _mm256_max_ps(floor, x)
}

/// `x`, or `ceiling` where `x` is greater; NaN stays NaN.
#[inline]
#[must_use]
#[target_feature(enable = "fma")]
pub fn min(ceiling: Vector, x: Vector) -> Vector {
    // The instruction returns its second operand where either is NaN.
    _mm256_min_ps(ceiling, x)
}

/// `x` between `floor` and `ceiling`; NaN stays NaN.
#[inline]
#[must_use]
#[target_feature(enable = "fma")]
pub fn clamp(floor: Vector, ceiling: Vector, x: Vector) -> Vector {
    min(ceiling, max(floor, x))
}

/// `a + b`.
#[inline]
#[must_use]
#[target_feature(enable = "fma")]
pub fn add(a: Vector, b: Vector) -> Vector {
    _mm256_add_ps(a, b)
}

/// `a - b`.
#[inline]
#[must_use]
#[target_feature(enable = "fma")]
pub fn subtract(a: Vector, b: Vector) -> Vector {
    _mm256_sub_ps(a, b)
}

/// `a * b`.
#[inline]
#[must_use]
#[target_feature(enable = "fma")]
pub fn multiply(a: Vector, b: Vector) -> Vector {
    _mm256_mul_ps(a, b)
}

/// `x`, or `slope * x` where `x` is less than zero; NaN stays NaN.
#[inline]
#[must_use]
#[target_feature(enable = "fma")]
pub fn leak(slope: Vector, x: Vector) -> Vector {
    let below = _mm256_cmp_ps::<_CMP_LT_OQ>(x, _mm256_setzero_ps());
    _mm256_blendv_ps(x, _mm256_mul_ps(x, slope), below)
}

barrier!(ymm_reg, "/* {0} {1} {2} */", target_feature(enable = "fma"));
