//! Random layers on random pictures: every strategy against the exact sum, in every memory order.

mod common;

use common::cases::{Case, case, config, paths, pool};
use common::layouts::{Laid, Layout};
use common::{Numbers, oracle};
use ndarray::{Array3, Array4, Axis};
use proptest::prelude::*;
use tapwise::{Conv2d, Error, Strategy as Path};

/// A layer on the same picture in some order of memory, into some other one.
fn run(
    layer: &Conv2d,
    picture: &Array3<f32>,
    from: Layout,
    to: Layout,
) -> Result<Array3<f32>, TestCaseError> {
    let input = Laid::of(from, picture.view());
    let [height, width] = layer.spec().output([picture.dim().0, picture.dim().1]).unwrap();
    let mut output = Laid::new(to, [height, width, layer.channels()]);
    layer
        .forward_into(input.view(), output.view_mut())
        .map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert!(
        output.surroundings_are_untouched(),
        "{from:?} to {to:?} wrote beside its output, or not all of it"
    );
    Ok(output.view().to_owned())
}

/// Two orders of memory that follow from a case's seed.
fn layouts(case: &Case) -> [Layout; 2] {
    let mut numbers = Numbers::new(case.seed ^ 0x5EED);
    [0; 2].map(|_| Layout::ALL[numbers.below(Layout::ALL.len())])
}

/// Whether two calls of a layer answered alike: with the same bits, but where the product of a
/// library sums in an order of its own for every number of rows, as it does on aarch64.
fn alike(path: Path, one: &Array3<f32>, other: &Array3<f32>) -> bool {
    let by_library = matches!(path, Path::Im2colGemm | Path::Auto) && cfg!(target_arch = "aarch64");
    let size = one.iter().fold(1.0f32, |most, value| most.max(value.abs()));
    one.dim() == other.dim()
        && one.iter().zip(other).all(|(one, other)| {
            one.to_bits() == other.to_bits() || (by_library && (one - other).abs() <= 1e-5 * size)
        })
}

/// Whether a layer is computed the same way here as on so many threads: what is left open may be done
/// otherwise where more threads share it.
fn one_way(layer: &Conv2d, case: &Case, threads: usize) -> bool {
    let way = || layer.explain(case.input).chosen().map(|chosen| (chosen.kernel.clone(), chosen.tile));
    way() == pool(threads).install(way)
}

