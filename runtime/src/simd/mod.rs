//! The verbs that generated code is written in, one file for each instruction set, the same verbs
//! in each. The only place with intrinsics.
//!
//! `Vector` is a register of f32. `load` and `store` take exactly a vector's worth of numbers, `load_at` and
//! `store_at` as many from a fixed place of a longer window on,
//! `load_head` and `store_head` the first few lanes, `splat` repeats a number, `spread` one lane of
//! each group, `mul_add(a, b, c)` is `a·b + c`; `max(floor, x)`, `min(ceiling, x)`,
//! `clamp(floor, ceiling, x)` and `leak(slope, x)` keep a NaN of `x`. `barrier` stands between the steps of unrolled code; `stream`
//! is a store past the caches and `prefetch` a hint, where a set has them.
//!
//! `windows` finds the parts of a row that lie a step apart. `turns` are no verbs: they part pixels into planes and join them, for sets with fast permutations.

/// Defines `barrier`, which hides three things from the compiler: that two windows of a row
/// overlap, that a panel is the same for every tile, and that the loads after it do not depend on
/// the sums before it. Else it keeps what windows share, or the whole panel, or the loads of many
/// steps at once, in registers that it lacks.
macro_rules! barrier {
    ($class:ident, $comment:literal, $feature:meta) => {
        /// Hands on a window of inputs, the weights and a sum as if they were new.
        #[inline]
        #[must_use]
        #[expect(clippy::pointers_in_nomem_asm_block, reason = "the assembly is empty: it follows no pointer")]
        #[$feature]
        pub fn barrier<'x, 'w, X, W>(
            window: &'x X,
            weights: &'w W,
            sum: Vector,
        ) -> (&'x X, &'w W, Vector) {
            let (mut x, mut w, mut sum): (*const X, *const W, Vector) = (window, weights, sum);
            // SAFETY: the assembly is empty, so that the pointers come out as they went in, and the
            // references made of them are those that were given.
            unsafe {
                std::arch::asm!(
                    $comment,
                    inout(reg) x,
                    inout(reg) w,
                    inout($class) sum,
                    options(pure, nomem, nostack, preserves_flags)
                );
                (&*x, &*w, sum)
            }
        }
    };
}

/// Defines `load`, `load_at`, `store` and `store_at`. They read and write places, where the intrinsics would call
/// functions of other target features: the compiler inlines calls early, and so cheaply, between functions of
/// the same features only, and a kernel makes hundreds of these.
macro_rules! memory {
    ($lanes:literal, $feature:meta) => {
        /// A vector anywhere in memory.
        #[derive(Clone, Copy)]
        #[repr(C, packed)]
        struct Anywhere(Vector);

        /// Reads a vector's worth of numbers.
        #[inline]
        #[must_use]
        #[$feature]
        pub fn load(from: &[f32; $lanes]) -> Vector {
            // SAFETY: `from` is as many numbers as a vector, and the place needs no alignment.
            unsafe { (*(from as *const [f32; $lanes] as *const Anywhere)).0 }
        }

        /// Reads a vector's worth of numbers from number `AT` of a window on.
        #[inline]
        #[must_use]
        #[$feature]
        pub fn load_at<const AT: usize, const N: usize>(from: &[f32; N]) -> Vector {
            const { assert!(AT + $lanes <= N, "a vector lies inside of its window") }
            // SAFETY: the window has a vector's worth of numbers from `AT` on, as was just asserted, and the place
            // needs no alignment.
            unsafe { (*((from as *const [f32; N] as *const f32).wrapping_add(AT) as *const Anywhere)).0 }
        }

        /// Writes a vector's worth of numbers.
        #[inline]
        #[$feature]
        pub fn store(vector: Vector, to: &mut [f32; $lanes]) {
            // SAFETY: `to` is as many numbers as a vector, and the place needs no alignment.
            unsafe { (*(to as *mut [f32; $lanes] as *mut Anywhere)).0 = vector }
        }

        /// Writes a vector's worth of numbers from number `AT` of a window on.
        #[inline]
        #[$feature]
        pub fn store_at<const AT: usize, const N: usize>(vector: Vector, to: &mut [f32; N]) {
            const { assert!(AT + $lanes <= N, "a vector lies inside of its window") }
            // SAFETY: as for `load_at`; the window is this function's own.
            unsafe { (*((to as *mut [f32; N] as *mut f32).wrapping_add(AT) as *mut Anywhere)).0 = vector }
        }
    };
}

/// Waits until what was written past the caches is in memory, for other threads to see after
/// anything that this thread does next.
pub(crate) fn settle() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: it needs SSE, which every processor of this architecture has.
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
}

#[cfg(target_arch = "x86_64")]
pub mod avx2;
#[cfg(target_arch = "x86_64")]
pub mod avx512;
#[cfg(target_arch = "aarch64")]
pub mod neon;
pub mod portable;
pub mod strips;
pub mod together;
#[cfg(target_arch = "x86_64")]
mod turns;
#[cfg(target_arch = "x86_64")]
pub(crate) mod turns256;
#[cfg(target_arch = "x86_64")]
pub(crate) mod turns512;
pub mod windows;
