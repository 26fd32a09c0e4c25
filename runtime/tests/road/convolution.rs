//! Convolution as mathematics has it: functions, sequences, tensors; what commutes and what does not.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use tapwise::Error;
use tapwise::convolution::{
    Samples, convolve_1d, convolve_2d, correlate_1d, correlate_2d, flipped_1d, flipped_2d,
};

use crate::common::{Numbers, oracle};
use crate::whole;

/// Equation (7) as it is written, in f64, with the sums of sizes; `sign` 1 is convolution and -1
/// cross-correlation.
fn sum(f: ArrayView2<'_, f32>, g: ArrayView2<'_, f32>, sign: isize) -> [Array2<f64>; 2] {
    let shape = (f.nrows() + g.nrows() - 1, f.ncols() + g.ncols() - 1);
    let [mut value, mut scale] = [Array2::zeros(shape), Array2::zeros(shape)];
    let first = |length: usize| if sign == 1 { 0 } else { 1 - length as isize };
    for (row, column) in ndarray::indices(shape) {
        let (i, j) = (row as isize + first(f.nrows()), column as isize + first(f.ncols()));
        for ((a, b), weight) in f.indexed_iter() {
            let at = [i - sign * a as isize, j - sign * b as isize].map(usize::try_from);
            if let [Ok(at_row), Ok(at_column)] = at
                && let Some(x) = g.get([at_row, at_column])
            {
                let product = f64::from(*weight) * f64::from(*x);
                value[[row, column]] += product;
                scale[[row, column]] += product.abs();
            }
        }
    }
    [value, scale]
}

#[test]
fn tensors_are_summed_as_the_equation_says() {
    let mut numbers = Numbers::new(31);
    for _ in 0..30 {
        let mut side = || 1 + numbers.below(8);
        let (f_shape, g_shape) = ((side(), side()), (side(), side()));
        let (f, g): (Array2<f32>, Array2<f32>) = (numbers.array(f_shape), numbers.array(g_shape));
        for (sign, found) in [(1, convolve_2d(f.view(), g.view())), (-1, correlate_2d(f.view(), g.view()))] {
            let (found, [value, scale]) = (found.unwrap(), sum(f.view(), g.view(), sign));
            assert_eq!(found.dim(), value.dim());
            for ((place, value), scale) in value.indexed_iter().zip(&scale) {
                let error = (f64::from(found[place]) - value).abs();
                assert!(error <= oracle::bound(f.len()) * scale, "{place:?} is off by {error:e}");
            }
        }
    }
}

#[test]
fn sequences_are_rows() {
    let mut numbers = Numbers::new(32);
    let (f, g): (Array1<f32>, Array1<f32>) = (whole(&mut numbers, 5), whole(&mut numbers, 9));
    let row = |sequence: ArrayView1<'_, f32>| sequence.to_owned().insert_axis(ndarray::Axis(0));
    for (found, sign) in [(convolve_1d(f.view(), g.view()), 1), (correlate_1d(f.view(), g.view()), -1)] {
        let [value, _] = sum(row(f.view()).view(), row(g.view()).view(), sign);
        assert_eq!(found.unwrap().mapv(f64::from), value.row(0));
    }
}

#[test]
fn convolution_commutes_and_associates() {
    let mut numbers = Numbers::new(33);
    for _ in 0..20 {
        let mut array = || {
            let shape = (1 + numbers.below(5), 1 + numbers.below(5));
            whole::<ndarray::Ix2, _>(&mut numbers, shape)
        };
        let (f, g, h) = (array(), array(), array());
        let convolve = |f: &Array2<f32>, g: &Array2<f32>| convolve_2d(f.view(), g.view()).unwrap();
        // Whole numbers below 2^24: exactly.
        assert_eq!(convolve(&f, &g), convolve(&g, &f));
        assert_eq!(convolve(&convolve(&f, &g), &h), convolve(&f, &convolve(&g, &h)));
        // Cross-correlation with the sides exchanged is the same backwards.
        let correlate = |f: &Array2<f32>, g: &Array2<f32>| correlate_2d(f.view(), g.view()).unwrap();
        assert_eq!(correlate(&f, &g), flipped_2d(correlate(&g, &f).view()));
        // The flip turns one into the other.
        assert_eq!(convolve_2d(flipped_2d(f.view()), g.view()).unwrap(), correlate(&f, &g));
        assert_eq!(correlate_2d(flipped_2d(f.view()), g.view()).unwrap(), convolve(&f, &g));
    }
}

#[test]
fn on_random_numbers_it_commutes_and_associates_within_rounding() {
    let mut numbers = Numbers::new(34);
    let (f, g, h): (Array1<f32>, Array1<f32>, Array1<f32>) =
        (numbers.array(7), numbers.array(40), numbers.array(12));
    let convolve = |f: &Array1<f32>, g: &Array1<f32>| convolve_1d(f.view(), g.view()).unwrap();
    // Numbers are at most one: the sums of sizes are at most 7, and 7·12 for three.
    let near = |left: Array1<f32>, right: Array1<f32>, size: f32| {
        assert_eq!(left.len(), right.len());
        assert!((left - right).iter().all(|difference| difference.abs() <= size * 4e-6));
    };
    near(convolve(&f, &g), convolve(&g, &f), 7.0);
    near(convolve(&convolve(&f, &g), &h), convolve(&f, &convolve(&g, &h)), 84.0);
}

