//! The patch matrix: one row for each output pixel, one column for each tap.

use std::ops::Range;

use crate::frame::Frame;

/// Floats of patches that are built at a time: half a megabyte.
pub(crate) const PATCHES: usize = 128 * 1024;

/// The patches of some columns of `rows` output rows of one group, from a table of padded rows.
pub(crate) fn gather(
    frame: &Frame,
    table: &[&[f32]],
    (rows, columns): (usize, Range<usize>),
    group: usize,
    patches: &mut [f32],
) {
    let spec = &frame.spec;
    let channels = spec.c_in_group();
    // Without dilation and groups, the taps of a filter row lie side by side in the picture.
    let (runs, run) = if spec.dilation[1] == 1 && spec.groups == 1 {
        (1, spec.kernel[1] * channels)
    } else {
        (spec.kernel[1], channels)
    };
    let mut targets = patches.chunks_exact_mut(run);
    for row in 0..rows {
        for column in columns.clone() {
            for a in 0..spec.kernel[0] {
                let source = table[row * spec.stride[0] + a * spec.dilation[0]];
                for b in 0..runs {
                    let from =
                        (column * spec.stride[1] + b * spec.dilation[1]) * spec.c_in + group * channels;
                    if let (Some(target), Some(source)) = (targets.next(), source.get(from..from + run)) {
                        target.copy_from_slice(source);
                    }
                }
            }
        }
    }
}
