//! An almost empty program that at most one generated shape is compiled into: what it takes longer
//! to compile, and what it is larger, is the price of that shape. `--cfg probe="NAME"` chooses the
//! shape; `tapwise_bench::builds` measures. The program lists the kernels that it contains.

#[cfg(probe = "stem")]
tapwise::specialize! { { delta: 1, c_in: 3, c_out: 16 } }

#[cfg(probe = "middle")]
tapwise::specialize! { { delta: 1, c_in: 64, c_out: 64 } }

#[cfg(probe = "seven")]
tapwise::specialize! { { kernel: [7, 7], stride: 2, c_in: 3, c_out: 64 } }

#[cfg(probe = "five")]
tapwise::specialize! { { delta: 2, c_in: 24, c_out: 24 } }

#[cfg(probe = "pointwise")]
tapwise::specialize! { { delta: 0, c_in: 64, c_out: 256 } }

#[cfg(probe = "ragged")]
tapwise::specialize! { { delta: 1, c_in: 3, c_out: 28 } }

#[cfg(probe = "depthwise")]
tapwise::specialize! { { delta: 1, groups: 128, c_in: 128, c_out: 128 } }

#[cfg(probe = "paired")]
tapwise::specialize! { { delta: 1, groups: 512, c_in: 512, c_out: 512 } }

#[cfg(probe = "grouped")]
tapwise::specialize! { { delta: 1, groups: 32, c_in: 128, c_out: 128 } }

#[cfg(probe = "few")]
tapwise::specialize! { { delta: 1, c_in: 3, c_out: 4 } }

#[cfg(probe = "picture")]
tapwise::specialize! { { delta: 7, c_in: 1, c_out: 1 } }

/// The passes of the Winograd strategy, as the library has them, for whoever reads their assembly.
#[cfg(probe = "transforms")]
mod transforms {
    tapwise::__private::winograd_transforms! {}
}

/// The passes of filters of low rank.
#[cfg(probe = "passes")]
mod passes {
    tapwise::__private::two_pass_kernels! {}
}

fn main() {
    #[cfg(probe = "passes")]
    println!("{}", std::hint::black_box(passes::PASSES).len());
    #[cfg(probe = "transforms")]
    println!("{}", std::hint::black_box(transforms::TRANSFORMS).len());
    #[cfg(not(any(probe = "transforms", probe = "passes")))]
    for kernel in tapwise::registry::kernels() {
        println!("{}\t{}\t{}", kernel.isa(), kernel.fmas(), kernel.name());
    }
}
