//! Choices as data: which strategy for which shape on a stated machine.

use super::*;
use crate::Padding;
use crate::isa::Isa;
use crate::processor::Maker;

fn machine(isa: Isa) -> Machine {
    Machine { isa, maker: Maker::Amd, threads: 2, l1: 32 << 10, l2: 1 << 20, l3: 32 << 20 }
}

#[test]
fn fewer_products_win_where_there_are_many_channels_and_tiled_kernels_elsewhere() {
    for (kernel, c_in, c_out) in [(3, 3, 16), (1, 256, 64), (4, 64, 64)] {
        let spec = ConvSpec::new([kernel, kernel], c_in, c_out);
        let plan = Planner::default().choose(&spec, [56, 56], &machine(Isa::Portable)).unwrap();
        assert_eq!(plan.strategy(), Strategy::Direct, "{spec}");
    }
    for (kernel, channels, side) in [(3, 64, 56), (3, 128, 28), (3, 256, 14), (5, 64, 56)] {
        let spec = ConvSpec::new([kernel, kernel], channels, channels);
        let plan = Planner::default().choose(&spec, [side, side], &machine(Isa::Portable)).unwrap();
        assert_eq!(plan.strategy(), Strategy::Winograd, "{spec}");
        let strided = ConvSpec { stride: [2, 2], ..spec };
        let plan = Planner::default().choose(&strided, [side, side], &machine(Isa::Portable)).unwrap();
        assert_ne!(plan.strategy(), Strategy::Winograd, "{strided}");
    }
}

#[test]
fn a_tile_that_is_asked_for_is_taken_and_one_that_there_is_not_is_an_error() {
    let spec = ConvSpec::new([3, 3], 64, 64);
    let forced = |tile| Planner { strategy: Strategy::Winograd, tile: Some(tile), ..Planner::default() };
    let plan = forced([6, 2]).choose(&spec, [56, 56], &machine(Isa::Portable)).unwrap();
    assert!(plan.chosen().unwrap().kernel.contains("F(6x2,3x3)"), "{plan}");
    let error = forced([5, 5]).choose(&spec, [56, 56], &machine(Isa::Portable)).unwrap_err().to_string();
    assert!(error.contains("5x5") && error.contains("2x2, 2x4, 2x6"), "{error}");
}

#[test]
fn a_tolerance_decides_the_tile() {
    let spec = ConvSpec::new([3, 3], 64, 64);
    let kernel = |tolerance| {
        let planner = Planner { tolerance, strategy: Strategy::Winograd, ..Planner::default() };
        let plan = planner.choose(&spec, [224, 224], &machine(Isa::Portable)).unwrap();
        plan.chosen().unwrap().kernel.clone()
    };
    // None is that exact: the most exact one is taken, since it was asked for.
    assert!(kernel(1e-9).contains("F(2x2,"), "{}", kernel(1e-9));
    assert!(kernel(2e-6).contains("F(2x2,"), "{}", kernel(2e-6));
    assert!(!kernel(1e-3).contains("F(2x2,"), "{}", kernel(1e-3));
}

#[test]
#[cfg(target_arch = "x86_64")]
fn weights_that_come_from_afar_decide_against_many_of_them() {
    // 36 MiB for tiles of 4x4 outputs, 9 MiB for the sum as it stands.
    let spec = ConvSpec::new([3, 3], 512, 512);
    let isa = Isa::Avx512;
    let plan = |machine| Planner::default().choose(&spec, [7, 7], &machine).unwrap();
    let near = Machine { isa, maker: Maker::Amd, threads: 1, l1: 48 << 10, l2: 1 << 20, l3: 32 << 20 };
    let far = Machine { maker: Maker::Intel, l2: 2 << 20, l3: 16 << 20, ..near };
    assert_eq!(plan(near).strategy(), Strategy::Winograd);
    assert_eq!(plan(far).strategy(), Strategy::Direct);
}

#[test]
fn small_work_is_not_split() {
    let spec = ConvSpec::new([3, 3], 3, 16);
    let plan = |side| Planner::default().choose(&spec, [side, side], &machine(Isa::Portable)).unwrap();
    assert_eq!(plan(8).bands, 1);
    assert_eq!(plan(256).bands, 2);
    assert_eq!(plan(2048).bands, 8);
}

#[test]
fn a_tolerance_that_nothing_meets_is_an_error_that_says_so() {
    let planner = Planner { tolerance: 1e-9, ..Planner::default() };
    let spec = ConvSpec::new([3, 3], 64, 64);
    let error = planner.choose(&spec, [56, 56], &machine(Isa::Portable)).unwrap_err().to_string();
    assert!(error.contains("1.0e-9") && error.contains("most exact"), "{error}");
}

