//! The verbs that generated code is written in, one file for each instruction set, the same verbs
//! in each. The only place with intrinsics.
//!
//! `Vector` is a register of f32. `load` and `store` take exactly a vector's worth of numbers,
//! `load_head` and `store_head` the first few lanes, `splat` repeats a number, `spread` one lane of
//! each group, `mul_add(a, b, c)` is `a·b + c`; `max(floor, x)`, `min(ceiling, x)` and
//! `leak(slope, x)` keep a NaN of `x`. `barrier` stands between the steps of unrolled code; `stream`
//! is a store past the caches and `prefetch` a hint, where a set has them.
//!
//! `windows` finds the parts of a row that lie a step apart. `turns` are no verbs: they part pixels into planes and join them, for sets with fast permutations.

/// Defines `barrier`, which hides three things from the compiler: that two windows of a row
/// overlap, that a panel is the same for every tile, and that the loads after it do not depend on
/// the sums before it. Else it keeps what windows share, or the whole panel, or the loads of many
/// steps at once, in registers that it lacks.
macro_rules! barrier {
    ($class:ident, $comment:literal $(, $feature:literal)?) => {
        /// Hands on a window of inputs, the weights and a sum as if they were new.
        #[inline]
        #[must_use]
        #[expect(clippy::pointers_in_nomem_asm_block, reason = "the assembly is empty: it follows no pointer")]
        $(#[target_feature(enable = $feature)])?
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
#[cfg(target_arch = "x86_64")]
mod turns;
#[cfg(target_arch = "x86_64")]
pub(crate) mod turns256;
#[cfg(target_arch = "x86_64")]
pub(crate) mod turns512;
pub mod windows;
