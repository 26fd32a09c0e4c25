//! Register-tiled kernels whose channel counts, like every other size, are run-time values: the
//! honest baseline of [`super::specialized`].

use ndarray::Array4;

use super::{Band, Path, Strategy};
use crate::epilogue::Epilogue;
use crate::fit::Fit;
use crate::frame::Frame;
use crate::isa::Isa;
use crate::kernel::{Family, Kernel};
use crate::spec::ConvSpec;
use crate::tiled::Tiled;
use crate::workspace::Scratch;

tapwise_macros::run_time_kernels! {}

/// The kernel of an instruction set for a layer.
pub(crate) fn kernel(isa: Isa, spec: &ConvSpec) -> Option<&'static Kernel> {
    // Fewer channels than lanes have no whole vector.
    let depthwise = spec.is_depthwise() && spec.c_out >= isa.lanes();
    if depthwise {
        return of_family(isa, Family::Depthwise);
    }
    windowed(isa, spec).or_else(|| of_family(isa, Family::ChannelsOut))
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

    fn fit(&self, frame: &Frame, cache: usize, bands: usize) -> Fit {
        self.0.fit(frame, cache, bands)
    }

    fn band(&self, band: Band<'_, '_, '_>, fit: &Fit, scratch: &mut Scratch) {
        self.0.band(band, fit, scratch);
    }
}
