//! Every step of the road in both directions. Numbers are whole, so that equal means equal.

use ndarray::{Array1, Array2, Array3, Array4, Axis};
use tapwise::Conv2d;
use tapwise::dense::{Dense, Invariant, Local, Offsets};

use crate::common::{Numbers, oracle};
use crate::{bits, spec, whole};

#[test]
fn a_convolution_is_a_dense_layer_at_every_size() {
    let mut numbers = Numbers::new(11);
    let (mut equal, mut refused) = (0, 0);
    for height in 1..=9 {
        for width in 1..=9 {
            for _ in 0..6 {
                let spec = spec(&mut numbers);
                let [rows, columns] = spec.kernel;
                let filter: Array4<f32> = whole(&mut numbers, (rows, columns, spec.c_in_group(), spec.c_out));
                let bias: Array1<f32> = whole(&mut numbers, spec.c_out);
                let layer = Conv2d::builder(filter.view()).spec(&spec).bias(bias.view()).build().unwrap();
                let fits = (0..2).all(|axis| oracle::axis(&spec, axis, [height, width][axis]).1.is_some());
                let dense = Dense::from_conv(&layer, [height, width]);
                let picture: Array3<f32> = whole(&mut numbers, (height, width, spec.c_in));
                if !fits {
                    assert_eq!(dense.unwrap_err(), layer.forward(picture.view()).unwrap_err());
                    refused += 1;
                    continue;
                }
                let dense = dense.unwrap();
                let wanted = layer.forward(picture.view()).unwrap();
                assert_eq!(dense.forward(picture.view()).unwrap(), wanted, "{spec} on {height}x{width}");
                equal += 1;
            }
        }
    }
    assert!(equal > 300 && refused > 20, "{equal} equal, {refused} refused");
}

#[test]
fn the_gradients_of_a_convolution_are_those_of_its_dense_layer() {
    let mut numbers = Numbers::new(15);
    let mut compared = 0;
    for _ in 0..60 {
        let (spec, input) = (spec(&mut numbers), [0; 2].map(|_| 1 + numbers.below(8)));
        let Ok([rows, columns]) = spec.output(input) else { continue };
        let filter: Array4<f32> =
            whole(&mut numbers, (spec.kernel[0], spec.kernel[1], spec.c_in_group(), spec.c_out));
        let layer = Conv2d::builder(filter.view()).spec(&spec).build().unwrap();
        let dense = Dense::from_conv(&layer, input).unwrap();
        let picture: Array3<f32> = whole(&mut numbers, (input[0], input[1], spec.c_in));
        let gradient: Array3<f32> = whole(&mut numbers, (rows, columns, spec.c_out));
        let shared = layer.backward(picture.view(), gradient.view()).unwrap();
        let apart = dense.backward(picture.view(), gradient.view()).unwrap();
        // (12) is the product with the transposed matrix; (14) the sum over what shares a bias.
        assert_eq!(shared.input, apart.input, "{spec}");
        let places = apart.bias.to_shape((rows * columns, spec.c_out)).unwrap();
        assert_eq!(shared.bias, places.sum_axis(Axis(0)), "{spec}");
        // (13) is the sum over all that share a weight: seen along the filter itself, `⟨∂L/∂V, V⟩`.
        let along = |left: f32, right: f32| f64::from(left) * f64::from(right);
        let of_filter: f64 = shared.filter.iter().zip(&filter).map(|(&g, &v)| along(g, v)).sum();
        let of_weights: f64 = apart.weights.iter().zip(dense.weights()).map(|(&g, &w)| along(g, w)).sum();
        assert_eq!(of_filter, of_weights, "{spec}");
        compared += 1;
    }
    assert!(compared > 40, "{compared}");
}

#[test]
fn re_indexing_renames_every_weight_and_loses_none() {
    let mut numbers = Numbers::new(12);
    for (height, width, c_in, c_out) in [(1, 1, 1, 1), (1, 5, 1, 1), (4, 3, 1, 1), (3, 4, 2, 3)] {
        let pixels = height * width;
        let mut weights: Array2<f32> = numbers.array((pixels * c_out, pixels * c_in));
        let special = [-0.0, 0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MIN_POSITIVE / 4.0];
        for value in special {
            let at = [numbers.below(weights.nrows()), numbers.below(weights.ncols())];
            weights[at] = value;
        }
        let mut bias: Array1<f32> = numbers.array(pixels * c_out);
        bias[0] = -0.0;
        let dense =
            Dense::new([height, width, c_in], [height, width, c_out], weights.clone(), Some(bias)).unwrap();
        let offsets = Offsets::new(&dense).unwrap();
        assert_eq!(offsets.parameters(), dense.parameters());

        // V[i,j,a,b] = W[i,j,i+a,j+b], and nothing where there is no pixel.
        let (rows, columns) = (height as isize, width as isize);
        let mut seen = 0;
        for (i, j, c, d) in ndarray::indices((height, width, c_in, c_out)) {
            for a in -rows..=rows {
                for b in -columns..=columns {
                    let (k, l) = (i as isize + a, j as isize + b);
                    let inside = (0..rows).contains(&k) && (0..columns).contains(&l);
                    let found = offsets.weight([i, j], [a, b], [c, d]);
                    let wanted = inside.then(|| {
                        let (k, l) = (k as usize, l as usize);
                        weights[[(i * width + j) * c_out + d, (k * width + l) * c_in + c]]
                    });
                    assert_eq!(found.map(f32::to_bits), wanted.map(f32::to_bits), "{:?}", (i, j, a, b, c, d));
                    seen += usize::from(inside);
                }
            }
        }
        assert_eq!(seen, weights.len());
        assert_eq!(offsets.at(height, 0, 0, 0), None);
        assert_eq!(offsets.weight([0, 0], [0, 0], [c_in, 0]), None);
        assert_eq!(offsets.weight([0, 0], [0, 0], [0, c_out]), None);

        let back = offsets.dense().unwrap();
        assert_eq!(bits(back.weights()), bits(dense.weights()));
        assert_eq!(bits(back.bias()), bits(dense.bias()));
    }
}

