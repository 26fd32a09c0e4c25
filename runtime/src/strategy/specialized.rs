//! Kernels that were generated for exactly the layer's shape, by `#[conv2d]` or `specialize!`.

use std::ops::Range;

use ndarray::Array4;

use super::{Band, Path, Strategy, Variant};
use crate::engine::{Engines, Fit};
use crate::epilogue::Epilogue;
use crate::frame::Frame;
use crate::isa::Isa;
use crate::kernel::{Family, Geometry, Kernel};
use crate::machine::Machine;
use crate::registry;
use crate::spec::ConvSpec;

use crate::workspace::Scratch;

/// The kernels for a layer under an instruction set, or the reason why there are none.
pub(crate) fn kernels(
    isa: Isa,
    spec: &ConvSpec,
    family: Option<Family>,
) -> Result<Vec<&'static Kernel>, String> {
    let all: Vec<_> = registry::find(&Geometry::of(spec), isa).collect();
    if all.is_empty() {
        return Err(missing(spec));
    }
    let Some(family) = family else { return Ok(all) };
    let of_family: Vec<_> = all.into_iter().filter(|kernel| kernel.description().family == family).collect();
    if of_family.is_empty() {
        return Err(format!("no kernel of the family {family} was compiled for this shape under {isa}"));
    }
    Ok(of_family)
}

/// The line that would compile a kernel for a layer.
fn missing(spec: &ConvSpec) -> String {
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
}

/// The specialised strategy of one layer.
#[derive(Debug)]
pub(crate) struct Specialized(Engines);

impl Specialized {
    /// Packs the weights, or nothing where there is no kernel that this machine can run.
    pub(crate) fn new(
        isa: Isa,
        spec: &ConvSpec,
        filter: &Array4<f32>,
        epilogue: &Epilogue,
        family: Option<Family>,
    ) -> Option<Self> {
        let kernels = kernels(isa, spec, family).ok()?;
        Engines::new(kernels.into_iter(), spec, filter, epilogue).map(Specialized)
    }
}

impl Path for Specialized {
    fn strategy(&self) -> Strategy {
        Strategy::Specialized
    }

    fn fit(&self, frame: &Frame, machine: &Machine, bands: usize, variant: Variant) -> Fit {
        self.0.fit(frame, machine, bands, variant.family)
    }

    #[cfg(test)]
    fn packed_bytes(&self) -> usize {
        self.0.bytes()
    }

    fn channels(&self, band: Band<'_, '_, '_>, channels: Range<usize>, fit: &Fit, scratch: &mut Scratch) {
        self.0.channels(band, channels, fit, scratch);
    }

    fn band(&self, band: Band<'_, '_, '_>, fit: &Fit, scratch: &mut Scratch) {
        self.0.band(band, fit, scratch);
    }
}
