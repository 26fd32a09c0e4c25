//! Random layers on random pictures: every strategy against the exact sum, in every memory order.

mod common;

use std::sync::OnceLock;

use common::layouts::{Laid, Layout};
use common::{Numbers, oracle};
use ndarray::{Array1, Array3, Array4, Axis, s};
use proptest::prelude::*;
use proptest::sample::select;
use rayon::{ThreadPool, ThreadPoolBuilder};
use tapwise::{Activation, Border, Conv2d, ConvSpec, Error, Padding, Strategy as Path};

/// A layer and a picture for it. The numbers follow from the seed.
#[derive(Debug, Clone)]
struct Case {
    spec: ConvSpec,
    input: [usize; 2],
    bias: bool,
    relu: bool,
    flip: bool,
    seed: u64,
}

/// Channels of a group: around the lanes of every instruction set, and small numbers.
fn channels() -> impl Strategy<Value = usize> {
    prop_oneof![
        3 => 1usize..=9,
        2 => 1usize..=40,
        3 => select(vec![12, 15, 16, 17, 23, 24, 25, 31, 32, 33, 39, 40]),
    ]
}

/// Heights are small, so that widths may be large.
fn sides() -> impl Strategy<Value = [usize; 2]> {
    let wide = prop_oneof![1usize..=40, select(vec![1, 6, 7, 8, 12, 13, 14, 15, 16, 17, 28, 29, 30])];
    let high = prop_oneof![8 => 1usize..=6, 1 => 7usize..=40];
    (high, wide).prop_map(|(height, width)| if height > 6 { [height, width.min(9)] } else { [height, width] })
}

fn pair(most: usize) -> impl Strategy<Value = [usize; 2]> {
    prop_oneof![
        2 => Just([1, 1]),
        1 => (1..=most).prop_map(|both| [both, both]),
        2 => [1..=most, 1..=most],
    ]
}

fn padding() -> impl Strategy<Value = Padding> {
    let little = [0usize..=2, 0usize..=2, 0usize..=2, 0usize..=2];
    let much = [0usize..=11, 0usize..=11, 0usize..=11, 0usize..=11];
    prop_oneof![
        3 => Just(Padding::Same),
        2 => Just(Padding::Valid),
        3 => prop_oneof![2 => little, 1 => much]
            .prop_map(|[top, bottom, left, right]| Padding::Explicit { top, bottom, left, right }),
    ]
}

fn border() -> impl Strategy<Value = Border> {
    prop_oneof![3 => Just(Border::Zero), 3 => select(Border::ALL.to_vec())]
}

fn case() -> impl Strategy<Value = Case> {
    let kernel = prop_oneof![[1usize..=7, 1usize..=7], (0usize..=3).prop_map(|delta| [2 * delta + 1; 2])];
    let groups = prop_oneof![4 => Just((1, None)), 2 => (2usize..=5).prop_map(|groups| (groups, None)),
        // Depthwise, with one or a few outputs for each input.
        2 => (1usize..=40, 1usize..=3).prop_map(|(groups, multiplier)| (groups, Some(multiplier)))];
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<u64>());
    (kernel, pair(3), pair(3), (groups, channels(), channels()), padding(), border(), sides(), flags)
        .prop_map(
            |(
                kernel,
                stride,
                dilation,
                ((groups, depthwise), c_in, c_out),
                padding,
                border,
                input,
                flags,
            )| {
                let [c_in, c_out] = match (groups, depthwise) {
                    (1, None) => [c_in, c_out],
                    (groups, None) => [groups * c_in.min(9), groups * c_out.div_ceil(2)],
                    (groups, Some(multiplier)) => [groups, groups * multiplier],
                };
                let mut spec = ConvSpec::new(kernel, c_in, c_out);
                (spec.stride, spec.dilation, spec.groups, spec.padding, spec.border) =
                    (stride, dilation, groups, padding, border);
                // Most pictures have room for the filter: as many pixels more as were drawn.
                let mut input = input;
                for (axis, length) in input.iter_mut().enumerate() {
                    if oracle::axis(&spec, axis, *length).1.is_none() && flags.3 % 16 != 0 {
                        *length += spec.extent()[axis] - 1;
                    }
                }
                // Few enough multiply-adds that many cases can be run without optimisation.
                for (axis, extent) in spec.extent().into_iter().enumerate() {
                    while spec.macs(input).is_ok_and(|macs| macs > 250_000) && input[axis] > extent {
                        input[axis] -= (input[axis] - extent).div_ceil(2);
                    }
                }
                let [relu, bias, flip] = [flags.0, flags.1, flags.2];
                Case { spec, input, bias, relu, flip, seed: flags.3 }
            },
        )
}

