//! Constant filters of bytes to bytes: in 16-bit integers against the sum in wide ones, others against the
//! filter that answers in `f32`.

mod common;

use common::{Numbers, instruction_sets};
use ndarray::{Array3, ArrayView3, s};
use rayon::ThreadPoolBuilder;
use tapwise::{Border, Filter2d, Padding, filter};

/// Filters, and what their weights are whole numbers over.
fn filters() -> Vec<(&'static str, Filter2d, i64)> {
    vec![
        ("sobel", filter! { sobel_x }, 1),
        ("scharr", filter! { scharr_y }, 1),
        ("laplacian", filter! { laplacian }, 1),
        ("all neighbours", filter! { laplacian(diagonal = true) }, 1),
        ("sharpen", filter! { sharpen }, 1),
        ("sharpen by half", filter! { sharpen(0.5) }, 2),
        ("emboss", filter! { emboss }, 1),
        (
            "binomial 3",
            filter! { [[1/16, 2/16, 1/16], [2/16, 4/16, 2/16], [1/16, 2/16, 1/16]].scaled(1.0) },
            16,
        ),
        (
            "binomial 5",
            filter! { [[1.0], [4.0], [6.0], [4.0], [1.0]].then([[1.0, 4.0, 6.0, 4.0, 1.0]]).scaled(1 / 256) },
            256,
        ),
        ("mean 3", filter! { mean(3) }, 9),
        ("mean 2 by 4", filter! { mean(2, 4) }, 8),
        // Sums that are as far from two bytes.
        ("mean 6", filter! { mean(6) }, 36),
        ("mean 9", filter! { mean(9) }, 81),
        ("mean 16", filter! { mean(16) }, 256),
        ("one row", filter! { [[1.0, -2.0, 0.0, 3.0, 1.0]].scaled(1 / 3) }, 3),
        ("one column", filter! { [[1.0], [2.0], [4.0]].scaled(1 / 7) }, 7),
        (
            "without structure",
            filter! { [[1.0, -7.0, 3.0], [5.0, 2.0, 0.0], [-4.0, 9.0, 6.0]].scaled(1 / 10) },
            10,
        ),
        ("half", filter! { [[0.5]] }, 2),
        ("nothing but losses", filter! { [[-1.0, 0.0], [0.0, -3.0]] }, 1),
    ]
}

/// Windows whose sums leave 16 bits, and what their weights are whole numbers over.
fn windows() -> Vec<(&'static str, Filter2d, i64)> {
    vec![
        ("mean 17", filter! { mean(17) }, 289),
        // Sums that are as far from two bytes.
        ("mean 20", filter! { mean(20) }, 400),
        ("mean 24 by 36", filter! { mean(24, 36) }, 864),
        ("mean 31", filter! { mean(31) }, 961),
        ("mean 32 by 9", filter! { mean(32, 9) }, 288),
        ("mean 5 by 63", filter! { mean(5, 63) }, 315),
        ("mean 63", filter! { mean(63) }, 3969),
        ("more than a mean", filter! { mean(18).scaled(7 / 4) }, 1296),
        ("nothing but losses", filter! { mean(19).scaled(-1.0) }, 361),
    ]
}

fn picture(shape: [usize; 3], seed: u64) -> Array3<u8> {
    let mut numbers = Numbers::new(seed);
    // Many bytes at both ends of their range, where sums are largest.
    Array3::from_shape_simple_fn(shape, || match numbers.next_bits() {
        bits if bits & 0x300 == 0 => 255,
        bits if bits & 0x300 == 0x100 => 0,
        bits => bits as u8,
    })
}

/// Numerators, turned by half where that is asked for.
fn numerators(filter: &Filter2d, denominator: i64, turned: bool) -> Vec<Vec<i64>> {
    let weights = filter.weights();
    let weights = if turned { weights.slice_move(s![..;-1, ..;-1]) } else { weights };
    let numerator = |weight: &f32| (f64::from(*weight) * denominator as f64).round() as i64;
    weights.rows().into_iter().map(|row| row.iter().map(numerator).collect()).collect()
}

