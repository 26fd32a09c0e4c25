//! What the road promises of a convolution, on random numbers and on a photograph, by every strategy.

use ndarray::{Array1, Array3, Array4, ArrayView3, ArrayView4, Axis, s};
use ndarray_npy::ReadNpyExt;
use tapwise::convolution::convolve_2d;
use tapwise::dense::Dense;
use tapwise::{Border, Conv2d, Padding, Strategy};

use crate::bits;
use crate::common::{Numbers, oracle};

// So that `Specialized` serves the layers below.
tapwise::specialize! {
    { delta: [1, 2], c_in: 3, c_out: 5 }
}

/// The eye of a cat, `[64, 64, 3]`, from 0 to 1.
fn photograph() -> Array3<f32> {
    let file = include_bytes!("../data/photograph/chelsea-64x64.npy");
    Array3::<u8>::read_npy(&file[..]).unwrap().mapv(|level| f32::from(level) / 255.0)
}

/// The photograph, and random numbers.
fn pictures() -> [Array3<f32>; 2] {
    [photograph(), Numbers::new(41).array((64, 64, 3))]
}

/// Strategies that sum for each output what the textbook sums, and nothing else.
const SUMS: [Strategy; 4] = [Strategy::Naive, Strategy::Im2colGemm, Strategy::Direct, Strategy::Specialized];

/// The layer by each of them; all serve.
fn layers(filter: ArrayView4<'_, f32>, padding: Padding, flip: bool) -> Vec<(Strategy, Conv2d)> {
    let built = SUMS.into_iter().filter_map(|strategy| {
        let builder = Conv2d::builder(filter).padding(padding).flip(flip).strategy(strategy);
        builder.build().ok().map(|layer| (strategy, layer))
    });
    let layers: Vec<_> = built.collect();
    for needed in SUMS {
        assert!(layers.iter().any(|(strategy, _)| *strategy == needed), "no {needed}");
    }
    layers
}

fn filter(delta: usize) -> Array4<f32> {
    Numbers::new(42 + delta as u64).array((2 * delta + 1, 2 * delta + 1, 3, 5))
}

#[test]
fn what_is_shifted_is_answered_shifted() {
    for (delta, picture) in
        [1usize, 2].into_iter().flat_map(|delta| pictures().map(|picture| (delta, picture)))
    {
        for (strategy, layer) in layers(filter(delta).view(), Padding::Same, false) {
            let (height, width) = (23, 30);
            let window =
                |top: usize, left: usize| picture.slice(s![top..top + height, left..left + width, ..]);
            let still = layer.forward(window(20, 17)).unwrap();
            for (down, across) in [(1, 0), (0, 1), (3, 7), (11, 2)] {
                // The window moves up and left: what it shows moves down and right.
                let moved = layer.forward(window(20 - down, 17 - across)).unwrap();
                let inner = delta..height - delta - down;
                let still = still.slice(s![inner, delta..width - delta - across, ..]);
                let same = s![delta + down..height - delta, delta + across..width - delta, ..];
                assert_eq!(bits(moved.slice(same)), bits(still), "{strategy}, Δ = {delta}, {down} {across}");
            }
        }
    }
}

#[test]
fn what_is_shifted_around_is_answered_shifted_around() {
    // With a circular border there is no border: every pixel is an inner one.
    let picture = photograph();
    let picture = picture.slice(s![..12, ..17, ..]);
    let roll = |array: ArrayView3<'_, f32>, down: usize, across: usize| {
        let (height, width, _) = array.dim();
        Array3::from_shape_fn(array.dim(), |(i, j, c)| {
            array[[(i + height - down) % height, (j + width - across) % width, c]]
        })
    };
    for strategy in SUMS {
        let filter = filter(2);
        let layer =
            Conv2d::builder(filter.view()).border(Border::Circular).strategy(strategy).build().unwrap();
        let still = layer.forward(picture).unwrap();
        let moved = layer.forward(roll(picture, 5, 9).view()).unwrap();
        assert_eq!(bits(moved.view()), bits(roll(still.view(), 5, 9).view()), "{strategy}");
    }
}

