//! The fully connected layer by itself: its sums, its gradients, its errors.

use ndarray::{Array1, Array2, Array3, Array4, ArrayView2, Axis, s};
use rayon::ThreadPoolBuilder;
use tapwise::dense::{Dense, DenseGradients};
use tapwise::{Activation, Conv2d, Error};

use crate::common::layouts::{Laid, Layout};
use crate::common::{Numbers, oracle};
use crate::{bits, whole};

/// `left · right` in f64, and the sums of sizes.
fn product(left: ArrayView2<'_, f32>, right: ArrayView2<'_, f32>) -> [Array2<f64>; 2] {
    let [left, right] = [left, right].map(|matrix| matrix.mapv(f64::from));
    [left.dot(&right), left.mapv(f64::abs).dot(&right.mapv(f64::abs))]
}

fn near(found: ArrayView2<'_, f32>, [wanted, scale]: &[Array2<f64>; 2], terms: usize) {
    assert_eq!(found.dim(), wanted.dim());
    for ((place, wanted), scale) in wanted.indexed_iter().zip(scale) {
        let error = (f64::from(found[place]) - wanted).abs();
        assert!(error <= oracle::bound(terms) * scale, "{place:?}: {} and {wanted}", found[place]);
    }
}

#[test]
fn every_way_in_computes_the_sum() {
    let mut numbers = Numbers::new(1);
    for (input, output, count) in [
        ([1, 1, 1], [1, 1, 1], 1),
        ([3, 4, 2], [2, 5, 3], 7),
        ([5, 5, 1], [1, 1, 10], 3),
        ([2, 3, 1], [33, 32, 1], 2),
        ([4, 4, 1], [3, 3, 1], 300),
    ] {
        let [inputs, hidden]: [usize; 2] = [input, output].map(|size| size.iter().product());
        let weights: Array2<f32> = numbers.array((hidden, inputs));
        let bias: Array1<f32> = numbers.array(hidden);
        let dense = Dense::new(input, output, weights.clone(), Some(bias.clone())).unwrap();
        assert_eq!((dense.input(), dense.output()), (input, output));
        assert_eq!(dense.parameters(), (hidden * inputs + hidden) as u128);

        let pictures: Array4<f32> = numbers.array((count, input[0], input[1], input[2]));
        let flat = pictures.to_shape((count, inputs)).unwrap();
        // The bias as one more weight, of an input that is always one.
        let one = Array2::ones((count, 1));
        let [extended, columns] = [
            ndarray::concatenate![Axis(1), flat, one],
            ndarray::concatenate![Axis(1), weights, bias.insert_axis(Axis(1))],
        ];
        let wanted = product(extended.view(), columns.t());
        let answers = dense.forward_flat(flat.view()).unwrap();
        near(answers.view(), &wanted, inputs);
        let batch = dense.forward_batch(pictures.view()).unwrap();
        assert_eq!(batch.dim(), (count, output[0], output[1], output[2]));
        assert_eq!(bits(batch.to_shape((count, hidden)).unwrap().view()), bits(answers.view()));
        for (index, picture) in pictures.outer_iter().enumerate().take(4) {
            let answer = dense.forward(picture).unwrap();
            let row = answer.to_shape((1, hidden)).unwrap();
            let one = wanted.each_ref().map(|array| array.slice(s![index..=index, ..]).to_owned());
            near(row.view(), &one, inputs);
            if input[2] == 1 && output[2] == 1 {
                let plane = dense.forward_plane(picture.index_axis(Axis(2), 0)).unwrap();
                assert_eq!(plane, answer.index_axis(Axis(2), 0));
            }
        }
    }
}

#[test]
fn pictures_lie_in_memory_as_they_like() {
    let mut numbers = Numbers::new(2);
    let dense = Dense::new([4, 3, 2], [3, 2, 2], whole(&mut numbers, (12, 24)), None).unwrap();
    let picture: Array3<f32> = whole(&mut numbers, (4, 3, 2));
    let wanted = dense.forward(picture.view()).unwrap();
    for layout in Layout::ALL {
        let from = Laid::of(layout, picture.view());
        let mut to = Laid::new(layout, [3, 2, 2]);
        dense.forward_into(from.view(), to.view_mut()).unwrap();
        assert_eq!(to.view(), wanted, "{layout:?}");
        assert!(to.surroundings_are_untouched(), "{layout:?}");
        let batch = from.view().insert_axis(Axis(0));
        assert_eq!(dense.forward_batch(batch).unwrap().index_axis(Axis(0), 0), wanted, "{layout:?}");
    }
    // Weights in another order than theirs.
    let turned = dense.weights().t().as_standard_layout().into_owned().reversed_axes();
    let turned = Dense::new([4, 3, 2], [3, 2, 2], turned, None).unwrap();
    assert_eq!(turned.forward(picture.view()).unwrap(), wanted);
    let four: Array4<f32> = whole(&mut numbers, (2, 3, 4, 5));
    let backwards = four.slice(s![..;-1, .., .., ..]).to_owned();
    let kept = Dense::on_pictures(backwards.clone(), None).unwrap();
    let mut sliced = four.clone();
    sliced.invert_axis(Axis(0));
    assert_eq!(Dense::on_pictures(sliced, None).unwrap().weights(), kept.weights());
    assert_eq!(kept.weights()[[3, 7]], backwards[[1, 0, 1, 2]]);
}

