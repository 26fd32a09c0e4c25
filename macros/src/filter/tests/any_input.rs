//! Whatever the tokens are, there is a filter or an error, never a panic.

use super::{attribute, expression};

/// Numbers below a bound, the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn one_of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }
}

const NUMBERS: &[&str] = &[
    "0",
    "1",
    "-1.0",
    "0.1",
    "3",
    "62",
    "63",
    "64",
    "1e38",
    "1e-38",
    "1e-45",
    "-1e-46",
    "1e999",
    "1e-999",
    "170141183460469231731687303715884105727",
    "170141183460469231731687303715884105728.0",
    "9223372036854775807",
    "0.00000000000000000000000000000000000001",
    "1e2147483648",
    "1.5e-2147483648",
    "f32::NAN",
    "N",
    "1u8",
    "0x7F",
    "'a'",
    "\"\"",
    "true",
    "1.0 / 3.0",
    "7 / 0",
    "1e38 * 1e38",
    "(1e-30 * 1e-30)",
    "2.0 as f32",
    "- - 2",
    "1 % 2",
    "!0",
];
const NAMES: &[&str] = &[
    "gaussian",
    "gaussian_x",
    "gaussian_derivative",
    "sobel_x",
    "sobel",
    "scharr_y",
    "laplacian",
    "log",
    "mean",
    "box",
    "r#box",
    "gabor",
    "sharpen",
    "emboss",
    "identity",
    "BLUR",
    "a::b",
    "f32",
    "_",
    "self",
    "fn",
];
const KEYS: &[&str] = &[
    "sigma",
    "radius",
    "axis",
    "diagonal",
    "size",
    "height",
    "width",
    "theta",
    "wavelength",
    "psi",
    "gamma",
    "amount",
];
const METHODS: &[&str] = &["then", "flipped", "scaled", "plus", "minus", "clone"];
const ODD: &[&str] =
    &["", "x", "..", "|x| x", "&[1.0]", "{ 1 }", "[,]", "()", "; 2", ", tolerance = 1e-3", "= 3", "#"];

fn filter(random: &mut Random, depth: usize) -> String {
    let kinds = if depth == 0 { 5 } else { 9 };
    match random.below(kinds) {
        0 => random.one_of(NUMBERS).to_owned(),
        1 | 2 => random.one_of(NAMES).to_owned(),
        3 => {
            let arguments: Vec<String> = (0..random.below(4))
                .map(|_| match random.below(4) {
                    0 => random.one_of(NUMBERS).to_owned(),
                    _ => format!("{} = {}", random.one_of(KEYS), random.one_of(NUMBERS)),
                })
                .collect();
            format!("{}({})", random.one_of(NAMES), arguments.join(", "))
        }
        4 => random.one_of(ODD).to_owned(),
        5 => {
            let elements: Vec<String> = (0..random.below(4)).map(|_| filter(random, depth - 1)).collect();
            format!("[{}]", elements.join(", "))
        }
        6 => format!("[{}; {}]", filter(random, depth - 1), random.one_of(NUMBERS)),
        7 => format!("({})", filter(random, depth - 1)),
        _ => {
            let argument = if random.below(2) == 0 { String::new() } else { filter(random, depth - 1) };
            format!("{}.{}({argument})", filter(random, depth - 1), random.one_of(METHODS))
        }
    }
}

#[test]
fn no_tokens_make_it_panic() {
    let mut random = Random(2026);
    let mut found = [0, 0];
    for _ in 0..4000 {
        let text = filter(&mut random, 3);
        let Ok(tokens) = text.parse::<proc_macro2::TokenStream>() else {
            continue;
        };
        let whole = expression(tokens);
        found[usize::from(whole.is_ok())] += 1;
        if let Ok((filters, ..)) = whole {
            let sound = |filter: &crate::fold::Weights| {
                filter.values.len() == filter.height * filter.width
                    && filter.height.max(filter.width) <= 63
                    && filter
                        .values
                        .iter()
                        .all(|value| value.is_finite() && f64::from(*value as f32) == *value)
                    && filter.values.iter().any(|value| *value != 0.0)
            };
            assert!(!filters.is_empty() && filters.iter().all(sound), "{text}");
        }
        let ty =
            ["_", "[[f32; 3]; 3]", "Filter2d", "[[[f32; _]; 3]; 2]", "FilterBank", "&str"][random.below(6)];
        let item = format!("{} A: {ty} = {text};", ["const", "static", "pub const", "fn"][random.below(4)]);
        if let (Ok(arguments), Ok(item)) = (random.one_of(ODD).parse(), item.parse()) {
            let _ = attribute(arguments, item);
        }
    }
    assert!(found.iter().all(|count| *count > 200), "{found:?}");
}

#[test]
fn random_matrices_are_what_they_say() {
    let mut random = Random(7);
    let numbers = ["0", "1", "-1", "0.25", "1 / 3", "-2.5e-3", "7", "1e20", "3e-20", "123.456"];
    for case in 0..300 {
        let (height, width) = (1 + random.below(5), 1 + random.below(5));
        let weights: Vec<&str> = (0..height * width).map(|_| random.one_of(&numbers)).collect();
        let rows: Vec<String> = weights.chunks(width).map(|row| format!("[{}]", row.join(", "))).collect();
        let text = format!("[{}]", rows.join(", "));
        if weights.iter().all(|weight| *weight == "0") {
            assert!(expression(text.parse().unwrap()).is_err());
            continue;
        }
        let found = super::one(text.parse().unwrap());
        let value = |text: &&str| -> f64 {
            let value = if *text == "1 / 3" { 1.0 / 3.0 } else { text.parse().unwrap() };
            f64::from(value as f32)
        };
        assert_eq!(found.values, weights.iter().map(value).collect::<Vec<f64>>(), "{case}: {text}");
    }
}
