//! Tunings from files, from the environment and from the program itself, and layers that are measured.

mod common;

use std::process::Command;

use common::Numbers;
use ndarray::{Array3, Array4};
use tapwise::cost::{Costs, Term};
use tapwise::tuning::{self, Host, Origin, TUNING_VARIABLE, Tuning};
use tapwise::{Conv2d, Error, Isa, Maker, Strategy, Verdict};

// Nobody has this machine: what is embedded is refused wherever this test runs.
tapwise::embed_tuning!("data/another-machine.txt");

fn layer() -> Conv2d {
    let filter: Array4<f32> = Numbers::new(3).array((3, 3, 8, 16));
    Conv2d::builder(filter.view()).build().unwrap()
}

/// A tuning for this machine by which the plain loops cost nothing.
fn loops_for_nothing() -> Tuning {
    let isa = Isa::selected().unwrap();
    let shipped = Costs::shipped(isa, Maker::here());
    let costs = Costs::new(|term| match term {
        Term::NaiveProducts | Term::NaiveOutputs | Term::Calls => 0.0,
        _ => shipped.get(term),
    });
    Tuning { host: Host::here(isa), costs, notes: Vec::new() }
}

/// Writes a text to a file of a name that no other process has.
fn written(name: &str, text: &str) -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("tapwise-{}-{name}.txt", std::process::id()));
    std::fs::write(&path, text).unwrap();
    path
}

/// One test, because what is loaded is of the whole process.
#[test]
fn a_tuning_is_loaded_for_layers_that_are_built_afterwards() {
    let before = layer();
    let embedded = before.explain([20, 20]);
    let Origin::Refused { file, reason } = &embedded.costs else { panic!("{embedded}") };
    assert_eq!(file, "data/another-machine.txt");
    assert!(reason.contains("Analytical Engine"), "{reason}");
    let said = embedded.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("from shipped coefficients; the tuning data/another-machine.txt is refused"),
        "{said}"
    );
    assert_ne!(embedded.strategy(), Strategy::Naive);

    // What cannot be used changes nothing.
    let fine = loops_for_nothing().to_string();
    for (name, text, wanted) in [
        ("machine", fine.replacen("processor = ", "processor = Abacus ", 1), "it is for the processor"),
        ("version", fine.replacen("version = ", "version = 9", 1), "its version is 9"),
        ("line", fine.replacen("calls = 0", "calls 0", 1), "wanted `key = value`"),
        ("key", fine.replacen("calls = 0", "", 1), "\"calls\" is missing"),
        ("negative", fine.replacen("calls = 0", "calls = -1", 1), "at least 0"),
        ("nan", fine.replacen("calls = 0", "calls = NaN", 1), "at least 0"),
    ] {
        let path = written(name, &text);
        let error = tuning::load(&path).unwrap_err();
        let Error::Tuning { file, reason } = &error else { panic!("{error}") };
        assert_eq!(*file, path.display().to_string());
        assert!(reason.contains(wanted), "{name}: {reason}");
        assert!(matches!(layer().explain([20, 20]).costs, Origin::Refused { .. }), "{name}");
        std::fs::remove_file(path).unwrap();
    }

    let path = written("fine", &fine);
    tuning::load(&path).unwrap();
    let after = layer().explain([20, 20]);
    assert_eq!(after.costs, Origin::Tuned { file: path.display().to_string() });
    assert_eq!(after.strategy(), Strategy::Naive);
    assert!(after.to_string().contains("from the tuning"), "{after}");
    // Another instruction set has no coefficients in the file.
    if let Some(other) = Isa::available().find(|isa| *isa != Isa::selected().unwrap()) {
        let filter = Array4::<f32>::ones((3, 3, 8, 16));
        let plan = Conv2d::builder(filter.view()).isa(other).build().unwrap().explain([20, 20]);
        assert!(
            matches!(&plan.costs, Origin::Refused { reason, .. } if reason.contains(other.name())),
            "{plan}"
        );
    }
    // A layer keeps the costs that it was built with.
    assert_eq!(before.explain([20, 20]), embedded);
    assert_ne!(before.explain([30, 30]).strategy(), Strategy::Naive);

    tuning::unload();
    assert!(matches!(layer().explain([20, 20]).costs, Origin::Refused { .. }));
    std::fs::remove_file(path).unwrap();
}

/// The variable is read once in the life of a process: each of its values takes a process.
#[test]
fn the_environment_names_a_tuning() {
    const CHILD: &str = "TAPWISE_TEST_CHILD";
    const NAME: &str = "the_environment_names_a_tuning";
    if std::env::var_os(CHILD).is_some() {
        let plan = layer().explain([20, 20]);
        println!("answer: {} {:?}", plan.strategy(), plan.costs);
        return;
    }
    let answer = |value: &std::path::Path| {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME, "--nocapture", "--test-threads=1"])
            .env(CHILD, "1")
            .env(TUNING_VARIABLE, value)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}");
        text.lines().find_map(|line| line.split_once("answer: ")).expect("an answer").1.to_owned()
    };
    let fine = loops_for_nothing().to_string();
    let path = written("environment", &fine);
    let found = answer(&path);
    assert!(found.starts_with("naive Tuned"), "{found}");
    std::fs::write(&path, fine.replacen("l2 = ", "l2 = 1", 1)).unwrap();
    let found = answer(&path);
    assert!(found.contains("Refused") && found.contains("cache of level 2"), "{found}");
    std::fs::remove_file(&path).unwrap();
    let found = answer(&path);
    assert!(found.contains("Refused") && found.contains("cannot be read"), "{found}");
}

