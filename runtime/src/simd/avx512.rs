//! 512-bit vectors of sixteen.

use std::arch::x86_64::{
    __m512, _CMP_LT_OQ, _MM_HINT_T0, _MM_HINT_T1, _mm_prefetch, _mm512_add_ps, _mm512_cmp_ps_mask,
    _mm512_fmadd_ps, _mm512_mask_mul_ps, _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_max_ps,
    _mm512_min_ps, _mm512_mul_ps, _mm512_permute_ps, _mm512_permutexvar_ps, _mm512_set1_ps,
    _mm512_setr_epi32, _mm512_setzero_ps, _mm512_storeu_ps, _mm512_stream_ps, _mm512_sub_ps,
};

/// Sixteen numbers.
pub type Vector = __m512;

memory!(16, target_feature(enable = "avx512f"));

/// Reads the first `from.len()` numbers, at most sixteen; zeros in the other lanes.
#[inline]
#[must_use]
#[target_feature(enable = "avx512f")]
pub fn load_head(from: &[f32]) -> Vector {
    let mask = ((1u32 << from.len().min(16)) - 1) as u16;
    // SAFETY: the mask has a bit for each number of `from` and none beyond it.
    unsafe { _mm512_maskz_loadu_ps(mask, from.as_ptr()) }
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
    if to.addr().is_multiple_of(64) {
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

/// As [`prefetch`], into the nearest cache, for what is read soon.
#[inline]
#[target_feature(enable = "avx512f")]
pub fn prefetch_near<const VECTORS: usize>(row: &[f32], from: usize) {
    for vector in 0..VECTORS {
        let at = row.as_ptr().wrapping_add(from + vector * 16);
        _mm_prefetch::<_MM_HINT_T0>(at.cast());
    }
}

/// Sixteen numbers from number `BY` on of two vectors side by side. The compiler would take the shift of integers for a
/// permutation of numbers, which needs a register for its places.
#[inline]
#[must_use]
#[target_feature(enable = "avx512f")]
pub fn shifted<const BY: i32>(low: Vector, high: Vector) -> Vector {
    const { assert!(0 <= BY && BY < 16) };
    let shifted;
    // SAFETY: the instruction is one of AVX-512 F, and has no other effect than on the register that it writes.
    unsafe {
        std::arch::asm!(
            "valignd {shifted}, {high}, {low}, {by}",
            shifted = lateout(zmm_reg) shifted,
            high = in(zmm_reg) high,
            low = in(zmm_reg) low,
            by = const BY,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    shifted
}

/// One number in every lane.
#[inline]
#[must_use]
#[target_feature(enable = "avx512f")]
pub fn splat(number: f32) -> Vector {
    _mm512_set1_ps(number)
}

/// Lane `CHANNEL` of every `GROUP` neighbouring lanes, in all of these.
#[inline]
#[must_use]
#[target_feature(enable = "avx512f")]
pub fn spread<const GROUP: i32, const CHANNEL: i32>(vector: Vector) -> Vector {
    // Within quarters of the vector, where they have whole groups: that takes no register for the order.
    match (GROUP, CHANNEL) {
        (2, 0) => return _mm512_permute_ps::<0b10_10_00_00>(vector),
        (2, 1) => return _mm512_permute_ps::<0b11_11_01_01>(vector),
        (4, 0) => return _mm512_permute_ps::<0b00_00_00_00>(vector),
        (4, 1) => return _mm512_permute_ps::<0b01_01_01_01>(vector),
        (4, 2) => return _mm512_permute_ps::<0b10_10_10_10>(vector),
        (4, 3) => return _mm512_permute_ps::<0b11_11_11_11>(vector),
        _ => {}
    }
    let from = |lane: i32| lane / GROUP * GROUP + CHANNEL;
    let [a, b, c, d, e, f, g, h] = [0, 1, 2, 3, 4, 5, 6, 7].map(from);
    let [i, j, k, l, m, n, o, p] = [8, 9, 10, 11, 12, 13, 14, 15].map(from);
    _mm512_permutexvar_ps(_mm512_setr_epi32(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p), vector)
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

/// `x`, or `ceiling` where `x` is greater; NaN stays NaN.
#[inline]
#[must_use]
#[target_feature(enable = "avx512f")]
pub fn min(ceiling: Vector, x: Vector) -> Vector {
    // The instruction returns its second operand where either is NaN.
    _mm512_min_ps(ceiling, x)
}

/// `x` between `floor` and `ceiling`; NaN stays NaN.
#[inline]
#[must_use]
#[target_feature(enable = "avx512f")]
pub fn clamp(floor: Vector, ceiling: Vector, x: Vector) -> Vector {
    min(ceiling, max(floor, x))
}

/// `a + b`.
#[inline]
#[must_use]
#[target_feature(enable = "avx512f")]
pub fn add(a: Vector, b: Vector) -> Vector {
    _mm512_add_ps(a, b)
}

/// `a - b`.
#[inline]
#[must_use]
#[target_feature(enable = "avx512f")]
pub fn subtract(a: Vector, b: Vector) -> Vector {
    _mm512_sub_ps(a, b)
}

/// `a * b`.
#[inline]
#[must_use]
#[target_feature(enable = "avx512f")]
pub fn multiply(a: Vector, b: Vector) -> Vector {
    _mm512_mul_ps(a, b)
}

/// `x`, or `slope * x` where `x` is less than zero; NaN stays NaN.
#[inline]
#[must_use]
#[target_feature(enable = "avx512f")]
pub fn leak(slope: Vector, x: Vector) -> Vector {
    let below = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(x, _mm512_setzero_ps());
    _mm512_mask_mul_ps(x, below, x, slope)
}

barrier!(zmm_reg, "/* {0} {1} {2} */", target_feature(enable = "avx512f"));
