//! Gradients: against the sums of their definition, against differences, against each other.

mod common;

use common::cases::{Case, case, config, paths};
use common::{Numbers, oracle};
use ndarray::{Array, Array1, Array3, Array4, ArrayView3, ArrayView4, Axis, Dimension, ShapeBuilder, s};
use proptest::prelude::*;
use rayon::ThreadPoolBuilder;
use tapwise::{Activation, Border, Conv2d, ConvSpec, Error, Padding, Shape, Strategy as Path};

/// Sums in f64, and with each the sum of the sizes of what was added.
struct Sums<D: Dimension> {
    value: Array<f64, D>,
    size: Array<f64, D>,
}

impl<D: Dimension> Sums<D> {
    fn zeros(shape: D) -> Self {
        Sums { value: Array::zeros(shape.clone()), size: Array::zeros(shape) }
    }

    fn add<I: ndarray::NdIndex<D> + Copy>(&mut self, at: I, product: f64) {
        self.value[at] += product;
        self.size[at] += product.abs();
    }

    /// The first number that is further off than rounding in f32 takes `terms` of them.
    fn judge(&self, found: &Array<f32, D>, terms: usize, what: &str) -> Result<(), TestCaseError> {
        prop_assert_eq!(found.shape(), self.value.shape(), "{}", what);
        for ((found, wanted), size) in found.iter().zip(&self.value).zip(&self.size) {
            let bound = oracle::bound(terms) * size + f64::from(f32::MIN_POSITIVE);
            let off = (f64::from(*found) - wanted).abs();
            prop_assert!(off <= bound, "{what}: {found}, wanted {wanted} within {bound:e}, off by {off:e}");
        }
        Ok(())
    }
}

/// The sums of one tap's weights.
struct Lane<'a> {
    value: &'a mut [f64],
    size: &'a mut [f64],
}

impl Lane<'_> {
    fn add(&mut self, at: usize, product: f64) {
        self.value[at] += product;
        self.size[at] += product.abs();
    }
}

impl Sums<ndarray::Ix4> {
    /// The sums `[a, b, c, ..]`.
    fn lane(&mut self, [a, b, c]: [usize; 3]) -> Lane<'_> {
        let value = self.value.slice_mut(s![a, b, c, ..]).into_slice().unwrap();
        let size = self.size.slice_mut(s![a, b, c, ..]).into_slice().unwrap();
        Lane { value, size }
    }
}

/// Equations (12), (13) and (14), term by term as they are written.
struct Definition {
    input: Sums<ndarray::Ix4>,
    filter: Sums<ndarray::Ix4>,
    bias: Sums<ndarray::Ix1>,
}

fn definition(
    spec: &ConvSpec,
    filter: ArrayView4<'_, f32>,
    inputs: ArrayView4<'_, f32>,
    gradients: ArrayView4<'_, f32>,
) -> Definition {
    let (_, height, width, _) = inputs.dim();
    let [top, left] = [(0, height), (1, width)].map(|(axis, length)| oracle::axis(spec, axis, length).0);
    let [reads, writes] = [spec.c_in / spec.groups, spec.c_out / spec.groups];
    let mut sums = Definition {
        input: Sums::zeros(inputs.raw_dim()),
        filter: Sums::zeros(filter.raw_dim()),
        bias: Sums::zeros(ndarray::Ix1(spec.c_out)),
    };
    let filter = filter.as_standard_layout();
    let (_, rows, columns, _) = gradients.dim();
    for (n, i, j) in ndarray::indices((gradients.dim().0, rows, columns)) {
        let answers = gradients.slice(s![n, i, j, ..]);
        for (d, &gradient) in answers.indexed_iter() {
            sums.bias.add(d, f64::from(gradient));
        }
        for (a, b) in ndarray::indices((spec.kernel[0], spec.kernel[1])) {
            let down = (i * spec.stride[0] + a * spec.dilation[0]) as isize - top as isize;
            let across = (j * spec.stride[1] + b * spec.dilation[1]) as isize - left as isize;
            let place =
                oracle::shows(spec.border, down, height).zip(oracle::shows(spec.border, across, width));
            let Some((k, l)) = place else { continue };
            for (c, weights) in filter.slice(s![a, b, .., ..]).outer_iter().enumerate() {
                let weights = weights.to_slice().unwrap();
                let mut of_filter = sums.filter.lane([a, b, c]);
                for (group, weights) in weights.chunks_exact(writes).enumerate() {
                    let channel = group * reads + c;
                    let pixel = f64::from(inputs[[n, k, l, channel]]);
                    let (mut sum, mut size) = (0.0, 0.0);
                    for (d, weight) in weights.iter().enumerate() {
                        let gradient = f64::from(answers[group * writes + d]);
                        let product = f64::from(*weight) * gradient;
                        sum += product;
                        size += product.abs();
                        of_filter.add(group * writes + d, pixel * gradient);
                    }
                    sums.input.value[[n, k, l, channel]] += sum;
                    sums.input.size[[n, k, l, channel]] += size;
                }
            }
        }
    }
    sums
}

