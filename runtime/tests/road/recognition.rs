//! Finding the convolution in the weights of a dense layer, and saying what stands against it.

use ndarray::{Array1, Array3, Array4, s};
use tapwise::dense::{Dense, Departure, Invariant, Local, Offsets};
use tapwise::{Border, Conv2d, Error, Padding};

use crate::common::Numbers;
use crate::whole;

/// A dense layer that is a convolution, of Δ = 1, two channels to three, on 6x5.
fn example(numbers: &mut Numbers) -> (Array4<f32>, Array1<f32>, Dense) {
    let filter: Array4<f32> = numbers.array((3, 3, 2, 3));
    let bias: Array1<f32> = numbers.array(3);
    let layer = Conv2d::builder(filter.view()).bias(bias.view()).build().unwrap();
    let dense = Dense::from_conv(&layer, [6, 5]).unwrap();
    (filter, bias, dense)
}

#[test]
fn a_convolution_is_found_in_its_weights() {
    let mut numbers = Numbers::new(21);
    for _ in 0..40 {
        let [kernel, dilation] = [[3, 3], [2, 2]].map(|most| most.map(|most| 1 + numbers.below(most)));
        let groups = 1 + numbers.below(2);
        let (c_in, c_out) = (1 + numbers.below(2), groups * (1 + numbers.below(2)));
        let filter: Array4<f32> = numbers.array((kernel[0], kernel[1], c_in, c_out));
        let bias: Array1<f32> = numbers.array(c_out);
        let layer = Conv2d::builder(filter.view())
            .bias(bias.view())
            .dilation(dilation)
            .groups(groups)
            .build()
            .unwrap();
        let size = [5 + numbers.below(3), 5 + numbers.below(3)];
        let found = Dense::from_conv(&layer, size).unwrap().to_conv(0.0, 4).unwrap();

        // The filter with zeros between its taps and between its groups.
        let extent = layer.spec().extent();
        let delta = extent.map(|extent| extent / 2).into_iter().max().unwrap();
        let mut wanted = Array4::zeros((2 * delta + 1, 2 * delta + 1, groups * c_in, c_out));
        let margins = layer.spec().margins(size);
        for ((a, b, c, d), weight) in filter.indexed_iter() {
            let row = delta + a * dilation[0] - margins[0].before;
            let column = delta + b * dilation[1] - margins[1].before;
            wanted[[row, column, d / (c_out / groups) * c_in + c, d]] = *weight;
        }
        assert_eq!(found.delta(), [delta; 2]);
        assert_eq!(found.filter(), wanted);
        assert_eq!(found.bias(), bias);
        // On a picture of another size.
        let picture: Array3<f32> = whole(&mut numbers, (9, 8, groups * c_in));
        let [one, other] =
            [&found.layer().unwrap(), &layer].map(|layer| layer.forward(picture.view()).unwrap());
        assert!((one - other).iter().all(|difference| difference.abs() < 1e-4));
    }
}

#[test]
fn one_moved_weight_is_told_exactly() {
    let mut numbers = Numbers::new(22);
    let (filter, _, dense) = example(&mut numbers);
    let mut told = 0;
    for _ in 0..200 {
        let [i, k] = [0, 0].map(|_| numbers.below(6));
        let [j, l] = [0, 0].map(|_| numbers.below(5));
        let (c, d) = (numbers.below(2), numbers.below(3));
        let offset = [k as isize - i as isize, l as isize - j as isize];
        let places = (6 - offset[0].unsigned_abs()) * (5 - offset[1].unsigned_abs());
        if places < 3 {
            continue;
        }
        let mut moved = dense.clone();
        let at = [(i * 5 + j) * 3 + d, (k * 5 + l) * 2 + c];
        moved.weights_mut()[at] += 0.01;
        let near = offset[0].abs() <= 1 && offset[1].abs() <= 1;
        let was = if near { filter[[(offset[0] + 1) as usize, (offset[1] + 1) as usize, c, d]] } else { 0.0 };
        match moved.to_conv(1e-4, 5).unwrap_err() {
            Departure::NotInvariant { place, offset: told_offset, channels, found, wanted, limit } => {
                assert_eq!((place, told_offset, channels), ([i, j], offset, [c, d]));
                assert_eq!(found, moved.weights()[at]);
                let mean = was + 0.01 / places as f32;
                assert!((wanted - mean).abs() < 1e-6, "{wanted} and {mean}");
                assert!(limit > 0.9e-4 && limit < 1.1e-4);
            }
            other => panic!("{other}"),
        }
        told += 1;
    }
    assert!(told > 100, "{told}");
}

