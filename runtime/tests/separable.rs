//! Two passes against the exact sum, and where they may not run.

mod common;

use common::cases::{Arrays, Case, pool};
use common::layouts::{Laid, Layout};
use common::{Numbers, instruction_sets, oracle};
use ndarray::{Array1, Array3, Array4, Axis, s};
use tapwise::{Activation, Conv2d, Error, Isa, Padding, Shape, Strategy, Verdict};

/// A filter for each channel, the sum of `rank` products of a column and a row; one for all where it is
/// shared.
fn filter([rows, columns]: [usize; 2], channels: usize, rank: usize, shared: bool, seed: u64) -> Array4<f32> {
    let mut filter = Array4::zeros((rows, columns, 1, channels));
    for channel in 0..channels {
        let mut numbers = Numbers::new(if shared { seed } else { seed + channel as u64 });
        let down: Vec<Array1<f32>> = (0..rank).map(|_| numbers.array(rows)).collect();
        let along: Vec<Array1<f32>> = (0..rank).map(|_| numbers.array(columns)).collect();
        let weight = |a: usize, b: usize| -> f32 {
            let products = down.iter().zip(&along).map(|(u, r)| f64::from(u[a]) * f64::from(r[b]));
            products.sum::<f64>() as f32
        };
        filter
            .slice_mut(s![.., .., 0, channel])
            .assign(&ndarray::Array2::from_shape_fn((rows, columns), |(a, b)| weight(a, b)));
    }
    filter
}

fn case(shape: &str, bend: usize) -> Case {
    let shape: Shape = shape.parse().unwrap();
    Case { spec: shape.spec, input: shape.input, bias: true, bend, flip: bend == 4, seed: bend as u64 }
}

fn arrays(case: &Case, rank: usize, shared: bool) -> Arrays {
    let filter = filter(case.spec.kernel, case.spec.c_out, rank, shared, case.seed + 40);
    Arrays { filter, ..case.arrays() }
}

fn layer(case: &Case, arrays: &Arrays, isa: Isa) -> Conv2d {
    Conv2d::builder(arrays.filter.view())
        .spec(&case.spec)
        .bias(arrays.bias.as_ref().unwrap().view())
        .activation(case.activation())
        .flip(case.flip)
        .two_passes(true)
        .isa(isa)
        .build()
        .unwrap()
}

/// How far an answer may be off: by what the weights differ, which is at most a fifth of the error that the
/// plan predicts, and by roundings of what is added.
fn bound(case: &Case, arrays: &Arrays, layer: &Conv2d) -> oracle::Bound {
    let plan = layer.explain(case.input);
    let chosen = plan.chosen().unwrap();
    let rank = chosen.rank.unwrap();
    let largest = arrays.picture.iter().fold(0.0f64, |most, x| most.max(f64::from(x.abs())));
    let of_channel = |channel: usize| {
        let weights = arrays.filter.slice(s![.., .., 0, channel]);
        let squares: f64 = weights.iter().map(|weight| f64::from(*weight).powi(2)).sum();
        let sizes: f64 = weights.iter().map(|weight| f64::from(weight.abs())).sum();
        let roundings = oracle::bound(rank * (case.spec.kernel[0] + case.spec.kernel[1]) + 2);
        chosen.error / 5.0 * (squares * case.spec.taps() as f64).sqrt() + chosen.growth * sizes * roundings
    };
    let beyond = (0..case.spec.c_out).map(of_channel).fold(0.0, f64::max) * largest;
    oracle::Bound { relative: oracle::bound(case.spec.taps() + 1), beyond }
}

