//! Every strategy on the problems of the quick report, timed by criterion on one pinned thread: `cargo bench`.
//!
//! Each layer is verified against f64 before it is timed. `cargo bench -- channels/im2col` runs
//! what has these words in its name.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ndarray::{Array3, Axis};
use tapwise::{Isa, Strategy};
use tapwise_bench::contenders::{self, Contender};
use tapwise_bench::machine::alone;
use tapwise_bench::measurement::Contest;
use tapwise_bench::problems::{Effort, Problem, TARGETS, group, sweeps};

/// The sweeps and the shapes with a share of the peak to reach.
fn convolutions(criterion: &mut Criterion) {
    if let Err(error) = alone() {
        fail(&error.to_string());
    }
    let selected = Isa::selected().unwrap_or_else(|error| fail(&error.to_string()));
    for problem in sweeps(Effort::Quick) {
        bench(criterion, problem, selected, &contenders::ALL);
    }
    let fast: Vec<Contender> = contenders::FAST.into_iter().filter_map(contenders::of).copied().collect();
    for target in TARGETS.iter().filter(|target| target.isa.is_available()) {
        bench(criterion, Problem { shape: target.shape(), group: group::TARGETS }, target.isa, &fast);
    }
}

/// One problem under one instruction set.
fn bench(criterion: &mut Criterion, problem: Problem, isa: Isa, contenders: &[Contender]) {
    let shape = problem.shape;
    let (Ok([height, width]), Ok(macs)) = (shape.output(), shape.macs()) else { return };
    let mut benches = criterion.benchmark_group(problem.group);
    benches.throughput(Throughput::Elements(2 * u64::try_from(macs).unwrap_or(u64::MAX)));
    let mut contest = Contest::new(problem);
    for contender in contenders {
        let layer = match contest.layer(contender.strategy, isa) {
            Ok(Ok(layer)) => layer,
            Ok(Err(reason)) => {
                eprintln!("{shape}: no {} under {isa}: {reason}", contender.strategy);
                continue;
            }
            Err(error) => fail(&error.to_string()),
        };
        // Ten runs of the slowest take seconds: it gets no more.
        let slow = contender.strategy == Strategy::Naive;
        benches.sample_size(if slow { 10 } else { 20 });
        benches.warm_up_time(Duration::from_millis(if slow { 50 } else { 200 }));
        benches.measurement_time(Duration::from_millis(if slow { 100 } else { 600 }));
        let mut verified = false;
        let picture = contest.pictures.index_axis(Axis(0), 0).to_owned();
        let mut output = Array3::zeros((height, width, shape.spec.c_out));
        let name = BenchmarkId::new(contender.strategy.name(), format!("{isa} {shape}"));
        benches.bench_function(name, |bencher| {
            // Here, so that what a filter leaves out costs nothing.
            if !verified {
                if let Err(error) = contest.verify(&layer, contender.strategy) {
                    fail(&error.to_string());
                }
                verified = true;
            }
            bencher.iter(|| layer.forward_into(picture.view(), output.view_mut()));
        });
    }
    benches.finish();
}

/// Ends the run: a wrong answer is not worth timing.
fn fail(reason: &str) -> ! {
    eprintln!("{reason}");
    std::process::exit(1)
}

criterion_group!(benches, convolutions);
criterion_main!(benches);