/// A case small enough for the loops of the definition, without activation, and one to three
/// pictures with gradients; or nothing where the filter does not fit.
fn small(case: &Case) -> Option<(Array4<f32>, Array4<f32>, ConvSpec)> {
    let output = case.spec.output(case.input).ok()?;
    // The loops of the definition are slow without optimisation.
    if case.spec.macs(case.input).is_ok_and(|macs| macs > 80_000) {
        return None;
    }
    let mut numbers = Numbers::new(case.seed ^ 0x6AD);
    let batch = 1 + numbers.below(3);
    let inputs = numbers.array((batch, case.input[0], case.input[1], case.spec.c_in));
    let gradients = numbers.array((batch, output[0], output[1], case.spec.c_out));
    Some((inputs, gradients, case.spec))
}

fn dot<A, B>(a: A, b: B) -> f64
where
    A: IntoIterator,
    B: IntoIterator,
    A::Item: Into<f64>,
    B::Item: Into<f64>,
{
    a.into_iter().zip(b).map(|(a, b)| a.into() * b.into()).sum()
}

proptest! {
    #![proptest_config(config(64))]

    /// Every stride, dilation, groups, padding and border; every strategy; a batch.
    #[test]
    fn gradients_are_the_sums_of_their_definition(case in case()) {
        let Some((inputs, gradients, spec)) = small(&case) else { return Ok(()) };
        let arrays = case.arrays();
        let mut wanted: Option<Definition> = None;
        // Transforms err by the largest numbers anywhere; the adjoint below is theirs, too.
        for (path, isa) in paths().into_iter().filter(|(path, _)| *path != Path::Fft) {
            let layer = Case { bend: 0, ..case.clone() }.layer(&arrays, path, isa)?;
            let wanted = wanted
                .get_or_insert_with(|| definition(&spec, layer.filter(), inputs.view(), gradients.view()));
            let found = layer.backward_batch(inputs.view(), gradients.view()).unwrap();
            let what = format!("{path} {isa}");
            // A border may bring every pixel of the padding back to one of the picture.
            let terms = spec.kernel[0] * spec.kernel[1] * spec.c_out * 16;
            wanted.input.judge(&found.input, terms, &format!("{what}: the input"))?;
            let pixels = gradients.len() / spec.c_out;
            wanted.filter.judge(&found.filter, pixels, &format!("{what}: the filter"))?;
            wanted.bias.judge(&found.bias, pixels, &format!("{what}: the bias"))?;
            let lean = layer.backward_filter_batch(inputs.view(), gradients.view()).unwrap();
            prop_assert_eq!(lean.filter, found.filter);
            prop_assert_eq!(lean.bias, found.bias);
            prop_assert!(lean.input.is_empty());
        }
    }

    /// `⟨conv(x), y⟩ = ⟨x, transposed(y)⟩`: the transposed convolution is the adjoint.
    #[test]
    fn the_transposed_convolution_is_the_adjoint(case in case()) {
        let Some((inputs, gradients, spec)) = small(&case) else { return Ok(()) };
        let (x, y) = (inputs.index_axis(Axis(0), 0), gradients.index_axis(Axis(0), 0));
        let linear = Case { bias: false, bend: 0, ..case.clone() };
        let arrays = linear.arrays();
        for (path, isa) in paths() {
            let layer = linear.layer(&arrays, path, isa)?;
            let there = layer.forward(x).unwrap();
            let back = layer.transposed(y, case.input).unwrap();
            let [one, other] = [dot(there.iter().copied(), y.iter().copied()), dot(x.iter().copied(), back.iter().copied())];
            let sizes = layer.filter().mapv(f32::abs);
            let size = Conv2d::builder(sizes.view()).spec(&spec).strategy(Path::Naive).build().unwrap()
                .forward(x.mapv(f32::abs).view()).unwrap();
            let size = dot(size.iter().copied(), y.iter().map(|y| y.abs()));
            // Tiles and transforms err by the largest numbers anywhere, not by those that are summed.
            let largest = |all: &mut dyn Iterator<Item = &f32>| all.fold(0.0f64, |most, x| most.max(f64::from(x.abs())));
            let anywhere = largest(&mut layer.filter().iter()) * largest(&mut x.iter()) * spec.taps() as f64
                * y.iter().map(|y| f64::from(y.abs())).sum::<f64>();
            let sums = matches!(path, Path::Naive | Path::Im2colGemm | Path::Direct);
            let size = if sums { size } else { size + anywhere };
            prop_assert!((one - other).abs() <= 1e-6 * size, "{path} {isa}: {one} and {other} of {size}");
        }
    }

    /// Central differences of the answer in f64, in one number of input, filter and bias each.
    /// Without activation the answer is linear and they are exact but for rounding.
    #[test]
    fn gradients_agree_with_differences(case in case()) {
        let Some((inputs, gradients, spec)) = small(&case) else { return Ok(()) };
        let x = inputs.index_axis(Axis(0), 0).to_owned();
        let arrays = case.arrays();
        let bias = arrays.bias.clone().unwrap_or_else(|| Array1::zeros(spec.c_out));
        let build = |filter: &Array4<f32>, bias: &Array1<f32>, activation: Activation| {
            Conv2d::builder(filter.view()).spec(&spec).bias(bias.view()).activation(activation).build().unwrap()
        };
        let layer = build(&arrays.filter, &bias, case.activation());
        let (_, rows, columns, _) = gradients.dim();
        let y: Array3<f32> = Numbers::new(case.seed ^ 0x9).array((rows, columns, layer.channels()));
        let found = layer.backward(x.view(), y.view()).unwrap();
        let loss = |filter: &Array4<f32>, bias: &Array1<f32>, x: &Array3<f32>| {
            let answer = build(filter, bias, case.activation()).reference(x.view()).unwrap();
            let sums = build(filter, bias, Activation::Identity).reference(x.view()).unwrap();
            // Between which corners of any activation each sum lies.
            let pieces: Vec<usize> =
                sums.iter().map(|sum| [-0.5, 0.0, 0.25, 6.0].iter().filter(|corner| sum > corner).count()).collect();
            (dot(answer.iter().copied(), y.iter().copied()), pieces)
        };
        // Numbers are multiples of 2^-20 of at most 1: a step of 2^-12 changes them exactly.
        const STEP: f32 = 1.0 / 4096.0;
        let mut numbers = Numbers::new(case.seed ^ 0xD1FF);
        let at = [x.len(), arrays.filter.len(), bias.len()].map(|length| numbers.below(length));
        for (kind, at) in at.into_iter().enumerate() {
            let moved = |step: f32| {
                let (mut filter, mut bias, mut x) = (arrays.filter.clone(), bias.clone(), x.clone());
                let number = match kind {
                    0 => x.as_slice_mut().and_then(|x| x.get_mut(at)),
                    1 => filter.as_slice_mut().and_then(|filter| filter.get_mut(at)),
                    _ => bias.get_mut(at),
                };
                *number.unwrap() += step;
                loss(&filter, &bias, &x)
            };
            let ((above, up), (below, down)) = (moved(STEP), moved(-STEP));
            if up != down && case.bend != 0 {
                continue; // Over a corner of an activation a difference says nothing.
            }
            let difference = (above - below) / (2.0 * f64::from(STEP));
            let gradient = match kind {
                0 => found.input.as_slice().unwrap()[at],
                1 => found.filter.as_slice().unwrap()[at],
                _ => found.bias[at],
            };
            let near = 1e-4 * (1.0 + difference.abs()) + 1e-5 * spec.taps() as f64;
            prop_assert!(
                (f64::from(gradient) - difference).abs() <= near,
                "{}: {gradient}, differences say {difference}", ["input", "filter", "bias"][kind]
            );
        }
    }
}