#[test]
fn the_equation_of_the_book() {
    let mut numbers = Numbers::new(3);
    let weights: Array4<f32> = whole(&mut numbers, (2, 3, 4, 5));
    let bias: Array2<f32> = whole(&mut numbers, (2, 3));
    let picture: Array2<f32> = whole(&mut numbers, (4, 5));
    let dense = Dense::on_pictures(weights.clone(), Some(bias.clone())).unwrap();
    let hidden = dense.forward_plane(picture.view()).unwrap();
    for ((i, j), h) in hidden.indexed_iter() {
        let mut sum = bias[[i, j]];
        for ((k, l), x) in picture.indexed_iter() {
            sum += weights[[i, j, k, l]] * x;
        }
        assert_eq!(*h, sum);
    }
}

#[test]
fn threads_change_no_bit() {
    let mut numbers = Numbers::new(4);
    // Large enough to be split, in blocks that divide nothing evenly.
    let dense =
        Dense::new([5, 27, 1], [1, 1, 1100], numbers.array((1100, 135)), Some(numbers.array(1100))).unwrap();
    let (inputs, gradients) = (numbers.array((261, 135)), numbers.array((261, 1100)));
    let run = |threads: usize| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let flat = dense.forward_flat(inputs.view()).unwrap();
            let one = dense.forward_flat(inputs.slice(s![..1, ..])).unwrap();
            let DenseGradients { input, weights, .. } =
                dense.backward_flat(inputs.view(), gradients.view()).unwrap();
            [flat, one, input, weights].map(|array| bits(array.view()))
        })
    };
    let alone = run(1);
    assert_eq!(run(2), alone);
    assert_eq!(run(3), alone);
}

#[test]
fn gradients_are_the_transposed_products() {
    let mut numbers = Numbers::new(5);
    let dense = Dense::new([3, 4, 2], [2, 2, 5], numbers.array((20, 24)), None).unwrap();
    let (inputs, gradients) = (numbers.array((6, 24)), numbers.array((6, 20)));
    let found = dense.backward_flat(inputs.view(), gradients.view()).unwrap();
    near(found.input.view(), &product(gradients.view(), dense.weights()), 20);
    near(found.weights.view(), &product(gradients.t(), inputs.view()), 6);
    let ones = Array2::ones((1, 6));
    near(found.bias.view().insert_axis(Axis(0)), &product(ones.view(), gradients.view()), 6);

    let picture = inputs.row(2).to_shape((3, 4, 2)).unwrap().to_owned();
    let gradient = gradients.row(2).to_shape((2, 2, 5)).unwrap().to_owned();
    let one = dense.backward(picture.view(), gradient.view()).unwrap();
    let flat = dense.backward_flat(inputs.slice(s![2..3, ..]), gradients.slice(s![2..3, ..])).unwrap();
    assert_eq!(one.input.to_shape((1, 24)).unwrap(), flat.input);
    assert_eq!((one.weights, one.bias), (flat.weights, flat.bias));
}

#[test]
fn a_step_against_the_gradient_lowers_the_loss() {
    let mut numbers = Numbers::new(6);
    let mut dense = Dense::zeros([3, 3, 1], [1, 1, 2]).unwrap();
    let (inputs, wanted): (Array2<f32>, Array2<f32>) = (numbers.array((8, 9)), numbers.array((8, 2)));
    let loss = |dense: &Dense| {
        let residual = dense.forward_flat(inputs.view()).unwrap() - &wanted;
        (residual.iter().map(|r| r * r / 2.0).sum::<f32>(), residual)
    };
    let (before, _) = loss(&dense);
    for _ in 0..20 {
        let (_, residual) = loss(&dense);
        let gradients = dense.backward_flat(inputs.view(), residual.view()).unwrap();
        dense.weights_mut().scaled_add(-0.1, &gradients.weights);
        dense.bias_mut().scaled_add(-0.1, &gradients.bias);
    }
    assert!(loss(&dense).0 < before / 2.0);
}

