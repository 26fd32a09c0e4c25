//! The gradients of a layer against its own forward run: how near each comes to the machine.

use ndarray::{Array2, Array4, ArrayView4, Axis};
use tapwise::dense::Dense;
use tapwise::{Conv2d, ConvSpec, Isa, Shape};

use crate::Error;
use crate::measurement::{Entry, LIMIT, Label, Pace, Run, race};
use crate::problems::{Effort, group};
use crate::records::Record;
use crate::reference::Noise;

/// The names of what is timed in records: the layer itself, equation (12), and equations (13)
/// with (14).
pub const RUNS: [&str; 3] = ["forward", "input-gradient", "filter-gradient"];

/// The dense layer on a batch of flattened pictures, as the layer of one tap that it equals.
pub const DENSE_SHAPE: &str = "n256 h1w1 c784x512 k1x1";

/// The names of its runs: equation (1), and both of its gradients.
pub const DENSE_RUNS: [&str; 2] = ["dense-forward", "dense-gradients"];

/// The largest number of the exact sums that a gradient is checked on.
const SAMPLE: usize = 512;

/// Multiply-adds that the exact sums may cost.
const BUDGET: usize = 40_000_000;

/// The layers whose gradients are measured.
///
/// # Errors
/// None: every descriptor is read in a test.
pub fn shapes(effort: Effort) -> Result<Vec<Shape>, Error> {
    let quick = [
        "h56w56 c64x64 k3x3",
        "h28w28 c128x128 k3x3",
        "h14w14 c256x256 k3x3",
        "h56w56 c64x256 k1x1",
        "h56w56 c64x128 k3x3 s2x2",
        "n32 h28w28 c16x16 k3x3",
        "h1w1000 c64x64 k1x5 d1x2",
        "h416w416 c3x16 k3x3",
        "h112w112 c32x32 k3x3 g32",
    ];
    let more =
        ["h7w7 c512x512 k3x3", "n32 h14w14 c64x64 k3x3", "h224w224 c3x64 k7x7 s2x2", "h56w56 c64x64 k3x3 g4"];
    let chosen = quick.iter().chain(if effort == Effort::Full { &more[..] } else { &[] });
    chosen.map(|text| Ok(text.parse()?)).collect()
}

/// What one layer is measured with.
struct Numbers {
    layer: Conv2d,
    filter: Array4<f32>,
    inputs: Array4<f32>,
    gradients: Array4<f32>,
}

/// Times a layer and its gradients on the calling thread's pool, each checked before.
///
/// # Errors
/// What the library refuses, and [`Error::Wrong`].
pub fn measure(shape: &Shape, isa: Isa, pace: Pace, command: &str) -> Result<Vec<Record>, Error> {
    let Shape { batch, input: [height, width], spec } = *shape;
    let output = shape.output()?;
    let mut noise = Noise::new(0x96ad);
    let mut array = |shape: [usize; 4]| Array4::from_shape_simple_fn(shape, || noise.unit());
    let filter = array([spec.kernel[0], spec.kernel[1], spec.c_in_group(), spec.c_out]);
    let inputs = array([batch, height, width, spec.c_in]);
    let gradients = array([batch, output[0], output[1], spec.c_out]);
    let layer = Conv2d::builder(filter.view()).spec(&spec).isa(isa).build()?;
    let numbers = Numbers { layer, filter, inputs, gradients };
    let found = numbers.layer.backward_batch(numbers.inputs.view(), numbers.gradients.view())?;
    let mut answers = numbers.layer.forward_batch(numbers.inputs.view())?;
    let reference = crate::reference::Reference::new(
        &numbers.layer,
        numbers.filter.view(),
        numbers.inputs.index_axis(Axis(0), 0),
    )?;
    let errors = [
        (reference.error(answers.index_axis(Axis(0), 0)), reference.checked.clone()),
        checked(&found.input, spec.taps(), |at| input_sum(&numbers, [height, width], at)),
        checked(&found.filter, batch * output[0] * output[1], |at| filter_sum(&numbers, [height, width], at)),
    ];
    for ((error, _), run) in errors.iter().zip(RUNS) {
        if error.is_nan() || *error > LIMIT {
            let [shape, strategy, isa] = [shape.to_string(), run.to_owned(), isa.to_string()];
            return Err(Error::Wrong { shape, strategy, isa, error: *error, limit: LIMIT });
        }
    }

    let Numbers { layer, inputs, gradients, .. } = &numbers;
    let kernel = layer.explain([height, width]).chosen().map(|chosen| chosen.kernel.clone());
    let kernel = kernel.unwrap_or_default();
    let runs: [Box<dyn FnMut() -> Result<(), tapwise::Error> + Send + '_>; 3] = [
        Box::new(move || layer.forward_batch_into(inputs.view(), answers.view_mut())),
        Box::new(|| layer.transposed_batch(gradients.view(), [height, width]).map(drop)),
        Box::new(|| layer.backward_filter_batch(inputs.view(), gradients.view()).map(drop)),
    ];
    let entries = runs.into_iter().zip(RUNS).zip(errors).map(|((run, name), (max_error, checked))| Entry {
        strategy: name.to_owned(),
        kernel: kernel.clone(),
        isa,
        max_error,
        checked,
        run: Run::Here(run),
    });
    let label = Label { shape: shape.to_string(), group: group::GRADIENTS, macs: shape.macs()?, command };
    race(&label, entries.collect(), pace)
}

