//! The costs that predict samples best: least squares of relative errors, no coefficient below zero.

use tapwise::cost::{Costs, Features, Term};

/// Relative errors beyond this count by their size and not by its square, so that a sample that was
/// disturbed does not bend the fit.
const LARGE: f64 = 0.1;

/// How much a coefficient is held to where it began, beside what one sample in a thousand says: terms
/// that no sample counts stay as they were.
const HELD: f64 = 1e-3;

/// Rounds of weighing, and of descent in each.
const ROUNDS: usize = 12;
const SWEEPS: usize = 3000;

/// Fits costs to samples, each the features of a computation and the seconds that it took.
#[must_use]
pub fn fit(samples: &[(Features, f64)], start: &Costs) -> Costs {
    const N: usize = Term::COUNT;
    let samples: Vec<&(Features, f64)> = samples.iter().filter(|(_, seconds)| *seconds > 0.0).collect();
    // A row says: these parts together should make 1.
    let mut rows: Vec<[f64; N]> = samples
        .iter()
        .map(|(features, seconds)| Term::ALL.map(|term| features.get(term) * 1e-9 / seconds))
        .collect();
    let mut scales = [1.0; N];
    for (at, scale) in scales.iter_mut().enumerate() {
        let squares: f64 = rows.iter().map(|row| row[at] * row[at]).sum();
        if squares > 0.0 {
            *scale = (squares / rows.len() as f64).sqrt().recip();
            rows.iter_mut().for_each(|row| row[at] *= *scale);
        }
    }
    let begun: Vec<f64> =
        Term::ALL.iter().zip(scales).map(|(term, scale)| start.get(*term) / scale).collect();
    let mut x = begun.clone();
    let held = HELD * rows.len().max(1) as f64 / 1000.0;
    for _ in 0..ROUNDS {
        let mut normal = [[0.0; N]; N];
        let mut target = [0.0; N];
        for row in &rows {
            let error = row.iter().zip(&x).map(|(part, x)| part * x).sum::<f64>() - 1.0;
            let weight = (LARGE / error.abs().max(LARGE)).min(1.0);
            for i in 0..N {
                if row[i] == 0.0 {
                    continue;
                }
                target[i] += weight * row[i];
                for j in 0..N {
                    normal[i][j] += weight * row[i] * row[j];
                }
            }
        }
        for at in 0..N {
            normal[at][at] += held;
            target[at] += held * begun[at];
        }
        for _ in 0..SWEEPS {
            for at in 0..N {
                let others: f64 = (0..N).filter(|j| *j != at).map(|j| normal[at][j] * x[j]).sum();
                x[at] = ((target[at] - others) / normal[at][at]).max(0.0);
            }
        }
    }
    Costs::new(|term| x[term as usize] * scales[term as usize])
}

/// The middle of the relative errors of predictions, and the one that nine in ten do not exceed.
#[must_use]
pub fn errors(samples: &[(Features, f64)], costs: &Costs) -> [f64; 2] {
    let mut errors: Vec<f64> =
        samples.iter().map(|(features, seconds)| (costs.seconds(features) / seconds).ln().abs()).collect();
    errors.sort_by(f64::total_cmp);
    [0.5, 0.9].map(|share| {
        let at = (errors.len() as f64 * share) as usize;
        errors.get(at.min(errors.len().saturating_sub(1))).map_or(f64::NAN, |error| error.exp_m1())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::Noise;
    use tapwise::{Isa, Maker};

    /// Features of three terms, and what they take by known costs.
    fn samples(outliers: usize) -> (Vec<(Features, f64)>, Costs) {
        let truth = Costs::new(|term| match term {
            Term::Calls => 60.0,
            Term::ChannelsOut => 0.31,
            Term::StagedNumbers => 0.02,
            _ => 0.0,
        });
        let mut noise = Noise::new(3);
        let samples = (0..200).map(|index| {
            let mut features = Features::default();
            features.add(Term::Calls, 1.0);
            features.add(Term::ChannelsOut, 10f64.powf(4.0 + f64::from(noise.unit())));
            features.add(Term::StagedNumbers, 10f64.powf(4.5 + f64::from(noise.unit())));
            let disturbed = if index < outliers { 3.0 } else { 1.0 };
            let seconds = truth.seconds(&features) * (1.0 + 0.01 * f64::from(noise.unit())) * disturbed;
            (features, seconds)
        });
        (samples.collect(), truth)
    }

    #[test]
    fn known_costs_are_found_again() {
        for outliers in [0, 15] {
            let (samples, truth) = samples(outliers);
            let start = Costs::new(|_| 0.5);
            let found = fit(&samples, &start);
            for term in [Term::ChannelsOut, Term::StagedNumbers] {
                let ratio = found.get(term) / truth.get(term);
                assert!((0.9..1.1).contains(&ratio), "{outliers} {}: {ratio}", term.key());
            }
            // What no sample counts stays.
            assert!((found.get(Term::NaiveProducts) - 0.5).abs() < 1e-9);
            assert!(errors(&samples, &found)[0] < 0.02);
        }
    }

    #[test]
    fn no_coefficient_is_negative() {
        // Twice as many calls take half as long: no sum of times says so.
        let samples: Vec<(Features, f64)> = (1..20)
            .map(|calls| {
                let mut features = Features::default();
                features.add(Term::Calls, f64::from(calls));
                features.add(Term::Kernels, 1.0);
                (features, 1.0 / f64::from(calls))
            })
            .collect();
        let found = fit(&samples, &Costs::shipped(Isa::Portable, Maker::Other));
        assert!(Term::ALL.into_iter().all(|term| found.get(term) >= 0.0));
    }

    #[test]
    fn nothing_is_fitted_to_nothing() {
        let start = Costs::shipped(Isa::Portable, Maker::Other);
        let found = fit(&[], &start);
        assert!(Term::ALL.into_iter().all(|term| (found.get(term) - start.get(term)).abs() < 1e-9));
    }
}
