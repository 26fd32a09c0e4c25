//! The kernels that one strategy has for a layer: one that reads pixels, and where it can be faster
//! one that reads planes. Which of them runs is planned for each size.

use std::ops::Range;

use ndarray::{Array4, ArrayView3};

use crate::epilogue::Epilogue;
use crate::fit;
use crate::frame::Frame;
use crate::kernel::{Family, Kernel};
use crate::machine::Machine;
use crate::planar::{self, Planar};
use crate::spec::ConvSpec;
use crate::strategy::winograd::Choice;
use crate::strategy::{Band, fft, separable};
use crate::tiled::Tiled;
use crate::workspace::Scratch;

/// How the numbers of a row lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// The channels of a pixel side by side.
    Interleaved,
    /// The pixels of a channel side by side.
    Planar,
}

impl Order {
    /// Of a picture, or `None` where neither lie side by side. A picture of one channel is planar.
    pub(crate) fn of_rows(picture: &ArrayView3<'_, f32>) -> Option<Self> {
        let (_, width, channels) = picture.dim();
        match picture.strides() {
            [_, 1, _] => Some(Order::Planar),
            _ if width == 1 => Some(Order::Planar),
            [_, across, 1] if *across == channels as isize => Some(Order::Interleaved),
            _ => None,
        }
    }
}

/// The kernels of one strategy, with the weights of one layer.
#[derive(Debug)]
pub(crate) struct Engines {
    tiled: Option<Tiled>,
    planar: Option<Planar>,
}

/// What is decided for one size of picture.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fit {
    tiled: fit::Fit,
    planar: planar::Fit,
    /// Whether the planar kernel runs. Pictures of every memory order run by the same kernel, since
    /// kernels sum in orders of their own and the bits of an answer should not depend on memory.
    along_row: bool,
    /// What the Winograd strategy decided.
    pub(crate) winograd: Option<Choice>,
    /// How the FFT strategy cuts its tiles.
    pub(crate) fft: Option<fft::Layout>,
    /// Where the direct strategy sums in two passes: how.
    pub(crate) two_passes: Option<separable::Fit>,
}

impl Fit {
    /// Of the Winograd strategy.
    pub(crate) fn of_tiles(winograd: Option<Choice>) -> Self {
        Fit { winograd, ..Fit::default() }
    }

    /// Of two passes.
    pub(crate) fn of_two_passes(fit: separable::Fit) -> Self {
        Fit { two_passes: Some(fit), ..Fit::default() }
    }

    /// Of the FFT strategy.
    pub(crate) fn of_fft(layout: fft::Layout) -> Self {
        Fit { fft: Some(layout), ..Fit::default() }
    }
}

impl Fit {
    /// The fit of a part of a picture: by the kernel and the tiles that run on the whole.
    pub(crate) fn of_part(self, whole: &Fit) -> Self {
        Fit { along_row: whole.along_row, winograd: whole.winograd.clone(), ..self }
    }
}

impl Engines {
    /// Packs the weights for each kernel, or nothing where this machine can run none.
    pub(crate) fn new(
        kernels: impl Iterator<Item = &'static Kernel>,
        spec: &ConvSpec,
        filter: &Array4<f32>,
        epilogue: &Epilogue,
    ) -> Option<Self> {
        let mut engines = Engines { tiled: None, planar: None };
        for ready in kernels.filter_map(Kernel::ready) {
            match ready.description().family {
                Family::AlongRow => engines.planar = Some(Planar::new(ready, spec, filter.view(), epilogue)),
                Family::ChannelsOut | Family::Depthwise => {
                    engines.tiled = Some(Tiled::new(ready, spec, filter.view(), epilogue));
                }
            }
        }
        (engines.tiled.is_some() || engines.planar.is_some()).then_some(engines)
    }

    /// Decides what depends on the size of the picture, for the kernel of a family, or the only one.
    pub(crate) fn fit(&self, frame: &Frame, machine: &Machine, bands: usize, family: Option<Family>) -> Fit {
        let along_row = match (&self.tiled, &self.planar) {
            (Some(_), Some(_)) => family == Some(Family::AlongRow),
            (_, planar) => planar.is_some(),
        };
        match (&self.tiled, &self.planar) {
            (_, Some(planar)) if along_row => Fit {
                planar: planar::Fit::of(planar.description(), frame, machine),
                along_row,
                ..Fit::default()
            },
            (Some(tiled), _) => {
                let traffic = frame.traffic(machine);
                let tiled = fit::Fit { traffic, ..tiled.fit(frame, machine.l2, bands) };
                Fit { tiled, ..Fit::default() }
            }
            _ => Fit::default(),
        }
    }

    /// Bytes of packed weights, bias and slopes.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.tiled.as_ref().map_or(0, Tiled::bytes) + self.planar.as_ref().map_or(0, Planar::bytes)
    }

    /// Computes some channels of a band of output rows, where the kernel of the fit can.
    pub(crate) fn channels(
        &self,
        band: Band<'_, '_, '_>,
        channels: Range<usize>,
        fit: &Fit,
        scratch: &mut Scratch,
    ) {
        // Channels are divided for kernels of interleaved memory alone.
        if let Some(engine) = self.tiled.as_ref().filter(|_| !fit.along_row) {
            engine.channels(band, channels, &fit.tiled, scratch);
        }
    }

    /// Computes a band of output rows.
    pub(crate) fn band(&self, band: Band<'_, '_, '_>, fit: &Fit, scratch: &mut Scratch) {
        match (&self.tiled, &self.planar) {
            (_, Some(engine)) if fit.along_row => engine.band(band, &fit.planar, scratch),
            (Some(engine), _) => engine.band(band, &fit.tiled, scratch),
            // A fit of these engines never says so.
            _ => {}
        }
    }
}
