//! What stands against a layer being a convolution.

use crate::Error;

/// Why a form is not the next one of the road, and where.
///
/// Weights are named by the place `(i, j)` of the hidden pixel, the offset `(a, b)` from there to the
/// pixel that is weighted, and the channels `(c, d)` in and out. Of several departures, the largest is
/// told.
///
/// A tolerance is relative: a weight may depart by the tolerance times the largest size of a weight
/// of the layer, a bias by the tolerance times the largest size of a bias, so that a layer that is
/// scaled is recognised as before. A tolerance of zero asks for equal numbers.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Departure {
    /// A weight depends on the place: equation (3) does not hold.
    #[error(
        "not invariant: at {place:?} the weight of offset {offset:?} (channels {channels:?}) is {found}, wanted \
         {wanted} within {limit:e}, its mean over all places"
    )]
    NotInvariant {
        /// The hidden pixel, `[i, j]`.
        place: [usize; 2],
        /// The offset, `[a, b]`.
        offset: [isize; 2],
        /// The channels, `[c, d]`.
        channels: [usize; 2],
        /// The weight found.
        found: f32,
        /// The mean weight of this offset over all places that see it.
        wanted: f32,
        /// How far apart they may be.
        limit: f32,
    },
    /// The bias depends on the place: equation (3) does not hold.
    #[error(
        "not invariant: at {place:?} the bias of channel {channel} is {found}, wanted {wanted} within {limit:e}, \
         its mean over all places"
    )]
    Bias {
        /// The hidden pixel, `[i, j]`.
        place: [usize; 2],
        /// The channel, `d`.
        channel: usize,
        /// The bias found.
        found: f32,
        /// The mean bias of this channel over all places.
        wanted: f32,
        /// How far apart they may be.
        limit: f32,
    },
    /// A weight beyond Δ is not zero: equation (4) does not hold.
    #[error(
        "not local within Δ = {delta}: the weight of offset {offset:?} (channels {channels:?}) is {found}, wanted \
         0 within {limit:e}"
    )]
    NotLocal {
        /// The Δ asked for.
        delta: usize,
        /// The offset, `[a, b]`.
        offset: [isize; 2],
        /// The channels, `[c, d]`.
        channels: [usize; 2],
        /// The weight found.
        found: f32,
        /// How far from zero it may be.
        limit: f32,
    },
    /// A weight or bias is NaN or infinite: no mean can be told.
    #[error("a weight or bias is {found}, wanted finite numbers, at {place:?} (channel {channel} out)")]
    NotFinite {
        /// The hidden pixel, `[i, j]`.
        place: [usize; 2],
        /// The channel out, `d`.
        channel: usize,
        /// The number found.
        found: f32,
    },
    /// The layer is of a shape that no convolution of this kind has, or memory does not suffice.
    #[error(transparent)]
    Refused(#[from] Error),
}

/// Refuses a tolerance that is not a number from zero up.
pub(super) fn check_tolerance(tolerance: f32) -> Result<(), Error> {
    if tolerance >= 0.0 && tolerance.is_finite() {
        return Ok(());
    }
    Err(Error::Parameter {
        parameter: "tolerance",
        found: tolerance.to_string(),
        wanted: "a number from 0 up".to_owned(),
    })
}
