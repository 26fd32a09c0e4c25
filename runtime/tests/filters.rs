//! Constant filters against the sum as the textbook writes it, in f64.

mod common;

use common::layouts::{Laid, Layout};
use common::{Numbers, instruction_sets};
use ndarray::{Array2, Array3, Array4, ArrayView2, ArrayView3, Axis, array, s};
use rayon::ThreadPoolBuilder;
use tapwise::{Border, Error, Filter2d, FilterBank, Padding};

/// Rank one with zeros and ones.
#[tapwise::filter2d]
const SOBEL_X: [[f32; 3]; 3] = [[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]];

/// Rows as they are, mostly ones.
#[tapwise::filter2d]
const LAPLACIAN: Filter2d = laplacian;

/// No structure at all, of an even size.
#[tapwise::filter2d]
const UNEVEN: [[f32; 4]; 2] = [[0.3, -1.2, 0.7, 0.11], [1.9, 0.2, -0.4, 0.05]];

/// One row, and one column.
#[tapwise::filter2d]
const ROW: [[f32; 5]; 1] = [[0.1, -0.2, 0.4, 0.2, 0.5]];
#[tapwise::filter2d]
const COLUMN: [[f32; 1]; 4] = [[0.25], [-1.0], [2.0], [1.0]];

/// Rows that are alike beside one that is not, few enough to be summed as they are.
#[tapwise::filter2d]
const MIXED: [[f32; 3]; 3] = [[0.5, 0.25, -0.5], [7.0, 3.0, 0.125], [0.5, 0.25, -0.5]];

/// A term that is a row of the picture beside one that is a sum.
#[tapwise::filter2d]
const WIDE: Filter2d = [[1.0], [-2.0], [4.0], [2.0], [0.0], [2.0], [3.0], [0.5], [1.0]]
    .then([[0.1, 0.2, -0.3, 0.4, 0.5, 0.6, -0.7, 0.8, 0.9, -0.8, 0.7, 0.6, 0.5, 0.3, 0.2]])
    .plus(
        [[0.0], [0.0], [0.0], [0.0], [1.0], [0.0], [0.0], [0.0], [0.0]]
            .then([[0.9, 0.1, 0.8, -0.2, 0.7, 0.3, 0.6, 0.4, -0.5, 0.2, 0.4, 0.3, 0.1, -0.6, 0.3]]),
    );

/// Both passes at once, of different rows and columns, an even number of each, and of two terms.
#[tapwise::filter2d]
const PRODUCT: Filter2d = [[0.4], [1.0], [-1.0], [0.0]].then([[0.3, -1.0, 0.7, 0.2, 0.3, 0.11]]);
#[tapwise::filter2d]
const LOG_7: Filter2d = log(sigma = 1.0, radius = 3);

#[tapwise::filter2d]
const GAUSSIAN_5: Filter2d = gaussian(sigma = 1.0, radius = 2);

#[tapwise::filter2d]
const GAUSSIAN_15: Filter2d = gaussian(sigma = 2.5, radius = 7);

#[tapwise::filter2d]
const LOG: Filter2d = log(sigma = 1.4, radius = 4);

/// Along the rows first, an even number of them, of weights that are all different, ones and zeros.
#[tapwise::filter2d]
const TALL: Filter2d =
    [[0.0], [0.4], [1.0], [-0.7], [0.3], [0.11], [-1.0], [0.6], [0.2], [-0.25], [0.5], [0.9]]
        .then([[0.3, -1.0, 0.0, 0.21]]);

#[tapwise::filter2d]
const EMBOSS: Filter2d = emboss;

#[tapwise::filter2d]
const BOX_3: Filter2d = mean(3);

#[tapwise::filter2d]
const BOX_9: Filter2d = mean(9);

#[tapwise::filter2d]
const BOX_4X31: Filter2d = mean(4, 31);

/// Too much for sums: a layer.
#[tapwise::filter2d]
const GABOR: Filter2d = gabor(sigma = 3.0, theta = 0.6, wavelength = 5.0, gamma = 0.7, radius = 10);