#[test]
fn what_is_not_finite_flows_through() {
    let mut dense = Dense::new([1, 3, 1], [1, 2, 1], Array2::ones((2, 3)), None).unwrap();
    let picture = |row: [f32; 3]| Array3::from_shape_vec((1, 3, 1), row.to_vec()).unwrap();
    let answer = dense.forward(picture([1.0, f32::INFINITY, 2.0]).view()).unwrap();
    assert!(answer.iter().all(|h| *h == f32::INFINITY));
    let answer = dense.forward(picture([f32::INFINITY, f32::NEG_INFINITY, 2.0]).view()).unwrap();
    assert!(answer.iter().all(|h| h.is_nan()));
    dense.weights_mut()[[1, 2]] = f32::NAN;
    let answer = dense.forward(picture([0.0; 3]).view()).unwrap();
    assert!(answer[[0, 0, 0]] == 0.0 && answer[[0, 1, 0]].is_nan());
}

#[test]
fn a_layer_beyond_memory_is_an_error_with_its_bytes() {
    let megapixel = [1000, 1000, 1];
    let error = Dense::zeros(megapixel, megapixel).unwrap_err();
    assert!(matches!(error, Error::Memory { bytes: 4_000_000_000_000, .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.starts_with("a dense layer would need 4,000,000,000,000 bytes (4.0 TB); "), "{text}");
    let filter = Array4::ones((3, 3, 1, 1));
    let layer = Conv2d::builder(filter.view()).build().unwrap();
    assert_eq!(Dense::from_conv(&layer, [1000, 1000]).unwrap_err().to_string()[..60], text[..60]);
    // Beyond what an address can name, and what a count can hold.
    for size in [1 << 30, usize::MAX] {
        let error = Dense::zeros([size; 3], [size; 3]).unwrap_err();
        assert!(matches!(error, Error::Memory { bytes, .. } if bytes > 1 << 64), "{error}");
    }
    #[cfg(target_os = "linux")]
    assert!(text.contains("this machine has") && text.ends_with("free"), "{text}");
}

#[test]
fn what_does_not_belong_is_refused() {
    let dense = Dense::new([2, 3, 1], [2, 2, 1], Array2::ones((4, 6)), None).unwrap();
    let length = |array, axis, found, wanted| Error::Length { array, axis, found, wanted };
    let made = |weights, bias| Dense::new([2, 3, 1], [2, 2, 1], weights, bias).unwrap_err();
    assert_eq!(made(Array2::ones((5, 6)), None), length("weights", "hidden", 5, 4));
    assert_eq!(made(Array2::ones((4, 7)), None), length("weights", "inputs", 7, 6));
    assert_eq!(made(Array2::ones((4, 6)), Some(Array1::ones(3))), length("bias", "hidden", 3, 4));
    let empty = |array, axis| Error::Empty { array, axis };
    assert_eq!(Dense::zeros([2, 0, 1], [1; 3]).unwrap_err(), empty("input", "W"));
    assert_eq!(Dense::zeros([1; 3], [1, 1, 0]).unwrap_err(), empty("output", "C"));
    let bias = Some(Array2::ones((1, 3)));
    assert_eq!(Dense::on_pictures(Array4::ones((2, 3, 1, 1)), bias).unwrap_err(), length("bias", "H", 1, 2));

    assert_eq!(dense.forward(Array3::ones((2, 2, 1)).view()).unwrap_err(), length("input", "W", 2, 3));
    assert_eq!(dense.forward_plane(Array2::ones((3, 3)).view()).unwrap_err(), length("input", "H", 3, 2));
    let mut small = Array3::ones((2, 1, 1));
    let into = dense.forward_into(Array3::ones((2, 3, 1)).view(), small.view_mut());
    assert_eq!(into.unwrap_err(), length("output", "W", 1, 2));
    let none = Array4::ones((0, 2, 3, 1));
    assert_eq!(dense.forward_batch(none.view()).unwrap_err(), empty("input", "N"));
    let rows = Array2::ones((3, 5));
    assert_eq!(dense.forward_flat(rows.view()).unwrap_err(), length("input", "inputs", 5, 6));
    let (x, g) = (Array2::ones((3, 6)), Array2::ones((2, 4)));
    assert_eq!(dense.backward_flat(x.view(), g.view()).unwrap_err(), length("gradient", "N", 2, 3));
    assert_eq!(dense.backward_flat(x.view(), x.view()).unwrap_err(), length("gradient", "hidden", 6, 4));
    let coloured = Dense::zeros([2, 3, 3], [1; 3]).unwrap();
    assert_eq!(coloured.forward_plane(Array2::ones((2, 3)).view()).unwrap_err(), length("input", "C", 3, 1));

    let filter = Array4::ones((3, 3, 1, 1));
    let bent = Conv2d::builder(filter.view()).activation(Activation::Relu).build().unwrap();
    let error = Dense::from_conv(&bent, [4, 4]).unwrap_err();
    assert!(matches!(error, Error::Parameter { parameter: "activation", .. }), "{error}");
}