#[test]
fn all_four_forms_compute_the_same() {
    let mut numbers = Numbers::new(13);
    for (height, width) in [(1, 1), (1, 7), (6, 1), (5, 4), (3, 8)] {
        for (c_in, c_out) in [(1, 1), (2, 3)] {
            let filter = whole(&mut numbers, (2 * height - 1, 2 * width - 1, c_in, c_out));
            let invariant = Invariant::new(filter, Some(whole(&mut numbers, c_out))).unwrap();
            assert_eq!(invariant.size(), [height, width]);
            let picture: Array3<f32> = whole(&mut numbers, (height, width, c_in));

            let offsets = invariant.offsets().unwrap();
            let dense = invariant.dense().unwrap();
            assert_eq!(bits(offsets.dense().unwrap().weights()), bits(dense.weights()));
            assert_eq!(offsets.dense().unwrap().bias(), dense.bias());
            let wanted = dense.forward(picture.view()).unwrap();
            assert_eq!(offsets.forward(picture.view()).unwrap(), wanted);
            assert_eq!(invariant.forward(picture.view()).unwrap(), wanted);
            // And up again.
            assert_eq!(offsets.invariant(0.0).unwrap(), invariant);
            let furthest = height.max(width) - 1;
            let local = invariant.local(furthest, 0.0).unwrap();
            assert_eq!(local.layer().unwrap().forward(picture.view()).unwrap(), wanted);
            assert_eq!(Invariant::from_local(&local, [height, width]).unwrap(), invariant);
        }
    }
}

#[test]
fn offsets_of_an_invariant_layer_are_its_weights() {
    let filter = Array4::from_shape_fn((5, 7, 1, 1), |(row, column, _, _)| (row * 10 + column) as f32);
    let invariant = Invariant::new(filter, None).unwrap();
    let offsets = invariant.offsets().unwrap();
    for (i, j) in ndarray::indices((3, 4)) {
        for a in -(i as isize)..3 - i as isize {
            for b in -(j as isize)..4 - j as isize {
                let wanted = (a + 2) * 10 + b + 3;
                assert_eq!(offsets.at(i, j, a, b), Some(wanted as f32));
                assert_eq!(invariant.at(a, b), Some(wanted as f32));
            }
        }
    }
    assert_eq!(invariant.at(3, 0), None);
    assert_eq!(invariant.at(0, -4), None);
}

#[test]
fn a_local_layer_is_the_convolution_on_every_picture() {
    let mut numbers = Numbers::new(14);
    for delta in 0..=3usize {
        let (c_in, c_out) = (1 + numbers.below(2), 1 + numbers.below(3));
        let filter: Array4<f32> = whole(&mut numbers, (2 * delta + 1, 2 * delta + 1, c_in, c_out));
        let local = Local::new(filter, Some(whole(&mut numbers, c_out))).unwrap();
        assert_eq!(local.delta(), [delta; 2]);
        let layer = local.layer().unwrap();
        for height in 1..=9 {
            for width in 1..=9 {
                let picture: Array3<f32> = whole(&mut numbers, (height, width, c_in));
                let invariant = Invariant::from_local(&local, [height, width]).unwrap();
                assert_eq!(invariant.size(), [height, width]);
                let dense = invariant.dense().unwrap();
                let wanted = layer.forward(picture.view()).unwrap();
                assert_eq!(dense.forward(picture.view()).unwrap(), wanted, "{delta} on {height}x{width}");
                if height.min(width) > delta {
                    // Every tap is seen: nothing is lost on the way down and up.
                    assert_eq!(invariant.local(delta, 0.0).unwrap(), local);
                }
                if height * width <= 20 {
                    assert_eq!(invariant.forward(picture.view()).unwrap(), wanted);
                }
            }
        }
    }
}

#[test]
fn a_filter_needs_a_middle() {
    for shape in [(2, 3, 1, 1), (3, 4, 1, 1), (0, 3, 1, 1), (3, 3, 0, 1)] {
        assert!(Local::new(Array4::zeros(shape), None).is_err());
        assert!(Invariant::new(Array4::zeros(shape), None).is_err());
    }
    assert!(Local::new(Array4::zeros((3, 3, 1, 2)), Some(Array1::zeros(3))).is_err());
    let local = Local::new(Array4::zeros((3, 5, 1, 2)), None).unwrap();
    assert_eq!((local.delta(), local.parameters()), ([1, 2], 32));
    assert!(Invariant::from_local(&local, [0, 4]).is_err());
    let unlike = Dense::zeros([3, 4, 1], [3, 3, 1]).unwrap();
    assert_eq!(Offsets::new(&unlike).unwrap_err().to_string(), "output: axis W has length 3, wanted 4");
}
