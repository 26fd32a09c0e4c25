//! Pixels to planes and back, sixteen pixels at a time, by permutations of two vectors.

use std::arch::x86_64::{__m512i, _mm512_permutex2var_ps, _mm512_setr_epi32};

use super::avx512::{Vector, load, prefetch, splat, store, stream};
use super::turns::{boundary, turns};

turns!(16, "avx512f");

/// Makes vectors of pixels into a vector for each channel. Vectors of other numbers of channels than
/// 2, 3, 4 and 8 stay as they are.
#[inline]
#[target_feature(enable = "avx512f")]
fn part(vectors: &mut [Vector]) {
    match vectors {
        [a, b] => [*a, *b] = unzip(*a, *b),
        [a, b, c] => [*a, *b, *c] = part_three([*a, *b, *c]),
        [a, b, c, d] => [*a, *b, *c, *d] = part_four([*a, *b, *c, *d]),
        [a, b, c, d, e, f, g, h] => {
            // Channels 0, 2, 4, 6 and channels 1, 3, 5, 7.
            let [[i, j], [k, l], [m, n], [o, p]] =
                [unzip(*a, *b), unzip(*c, *d), unzip(*e, *f), unzip(*g, *h)];
            [*a, *c, *e, *g] = part_four([i, k, m, o]);
            [*b, *d, *f, *h] = part_four([j, l, n, p]);
        }
        _ => {}
    }
}

/// The inverse of [`part`].
#[inline]
#[target_feature(enable = "avx512f")]
fn merge(vectors: &mut [Vector]) {
    match vectors {
        [a, b] => [*a, *b] = zip(*a, *b),
        [a, b, c] => [*a, *b, *c] = merge_three([*a, *b, *c]),
        [a, b, c, d] => [*a, *b, *c, *d] = merge_four([*a, *b, *c, *d]),
        [a, b, c, d, e, f, g, h] => {
            let [i, k, m, o] = merge_four([*a, *c, *e, *g]);
            let [j, l, n, p] = merge_four([*b, *d, *f, *h]);
            [[*a, *b], [*c, *d], [*e, *f], [*g, *h]] = [zip(i, j), zip(k, l), zip(m, n), zip(o, p)];
        }
        _ => {}
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn part_four([a, b, c, d]: [Vector; 4]) -> [Vector; 4] {
    let [[e, f], [g, h]] = [unzip(a, b), unzip(c, d)];
    let [[i, j], [k, l]] = [unzip(e, g), unzip(f, h)];
    [i, k, j, l]
}

#[inline]
#[target_feature(enable = "avx512f")]
fn merge_four([i, k, j, l]: [Vector; 4]) -> [Vector; 4] {
    let [[e, g], [f, h]] = [zip(i, j), zip(k, l)];
    let [[a, b], [c, d]] = [zip(e, f), zip(g, h)];
    [a, b, c, d]
}

/// Lane `l` of a channel is number `3l` and on of its three vectors: the first step takes what lies
/// in two of them, the second puts in what lies in the third.
#[inline]
#[target_feature(enable = "avx512f")]
fn part_three(vectors: [Vector; 3]) -> [Vector; 3] {
    const fn first(channel: i32) -> [i32; 16] {
        let (mut from, mut lane) = ([0; 16], 0);
        while lane < 16 {
            from[lane] = (3 * lane as i32 + channel) % 32;
            lane += 1;
        }
        from
    }
    const fn second(channel: i32) -> [i32; 16] {
        let (mut from, mut lane) = ([0; 16], 0);
        while lane < 16 {
            let number = 3 * lane as i32 + channel;
            from[lane] = if number < 32 { lane as i32 } else { number - 16 };
            lane += 1;
        }
        from
    }
    const STEPS: [[[i32; 16]; 2]; 3] = [[first(0), second(0)], [first(1), second(1)], [first(2), second(2)]];
    three(vectors, STEPS)
}

/// The inverse of [`part_three`]: number `n` of the vectors is lane `n / 3` of channel `n % 3`.
#[inline]
#[target_feature(enable = "avx512f")]
fn merge_three(vectors: [Vector; 3]) -> [Vector; 3] {
    const fn first(vector: i32) -> [i32; 16] {
        let (mut from, mut lane) = ([0; 16], 0);
        while lane < 16 {
            let number = 16 * vector + lane as i32;
            from[lane] = number / 3 + if number % 3 == 1 { 16 } else { 0 };
            lane += 1;
        }
        from
    }
    const fn second(vector: i32) -> [i32; 16] {
        let (mut from, mut lane) = ([0; 16], 0);
        while lane < 16 {
            let number = 16 * vector + lane as i32;
            from[lane] = if number % 3 == 2 { 16 + number / 3 } else { lane as i32 };
            lane += 1;
        }
        from
    }
    const STEPS: [[[i32; 16]; 2]; 3] = [[first(0), second(0)], [first(1), second(1)], [first(2), second(2)]];
    three(vectors, STEPS)
}

/// Three vectors out of three, each by two steps.
#[inline]
#[target_feature(enable = "avx512f")]
fn three([a, b, c]: [Vector; 3], [x, y, z]: [[[i32; 16]; 2]; 3]) -> [Vector; 3] {
    [both(a, b, c, x), both(a, b, c, y), both(a, b, c, z)]
}

/// Lanes of `a` and `b`, then lanes of these and of `c`.
#[inline]
#[target_feature(enable = "avx512f")]
fn both(a: Vector, b: Vector, c: Vector, [first, second]: [[i32; 16]; 2]) -> Vector {
    _mm512_permutex2var_ps(_mm512_permutex2var_ps(a, lanes(first), b), lanes(second), c)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn lanes([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]: [i32; 16]) -> __m512i {
    _mm512_setr_epi32(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)
}

/// The even and the odd lanes of two vectors.
#[inline]
#[target_feature(enable = "avx512f")]
fn unzip(a: Vector, b: Vector) -> [Vector; 2] {
    let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    let odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    [_mm512_permutex2var_ps(a, even, b), _mm512_permutex2var_ps(a, odd, b)]
}

/// Lanes of two vectors by turns.
#[inline]
#[target_feature(enable = "avx512f")]
fn zip(a: Vector, b: Vector) -> [Vector; 2] {
    let low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    let high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    [_mm512_permutex2var_ps(a, low, b), _mm512_permutex2var_ps(a, high, b)]
}
