//! Layers over time, layers one after another, and what their units see.

mod common;

use common::Numbers;
use ndarray::{Array2, Array3, Array4, ArrayView2, s};
use tapwise::{
    Activation, Border, Conv1d, Conv2d, Error, Padding, Padding1d, Pooling, ReceptiveField, Sequential,
};

/// Equation (9) as it is written, in f64, with zeros around.
fn over_time(
    filter: &Array3<f32>,
    x: ArrayView2<'_, f32>,
    [stride, dilation, groups, before]: [usize; 4],
    frames: usize,
) -> Array2<f64> {
    let (taps, reads, c_out) = filter.dim();
    Array2::from_shape_fn((frames, c_out), |(t, d)| {
        let first = d / (c_out / groups) * reads;
        let mut sum = 0.0;
        for a in 0..taps {
            let at = (t * stride + a * dilation).checked_sub(before).filter(|at| *at < x.nrows());
            for c in 0..reads {
                let value = at.map_or(0.0, |at| f64::from(x[[at, first + c]]));
                sum += f64::from(filter[[a, c, d]]) * value;
            }
        }
        sum
    })
}

#[test]
fn layers_over_time_are_the_sum_of_the_time_delay_network() {
    let mut numbers = Numbers::new(9);
    for stride in 1..4 {
        for dilation in 1..4 {
            for groups in [1, 2, 4] {
                for (padding, before, after) in [
                    (Padding1d::Valid, 0, 0),
                    (Padding1d::Causal, 2 * dilation, 0),
                    (Padding1d::Explicit { before: 1, after: 5 }, 1, 5),
                ] {
                    let filter: Array3<f32> = numbers.array((3, 8 / groups, 12));
                    let x: Array2<f32> = numbers.array((19, 8));
                    let layer = Conv1d::builder(filter.view())
                        .stride(stride)
                        .dilation(dilation)
                        .groups(groups)
                        .padding(padding)
                        .build()
                        .unwrap();
                    let frames = (before + 19 + after - 2 * dilation - 1) / stride + 1;
                    let wanted = over_time(&filter, x.view(), [stride, dilation, groups, before], frames);
                    let found = layer.forward(x.view()).unwrap();
                    assert_eq!(found.dim(), wanted.dim());
                    for (found, wanted) in found.iter().zip(&wanted) {
                        assert!((f64::from(*found) - wanted).abs() < 1e-5, "{found} {wanted}");
                    }
                    // The gradients are those of the layer on pictures of one row.
                    let gradient: Array2<f32> = numbers.array(found.dim());
                    let time = layer.backward(x.view(), gradient.view()).unwrap();
                    let row = layer
                        .as_conv2d()
                        .backward(
                            x.slice(s![..;1, ..]).insert_axis(ndarray::Axis(0)),
                            gradient.view().insert_axis(ndarray::Axis(0)),
                        )
                        .unwrap();
                    assert_eq!(time.input, row.input.slice(s![0, .., ..]));
                    assert_eq!(time.filter, row.filter.slice(s![0, .., .., ..]));
                    assert_eq!(time.bias, row.bias);
                    let dot = |a: &Array2<f32>, b: &Array2<f32>| -> f64 {
                        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
                    };
                    let back = layer.transposed(gradient.view(), 19).unwrap();
                    assert!((dot(&found, &gradient) - dot(&x, &back)).abs() < 1e-4);
                }
            }
        }
    }
}

#[test]
fn a_causal_layer_does_not_see_what_comes_later() {
    let mut numbers = Numbers::new(1);
    let filter: Array3<f32> = numbers.array((4, 3, 5));
    let layer = Conv1d::builder(filter.view()).dilation(3).padding(Padding1d::Causal).build().unwrap();
    let x: Array2<f32> = numbers.array((40, 3));
    let before = layer.forward(x.view()).unwrap();
    assert_eq!(before.dim(), (40, 5));
    for t in [0, 17, 39] {
        let mut changed = x.clone();
        changed.row_mut(t).fill(100.0);
        let after = layer.forward(changed.view()).unwrap();
        assert_eq!(after.slice(s![..t, ..]), before.slice(s![..t, ..]));
        assert_ne!(after.row(t), before.row(t));
    }
}