fn array<D: Dimension, S: ShapeBuilder<Dim = D>>(seed: u64, shape: S) -> Array<f32, D> {
    Numbers::new(seed).array(shape)
}

fn layer_of(shape: &Shape, seed: u64) -> Conv2d {
    let spec = &shape.spec;
    let filter: Array4<f32> = array(seed, (spec.kernel[0], spec.kernel[1], spec.c_in_group(), spec.c_out));
    Conv2d::builder(filter.view()).spec(spec).build().unwrap()
}

/// By one strategy; large enough to be cut by rows, by output channels, by groups, and depthwise.
#[test]
fn the_number_of_threads_changes_no_bit() {
    for text in
        ["n3 h40w41 c3x16 k3x3", "h9w9 c32x256 k3x3", "h20w20 c32x64 k3x3 g4", "h60w60 c24x24 k5x5 g24 s2x2"]
    {
        let shape: Shape = text.parse().unwrap();
        let filter = layer_of(&shape, 5).filter().to_owned();
        // The planner may choose another strategy for the input's gradient where threads share it.
        let builder = Conv2d::builder(filter.view()).spec(&shape.spec).strategy(Path::Direct);
        let layer = builder.build().unwrap();
        let [height, width] = shape.output().unwrap();
        let inputs: Array4<f32> = array(6, (shape.batch, shape.input[0], shape.input[1], shape.spec.c_in));
        let gradients: Array4<f32> = array(7, (shape.batch, height, width, shape.spec.c_out));
        let run = |threads: usize| {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| layer.backward_batch(inputs.view(), gradients.view()).unwrap())
        };
        let one = run(1);
        assert!(one.filter.iter().any(|gradient| *gradient != 0.0));
        for threads in [2, 3] {
            assert!(run(threads) == one, "{text} on {threads} threads");
        }
        let wanted = definition(&shape.spec, layer.filter(), inputs.view(), gradients.view());
        let pixels = gradients.len() / shape.spec.c_out;
        wanted.filter.judge(&one.filter, pixels, text).unwrap();
        wanted.input.judge(&one.input, shape.spec.taps() * 64, text).unwrap();
    }
}

