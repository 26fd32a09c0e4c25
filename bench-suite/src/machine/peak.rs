//! The most multiply-adds that a core does between registers: what throughput is a share of.

use std::hint::black_box;
use std::time::Instant;

use tapwise::Isa;

/// Rounds of one sample, each one multiply-add into every accumulator: about half a millisecond.
const ROUNDS: usize = 120_000;

/// GFLOP/s of one short run of multiply-adds on the calling thread, two operations for each.
///
/// Accumulators are independent and enough to hide the latency of the unit. Sets that this machine
/// lacks are measured as the portable one.
#[must_use]
pub fn fma_peak(isa: Isa) -> f64 {
    match isa {
        // SAFETY: `is_available` has just said that the machine has every feature of the set.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 if isa.is_available() => unsafe { avx512() },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 if isa.is_available() => unsafe { avx2() },
        // SAFETY: as above.
        #[cfg(target_arch = "aarch64")]
        Isa::Neon if isa.is_available() => unsafe { neon() },
        _ => portable(),
    }
}

/// GFLOP/s of `ROUNDS` rounds over `accumulators` vectors of `lanes` since `start`.
fn rate(accumulators: usize, lanes: usize, start: Instant) -> f64 {
    let operations = 2 * ROUNDS * accumulators * lanes;
    operations as f64 / start.elapsed().as_secs_f64() / 1e9
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn avx512() -> f64 {
    use std::arch::x86_64::{_mm512_fmadd_ps, _mm512_set1_ps};
    const ACCUMULATORS: usize = 16;
    let (factor, term) = (_mm512_set1_ps(black_box(0.999)), _mm512_set1_ps(black_box(1e-3)));
    let mut sums = [_mm512_set1_ps(0.0); ACCUMULATORS];
    let start = Instant::now();
    for _ in 0..ROUNDS {
        for sum in &mut sums {
            *sum = _mm512_fmadd_ps(*sum, factor, term);
        }
    }
    let rate = rate(ACCUMULATORS, 16, start);
    black_box(sums);
    rate
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2() -> f64 {
    use std::arch::x86_64::{_mm256_fmadd_ps, _mm256_set1_ps};
    const ACCUMULATORS: usize = 12;
    let (factor, term) = (_mm256_set1_ps(black_box(0.999)), _mm256_set1_ps(black_box(1e-3)));
    let mut sums = [_mm256_set1_ps(0.0); ACCUMULATORS];
    let start = Instant::now();
    for _ in 0..ROUNDS {
        for sum in &mut sums {
            *sum = _mm256_fmadd_ps(*sum, factor, term);
        }
    }
    let rate = rate(ACCUMULATORS, 8, start);
    black_box(sums);
    rate
}

#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon")]
fn neon() -> f64 {
    use std::arch::aarch64::{vdupq_n_f32, vfmaq_f32};
    // Four units of four cycles want sixteen; 24 leave room.
    const ACCUMULATORS: usize = 24;
    let (factor, term) = (vdupq_n_f32(black_box(0.999)), vdupq_n_f32(black_box(1e-3)));
    let mut sums = [vdupq_n_f32(0.0); ACCUMULATORS];
    let start = Instant::now();
    for _ in 0..ROUNDS {
        for sum in &mut sums {
            *sum = vfmaq_f32(term, *sum, factor);
        }
    }
    let rate = rate(ACCUMULATORS, 4, start);
    black_box(sums);
    rate
}

/// Multiplied and added apart, as the portable kernels do it: a product that does not depend on
/// the sum, so that only the addition is in the chain. The factors come from a small table in the
/// first-level cache, or else the product would be computed once and for all.
#[inline(never)]
fn portable() -> f64 {
    const ACCUMULATORS: usize = 12;
    const STEPS: usize = 8;
    let table = [[1e-3f32; 4 * ACCUMULATORS]; STEPS];
    let factor = black_box(0.5f32);
    let mut sums = [0.0f32; 4 * ACCUMULATORS];
    let start = Instant::now();
    for _ in 0..ROUNDS / STEPS {
        for row in black_box(&table) {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += factor * value;
            }
        }
    }
    let rate = rate(ACCUMULATORS, 4, start);
    black_box(sums);
    rate
}
