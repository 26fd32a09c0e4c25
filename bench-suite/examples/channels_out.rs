//! What share of the multiply-add peak the channels-out kernels reach, shape by shape: the kernels of
//! fixed shapes beside the run-time ones, with the layer's own padding and on a picture that has it
//! already.
//!
//! `cargo run --release --example channels_out -- [--isa avx2] [PART OF A SHAPE ...]`

use std::error::Error;
use std::time::{Duration, Instant};

use clap::Parser;
use ndarray::{Array3, Array4};
use tapwise::{Conv2d, Isa, Padding, Shape, Strategy};
use tapwise_bench::machine::{fma_peak, pool};

tapwise::specialize! {
    { kernel: [7, 7], stride: 2, c_in: 3, c_out: 64 }
    { delta: 1, stride: 2, c_in: 3, c_out: 32 }
    { delta: 1, c_in: 3, c_out: [16, 64] }
    { delta: 1, c_in: 16, c_out: [16, 32] }
    { delta: 1, c_in: 32, c_out: 32 }
    { delta: 2, c_in: 24, c_out: 24 }
    { delta: 1, c_in: 64, c_out: 64 }
    { delta: 1, dilation: 2, c_in: 64, c_out: 64 }
    { delta: 1, c_in: 128, c_out: 128 }
    { delta: 1, stride: 2, c_in: 128, c_out: 128 }
    { delta: 1, c_in: 256, c_out: 256 }
    { delta: 1, c_in: 512, c_out: 512 }
    { delta: 0, c_in: 64, c_out: 256 }
    { delta: 0, c_in: 512, c_out: [128, 2048] }
    { delta: 0, c_in: 1024, c_out: 256 }
    { kernel: [1, 5], c_in: 80, c_out: 512 }
    { kernel: [1, 3], dilation: [1, 2], c_in: 512, c_out: 512 }
    { delta: 1, groups: 32, c_in: 64, c_out: 64 }
    { delta: 1, groups: 32, c_in: 128, c_out: 128 }
    { delta: 1, groups: 32, c_in: 256, c_out: 256 }
}

const SHAPES: [&str; 27] = [
    "h224w224 c3x64 k7x7 s2x2",
    "h224w224 c3x32 k3x3 s2x2",
    "h416w416 c3x16 k3x3",
    "h1024w1024 c3x16 k3x3",
    "h1024w1024 c3x64 k3x3",
    "h128w128 c16x16 k3x3",
    "h128w128 c32x32 k3x3",
    "h256w256 c16x32 k3x3",
    "h64w64 c24x24 k5x5",
    "h56w56 c64x64 k3x3",
    "h224w224 c64x64 k3x3",
    "h56w56 c64x64 k3x3 d2x2",
    "h28w28 c128x128 k3x3",
    "h112w112 c128x128 k3x3",
    "h56w56 c128x128 k3x3 s2x2",
    "h14w14 c256x256 k3x3",
    "h7w7 c512x512 k3x3",
    "h56w56 c64x256 k1x1",
    "h28w28 c512x128 k1x1",
    "h14w14 c1024x256 k1x1",
    "h7w7 c512x2048 k1x1",
    "h1w1000 c80x512 k1x5",
    "h1w1000 c512x512 k1x3 d1x2",
    "h56w56 c64x64 k3x3 g32",
    "h56w56 c128x128 k3x3 g32",
    "h28w28 c256x256 k3x3 g32",
    "h128w128 c8x16 k5x5",
];

/// Measures the channels-out kernels on one core.
#[derive(Parser)]
struct Arguments {
    /// The instruction set; the best of the machine unless said.
    #[arg(long, value_parser = Isa::named)]
    isa: Option<Isa>,
    /// Only shapes that contain one of these.
    shapes: Vec<String>,
}

/// GFLOP/s of a layer on a picture that has its padding already, or that the layer pads.
fn speed(shape: &Shape, isa: Isa, strategy: Strategy, padded: bool) -> Result<f64, tapwise::Error> {
    let mut spec = shape.spec;
    let [rows, columns] = shape.output()?;
    let mut input = shape.input;
    spec.padding = Padding::Same;
    if padded {
        spec.padding = Padding::Valid;
        for (axis, outputs) in [rows, columns].into_iter().enumerate() {
            input[axis] =
                (outputs - 1) * spec.stride[axis] + (spec.kernel[axis] - 1) * spec.dilation[axis] + 1;
        }
    }
    let weights = (spec.kernel[0], spec.kernel[1], spec.c_in / spec.groups, spec.c_out);
    let filter =
        Array4::from_shape_fn(weights, |(a, b, c, d)| ((a * 7 + b * 5 + c * 3 + d) % 11) as f32 * 0.1 - 0.5);
    let layer = Conv2d::builder(filter.view()).spec(&spec).strategy(strategy).isa(isa).build()?;
    let picture = Array3::from_elem((input[0], input[1], spec.c_in), 0.5);
    let mut output = Array3::from_elem((rows, columns, spec.c_out), 0.0);
    let begin = Instant::now();
    let (mut best, mut rounds) = (Duration::MAX, 0);
    while rounds < 5 || begin.elapsed() < Duration::from_millis(60) {
        let start = Instant::now();
        layer.forward_into(picture.view(), output.view_mut())?;
        best = best.min(start.elapsed());
        rounds += 1;
    }
    Ok(2.0 * shape.macs()? as f64 / best.as_secs_f64() / 1e9)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let isa = match arguments.isa {
        Some(isa) => isa,
        None => Isa::selected()?,
    };
    let shapes = SHAPES.into_iter().filter(|shape| {
        arguments.shapes.is_empty() || arguments.shapes.iter().any(|part| shape.contains(part.as_str()))
    });
    pool(1)?.install(|| {
        let peak = (0..20).map(|_| fma_peak(isa)).fold(0.0, f64::max);
        println!("{isa}, shares of {peak:.0} GFLOP/s, least time of a call");
        println!(
            "{:28} {:>12} {:>9} {:>22} {:>9}",
            "", "specialized", "direct", "padded: specialized", "direct"
        );
        for text in shapes {
            let shape: Shape = text.parse()?;
            let share = |strategy, padded| match speed(&shape, isa, strategy, padded) {
                Ok(speed) => format!("{:.3}", speed / peak),
                Err(_) => "-".to_owned(),
            };
            let [a, b] = [Strategy::Specialized, Strategy::Direct].map(|strategy| share(strategy, false));
            let [c, d] = [Strategy::Specialized, Strategy::Direct].map(|strategy| share(strategy, true));
            println!("{text:28} {a:>12} {b:>9} {c:>22} {d:>9}");
        }
        Ok::<(), tapwise::Error>(())
    })?;
    Ok(())
}