#[test]
fn a_batch_over_time_is_its_sequences() {
    let mut numbers = Numbers::new(2);
    let filter: Array3<f32> = numbers.array((5, 4, 6));
    let layer = Conv1d::builder(filter.view()).activation(Activation::Relu).build().unwrap();
    let xs: Array3<f32> = numbers.array((3, 11, 4));
    let ys = layer.forward_batch(xs.view()).unwrap();
    for (x, y) in xs.outer_iter().zip(ys.outer_iter()) {
        assert_eq!(layer.forward(x).unwrap(), y);
        let mut into = Array2::zeros(y.dim());
        layer.forward_into(x, into.view_mut()).unwrap();
        assert_eq!(into, y);
    }
    let gradients: Array3<f32> = numbers.array(ys.dim());
    let found = layer.backward_batch(xs.view(), gradients.view()).unwrap();
    assert_eq!(found.input.dim(), xs.dim());
    assert_eq!(found.filter.dim(), filter.dim());
}

#[test]
fn errors_over_time_speak_of_time() {
    let filter = Array3::<f32>::zeros((5, 4, 6));
    let layer = Conv1d::builder(filter.view()).padding(Padding1d::Valid).build().unwrap();
    let short = layer.forward(Array2::zeros((4, 4)).view());
    assert_eq!(short, Err(Error::FilterExceedsInput { axis: "time", extent: 5, padded: 4 }));
    let refused = layer.forward_into(Array2::zeros((9, 4)).view(), Array2::zeros((4, 6)).view_mut());
    assert_eq!(refused, Err(Error::Length { array: "output", axis: "T", found: 4, wanted: 5 }));
    let none = Conv1d::builder(Array3::zeros((0, 4, 6)).view()).build().unwrap_err();
    assert_eq!(none, Error::Empty { array: "filter", axis: "K" });
    let message = Conv1d::builder(filter.view()).stride(0).build().unwrap_err().to_string();
    assert!(message.starts_with("stride is 0"), "{message}");
    let message = Conv1d::builder(filter.view()).dilation(0).build().unwrap_err().to_string();
    assert!(message.starts_with("dilation is 0"), "{message}");
}

/// A network of up to four layers of random filters, strides, dilations and paddings.
fn network(numbers: &mut Numbers) -> Sequential {
    let mut channels = 1 + numbers.below(2);
    let mut layers = Vec::new();
    for _ in 0..1 + numbers.below(4) {
        let c_out = 1 + numbers.below(3);
        let kernel = [1 + numbers.below(3), 1 + numbers.below(4)];
        let filter: Array4<f32> = numbers.array((kernel[0], kernel[1], channels, c_out));
        // Far from zero, so that what is seen is felt.
        let filter = filter.mapv(|weight| weight + weight.signum());
        let side = |numbers: &mut Numbers| numbers.below(3);
        let padding = match numbers.below(3) {
            0 => Padding::Same,
            1 => Padding::Valid,
            _ => Padding::Explicit {
                top: side(numbers),
                bottom: side(numbers),
                left: side(numbers),
                right: side(numbers),
            },
        };
        let layer = Conv2d::builder(filter.view())
            .stride([1 + numbers.below(2), 1 + numbers.below(3)])
            .dilation([1 + numbers.below(2), 1 + numbers.below(2)])
            .padding(padding);
        layers.push(layer.build().unwrap().into());
        channels = c_out;
    }
    Sequential::new(layers).unwrap()
}

/// Every pixel, changed by itself, changes units whose window it lies in and no bit of any other.
#[test]
fn a_unit_sees_its_receptive_field_and_nothing_else() {
    let mut numbers = Numbers::new(0xF1E1D);
    let (mut networks, mut seen, mut corners) = (0, 0, 0);
    while networks < 60 {
        let network = network(&mut numbers);
        let input = [4 + numbers.below(12), 4 + numbers.below(14)];
        let tapwise::Layer::Conv2d(first) = &network.layers()[0] else { unreachable!() };
        let channels = first.spec().c_in;
        let Ok(field) = network.receptive_field(input) else { continue };
        networks += 1;
        let x: Array3<f32> = numbers.array((input[0], input[1], channels));
        let before = network.forward(x.view()).unwrap();
        assert_eq!([before.dim().0, before.dim().1], field.units);
        for (k, l) in ndarray::indices((input[0], input[1])) {
            let mut changed = x.clone();
            changed[[k, l, 0]] += 64.0;
            let after = network.forward(changed.view()).unwrap();
            for (i, j) in ndarray::indices((field.units[0], field.units[1])) {
                let [rows, columns] = field.window([i, j]);
                let inside = rows.contains(&(k as isize)) && columns.contains(&(l as isize));
                let felt = before.slice(s![i, j, ..]) != after.slice(s![i, j, ..]);
                assert!(inside || !felt, "[{i}, {j}] felt [{k}, {l}] outside of {field}");
                seen += usize::from(felt);
                // The window is no larger than it must be: its first pixel is felt, unless the way there
                // leads through the zeros that pad a layer between.
                let corner =
                    field.offset == [0, 0] && rows.start == k as isize && columns.start == l as isize;
                corners += usize::from(corner);
                assert!(!corner || felt, "[{i}, {j}] did not feel its first pixel, {field}");
            }
        }
    }
    assert!(seen > 1000 && corners > 100, "{seen} {corners}");
}

