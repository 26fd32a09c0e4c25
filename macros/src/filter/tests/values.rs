//! What filters weigh, and what their factors are.

use quote::quote;

use super::{attribute, one, terms};
use crate::fold::{Factors, Weights};

/// The filter's answer to a picture around its centre, x to the right and y down.
fn answer(weights: &Weights, picture: impl Fn(f64, f64) -> f64) -> f64 {
    let (height, width) = (weights.height as f64, weights.width as f64);
    let terms = weights.values.iter().enumerate().map(|(at, weight)| {
        let (row, column) = (at / weights.width, at % weights.width);
        weight * picture(column as f64 - (width - 1.0) / 2.0, row as f64 - (height - 1.0) / 2.0)
    });
    terms.sum()
}

fn close(found: f64, wanted: f64) {
    assert!((found - wanted).abs() < 1e-5, "{found} for {wanted}");
}

#[test]
fn an_annotation_is_read_whole() {
    let request = attribute(
        quote!(tolerance = 1e-6),
        quote! {
            /// Blurs.
            #[cfg(feature = "blur")]
            pub(crate) const BLUR: [[f32; 3]; 2] = [[1.0 / 16.0, -0.5, 0], [0.0, 2 * (0.25), 1.0 as f32]];
        },
    );
    let request = request.map_err(|failure| failure.errors).unwrap();
    assert_eq!(request.name, "BLUR");
    assert_eq!(request.attributes.len(), 2);
    assert!(matches!(request.visibility, syn::Visibility::Restricted(_)));
    assert_eq!((request.tolerance, request.bank), (1e-6, false));
    let weights = &request.filters[0];
    assert_eq!((weights.height, weights.width), (2, 3));
    assert_eq!(weights.values, [0.0625, -0.5, 0.0, 0.0, 0.5, 1.0]);
}

#[test]
fn banks_mix_lists_and_names() {
    let bank = |item| {
        let request = attribute(quote!(), item).map_err(|failure| failure.errors).unwrap();
        assert!(request.bank);
        request.filters
    };
    let gradient = bank(quote!(
        const GRADIENT: _ = [sobel_x, sobel_y];
    ));
    assert_eq!(gradient[0].values, [-1.0, 0.0, 1.0, -2.0, 0.0, 2.0, -1.0, 0.0, 1.0]);
    assert_eq!(gradient[1].values, [-1.0, -2.0, -1.0, 0.0, 0.0, 0.0, 1.0, 2.0, 1.0]);
    let mixed = bank(quote!(
        pub const M: tapwise::FilterBank = [[[0.0; 3]; 3].plus(identity), [[1.0 / 9.0; 3]; 3], mean(3)];
    ));
    assert_eq!(mixed[1].values, mixed[2].values);
    assert_eq!(mixed[0].values.iter().sum::<f64>(), 1.0);
    let arrays = bank(quote!(
        const A: [[[f32; 1]; 2]; 2] = [[[1.0], [2.0]], [[3.0], [4.0]]];
    ));
    assert_eq!(arrays[1].values, [3.0, 4.0]);
    assert_eq!(
        bank(quote!(
            const A: FilterBank = [emboss; 3];
        ))
        .len(),
        3
    );
    let named = bank(quote!(
        const A: [[[f32; 3]; 3]; 1] = [laplacian];
    ));
    assert_eq!(named.len(), 1);
}