#[test]
fn a_tight_tolerance_leaves_only_the_exact_sum() {
    let planner = Planner { tolerance: 1e-6, ..Planner::default() };
    let spec = ConvSpec::new([3, 3], 64, 64);
    let plan = planner.choose(&spec, [56, 56], &machine(Isa::Portable)).unwrap();
    assert_eq!(plan.strategy(), Strategy::Naive);
}

#[test]
fn a_specialisation_that_is_missing_names_the_line_to_add() {
    let planner = Planner { strategy: Strategy::Specialized, ..Planner::default() };
    let spec = ConvSpec { stride: [2, 2], ..ConvSpec::new([3, 5], 7, 9) };
    let error = planner.choose(&spec, [56, 56], &machine(Isa::Portable)).unwrap_err().to_string();
    assert!(
        error.contains("specialize! { { kernel: [3, 5], c_in: 7, c_out: 9, stride: [2, 2] } }"),
        "{error}"
    );
}

#[test]
fn an_explanation_says_how_rows_are_read() {
    let layer = ConvSpec { groups: 64, ..ConvSpec::new([3, 3], 64, 64) };
    let plan = |side, padding| {
        let spec = ConvSpec { padding, ..layer };
        Planner::default().choose(&spec, [side, side], &machine(Isa::Portable)).unwrap()
    };
    let borders = |plan: &Explanation| plan.chosen().unwrap().borders;
    assert_eq!(borders(&plan(112, Padding::Valid)), Borders::InPlace);
    assert_eq!(borders(&plan(3, Padding::Same)), Borders::Staged);
    let pointwise = ConvSpec::new([1, 1], 8, 64);
    let joined = Planner::default().choose(&pointwise, [7, 7], &machine(Isa::Portable)).unwrap();
    assert_eq!(borders(&joined), Borders::Joined);
    let cut = plan(112, Padding::Same);
    let Borders::Cut { left, right } = borders(&cut) else { panic!("{cut}") };
    let said = cut.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains(&format!("{left} pixels at the left and {right} at the right")), "{said}");
}

#[test]
fn an_explanation_fits_a_terminal() {
    let spec = ConvSpec::new([3, 3], 64, 64);
    let plan = Planner::default().choose(&spec, [56, 56], &machine(Isa::Portable)).unwrap();
    for line in plan.to_string().lines() {
        assert!(line.chars().count() <= 96, "{line}");
    }
}

/// Layers of many kinds.
fn layers() -> Vec<(ConvSpec, [usize; 2])> {
    let mut layers = Vec::new();
    for (kernel, c_in, c_out, groups) in [
        (1, 64, 128, 1),
        (3, 1, 1, 1),
        (3, 8, 4, 1),
        (3, 64, 64, 64),
        (5, 24, 24, 1),
        (3, 32, 32, 8),
        (7, 3, 64, 1),
    ] {
        for stride in [1, 2] {
            for dilation in [1, 2] {
                let spec = ConvSpec {
                    groups,
                    stride: [stride; 2],
                    dilation: [dilation; 2],
                    ..ConvSpec::new([kernel; 2], c_in, c_out)
                };
                layers.push((spec, [28, 30]));
            }
        }
    }
    layers
}

#[test]
fn every_candidate_has_a_cost_or_a_reason() {
    for (spec, input) in layers() {
        for &isa in Isa::ALL {
            for threads in [1, 2, 7] {
                let machine = Machine { threads, ..machine(isa) };
                let plan = Planner::default().choose(&spec, input, &machine).unwrap();
                assert!(
                    Strategy::ALL.iter().all(|all| plan.candidates.iter().any(|own| own.strategy == *all))
                );
                for candidate in &plan.candidates {
                    match (candidate.seconds, &candidate.verdict) {
                        (Some(seconds), _) => {
                            assert!(seconds.is_finite() && seconds > 0.0, "{spec} {candidate:?}");
                            assert!(
                                candidate.features.counted().all(|(_, count)| count > 0.0),
                                "{candidate:?}"
                            );
                        }
                        (None, Verdict::Refused(reason)) => assert!(!reason.is_empty()),
                        _ => panic!("{spec}: {candidate:?}"),
                    }
                }
                let [first, rest @ ..] = &plan.candidates[..] else { panic!("{plan}") };
                let may = |other: &&Candidate| other.verdict == Verdict::Slower;
                assert!(rest.iter().filter(may).all(|other| other.seconds >= first.seconds), "{plan}");
            }
        }
    }
}