/// Times the dense layer of [`DENSE_SHAPE`] and its gradients, each checked before.
///
/// # Errors
/// What the library refuses, and [`Error::Wrong`].
pub fn measure_dense(isa: Isa, pace: Pace, command: &str) -> Result<Vec<Record>, Error> {
    let shape: Shape = DENSE_SHAPE.parse()?;
    let (batch, [units_in, units_out]) = (shape.batch, [shape.spec.c_in, shape.spec.c_out]);
    let mut noise = Noise::new(0xde96);
    let mut array =
        |rows: usize, columns: usize| Array2::from_shape_simple_fn((rows, columns), || noise.unit());
    let (weights, inputs, gradients) =
        (array(units_out, units_in), array(batch, units_in), array(batch, units_out));
    let dense = Dense::new([1, 1, units_in], [1, 1, units_out], weights.clone(), None)?;
    let answer = dense.forward_flat(inputs.view())?;
    let found = dense.backward_flat(inputs.view(), gradients.view())?;
    let four = |array: Array2<f32>| array.insert_axis(Axis(0)).insert_axis(Axis(0));
    let dot = |a: ndarray::ArrayView1<'_, f32>, b: ndarray::ArrayView1<'_, f32>| -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    let forward = checked(&four(answer), units_in, |[_, _, n, d]| dot(inputs.row(n), weights.row(d)));
    let of_input =
        checked(&four(found.input), units_out, |[_, _, n, c]| dot(gradients.row(n), weights.column(c)));
    let of_weights =
        checked(&four(found.weights), batch, |[_, _, d, c]| dot(gradients.column(d), inputs.column(c)));
    let backward = (of_input.0.max(of_weights.0), format!("{}; {}", of_input.1, of_weights.1));
    let mut records = Vec::new();
    let runs: [Box<dyn FnMut() -> Result<(), tapwise::Error> + Send + '_>; 2] = [
        Box::new(|| dense.forward_flat(inputs.view()).map(drop)),
        Box::new(|| dense.backward_flat(inputs.view(), gradients.view()).map(drop)),
    ];
    for (((run, name), (max_error, checked)), products) in
        runs.into_iter().zip(DENSE_RUNS).zip([forward, backward]).zip([1, 2])
    {
        if max_error.is_nan() || max_error > LIMIT {
            let [shape, strategy, isa] = [shape.to_string(), name.to_owned(), isa.to_string()];
            return Err(Error::Wrong { shape, strategy, isa, error: max_error, limit: LIMIT });
        }
        let kernel = "faer matmul".to_owned();
        let entry = Entry { strategy: name.to_owned(), kernel, isa, max_error, checked, run: Run::Here(run) };
        let macs = products * shape.macs()?;
        let label = Label { shape: shape.to_string(), group: group::GRADIENTS, macs, command };
        records.extend(race(&label, vec![entry], pace)?);
    }
    Ok(records)
}

/// The largest error of a sample over its root mean square, and what was checked; `terms` is how
/// many products an exact sum takes.
fn checked(found: &Array4<f32>, terms: usize, exact: impl Fn([usize; 4]) -> f64) -> (f64, String) {
    let count = (BUDGET / terms.max(1)).clamp(16, SAMPLE).min(found.len());
    let mut noise = Noise::new(0x5a3f);
    let (mut worst, mut squares) = (0.0f64, 0.0f64);
    for _ in 0..count {
        let (n, i, j, d) = found.dim();
        let at = [n, i, j, d].map(|length| noise.below(length));
        let wanted = exact(at);
        let off = (f64::from(found[at]) - wanted).abs();
        // NaN is the worst of errors.
        worst = if off.is_nan() { f64::INFINITY } else { worst.max(off) };
        squares += wanted * wanted;
    }
    let rms = (squares / count as f64).sqrt();
    (worst / rms.max(f64::MIN_POSITIVE), format!("{count} numbers of {}", found.len()))
}