/// A single weight.
#[tapwise::filter2d]
const HALF: [[f32; 1]; 1] = [[0.5]];

#[tapwise::filter2d]
const SOBEL: FilterBank = [sobel_x, sobel_y];

#[tapwise::filter2d]
const BANK: [[[f32; 2]; 2]; 3] =
    [[[1.0, 2.0], [3.0, 4.0]], [[0.0, -1.0], [1.0, 0.0]], [[0.5, 0.5], [0.5, 0.5]]];

const ALL: [(&str, Filter2d, f64); 20] = [
    ("sobel", SOBEL_X, 1e-6),
    ("laplacian", LAPLACIAN, 1e-6),
    ("uneven", UNEVEN, 1e-6),
    ("row", ROW, 1e-6),
    ("column", COLUMN, 1e-6),
    ("mixed", MIXED, 1e-6),
    ("wide", WIDE, 1e-6),
    ("product", PRODUCT, 1e-6),
    ("log 7", LOG_7, 2e-6),
    ("gaussian 5", GAUSSIAN_5, 1e-6),
    ("gaussian 15", GAUSSIAN_15, 1e-6),
    ("log", LOG, 2e-6),
    ("tall", TALL, 1e-6),
    ("emboss", EMBOSS, 1e-6),
    ("box 3", BOX_3, 1e-6),
    ("box 9", BOX_9, 2e-6),
    ("box 4x31", BOX_4X31, 2e-6),
    ("gabor", GABOR, 1e-5),
    ("half", HALF, 1e-6),
    ("inline", tapwise::filter! { gaussian(sigma = 0.8, radius = 1).then(laplacian) }, 2e-6),
];

fn picture(shape: [usize; 3], seed: u64) -> Array3<f32> {
    let mut numbers = Numbers::new(seed);
    Array3::from_shape_simple_fn(shape, || numbers.next_number())
}

/// The sum as it is written, with padding `Same`.
fn sum(weights: ArrayView2<'_, f32>, picture: ArrayView3<'_, f32>, border: Border) -> Array3<f64> {
    let (height, width) = weights.dim();
    let (rows, columns, _) = picture.dim();
    let (top, left) = ((height - 1) / 2, (width - 1) / 2);
    Array3::from_shape_fn(picture.dim(), |(i, j, c)| {
        let taps = weights.indexed_iter().filter(|(_, weight)| **weight != 0.0);
        let products = taps.map(|((a, b), weight)| {
            let row = border.source((i + a) as isize - top as isize, rows);
            let column = border.source((j + b) as isize - left as isize, columns);
            let pixel = row.zip(column).map_or(0.0, |(row, column)| picture[[row, column, c]]);
            f64::from(*weight) * f64::from(pixel)
        });
        products.sum()
    })
}

/// The largest difference, over the sizes of what was summed.
fn error(found: ArrayView3<'_, f32>, wanted: ArrayView3<'_, f64>, weights: ArrayView2<'_, f32>) -> f64 {
    let scale: f64 = weights.iter().map(|weight| f64::from(weight.abs())).sum();
    let errors = found.iter().zip(wanted).map(|(found, wanted)| (f64::from(*found) - wanted).abs());
    // A NaN is no small error.
    errors.fold(0.0, |most: f64, error| if error <= most { most } else { error }) / scale
}

#[test]
fn every_filter_is_the_sum_for_every_border_size_and_instruction_set() {
    for (name, filter, bound) in ALL {
        for shape in [[1, 1, 1], [2, 3, 1], [9, 7, 3], [5, 64, 1], [11, 203, 1], [34, 50, 3]] {
            let picture = picture(shape, 7);
            for border in Border::ALL {
                let wanted = sum(filter.weights(), picture.view(), border);
                for isa in instruction_sets() {
                    let filter = filter.border(border).isa(isa);
                    let found = filter.apply(picture.view()).unwrap();
                    let error = error(found.view(), wanted.view(), filter.weights());
                    assert!(error <= bound, "{name} {shape:?} {border} {isa}: {error:.1e}");
                }
            }
        }
    }
}