/// The nearest byte of a quotient, the even one of two.
fn nearest(sum: i64, denominator: i64) -> u8 {
    let (quotient, twice) = (sum.div_euclid(denominator), 2 * sum.rem_euclid(denominator));
    let up = twice > denominator || twice == denominator && quotient % 2 != 0;
    (quotient + i64::from(up)).clamp(0, 255) as u8
}

/// What a filter makes of a picture with so many rows and columns before it.
fn wanted(
    weights: &[Vec<i64>],
    denominator: i64,
    picture: ArrayView3<'_, u8>,
    border: Border,
    [top, left]: [usize; 2],
    [height, width]: [usize; 2],
) -> Array3<u8> {
    let (rows, columns, channels) = picture.dim();
    Array3::from_shape_fn((height, width, channels), |(i, j, c)| {
        let mut sum = 0;
        for (a, weights) in weights.iter().enumerate() {
            for (b, weight) in weights.iter().enumerate() {
                let row = border.source((i + a) as isize - top as isize, rows);
                let column = border.source((j + b) as isize - left as isize, columns);
                let pixel = row.zip(column).map_or(0, |(row, column)| picture[[row, column, c]]);
                sum += weight * i64::from(pixel);
            }
        }
        nearest(sum, denominator)
    })
}

/// The same with padding `Same`.
fn same(
    filter: &Filter2d,
    denominator: i64,
    turned: bool,
    picture: ArrayView3<'_, u8>,
    border: Border,
) -> Array3<u8> {
    let (height, width) = filter.weights().dim();
    let (rows, columns, _) = picture.dim();
    let weights = numerators(filter, denominator, turned);
    wanted(&weights, denominator, picture, border, [(height - 1) / 2, (width - 1) / 2], [rows, columns])
}

#[test]
fn explanations_say_so() {
    for (name, filter, _) in filters() {
        let text = filter.explain().to_string();
        assert!(text.contains("16-bit integers") && text.contains("exact"), "{name}: {text}");
    }
    for (name, filter, _) in windows() {
        let text = filter.explain().to_string();
        assert!(text.contains("running sums down the columns in 16-bit integers"), "{name}: {text}");
        assert!(text.contains("their sum in 32, exact"), "{name}: {text}");
    }
    // Sums that leave 16 bits, and weights that are no fractions.
    for filter in [filter! { gaussian(sigma = 1.0) }, filter! { [[300.0]] }, filter! { [[300.0; 2]; 2] }] {
        assert!(!filter.explain().to_string().contains("16-bit"), "{}", filter.explain());
    }
}

#[test]
fn other_filters_are_what_their_numbers_round_to() {
    let others = [
        filter! { gaussian(sigma = 0.8, radius = 1) },
        filter! { gaussian(sigma = 1.1, radius = 2) },
        filter! { gaussian_x(sigma = 1.0, radius = 3).scaled(300.0) },
        filter! { log(sigma = 0.9, radius = 3).scaled(-7.3) },
        filter! { gaussian(sigma = 2.0, radius = 4) },
        filter! { [[0.3, -1.2, 0.7, 0.11], [1.9, 0.2, -0.4, 0.05]] },
        filter! { [[1000.3, 0.0, 0.0], [-0.7, 500.0, 0.0]] },
        // Windows: one of a weight that is no fraction of small numbers, and one whose sums are beyond 255.
        filter! { [[0.001234567; 29]; 11] },
        filter! { [[300.0; 6]; 5] },
    ];
    for filter in others {
        for shape in [[1, 1, 1], [8, 63, 1], [5, 64, 1], [19, 50, 3]] {
            let picture = picture(shape, 5);
            for border in Border::ALL {
                for isa in instruction_sets() {
                    let filter = filter.border(border).isa(isa);
                    for filter in [filter, filter.flipped()] {
                        let wide: Array3<f32> = filter.apply(picture.view()).unwrap();
                        let wanted = wide.mapv(|number| number.round_ties_even().clamp(0.0, 255.0) as u8);
                        let found: Array3<u8> = filter.apply(picture.view()).unwrap();
                        assert_eq!(found, wanted, "{} {shape:?} {border} {isa}", filter.explain());
                    }
                }
            }
        }
    }
}

