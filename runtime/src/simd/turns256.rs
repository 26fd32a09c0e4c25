//! Pixels to planes and back, eight pixels at a time. Halves of vectors change places first or last;
//! all else happens inside of halves, where it is cheap.

use std::arch::x86_64::{_mm256_permute2f128_ps, _mm256_shuffle_ps, _mm256_unpackhi_ps, _mm256_unpacklo_ps};

use super::avx2::{Vector, load, prefetch, splat, store, stream};
use super::turns::{boundary, turns};

turns!(8, "avx2,fma");

/// Makes vectors of pixels into a vector for each channel. Vectors of other numbers of channels than
/// 2, 3, 4 and 8 stay as they are.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn part(vectors: &mut [Vector]) {
    match vectors {
        [a, b] => {
            let [i, j] = halves(*a, *b);
            *a = _mm256_shuffle_ps::<0b10_00_10_00>(i, j);
            *b = _mm256_shuffle_ps::<0b11_01_11_01>(i, j);
        }
        [a, b, c] => {
            let i = _mm256_permute2f128_ps::<0x30>(*a, *b);
            let j = _mm256_permute2f128_ps::<0x21>(*a, *c);
            let k = _mm256_permute2f128_ps::<0x30>(*b, *c);
            let xy = _mm256_shuffle_ps::<0b10_01_11_10>(j, k);
            let yz = _mm256_shuffle_ps::<0b01_00_10_01>(i, j);
            *a = _mm256_shuffle_ps::<0b10_00_11_00>(i, xy);
            *b = _mm256_shuffle_ps::<0b11_01_10_00>(yz, xy);
            *c = _mm256_shuffle_ps::<0b11_00_11_01>(yz, k);
        }
        [a, b, c, d] => {
            let [[i, j], [k, l]] = [halves(*a, *c), halves(*b, *d)];
            [*a, *b, *c, *d] = transpose([i, j, k, l]);
        }
        [a, b, c, d, e, f, g, h] => {
            let [[i, j], [k, l], [m, n], [o, p]] =
                [halves(*a, *e), halves(*b, *f), halves(*c, *g), halves(*d, *h)];
            [*a, *b, *c, *d] = transpose([i, k, m, o]);
            [*e, *f, *g, *h] = transpose([j, l, n, p]);
        }
        _ => {}
    }
}

/// The inverse of [`part`].
#[inline]
#[target_feature(enable = "avx2,fma")]
fn merge(vectors: &mut [Vector]) {
    match vectors {
        [a, b] => {
            [*a, *b] = halves(_mm256_unpacklo_ps(*a, *b), _mm256_unpackhi_ps(*a, *b));
        }
        [a, b, c] => {
            let xy = _mm256_shuffle_ps::<0b10_00_10_00>(*a, *b);
            let yz = _mm256_shuffle_ps::<0b11_01_11_01>(*b, *c);
            let zx = _mm256_shuffle_ps::<0b11_01_10_00>(*c, *a);
            let i = _mm256_shuffle_ps::<0b10_00_10_00>(xy, zx);
            let j = _mm256_shuffle_ps::<0b11_01_10_00>(yz, xy);
            let k = _mm256_shuffle_ps::<0b11_01_11_01>(zx, yz);
            *a = _mm256_permute2f128_ps::<0x20>(i, j);
            *b = _mm256_permute2f128_ps::<0x30>(k, i);
            *c = _mm256_permute2f128_ps::<0x31>(j, k);
        }
        [a, b, c, d] => {
            let [i, j, k, l] = transpose([*a, *b, *c, *d]);
            [[*a, *c], [*b, *d]] = [halves(i, j), halves(k, l)];
        }
        [a, b, c, d, e, f, g, h] => {
            let [i, k, m, o] = transpose([*a, *b, *c, *d]);
            let [j, l, n, p] = transpose([*e, *f, *g, *h]);
            [[*a, *e], [*b, *f], [*c, *g], [*d, *h]] =
                [halves(i, j), halves(k, l), halves(m, n), halves(o, p)];
        }
        _ => {}
    }
}

/// The low halves of two vectors, and the high ones.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn halves(a: Vector, b: Vector) -> [Vector; 2] {
    [_mm256_permute2f128_ps::<0x20>(a, b), _mm256_permute2f128_ps::<0x31>(a, b)]
}

/// Lanes to vectors and vectors to lanes, in each half.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn transpose([a, b, c, d]: [Vector; 4]) -> [Vector; 4] {
    let [i, j] = [_mm256_unpacklo_ps(a, c), _mm256_unpackhi_ps(a, c)];
    let [k, l] = [_mm256_unpacklo_ps(b, d), _mm256_unpackhi_ps(b, d)];
    [_mm256_unpacklo_ps(i, k), _mm256_unpackhi_ps(i, k), _mm256_unpacklo_ps(j, l), _mm256_unpackhi_ps(j, l)]
}
