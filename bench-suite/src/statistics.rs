//! What samples say: medians, how they spread, and how far a median or a ratio of two can be believed.

use serde::{Deserialize, Serialize};

use crate::reference::Noise;

/// Rounds that a record keeps: where there were more, medians of neighbours.
pub const KEPT: usize = 21;

/// Resamplings of an interval.
const RESAMPLED: usize = 400;

/// The part of the resamplings that an interval holds.
pub const CONFIDENCE: f64 = 0.95;

/// Sorts samples and takes the middle one; the mean of the middle two, where they are even.
#[must_use]
pub fn median(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    quantile(samples, 0.5)
}

/// The value below which a part of sorted samples lies, between neighbours where none is there.
///
/// ```
/// use tapwise_bench::statistics::quantile;
///
/// assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.5), 2.0);
/// assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.75), 3.0);
/// ```
#[must_use]
pub fn quantile(sorted: &[f64], part: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let at = part.clamp(0.0, 1.0) * last as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    if below == above { below } else { below + (at - at.floor()) * (above - below) }
}

/// The part between the quartiles over the median: how far a single round is to be believed.
#[must_use]
pub fn spread(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    let middle = median(&mut sorted);
    (quantile(&sorted, 0.75) - quantile(&sorted, 0.25)) / middle
}

/// Where a figure lies with a probability of [`CONFIDENCE`], as far as its rounds tell.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// The bootstrap interval of a median: rounds are drawn with replacement, as many as there are, again and
/// again; the middle 95 of 100 medians (Efron 1979, the percentile method). The same rounds give the
/// same interval. None of fewer than three rounds.
#[must_use]
pub fn interval_of_median(rounds: &[f64]) -> Option<Interval> {
    resampled(rounds, |draw| draw(rounds))
}

/// The same for the median of `above` over the median of `below`, drawn apart.
#[must_use]
pub fn interval_of_ratio(above: &[f64], below: &[f64]) -> Option<Interval> {
    let fewer = if above.len() < below.len() { above } else { below };
    resampled(fewer, |draw| draw(above) / draw(below))
}

/// The interval of a figure that is made of medians of drawn rounds.
fn resampled(
    fewest: &[f64],
    mut figure: impl FnMut(&mut dyn FnMut(&[f64]) -> f64) -> f64,
) -> Option<Interval> {
    if fewest.len() < 3 {
        return None;
    }
    let mut noise = Noise::new(0xb007);
    let mut drawn = Vec::new();
    let mut draw = |rounds: &[f64]| {
        drawn.clear();
        drawn.extend((0..rounds.len()).map(|_| rounds[noise.below(rounds.len())]));
        median(&mut drawn)
    };
    let mut figures: Vec<f64> = (0..RESAMPLED).map(|_| figure(&mut draw)).collect();
    figures.sort_by(f64::total_cmp);
    let outside = 0.5 * (1.0 - CONFIDENCE);
    Some(Interval { low: quantile(&figures, outside), high: quantile(&figures, 1.0 - outside) })
}

/// At most `most` numbers for many: medians of as many neighbours each, in order. What disturbs several rounds
/// one after another disturbs one of these.
#[must_use]
pub fn thinned(samples: &[f64], most: usize) -> Vec<f64> {
    let parts = samples.len().min(most);
    let bounds = |part: usize| part * samples.len() / parts;
    (0..parts).map(|part| median(&mut samples[bounds(part)..bounds(part + 1)].to_vec())).collect()
}

/// The geometric mean; none of nothing.
#[must_use]
pub fn geometric_mean(ratios: impl IntoIterator<Item = f64>) -> Option<f64> {
    let logarithms: Vec<f64> = ratios.into_iter().map(f64::ln).collect();
    let count = logarithms.len() as f64;
    (!logarithms.is_empty()).then(|| (logarithms.into_iter().sum::<f64>() / count).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&mut []).is_nan());
        assert_eq!(spread(&[1.0, 2.0, 3.0, 4.0, 5.0]), 2.0 / 3.0);
    }

    #[test]
    fn few_rounds_stand_for_many() {
        let many: Vec<f64> = (0..100).map(f64::from).collect();
        let few = thinned(&many, 10);
        assert_eq!(few.len(), 10);
        assert_eq!((few[0], few[9]), (4.5, 94.5));
        assert_eq!(thinned(&[3.0, 1.0], 10), [3.0, 1.0]);
        assert!(thinned(&[], 10).is_empty());
    }

    #[test]
    fn an_interval_holds_what_it_is_of() {
        let mut noise = Noise::new(3);
        let mut rounds = |middle: f64| -> Vec<f64> {
            (0..31).map(|_| middle * (1.0 + 0.05 * f64::from(noise.unit()))).collect()
        };
        let mut held = [0, 0];
        for _ in 0..40 {
            let (above, below) = (rounds(3.0), rounds(2.0));
            let own = interval_of_median(&above).unwrap();
            let ratio = interval_of_ratio(&above, &below).unwrap();
            assert!(own.low <= own.high && ratio.low <= ratio.high);
            held[0] += usize::from((own.low..=own.high).contains(&3.0));
            held[1] += usize::from((ratio.low..=ratio.high).contains(&1.5));
        }
        // 38 are expected.
        assert!(held.iter().all(|held| *held >= 33), "{held:?}");
        let alike = interval_of_median(&[2.0; 9]).unwrap();
        assert_eq!((alike.low, alike.high), (2.0, 2.0));
        assert_eq!(interval_of_median(&[1.0, 2.0]), None);
    }

    #[test]
    fn means_of_ratios() {
        assert!((geometric_mean([0.5, 8.0]).unwrap() - 2.0).abs() < 1e-12);
        assert_eq!(geometric_mean([]), None);
    }
}
