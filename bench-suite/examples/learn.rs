//! Teaches a network to find a striped pattern in scenes cut from a photograph, and prints what it
//! gets right after every epoch.
//!
//! `cargo run --release --example learn -- [presence|place|side] [dense|convolution] [EPOCHS|rates]`
//!
//! With `rates`, every rate that was tried is run on five seeds of its own, and only the last epoch
//! printed: this is how the rates of the report were chosen.

use std::process::ExitCode;

use tapwise_bench::Error;
use tapwise_bench::learning::experiment::{Lesson, Run, best_rate, learn};
use tapwise_bench::learning::scenes::Album;
use tapwise_bench::learning::tasks::{Learner, RATES, Task};
use tapwise_bench::photograph::Photograph;

fn main() -> ExitCode {
    let mut lesson = Lesson::new(Task::Place, Learner::Convolution, 1);
    let mut rates = false;
    for word in std::env::args().skip(1) {
        match (word.as_str(), word.parse()) {
            ("presence", _) => lesson.task = Task::Presence,
            ("place", _) => lesson.task = Task::Place,
            ("side", _) => lesson.task = Task::Side,
            ("dense", _) => lesson.learner = Learner::Dense,
            ("convolution", _) => lesson.learner = Learner::Convolution,
            ("rates", _) => rates = true,
            (_, Ok(epochs)) => lesson.epochs = epochs,
            _ => {
                let wanted = "presence, place, side, dense, convolution, rates or a number of epochs";
                eprintln!("learn: {word:?} is none of {wanted}");
                return ExitCode::FAILURE;
            }
        }
    }
    lesson.rate = lesson.learner.rate(lesson.task);
    let done = if rates { compare(lesson) } else { show(lesson) };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("learn: {error}");
            ExitCode::FAILURE
        }
    }
}

/// One network, epoch by epoch.
fn show(lesson: Lesson) -> Result<(), Error> {
    let album = begin(lesson)?;
    let (run, _) = learn(&album, lesson)?;
    println!("{} parameters, rate {}, seed {}", run.parameters, run.rate, run.seed);
    for epoch in 0..=lesson.epochs {
        println!("epoch {epoch:>2}: {}", line(&run, epoch));
    }
    Ok(())
}

/// Every rate on five seeds.
fn compare(lesson: Lesson) -> Result<(), Error> {
    let album = begin(lesson)?;
    let mut runs = Vec::new();
    for rate in RATES {
        for seed in 1001..=1005 {
            let (run, _) = learn(&album, Lesson { rate, seed, ..lesson })?;
            println!("rate {rate}, seed {seed}: {}", line(&run, lesson.epochs));
            runs.push(run);
        }
    }
    if let Some(best) = best_rate(&runs) {
        println!("best: {best}");
    }
    Ok(())
}

fn begin(Lesson { task, learner, .. }: Lesson) -> Result<Album, Error> {
    println!("{} {}: {}", task.question(), learner.name(), learner.described(task));
    println!("right answers, %: {}", task.sets().join("; "));
    Ok(Album::new(&[Photograph::read(None)?.pixels()])?)
}

fn line(run: &Run, epoch: usize) -> String {
    let mut text = format!("loss {:.4}", run.loss.get(epoch).copied().unwrap_or(f64::NAN));
    for set in 0..run.right.len() {
        let share = run.shares(set).nth(epoch).unwrap_or(f64::NAN);
        text.push_str(&format!("  {:5.1}", 100.0 * share));
    }
    text
}
