//! Transforms of rows against the exact sum, at sizes around the edges of their tiles.

mod common;

use common::cases::{Arrays, Case, pool};
use common::layouts::{Laid, Layout};
use common::{Numbers, instruction_sets, oracle};
use ndarray::{Array1, Array3, Array4, s};
use tapwise::{Conv2d, Isa, Padding, Planner, Shape, Strategy, Verdict};

fn case(shape: &str, bend: usize) -> Case {
    let shape: Shape = shape.parse().unwrap();
    Case { spec: shape.spec, input: shape.input, bias: true, bend, flip: bend == 4, seed: bend as u64 }
}

fn layer(case: &Case, arrays: &Arrays, isa: Isa) -> Conv2d {
    case.layer(arrays, Strategy::Fft, isa).unwrap()
}

/// By how much the answer is off at most, over the largest sum of sizes that a row could have.
fn off(case: &Case, arrays: &Arrays, isa: Isa) -> f64 {
    let found = layer(case, arrays, isa).forward(arrays.picture.view()).unwrap();
    let exact = case.oracle(arrays).unwrap();
    let largest = arrays.picture.iter().fold(0.0f64, |most, x| most.max(f64::from(x.abs())));
    let mut most = 0.0f64;
    for ((row, column, channel), value) in exact.value.indexed_iter() {
        let weights = arrays.filter.slice(s![.., .., .., channel % case.spec.c_out]);
        let size = largest * weights.iter().map(|weight| f64::from(weight.abs())).sum::<f64>();
        most = most.max((f64::from(found[[row, column, channel]]) - value).abs() / size);
    }
    most
}

#[test]
fn every_layer_is_the_sum_in_every_order_of_memory() {
    let shapes = [
        "h1w1 c1x1 k1x1",
        "h1w1 c1x1 k31x31",
        "h7w9 c1x1 k5x7 p0,0,0,0",
        "h5w7 c1x1 k5x7 p0,0,0,0",
        "h12w30 c3x2 k9x11 replicate",
        "h30w12 c2x4 k7x9 s2x3 reflect",
        "h9w25 c4x6 k3x5 g2 circular",
        "h11w40 c5x5 k5x9 g5",
        "h11w20 c3x6 k5x5 g3 p4,1,9,2",
        "h20w21 c1x3 k3x5 d3x2",
        "h23w17 c2x2 k4x6 s3x1 d2x3 reflect",
        "h40w3 c1x2 k2x3 s9x1",
        "h1w300 c1x1 k1x65",
        "h90w5 c1x1 k33x2",
        "h3w5 c1x1 k2x15",
        "h3w9 c1x1 k2x63 s1x2",
    ];
    for (index, shape) in shapes.into_iter().enumerate() {
        let case = case(shape, index % common::cases::BENDS);
        let arrays = case.arrays();
        let [height, width] = case.spec.output(case.input).unwrap();
        let residual: Array3<f32> = Numbers::new(7).array((height, width, case.spec.c_out));
        let exact = case.oracle_of_sum(&arrays, Some(residual.view())).unwrap();
        for isa in instruction_sets() {
            let layer = layer(&case, &arrays, isa);
            let bound = case.bound(&layer, &arrays);
            let mut first = None;
            for layout in Layout::ALL {
                let input = Laid::of(layout, arrays.picture.view());
                let more = Laid::of(layout, residual.view());
                let mut output = Laid::new(layout, [height, width, layer.channels()]);
                layer.forward_add_into(input.view(), more.view(), output.view_mut()).unwrap();
                assert!(output.surroundings_are_untouched(), "{shape} {isa} {layout:?}");
                let judged = oracle::judge(output.view(), &exact, bound);
                assert!(judged.is_ok(), "{shape} {isa} {layout:?}: {}", judged.unwrap_err());
                let found = output.view().to_owned();
                assert_eq!(*first.get_or_insert_with(|| found.clone()), found, "{shape} {isa} {layout:?}");
            }
        }
    }
}

