//! How fast one core reads and copies, level by level of the memory.

use std::hint::black_box;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use tapwise::Isa;

/// Streams through one level of memory, on one core.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stream {
    /// `L1`, `L2`, `L3` or `memory`.
    pub level: String,
    /// Bytes that the stream goes over again and again.
    pub bytes: usize,
    /// GB/s of reading all of them (10^9 bytes).
    pub read: f64,
    /// GB/s of copying one half to the other, bytes read and bytes written both counted.
    pub copy: f64,
}

/// Bytes that are moved for one sample, at least.
const SAMPLE: usize = 64 << 20;

/// Numbers that one step of a loop takes; the length of every stream is a multiple.
const STEP: usize = 128;

/// Measures the streams of one level; the best of several samples, since everything else that a
/// machine does only takes away from a stream.
pub(super) fn measure(isa: Isa, level: &str, bytes: usize) -> Stream {
    let half = (bytes / size_of::<f32>() / 2 / STEP).max(1) * STEP;
    let mut data = vec![1.0f32; 2 * half];
    let bytes = data.len() * size_of::<f32>();
    let passes = SAMPLE.div_ceil(bytes);
    let samples = 5;
    let mut best = [0.0f64; 2];
    for _ in 0..samples {
        let start = Instant::now();
        for _ in 0..passes {
            black_box(read(isa, black_box(&data)));
        }
        best[0] = best[0].max((passes * bytes) as f64 / start.elapsed().as_secs_f64() / 1e9);
        let start = Instant::now();
        for _ in 0..passes {
            let (from, to) = data.split_at_mut(half);
            copy(isa, black_box(from), black_box(to));
        }
        best[1] = best[1].max((passes * bytes) as f64 / start.elapsed().as_secs_f64() / 1e9);
    }
    Stream { level: level.to_owned(), bytes, read: best[0], copy: best[1] }
}

/// Sums the numbers of a stream, so that every one of them is loaded. Numbers beyond a whole step of
/// vectors are not.
#[must_use]
pub fn read(isa: Isa, data: &[f32]) -> f32 {
    match isa {
        // SAFETY: `is_available` has just said that the machine has every feature of the set.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 if isa.is_available() => unsafe { avx512::read(data) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 if isa.is_available() => unsafe { avx2::read(data) },
        // SAFETY: as above.
        #[cfg(target_arch = "aarch64")]
        Isa::Neon if isa.is_available() => unsafe { neon::read(data) },
        _ => portable::read(data),
    }
}

/// Copies a stream, vector by vector, through the caches.
fn copy(isa: Isa, from: &[f32], to: &mut [f32]) {
    match isa {
        // SAFETY: `is_available` has just said that the machine has every feature of the set.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 if isa.is_available() => unsafe { avx512::copy(from, to) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 if isa.is_available() => unsafe { avx2::copy(from, to) },
        // SAFETY: as above.
        #[cfg(target_arch = "aarch64")]
        Isa::Neon if isa.is_available() => unsafe { neon::copy(from, to) },
        _ => portable::copy(from, to),
    }
}

/// The two streams for one instruction set.
macro_rules! streams {
    ($name:ident, $arch:literal, $features:literal, $lanes:literal, $zero:expr, $add:ident, $load:ident, $store:ident) => {
        #[cfg(target_arch = $arch)]
        mod $name {
            #[cfg(target_arch = "aarch64")]
            use std::arch::aarch64::*;
            #[cfg(target_arch = "x86_64")]
            use std::arch::x86_64::*;

            const VECTORS: usize = 8;

            #[target_feature(enable = $features)]
            pub(super) fn read(data: &[f32]) -> f32 {
                let mut sums = [$zero; VECTORS];
                for step in data.as_chunks::<{ VECTORS * $lanes }>().0 {
                    for (sum, vector) in sums.iter_mut().zip(step.as_chunks::<$lanes>().0) {
                        // SAFETY: `vector` is `$lanes` numbers, which is what the load reads; it
                        // asks for no alignment.
                        *sum = $add(*sum, unsafe { $load(vector.as_ptr()) });
                    }
                }
                let mut total = sums[0];
                for sum in &sums[1..] {
                    total = $add(total, *sum);
                }
                let mut lanes = [0.0; $lanes];
                // SAFETY: `lanes` is `$lanes` numbers, which is what the store writes.
                unsafe { $store(lanes.as_mut_ptr(), total) };
                lanes.iter().sum()
            }

            #[target_feature(enable = $features)]
            pub(super) fn copy(from: &[f32], to: &mut [f32]) {
                let steps = from.as_chunks::<{ VECTORS * $lanes }>().0;
                for (from, to) in steps.iter().zip(to.as_chunks_mut::<{ VECTORS * $lanes }>().0) {
                    for (from, to) in from.as_chunks::<$lanes>().0.iter().zip(to.as_chunks_mut::<$lanes>().0)
                    {
                        // SAFETY: both are `$lanes` numbers, which is what the load reads and the
                        // store writes; neither asks for an alignment.
                        unsafe { $store(to.as_mut_ptr(), $load(from.as_ptr())) };
                    }
                }
            }
        }
    };
}

streams!(
    avx512,
    "x86_64",
    "avx512f",
    16,
    _mm512_setzero_ps(),
    _mm512_add_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps
);
streams!(avx2, "x86_64", "avx2", 8, _mm256_setzero_ps(), _mm256_add_ps, _mm256_loadu_ps, _mm256_storeu_ps);
streams!(neon, "aarch64", "neon", 4, vdupq_n_f32(0.0), vaddq_f32, vld1q_f32, vst1q_f32);

/// The two streams in plain Rust, compiled for the target's own instruction set.
mod portable {
    const LANES: usize = 32;

    pub(super) fn read(data: &[f32]) -> f32 {
        let mut sums = [0.0f32; LANES];
        for step in data.as_chunks::<LANES>().0 {
            for (sum, value) in sums.iter_mut().zip(step) {
                *sum += value;
            }
        }
        sums.iter().sum()
    }

    pub(super) fn copy(from: &[f32], to: &mut [f32]) {
        for (from, to) in from.as_chunks::<LANES>().0.iter().zip(to.as_chunks_mut::<LANES>().0) {
            *to = *from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_reads_and_copies_everything() {
        let data: Vec<f32> = (0..4 * STEP).map(|at| (at % 7) as f32).collect();
        let total: f32 = data.iter().sum();
        for isa in Isa::available() {
            assert_eq!(read(isa, &data), total, "{isa}");
            let mut copied = vec![0.0; data.len()];
            copy(isa, &data, &mut copied);
            assert_eq!(copied, data, "{isa}");
        }
    }
}