#[test]
fn a_tuned_layer_runs_by_what_was_measured() {
    let layer = layer();
    let picture: Array3<f32> = Numbers::new(5).array((13, 17, 8));
    let before = layer.forward(picture.view()).unwrap();
    let plan = layer.tune([13, 17]).unwrap();
    assert_eq!(plan.costs, Origin::Measured);
    let times: Vec<f64> = plan.candidates.iter().filter_map(|candidate| candidate.measured).collect();
    assert!(times.len() >= 2 && times.is_sorted(), "{plan}");
    assert_eq!(plan.chosen().and_then(|chosen| chosen.measured), times.first().copied());
    for candidate in &plan.candidates {
        let refused = matches!(candidate.verdict, Verdict::Refused(_));
        assert_eq!(refused, candidate.measured.is_none(), "{candidate:?}");
        assert!(refused || candidate.error < 5e-5, "{candidate:?}");
    }
    let text = plan.to_string();
    assert!(text.contains("measured on this machine") && text.contains("(predicted: "), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 96), "{text}");
    assert_eq!(layer.explain([13, 17]), plan);
    // Other sizes, and other numbers of threads, are planned as before.
    assert_ne!(layer.explain([14, 17]).costs, Origin::Measured);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(rayon::current_num_threads() + 1).build().unwrap();
    assert_ne!(pool.install(|| layer.explain([13, 17])).costs, Origin::Measured);
    let after = layer.forward(picture.view()).unwrap();
    assert!(before.iter().zip(&after).all(|(a, b)| (a - b).abs() < 1e-4));
}

#[test]
fn a_tuned_layer_takes_another_filter() {
    let mut layer = layer();
    layer.tune([9, 12]).unwrap();
    let plan = layer.explain([9, 12]);
    let picture: Array3<f32> = Numbers::new(5).array((9, 12, 8));
    layer.forward(picture.view()).unwrap();
    let filter: Array4<f32> = Numbers::new(8).array((3, 3, 8, 16));
    let bias = ndarray::Array1::from_elem(16, 0.5f32);
    layer.replace_filter(filter.view(), bias.view()).unwrap();
    assert_eq!(layer.explain([9, 12]), plan);
    let found = layer.forward(picture.view()).unwrap();
    let wanted = layer.reference(picture.view()).unwrap();
    let fresh = Conv2d::builder(filter.view()).bias(bias.view()).build().unwrap();
    let other = fresh.forward(picture.view()).unwrap();
    for ((found, wanted), other) in found.iter().zip(&wanted).zip(&other) {
        assert!((f64::from(*found) - wanted).abs() < 1e-4 && (found - other).abs() < 1e-4);
    }
}

#[test]
fn tuning_measures_nothing_but_what_was_asked_for() {
    let filter: Array4<f32> = Numbers::new(3).array((3, 3, 4, 8));
    let layer = Conv2d::builder(filter.view()).strategy(Strategy::Im2colGemm).build().unwrap();
    let plan = layer.tune([10, 10]).unwrap();
    assert_eq!(plan.strategy(), Strategy::Im2colGemm);
    assert_eq!(plan.candidates.iter().filter(|candidate| candidate.measured.is_some()).count(), 1);
    let too_small = Conv2d::builder(filter.view()).padding(tapwise::Padding::Valid).build().unwrap();
    assert!(matches!(too_small.tune([2, 2]), Err(Error::FilterExceedsInput { .. })));
    // A filter of zeros has no root mean square, and one of infinities no answer to compare.
    for value in [0.0, f32::INFINITY, f32::NAN] {
        let filter = Array4::from_elem((1, 1, 4, 8), value);
        let layer = Conv2d::builder(filter.view()).build().unwrap();
        assert!(layer.tune([5, 6]).unwrap().chosen().is_some(), "{value}");
    }
}

#[test]
fn layers_are_tuned_and_run_by_several_threads_at_once() {
    let layer = layer();
    let picture: Array3<f32> = Numbers::new(5).array((9, 12, 8));
    let wanted = layer.reference(picture.view()).unwrap();
    std::thread::scope(|scope| {
        for index in 0..4 {
            let (layer, picture, wanted) = (&layer, &picture, &wanted);
            scope.spawn(move || {
                if index % 2 == 0 {
                    layer.tune([9, 12]).unwrap();
                }
                for _ in 0..20 {
                    let found = layer.forward(picture.view()).unwrap();
                    let alike = found.iter().zip(wanted).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-4);
                    assert!(alike);
                }
            });
        }
    });
}