#[test]
fn a_departure_reads_as_a_sentence() {
    let filter = Array4::from_elem((3, 3, 1, 1), 0.5);
    let layer = Conv2d::builder(filter.view()).build().unwrap();
    let mut dense = Dense::from_conv(&layer, [4, 4]).unwrap();
    dense.weights_mut()[[4 + 2, 4 + 1]] = 0.75;
    let text = dense.to_conv(0.0, 3).unwrap_err().to_string();
    let wanted = "not invariant: at [1, 2] the weight of offset [0, -1] (channels [0, 0]) is 0.75, wanted \
                  0.5208333 within 0e0, its mean over all places";
    assert_eq!(text, wanted);
}

#[test]
fn a_moved_bias_is_told() {
    let mut numbers = Numbers::new(23);
    let (_, bias, mut dense) = example(&mut numbers);
    dense.bias_mut()[(2 * 5 + 4) * 3 + 1] += 0.3;
    let departure = dense.to_conv(1e-3, 5).unwrap_err();
    let Departure::Bias { place: [2, 4], channel: 1, found, wanted, .. } = departure else {
        panic!("{departure}")
    };
    assert_eq!(found, bias[1] + 0.3);
    assert!((wanted - (bias[1] + 0.3 / 30.0)).abs() < 1e-6);
}

#[test]
fn a_weight_beyond_delta_is_told() {
    let mut numbers = Numbers::new(24);
    let mut filter: Array4<f32> = numbers.array((5, 5, 1, 2));
    filter.slice_mut(s![0, .., .., ..]).fill(0.0);
    filter[[4, 1, 0, 1]] = -3.0;
    let layer = Conv2d::builder(filter.view()).build().unwrap();
    let dense = Dense::from_conv(&layer, [7, 6]).unwrap();
    let departure = dense.to_conv(0.0, 1).unwrap_err();
    let wanted = Departure::NotLocal { delta: 1, offset: [2, -1], channels: [0, 1], found: -3.0, limit: 0.0 };
    assert_eq!(departure, wanted);
    assert_eq!(dense.to_conv(0.0, 2).unwrap().filter(), filter);

    // The smallest Δ that serves: only as far as the furthest weight that counts.
    let invariant = Offsets::new(&dense).unwrap().invariant(0.0).unwrap();
    assert_eq!(invariant.delta(0.0), Ok(2));
    assert_eq!(invariant.delta(1.0), Ok(0));
    assert_eq!(invariant.local(9, 0.0).unwrap().delta(), [9, 9]);
    assert_eq!(Invariant::new(Array4::zeros((5, 5, 1, 1)), None).unwrap().delta(0.0), Ok(0));
}

#[test]
fn the_tolerance_is_relative() {
    let mut numbers = Numbers::new(25);
    for scale in [1e-20f32, 1.0, 1e20] {
        let (filter, bias, _) = example(&mut numbers);
        let (filter, bias) = (filter * scale, bias * scale);
        let layer = Conv2d::builder(filter.view()).bias(bias.view()).build().unwrap();
        let mut dense = Dense::from_conv(&layer, [6, 5]).unwrap();
        let noise: Array1<f32> = numbers.array(dense.weights().len());
        dense
            .weights_mut()
            .iter_mut()
            .zip(&noise)
            .for_each(|(weight, noise)| *weight += noise * 1e-4 * scale);
        let refused = dense.to_conv(1e-6, 5).unwrap_err();
        assert!(matches!(refused, Departure::NotInvariant { .. }), "{refused}");
        let found = dense.to_conv(1e-3, 5).unwrap();
        assert_eq!(found.delta(), [1, 1]);
        let off =
            (&found.filter() - &filter).iter().fold(0.0f32, |most, difference| most.max(difference.abs()));
        assert!(off > 0.0 && off < 1e-4 * scale, "{off}");
    }
}

