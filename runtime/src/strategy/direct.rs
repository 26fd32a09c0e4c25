//! Register-tiled kernels whose channel counts, like every other size, are run-time values: the
//! honest baseline of [`super::specialized`].

use ndarray::Array4;

use super::{Band, Path, Strategy};
use crate::channels_out::{ChannelsOut, Fit};
use crate::epilogue::Epilogue;
use crate::frame::Frame;
use crate::isa::Isa;
use crate::kernel::Kernel;
use crate::spec::ConvSpec;
use crate::workspace::Scratch;

tapwise_macros::run_time_kernels! {}

/// The kernel of an instruction set.
pub(crate) fn kernel(isa: Isa) -> Option<&'static Kernel> {
    KERNELS.iter().find(|kernel| kernel.isa() == isa)
}

/// The direct strategy of one layer.
#[derive(Debug)]
pub(crate) struct Direct(ChannelsOut);

impl Direct {
    /// Packs the weights, or nothing where this machine lacks the instruction set.
    pub(crate) fn new(isa: Isa, spec: &ConvSpec, filter: &Array4<f32>, epilogue: &Epilogue) -> Option<Self> {
        let ready = kernel(isa)?.ready()?;
        Some(Direct(ChannelsOut::new(ready, spec, filter.view(), epilogue)))
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
