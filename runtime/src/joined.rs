//! Pointwise layers as products: where the filter is one pixel and the picture is read whole, the
//! pixels of all rows are one long row, cut into blocks that stay in the second-level cache. Tiles
//! then overlap once in a band, not once in every row.

use ndarray::{ArrayView3, Axis, s};

use crate::frame::{Frame, Traffic};
use crate::kernel::Tiling;
use crate::strategy::Band;
use crate::tiled::{Share, Tiled, widest};
use crate::workspace::Scratch;

/// How the pixels of a band are covered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Joined {
    /// Pixels for which a kernel is called at once.
    block: usize,
    tiling: Tiling,
    /// The last pixels of each length of band that the plan makes.
    rests: [(usize, Tiling); 3],
}

/// Whether the rows of a layer's picture can be read as one.
pub(crate) fn serves(frame: &Frame) -> bool {
    let spec = &frame.spec;
    // Rows whose channels are written several times are made row by row.
    let repeated = spec.groups > 1 && spec.c_in == spec.groups && spec.c_out > spec.groups;
    spec.kernel == [1, 1] && spec.stride == [1, 1] && frame.output == frame.input && !repeated
}

/// Pixels for which a kernel whose widest tile has so many is called at once: they are read once for
/// each panel of weights, and should stay beside the panel.
pub(crate) fn block(widest: usize, c_in: usize, cache: usize) -> usize {
    let most = (cache / 4 / size_of::<f32>() / c_in).max(64);
    (most / widest * widest).max(widest)
}

impl Joined {
    /// The blocks of a layer whose output is cut into `bands`, for a second-level cache of so many
    /// bytes, or nothing where rows cannot be joined.
    pub(crate) fn new(tiled: &Tiled, frame: &Frame, cache: usize, bands: usize) -> Option<Joined> {
        if !serves(frame) {
            return None;
        }
        let [height, width] = frame.output;
        let block = block(widest(tiled.description()), frame.spec.c_in, cache);
        let rows = height.div_ceil(bands.max(1));
        let last = (height - 1) % rows + 1;
        let rest = |rows: usize| {
            let rest = rows * width % block;
            (rest, if rest == 0 { Tiling::default() } else { tiled.tiling(rest) })
        };
        let rests = [rest(height), rest(rows), rest(last)];
        Some(Joined { block, tiling: tiled.tiling(block), rests })
    }

    /// Computes a band, or some channels of it, or leaves it alone and says `false` where its memory is not in
    /// one piece.
    pub(crate) fn run(
        &self,
        tiled: &Tiled,
        share: &Share<'_>,
        band: &mut Band<'_, '_, '_>,
        scratch: &mut Scratch,
    ) -> bool {
        let frame = band.frame;
        let (c_in, c_out) = (frame.spec.c_in, frame.spec.c_out);
        if band.epilogue.doubles() {
            return false;
        }
        let rows = band.output.len_of(Axis(0));
        let pixels = rows * frame.output[1];
        let residual = match &band.residual {
            Some(residual) => match residual.to_slice() {
                Some(residual) => Some(residual),
                None => return false,
            },
            None => None,
        };
        let Some(input) = band.input.to_slice() else { return false };
        let start = band.first * frame.output[1] * c_in;
        let Some(input) = input.get(start..start + pixels * c_in) else { return false };
        let some = share.channels.len() < c_out;
        let output = if some {
            scratch.floats(pixels * c_out)
        } else {
            let Some(output) = band.output.as_slice_mut() else { return false };
            output
        };
        let blocks = input.chunks(self.block * c_in).zip(output.chunks_mut(self.block * c_out)).enumerate();
        for (index, (input, output)) in blocks {
            let width = output.len() / c_out;
            let tiling = if width == self.block {
                self.tiling
            } else {
                let known = self.rests.iter().find(|(rest, _)| *rest == width);
                known.map_or_else(|| tiled.tiling(width), |(_, tiling)| *tiling)
            };
            let first = share.channels.start;
            let added = residual.and_then(|residual| residual.get(index * self.block * c_out + first..));
            let Some(mut output) = output.get_mut(first..) else { return false };
            tiled.finish(
                (band.epilogue, Traffic::default(), share),
                (&[input], None),
                std::slice::from_mut(&mut output),
                added.as_slice(),
                width,
                &tiling,
            );
        }
        if some {
            let sums = ArrayView3::from_shape((rows, frame.output[1], c_out), scratch.floats(pixels * c_out));
            let Ok(sums) = sums else { return false };
            band.output.assign(&sums.slice(s![.., .., share.channels.clone()]));
        }
        true
    }
}
