//! What is to be believed of a ratio.

use serde::Serialize;

use crate::statistics::Interval;

/// What is to be believed of a ratio of speeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Faster than before.
    Gain,
    /// Slower than before.
    Regression,
    /// As fast as before, as far as rounds and noise let know.
    Alike,
    /// A side has fewer than three rounds: nothing is known but two medians.
    Unknown,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: [Verdict; 4] = [Verdict::Gain, Verdict::Regression, Verdict::Alike, Verdict::Unknown];

    /// The verdict in a word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Gain => "gain",
            Verdict::Regression => "regression",
            Verdict::Alike => "alike",
            Verdict::Unknown => "unknown",
        }
    }
}

/// Judges a ratio of speeds, new over old. It is a gain or a regression where its interval does not hold 1 and
/// the faster side is faster by at least `noise`, 0.03 for 3 %; which side is called old does not matter.
///
/// ```
/// use tapwise_bench::compare::verdict::{Verdict, judge};
/// use tapwise_bench::statistics::Interval;
///
/// let interval = Some(Interval { low: 1.08, high: 1.12 });
/// assert_eq!(judge(1.1, interval, 0.03), Verdict::Gain);
/// assert_eq!(judge(1.1, interval, 0.15), Verdict::Alike);
/// assert_eq!(judge(1.1, None, 0.03), Verdict::Unknown);
/// ```
#[must_use]
pub fn judge(ratio: f64, interval: Option<Interval>, noise: f64) -> Verdict {
    match interval {
        None => Verdict::Unknown,
        Some(interval) if interval.low > 1.0 && ratio >= 1.0 + noise => Verdict::Gain,
        Some(interval) if interval.high < 1.0 && ratio * (1.0 + noise) <= 1.0 => Verdict::Regression,
        Some(_) => Verdict::Alike,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_and_noise_both_count() {
        let judged = |ratio, low, high| judge(ratio, Some(Interval { low, high }), 0.03);
        assert_eq!(judged(1.2, 1.1, 1.3), Verdict::Gain);
        assert_eq!(judged(1.2, 0.99, 1.3), Verdict::Alike);
        assert_eq!(judged(1.02, 1.01, 1.03), Verdict::Alike);
        assert_eq!(judged(1.0, 1.0, 1.0), Verdict::Alike);
        assert_eq!(judged(0.8, 0.7, 0.9), Verdict::Regression);
        assert_eq!(judged(0.8, 0.7, 1.01), Verdict::Alike);
        assert_eq!(judged(0.98, 0.97, 0.99), Verdict::Alike);
    }

    #[test]
    fn sides_may_be_swapped() {
        for (ratio, low, high) in [(1.031, 1.02, 1.05), (1.029, 1.02, 1.05), (1.5, 0.9, 2.0), (1.5, 1.4, 1.6)]
        {
            let there = judge(ratio, Some(Interval { low, high }), 0.03);
            let back = judge(1.0 / ratio, Some(Interval { low: 1.0 / high, high: 1.0 / low }), 0.03);
            assert_eq!(there == Verdict::Gain, back == Verdict::Regression);
            assert_eq!(there == Verdict::Alike, back == Verdict::Alike);
        }
    }
}
