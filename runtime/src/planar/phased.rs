//! Pictures of few channels with one filter each, read as they lie in memory: a row of pixels is a row of
//! numbers, the taps of a filter lie as many numbers apart as a pixel has, and the weights of neighbouring
//! lanes are those of the channels in turn. Nothing is parted into planes and joined again.

use aligned_vec::AVec;
use ndarray::{ArrayView3, ArrayView4, Axis};

use super::Packed;
use crate::epilogue::Epilogue;
use crate::frame::Frame;
use crate::kernel::Description;
use crate::layout;
use crate::spec::{Border, ConvSpec, Padding};
use crate::strategy::Band;

/// Whether a kernel reads the pixels of a layer as they lie in memory.
pub(crate) fn reads(description: &Description, spec: &ConvSpec) -> bool {
    let (lanes, channels) = (description.lanes, spec.c_out);
    let apart = spec.groups == channels && spec.c_in == channels && spec.stride[1] == 1;
    let bytes = spec.taps() * channels * lanes * size_of::<f32>();
    apart && channels > 1 && channels < lanes && bytes <= description.phases
}

/// The filter for each channel that a vector may begin with: `[phase][tap][lane]`, taps in the order of
/// [`layout::planar`]; bias and slopes as `[phase][lane]`.
pub(super) fn pack(
    description: &Description,
    spec: &ConvSpec,
    filter: &ArrayView4<'_, f32>,
    epilogue: &Epilogue,
) -> Packed {
    let (lanes, channels) = (description.lanes, spec.c_out);
    let mut weights = AVec::new(64);
    weights.resize(channels * spec.taps() * lanes, 0.0);
    for (phase, panel) in weights.chunks_exact_mut(spec.taps() * lanes).enumerate() {
        for a in 0..spec.kernel[0] {
            for b in 0..spec.kernel[1] {
                let tap = layout::planar(spec.kernel, (description.window, 1), [a, b, 0], 0);
                for (lane, weight) in panel[tap * lanes..][..lanes].iter_mut().enumerate() {
                    *weight = filter[[a, b, 0, (phase + lane) % channels]];
                }
            }
        }
    }
    let laid_out = |numbers: &[f32]| {
        let mut vectors = AVec::new(64);
        if !numbers.is_empty() {
            let phases =
                (0..channels).flat_map(|phase| (0..lanes).map(move |lane| (phase + lane) % channels));
            phases.for_each(|channel| vectors.push(numbers[channel]));
        }
        vectors
    };
    Packed { weights, bias: laid_out(&epilogue.bias), slopes: laid_out(&epilogue.slopes) }
}

/// The layer over a picture of one channel, whose columns are the numbers of a row; `None` where the kernel
/// does not read pixels so, where a border repeats pixels beside those of a row, or where a row is less than a
/// vector.
pub(crate) fn frame(description: &Description, frame: &Frame) -> Option<Frame> {
    let (spec, [rows, columns]) = (&frame.spec, frame.margins);
    let channels = spec.c_out;
    let zeros = spec.border == Border::Zero || columns.before + columns.after == 0;
    if !reads(description, spec) || !zeros || frame.output[1] * channels < description.lanes {
        return None;
    }
    let padding = Padding::Explicit {
        top: rows.before,
        bottom: rows.after,
        left: columns.before * channels,
        right: columns.after * channels,
    };
    let dilation = [spec.dilation[0], spec.dilation[1] * channels];
    let numbers = ConvSpec { groups: 1, c_in: 1, c_out: 1, dilation, padding, ..*spec };
    Frame::new(numbers, [frame.input[0], frame.input[1] * channels]).ok()
}

/// Whether the pixels of every array of a band lie side by side in their rows, and the channels in a pixel.
pub(super) fn serves(band: &Band<'_, '_, '_>) -> bool {
    let side_by_side = |strides: &[isize], channels: usize| matches!(strides, [_, across, 1] if *across == channels as isize);
    let channels = band.frame.spec.c_out;
    !band.epilogue.doubles()
        && side_by_side(band.input.strides(), channels)
        && side_by_side(band.output.strides(), channels)
        && band.residual.is_none_or(|residual| side_by_side(residual.strides(), channels))
}

/// A band that [`serves`] says yes to, as one of pictures of one channel.
pub(super) fn band<'a, 'x, 'y>(frame: &'a Frame, band: Band<'a, 'x, 'y>) -> Band<'a, 'x, 'y> {
    let Band { epilogue, mut input, mut output, residual, first, .. } = band;
    let joined = |picture: &mut ArrayView3<'x, f32>| {
        let joined = picture.merge_axes(Axis(1), Axis(2));
        debug_assert!(joined, "pixels lie side by side");
        picture.swap_axes(1, 2);
    };
    joined(&mut input);
    output.merge_axes(Axis(1), Axis(2));
    output.swap_axes(1, 2);
    let residual = residual.map(|mut residual| {
        joined(&mut residual);
        residual
    });
    Band { frame, epilogue, input, output, residual, first }
}
