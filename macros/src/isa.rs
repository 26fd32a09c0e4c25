//! The instruction sets: one row each, from which the `cfg`, the `#[target_feature]` list and the
//! run-time test are all made.

/// One instruction set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Isa {
    /// The name that users write, and the module of its verbs in `tapwise::__private::simd`.
    pub(crate) name: &'static str,
    /// The name of the variant of `tapwise::Isa`.
    pub(crate) variant: &'static str,
    /// The value of `target_arch`, or `None` where every architecture has it.
    pub(crate) arch: Option<&'static str>,
    /// The target features that a machine must have.
    pub(crate) features: &'static [&'static str],
    /// The one that its kernels and verbs are compiled with, which is that of most of the intrinsics that they are made
    /// of: the compiler inlines calls early, and so cheaply, between functions of the same features only. For
    /// the set of every architecture, the one of x86-64.
    pub(crate) compiled: &'static str,
    /// Numbers of f32 in a vector.
    pub(crate) lanes: usize,
    /// Vector registers that a tile may count on: all of them, but for the portable set, which
    /// needs two for products that are not fused.
    pub(crate) registers: usize,
    /// Whether one instruction shifts a vector out of two side by side.
    pub(crate) shifts: bool,
    /// Multiply-adds that a fully unrolled body may have.
    pub(crate) unroll: usize,
    /// What it is, for the documentation.
    pub(crate) what: &'static str,
}

/// Multiply-adds that a fully unrolled body may have where its speed matters. Sets whose vectors are
/// half as long have twice as many panels to unroll, and a third of the budget: the kernels of a shape
/// should together cost less than half a second of compiling.
const UNROLL_BUDGET: usize = 450;

/// Every instruction set, best first. A new one is a row here and a file in `runtime/src/simd/`.
pub(crate) const ALL: &[Isa] = &[
    Isa {
        name: "avx512",
        variant: "Avx512",
        arch: Some("x86_64"),
        features: &["avx512f", "avx512vl", "avx512dq", "avx512bw", "avx2", "fma"],
        compiled: "avx512f",
        lanes: 16,
        registers: 32,
        shifts: true,
        unroll: UNROLL_BUDGET,
        what: "AVX-512 (F, VL, DQ, BW): 512-bit vectors with fused multiply-add",
    },
    Isa {
        name: "avx2",
        variant: "Avx2",
        arch: Some("x86_64"),
        features: &["avx2", "fma"],
        compiled: "fma",
        lanes: 8,
        registers: 16,
        shifts: false,
        unroll: UNROLL_BUDGET / 3,
        what: "AVX2 with FMA: 256-bit vectors with fused multiply-add",
    },
    Isa {
        name: "neon",
        variant: "Neon",
        arch: Some("aarch64"),
        features: &["neon"],
        compiled: "neon",
        lanes: 4,
        registers: 32,
        shifts: false,
        unroll: UNROLL_BUDGET,
        what: "NEON: 128-bit vectors with fused multiply-add",
    },
    Isa {
        name: "portable",
        variant: "Portable",
        arch: None,
        features: &[],
        compiled: "sse",
        lanes: 4,
        registers: 14,
        shifts: false,
        unroll: 0,
        what: "no instruction set beyond the target's own: arrays of four, multiplied and added apart",
    },
];
