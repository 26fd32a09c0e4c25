//! Random layers with their pictures, for tests that hold for every layer.

use std::sync::OnceLock;

use ndarray::{Array1, Array3, Array4, ArrayView3, s};
use proptest::prelude::*;
use proptest::sample::select;
use rayon::{ThreadPool, ThreadPoolBuilder};
use tapwise::{Activation, Border, Conv2d, ConvSpec, Padding, Strategy as Path};

use super::{Numbers, instruction_sets, oracle};

/// A layer and a picture for it. The numbers follow from the seed.
#[derive(Debug, Clone)]
pub struct Case {
    pub spec: ConvSpec,
    pub input: [usize; 2],
    pub bias: bool,
    /// Which activation, see [`Case::activation`].
    pub bend: usize,
    pub flip: bool,
    pub seed: u64,
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

pub fn case() -> impl Strategy<Value = Case> {
    let kernel = prop_oneof![[1usize..=7, 1usize..=7], (0usize..=3).prop_map(|delta| [2 * delta + 1; 2])];
    let groups = prop_oneof![4 => Just((1, None)), 2 => (2usize..=5).prop_map(|groups| (groups, None)),
        // Depthwise, with one or a few outputs for each input.
        3 => (1usize..=40, 1usize..=4).prop_map(|(groups, multiplier)| (groups, Some(multiplier)))];
    let bend = prop_oneof![1 => Just(0usize), 2 => 0usize..BENDS];
    let flags = (bend, any::<bool>(), any::<bool>(), any::<u64>());
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
                let (bend, bias, flip, seed) = flags;
                Case { spec, input, bias, bend, flip, seed }
            },
        )
}

/// Activations that [`Case::activation`] knows.
pub const BENDS: usize = 7;

/// The arrays of a case.
pub struct Arrays {
    pub filter: Array4<f32>,
    pub bias: Option<Array1<f32>>,
    pub picture: Array3<f32>,
}

impl Case {
    pub fn arrays(&self) -> Arrays {
        let (spec, mut numbers) = (&self.spec, Numbers::new(self.seed));
        Arrays {
            filter: numbers.array((spec.kernel[0], spec.kernel[1], spec.c_in_group(), spec.c_out)),
            bias: self.bias.then(|| numbers.array(spec.c_out)),
            picture: numbers.array((self.input[0], self.input[1], spec.c_in)),
        }
    }

    pub fn activation(&self) -> Activation {
        match self.bend {
            0 => Activation::Identity,
            1 => Activation::Relu,
            2 => Activation::Relu6,
            3 => Activation::Clamp { low: -0.5, high: 0.25 },
            4 => Activation::LeakyRelu { slope: 0.125 },
            5 => Activation::Prelu(Numbers::new(self.seed ^ 0x51).array(self.spec.c_out)),
            _ => Activation::Crelu,
        }
    }

    pub fn layer(&self, arrays: &Arrays, path: Path, isa: tapwise::Isa) -> Result<Conv2d, TestCaseError> {
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

    /// How far a strategy may be from the exact sums of this case: over the sum of sizes of what is added
    /// for an output, and beyond it. Strategies that add other numbers than the products of the sum err by
    /// the largest of those, wherever they are.
    pub fn bound(&self, layer: &Conv2d, arrays: &Arrays) -> oracle::Bound {
        let plan = layer.explain(self.input);
        let growth = plan.chosen().map_or(1.0, |chosen| chosen.growth);
        let taps = self.spec.taps();
        let beyond = if growth > 1.0 {
            let size = |all: &mut dyn Iterator<Item = &f32>| {
                all.fold(0.0f64, |most, x| most.max(f64::from(x.abs())))
            };
            let largest = size(&mut arrays.filter.iter()) * size(&mut arrays.picture.iter()) * taps as f64;
            growth * largest * oracle::bound(taps + 64)
        } else {
            0.0
        };
        oracle::Bound { relative: oracle::bound(taps + 1), beyond }
    }

    /// The exact answer, or nothing where the filter does not fit the padded picture.
    pub fn oracle(&self, arrays: &Arrays) -> Option<oracle::Answer> {
        self.oracle_of_sum(arrays, None)
    }

    /// As [`Case::oracle`], with something that is added before the activation.
    pub fn oracle_of_sum(
        &self,
        arrays: &Arrays,
        residual: Option<ArrayView3<'_, f32>>,
    ) -> Option<oracle::Answer> {
        let turned = arrays.filter.slice(s![..;-1, ..;-1, .., ..]);
        let filter = if self.flip { turned } else { arrays.filter.view() };
        let bias = arrays.bias.as_ref().map(|bias| bias.view());
        let sums = oracle::answer(&self.spec, filter, bias, &Activation::Identity, arrays.picture.view())?;
        let sums = match residual {
            Some(residual) => sums.and(residual),
            None => sums,
        };
        Some(sums.bent(&self.activation()))
    }
}

/// Every path that serves any layer, with each instruction set that it depends on.
pub fn paths() -> Vec<(Path, tapwise::Isa)> {
    let sets = instruction_sets();
    let best = sets[0];
    let both = sets.into_iter().flat_map(|isa| [(Path::Direct, isa), (Path::Fft, isa)]);
    both.chain([(Path::Im2colGemm, best), (Path::Naive, best), (Path::Auto, best)]).collect()
}

pub fn pool(threads: usize) -> &'static ThreadPool {
    static POOLS: [OnceLock<ThreadPool>; 2] = [const { OnceLock::new() }; 2];
    POOLS[usize::from(threads > 1)]
        .get_or_init(|| ThreadPoolBuilder::new().num_threads(threads).build().unwrap())
}

pub fn config(cases: u32) -> ProptestConfig {
    // `PROPTEST_CASES` may ask for fewer, where code is emulated.
    let most = std::env::var("PROPTEST_CASES").ok().and_then(|most| most.parse().ok()).unwrap_or(cases);
    ProptestConfig { cases: cases.min(most), failure_persistence: None, ..ProptestConfig::default() }
}