/// Widths around those where another tile, another pair of tiles or another transform begins.
#[test]
fn sizes_around_the_edges_of_tiles() {
    for kernel in [5, 8] {
        let widths = (1..=35).chain([47, 48, 49, 63, 64, 65, 95, 96, 97, 127, 128, 129, 200, 201]);
        for width in widths {
            let case = case(&format!("h3w{width} c1x1 k2x{kernel}"), 0);
            let arrays = case.arrays();
            for isa in instruction_sets() {
                let off = off(&case, &arrays, isa);
                assert!(off < 3e-7, "{width} {kernel} {isa}: {off:e}");
            }
        }
    }
    // Blocks of 64 rows, and bands of any number of them.
    for height in [63, 64, 65, 127, 128, 129] {
        let case = case(&format!("h{height}w6 c1x1 k5x5"), 0);
        let arrays = case.arrays();
        let off = off(&case, &arrays, instruction_sets()[0]);
        assert!(off < 3e-7, "{height}: {off:e}");
    }
}

#[test]
fn threads_and_parts_do_not_change_a_bit() {
    let case = case("h150w90 c1x2 k9x9 replicate", 1);
    let arrays = case.arrays();
    for isa in instruction_sets() {
        let layer = layer(&case, &arrays, isa);
        let run = |threads| pool(threads).install(|| layer.forward(arrays.picture.view()).unwrap());
        let whole = run(1);
        pool(3).install(|| assert!(layer.explain(case.input).bands > 1, "{isa}: nothing was split"));
        assert_eq!(whole, run(3), "{isa}");
        let padding = Padding::Explicit { top: 0, bottom: 4, left: 4, right: 4 };
        let mut lower = Array3::zeros((40, 90, 2));
        layer
            .forward_padded_into(padding, arrays.picture.slice(s![106.., .., ..]), lower.view_mut())
            .unwrap();
        assert_eq!(lower, whole.slice(s![110.., .., ..]), "{isa}");
    }
}

/// Errors are within a share of the largest possible sum that grows with the logarithm of the
/// transform, whatever the numbers look like.
#[test]
fn errors_are_bounded_on_unfriendly_numbers() {
    type Pixel = fn(usize, usize, f32) -> f32;
    let pictures: [(&str, Pixel); 4] = [
        ("noise", |_, _, noise| noise),
        ("a large offset", |_, _, noise| 1000.0 + noise),
        (
            "signs in turn",
            |i, j, noise| if (i + j) % 2 == 0 { 1.0 + 0.1 * noise } else { -1.0 + 0.1 * noise },
        ),
        ("one bright pixel", |i, j, noise| if (i, j) == (9, 31) { 1e6 } else { noise }),
    ];
    for shape in ["h24w70 c1x1 k9x9", "h20w300 c1x1 k3x33", "h12w40 c6x2 k5x7"] {
        for (name, number) in pictures {
            for signs in [false, true] {
                let case = case(shape, 0);
                let mut arrays = case.arrays();
                for ((i, j, _), value) in arrays.picture.indexed_iter_mut() {
                    *value = number(i, j, *value);
                }
                // A filter whose sum is almost nothing, which an offset is to be lost in.
                for ((a, b, _, _), weight) in arrays.filter.indexed_iter_mut() {
                    if signs {
                        *weight = if (a + b) % 2 == 0 { 1.0 } else { -1.0 };
                    }
                }
                for isa in instruction_sets() {
                    let explanation = layer(&case, &arrays, isa).explain(case.input);
                    let doublings = explanation.chosen().unwrap().growth;
                    let bound = oracle::ROUNDING * doublings;
                    let off = off(&case, &arrays, isa);
                    assert!(off <= bound, "{shape} {isa}, {name}: {off:e}, wanted {bound:e}");
                }
            }
        }
    }
}

/// On numbers like noise the predicted error holds and is not idle.
#[test]
fn the_predicted_error_holds() {
    for shape in ["h40w90 c1x1 k5x5", "h40w90 c1x1 k15x15", "h20w40 c8x4 k7x7", "h4w1500 c1x1 k1x129"] {
        let case = Case { bias: false, ..case(shape, 0) };
        let arrays = case.arrays();
        let exact = case.oracle(&arrays).unwrap().value;
        let square = exact.mapv(|x| x * x).mean().unwrap().sqrt();
        for isa in instruction_sets() {
            let layer = layer(&case, &arrays, isa);
            let found = layer.forward(arrays.picture.view()).unwrap();
            let error =
                exact.iter().zip(&found).fold(0.0f64, |most, (e, f)| most.max((e - f64::from(*f)).abs()));
            let predicted = layer.explain(case.input).chosen().unwrap().error;
            let share = error / square / predicted;
            assert!((0.1..=1.0).contains(&share), "{shape} {isa}: {share} of the predicted {predicted:e}");
        }
    }
}