#[test]
fn filters_of_rank_one_err_by_no_more_than_is_said() {
    let picture = picture([40, 150, 1], 29);
    let largest = picture.iter().fold(0.0, |most: f64, number| most.max(f64::from(number.abs())));
    for filter in [SOBEL_X, GAUSSIAN_5, PRODUCT, GAUSSIAN_15, TALL, BOX_3, ROW, COLUMN] {
        let weights = filter.weights();
        let bound = (weights.nrows() + weights.ncols()) as f64 * f64::from(f32::EPSILON) * largest;
        let wanted = sum(weights, picture.view(), Border::Reflect);
        for isa in instruction_sets() {
            let filter = filter.border(Border::Reflect).isa(isa);
            let found = filter.apply(picture.view()).unwrap();
            let error = error(found.view(), wanted.view(), weights);
            assert!(
                error <= bound,
                "{}x{} {isa}: {error:.1e} beyond {bound:.1e}",
                weights.nrows(),
                weights.ncols()
            );
        }
    }
}

#[test]
fn a_filter_that_is_flipped_has_its_weights_turned() {
    let picture = picture([12, 70, 3], 3);
    for (name, filter, bound) in ALL {
        for border in Border::ALL {
            let turned = filter.weights().slice(s![..;-1, ..;-1]).to_owned();
            let wanted = sum(turned.view(), picture.view(), border);
            let found = filter.border(border).flipped().apply(picture.view()).unwrap();
            assert!(error(found.view(), wanted.view(), turned.view()) <= bound, "{name} {border}");
            let back = filter.border(border).flipped().flipped().apply(picture.view()).unwrap();
            assert_eq!(back, filter.border(border).apply(picture.view()).unwrap(), "{name}");
        }
    }
}

#[test]
fn other_paddings_are_parts_of_a_padded_picture() {
    let picture = picture([20, 150, 1], 5);
    let padding = Padding::Explicit { top: 5, bottom: 0, left: 9, right: 40 };
    for (name, filter, bound) in ALL {
        let (height, width) = filter.weights().dim();
        for border in Border::ALL {
            // What `Same` would compute of a picture that is padded by hand.
            let source =
                |at: usize, before: usize, length| border.source(at as isize - before as isize, length);
            let padded = Array3::from_shape_fn((25, 199, 1), |(i, j, c)| {
                let pixel = source(i, 5, 20).zip(source(j, 9, 150));
                pixel.map_or(0.0, |(row, column)| picture[[row, column, c]])
            });
            let whole = sum(filter.weights(), padded.view(), Border::Zero);
            let (top, left) = ((height - 1) / 2, (width - 1) / 2);
            let wanted = whole.slice(s![top..top + 26 - height, left..left + 200 - width, ..]);
            let found = filter.padding(padding).border(border).apply(picture.view()).unwrap();
            assert_eq!(found.dim(), wanted.dim(), "{name}");
            let error = error(found.view(), wanted, filter.weights());
            assert!(error <= bound, "{name} {border}: {error:.1e}");
        }
        let valid = filter.padding(Padding::Valid).apply(picture.view());
        match height <= 20 {
            true => assert_eq!(valid.unwrap().dim(), (21 - height, 151 - width, 1), "{name}"),
            false => assert!(matches!(valid, Err(Error::FilterExceedsInput { .. })), "{name}"),
        }
    }
}

#[test]
fn every_memory_order_gives_the_same() {
    let shape = [13, 85, 3];
    let picture = picture(shape, 11);
    for (name, filter, _) in ALL {
        let filter = filter.border(Border::Reflect);
        let wanted = filter.apply(picture.view()).unwrap();
        for layout in Layout::ALL {
            let laid = Laid::of(layout, picture.view());
            let found = filter.apply(laid.view()).unwrap();
            let close = found.iter().zip(&wanted).all(|(a, b)| (a - b).abs() <= 1e-4);
            assert!(close, "{name} {layout:?}");
            let mut output = Laid::new(layout, shape);
            filter.apply_into(picture.view(), output.view_mut()).unwrap();
            let close = output.view().iter().zip(&wanted).all(|(a, b)| (a - b).abs() <= 1e-4);
            assert!(close && output.surroundings_are_untouched(), "{name} {layout:?} written");
        }
    }
    let planar = common::planar(picture.view());
    let found: Array3<f32> = SOBEL_X.apply(planar.view()).unwrap();
    assert!(found.strides()[2] > found.strides()[1], "an answer has the memory order of its picture");
}

