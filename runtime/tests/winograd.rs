//! Winograd's tiles against the exact sum: every size of tile, at sizes around its edges.

mod common;

use common::cases::{Case, pool};
use common::layouts::{Laid, Layout};
use common::{Numbers, instruction_sets, oracle};
use ndarray::{Array3, Array4, s};
use tapwise::{Activation, Conv2d, Error, Isa, Padding, Shape, Strategy};

/// Outputs of a tile for so many taps.
fn tiles(taps: usize) -> &'static [usize] {
    match taps {
        1 => &[1],
        3 => &[2, 4, 6],
        5 => &[2, 4],
        7 => &[2],
        _ => &[],
    }
}

/// Every tile for a filter.
fn pairs([rows, columns]: [usize; 2]) -> impl Iterator<Item = [usize; 2]> {
    tiles(rows).iter().flat_map(move |&down| tiles(columns).iter().map(move |&across| [down, across]))
}

fn case(shape: &str, bend: usize) -> Case {
    let shape: Shape = shape.parse().unwrap();
    Case { spec: shape.spec, input: shape.input, bias: true, bend, flip: bend == 4, seed: bend as u64 }
}

fn layer(case: &Case, arrays: &common::cases::Arrays, isa: Isa, tile: [usize; 2]) -> Conv2d {
    let mut builder = Conv2d::builder(arrays.filter.view())
        .spec(&case.spec)
        .activation(case.activation())
        .flip(case.flip)
        .strategy(Strategy::Winograd)
        .tile(tile)
        .isa(isa);
    if let Some(bias) = &arrays.bias {
        builder = builder.bias(bias.view());
    }
    builder.build().unwrap()
}

#[test]
fn every_tile_computes_the_sum_in_every_order_of_memory() {
    let shapes = [
        "h1w1 c1x1 k3x3",
        "h4w7 c3x5 k3x3 p0,0,0,0",
        "h8w9 c4x4 k3x3",
        "h13w14 c17x33 k3x3 replicate",
        "h7w12 c8x16 k3x3 p2,3,4,1 reflect",
        "h12w7 c5x9 k3x3 d2x3 circular",
        "h9w10 c70x3 k5x5",
        "h6w11 c2x18 k5x3 d1x2",
        "h11w8 c6x7 k7x7",
        "h1w37 c9x20 k1x5",
        "h1w23 c33x16 k1x3 d1x2",
        "h19w3 c16x4 k7x1 d2x1",
    ];
    for (index, shape) in shapes.into_iter().enumerate() {
        let case = case(shape, index % 7);
        let arrays = case.arrays();
        let answer = case.oracle(&arrays).unwrap();
        for isa in instruction_sets() {
            for tile in pairs(case.spec.kernel) {
                let layer = layer(&case, &arrays, isa, tile);
                let bound = case.bound(&layer, &arrays);
                let [height, width] = case.spec.output(case.input).unwrap();
                let mut first: Option<Array3<f32>> = None;
                for (from, to) in [
                    (Layout::Hwc, Layout::Hwc),
                    (Layout::Planar, Layout::Planar),
                    (Layout::Reversed, Layout::Hwc),
                    (Layout::Hwc, Layout::Reversed),
                ] {
                    let input = Laid::of(from, arrays.picture.view());
                    let mut output = Laid::new(to, [height, width, layer.channels()]);
                    layer.forward_into(input.view(), output.view_mut()).unwrap();
                    assert!(output.surroundings_are_untouched(), "{shape} {isa} {tile:?} {from:?} {to:?}");
                    let judged = oracle::judge(output.view(), &answer, bound);
                    assert!(
                        judged.is_ok(),
                        "{shape} {isa} {tile:?} {from:?} {to:?}: {}",
                        judged.unwrap_err()
                    );
                    let found = output.view().to_owned();
                    match &first {
                        None => first = Some(found),
                        Some(first) => assert_eq!(first, found, "{shape} {isa} {tile:?} {from:?} {to:?}"),
                    }
                }
            }
        }
    }
}