#[test]
fn larger_pictures_cost_more() {
    let machine = Machine { threads: 1, ..machine(Isa::Portable) };
    for (spec, _) in layers() {
        let mut before: Vec<(String, f64)> = Vec::new();
        for side in [16, 32, 64, 128, 256] {
            let plan = Planner::default().choose(&spec, [side, side], &machine).unwrap();
            // The name of a transform changes with the size, a way is told by what it is.
            let way = |own: &Candidate| format!("{} {:?} {:?}", own.strategy, own.family, own.tile);
            let costs = plan.candidates.iter().filter_map(|own| Some((way(own), own.seconds?)));
            let costs: Vec<(String, f64)> = costs.collect();
            for (kernel, seconds) in &before {
                let (_, more) = costs.iter().find(|(own, _)| own == kernel).unwrap();
                assert!(more > seconds, "{spec} {kernel}: {side} pixels");
            }
            before = costs;
        }
    }
}

#[test]
fn more_threads_are_predicted_to_help_where_there_is_work() {
    let spec = ConvSpec::new([3, 3], 64, 64);
    let seconds = |side, threads| {
        let machine = Machine { threads, ..machine(Isa::Portable) };
        let plan = Planner::default().choose(&spec, [side, side], &machine).unwrap();
        plan.chosen().unwrap().seconds.unwrap()
    };
    assert!(seconds(112, 2) < 0.6 * seconds(112, 1));
    assert!(seconds(112, 8) < 0.3 * seconds(112, 1));
    assert_eq!(seconds(2, 2), seconds(2, 1));
}

#[test]
fn the_costs_of_the_model_decide() {
    use crate::cost::{Costs, Term};
    let spec = ConvSpec::new([3, 3], 64, 64);
    let shipped = Costs::shipped(Isa::Portable, Maker::Amd);
    let free = |terms: &'static [Term]| {
        let costs = Costs::new(|term| if terms.contains(&term) { 0.0 } else { shipped.get(term) });
        let planner = Planner { model: Model::tuned(Isa::Portable, costs, "a file"), ..Planner::default() };
        planner.choose(&spec, [56, 56], &machine(Isa::Portable)).unwrap()
    };
    let plan = free(&[Term::NaiveProducts, Term::NaiveOutputs, Term::Calls]);
    assert_eq!(plan.strategy(), Strategy::Naive);
    assert_eq!(plan.costs, Origin::Tuned { file: "a file".to_owned() });
    let plan = free(&[Term::Product, Term::Patches, Term::ProductPatches, Term::Finished, Term::PatchRuns]);
    assert_eq!(plan.strategy(), Strategy::Im2colGemm);
}

#[test]
fn the_memory_of_a_candidate_is_what_its_layer_takes() {
    use crate::Conv2d;
    use ndarray::{Array3, Array4};
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    // Work that is split, and work that is not: this runs without optimisation.
    let split = (ConvSpec { padding: Padding::Valid, ..ConvSpec::new([3, 3], 20, 17) }, [41, 43]);
    let small = layers().into_iter().map(|(spec, _)| (spec, [9, 20]));
    for (spec, input) in small.chain([split]) {
        let filter = Array4::<f32>::ones((spec.kernel[0], spec.kernel[1], spec.c_in_group(), spec.c_out));
        for strategy in [Strategy::Direct, Strategy::Im2colGemm, Strategy::Winograd] {
            let layer = Conv2d::builder(filter.view()).spec(&spec).strategy(strategy).build();
            let Ok(layer) = layer else { continue };
            pool.install(|| {
                let plan = layer.explain(input);
                let chosen = plan.chosen().unwrap();
                layer.forward(Array3::ones((input[0], input[1], spec.c_in)).view()).unwrap();
                // The last band may have fewer rows than the others, and need less.
                let (found, most) = (layer.scratch_bytes(), chosen.workspace_bytes.scratch);
                assert!(
                    found <= most && (plan.bands > 1 || found == most),
                    "{spec} {strategy}: {found} {most}"
                );
                assert!(2 * found >= most, "{spec} {strategy}: {found} {most}");
                // Kernels of several families share a layer; each candidate counts its own.
                let weights: usize = plan
                    .candidates
                    .iter()
                    .filter(|own| own.strategy == strategy)
                    .map(|own| own.workspace_bytes.weights)
                    .sum();
                // Of the tiles, those that run are packed.
                let weights = if chosen.tile.is_some() { chosen.workspace_bytes.weights } else { weights };
                assert_eq!(layer.packed_bytes(), weights, "{spec} {strategy}");
            });
        }
    }
}