#[test]
fn cross_correlation_neither_commutes_nor_associates() {
    let [f, g, h] = [[1.0f32, 2.0], [1.0, 0.0], [0.0, 3.0]].map(Array1::from_iter);
    let correlate = |f: &Array1<f32>, g: &Array1<f32>| correlate_1d(f.view(), g.view()).unwrap();
    assert_ne!(correlate(&f, &g), correlate(&g, &f));
    assert_ne!(correlate(&correlate(&f, &g), &h), correlate(&f, &correlate(&g, &h)));
    // What the flip leaves as it is, is correlated as it is convolved.
    let even = Array1::from_iter([1.0f32, -2.0, 1.0]);
    assert_eq!(flipped_1d(even.view()), even);
    assert_eq!(correlate(&even, &f), convolve_1d(even.view(), f.view()).unwrap());
}

fn gaussian(x: f64, deviation: f64) -> f64 {
    let unit = x / deviation;
    (-unit * unit / 2.0).exp() / (deviation * (2.0 * std::f64::consts::PI).sqrt())
}

/// The largest distance between samples and a closed form.
fn error(samples: &Samples, wanted: impl Fn(f64) -> f64) -> f64 {
    samples.points().map(|(x, value)| (value - wanted(x)).abs()).fold(0.0, f64::max)
}

#[test]
fn two_gaussians_make_a_wider_one() {
    let f = Samples::of(|x| gaussian(x, 0.6), -5.0, 5.0, 250).unwrap();
    let g = Samples::of(|x| gaussian(x - 1.0, 0.8), -5.0, 7.0, 300).unwrap();
    let both = f.convolve(&g).unwrap();
    // Variances add, 0.36 + 0.64, and so do means.
    assert!(error(&both, |x| gaussian(x - 1.0, 1.0)) < 2e-6);
    assert!((both.integral() - 1.0).abs() < 1e-5);
    // Cross-correlation takes the mean of the first off instead.
    let apart = g.correlate(&f).unwrap();
    assert!(error(&apart, |x| gaussian(x + 1.0, 1.0)) < 2e-6);
    assert_eq!(apart.values(), g.flipped().convolve(&f).unwrap().values());
}

#[test]
fn two_boxes_make_a_triangle() {
    let square = Samples::of(|_| 1.0, -0.5, 0.5, 64).unwrap();
    let triangle = square.convolve(&square).unwrap();
    // Steps and values are fractions of 64: not even rounding stands between.
    assert_eq!(error(&triangle, |x| 1.0 - x.abs()), 0.0);
    let (first, last) = (triangle.points().next().unwrap(), triangle.points().last().unwrap());
    assert_eq!((first.0, last.0), (-1.0 + 1.0 / 64.0, 1.0 - 1.0 / 64.0));
    // Of two lengths, a trapezium: flat between.
    let wide = Samples::of(|_| 1.0, 0.0, 2.0, 128).unwrap();
    let trapezium = square.convolve(&wide).unwrap();
    assert_eq!(error(&trapezium, |x| (x + 0.5).min(2.5 - x).min(1.0)), 0.0);
}

#[test]
fn the_error_falls_with_the_square_of_the_step() {
    // A box of length one with a decaying exponential.
    let wanted = |x: f64| if x < 1.0 { 1.0 - (-x).exp() } else { (1.0 - x).exp() - (-x).exp() };
    let errors = [8, 16, 32, 64].map(|cells| {
        let square = Samples::of(|_| 1.0, 0.0, 1.0, cells).unwrap();
        let decay = Samples::of(|x| (-x).exp(), 0.0, 4.0, 4 * cells).unwrap();
        let found = square.convolve(&decay).unwrap();
        // Up to 4 only: there the exponential was cut off.
        let seen = found.points().filter(|(x, _)| *x < 4.0);
        seen.map(|(x, value)| (value - wanted(x)).abs()).fold(0.0, f64::max)
    });
    for pair in errors.windows(2) {
        assert!((3.5..4.5).contains(&(pair[0] / pair[1])), "{errors:?}");
    }
}

#[test]
fn what_cannot_be_convolved_is_refused() {
    let empty = Array1::<f32>::zeros(0);
    let one = Array1::<f32>::ones(1);
    assert_eq!(convolve_1d(empty.view(), one.view()), Err(Error::Empty { array: "filter", axis: "K_w" }));
    assert_eq!(convolve_1d(one.view(), empty.view()), Err(Error::Empty { array: "input", axis: "W" }));
    let [coarse, fine] = [4, 5].map(|cells| Samples::of(|x| x, 0.0, 1.0, cells).unwrap());
    assert!(matches!(coarse.convolve(&fine), Err(Error::Parameter { parameter: "the step of g", .. })));
    assert!(coarse.correlate(&fine).is_err());
    for (from, to) in [(1.0, 0.0), (0.0, f64::NAN), (0.0, f64::INFINITY)] {
        assert!(Samples::of(|x| x, from, to, 3).is_err());
    }
    assert!(Samples::of(|x| x, 0.0, 1.0, 0).is_err());
}