#[test]
fn views_of_any_memory_order_give_the_same_gradients() {
    let shape: Shape = "h7w9 c5x6 k3x3 s2x1".parse().unwrap();
    let layer = layer_of(&shape, 1);
    let x: Array3<f32> = array(2, (7, 9, 5));
    let y: Array3<f32> = array(3, (4, 9, 6));
    let plain = layer.backward(x.view(), y.view()).unwrap();
    let planar = layer.backward(common::planar(x.view()).view(), common::planar(y.view()).view()).unwrap();
    assert_eq!(plain, planar);
    let mirrored = |array: ArrayView3<'_, f32>| {
        let mut copy = array.to_owned();
        copy.invert_axis(Axis(1));
        let mut copy = copy.as_standard_layout().into_owned();
        copy.invert_axis(Axis(1));
        copy
    };
    assert_eq!(plain, layer.backward(mirrored(x.view()).view(), mirrored(y.view()).view()).unwrap());
}

#[test]
fn relu_passes_gradients_only_where_its_answer_is_above_zero() {
    let filter = Array4::from_shape_vec((1, 1, 1, 2), vec![1.0, -1.0]).unwrap();
    let layer = Conv2d::builder(filter.view()).activation(Activation::Relu).build().unwrap();
    let x = Array3::from_shape_vec((1, 3, 1), vec![-2.0, 0.0, 3.0]).unwrap();
    let y = Array3::from_shape_vec((1, 3, 2), vec![1.0, 10.0, 100.0, 1000.0, 5.0, 7.0]).unwrap();
    let found = layer.backward(x.view(), y.view()).unwrap();
    assert_eq!(found.input.as_slice().unwrap(), [-10.0, 0.0, 5.0]);
    assert_eq!(found.filter.as_slice().unwrap(), [15.0, -20.0]);
    assert_eq!(found.bias.as_slice().unwrap(), [5.0, 10.0]);
}