const SHAPES: [&str; 14] = [
    "h20w41 c1x1 k5x5",
    "h9w7 c1x1 k5x5 p0,0,0,0",
    "h5w7 c1x1 k5x7 p0,0,0,0",
    "h3w4 c1x1 k9x9",
    "h12w150 c1x1 k3x15 replicate",
    "h30w12 c2x2 k15x3 g2 reflect",
    "h9w25 c3x3 k5x5 g3 circular",
    "h3w5 c1x1 k7x11 circular",
    "h11w20 c17x17 k5x5 g17 p4,1,9,2",
    "h21w23 c5x5 k5x5 g5 d3x2 reflect",
    "h14w13 c1x1 k9x5 d1x4 p3,9,0,12",
    "h7w9 c40x40 k7x5 g40",
    "h17w70 c1x1 k4x8",
    "h6w1 c16x16 k5x5 g16 replicate",
];

#[test]
fn every_layer_is_the_sum_in_every_order_of_memory() {
    for (index, shape) in SHAPES.into_iter().enumerate() {
        let case = case(shape, index % common::cases::BENDS);
        let [height, width] = case.spec.output(case.input).unwrap();
        let residual: Array3<f32> = Numbers::new(7).array((height, width, case.spec.c_out));
        for (rank, shared) in [(1 + index % 3, false), (1, index % 2 == 0)] {
            let arrays = arrays(&case, rank, shared);
            let exact = case.oracle_of_sum(&arrays, Some(residual.view())).unwrap();
            for isa in instruction_sets() {
                let layer = layer(&case, &arrays, isa);
                let bound = bound(&case, &arrays, &layer);
                let mut first = None;
                for layout in Layout::ALL {
                    let input = Laid::of(layout, arrays.picture.view());
                    let more = Laid::of(layout, residual.view());
                    let mut output = Laid::new(layout, [height, width, layer.channels()]);
                    layer.forward_add_into(input.view(), more.view(), output.view_mut()).unwrap();
                    assert!(output.surroundings_are_untouched(), "{shape} {isa} {layout:?}");
                    let judged = oracle::judge(output.view(), &exact, bound);
                    assert!(judged.is_ok(), "{shape} {rank} {isa} {layout:?}: {}", judged.unwrap_err());
                    let found = output.view().to_owned();
                    assert_eq!(
                        *first.get_or_insert_with(|| found.clone()),
                        found,
                        "{shape} {isa} {layout:?}"
                    );
                }
                // Input and output of two orders.
                let input = Laid::of(Layout::Planar, arrays.picture.view());
                let mut output = Laid::new(Layout::Hwc, [height, width, layer.channels()]);
                layer.forward_add_into(input.view(), residual.view(), output.view_mut()).unwrap();
                assert_eq!(first.unwrap(), output.view(), "{shape} {isa}");
            }
        }
    }
}

#[test]
fn random_layers_are_the_sum_within_what_the_plan_predicts() {
    // What the tolerance is a bound of: the largest error over the root mean square of the output, on noise.
    for (rank, shape) in [
        (1, "h60w70 c1x1 k15x15"),
        (2, "h60w70 c1x1 k9x9"),
        (3, "h40w50 c2x2 k7x7 g2"),
        (1, "h50w40 c4x4 k5x5 g4"),
    ] {
        let case = case(shape, 0);
        for noise in [0.0, 1e-7, 1e-6] {
            let mut arrays = arrays(&case, rank, false);
            let more: Array4<f32> = Numbers::new(77).array(arrays.filter.dim());
            arrays.filter.zip_mut_with(&more, |weight, more| *weight += noise * more);
            let layer = layer(&case, &arrays, Isa::selected().unwrap());
            let plan = layer.explain(case.input);
            let chosen = plan.chosen().unwrap();
            assert_eq!(chosen.rank, Some(rank), "{shape} {noise}");
            let exact = layer.reference(arrays.picture.view()).unwrap();
            let found = layer.forward(arrays.picture.view()).unwrap();
            let square = exact.iter().map(|value| value * value).sum::<f64>() / exact.len() as f64;
            let largest =
                exact.iter().zip(&found).map(|(a, b)| (a - f64::from(*b)).abs()).fold(0.0, f64::max);
            let error = largest / square.sqrt();
            assert!(error <= chosen.error, "{shape} {noise}: {error:.1e}, predicted {:.1e}", chosen.error);
            assert!(chosen.error <= 5e-5 && chosen.error < 60.0 * error, "{shape} {noise}: {error:.1e}");
        }
    }
}

