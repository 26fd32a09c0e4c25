//! What the tests share.

#![allow(dead_code, unreachable_pub)]

pub mod cases;
pub mod layouts;
pub mod oracle;

use std::io::Write;
use std::sync::Once;

use ndarray::{Array3, Array4, ArrayView3, ArrayView4};
use tapwise::Isa;

/// The instruction sets of this machine; those that it lacks are named once, aloud.
pub fn instruction_sets() -> Vec<Isa> {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        let skipped: Vec<&str> =
            Isa::ALL.iter().filter(|isa| !isa.is_available()).map(|isa| isa.name()).collect();
        // Written past the test harness, which would keep the output of a test that passes.
        let mut out = std::io::stderr();
        let _ = match skipped[..] {
            [] => writeln!(out, "instruction sets: none skipped"),
            _ => writeln!(out, "instruction sets: SKIPPED {} (this machine lacks them)", skipped.join(", ")),
        };
    });
    Isa::available().collect()
}

/// The same picture with its memory planar: `[C, H, W]` seen as `[H, W, C]`.
pub fn planar(picture: ArrayView3<'_, f32>) -> Array3<f32> {
    picture.permuted_axes([2, 0, 1]).as_standard_layout().into_owned().permuted_axes([1, 2, 0])
}

/// The same batch with the memory of each picture planar: `[N, C, H, W]` seen as `[N, H, W, C]`.
pub fn planar_batch(batch: ArrayView4<'_, f32>) -> Array4<f32> {
    batch.permuted_axes([0, 3, 1, 2]).as_standard_layout().into_owned().permuted_axes([0, 2, 3, 1])
}

/// Numbers that look random and are the same on every run: from -1 to 1, steps of 2^-20.
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Self {
        Numbers(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(0x2545_F491_4F6C_DD1D))
    }

    pub fn next_bits(&mut self) -> u64 {
        // SplitMix64 (Steele, Lea and Flood, 2014).
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn next_number(&mut self) -> f32 {
        (self.next_bits() >> 43) as f32 / (1 << 20) as f32 - 1.0
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next_bits() % bound as u64) as usize
    }

    pub fn array<D: ndarray::Dimension, S: ndarray::ShapeBuilder<Dim = D>>(
        &mut self,
        shape: S,
    ) -> ndarray::Array<f32, D> {
        ndarray::Array::from_shape_simple_fn(shape, || self.next_number())
    }
}