/// What a replaced filter computes, forwards and backwards, is what a new layer with it computes.
#[test]
fn a_replaced_filter_is_a_new_layer() {
    let shape: Shape = "h8w9 c4x6 k3x3 s2x2".parse().unwrap();
    let x: Array3<f32> = array(1, (8, 9, 4));
    let y: Array3<f32> = array(2, (4, 5, 6));
    let mut layer = layer_of(&shape, 3);
    let before = layer.backward(x.view(), y.view()).unwrap();
    let fresh = layer_of(&shape, 4);
    let bias: Array1<f32> = array(5, 6);
    layer.replace_filter(fresh.filter(), bias.view()).unwrap();
    assert_eq!(layer.bias(), bias);
    let after = layer.backward(x.view(), y.view()).unwrap();
    assert_ne!(after.input, before.input);
    assert_eq!(after, fresh.backward(x.view(), y.view()).unwrap());
    let wanted = Conv2d::builder(fresh.filter()).spec(&shape.spec).bias(bias.view()).build().unwrap();
    assert_eq!(layer.forward(x.view()).unwrap(), wanted.forward(x.view()).unwrap());

    let other: Array4<f32> = Array4::zeros((3, 3, 4, 7));
    let refused = layer.replace_filter(other.view(), bias.view());
    assert_eq!(refused, Err(Error::Length { array: "filter", axis: "C_out", found: 7, wanted: 6 }));
    let refused = layer.replace_filter(fresh.filter(), Array1::zeros(5).view());
    assert_eq!(refused, Err(Error::Length { array: "bias", axis: "C_out", found: 5, wanted: 6 }));
}

#[test]
fn gradients_of_the_wrong_shape_are_refused() {
    let layer = layer_of(&"h8w9 c4x6 k3x3".parse().unwrap(), 3);
    let x = Array3::zeros((8, 9, 4));
    let length = |array, axis, found, wanted| Error::Length { array, axis, found, wanted };
    for (gradient, wanted) in [
        ((7, 9, 6), length("gradient", "H", 7, 8)),
        ((8, 8, 6), length("gradient", "W", 8, 9)),
        ((8, 9, 5), length("gradient", "C_out", 5, 6)),
    ] {
        let gradient = Array3::zeros(gradient);
        assert_eq!(layer.backward(x.view(), gradient.view()).unwrap_err(), wanted);
        assert_eq!(layer.transposed(gradient.view(), [8, 9]).unwrap_err(), wanted);
    }
    let gradients = Array4::zeros((2, 8, 9, 6));
    let refused = layer.backward_batch(Array4::zeros((3, 8, 9, 4)).view(), gradients.view()).unwrap_err();
    assert_eq!(refused, length("gradient", "N", 2, 3));
    let refused = layer.backward_batch(Array4::zeros((2, 8, 9, 5)).view(), gradients.view()).unwrap_err();
    assert_eq!(refused, length("input", "C_in", 5, 4));
    let none = layer.backward_batch(Array4::zeros((0, 8, 9, 4)).view(), Array4::zeros((0, 8, 9, 6)).view());
    assert_eq!(none.unwrap_err(), Error::Empty { array: "gradient", axis: "N" });
    let tiny = Conv2d::builder(Array4::zeros((3, 3, 1, 1)).view()).padding(Padding::Valid).build().unwrap();
    let refused = tiny.transposed(Array3::zeros((1, 1, 1)).view(), [2, 3]);
    assert!(matches!(refused, Err(Error::FilterExceedsInput { axis: "height", .. })));
}

/// Where padding is wider than the filter, outputs reach no pixel at all.
#[test]
fn outputs_that_reach_no_pixel_give_no_gradient() {
    let padding = Padding::Explicit { top: 5, bottom: 4, left: 7, right: 3 };
    for border in [Border::Zero, Border::Circular] {
        let spec = ConvSpec { padding, border, ..ConvSpec::new([1, 2], 2, 3) };
        let filter: Array4<f32> = array(1, (1, 2, 2, 3));
        let layer = Conv2d::builder(filter.view()).spec(&spec).build().unwrap();
        let [height, width] = spec.output([2, 2]).unwrap();
        let x: Array4<f32> = array(2, (1, 2, 2, 2));
        let y: Array4<f32> = array(3, (1, height, width, 3));
        let wanted = definition(&spec, filter.view(), x.view(), y.view());
        let found = layer.backward_batch(x.view(), y.view()).unwrap();
        wanted.input.judge(&found.input, 500, "the input").unwrap();
        wanted.filter.judge(&found.filter, 500, "the filter").unwrap();
    }
}
