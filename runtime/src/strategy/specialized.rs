//! Kernels that were generated for exactly the layer's shape, by `#[conv2d]` or `specialize!`.

use ndarray::Array4;

use super::{Band, Path, Strategy};
use crate::epilogue::Epilogue;
use crate::fit::Fit;
use crate::frame::Frame;
use crate::isa::Isa;
use crate::kernel::{Geometry, Kernel};
use crate::registry;
use crate::spec::ConvSpec;
use crate::tiled::Tiled;
use crate::workspace::Scratch;

/// The kernel for a layer under an instruction set, or the reason why there is none.
pub(crate) fn kernel(isa: Isa, spec: &ConvSpec) -> Result<&'static Kernel, String> {
    registry::find(&Geometry::of(spec), isa).ok_or_else(|| {
        let ConvSpec { kernel, c_in, c_out, stride, dilation, groups, .. } = spec;
        let mut line = format!("kernel: [{}, {}], c_in: {c_in}, c_out: {c_out}", kernel[0], kernel[1]);
        for (name, pair) in [("stride", stride), ("dilation", dilation)] {
            if *pair != [1, 1] {
                line += &format!(", {name}: [{}, {}]", pair[0], pair[1]);
            }
        }
        if *groups != 1 {
            line += &format!(", groups: {groups}");
        }
        format!("no kernel was compiled for this shape; add tapwise::specialize! {{ {{ {line} }} }}")
    })
}

/// The specialised strategy of one layer.
#[derive(Debug)]
pub(crate) struct Specialized(Tiled);

impl Specialized {
    /// Packs the weights, or nothing where there is no kernel that this machine can run.
    pub(crate) fn new(isa: Isa, spec: &ConvSpec, filter: &Array4<f32>, epilogue: &Epilogue) -> Option<Self> {
        let ready = kernel(isa, spec).ok()?.ready()?;
        Some(Specialized(Tiled::new(ready, spec, filter.view(), epilogue)))
    }
}

impl Path for Specialized {
    fn strategy(&self) -> Strategy {
        Strategy::Specialized
    }

    fn fit(&self, frame: &Frame, cache: usize) -> Fit {
        self.0.fit(frame, cache)
    }

    fn band(&self, band: Band<'_, '_, '_>, fit: &Fit, scratch: &mut Scratch) {
        self.0.band(band, fit, scratch);
    }
}
