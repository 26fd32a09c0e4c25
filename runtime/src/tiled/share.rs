//! A share of the output channels: whole panels of weights, for a thread that reads no others.
//!
//! Where a layer has many weights and few pixels, threads that share its rows all read all weights; threads that
//! share its channels read each its own. The channels of a pixel are neighbours in memory, so that a thread writes
//! its own into scratch first, in whole pixels, and then to where they belong: a little more work for few pixels.

use std::ops::Range;

use super::{Tiled, numbers};
use crate::fit::Fit;
use crate::kernel::{Description, Family, MOST_KINDS, Numbers};
use crate::spec::ConvSpec;
use crate::strategy::Band;
use crate::workspace::Scratch;

/// The weights of some output channels, as a kernel takes them.
#[derive(Debug)]
pub(crate) struct Share<'t> {
    pub(super) weights: &'t [f32],
    pub(super) bias: &'t [f32],
    pub(super) slopes: &'t [f32],
    pub(super) numbers: Numbers,
    /// Which of the layer's channels they are.
    pub(crate) channels: Range<usize>,
}

/// Channels that shares have a multiple of, but for the last: those of the widest panel. Nothing where a kernel
/// cannot compute some of its panels alone.
pub(crate) fn unit(description: &Description, spec: &ConvSpec) -> Option<usize> {
    if description.family != Family::ChannelsOut || spec.groups != 1 {
        return None;
    }
    let counts = numbers(description, spec).panels;
    let mut kinds = description.panels.iter().zip(counts).filter(|(_, count)| *count > 0);
    let (first, _) = kinds.next()?;
    // How many panels of each kind there are is part of a kernel of a fixed shape.
    let single = description.geometry.is_none() || kinds.next().is_none();
    single.then_some(first.vectors * description.lanes)
}

impl Tiled {
    /// All channels.
    pub(super) fn whole(&self) -> Share<'_> {
        Share {
            weights: &self.weights,
            bias: &self.bias,
            slopes: &self.slopes,
            numbers: self.numbers,
            channels: 0..self.numbers.c_out,
        }
    }

    /// Some channels, which begin with a multiple of [`unit`], and end with one or with the last channel.
    fn share(&self, channels: Range<usize>) -> Option<Share<'_>> {
        let lanes = self.description().lanes;
        let kinds = self.description().panels;
        let mut panels = [0; MOST_KINDS];
        let (mut at, mut padded) = (0, 0);
        for ((kind, count), panels) in kinds.iter().zip(self.numbers.panels).zip(&mut panels) {
            let width = kind.vectors * lanes;
            for _ in 0..count {
                if channels.contains(&at) {
                    *panels += 1;
                    padded += width;
                }
                at += width;
            }
        }
        let taps = self.numbers.taps;
        let (from, end) = (channels.start, channels.start + padded);
        let slopes = if self.slopes.is_empty() { &[] } else { self.slopes.get(from..end)? };
        Some(Share {
            weights: self.weights.get(from * taps..end * taps)?,
            bias: self.bias.get(from..end)?,
            slopes,
            numbers: Numbers { panels, c_out_group: channels.len(), ..self.numbers },
            channels,
        })
    }

    /// Computes some channels of a band of output rows, see [`unit`]: the band's output has no others.
    pub(crate) fn channels(
        &self,
        band: Band<'_, '_, '_>,
        channels: Range<usize>,
        fit: &Fit,
        scratch: &mut Scratch,
    ) {
        let share = self.share(channels);
        debug_assert!(share.is_some(), "shares begin with panels");
        if let Some(share) = share {
            self.some_channels(band, &share, fit, scratch);
        }
    }
}