#[test]
fn every_byte_is_the_nearest_for_every_border_size_and_instruction_set() {
    for (name, filter, denominator) in filters().into_iter().chain(windows()) {
        for shape in [[1, 1, 1], [2, 3, 1], [5, 7, 4], [9, 63, 1], [4, 64, 1], [7, 65, 1], [3, 45, 3]] {
            let picture = picture(shape, 7);
            for border in Border::ALL {
                let wanted = same(&filter, denominator, false, picture.view(), border);
                for isa in instruction_sets() {
                    let found: Array3<u8> = filter.border(border).isa(isa).apply(picture.view()).unwrap();
                    assert_eq!(found, wanted, "{name} {shape:?} {border} {isa}");
                }
            }
        }
    }
}

#[test]
fn turned_filters_and_other_paddings_are_the_nearest_too() {
    let picture = picture([13, 90, 1], 3);
    let padding = Padding::Explicit { top: 5, bottom: 4, left: 9, right: 40 };
    let fits = |(_, filter, _): &(&str, Filter2d, i64)| filter.weights().nrows() < 23;
    for (name, filter, denominator) in filters().into_iter().chain(windows()).filter(fits) {
        let (height, width) = filter.weights().dim();
        for border in Border::ALL {
            let turned: Array3<u8> = filter.border(border).flipped().apply(picture.view()).unwrap();
            assert_eq!(turned, same(&filter, denominator, true, picture.view(), border), "{name} {border}");
            let weights = numerators(&filter, denominator, false);
            let size = [23 - height, 140 - width];
            let padded = wanted(&weights, denominator, picture.view(), border, [5, 9], size);
            let found: Array3<u8> = filter.padding(padding).border(border).apply(picture.view()).unwrap();
            assert_eq!(found, padded, "{name} {border}");
        }
    }
}

#[test]
fn sums_of_windows_run_down_tall_pictures_without_end() {
    // More rows than numbers of 16 bits have room for the bytes of.
    let mut tall = picture([700, 40, 1], 13);
    tall.slice_mut(s![100..500, .., ..]).fill(255);
    for (name, filter, denominator) in windows() {
        let wanted = same(&filter, denominator, false, tall.view(), Border::Replicate);
        let found: Array3<u8> = filter.border(Border::Replicate).apply(tall.view()).unwrap();
        assert_eq!(found, wanted, "{name}");
    }
}

#[test]
fn parts_orders_and_threads_do_not_matter() {
    let whole = picture([150, 180, 4], 11);
    // Of windows the smallest: what they are compared with takes long.
    for (name, filter, denominator) in filters().into_iter().chain(windows().into_iter().take(2)) {
        let filter = filter.border(Border::Reflect);
        // Three of four channels of every other column, from the last row up.
        let parts =
            [whole.slice(s![..;-1, ..;2, ..3]), whole.slice(s![.., .., 1..2]), whole.slice(s![3..4, .., ..])];
        for part in parts {
            let wanted = same(&filter, denominator, false, part, Border::Reflect);
            let found: Array3<u8> = filter.apply(part).unwrap();
            assert_eq!(found, wanted, "{name}");
            let mut wide = Array3::from_elem((part.dim().0, part.dim().1, 5), 77);
            let mut view = wide.slice_mut(s![.., .., 1..=part.dim().2]);
            filter.apply_into(part, view.view_mut()).unwrap();
            assert_eq!(view, wanted, "{name}");
            assert!(wide.slice(s![.., .., 0]).iter().all(|byte| *byte == 77), "{name}");
        }
        let [one, many] = [1, 3].map(|threads| -> Array3<u8> {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| filter.apply(whole.view()).unwrap())
        });
        assert_eq!(one, many, "{name}");
    }
}
