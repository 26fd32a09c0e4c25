//! How far two runs of one program lie apart. Rounds of one run do not tell: where a program's arrays lie in memory
//! and what its neighbours do stays the same through all of them, and is another thing in the next run.

use super::{Options, compare};
use crate::Error;
use crate::rows::source::Source;
use crate::statistics::quantile;

/// The part of the pairs that stays below the noise.
pub const PART: f64 = 0.95;

/// Pairs that it takes: with fewer, one in twenty is none.
pub const PAIRS: usize = 20;

/// The difference that 19 of 20 pairs of two runs of one program stay below, 0.03 for 3 %.
///
/// # Errors
/// As [`compare`], and [`Error::FewPairs`] where there are fewer than [`PAIRS`].
pub fn between(first: &Source, second: &Source, options: &Options) -> Result<f64, Error> {
    let pairs = compare(first, second, &Options { noise: Some(0.0), ..options.clone() })?.changes;
    if pairs.len() < PAIRS {
        return Err(Error::FewPairs { label: second.label.clone(), found: pairs.len(), wanted: PAIRS });
    }
    let mut apart: Vec<f64> = pairs.iter().map(|pair| pair.ratio.ln().abs().exp_m1()).collect();
    apart.sort_by(f64::total_cmp);
    Ok(quantile(&apart, PART))
}