/// The place of a pixel of the picture `at` rows or columns behind the padding, if it is one.
fn pixel(spec: &ConvSpec, input: [usize; 2], axis: usize, output: usize, tap: usize) -> Option<usize> {
    let at = output * spec.stride[axis] + tap * spec.dilation[axis];
    at.checked_sub(spec.margins(input)[axis].before).filter(|at| *at < input[axis])
}

/// Equation (12) for one pixel, in f64; zeros around the picture.
fn input_sum(numbers: &Numbers, input: [usize; 2], [n, k, l, c]: [usize; 4]) -> f64 {
    let spec = numbers.layer.spec();
    let gradients: ArrayView4<'_, f32> = numbers.gradients.view();
    let (_, rows, columns, _) = gradients.dim();
    let outputs =
        c / spec.c_in_group() * spec.c_out_group()..(c / spec.c_in_group() + 1) * spec.c_out_group();
    let mut sum = 0.0;
    for (a, b) in ndarray::indices((spec.kernel[0], spec.kernel[1])) {
        // The output that this tap of it brings to the pixel, if there is one.
        let output = |axis: usize, tap: usize, at: usize, count: usize| {
            let reach = at + spec.margins(input)[axis].before;
            let output = reach.checked_sub(tap * spec.dilation[axis])?;
            let whole = output.is_multiple_of(spec.stride[axis]);
            Some(output / spec.stride[axis]).filter(|output| whole && *output < count)
        };
        let (Some(i), Some(j)) = (output(0, a, k, rows), output(1, b, l, columns)) else { continue };
        for d in outputs.clone() {
            let weight = numbers.filter[[a, b, c % spec.c_in_group(), d]];
            sum += f64::from(weight) * f64::from(gradients[[n, i, j, d]]);
        }
    }
    sum
}

/// Equation (13) for one weight, in f64; zeros around the picture.
fn filter_sum(numbers: &Numbers, input: [usize; 2], [a, b, c, d]: [usize; 4]) -> f64 {
    let spec = numbers.layer.spec();
    let channel = d / spec.c_out_group() * spec.c_in_group() + c;
    let (pictures, rows, columns, _) = numbers.gradients.dim();
    let mut sum = 0.0;
    for i in 0..rows {
        let Some(k) = pixel(spec, input, 0, i, a) else { continue };
        for j in 0..columns {
            let Some(l) = pixel(spec, input, 1, j, b) else { continue };
            for n in 0..pictures {
                sum += f64::from(numbers.inputs[[n, k, l, channel]])
                    * f64::from(numbers.gradients[[n, i, j, d]]);
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_are_checked_and_timed() {
        let shape: Shape = "n2 h9w8 c4x6 k3x3 s2x1 d1x2 g2".parse().unwrap();
        let pace = Pace { rounds: 3, sample: 1e-5, budget: 1.0 };
        let records = measure(&shape, Isa::Portable, pace, "test").unwrap();
        assert_eq!(records.iter().map(|record| record.strategy.as_str()).collect::<Vec<_>>(), RUNS);
        for record in records {
            assert!(record.median_s > 0.0 && record.max_error < LIMIT, "{}", record.max_error);
        }
    }

    #[test]
    fn the_dense_layer_is_checked_and_timed() {
        let pace = Pace { rounds: 1, sample: 1e-5, budget: 0.1 };
        let records = measure_dense(Isa::Portable, pace, "test").unwrap();
        assert_eq!(records.iter().map(|record| record.strategy.as_str()).collect::<Vec<_>>(), DENSE_RUNS);
        assert!(records.iter().all(|record| record.max_error > 0.0 && record.max_error < LIMIT));
    }

    #[test]
    fn a_wrong_gradient_is_seen() {
        let found = Array4::from_elem((1, 2, 2, 2), 1.0);
        assert!(checked(&found, 1, |_| 1.0).0 == 0.0);
        assert!(checked(&found, 1, |_| 2.0).0 > 0.4);
        assert_eq!(checked(&found.mapv(|_| f32::NAN), 1, |_| 2.0).0, f64::INFINITY);
    }

    #[test]
    fn every_shape_is_one() {
        assert_eq!(shapes(Effort::Full).unwrap().len(), 13);
    }
}