/// The arrays of a case.
struct Arrays {
    filter: Array4<f32>,
    bias: Option<Array1<f32>>,
    picture: Array3<f32>,
}

impl Case {
    fn arrays(&self) -> Arrays {
        let (spec, mut numbers) = (&self.spec, Numbers::new(self.seed));
        Arrays {
            filter: numbers.array((spec.kernel[0], spec.kernel[1], spec.c_in_group(), spec.c_out)),
            bias: self.bias.then(|| numbers.array(spec.c_out)),
            picture: numbers.array((self.input[0], self.input[1], spec.c_in)),
        }
    }

    fn activation(&self) -> Activation {
        if self.relu { Activation::Relu } else { Activation::Identity }
    }

    fn layer(&self, arrays: &Arrays, path: Path, isa: tapwise::Isa) -> Result<Conv2d, TestCaseError> {
        let mut builder = Conv2d::builder(arrays.filter.view())
            .spec(&self.spec)
            .activation(self.activation())
            .flip(self.flip)
            .strategy(path)
            .isa(isa);
        if let Some(bias) = &arrays.bias {
            builder = builder.bias(bias.view());
        }
        builder.build().map_err(|error| TestCaseError::fail(format!("{path} {isa}: {error}")))
    }

    /// The exact answer, or nothing where the filter does not fit the padded picture.
    fn oracle(&self, arrays: &Arrays) -> Option<oracle::Answer> {
        let turned = arrays.filter.slice(s![..;-1, ..;-1, .., ..]);
        let filter = if self.flip { turned } else { arrays.filter.view() };
        let bias = arrays.bias.as_ref().map(|bias| bias.view());
        oracle::answer(&self.spec, filter, bias, self.activation(), arrays.picture.view())
    }

    /// The layer on the same picture in some order of memory, into some other one.
    fn run(
        &self,
        layer: &Conv2d,
        picture: &Array3<f32>,
        from: Layout,
        to: Layout,
    ) -> Result<Array3<f32>, TestCaseError> {
        let input = Laid::of(from, picture.view());
        let [height, width] = layer.spec().output(self.input).unwrap();
        let mut output = Laid::new(to, [height, width, self.spec.c_out]);
        layer
            .forward_into(input.view(), output.view_mut())
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert!(
            output.surroundings_are_untouched(),
            "{from:?} to {to:?} wrote beside its output, or not all of it"
        );
        Ok(output.view().to_owned())
    }

    fn layouts(&self) -> [Layout; 2] {
        let mut numbers = Numbers::new(self.seed ^ 0x5EED);
        [0; 2].map(|_| Layout::ALL[numbers.below(Layout::ALL.len())])
    }
}

/// Every path that serves any layer, with each instruction set that it depends on.
fn paths() -> Vec<(Path, tapwise::Isa)> {
    let sets = common::instruction_sets();
    let best = sets[0];
    let direct = sets.into_iter().map(|isa| (Path::Direct, isa));
    direct.chain([(Path::Im2colGemm, best), (Path::Naive, best), (Path::Auto, best)]).collect()
}

fn bits(array: &Array3<f32>) -> Vec<u32> {
    array.iter().map(|value| value.to_bits()).collect()
}

