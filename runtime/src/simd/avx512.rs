//! 512-bit vectors of sixteen.

use std::arch::x86_64::{
    __m512, _MM_HINT_T1, _mm_prefetch, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_mask_storeu_ps,
    _mm512_max_ps, _mm512_set1_ps, _mm512_storeu_ps, _mm512_stream_ps,
};

/// Sixteen numbers.
pub type Vector = __m512;

/// Reads sixteen numbers.
#[inline]
#[must_use]
#[target_feature(enable = "avx512f")]
pub fn load(from: &[f32; 16]) -> Vector {
    // SAFETY: `from` is sixteen numbers, and the load needs no alignment.
    unsafe { _mm512_loadu_ps(from.as_ptr()) }
}

/// Writes sixteen numbers.
#[inline]
#[target_feature(enable = "avx512f")]
pub fn store(vector: Vector, to: &mut [f32; 16]) {
    // SAFETY: `to` is sixteen numbers, and the store needs no alignment.
    unsafe { _mm512_storeu_ps(to.as_mut_ptr(), vector) }
}

/// Writes the first `to.len()` numbers, at most sixteen.
#[inline]
#[target_feature(enable = "avx512f")]
pub fn store_head(vector: Vector, to: &mut [f32]) {
    let mask = ((1u32 << to.len().min(16)) - 1) as u16;
    // SAFETY: the mask has a bit for each number of `to` and none beyond it.
    unsafe { _mm512_mask_storeu_ps(to.as_mut_ptr(), mask, vector) }
}

/// Writes sixteen numbers past the caches, where they lie on a boundary of 64 bytes; as [`store`] else.
#[inline]
#[target_feature(enable = "avx512f")]
pub fn stream(vector: Vector, to: &mut [f32; 16]) {
    let to = to.as_mut_ptr();
    if to.addr() % 64 == 0 {
        // SAFETY: `to` is sixteen numbers, and lies as the store needs it.
        unsafe { _mm512_stream_ps(to, vector) }
    } else {
        // SAFETY: `to` is sixteen numbers, and the store needs no alignment.
        unsafe { _mm512_storeu_ps(to, vector) }
    }
}

/// Asks for the lines of `VECTORS` vectors of a row, from `from` on, ahead of their use.
#[inline]
#[target_feature(enable = "avx512f")]
pub fn prefetch<const VECTORS: usize>(row: &[f32], from: usize) {
    for vector in 0..VECTORS {
        let at = row.as_ptr().wrapping_add(from + vector * 16);
        _mm_prefetch::<_MM_HINT_T1>(at.cast());
    }
}

/// One number in every lane.
#[inline]
#[must_use]
#[target_feature(enable = "avx512f")]
pub fn splat(number: f32) -> Vector {
    _mm512_set1_ps(number)
}

/// `a * b + c`, rounded once.
#[inline]
#[must_use]
#[target_feature(enable = "avx512f")]
pub fn mul_add(a: Vector, b: Vector, c: Vector) -> Vector {
    _mm512_fmadd_ps(a, b, c)
}

/// `x`, or `floor` where `x` is less; NaN stays NaN.
#[inline]
#[must_use]
#[target_feature(enable = "avx512f")]
pub fn max(floor: Vector, x: Vector) -> Vector {
    // The instruction returns its second operand where either is NaN.
    _mm512_max_ps(floor, x)
}

barrier!(zmm_reg, "/* {0} {1} {2} */", "avx512f");
