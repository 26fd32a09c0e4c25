//! The dense layer as an opponent: how fast it reads its weights, beside a plain read of as much
//! memory: `cargo bench --bench dense`.
//!
//! Pictures of 128x128 to hidden pictures of 128x128, a gigabyte of weights; on 1 and on 2 threads. A
//! batch reads each weight once for many pictures, so that its rate in bytes falls while its rate in
//! sums rises.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ndarray::{Array2, Array3};
use rayon::prelude::*;
use tapwise::Isa;
use tapwise::dense::Dense;
use tapwise_bench::machine::{pool, read};
use tapwise_bench::{Error, reference::Noise};

const SIDE: usize = 128;

fn dense(criterion: &mut Criterion) {
    if let Err(error) = run(criterion) {
        eprintln!("{error}");
        std::process::exit(1)
    }
}

fn run(criterion: &mut Criterion) -> Result<(), Error> {
    let isa = Isa::selected()?;
    let size = [SIDE, SIDE, 1];
    let mut noise = Noise::new(0xde5e);
    let mut layer = Dense::zeros(size, size)?;
    layer.weights_mut().iter_mut().for_each(|weight| *weight = noise.unit());
    let picture = Array3::from_shape_simple_fn(size, || noise.unit());
    let mut hidden = Array3::zeros(size);
    let batch = Array2::from_shape_simple_fn((64, SIDE * SIDE), || noise.unit());

    let bytes = Dense::bytes(size, size);
    let mut benches = criterion.benchmark_group(format!("dense h{SIDE}w{SIDE}"));
    benches.throughput(Throughput::Bytes(u64::try_from(bytes).unwrap_or(u64::MAX)));
    benches.sample_size(10).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(4));
    for threads in [1, 2] {
        let pool = pool(threads)?;
        let weights = layer.weights();
        let weights = weights.as_slice().unwrap_or_default();
        benches.bench_function(BenchmarkId::new("plain read", threads), |bencher| {
            bencher.iter(|| {
                pool.install(|| {
                    weights.par_chunks(1 << 20).for_each(|part| {
                        black_box(read(isa, part));
                    });
                });
            });
        });
        benches.bench_function(BenchmarkId::new("one picture", threads), |bencher| {
            bencher.iter(|| pool.install(|| layer.forward_into(picture.view(), hidden.view_mut())));
        });
        benches.bench_function(BenchmarkId::new("batch of 64", threads), |bencher| {
            bencher.iter(|| pool.install(|| layer.forward_flat(batch.view())));
        });
    }
    benches.finish();
    Ok(())
}

criterion_group!(benches, dense);
criterion_main!(benches);