#[test]
fn types_may_say_less() {
    for ty in
        [quote!(_), quote!(Filter2d), quote!(tapwise::Filter2d), quote!([[f32; 7]; 7]), quote!([[f32; _]; 7])]
    {
        let request = attribute(quote!(), quote!(const A: #ty = gaussian(sigma = 1.0);));
        assert_eq!(request.map_err(|failure| failure.errors).unwrap().filters[0].width, 7);
    }
}

#[test]
fn a_gaussian_is_one_product_and_sums_to_one() {
    let weights = one(quote!(gaussian(sigma = 3.0 / 2.0, radius = 4)));
    assert_eq!((weights.height, weights.width, terms(&weights)), (9, 9, 1));
    close(weights.values.iter().sum(), 1.0);
    // The ratio of two weights does not know of the normalisation.
    let ratio = weights.values[4 * 9 + 4 + 2] / weights.values[4 * 9 + 4];
    close(ratio, (-4.0f64 / (2.0 * 2.25)).exp());
    assert_eq!(one(quote!(gaussian(sigma = 1.5))).width, 11);
    assert_eq!(one(quote!(gaussian(sigma = 100, radius = 31))).width, 63);
    assert_eq!(one(quote!(gaussian(sigma = 1, radius = 0))).values, [1.0]);
}

#[test]
fn derivatives_answer_one_to_a_ramp() {
    for (along, down) in [
        (quote!(gaussian_x(sigma = 1.2)), quote!(gaussian_y(sigma = 1.2))),
        (
            quote!(gaussian_derivative(sigma = 0.7, radius = 1, axis = x)),
            quote!(gaussian_derivative(axis = y, sigma = 0.7, radius = 1)),
        ),
    ] {
        let (along, down) = (one(along), one(down));
        assert_eq!((terms(&along), terms(&down)), (1, 1));
        close(answer(&along, |x, y| x + 5.0 * y), 1.0);
        close(answer(&down, |x, y| 5.0 * x + y), 1.0);
        close(answer(&along, |_, _| 1.0), 0.0);
    }
    let plain = one(quote!(gaussian_x(sigma = 2.0, radius = 15)));
    let bell = |x: f64, y: f64| (-(x * x + y * y) / 8.0).exp() / (2.0 * std::f64::consts::PI * 4.0);
    close(plain.values[15 * 31 + 15 + 3], 3.0 / 4.0 * bell(3.0, 0.0));
    close(plain.values[13 * 31 + 15 - 1], -1.0 / 4.0 * bell(1.0, 2.0));
}

#[test]
fn the_laplacian_of_a_gaussian_is_two_products() {
    let weights = one(quote!(log(sigma = 2.0, radius = 14)));
    assert_eq!((terms(&weights), weights.width), (2, 29));
    close(answer(&weights, |_, _| 1.0), 0.0);
    close(answer(&weights, |x, _| x * x / 2.0), 1.0);
    close(answer(&weights, |x, y| (x * x + 3.0 * y * y) / 2.0), 4.0);
    let formula = |x: f64, y: f64| {
        let square = x * x + y * y;
        (square - 8.0) / 16.0 * (-square / 8.0).exp() / (2.0 * std::f64::consts::PI * 4.0)
    };
    for (x, y) in [(0, 0), (3, 0), (-2, 5)] {
        let at = (14 + y) * 29 + 14 + x;
        close(weights.values[at as usize], formula(f64::from(x), f64::from(y)));
    }
    close(one(quote!(log(sigma = 0.5, radius = 1))).values.iter().sum(), 0.0);
}

#[test]
fn differences_are_products_of_whole_numbers() {
    for (name, line) in
        [("sobel", [1.0, 2.0, 1.0]), ("scharr", [3.0, 10.0, 3.0]), ("prewitt", [1.0, 1.0, 1.0])]
    {
        let name = |axis| quote::format_ident!("{name}_{axis}");
        let (x, y) = (name("x"), name("y"));
        let (along, down) = (one(quote!(#x)), one(quote!(#y())));
        let step = vec![vec![-1.0, 0.0, 1.0]];
        assert_eq!(along.factors, Some(Factors { columns: vec![line.to_vec()], rows: step.clone() }));
        assert_eq!(down.factors, Some(Factors { columns: step, rows: vec![line.to_vec()] }));
        close(answer(&along, |x, _| x), 2.0 * line.iter().sum::<f64>());
        close(answer(&down, |_, y| y), 2.0 * line.iter().sum::<f64>());
    }
}

#[test]
fn small_filters_are_those_of_the_books() {
    assert_eq!(one(quote!(laplacian)).values, [0.0, 1.0, 0.0, 1.0, -4.0, 1.0, 0.0, 1.0, 0.0]);
    assert_eq!(
        one(quote!(laplacian(diagonal = true))).values,
        [1.0, 1.0, 1.0, 1.0, -8.0, 1.0, 1.0, 1.0, 1.0]
    );
    assert_eq!(one(quote!(laplacian(diagonal = false))).values, one(quote!(laplacian)).values);
    assert_eq!(one(quote!(sharpen)).values, [0.0, -1.0, 0.0, -1.0, 5.0, -1.0, 0.0, -1.0, 0.0]);
    assert_eq!(one(quote!(sharpen(0.5))).values, [0.0, -0.5, 0.0, -0.5, 3.0, -0.5, 0.0, -0.5, 0.0]);
    assert_eq!(one(quote!(emboss)).values, [-2.0, -1.0, 0.0, -1.0, 1.0, 1.0, 0.0, 1.0, 2.0]);
    assert_eq!(one(quote!(identity)).values, [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    let window = one(quote!(box(height = 2, width = 4)));
    assert_eq!((window.height, window.width), (2, 4));
    assert_eq!((window.values, terms(&one(quote!(r#box(5))))), (vec![0.125; 8], 1));
    assert_eq!(one(quote!(mean(2, 4))).values, one(quote!([[1 / 8; 4]; 2])).values);
    assert_eq!(one(quote!(mean(3))).values, one(quote!(mean(size = 3))).values);
}

/// The definition, written with complex exponentials of both directions.
fn gabor(x: f64, y: f64, [sigma, theta, wavelength, psi, gamma]: [f64; 5]) -> f64 {
    let (u, v) = (theta.cos() * x + theta.sin() * y, theta.cos() * y - theta.sin() * x);
    let envelope = (-0.5 * (u / sigma).powi(2)).exp() * (-0.5 * (v * gamma / sigma).powi(2)).exp();
    envelope * (2.0 * std::f64::consts::PI * u / wavelength + psi).cos()
}

#[test]
fn gabor_is_one_product_along_an_axis_and_two_where_it_is_round() {
    let cases = [
        (
            quote!(gabor(sigma = 2.0, theta = 0, wavelength = 5.0, gamma = 0.5, psi = 0.3, radius = 6)),
            [2.0, 0.0, 5.0, 0.3, 0.5],
            1,
        ),
        (
            quote!(gabor(
                sigma = 2.0,
                theta = 1.570796,
                wavelength = 5.0,
                gamma = 0.5,
                psi = 0.3,
                radius = 6
            )),
            [2.0, std::f64::consts::FRAC_PI_2, 5.0, 0.3, 0.5],
            1,
        ),
        (
            quote!(gabor(sigma = 2.0, theta = 3.1415927, wavelength = 5.0, psi = 0.3, radius = 6)),
            [2.0, std::f64::consts::PI, 5.0, 0.3, 1.0],
            1,
        ),
        (
            quote!(gabor(sigma = 2.0, theta = -1.5707963, wavelength = 5.0, psi = 0.3, radius = 6)),
            [2.0, -std::f64::consts::FRAC_PI_2, 5.0, 0.3, 1.0],
            1,
        ),
        (
            quote!(gabor(sigma = 2.0, theta = 0.7, wavelength = 5.0, psi = 0.3, radius = 6)),
            [2.0, 0.7, 5.0, 0.3, 1.0],
            2,
        ),
        (
            quote!(gabor(sigma = 2.0, theta = 0.7, wavelength = 5.0, gamma = 0.5)),
            [2.0, 0.7, 5.0, 0.0, 0.5],
            0,
        ),
    ];
    for (tokens, parameters, wanted) in cases {
        let weights = one(tokens);
        assert_eq!(terms(&weights), wanted, "{parameters:?}");
        let radius = (weights.width / 2) as i32;
        assert_eq!(radius, if wanted == 0 { 12 } else { 6 });
        for (at, weight) in weights.values.iter().enumerate() {
            let (y, x) = (at as i32 / (2 * radius + 1) - radius, at as i32 % (2 * radius + 1) - radius);
            close(*weight, gabor(f64::from(x), f64::from(y), parameters));
        }
    }
}

/// Cross-correlates a picture of `width` with a filter, where it fits.
fn correlated(picture: &[f64], width: usize, weights: &Weights) -> (Vec<f64>, usize) {
    let (rows, columns) = (picture.len() / width - weights.height + 1, width - weights.width + 1);
    let mut sums = Vec::new();
    for (i, j) in (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))) {
        let terms = weights.values.iter().enumerate();
        sums.push(
            terms.map(|(at, v)| v * picture[(i + at / weights.width) * width + j + at % weights.width]).sum(),
        );
    }
    (sums, columns)
}

#[test]
fn a_filter_then_another_is_both_in_a_row() {
    let picture: Vec<f64> =
        (0..20 * 23).map(|at| f64::from((at * 7919 + at * at * 31) % 257) / 257.0).collect();
    let cases = [
        (quote!(gaussian(sigma = 1.0)), quote!(laplacian), 2),
        (quote!([[1.0, 2.0, 4.0], [3.0, -1.0, 0.5]]), quote!(sobel_x), 2),
        (quote!([[1, 2], [3, 5]]), quote!([[0.3, 0.1, 0.7], [0.11, 0.2, 0.19], [0.6, 0.5, 0.9]]), 0),
        (quote!(mean(3)), quote!(mean(3)), 1),
        (quote!(log(sigma = 0.8)), quote!(laplacian), 0),
    ];
    for (first, second, wanted) in cases {
        let both = one(quote!(#first.then(#second)));
        let (between, width) = correlated(&picture, 23, &one(first));
        let (in_a_row, _) = correlated(&between, width, &one(second));
        let (at_once, _) = correlated(&picture, 23, &both);
        assert_eq!(in_a_row.len(), at_once.len());
        in_a_row.iter().zip(&at_once).for_each(|(a, b)| close(*a, *b));
        assert_eq!(terms(&both), wanted);
    }
}

#[test]
fn the_binomial_filter_comes_from_means() {
    let pair = quote!([[0.25; 2]; 2]);
    let binomial = one(quote!((#pair.then(#pair)).then(#pair).then(#pair)));
    let factors = binomial.factors.unwrap();
    assert_eq!(factors.columns, [[1.0, 4.0, 6.0, 4.0, 1.0]]);
    assert_eq!(factors.rows, [[1.0, 4.0, 6.0, 4.0, 1.0].map(|tap| tap / 256.0)]);
}

#[test]
fn sums_and_multiples_keep_their_factors() {
    let difference = one(quote!(gaussian(sigma = 1.0, radius = 5).minus(gaussian(sigma = 1.6, radius = 5))));
    assert_eq!(terms(&difference), 2);
    close(answer(&difference, |_, _| 1.0), 0.0);
    let unsharp = one(quote!(identity(9).scaled(2).minus(gaussian(sigma = 1.5, radius = 4))));
    assert_eq!(terms(&unsharp), 2);
    close(answer(&unsharp, |x, _| 1.0 + x), 1.0);
    let shared = one(quote!(gaussian(sigma = 1.0).plus(gaussian_x(sigma = 1.0).scaled(1.0 / 3.0))));
    assert_eq!(terms(&shared), 1);
    let turned = one(quote!(sobel_x.flipped()));
    assert_eq!(turned.values, one(quote!(sobel_x.scaled(-1))).values);
    let lopsided = one(quote!(gaussian_x(sigma = 1.0).plus(gaussian(sigma = 1.0)).flipped()));
    close(answer(&lopsided, |x, _| x), -1.0);
    assert_eq!(terms(&one(quote!(sharpen(1.0 / 3.0)))), 2);
}

#[test]
fn terms_are_as_few_as_the_page_says() {
    let cases = [
        (quote!(gaussian(sigma = 2)), 1),
        (quote!(gaussian_x(sigma = 2)), 1),
        (quote!(log(sigma = 2)), 2),
        (quote!(sobel_x), 1),
        (quote!(scharr_y), 1),
        (quote!(prewitt_x), 1),
        (quote!(laplacian), 2),
        (quote!(laplacian(diagonal = true)), 2),
        (quote!(mean(7)), 1),
        (quote!(sharpen(0.3)), 2),
        (quote!(emboss), 3),
        (quote!(identity(5)), 1),
    ];
    for (tokens, wanted) in cases {
        let text = tokens.to_string();
        assert_eq!(terms(&one(tokens)), wanted, "{text}");
    }
}
