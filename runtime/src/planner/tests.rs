//! Choices as data: which strategy for which shape on a stated machine.

use super::*;
use crate::Padding;
use crate::isa::Isa;

fn machine(isa: Isa) -> Machine {
    Machine { isa, threads: 2, l1: 32 << 10, l2: 1 << 20, l3: 32 << 20 }
}

#[test]
fn tiled_kernels_win_wherever_there_are_channels() {
    for (kernel, c_in, c_out) in [(3, 64, 64), (3, 3, 16), (7, 3, 64), (1, 256, 64), (5, 24, 24)] {
        let spec = ConvSpec::new([kernel, kernel], c_in, c_out);
        let plan = Planner::default().choose(&spec, [56, 56], &machine(Isa::Portable)).unwrap();
        assert_eq!(plan.strategy(), Strategy::Direct, "{spec}");
        assert_eq!(plan.candidates.len(), Strategy::ALL.len());
    }
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
        assert!(line.len() <= 100, "{line}");
    }
}