#[test]
fn bits_do_not_depend_on_threads_or_on_where_a_row_lies() {
    let picture = picture([157, 331, 1], 2);
    for (name, filter, _) in ALL.into_iter().filter(|(name, ..)| *name != "gabor") {
        let [one, many] = [1, 3].map(|threads| {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| filter.apply(picture.view()).unwrap())
        });
        assert_eq!(one, many, "{name}");
        // Sums of a window begin anew every 32 rows.
        let (height, _) = filter.weights().dim();
        let top = (height - 1) / 2;
        let padding = Padding::Explicit { top: 0, bottom: 0, left: 0, right: 0 };
        let inner: Array3<f32> = filter.padding(padding).apply(picture.view()).unwrap();
        let part: Array3<f32> = filter.padding(padding).apply(picture.slice(s![32.., .., ..])).unwrap();
        assert_eq!(inner.slice(s![32.., .., ..]), part, "{name}");
        let (rows, columns, _) = inner.dim();
        let (_, width) = filter.weights().dim();
        let left = (width - 1) / 2;
        if filter.explain().form == "sums" {
            let middle = one.slice(s![top..top + rows, left..left + columns, ..]);
            assert_eq!(middle, inner, "{name}");
        }
    }
}

#[test]
fn rows_that_are_cut_into_strips_are_those_that_are_not() {
    // Rows that exceed a second-level cache of 2 MiB, fifteen of them and more.
    let picture = picture([3, 40_011, 1], 19);
    let bytes = picture.mapv(|number| (number * 100.0) as u8);
    for filter in [GAUSSIAN_15, LOG, TALL, WIDE, GAUSSIAN_15.flipped()] {
        let filter = filter.border(Border::Reflect);
        let whole: Array3<f32> = filter.apply(picture.view()).unwrap();
        let whole_of_bytes: Array3<f32> = filter.apply(bytes.view()).unwrap();
        for from in (0..39_000).step_by(1000) {
            let seen = s![.., from..from + 1011, ..];
            let inner = s![.., 7..1004, ..];
            let part: Array3<f32> = filter.apply(picture.slice(seen)).unwrap();
            assert_eq!(part.slice(inner), whole.slice(s![.., from + 7..from + 1004, ..]), "{from}");
            let part: Array3<f32> = filter.apply(bytes.slice(seen)).unwrap();
            assert_eq!(part.slice(inner), whole_of_bytes.slice(s![.., from + 7..from + 1004, ..]), "{from}");
        }
        // The last columns, whose border is that of the whole.
        let last: Array3<f32> = filter.apply(picture.slice(s![.., 39_000.., ..])).unwrap();
        assert_eq!(last.slice(s![.., 7.., ..]), whole.slice(s![.., 39_007.., ..]));
    }
}

#[test]
fn bytes_are_filtered_like_their_numbers_and_rounded() {
    let mut numbers = Numbers::new(17);
    for shape in [[1, 1, 1], [5, 9, 3], [21, 130, 1], [40, 70, 3]] {
        let bytes = Array3::from_shape_simple_fn(shape, || numbers.next_bits() as u8);
        let picture = bytes.mapv(f32::from);
        for (name, filter, bound) in ALL {
            let filter = filter.border(Border::Replicate);
            let exact = sum(filter.weights(), picture.view(), Border::Replicate);
            let wide: Array3<f32> = filter.apply(bytes.view()).unwrap();
            let error = error(wide.view(), exact.view(), filter.weights()) / 255.0;
            assert!(error <= bound, "{name} {shape:?}: {error:.1e}");
            let narrow: Array3<u8> = filter.apply(bytes.view()).unwrap();
            for (found, exact) in narrow.iter().zip(&exact) {
                let rounded = exact.round_ties_even().clamp(0.0, 255.0);
                // What lies near the middle of two bytes may become either.
                let tie = (exact - exact.floor() - 0.5).abs() < 1e-3;
                let slack = if tie { 1.0 } else { 0.0 };
                assert!((f64::from(*found) - rounded).abs() <= slack, "{name}: {found} for {exact}");
            }
        }
    }
}