#[test]
fn dilation_stride_and_pooling_widen_what_is_seen() {
    let filter = Array4::<f32>::ones((3, 3, 1, 1));
    let conv = |stride: usize, dilation: usize| {
        Conv2d::builder(filter.view()).stride([stride; 2]).dilation([dilation; 2]).build().unwrap()
    };
    // Dilations that double see 2^(n+1) - 1 pixels after n layers (Yu and Koltun, 2016).
    let network = Sequential::new([conv(1, 1).into(), conv(1, 2).into(), conv(1, 4).into()]).unwrap();
    let sizes: Vec<usize> =
        network.receptive_fields([64, 64]).unwrap().iter().map(|field| field.size[0]).collect();
    assert_eq!(sizes, [3, 7, 15]);
    let network =
        Sequential::new([conv(2, 1).into(), Activation::Relu.into(), conv(2, 1).into(), Pooling::Max.into()])
            .unwrap();
    let fields = network.receptive_fields([64, 64]).unwrap();
    assert_eq!(fields.iter().map(|field| field.size[0]).collect::<Vec<_>>(), [3, 3, 7, 67]);
    assert_eq!(fields[2].stride, [4, 4]);
    // The whole picture, and the zeros around it.
    let [rows, columns] = fields[3].window([0, 0]);
    assert!(rows.start <= 0 && rows.end >= 64 && columns.start <= 0 && columns.end >= 64);
    let drawn = network.draw([64, 64]).unwrap();
    assert_eq!(drawn.lines().count(), 6);
    assert!(drawn.lines().all(|line| line.chars().count() <= 120), "{drawn}");
    assert!(drawn.lines().last().unwrap().matches('█').count() >= 32);
    assert_eq!(
        ReceptiveField::pixel([3, 3]).to_string(),
        "3x3 units see 1x1 pixels each, 1x1 apart, the first from (0, 0) on"
    );
}

/// "Is there a Waldo anywhere?" has one answer, wherever he stands.
#[test]
fn a_pooled_network_gives_one_answer_wherever_the_pattern_stands() {
    let mut numbers = Numbers::new(77);
    let filter: Array4<f32> = numbers.array((3, 3, 2, 4));
    let second: Array4<f32> = numbers.array((3, 3, 4, 1));
    let conv = |filter: &Array4<f32>| {
        Conv2d::builder(filter.view()).border(Border::Circular).activation(Activation::Relu).build().unwrap()
    };
    let network = Sequential::new([conv(&filter).into(), conv(&second).into(), Pooling::Max.into()]).unwrap();
    let pattern: Array3<f32> = numbers.array((4, 4, 2));
    let answer = |i: usize, j: usize| {
        let mut scene = Array3::<f32>::zeros((20, 24, 2));
        scene.slice_mut(s![i..i + 4, j..j + 4, ..]).assign(&pattern);
        network.forward(scene.view()).unwrap()[[0, 0, 0]]
    };
    let first = answer(0, 0);
    assert!(first > 0.0);
    for (i, j) in [(3, 5), (16, 20), (7, 0), (0, 11)] {
        assert_eq!(answer(i, j).to_bits(), first.to_bits());
    }
    let batch = Array4::<f32>::zeros((3, 20, 24, 2));
    assert_eq!(network.forward_batch(batch.view()).unwrap().dim(), (3, 1, 1, 1));
    let none = network.forward_batch(Array4::zeros((0, 20, 24, 2)).view());
    assert_eq!(none, Err(Error::Empty { array: "input", axis: "N" }));
    let refused = Sequential::new([conv(&filter).into(), conv(&filter).into()]).unwrap_err();
    assert_eq!(refused, Error::Length { array: "input", axis: "C_in", found: 4, wanted: 2 });
}
