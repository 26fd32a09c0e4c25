//! What named filters weigh.
//!
//! All are written for the cross-correlation, `y[i, j] = Σ V[a, b] · x[i + a, j + b]`: a derivative is positive
//! where brightness grows to the right (`x`) or downwards (`y`). Sampled functions are taken at whole distances
//! from the centre, `-radius` to `radius`.

use std::f64::consts::{FRAC_PI_2, PI};

use super::number::Number;
use super::weights::Filter;
use crate::fold::Factors;

/// The Gaussian along a line, `exp(−i²/2σ²)`, divided by its sum.
pub(super) fn gaussian_line(sigma: f64, radius: usize) -> Vec<f64> {
    let line: Vec<f64> = distances(radius).map(|i| (-i * i / (2.0 * sigma * sigma)).exp()).collect();
    let sum: f64 = line.iter().sum();
    line.into_iter().map(|weight| small(weight / sum)).collect()
}

/// The derivative of the Gaussian along a line, `i · g(i)`, divided by `Σ i² g(i)`: it answers 1 to a ramp that
/// grows by 1 from each pixel to the next. For a large radius that is `i · g(i) / σ²`, the derivative of the
/// Gaussian itself with the sign that the cross-correlation wants.
pub(super) fn slope_line(sigma: f64, radius: usize) -> Vec<f64> {
    let line = gaussian_line(sigma, radius);
    let second = moment(&line, radius, 2);
    distances(radius).zip(&line).map(|(i, g)| small(i * g / second)).collect()
}

/// The second derivative of the Gaussian along a line, `2 (i² − m₂) g(i) / (m₄ − m₂²)` with the moments
/// `m_k = Σ i^k g(i)`: its weights sum to zero, and it answers 1 to `x²/2`. For a large radius that is
/// `(i² − σ²) g(i) / σ⁴`, the second derivative itself.
pub(super) fn curve_line(sigma: f64, radius: usize) -> Vec<f64> {
    let line = gaussian_line(sigma, radius);
    let (second, fourth) = (moment(&line, radius, 2), moment(&line, radius, 4));
    let scale = 2.0 / (fourth - second * second);
    distances(radius).zip(&line).map(|(i, g)| small(scale * (i * i - second) * g)).collect()
}

/// The Gaussian, which sums to one.
pub(super) fn gaussian(sigma: f64, radius: usize) -> Filter {
    let line = gaussian_line(sigma, radius);
    one_term(line.clone(), line)
}

/// The derivative of the Gaussian along the row, or down the column.
pub(super) fn gaussian_derivative(sigma: f64, radius: usize, down: bool) -> Filter {
    let (line, slope) = (gaussian_line(sigma, radius), slope_line(sigma, radius));
    if down { one_term(slope, line) } else { one_term(line, slope) }
}

/// The Laplacian of the Gaussian (Marr and Hildreth, "Theory of edge detection", 1980), negative in the centre:
/// the second derivative along the row of what is smoothed down the columns, and the other way round. Its
/// weights sum to zero, and it answers 1 to `x²/2` and to `y²/2`.
pub(super) fn log(sigma: f64, radius: usize) -> Filter {
    let (line, curve) = (gaussian_line(sigma, radius), curve_line(sigma, radius));
    let factors = Factors { columns: vec![line.clone(), curve.clone()], rows: vec![curve, line] };
    Filter::product(factors)
}

/// What a Gabor filter is made with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gabor {
    /// The deviation of the envelope along the wave, in pixels.
    pub(super) sigma: f64,
    /// The direction of the wave, in radians from the row's towards the columns'.
    pub(super) theta: f64,
    /// The length of the wave, in pixels.
    pub(super) wavelength: f64,
    /// The phase of the wave in the centre, in radians.
    pub(super) psi: f64,
    /// The deviation along the wave over the one across it.
    pub(super) gamma: f64,
    pub(super) radius: usize,
}

/// A direction closer than this to a row or a column, in radians, is meant as that.
const QUARTER: f64 = 1e-6;

