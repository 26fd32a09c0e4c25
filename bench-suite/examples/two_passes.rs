//! What two passes take where the filter is the sum of few products of a column and a row, beside the
//! fastest way that `Auto` finds in one pass, with kernels of the shape compiled.
//!
//! `cargo run --release --example two_passes -- [--isa avx2] [PART OF A SHAPE ...]`

use std::error::Error;
use std::time::{Duration, Instant};

use clap::Parser;
use ndarray::{Array3, Array4};
use tapwise::{Conv2d, Isa, Shape};
use tapwise_bench::machine::{fma_peak, pool};

tapwise::specialize! {
    { kernel: [[5, 5], [9, 9], [15, 15]], c_in: 1, c_out: 1 }
    { kernel: [[5, 5], [15, 15]], groups: 3, c_in: 3, c_out: 3 }
    { delta: 2, groups: 120, c_in: 120, c_out: 120 }
    { delta: 3, groups: 64, c_in: 64, c_out: 64 }
}

const SHAPES: [&str; 9] = [
    "h64w64 c1x1 k5x5",
    "h256w256 c1x1 k9x9",
    "h1080w1920 c1x1 k5x5",
    "h1080w1920 c1x1 k15x15",
    "h1080w1920 c1x1 k31x31",
    "h1080w1920 c3x3 k5x5 g3",
    "h1080w1920 c3x3 k15x15 g3",
    "h28w28 c120x120 k5x5 g120",
    "h56w56 c64x64 k7x7 g64",
];

/// Measures two passes on one core.
#[derive(Parser)]
struct Arguments {
    /// The instruction set; the best of the machine unless said.
    #[arg(long, value_parser = Isa::named)]
    isa: Option<Isa>,
    /// Only shapes that contain one of these.
    shapes: Vec<String>,
}

/// A filter that is the sum of `rank` products, one for all channels or one for each.
fn filter(shape: &Shape, rank: usize, shared: bool) -> Array4<f32> {
    let [rows, columns] = shape.spec.kernel;
    let weight = |at: usize, seed: usize| ((at * 7 + seed * 3 + 2) % 11) as f32 - 5.3;
    Array4::from_shape_fn((rows, columns, 1, shape.spec.c_out), |(a, b, _, d)| {
        let d = if shared { 0 } else { d };
        (0..rank).map(|term| weight(a, term + d) * weight(b, term * 5 + 1 + d)).sum()
    })
}

/// Whether `Auto` takes two passes.
fn chosen(shape: &Shape, isa: Isa, rank: usize, shared: bool) -> Result<bool, tapwise::Error> {
    let layer = Conv2d::builder(filter(shape, rank, shared).view()).spec(&shape.spec).isa(isa).build()?;
    Ok(layer.explain(shape.input).chosen().is_some_and(|chosen| chosen.rank.is_some()))
}

/// The least seconds of a call, and the strategy that ran.
fn measure(
    shape: &Shape,
    isa: Isa,
    rank: usize,
    shared: bool,
    two: bool,
) -> Result<(f64, String), tapwise::Error> {
    let filter = filter(shape, rank, shared);
    let layer = Conv2d::builder(filter.view()).spec(&shape.spec).two_passes(two).isa(isa).build()?;
    let [rows, columns] = shape.output()?;
    let picture = Array3::from_elem((shape.input[0], shape.input[1], shape.spec.c_in), 0.5);
    let mut output = Array3::from_elem((rows, columns, shape.spec.c_out), 0.0);
    let begin = Instant::now();
    let (mut best, mut rounds) = (Duration::MAX, 0);
    while rounds < 5 || begin.elapsed() < Duration::from_millis(60) {
        let start = Instant::now();
        layer.forward_into(picture.view(), output.view_mut())?;
        best = best.min(start.elapsed());
        rounds += 1;
    }
    let plan = layer.explain(shape.input);
    let ran = plan.chosen().map(|chosen| chosen.strategy.to_string()).unwrap_or_default();
    Ok((best.as_secs_f64(), ran))
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
        println!(
            "{isa}, peak {peak:.0} GFLOP/s; least microseconds of a call, and how much faster than one pass; * chosen by Auto"
        );
        println!(
            "{:28} {:>22} {:>16} {:>16} {:>16} {:>16}",
            "", "one pass", "rank 1", "of each channel", "rank 2", "rank 3"
        );
        for text in shapes {
            let shape: Shape = text.parse()?;
            let (one, ran) = measure(&shape, isa, 1, true, false)?;
            let mut line = format!("{text:28} {:>10.1} {ran:>11}", one * 1e6);
            for (rank, shared) in [(1, true), (1, false), (2, true), (3, true)] {
                let cell = if shape.spec.c_in == 1 && !shared {
                    "-".to_owned()
                } else {
                    let (two, _) = measure(&shape, isa, rank, shared, true)?;
                    let mark = if chosen(&shape, isa, rank, shared)? { "*" } else { " " };
                    format!("{:.1} {:>5.2}x{mark}", two * 1e6, one / two)
                };
                line += &format!(" {cell:>16}");
            }
            println!("{line}");
        }
        Ok::<(), tapwise::Error>(())
    })?;
    Ok(())
}
