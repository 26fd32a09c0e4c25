//! The gradient of the input: the transposed convolution, as convolutions of the output's gradient.

use ndarray::{Array4, ArrayView4, Axis, Slice, s};

use crate::epilogue::Epilogue;
use crate::error::Error;
use crate::layer::{Conv2d, zeros_like};
use crate::memory;
use crate::planner::Planner;
use crate::spec::{Border, ConvSpec, Margins, Padding};
use crate::strategy::Strategy;

/// The layers that compute a transposed convolution: one for each residue of a pixel's place
/// modulo the stride, down and across.
#[derive(Debug)]
pub(crate) struct Transposed {
    phases: Vec<Phase>,
}

/// The taps that reach pixels of one residue, and the convolution with them.
#[derive(Debug)]
struct Phase {
    taps: [Taps; 2],
    layer: Conv2d,
}

/// The taps `first + t·step` of one axis whose reach has a given residue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Taps {
    first: usize,
    step: usize,
    count: usize,
    /// Outputs between two of them.
    dilation: usize,
}

impl Taps {
    /// The taps `a` of `kernel` with `a·dilation ≡ residue (mod stride)`; none may be.
    fn of(kernel: usize, dilation: usize, stride: usize, residue: usize) -> Option<Self> {
        let common = gcd(dilation, stride);
        // Residues of a·dilation repeat after stride / common taps.
        let step = stride / common;
        let first = (0..step.min(kernel)).find(|a| (a * dilation) % stride == residue)?;
        Some(Taps { first, step, count: (kernel - first).div_ceil(step), dilation: dilation / common })
    }