/// The growth that a plan states is reached: it is no idle number. Inputs and taps of one size, whose
/// signs make the terms of one output add up, err by much more than noise of the same size; and no more
/// than the bound.
#[test]
fn adverse_numbers_err_within_the_bound_and_random_ones_as_predicted() {
    let isa = instruction_sets()[0];
    for (kernel, channels) in [(3, 1), (3, 16), (3, 64), (3, 160), (5, 32), (7, 16)] {
        let spec = tapwise::ConvSpec::new([kernel, kernel], channels, 8);
        for tile in tiles(kernel) {
            for adverse in [false, true] {
                let mut numbers = Numbers::new(7 + channels as u64);
                let mut filter: Array4<f32> = numbers.array((kernel, kernel, channels, 8));
                let mut picture: Array3<f32> = numbers.array((14, 14, channels));
                if adverse {
                    // Neighbours of opposite signs, all of nearly one size.
                    for ((i, j, _), x) in picture.indexed_iter_mut() {
                        *x = if (i + j) % 2 == 0 { 1.0 } else { -1.0 } * (1.0 - 0.01 * x.abs());
                    }
                    filter.mapv_inplace(|w| 1.0 - 0.01 * w.abs());
                }
                let layer = Conv2d::builder(filter.view())
                    .padding(Padding::Valid)
                    .strategy(Strategy::Winograd)
                    .tile([*tile; 2])
                    .isa(isa)
                    .build()
                    .unwrap();
                let plan = layer.explain([14, 14]);
                let chosen = plan.chosen().unwrap();
                let found = layer.forward(picture.view()).unwrap();
                let wanted = layer.reference(picture.view()).unwrap();
                let worst = found
                    .iter()
                    .zip(&wanted)
                    .fold(0.0f64, |worst, (found, wanted)| worst.max((f64::from(*found) - wanted).abs()));
                let largest = |all: &mut dyn Iterator<Item = &f32>| {
                    all.fold(0.0f64, |most, x| most.max(f64::from(x.abs())))
                };
                let sizes = largest(&mut picture.iter()) * largest(&mut filter.iter()) * spec.taps() as f64;
                let bound = chosen.growth * sizes * oracle::bound(spec.taps() + 64);
                assert!(worst <= bound, "{kernel} {channels} {tile}: off by {worst:e} of {bound:e}");
                if !adverse {
                    let rms = (wanted.iter().map(|x| x * x).sum::<f64>() / wanted.len() as f64).sqrt();
                    let (error, predicted) = (worst / rms, chosen.error);
                    assert!(
                        error <= predicted,
                        "{kernel} {channels} {tile}: {error:.1e}, predicted {predicted:.1e}"
                    );
                    assert!(
                        error >= 0.1 * predicted,
                        "{kernel} {channels} {tile}: {error:.1e}, predicted {predicted:.1e}"
                    );
                }
            }
        }
    }
}

#[test]
fn bands_batches_and_threads_do_not_change_a_bit() {
    for shape in ["h67w40 c16x24 k3x3", "h40w41 c24x16 k3x3 d3x1", "h50w43 c8x17 k5x5"] {
        for bend in [1, 6] {
            let case = case(shape, bend);
            let arrays = case.arrays();
            let layer = layer(
                &case,
                &arrays,
                instruction_sets()[0],
                [*tiles(case.spec.kernel[0]).last().unwrap(); 2],
            );
            let whole = pool(1).install(|| layer.forward(arrays.picture.view())).unwrap();
            let split = pool(3).install(|| layer.forward(arrays.picture.view())).unwrap();
            assert_eq!(whole, split, "{shape}");
            let batch = ndarray::stack![ndarray::Axis(0), arrays.picture, arrays.picture];
            let batch = layer.forward_batch(batch.view()).unwrap();
            assert_eq!(whole, batch.slice(s![1, .., .., ..]), "{shape}");
            let residual: Array3<f32> =
                Numbers::new(3).array((whole.dim().0, whole.dim().1, case.spec.c_out));
            let one = pool(1).install(|| layer.forward_add(arrays.picture.view(), residual.view())).unwrap();
            let planar = common::planar(residual.view());
            let other = pool(3).install(|| layer.forward_add(arrays.picture.view(), planar.view())).unwrap();
            assert_eq!(one, other, "{shape}");
            let answer = case.oracle_of_sum(&arrays, Some(residual.view())).unwrap();
            let judged = oracle::judge(one.view(), &answer, case.bound(&layer, &arrays));
            assert!(judged.is_ok(), "{shape}: {}", judged.unwrap_err());
        }
    }
}

/// Pictures of few tiles are computed together: in the bits of each alone.
#[test]
fn small_pictures_of_a_batch_are_computed_together_and_alike() {
    for (shape, count) in
        [("h7w7 c24x40 k3x3", 37), ("h5w9 c16x8 k5x5 d1x2 reflect", 11), ("h1w6 c8x24 k1x3", 50)]
    {
        let case = case(shape, 4);
        let arrays = case.arrays();
        for tile in pairs(case.spec.kernel) {
            let layer = layer(&case, &arrays, instruction_sets()[0], tile);
            let [height, width] = case.input;
            let batch: Array4<f32> = Numbers::new(8).array((count, height, width, case.spec.c_in));
            let together = pool(1).install(|| layer.forward_batch(batch.view())).unwrap();
            let shared = pool(3).install(|| layer.forward_batch(batch.view())).unwrap();
            assert_eq!(together, shared, "{shape}");
            for (index, picture) in batch.outer_iter().enumerate() {
                let alone = layer.forward(picture).unwrap();
                assert_eq!(alone, together.index_axis(ndarray::Axis(0), index), "{shape}: {index}");
            }
        }
    }
}