#[test]
fn whole_numbers_are_summed_exactly() {
    let bytes = Array2::from_shape_fn((50, 140), |(i, j)| ((i * 37 + j * 101) % 256) as u8);
    let picture = bytes.mapv(f32::from).insert_axis(Axis(2));
    for filter in [SOBEL_X, LAPLACIAN, EMBOSS] {
        let found: Array2<f32> = filter.apply(bytes.view()).unwrap();
        let wanted = sum(filter.weights(), picture.view(), Border::Zero);
        assert!(found.iter().zip(&wanted).all(|(found, wanted)| f64::from(*found) == *wanted));
    }
    // Running sums too: only the last product rounds.
    let found: Array2<f32> = BOX_9.apply(bytes.view()).unwrap();
    let ones = Array2::from_elem((9, 9), 1.0_f32);
    let sums = sum(ones.view(), picture.view(), Border::Zero);
    let weight = BOX_9.weights()[[0, 0]];
    assert!(found.iter().zip(&sums).all(|(found, sum)| *found == *sum as f32 * weight));
}

#[test]
fn what_no_tap_sees_does_not_matter() {
    let mut picture = picture([9, 90, 1], 23);
    picture[[4, 40, 0]] = f32::NAN;
    picture[[4, 70, 0]] = f32::INFINITY;
    let touched = |filter: Filter2d| -> Vec<(usize, usize)> {
        let found: Array3<f32> = filter.apply(picture.view()).unwrap();
        let places = found.indexed_iter().filter(|(_, number)| !number.is_finite());
        places.map(|((row, column, _), _)| (row, column)).collect()
    };
    let taps = |filter: Filter2d| -> Vec<(usize, usize)> {
        let (height, width) = filter.weights().dim();
        let found = (0..9).flat_map(|row| (0..90).map(move |column| (row, column)));
        let sees = |(row, column): (usize, usize), at: usize| {
            let (a, b) = ((4 + height / 2).checked_sub(row), (at + width / 2).checked_sub(column));
            a.zip(b).and_then(|(a, b)| filter.weights().get([a, b]).copied()).unwrap_or(0.0) != 0.0
        };
        found.filter(|place| sees(*place, 40) || sees(*place, 70)).collect()
    };
    for filter in [SOBEL_X, LAPLACIAN, MIXED, GAUSSIAN_5] {
        assert_eq!(touched(filter), taps(filter), "{}", filter.explain());
    }
}

#[test]
fn running_sums_forget_after_32_rows() {
    let mut picture = picture([70, 20, 1], 29);
    picture[[36, 9, 0]] = f32::INFINITY;
    let found: Array3<f32> = BOX_9.apply(picture.view()).unwrap();
    for ((row, column, _), number) in found.indexed_iter() {
        let seen = (32..64).contains(&row) && (5..14).contains(&column);
        assert!(number.is_finite() || seen, "{row} {column}");
        let under = (32..=40).contains(&row) && (5..14).contains(&column);
        assert!(!number.is_finite() || !under, "{row} {column}");
    }
}