proptest! {
    #![proptest_config(config(160))]

    /// Every strategy agrees with the exact sum, whatever the memory looks like.
    #[test]
    fn every_strategy_computes_the_sum_of_the_textbook(case in case()) {
        let arrays = case.arrays();
        let [from, to] = layouts(&case);
        let answer = case.oracle(&arrays);
        for (path, isa) in paths() {
            let layer = case.layer(&arrays, path, isa)?;
            let Some(answer) = &answer else {
                let refused = layer.forward(arrays.picture.view());
                prop_assert!(matches!(refused, Err(Error::FilterExceedsInput { .. })), "{path} {isa}: {refused:?}");
                continue;
            };
            let found = run(&layer, &arrays.picture, from, to)?;
            // The naive sum is rounded once.
            let bound =
                if path == Path::Naive { oracle::ROUNDING.into() } else { case.bound(&layer, &arrays) };
            let judged = oracle::judge(found.view(), answer, bound);
            prop_assert!(judged.is_ok(), "{path} {isa}, {from:?} to {to:?}: {}", judged.unwrap_err());
        }
        if let Some(answer) = &answer {
            let layer = case.layer(&arrays, Path::Naive, common::instruction_sets()[0])?;
            let reference = layer.reference(arrays.picture.view()).unwrap();
            for (place, reference) in reference.indexed_iter() {
                let off = (reference - answer.value[place]).abs();
                prop_assert!(off <= 1e-13 * answer.scale[place], "the reference itself is off by {off:e} at {place:?}");
            }
        }
    }

    /// A residual in any memory order is added before the activation, with the same bits on any number
    /// of threads.
    #[test]
    fn a_residual_is_added_before_the_activation(case in case()) {
        let arrays = case.arrays();
        let Ok([height, width]) = case.spec.output(case.input) else { return Ok(()) };
        let residual: Array3<f32> =
            Numbers::new(case.seed ^ 0x2E5).array((height, width, case.spec.c_out));
        let Some(answer) = case.oracle_of_sum(&arrays, Some(residual.view())) else { return Ok(()) };
        let [from, to] = layouts(&case);
        let laid = Laid::of(from, residual.view());
        for (path, isa) in paths() {
            let layer = case.layer(&arrays, path, isa)?;
            let mut output = Laid::new(to, [height, width, layer.channels()]);
            layer.forward_add_into(arrays.picture.view(), laid.view(), output.view_mut()).unwrap();
            prop_assert!(output.surroundings_are_untouched());
            let judged = oracle::judge(output.view(), &answer, case.bound(&layer, &arrays));
            prop_assert!(judged.is_ok(), "{path} {isa}, {from:?} to {to:?}: {}", judged.unwrap_err());
            let other = pool(3).install(|| layer.forward_add(arrays.picture.view(), residual.view())).unwrap();
            let same = alike(path, &output.view().to_owned(), &other);
            prop_assert!(same || !one_way(&layer, &case, 3), "{path} {isa}: threads");
            let judged = oracle::judge(other.view(), &answer, pool(3).install(|| case.bound(&layer, &arrays)));
            prop_assert!(judged.is_ok(), "{path} {isa}, three threads: {}", judged.unwrap_err());
        }
    }

    /// NaN and infinities in picture, filter and bias come out where IEEE says.
    #[test]
    fn nan_and_infinities_flow_through(case in case(), specials in 1usize..6) {
        let mut arrays = case.arrays();
        let mut numbers = Numbers::new(case.seed ^ 0x0DD);
        for _ in 0..specials {
            let special = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY][numbers.below(3)];
            let (chosen, at) = (numbers.below(5), numbers.next_bits() as usize);
            let target = match (chosen, &mut arrays.bias) {
                (0, Some(bias)) => bias.as_slice_mut(),
                (1, _) => arrays.filter.as_slice_mut(),
                _ => arrays.picture.as_slice_mut(),
            };
            let target = target.unwrap();
            let length = target.len();
            target[at % length] = special;
        }
        let Some(answer) = case.oracle(&arrays) else { return Ok(()) };
        let [from, to] = layouts(&case);
        for (path, isa) in paths() {
            let layer = case.layer(&arrays, path, isa)?;
            if matches!(layer.explain(case.input).strategy(), Path::Winograd | Path::Fft) {
                // See `tests/winograd.rs` and `tests/fft.rs`.
                continue;
            }
            let found = run(&layer, &arrays.picture, from, to)?;
            let judged = oracle::judge(found.view(), &answer, oracle::bound(case.spec.taps()));
            prop_assert!(judged.is_ok(), "{path} {isa}, {from:?} to {to:?}: {}", judged.unwrap_err());
        }
    }

}

proptest! {
    #![proptest_config(config(24))]

    /// Every way to call a layer gives the same bits.
    #[test]
    fn every_call_gives_the_same_bits(case in case(), batch in 1usize..4) {
        let arrays = case.arrays();
        if case.oracle(&arrays).is_none() {
            return Ok(());
        }
        let [from, to] = layouts(&case);
        let pictures = Numbers::new(case.seed ^ 0xBA7C4).array((batch, case.input[0], case.input[1], case.spec.c_in));
        for (path, isa) in paths() {
            let layer = case.layer(&arrays, path, isa)?;
            let singles: Vec<Array3<f32>> =
                pictures.outer_iter().map(|picture| layer.forward(picture).unwrap()).collect();
            let planar = common::planar_batch(pictures.view());
            let batches = [
                ("HWC", None, layer.forward_batch(pictures.view()).unwrap()),
                ("planar", None, layer.forward_batch(planar.view()).unwrap()),
                ("one thread", Some(1), pool(1).install(|| layer.forward_batch(pictures.view())).unwrap()),
                ("three threads", Some(3), pool(3).install(|| layer.forward_batch(pictures.view())).unwrap()),
            ];
            for (index, single) in singles.iter().enumerate() {
                let picture = pictures.index_axis(Axis(0), index).to_owned();
                let into = run(&layer, &picture, from, to)?;
                prop_assert!(alike(path, single, &into), "{} {}: forward and forward_into, {:?} to {:?}", path, isa, from, to);
                for (name, threads, outputs) in &batches {
                    if threads.is_some_and(|threads| !one_way(&layer, &case, threads)) {
                        continue;
                    }
                    let found = outputs.index_axis(Axis(0), index).to_owned();
                    prop_assert!(alike(path, single, &found), "{} {}: forward and forward_batch, {}", path, isa, name);
                }
            }
        }
    }
}

