//! Patches as the rows of a matrix, multiplied by the filter with a library's GEMM (faer's).
//!
//! The patch matrix of a band has one row for each output pixel and `K_h·K_w·C_in/groups` columns;
//! the filter `[K_h, K_w, C_in/groups, C_out]` is a matrix of that many rows as it lies in memory.
//! Memory stays bounded: the matrix is built for a few output rows, or for part of one, at a time. A 1x1 layer of
//! stride 1 multiplies the picture itself.
//!
//! The library picks its own instruction set; `TAPWISE_ISA` does not reach it. On aarch64 it also picks
//! the order of its sums by the number of rows, so that bands may round differently there.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use ndarray::{Array4, ArrayView3, Axis};

use super::{Band, Path, Strategy};
use crate::edges::Part;
use crate::engine::Fit;
use crate::epilogue::residual_rows;
use crate::frame::Frame;
use crate::patches::{PATCHES, gather};
use crate::rows::{self, Ring, Space};
use crate::workspace::{Scratch, recycle};

/// The im2col strategy of one layer.
#[derive(Debug)]
pub(crate) struct Im2colGemm {
    /// `[K_h, K_w, C_in / groups, C_out]` in standard layout.
    pub(crate) filter: Array4<f32>,
}

impl Im2colGemm {
    /// `target[pixels, C_out] = patches[pixels, taps] · filter[taps, C_out]`, columns of one group.
    fn multiply(&self, frame: &Frame, group: usize, patches: &[f32], target: &mut [f32]) {
        let spec = &frame.spec;
        let (taps, pixels) = (spec.taps(), target.len() / spec.c_out);
        let columns = group * spec.c_out_group();
        let filter = self.filter.as_slice().unwrap_or_default();
        let filter = MatRef::from_row_major_slice(filter, taps, spec.c_out);
        let target = MatMut::from_row_major_slice_mut(target, pixels, spec.c_out);
        matmul(
            target.subcols_mut(columns, spec.c_out_group()),
            Accum::Replace,
            MatRef::from_row_major_slice(patches, pixels, taps),
            filter.subcols(columns, spec.c_out_group()),
            1.0,
            Par::Seq,
        );
    }

    /// Whether the picture is its own patch matrix.
    pub(crate) fn is_product(frame: &Frame) -> bool {
        let spec = &frame.spec;
        let unpadded = frame.margins.iter().all(|margins| margins.before + margins.after == 0);
        spec.kernel == [1, 1] && spec.stride == [1, 1] && spec.groups == 1 && unpadded
    }
}

impl Path for Im2colGemm {
    fn strategy(&self) -> Strategy {
        Strategy::Im2colGemm
    }

    #[cfg(test)]
    fn packed_bytes(&self) -> usize {
        size_of::<f32>() * self.filter.len()
    }

    fn band(&self, band: Band<'_, '_, '_>, _fit: &Fit, scratch: &mut Scratch) {
        let Band { frame, epilogue, input, mut output, residual, first } = band;
        let spec = &frame.spec;
        let part = Part::whole(frame, frame.pads_columns() || !rows::interleaved(&input));
        let width = frame.output[1];
        let [rows_at_once, columns_at_once] = at_once(frame, output.len_of(Axis(0)));

        let mut tables = scratch.tables();
        let space = Space::of(frame, &part, rows_at_once);
        let [patch_floats, target_floats] = floats(frame, [rows_at_once, columns_at_once]);
        let floats = scratch.floats(space.floats() + patch_floats + target_floats);
        tables.held.resize(space.rows, 0);
        let (mut ring, floats, _) = Ring::take(space, floats, &mut tables.held);
        let (patches, target) = floats.split_at_mut(patch_floats);

        let mut at = first;
        for mut block in output.axis_chunks_iter_mut(Axis(0), rows_at_once) {
            let rows = block.len_of(Axis(0));
            let pixels = rows * width;
            let mut compute = |target: &mut [f32]| {
                let picture = Self::is_product(frame).then(|| picture_rows(&input, at, rows)).flatten();
                if let Some(picture) = picture {
                    self.multiply(frame, 0, picture, target);
                } else {
                    let mut table = recycle(std::mem::take(&mut tables.inputs));
                    rows::fill(frame, &input.view(), &part, (at, rows), &mut ring, &mut table);
                    for from in (0..width).step_by(columns_at_once) {
                        let columns = from..width.min(from + columns_at_once);
                        let pixels = rows * columns.len();
                        let patches = &mut patches[..pixels * spec.taps()];
                        let target = &mut target[from * spec.c_out..][..pixels * spec.c_out];
                        for group in 0..spec.groups {
                            gather(frame, &table, (rows, columns.clone()), group, patches);
                            self.multiply(frame, group, patches, target);
                        }
                    }
                    tables.inputs = recycle(table);
                }
                epilogue.finish(target, residual_rows(residual, at - first, rows));
            };
            match block.as_slice_mut() {
                Some(target) if !epilogue.doubles() => compute(target),
                _ => {
                    let target = &mut target[..pixels * spec.c_out];
                    compute(target);
                    let shape = (rows, width, spec.c_out);
                    if let Ok(computed) = ArrayView3::from_shape(shape, &*target) {
                        epilogue.deliver(computed, block);
                    }
                }
            }
            at += rows;
        }
        scratch.keep(tables);
    }
}

/// Rows and columns of output that are computed at once, out of `rows`: whole rows, as many as fit; or
/// part of one where not even one fits.
pub(crate) fn at_once(frame: &Frame, rows: usize) -> [usize; 2] {
    let (width, taps) = (frame.output[1], frame.spec.taps());
    match PATCHES / width.saturating_mul(taps).max(1) {
        0 => [1, (PATCHES / taps).clamp(1, width)],
        whole => [whole.min(rows).max(1), width],
    }
}

/// Floats of patches and of sums.
fn floats(frame: &Frame, [rows, columns]: [usize; 2]) -> [usize; 2] {
    [rows * columns * frame.spec.taps(), rows * frame.output[1] * frame.spec.c_out]
}

/// Floats of scratch for a band of `rows` output rows of a picture of interleaved channels.
pub(crate) fn scratch(frame: &Frame, rows: usize) -> usize {
    let at_once = at_once(frame, rows);
    let part = Part::whole(frame, frame.pads_columns());
    Space::of(frame, &part, at_once[0]).floats() + floats(frame, at_once).iter().sum::<usize>()
}

/// The memory of `rows` whole rows of a picture, where they lie side by side.
fn picture_rows<'x>(input: &ArrayView3<'x, f32>, first: usize, rows: usize) -> Option<&'x [f32]> {
    let mut block = *input;
    block.slice_axis_inplace(Axis(0), ndarray::Slice::from(first..(first + rows).min(input.len_of(Axis(0)))));
    block.to_slice()
}