    /// Outputs between the first and the last of them.
    fn span(&self) -> usize {
        (self.count - 1) * self.dilation
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Where one phase of an axis lies in the input, and which outputs it reads.
struct Reach {
    /// The first pixel; every `stride`-th follows.
    first: usize,
    /// Outputs cut off before and after, because they reach no pixel.
    crop: [usize; 2],
    /// Zeros before and after the outputs that are left.
    padding: [usize; 2],
}

impl Transposed {
    /// Packs the turned filter, its channels exchanged, for every phase.
    pub(crate) fn new(layer: &Conv2d) -> Result<Self, Error> {
        let spec = layer.spec();
        let planner = match layer.planner.strategy {
            // A kernel that was generated for the layer is not one for its transpose, nor is its family.
            Strategy::Specialized => {
                Planner { strategy: Strategy::Auto, family: None, ..layer.planner.clone() }
            }
            _ => Planner { family: None, ..layer.planner.clone() },
        };
        let mut phases = Vec::new();
        for down in 0..spec.stride[0] {
            for across in 0..spec.stride[1] {
                let taps = [0, 1].map(|axis| {
                    let residue = [down, across][axis];
                    Taps::of(spec.kernel[axis], spec.dilation[axis], spec.stride[axis], residue)
                });
                let [Some(rows), Some(columns)] = taps else { continue };
                let taps = [rows, columns];
                let spec = ConvSpec {
                    dilation: taps.map(|taps| taps.dilation),
                    groups: spec.groups,
                    padding: Padding::Valid,
                    ..ConvSpec::new(taps.map(|taps| taps.count), spec.c_out, spec.c_in)
                };
                let filter = turned(layer.filter(), &spec, taps);
                let epilogue = Epilogue::linear(spec.c_out);
                let layer = Conv2d::assemble(spec, filter, epilogue, planner.clone(), layer.isa())?;
                phases.push(Phase { taps, layer });
            }
        }
        Ok(Transposed { phases })
    }

    /// From gradients `[N, H', W', C_out]` to pictures `[N, H, W, C_in]` of `input` pixels.
    pub(crate) fn run(
        &self,
        layer: &Conv2d,
        gradients: &ArrayView4<'_, f32>,
        input: [usize; 2],
    ) -> Result<Array4<f32>, Error> {
        let spec = layer.spec();
        let margins = spec.margins(input);
        let total = |margins: Margins| margins.before + margins.after;
        if spec.border == Border::Zero || margins.into_iter().all(|margins| total(margins) == 0) {
            return self.spread(spec, gradients, input, margins.map(|margins| margins.before));
        }
        // What the padded pixels gather goes back to the pixels that they repeat.
        let padded = [0, 1].map(|axis| input[axis] + total(margins[axis]));
        let mut pictures = self.spread(spec, gradients, padded, [0, 0])?;
        for (axis, margins) in margins.into_iter().enumerate() {
            pictures = folded(pictures, axis, input[axis], margins, spec.border);
        }
        Ok(pictures)
    }

    /// The transposed convolution onto pictures of `input` pixels, `before` of them padded.
    fn spread(
        &self,
        spec: &ConvSpec,
        gradients: &ArrayView4<'_, f32>,
        input: [usize; 2],
        before: [usize; 2],
    ) -> Result<Array4<f32>, Error> {
        let shape = [gradients.len_of(Axis(0)), input[0], input[1], spec.c_in];
        memory::room("the gradient of the input", &shape)?;
        let mut pictures = zeros_like(gradients, ndarray::Dim(shape));
        for Phase { taps, layer } in &self.phases {
            let reach = [0, 1].map(|axis| {
                let outputs = gradients.len_of(Axis(axis + 1));
                taps[axis].reach(spec.stride[axis], spec.dilation[axis], outputs, input[axis], before[axis])
            });
            // Where no output reaches a pixel of this phase, its gradient is the zero it is.
            let [Some(rows), Some(columns)] = reach else { continue };
            let mut read = gradients.view();
            let mut written = pictures.view_mut();
            for (axis, reach) in [(1, &rows), (2, &columns)] {
                let end = read.len_of(Axis(axis)) - reach.crop[1];
                read.slice_axis_inplace(Axis(axis), Slice::from(reach.crop[0]..end));
                let step = spec.stride[axis - 1] as isize;
                written.slice_axis_inplace(Axis(axis), Slice::new(reach.first as isize, None, step));
            }
            let padding = Padding::Explicit {
                top: rows.padding[0],
                bottom: rows.padding[1],
                left: columns.padding[0],
                right: columns.padding[1],
            };
            layer.forward_padded_batch_into(padding, &read, written)?;
        }
        Ok(pictures)
    }
}

impl Taps {
    /// The pixels `k = i·stride + a·dilation − before` that these taps reach, or nothing where none
    /// of them is in the picture.
    ///
    /// The pixels are `first + stride·q`. With `i = q + shift − t·self.dilation` for the `t`-th tap,
    /// the sum over `t` is a correlation with the taps in reverse.
    fn reach(
        &self,
        stride: usize,
        dilation: usize,
        outputs: usize,
        length: usize,
        before: usize,
    ) -> Option<Reach> {
        let residue = (self.first * dilation) % stride;
        let first = (residue + stride - before % stride) % stride;
        if first >= length {
            return None;
        }
        let pixels = (length - first).div_ceil(stride);
        let shift = (first + before) as isize - (self.first * dilation) as isize;
        let shift = shift.div_euclid(stride as isize);
        let padded = self.span() as isize - shift;
        let after = (pixels + self.span()) as isize - padded - outputs as isize;
        let crop = [padded, after].map(|side| (-side).max(0) as usize);
        if crop[0] + crop[1] >= outputs {
            return None;
        }
        Some(Reach { first, crop, padding: [padded, after].map(|side| side.max(0) as usize) })
    }
}

/// The filter of a phase: its taps in reverse, its channels exchanged group by group.
fn turned(filter: ArrayView4<'_, f32>, spec: &ConvSpec, taps: [Taps; 2]) -> Array4<f32> {
    let [read, written] = [spec.c_in_group(), spec.c_out_group()];
    let shape = (spec.kernel[0], spec.kernel[1], read, spec.c_out);
    Array4::from_shape_fn(shape, |(a, b, d, c)| {
        let group = c / written;
        let at = |axis: usize, place: usize| {
            let Taps { first, step, count, .. } = taps[axis];
            first + (count - 1 - place) * step
        };
        filter[[at(0, a), at(1, b), c % written, group * read + d]]
    })
}

/// Adds the rows (or columns) of a padded picture to those that they repeat.
fn folded(padded: Array4<f32>, axis: usize, length: usize, margins: Margins, border: Border) -> Array4<f32> {
    let axis = Axis(axis + 1);
    let mut pictures =
        padded.slice_axis(axis, Slice::from(margins.before..margins.before + length)).to_owned();
    for (at, line) in padded.axis_iter(axis).enumerate() {
        let place = at as isize - margins.before as isize;
        if (0..length as isize).contains(&place) {
            continue;
        }
        if let Some(source) = border.source(place, length) {
            let mut target = pictures.slice_mut(s![.., .., .., ..]);
            let mut target = target.index_axis_mut(axis, source);
            target += &line;
        }
    }
    pictures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taps_of_every_residue_are_all_the_taps() {
        for kernel in 1..8 {
            for dilation in 1..7 {
                for stride in 1..7 {
                    let mut seen = vec![0; kernel];
                    for residue in 0..stride {
                        let Some(taps) = Taps::of(kernel, dilation, stride, residue) else { continue };
                        for t in 0..taps.count {
                            let a = taps.first + t * taps.step;
                            assert_eq!((a * dilation) % stride, residue);
                            seen[a] += 1;
                        }
                        assert_eq!(taps.step * dilation, taps.dilation * stride);
                    }
                    assert!(seen.iter().all(|times| *times == 1), "{kernel} {dilation} {stride}");
                }
            }
        }
    }
}