/// Work large enough to be split is computed in the same bits by one thread and by three.
#[test]
fn threads_do_not_change_a_bit() {
    // Little more work than is worth splitting; loops are slow enough to be split sooner.
    let tiled = ["h41w40 c16x17 k3x3", "h60w60 c7x24 k3x5 s2x1 replicate", "h50w50 c24x24 k3x3 g2"];
    let loops = ["h21w20 c5x7 k3x3", "h30w20 c4x6 k3x5 s2x1 replicate"];
    let shapes = tiled.into_iter().map(|shape| (shape, false)).chain(loops.map(|shape| (shape, true)));
    for (shape, loops) in shapes {
        let shape: tapwise::Shape = shape.parse().unwrap();
        let case = Case { spec: shape.spec, input: shape.input, bias: true, bend: 1, flip: false, seed: 5 };
        let arrays = case.arrays();
        for (path, isa) in paths().into_iter().filter(|(path, _)| (*path == Path::Naive) == loops) {
            let layer = case.layer(&arrays, path, isa).unwrap();
            let run = |threads: usize, layout: Layout| {
                pool(threads).install(|| {
                    let plan = layer.explain(shape.input);
                    let split = plan.bands.max(plan.parts) > 1;
                    // What is open may be done by less work, too little to be split.
                    let enough = threads > 1 && path != Path::Auto;
                    assert!(split || !enough, "{shape} {path} {isa} on {threads} threads");
                    let kernel = plan.chosen().map(|chosen| chosen.kernel.clone());
                    (kernel, run(&layer, &arrays.picture, layout, layout).unwrap())
                })
            };
            let (kernel, one) = run(1, Layout::Hwc);
            for layout in [Layout::Hwc, Layout::Planar, Layout::Reversed] {
                let (own, many) = run(3, layout);
                // What is left open may be done otherwise where more threads share it.
                assert!(
                    path == Path::Auto || path == Path::Winograd || own == kernel,
                    "{shape} {path} {isa}: {own:?}"
                );
                assert!(own != kernel || alike(path, &one, &many), "{shape} {path} {isa} {layout:?}");
            }
        }
    }
}

/// An output that the library allocates has the memory order of the input.
#[test]
fn an_output_has_the_memory_order_of_its_input() {
    let filter = Numbers::new(1).array((3, 3, 4, 6));
    let layer = Conv2d::builder(filter.view()).build().unwrap();
    let picture: Array3<f32> = Numbers::new(2).array((5, 7, 4));
    let interleaved = layer.forward(picture.view()).unwrap();
    assert_eq!(interleaved.strides(), [7 * 6, 6, 1]);
    let planar = layer.forward(common::planar(picture.view()).view()).unwrap();
    assert_eq!(planar.strides(), [7, 1, 5 * 7]);
    assert_eq!(interleaved, planar);
    let batch: Array4<f32> = Numbers::new(2).array((3, 5, 7, 4));
    assert_eq!(layer.forward_batch(batch.view()).unwrap().strides(), [5 * 7 * 6, 7 * 6, 6, 1]);
    let planar = common::planar_batch(batch.view());
    assert_eq!(layer.forward_batch(planar.view()).unwrap().strides(), [5 * 7 * 6, 7, 1, 5 * 7]);
}