fn pool(threads: usize) -> &'static ThreadPool {
    static POOLS: [OnceLock<ThreadPool>; 2] = [const { OnceLock::new() }; 2];
    POOLS[usize::from(threads > 1)]
        .get_or_init(|| ThreadPoolBuilder::new().num_threads(threads).build().unwrap())
}

fn config(cases: u32) -> ProptestConfig {
    // `PROPTEST_CASES` may ask for fewer, where code is emulated.
    let most = std::env::var("PROPTEST_CASES").ok().and_then(|most| most.parse().ok()).unwrap_or(cases);
    ProptestConfig { cases: cases.min(most), failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(160))]

    /// Every strategy agrees with the exact sum, whatever the memory looks like.
    #[test]
    fn every_strategy_computes_the_sum_of_the_textbook(case in case()) {
        let arrays = case.arrays();
        let [from, to] = case.layouts();
        let answer = case.oracle(&arrays);
        for (path, isa) in paths() {
            let layer = case.layer(&arrays, path, isa)?;
            let Some(answer) = &answer else {
                let refused = layer.forward(arrays.picture.view());
                prop_assert!(matches!(refused, Err(Error::FilterExceedsInput { .. })), "{path} {isa}: {refused:?}");
                continue;
            };
            let found = case.run(&layer, &arrays.picture, from, to)?;
            // The naive sum is rounded once.
            let bound = if path == Path::Naive { oracle::ROUNDING } else { oracle::bound(case.spec.taps()) };
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
        let [from, to] = case.layouts();
        for (path, isa) in paths() {
            let layer = case.layer(&arrays, path, isa)?;
            let found = case.run(&layer, &arrays.picture, from, to)?;
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
        let [from, to] = case.layouts();
        let pictures = Numbers::new(case.seed ^ 0xBA7C4).array((batch, case.input[0], case.input[1], case.spec.c_in));
        for (path, isa) in paths() {
            let layer = case.layer(&arrays, path, isa)?;
            let singles: Vec<Array3<f32>> =
                pictures.outer_iter().map(|picture| layer.forward(picture).unwrap()).collect();
            let planar = common::planar_batch(pictures.view());
            let batches = [
                ("HWC", layer.forward_batch(pictures.view()).unwrap()),
                ("planar", layer.forward_batch(planar.view()).unwrap()),
                ("one thread", pool(1).install(|| layer.forward_batch(pictures.view())).unwrap()),
                ("three threads", pool(3).install(|| layer.forward_batch(pictures.view())).unwrap()),
            ];
            for (index, single) in singles.iter().enumerate() {
                let picture = pictures.index_axis(Axis(0), index).to_owned();
                let into = case.run(&layer, &picture, from, to)?;
                prop_assert_eq!(bits(single), bits(&into), "{} {}: forward and forward_into, {:?} to {:?}", path, isa, from, to);
                for (name, outputs) in &batches {
                    let found = outputs.index_axis(Axis(0), index).to_owned();
                    prop_assert_eq!(bits(single), bits(&found), "{} {}: forward and forward_batch, {}", path, isa, name);
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
        let case =
            Case { spec: shape.spec, input: shape.input, bias: true, relu: true, flip: false, seed: 5 };
        let arrays = case.arrays();
        for (path, isa) in paths().into_iter().filter(|(path, _)| (*path == Path::Naive) == loops) {
            let layer = case.layer(&arrays, path, isa).unwrap();
            let run = |threads: usize, layout: Layout| {
                pool(threads).install(|| {
                    let split = layer.explain(shape.input).bands > 1;
                    assert_eq!(split, threads > 1, "{shape} {path} {isa} on {threads} threads");
                    case.run(&layer, &arrays.picture, layout, layout).unwrap()
                })
            };
            let one = run(1, Layout::Hwc);
            for layout in [Layout::Hwc, Layout::Planar, Layout::Reversed] {
                assert!(bits(&one) == bits(&run(3, layout)), "{shape} {path} {isa} {layout:?}");
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