/// Gabor's filter, the real part: `exp(−(x'² + γ² y'²) / 2σ²) · cos(2π x'/λ + ψ)` with
/// `x' = x cos θ + y sin θ` and `y' = −x sin θ + y cos θ` (Daugman, "Uncertainty relation for resolution in
/// space, spatial frequency, and orientation", 1985); not scaled. A wave along rows or columns is one product;
/// a round envelope (`γ = 1`) makes any direction two, since `cos(u + v) = cos u cos v − sin u sin v`.
pub(super) fn gabor(gabor: Gabor) -> Filter {
    let Gabor { sigma, theta, wavelength, psi, gamma, radius } = gabor;
    let turns = theta / FRAC_PI_2;
    let straight = (turns - turns.round()).abs() * FRAC_PI_2 < QUARTER;
    let (sine, cosine) = match (straight, turns.round().rem_euclid(4.0)) {
        (true, 0.0) => (0.0, 1.0),
        (true, 1.0) => (1.0, 0.0),
        (true, 2.0) => (0.0, -1.0),
        (true, _) => (-1.0, 0.0),
        _ => theta.sin_cos(),
    };
    let bell = |distance: f64| (-distance * distance / (2.0 * sigma * sigma)).exp();
    let pitch = 2.0 * PI / wavelength;
    let line =
        |wave: &dyn Fn(f64) -> f64| -> Vec<f64> { distances(radius).map(|i| small(wave(i))).collect() };
    if straight {
        let (along, across) = (sine + cosine, gamma);
        let wave = line(&|x| bell(x) * (pitch * along * x + psi).cos());
        let envelope = line(&|y| bell(across * y));
        return if sine == 0.0 { one_term(envelope, wave) } else { one_term(wave, envelope) };
    }
    if gamma == 1.0 {
        let factors = Factors {
            columns: vec![
                line(&|y| bell(y) * (pitch * sine * y).cos()),
                line(&|y| -bell(y) * (pitch * sine * y).sin()),
            ],
            rows: vec![
                line(&|x| bell(x) * (pitch * cosine * x + psi).cos()),
                line(&|x| bell(x) * (pitch * cosine * x + psi).sin()),
            ],
        };
        return Filter::product(factors);
    }
    let weight = |x: f64, y: f64| {
        let (along, across) = (x * cosine + y * sine, -x * sine + y * cosine);
        bell(along) * bell(gamma * across) * (pitch * along + psi).cos()
    };
    let numbers = distances(radius).flat_map(|y| distances(radius).map(move |x| (x, y)));
    Filter::new(2 * radius + 1, numbers.map(|(x, y)| Number::near(small(weight(x, y)))).collect())
}

/// Differences along the row, summed over three rows with weights `side, middle, side`; turned for the one down
/// the columns. 1, 2, 1 are Sobel's and Feldman's (1968), 3, 10, 3 those of Scharr ("Optimale Operatoren in der
/// Digitalen Bildverarbeitung", 2000), and 1, 1, 1 those of Prewitt ("Object enhancement and extraction", 1970).
/// Whole numbers, not scaled: a ramp of 1 a pixel is answered by twice the sum of the weights.
pub(super) fn difference(side: i32, middle: i32, down: bool) -> Filter {
    let (s, m) = (side, middle);
    if down {
        Filter::integers(3, &[-s, -m, -s, 0, 0, 0, s, m, s])
    } else {
        Filter::integers(3, &[-s, 0, s, -m, 0, m, -s, 0, s])
    }
}

/// The sum of the four (or eight) neighbours' differences from the centre.
pub(super) fn laplacian(diagonal: bool) -> Filter {
    if diagonal {
        Filter::integers(3, &[1, 1, 1, 1, -8, 1, 1, 1, 1])
    } else {
        Filter::integers(3, &[0, 1, 0, 1, -4, 1, 0, 1, 0])
    }
}

/// The mean of a window.
pub(super) fn mean(height: usize, width: usize) -> Filter {
    let count = i32::try_from(height * width).unwrap_or(i32::MAX);
    Filter::new(width, vec![Number::ONE / Number::integer(count); height * width])
}

/// The picture less so much of its Laplacian, the one of four neighbours.
pub(super) fn sharpen(amount: Number) -> Filter {
    let mut numbers: Vec<Number> =
        laplacian(false).numbers.into_iter().map(|number| -number * amount).collect();
    if let Some(centre) = numbers.get_mut(4) {
        *centre = *centre + Number::ONE;
    }
    Filter::new(3, numbers)
}

/// Light from the upper left on the picture itself: differences along the diagonal, which cancel on an even
/// picture, and the picture.
pub(super) fn emboss() -> Filter {
    Filter::integers(3, &[-2, -1, 0, -1, 1, 1, 0, 1, 2])
}

/// The picture as it is, by a filter of an odd size.
pub(super) fn identity(size: usize) -> Filter {
    let mut numbers = vec![Number::ZERO; size * size];
    numbers[size * size / 2] = Number::ONE;
    Filter::new(size, numbers)
}

fn distances(radius: usize) -> impl Iterator<Item = f64> {
    (0..=2 * radius).map(move |at| at as f64 - radius as f64)
}

fn moment(line: &[f64], radius: usize, power: i32) -> f64 {
    distances(radius).zip(line).map(|(i, g)| i.powi(power) * g).sum()
}

fn one_term(column: Vec<f64>, row: Vec<f64>) -> Filter {
    Filter::product(Factors { columns: vec![column], rows: vec![row] })
}

/// A weight that f32 has no number for is no tap.
fn small(weight: f64) -> f64 {
    if weight as f32 == 0.0 { 0.0 } else { weight }
}