/// What is not finite makes NaN of the outputs that read it, and may make it of those of the same rows
/// in its pair of tiles; other rows keep every bit.
#[test]
fn what_is_not_finite_stays_in_its_rows() {
    let case = case("h30w70 c1x1 k5x7", 0);
    let arrays = case.arrays();
    for isa in instruction_sets() {
        let layer = layer(&case, &arrays, isa);
        let before = layer.forward(arrays.picture.view()).unwrap();
        for special in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut picture = arrays.picture.clone();
            picture[[12, 20, 0]] = special;
            let after = layer.forward(picture.view()).unwrap();
            for ((row, column, _), value) in after.indexed_iter() {
                let reads = (10..=14).contains(&row);
                if reads && (17..=23).contains(&column) {
                    assert!(value.is_nan(), "{isa} {special} {row} {column}: {value}");
                } else if !reads {
                    assert_eq!(*value, before[[row, column, 0]], "{isa} {special} {row} {column}");
                }
            }
        }
        let mut filter = arrays.filter.clone();
        filter[[0, 0, 0, 0]] = f32::INFINITY;
        let layer = Conv2d::builder(filter.view()).strategy(Strategy::Fft).isa(isa).build().unwrap();
        assert!(layer.forward(arrays.picture.view()).unwrap().iter().all(|value| value.is_nan()));
    }
}

#[test]
fn a_filter_that_is_replaced_leaves_nothing_behind() {
    let case = case("h20w33 c2x3 k5x7", 0);
    let arrays = case.arrays();
    let mut layer = layer(&case, &arrays, instruction_sets()[0]);
    let old = layer.forward(arrays.picture.view()).unwrap();
    let filter: Array4<f32> = Numbers::new(77).array((5, 7, 2, 3));
    let bias: Array1<f32> = Numbers::new(78).array(3);
    layer.replace_filter(filter.view(), bias.view()).unwrap();
    let fresh = Conv2d::builder(filter.view()).bias(bias.view()).strategy(Strategy::Fft).build().unwrap();
    let found = layer.forward(arrays.picture.view()).unwrap();
    assert_eq!(found, fresh.forward(arrays.picture.view()).unwrap());
    assert_ne!(found, old);
}

#[test]
fn large_filters_choose_transforms_and_small_ones_do_not() {
    for isa in instruction_sets() {
        let chosen = |kernel: usize, tolerance: f32| {
            let filter = Numbers::new(1).array((kernel, kernel, 1, 1));
            let layer = Conv2d::builder(filter.view()).isa(isa).tolerance(tolerance).build().unwrap();
            layer.explain([1080, 1920])
        };
        let plan = chosen(31, 5e-5);
        assert_eq!(plan.strategy(), Strategy::Fft, "{plan}");
        let workspace = plan.chosen().unwrap().workspace_bytes;
        assert!(workspace.scratch > 0 && workspace.scratch < plan.bands.max(1) * (4 << 20), "{plan}");
        let plan = chosen(3, 5e-5);
        assert_ne!(plan.strategy(), Strategy::Fft, "{plan}");
        let refused = plan.candidates.iter().find(|candidate| candidate.strategy == Strategy::Fft).unwrap();
        assert!(matches!(&refused.verdict, Verdict::Refused(reason) if reason.contains("columns")), "{plan}");
        let plan = chosen(31, 1e-6);
        assert_ne!(plan.strategy(), Strategy::Fft, "{plan}");
    }
}

/// Spectra that no machine holds are refused before anything is taken.
#[test]
fn spectra_beyond_memory_are_refused() {
    let shape: Shape = "h64w64 c60000x60000 k31x31".parse().unwrap();
    let planner = Planner { strategy: Strategy::Fft, ..Planner::default() };
    let machine = tapwise::Machine::detect(instruction_sets()[0]);
    let error = planner.choose(&shape.spec, shape.input, &machine).unwrap_err().to_string();
    assert!(error.contains("spectra"), "{error}");
}
