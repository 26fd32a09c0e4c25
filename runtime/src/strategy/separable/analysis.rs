//! What the weights of a layer allow: whether the filter of every channel is, closely enough, the sum of few
//! products of a column and a row.

use ndarray::{Array4, s};

use crate::fold::{self, Factors};
use crate::spec::ConvSpec;

/// Most products that a filter may be the sum of.
pub(crate) const MOST: usize = 3;

/// Fewest taps down, along, and together: the sum as it stands is as fast for smaller filters.
const FEWEST: [usize; 3] = [3, 3, 25];

/// The largest number of a picture of noise, in its standard deviations: one of four million is larger.
const LARGEST: f64 = 5.2;

/// What part of a layer's tolerance the weights may use up: roundings need the rest.
const SHARE: f64 = 0.5;

/// What the weights of a layer were found to allow.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Separability {
    /// Nobody has looked at them.
    Unknown,
    /// Every channel's filter is a sum of products of a column and a row.
    Found {
        /// Products, at most, of a channel.
        rank: usize,
        /// The largest error of a channel: the root of the squares of what its weights differ by, over that
        /// of its weights.
        error: f64,
        /// Whether all channels have one filter.
        shared: bool,
        /// The sum of the sizes of what is added over that of the weights, at most of a channel.
        growth: f64,
    },
    /// They are no such sums, or the layer is none that two passes serve; the reason says why.
    Refused(String),
}

impl Separability {
    /// Of a layer whose answers may differ by `tolerance`, the largest error over the root mean square of the
    /// output.
    pub(crate) fn of(spec: &ConvSpec, filter: &Array4<f32>, tolerance: f32) -> Self {
        match factors(spec, filter, tolerance) {
            Ok(all) => Separability::Found {
                rank: all.iter().map(|(factors, _)| factors.columns.len()).max().unwrap_or(0).max(1),
                error: all.iter().fold(0.0, |most: f64, (_, error)| most.max(*error)),
                shared: all.windows(2).all(|pair| pair[0].0 == pair[1].0),
                growth: all.iter().map(|(factors, _)| growth(factors, spec)).fold(1.0, f64::max),
            },
            Err(reason) => Separability::Refused(reason),
        }
    }

    /// The rank that was found.
    pub(crate) fn rank(&self) -> Option<usize> {
        match self {
            Separability::Found { rank, .. } => Some(*rank),
            _ => None,
        }
    }

    /// Whether passes were found.
    pub(crate) fn is_found(&self) -> bool {
        matches!(self, Separability::Found { .. })
    }
}

/// Sizes of everything that is added over those of the weights.
fn growth(factors: &Factors, spec: &ConvSpec) -> f64 {
    let size = |weights: &Vec<f64>| weights.iter().map(|weight| weight.abs()).sum::<f64>();
    let added: f64 =
        factors.columns.iter().zip(&factors.rows).map(|(down, along)| size(down) * size(along)).sum();
    let [rows, columns] = spec.kernel;
    let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
    let weights: f64 = places.map(|(row, column)| factors.weight(row, column).abs()).sum();
    if weights > 0.0 { added / weights } else { 1.0 }
}

/// Whether a layer is of a kind that two passes serve, so that what its weights allow is worth a word.
pub(crate) fn concerns(spec: &ConvSpec) -> bool {
    serves(spec).is_ok()
}

/// What weights that differ by `error` add to the largest error of a picture's outputs, over their root mean
/// square, on noise.
pub(super) fn largest(error: f64) -> f64 {
    LARGEST * error
}

/// Whether two passes could serve a layer, whatever its weights.
fn serves(spec: &ConvSpec) -> Result<(), String> {
    let [rows, columns] = spec.kernel;
    let [down, along, taps] = FEWEST;
    if spec.c_in != spec.groups || spec.c_out != spec.groups {
        return Err("two passes serve layers with one filter for each channel".to_owned());
    }
    if spec.stride != [1, 1] {
        return Err(format!("two passes have stride 1, found {}x{}", spec.stride[0], spec.stride[1]));
    }
    if rows < down || columns < along || rows.saturating_mul(columns) < taps {
        return Err(format!(
            "its filter has fewer than {taps} taps in at least {down} rows and {along} columns: two passes \
             would be as much work"
        ));
    }
    Ok(())
}

/// The factors of every channel's filter with their errors, the fewest that are close enough.
pub(super) fn factors(
    spec: &ConvSpec,
    filter: &Array4<f32>,
    tolerance: f32,
) -> Result<Vec<(Factors, f64)>, String> {
    serves(spec)?;
    let limit = SHARE * f64::from(tolerance) / LARGEST;
    let mut all: Vec<(Factors, f64)> = Vec::with_capacity(spec.c_out);
    let mut last: Vec<f64> = Vec::new();
    for channel in 0..spec.c_out {
        let weights: Vec<f64> =
            filter.slice(s![.., .., 0, channel]).iter().map(|weight| f64::from(*weight)).collect();
        if let (true, Some(same)) = (weights == last, all.last()) {
            all.push(same.clone());
            continue;
        }
        if weights.iter().any(|weight| !weight.is_finite()) {
            return Err(format!("a weight of channel {channel} is not finite"));
        }
        all.push(of_channel(&weights, spec.kernel[1], limit).map_err(|least| {
            format!(
                "the filter of channel {channel} is no sum of {MOST} products of a column and a row: the closest \
                 differs by {least:.1e} of its weights, where {limit:.1e} may be"
            )
        })?);
        last = weights;
    }
    Ok(all)
}

/// The fewest factors of a filter that are close enough, or the least error that any have.
fn of_channel(weights: &[f64], width: usize, limit: f64) -> Result<(Factors, f64), f64> {
    if let Some(factors) = fold::exact(weights, width) {
        return Ok((factors, 0.0));
    }
    let mut factors = fold::singular(weights, width, MOST);
    let (mut closest, mut least) = (None, f64::INFINITY);
    // From many to few: the fewest that are close enough come last.
    loop {
        let error = factors.error(weights, width);
        least = least.min(error);
        if error > limit {
            break;
        }
        let fewer = factors.columns.len().checked_sub(1);
        closest = Some((factors.clone(), error));
        let Some(fewer) = fewer else { break };
        factors.columns.truncate(fewer);
        factors.rows.truncate(fewer);
    }
    closest.ok_or(least)
}
