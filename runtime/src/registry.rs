//! Every kernel that was compiled anywhere in the program.

use std::sync::OnceLock;

use crate::isa::Isa;
use crate::kernel::{Geometry, Kernel};

/// Where generated kernels put themselves. Link order is no order: read it by [`kernels`].
#[doc(hidden)]
#[linkme::distributed_slice]
pub static KERNELS: [Kernel];

/// The kernels that were generated for fixed shapes, sorted by name, each shape and instruction
/// set once: where two crates generated the same kernel, the first by name and then by link order
/// stands for both, since they are the same code.
pub fn kernels() -> impl Iterator<Item = &'static Kernel> {
    static SORTED: OnceLock<Vec<&'static Kernel>> = OnceLock::new();
    SORTED.get_or_init(|| unique(KERNELS.iter())).iter().copied()
}

/// The kernels for a shape under an instruction set, one for each family that can be the fastest.
pub(crate) fn find(geometry: &Geometry, isa: Isa) -> impl Iterator<Item = &'static Kernel> {
    kernels().filter(move |kernel| kernel.isa() == isa && kernel.geometry() == Some(geometry))
}

fn unique<'k>(kernels: impl Iterator<Item = &'k Kernel>) -> Vec<&'k Kernel> {
    let mut sorted: Vec<_> = kernels.collect();
    sorted.sort_by_key(|kernel| (kernel.name(), kernel.geometry().copied(), kernel.isa()));
    sorted.dedup_by_key(|kernel| (kernel.name(), kernel.geometry().copied(), kernel.isa()));
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_that_was_generated_twice_is_there_once() {
        let direct = crate::strategy::direct::KERNELS;
        let twice: Vec<_> = direct.iter().chain(direct).collect();
        assert_eq!(unique(twice.into_iter()).len(), direct.len());
    }
}