#[test]
fn an_output_has_the_same_bits_in_every_band_part_and_batch() {
    for shape in
        ["h350w60 c1x1 k9x9", "h40w31 c24x24 k5x5 g24 reflect", "h231w60 c2x2 k7x5 d2x1 g2 replicate"]
    {
        let case = case(shape, 1);
        let arrays = arrays(&case, 2, false);
        let layer = layer(&case, &arrays, Isa::selected().unwrap());
        let alone = pool(1).install(|| layer.forward(arrays.picture.view()).unwrap());
        let bands = pool(2).install(|| {
            assert!(layer.explain(case.input).bands > 1, "{shape}");
            layer.forward(arrays.picture.view()).unwrap()
        });
        assert_eq!(alone, bands, "{shape}");
        let batch = ndarray::stack![Axis(0), arrays.picture, arrays.picture];
        let both = layer.forward_batch(batch.view()).unwrap();
        assert_eq!(both.index_axis(Axis(0), 1), alone);
        // Rows from the sixth on, a picture of their own.
        let spec = &case.spec;
        let [margins, columns] = spec.margins(case.input);
        let padding =
            Padding::Explicit { top: 0, bottom: margins.after, left: columns.before, right: columns.after };
        let first = 6 + margins.before;
        let mut lower = Array3::zeros((case.input[0] - first, case.input[1], layer.channels()));
        layer.forward_padded_into(padding, arrays.picture.slice(s![6.., .., ..]), lower.view_mut()).unwrap();
        assert_eq!(lower, alone.slice(s![first.., .., ..]), "{shape}");
    }
}

#[test]
fn parts_of_columns_have_the_bits_of_the_whole() {
    let case = case("h5w20000 c1x1 k5x9", 0);
    let arrays = arrays(&case, 1, true);
    let layer = layer(&case, &arrays, Isa::selected().unwrap());
    let alone = pool(1).install(|| layer.forward(arrays.picture.view()).unwrap());
    pool(2).install(|| {
        let plan = layer.explain(case.input);
        assert!(plan.parts > 1, "{plan}");
        assert_eq!(layer.forward(arrays.picture.view()).unwrap(), alone);
    });
}

#[test]
fn a_channel_among_others_has_the_bits_of_one_alone() {
    let case = case("h12w19 c5x5 k5x7 g5", 0);
    for shared in [false, true] {
        let arrays = arrays(&case, 2, shared);
        let all = layer(&case, &arrays, Isa::selected().unwrap()).forward(arrays.picture.view()).unwrap();
        for channel in 0..5 {
            let bias = arrays.bias.as_ref().unwrap().slice(s![channel..=channel]).to_owned();
            let weights = arrays.filter.slice(s![.., .., .., channel..=channel]);
            let alone = Conv2d::builder(weights).bias(bias.view()).two_passes(true).build().unwrap();
            let picture = arrays.picture.slice(s![.., .., channel..=channel]);
            assert_eq!(alone.forward(picture).unwrap(), all.slice(s![.., .., channel..=channel]));
        }
    }
}

#[test]
fn products_of_whole_numbers_stay_exact() {
    let [down, along] = [[1, 4, 6, 4, 1], [-3, 0, 2, 0, 7]];
    let weights =
        Array4::from_shape_fn((5, 5, 1, 2), |(a, b, _, d)| (down[a] * along[b] * (2 - d as i32)) as f32);
    let picture = Array3::from_shape_fn((20, 30, 2), |(i, j, c)| ((i * 37 + j * 11 + c * 5) % 256) as f32);
    let [two, one] = [true, false].map(|two| {
        let layer = Conv2d::builder(weights.view()).groups(2).two_passes(two).strategy(Strategy::Direct);
        layer.build().unwrap().forward(picture.view()).unwrap()
    });
    assert_eq!(two, one);
}

