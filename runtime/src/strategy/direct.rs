//! Register-tiled kernels whose channel counts, like every other size, are run-time values: the
//! honest baseline of [`super::specialized`].

use std::ops::Range;

use ndarray::Array4;

use super::separable::{self, Separable};
use super::{Band, Path, Strategy, Variant};
use crate::engine::{Engines, Fit};
use crate::epilogue::Epilogue;
use crate::frame::Frame;
use crate::isa::Isa;
use crate::kernel::{Family, Kernel};
use crate::machine::Machine;
use crate::planner::Planner;
use crate::spec::ConvSpec;

use crate::workspace::Scratch;

tapwise_macros::run_time_kernels! {}

/// The kernel of an instruction set for a layer.
pub(crate) fn kernel(isa: Isa, spec: &ConvSpec) -> Option<&'static Kernel> {
    // Fewer channels than lanes have no whole vector; many outputs of a channel make vectors of
    // their own.
    let several = spec.c_in == spec.groups && spec.groups > 1 && 2 * spec.c_out_group() <= isa.lanes();
    if (spec.is_depthwise() || several) && spec.c_out >= isa.lanes() {
        return of_family(isa, Family::Depthwise);
    }
    windowed(isa, spec).or_else(|| of_family(isa, Family::ChannelsOut))
}

/// The kernels of an instruction set for a layer: the one above, and where output channels would leave
/// lanes idle the one along the rows.
pub(crate) fn kernels(
    isa: Isa,
    spec: &ConvSpec,
    family: Option<Family>,
) -> impl Iterator<Item = &'static Kernel> {
    let first = kernel(isa, spec);
    let idle = first.is_some_and(|first| first.description().family == Family::ChannelsOut)
        && !spec.c_out_group().is_multiple_of(isa.lanes());
    let along = (idle && spec.stride[1] == 1).then(|| of_family(isa, Family::AlongRow)).flatten();
    let wanted = move |kernel: &&Kernel| family.is_none_or(|family| kernel.description().family == family);
    first.into_iter().chain(along).filter(wanted)
}

/// Why there is no kernel.
pub(crate) fn missing(isa: Isa, family: Option<Family>) -> String {
    match family {
        Some(family) => format!("no kernel of the family {family} serves this shape under {isa}"),
        None => format!("no kernels for {isa} in this build"),
    }
}

/// The kernel of an instruction set that uses its lanes in a certain way and serves every layer.
pub(crate) fn of_family(isa: Isa, family: Family) -> Option<&'static Kernel> {
    KERNELS.iter().find(|kernel| {
        let description = kernel.description();
        kernel.isa() == isa && description.family == family && description.row_stride.is_none()
    })
}

/// The kernel that holds the most taps of a layer's filter rows in registers, where that pays.
fn windowed(isa: Isa, spec: &ConvSpec) -> Option<&'static Kernel> {
    // Several vectors make as many multiply-adds of a broadcast as a window does: there it pays only
    // where so few channels follow one another that finding the pixels is most of the work.
    const FEW: usize = 8;
    let one_vector = spec.c_out_group() <= isa.lanes();
    if spec.dilation[1] != 1 || !(one_vector || spec.c_in_group() <= FEW) {
        return None;
    }
    let serves = |kernel: &&Kernel| {
        let description = kernel.description();
        kernel.isa() == isa
            && description.row_stride == Some(spec.stride[1])
            && spec.kernel[1].is_multiple_of(description.window)
    };
    KERNELS.iter().filter(serves).max_by_key(|kernel| kernel.description().window)
}

/// The direct strategy of one layer.
#[derive(Debug)]
pub(crate) struct Direct {
    engines: Engines,
    /// The sum in two passes, where the weights allow it.
    two_passes: Option<Separable>,
}

impl Direct {
    /// Packs the weights, or nothing where this machine lacks the instruction set.
    pub(crate) fn new(
        isa: Isa,
        spec: &ConvSpec,
        filter: &Array4<f32>,
        epilogue: &Epilogue,
        planner: &Planner,
    ) -> Option<Self> {
        let engines = Engines::new(kernels(isa, spec, planner.family), spec, filter, epilogue)?;
        let found = planner.separability.is_found();
        let two_passes =
            found.then(|| Separable::new(isa, spec, filter, epilogue, planner.tolerance)).flatten();
        Some(Direct { engines, two_passes })
    }
}

impl Path for Direct {
    fn strategy(&self) -> Strategy {
        Strategy::Direct
    }

    fn fit(&self, frame: &Frame, machine: &Machine, bands: usize, variant: Variant) -> Fit {
        if variant.two_passes {
            return Fit::of_two_passes(separable::Fit::of(frame, machine));
        }
        self.engines.fit(frame, machine, bands, variant.family)
    }

    #[cfg(test)]
    fn packed_bytes(&self) -> usize {
        self.engines.bytes() + self.two_passes.as_ref().map_or(0, Separable::bytes)
    }

    fn channels(&self, band: Band<'_, '_, '_>, channels: Range<usize>, fit: &Fit, scratch: &mut Scratch) {
        self.engines.channels(band, channels, fit, scratch);
    }

    fn band(&self, band: Band<'_, '_, '_>, fit: &Fit, scratch: &mut Scratch) {
        match (&self.two_passes, &fit.two_passes) {
            (Some(passes), Some(fit)) => passes.band(band, fit, scratch),
            _ => self.engines.band(band, fit, scratch),
        }
    }
}
