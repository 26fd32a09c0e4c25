//! The verbs that generated code is written in, one file for each instruction set, the same verbs
//! in each. The only place with intrinsics.
//!
//! `Vector` is a register of f32. `load` and `store` take exactly a vector's worth of numbers,
//! `store_head` the first few lanes, `splat` repeats a number, `mul_add(a, b, c)` is `a·b + c`,
//! and `max(floor, x)` keeps a NaN of `x`.

#[cfg(target_arch = "x86_64")]
pub mod avx2;
#[cfg(target_arch = "x86_64")]
pub mod avx512;
#[cfg(target_arch = "aarch64")]
pub mod neon;
pub mod portable;