#[test]
fn what_is_far_is_not_seen() {
    for (delta, picture) in
        [1usize, 2].into_iter().flat_map(|delta| pictures().map(|picture| (delta, picture)))
    {
        let picture = picture.slice(s![..21, ..34, ..]);
        for (strategy, layer) in layers(filter(delta).view(), Padding::Same, false) {
            let before = layer.forward(picture).unwrap();
            for (row, column) in [(0, 0), (9, 12), (20, 33), (3, 33)] {
                let mut changed = picture.to_owned();
                changed[[row, column, 1]] += 0.5;
                let after = layer.forward(changed.view()).unwrap();
                for ((i, j, d), value) in after.indexed_iter() {
                    let seen = i.abs_diff(row) <= delta && j.abs_diff(column) <= delta;
                    let same = value.to_bits() == before[[i, j, d]].to_bits();
                    assert_ne!(seen, same, "{strategy}: {row},{column} changed, at {i},{j},{d}");
                }
            }
        }
    }
}

#[test]
fn sums_are_answered_by_sums() {
    let [photograph, noise] = pictures();
    let [x, y] = [&photograph, &noise].map(|picture| picture.slice(s![5..30, 11..40, ..]));
    for (strategy, layer) in layers(filter(2).view(), Padding::Same, false) {
        let (alpha, beta) = (0.75f32, -1.5f32);
        let mixed = layer.forward((&x * alpha + &y * beta).view()).unwrap();
        let [of_x, of_y] = [x, y].map(|picture| layer.forward(picture).unwrap());
        let wanted = of_x * alpha + of_y * beta;
        // 75 products of sizes up to 2.25, rounded a few times over.
        let bound = 3.0 * oracle::bound(75) as f32 * 75.0 * 2.25;
        for (found, wanted) in mixed.iter().zip(&wanted) {
            assert!((found - wanted).abs() <= bound, "{strategy}: {found} and {wanted}");
        }
        let double = layer.forward((&x * 2.0).view()).unwrap();
        assert_eq!(double, layer.forward(x).unwrap() * 2.0, "{strategy}: a power of two rounds nothing");
    }
}

#[test]
fn convolution_is_correlation_with_the_flipped_filter() {
    let picture = photograph();
    let picture = picture.slice(s![10..29, 3..40, ..]);
    for delta in [1, 2] {
        let filter = filter(delta);
        let turned = filter.slice(s![..;-1, ..;-1, .., ..]);
        let flipped = layers(filter.view(), Padding::Same, true);
        for ((strategy, one), (_, other)) in flipped.iter().zip(layers(turned, Padding::Same, false)) {
            assert_eq!(one.filter(), turned);
            let [one, other] = [one, &other].map(|layer| layer.forward(picture).unwrap());
            assert_eq!(bits(one.view()), bits(other.view()), "{strategy}");
        }
    }
}

#[test]
fn a_photograph_and_a_filter_may_change_places() {
    let picture = photograph();
    let x = picture.slice(s![20..44, 20..41, 1]);
    let f: ndarray::Array2<f32> = Numbers::new(44).array((5, 4));
    let [one, other] = [convolve_2d(f.view(), x).unwrap(), convolve_2d(x, f.view()).unwrap()];
    assert_eq!(one.dim(), (28, 24));
    let bound = 2.0 * oracle::bound(20) as f32 * 20.0;
    for (one, other) in one.iter().zip(&other) {
        assert!((one - other).abs() <= bound, "{one} and {other}");
    }
}

#[test]
fn the_dense_layer_answers_as_the_convolution() {
    let picture = photograph();
    let bias: Array1<f32> = Numbers::new(45).array(5);
    for (height, width) in [(1, 1), (2, 9), (7, 3), (12, 12)] {
        for delta in [1, 2] {
            let filter = filter(delta);
            let layer = Conv2d::builder(filter.view()).bias(bias.view()).build().unwrap();
            let x = picture.slice(s![30..30 + height, 30..30 + width, ..]);
            let dense = Dense::from_conv(&layer, [height, width]).unwrap();
            let answer =
                oracle::answer(layer.spec(), filter.view(), Some(bias.view()), &Default::default(), x);
            let answer = answer.unwrap();
            for found in [dense.forward(x).unwrap(), layer.forward(x).unwrap()] {
                oracle::judge(found.view(), &answer, oracle::bound(height * width * 3)).unwrap();
            }
            let batch = dense.forward_batch(x.insert_axis(Axis(0))).unwrap();
            let first = batch.index_axis(Axis(0), 0);
            oracle::judge(first, &answer, oracle::bound(height * width * 3)).unwrap();
        }
    }
}
