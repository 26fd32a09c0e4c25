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

#[cfg(probe = "far")]
tapwise::specialize! { { delta: 1, c_in: 256, c_out: 256 } }

#[cfg(probe = "ragged")]
tapwise::specialize! { { delta: 1, c_in: 3, c_out: 28 } }

#[cfg(probe = "depthwise")]
tapwise::specialize! { { delta: 1, groups: 128, c_in: 128, c_out: 128 } }

#[cfg(probe = "paired")]
tapwise::specialize! { { kernel: [3, 4], groups: 512, c_in: 512, c_out: 512 } }

#[cfg(probe = "apart")]
tapwise::specialize! { { delta: 1, groups: 512, c_in: 512, c_out: 512 } }

#[cfg(probe = "grouped")]
tapwise::specialize! { { delta: 1, groups: 32, c_in: 128, c_out: 128 } }

#[cfg(probe = "few")]
tapwise::specialize! { { delta: 1, c_in: 3, c_out: 4 } }

#[cfg(probe = "picture")]
tapwise::specialize! { { delta: 7, c_in: 1, c_out: 1 } }

#[cfg(probe = "colours")]
tapwise::specialize! { { delta: 1, groups: 3, c_in: 3, c_out: 3 } }

#[cfg(probe = "stacked")]
tapwise::specialize! { { delta: 2, groups: 120, c_in: 120, c_out: 120 } }

/// At most one filter, whatever the library needs to run it left out.
#[allow(dead_code)]
mod filter {
    #[cfg(probe = "sobel")]
    #[tapwise::filter2d]
    pub const FILTER: _ = sobel_x;

    #[cfg(probe = "gaussian-5")]
    #[tapwise::filter2d]
    pub const FILTER: _ = gaussian(sigma = 1.1, radius = 2);

    #[cfg(probe = "gaussian-15")]
    #[tapwise::filter2d]
    pub const FILTER: _ = gaussian(sigma = 2.6, radius = 7);

    #[cfg(probe = "gaussian-31")]
    #[tapwise::filter2d]
    pub const FILTER: _ = gaussian(sigma = 5.0, radius = 15);

    #[cfg(probe = "random-3")]
    #[tapwise::filter2d]
    pub const FILTER: [[f32; 3]; 3] =
        [[-0.831, 0.264, 0.917], [0.578, -0.746, 0.091], [0.342, 0.859, -0.613]];

    #[cfg(probe = "random-7")]
    #[tapwise::filter2d]
    pub const FILTER: [[f32; 7]; 7] = [
        [-0.831, 0.264, 0.917, -0.452, 0.133, 0.471, -0.285],
        [0.578, -0.746, 0.091, 0.685, -0.927, -0.139, 0.816],
        [0.342, 0.859, -0.613, 0.207, 0.764, -0.568, 0.293],
        [-0.195, -0.538, 0.426, -0.872, 0.651, 0.048, -0.947],
        [0.983, 0.157, -0.309, 0.594, -0.728, 0.362, 0.515],
        [0.629, -0.413, 0.788, -0.074, 0.236, -0.691, 0.954],
        [-0.367, 0.842, -0.521, 0.713, 0.189, 0.906, -0.658],
    ];

    #[cfg(probe = "mean-9")]
    #[tapwise::filter2d]
    pub const FILTER: _ = mean(9);

    #[cfg(probe = "mean-31")]
    #[tapwise::filter2d]
    pub const FILTER: _ = mean(31);
}

/// Lists the passes of the filter: one for each instruction set that the architecture can have.
#[cfg(any(
    probe = "sobel",
    probe = "gaussian-5",
    probe = "gaussian-15",
    probe = "gaussian-31",
    probe = "random-3",
    probe = "random-7",
    probe = "mean-9",
    probe = "mean-31"
))]
fn list_filter() {
    let filter = std::hint::black_box(&filter::FILTER).explain();
    let here = |isa: &&tapwise::Isa| match isa.name() {
        "avx512" | "avx2" => cfg!(target_arch = "x86_64"),
        "neon" => cfg!(target_arch = "aarch64"),
        _ => true,
    };
    for isa in tapwise::Isa::ALL.iter().filter(here).filter(|_| filter.form == "sums") {
        println!("{isa}\t0\tpasses of {} terms", filter.terms);
    }
}

#[cfg(not(any(
    probe = "sobel",
    probe = "gaussian-5",
    probe = "gaussian-15",
    probe = "gaussian-31",
    probe = "random-3",
    probe = "random-7",
    probe = "mean-9",
    probe = "mean-31"
)))]
fn list_filter() {}

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
    list_filter();
    #[cfg(probe = "passes")]
    println!("{}", std::hint::black_box(passes::PASSES).len());
    #[cfg(probe = "transforms")]
    println!("{}", std::hint::black_box(transforms::TRANSFORMS).len());
    #[cfg(not(any(probe = "transforms", probe = "passes")))]
    for kernel in tapwise::registry::kernels() {
        println!("{}\t{}\t{}", kernel.isa(), kernel.fmas(), kernel.name());
    }
}