/// A NaN or an infinity is answered by one, wherever the sum sees it, and at most in the tiles that do.
#[test]
fn what_is_no_number_stays_in_the_tiles_that_read_it() {
    for special in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let filter: Array4<f32> = Numbers::new(1).array((3, 3, 2, 5));
        let layer = Conv2d::builder(filter.view()).strategy(Strategy::Winograd).tile([4, 4]).build().unwrap();
        let clean: Array3<f32> = Numbers::new(2).array((21, 22, 2));
        let mut picture = clean.clone();
        let (row, column) = (9, 13);
        picture[[row, column, 1]] = special;
        let [before, after] = [clean, picture].map(|picture| layer.forward(picture.view()).unwrap());
        for ((i, j, d), value) in after.indexed_iter() {
            let seen = i.abs_diff(row) <= 1 && j.abs_diff(column) <= 1;
            // The tile of outputs 4t to 4t + 3 reads inputs 4t - 1 to 4t + 4.
            let read = |output: usize, input: usize| {
                let first = output / 4 * 4;
                (first..first + 6).contains(&(input + 1))
            };
            let tile = read(i, row) && read(j, column);
            assert!(!seen || !value.is_finite(), "{special} is lost at {i}, {j}, {d}");
            assert!(tile || value.to_bits() == before[[i, j, d]].to_bits(), "{special} is at {i}, {j}, {d}");
        }
    }
}

#[test]
fn a_filter_that_is_replaced_is_transformed_again() {
    let mut numbers = Numbers::new(3);
    let filters: [Array4<f32>; 2] = [(); 2].map(|()| numbers.array((3, 3, 16, 16)));
    let picture: Array3<f32> = numbers.array((12, 12, 16));
    let build = |filter: &Array4<f32>| {
        Conv2d::builder(filter.view())
            .strategy(Strategy::Winograd)
            .activation(Activation::Relu)
            .build()
            .unwrap()
    };
    let mut layer = build(&filters[0]);
    layer.forward(picture.view()).unwrap();
    let bias = layer.bias().to_owned();
    layer.replace_filter(filters[1].view(), bias.view()).unwrap();
    assert_eq!(layer.forward(picture.view()).unwrap(), build(&filters[1]).forward(picture.view()).unwrap());
}

/// The table of `docs/kernels/winograd.md` says what plans say.
#[test]
fn the_table_of_growth_is_that_of_the_plans() {
    let page = include_str!("../../docs/kernels/winograd.md");
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| F("))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    assert_eq!(rows.len(), 6);
    for row in rows {
        let [name, _, products, noise, most] = row[..] else { panic!("{row:?}") };
        let (products, instead) = products.split_once(", ").unwrap();
        let numbers: Vec<usize> =
            name.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect();
        let [down, across, rows, columns] = numbers[..] else { panic!("{name}") };
        let filter: Array4<f32> = Array4::zeros((rows, columns, 4, 4));
        let layer = Conv2d::builder(filter.view()).strategy(Strategy::Winograd).tile([down, across]).build();
        let plan = layer.unwrap().explain([20, 20]);
        let chosen = plan.chosen().unwrap();
        assert!(chosen.kernel.contains(name), "{}", chosen.kernel);
        let said = chosen.schedule.as_deref().unwrap();
        let wanted = format!("{products} products instead of {instead},");
        assert!(said.contains(&wanted), "{name}: {said}");
        assert!(said.ends_with(&format!("by {most} times at most, and as noise by {noise} times")), "{said}");
    }
}

#[test]
fn a_layer_that_it_cannot_serve_is_refused_with_the_reason() {
    let refused = |shape: &str| {
        let shape: Shape = shape.parse().unwrap();
        let spec = shape.spec;
        let filter: Array4<f32> =
            Array4::zeros((spec.kernel[0], spec.kernel[1], spec.c_in_group(), spec.c_out));
        let built = Conv2d::builder(filter.view()).spec(&spec).strategy(Strategy::Winograd).build();
        match built {
            Err(Error::Unsupported { reason, .. }) => reason,
            other => panic!("{shape}: {other:?}"),
        }
    };
    assert!(refused("h9w9 c4x4 k3x3 s2x2").contains("stride is 2x2"));
    assert!(refused("h9w9 c4x4 k3x3 g2").contains("2 groups"));
    assert!(refused("h9w9 c4x4 k1x1").contains("one pixel"));
    assert!(refused("h9w9 c4x4 k4x3").contains("4x3"));
}
