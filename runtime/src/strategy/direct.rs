//! Register-tiled kernels whose channel counts, like every other size, are run-time values: the
//! honest baseline of [`super::specialized`].

use ndarray::Array4;

use super::{Band, Path, Strategy};
use crate::epilogue::Epilogue;
use crate::frame::Frame;
use crate::isa::Isa;
use crate::kernel::{Family, Kernel};
use crate::spec::ConvSpec;
use crate::tiled::{Fit, Tiled};
use crate::workspace::Scratch;

tapwise_macros::run_time_kernels! {}

/// The kernel of an instruction set for a layer.
pub(crate) fn kernel(isa: Isa, spec: &ConvSpec) -> Option<&'static Kernel> {
    // Fewer channels than lanes have no whole vector; many outputs of a channel make vectors of
    // their own.
    let one = spec.c_in == spec.groups && (spec.c_out == spec.groups || spec.groups > 1);
    let few = spec.c_out == spec.groups || 2 * spec.c_out_group() <= isa.lanes();
    of_family(
        isa,
        if one && few && spec.c_out >= isa.lanes() { Family::Depthwise } else { Family::ChannelsOut },
    )
}

/// The kernel of an instruction set that uses its lanes in a certain way.
pub(crate) fn of_family(isa: Isa, family: Family) -> Option<&'static Kernel> {
    KERNELS.iter().find(|kernel| kernel.isa() == isa && kernel.description().family == family)
}

/// The direct strategy of one layer.
#[derive(Debug)]
pub(crate) struct Direct(Tiled);

impl Direct {
    /// Packs the weights, or nothing where this machine lacks the instruction set.
    pub(crate) fn new(isa: Isa, spec: &ConvSpec, filter: &Array4<f32>, epilogue: &Epilogue) -> Option<Self> {
        let ready = kernel(isa, spec)?.ready()?;
        Some(Direct(Tiled::new(ready, spec, filter.view(), epilogue)))
    }
}

impl Path for Direct {
    fn strategy(&self) -> Strategy {
        Strategy::Direct
    }

    fn fit(&self, frame: &Frame, cache: usize) -> Fit {
        self.0.fit(frame, cache)
    }

    fn band(&self, band: Band<'_, '_, '_>, fit: &Fit, scratch: &mut Scratch) {
        self.0.band(band, fit, scratch);
    }
}