#[test]
fn banks_are_their_filters_side_by_side() {
    let picture = picture([21, 120, 3], 31);
    for isa in instruction_sets() {
        let found: Array4<f32> = SOBEL.isa(isa).apply(picture.view()).unwrap();
        assert_eq!(found.dim(), (21, 120, 3, 2));
        for (at, weights) in SOBEL.weights().outer_iter().enumerate() {
            let wanted = sum(weights, picture.view(), Border::Zero);
            assert!(error(found.index_axis(Axis(3), at), wanted.view(), weights) < 1e-6, "{isa}");
        }
    }
    let grey = picture.index_axis(Axis(2), 1);
    let found: Array3<f32> = BANK.border(Border::Circular).flipped().apply(grey).unwrap();
    for (at, weights) in BANK.weights().outer_iter().enumerate() {
        let turned = weights.slice(s![..;-1, ..;-1]);
        let wanted = sum(turned, grey.insert_axis(Axis(2)), Border::Circular);
        let found = found.slice(s![.., .., at..=at]);
        assert!(error(found, wanted.view(), turned) < 1e-6);
    }
    let bytes = grey.mapv(|number| (100.0 + 100.0 * number) as u8);
    let found: Array3<u8> = BANK.apply(bytes.view()).unwrap();
    let alone: Array2<u8> = tapwise::filter! { [[0.5, 0.5], [0.5, 0.5]] }.apply(bytes.view()).unwrap();
    assert_eq!(found.index_axis(Axis(2), 2), alone);
}

#[test]
fn a_pair_gives_length_and_direction() {
    let picture = picture([17, 95, 1], 41);
    let both: Array4<f32> = SOBEL.apply(picture.view()).unwrap();
    let (length, angle) = SOBEL.gradient(picture.view()).unwrap();
    let mut into = Array4::zeros((17, 95, 1, 2));
    SOBEL.gradient_into(picture.view(), into.view_mut()).unwrap();
    assert_eq!(into.index_axis(Axis(3), 0), length);
    assert_eq!(into.index_axis(Axis(3), 1), angle);
    for ((place, length), angle) in length.indexed_iter().zip(&angle) {
        let [x, y] = [0, 1].map(|at| both[[place.0, place.1, place.2, at]]);
        assert!((length - x.hypot(y)).abs() <= 1e-5 && (angle - y.atan2(x)).abs() <= 1e-5, "{place:?}");
    }
    let error = BANK.gradient(picture.view()).unwrap_err().to_string();
    assert!(error.contains('3') && error.contains('2'), "{error}");
}

#[test]
fn what_cannot_be_filtered_is_an_error() {
    let empty = Array2::<f32>::zeros((0, 5));
    let error = SOBEL_X.apply::<f32, f32, _>(empty.view()).unwrap_err();
    assert!(matches!(error, Error::Empty { array: "input", axis: "H" }), "{error}");
    let picture = Array2::<f32>::zeros((8, 8));
    let mut short = Array2::<f32>::zeros((8, 7));
    let error = SOBEL_X.apply_into(picture.view(), short.view_mut()).unwrap_err();
    assert!(matches!(error, Error::Length { array: "output", axis: "W", found: 7, wanted: 8 }), "{error}");
    let error = BOX_4X31.padding(Padding::Valid).apply::<f32, f32, _>(picture.view()).unwrap_err();
    assert!(matches!(error, Error::FilterExceedsInput { .. }), "{error}");
}

#[test]
fn explanations_say_what_was_found() {
    let sobel = SOBEL_X.explain();
    assert_eq!((sobel.size, sobel.taps, sobel.form, sobel.terms, sobel.error), ([3, 3], 6, "sums", 1, 0.0));
    assert_eq!((BOX_9.explain().form, GABOR.explain().form), ("window", "layer"));
    assert_eq!((GAUSSIAN_15.explain().terms, LOG.explain().terms), (1, 2));
    assert_eq!((MIXED.explain().terms, WIDE.explain().terms), (3, 2));
    let at_once = |filter: Filter2d| filter.explain().to_string().contains("both passes at once");
    assert!([SOBEL_X, GAUSSIAN_5, PRODUCT, LOG_7].into_iter().all(at_once));
    assert!(![GAUSSIAN_15, LOG, WIDE, MIXED].into_iter().any(at_once));
    let text = SOBEL_X.explain().to_string();
    assert!(text.contains("6 of 9 taps") && text.contains("rank 1"), "{text}");
    assert_eq!(SOBEL.explain().filters, 2);
    assert_eq!(SOBEL_X.weights(), array![[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]);
    assert!(text.lines().all(|line| line.chars().count() <= 110), "{text}");
}