#[test]
fn other_layers_are_refused_with_the_reason() {
    let mut numbers = Numbers::new(26);
    let filter: Array4<f32> = numbers.array((3, 3, 1, 1));
    let of = |stride: usize, padding: Padding, border: Border| {
        let builder = Conv2d::builder(filter.view()).stride([stride; 2]).padding(padding).border(border);
        Dense::from_conv(&builder.build().unwrap(), [6, 6]).unwrap().to_conv(1e-6, 4).unwrap_err()
    };
    let size = |found| Departure::Refused(Error::Length { array: "output", axis: "H", found, wanted: 6 });
    assert_eq!(of(2, Padding::Same, Border::Zero), size(3));
    assert_eq!(of(1, Padding::Valid, Border::Zero), size(4));
    for border in [Border::Replicate, Border::Reflect] {
        let departure = of(1, Padding::Same, border);
        assert!(matches!(departure, Departure::NotInvariant { .. }), "{border}: {departure}");
    }
    // Around a circle every place is like every other, but what is seen across the edge is far away.
    let departure = of(1, Padding::Same, Border::Circular);
    assert!(matches!(departure, Departure::NotLocal { delta: 4, .. }), "{departure}");
    // Weights drawn at random are no convolution at all.
    let dense = Dense::new([4, 4, 1], [4, 4, 1], numbers.array((16, 16)), None).unwrap();
    assert!(matches!(dense.to_conv(0.1, 3).unwrap_err(), Departure::NotInvariant { .. }));

    let (_, _, mut dense) = example(&mut numbers);
    for tolerance in [-1.0, f32::NAN, f32::INFINITY] {
        let refused = dense.to_conv(tolerance, 3).unwrap_err();
        assert!(matches!(refused, Departure::Refused(Error::Parameter { parameter: "tolerance", .. })));
    }
    dense.bias_mut()[7] = f32::INFINITY;
    let wanted = Departure::NotFinite { place: [0, 2], channel: 1, found: f32::INFINITY };
    assert_eq!(dense.to_conv(1.0, 3).unwrap_err(), wanted);
    dense.weights_mut()[[5 * 3 + 2, 3]] = f32::NEG_INFINITY;
    let wanted = Departure::NotFinite { place: [1, 0], channel: 2, found: f32::NEG_INFINITY };
    assert_eq!(dense.to_conv(1.0, 3).unwrap_err(), wanted);
}

#[test]
fn offsets_that_no_place_sees_are_free() {
    let mut numbers = Numbers::new(27);
    let filter: Array4<f32> = numbers.array((5, 5, 1, 1));
    let local = Local::new(filter.clone(), None).unwrap();
    // On a picture of one row, only the middle row of the filter is ever used.
    let dense = Invariant::from_local(&local, [1, 8]).unwrap().dense().unwrap();
    let found = dense.to_conv(0.0, 7).unwrap();
    let mut wanted = Array4::zeros((5, 5, 1, 1));
    wanted.slice_mut(s![2, .., .., ..]).assign(&filter.slice(s![2, .., .., ..]));
    assert_eq!(found.filter(), wanted);
    // From corner to corner there is a single place: its weight cannot differ from itself.
    let mut dense = Dense::zeros([2, 2, 1], [2, 2, 1]).unwrap();
    dense.weights_mut()[[0, 3]] = 2.0;
    assert_eq!(Offsets::new(&dense).unwrap().invariant(0.0).unwrap().at(1, 1), Some(2.0));
}