fn reason(layer: &Conv2d) -> String {
    let plan = layer.explain([480, 640]);
    let of_passes =
        plan.candidates.iter().find(|candidate| candidate.kernel.starts_with("two-pass")).unwrap();
    match &of_passes.verdict {
        Verdict::Refused(reason) => reason.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_plan_says_what_the_weights_allow() {
    for rank in 1..=3 {
        let weights = filter([15, 15], 1, rank, true, 3);
        let builder = Conv2d::builder(weights.view());
        // Which way is the fastest for higher ranks depends on the instruction set.
        let layer = if rank == 1 { builder } else { builder.two_passes(true) }.build().unwrap();
        let plan = layer.explain([1080, 1920]);
        let chosen = plan.chosen().unwrap();
        assert_eq!((chosen.strategy, chosen.rank), (Strategy::Direct, Some(rank)), "{plan}");
        let schedule = chosen.schedule.as_ref().unwrap();
        assert!(schedule.starts_with(&format!("rank {rank} within ")), "{schedule}");
        assert!(schedule.contains("of 15x1 and 1x15"), "{schedule}");
        assert!(plan.to_string().contains("chosen: two-pass-"), "{plan}");
        assert!(chosen.workspace_bytes.scratch > 0 && chosen.workspace_bytes.weights > 0);
    }
    let layer = Conv2d::builder(filter([9, 9], 1, 4, true, 5).view()).build().unwrap();
    assert!(reason(&layer).contains("no sum of 3 products"), "{}", reason(&layer));
    assert_eq!(layer.explain([480, 640]).chosen().unwrap().rank, None);
    let mut weights = filter([9, 9], 2, 1, true, 5);
    weights[[3, 3, 0, 1]] = f32::INFINITY;
    let layer = Conv2d::builder(weights.view()).groups(2).build().unwrap();
    assert_eq!(reason(&layer), "a weight of channel 1 is not finite");
}

#[test]
fn a_forced_strategy_sums_as_it_stands() {
    let weights = filter([9, 9], 1, 1, true, 5);
    for strategy in [Strategy::Direct, Strategy::Fft, Strategy::Im2colGemm] {
        let layer = Conv2d::builder(weights.view()).strategy(strategy).build().unwrap();
        assert_eq!(layer.explain([480, 640]).chosen().unwrap().rank, None);
        assert!(reason(&layer).starts_with("the layer asks for"), "{}", reason(&layer));
    }
    let both = Conv2d::builder(weights.view()).strategy(Strategy::Direct).two_passes(true).build().unwrap();
    assert_eq!(both.explain([480, 640]).chosen().unwrap().rank, Some(1));
    let never = Conv2d::builder(weights.view()).two_passes(false).build().unwrap();
    assert!(never.explain([480, 640]).candidates.iter().all(|candidate| candidate.rank.is_none()));
}

#[test]
fn layers_that_two_passes_cannot_serve_say_why() {
    let full = filter([5, 5], 1, 4, true, 1);
    let low = filter([5, 5], 4, 1, true, 1);
    let small = filter([3, 3], 1, 1, true, 1);
    let mut multiplied = Array4::zeros((5, 5, 1, 4));
    multiplied.assign(&low);
    let wanted = |builder: tapwise::Conv2dBuilder<'_>, words: &str| match builder.two_passes(true).build() {
        Err(Error::Unsupported { reason, .. }) => assert!(reason.contains(words), "{reason}"),
        other => panic!("{other:?}, wanted {words}"),
    };
    wanted(Conv2d::builder(full.view()), "no sum of 3 products");
    wanted(Conv2d::builder(low.view()).groups(4).stride([1, 2]), "stride 1, found 1x2");
    wanted(Conv2d::builder(small.view()), "fewer than 25 taps");
    wanted(Conv2d::builder(multiplied.view()), "one filter for each channel");
    wanted(Conv2d::builder(low.view()).groups(4).tolerance(1e-9), "no sum of 3 products");
    let forced =
        Conv2d::builder(low.view()).groups(4).strategy(Strategy::Fft).two_passes(true).build().unwrap();
    assert!(matches!(forced.forward(Array3::ones((9, 9, 4)).view()), Err(Error::Unsupported { .. })));
}

#[test]
fn another_filter_is_looked_at_anew() {
    let (low, full) = (filter([9, 9], 1, 1, true, 1), filter([9, 9], 1, 6, true, 2));
    let picture: Array3<f32> = Numbers::new(4).array((60, 70, 1));
    let bias = Array1::zeros(1);
    let mut layer = Conv2d::builder(low.view()).build().unwrap();
    let rank = |layer: &Conv2d| layer.explain([60, 70]).chosen().unwrap().rank;
    for (filter, wanted) in [(&low, Some(1)), (&full, None), (&low, Some(1))] {
        layer.replace_filter(filter.view(), bias.view()).unwrap();
        assert_eq!(rank(&layer), wanted);
        let fresh = Conv2d::builder(filter.view()).build().unwrap();
        let [found, exact] = [&layer, &fresh].map(|layer| layer.forward(picture.view()).unwrap());
        assert_eq!(found, exact);
    }
    let mut layer = Conv2d::builder(low.view()).two_passes(true).build().unwrap();
    let before = layer.forward(picture.view()).unwrap();
    assert!(matches!(layer.replace_filter(full.view(), bias.view()), Err(Error::Unsupported { .. })));
    assert_eq!(layer.forward(picture.view()).unwrap(), before);
}

#[test]
fn tuning_measures_two_passes() {
    let layer = Conv2d::builder(filter([7, 7], 1, 1, true, 8).view()).build().unwrap();
    let plan = layer.tune([30, 40]).unwrap();
    let of_passes = plan.candidates.iter().find(|candidate| candidate.rank == Some(1)).unwrap();
    assert!(of_passes.measured.is_some(), "{plan}");
    assert!(of_passes.error < 5e-5);
}

#[test]
fn what_is_not_finite_stays_where_the_filter_sees_it() {
    for (rank, poison) in [(1, f32::NAN), (1, f32::INFINITY), (3, f32::NEG_INFINITY)] {
        let case = case("h20w40 c1x1 k5x7", 0);
        let mut arrays = arrays(&case, rank, true);
        arrays.picture[[9, 20, 0]] = poison;
        let found = layer(&case, &arrays, Isa::selected().unwrap()).forward(arrays.picture.view()).unwrap();
        for ((row, column, _), value) in found.indexed_iter() {
            let seen = row.abs_diff(9) <= 2 && column.abs_diff(20) <= 3;
            assert_eq!(!value.is_finite(), seen, "{row} {column}: {value}");
        }
    }
}

#[test]
fn gradients_are_those_of_the_filter() {
    let case = case("h14w15 c2x2 k5x5 g2", 0);
    let arrays = arrays(&case, 1, false);
    let [two, one] = [true, false].map(|two| {
        let builder = Conv2d::builder(arrays.filter.view()).groups(2).activation(Activation::Identity);
        builder.two_passes(two).build().unwrap()
    });
    let gradient: Array3<f32> = Numbers::new(3).array((14, 15, 2));
    let [found, wanted] =
        [two, one].map(|layer| layer.backward(arrays.picture.view(), gradient.view()).unwrap());
    let close = |a: &f32, b: &f32| (a - b).abs() < 1e-4;
    assert!(found.input.iter().zip(&wanted.input).all(|(a, b)| close(a, b)));
    assert!(found.filter.iter().zip(&wanted.filter).all(|(a, b)| close(a, b)));
}
