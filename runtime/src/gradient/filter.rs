//! The gradients of filter and bias: a product of patches and output gradients, summed over pixels.
//!
//! The patches of im2col once more, transposed: `[taps, pixels] · [pixels, C_out]` by a library's
//! GEMM (faer's), a block of pixels at a time. Depthwise layers, whose products would have a single
//! column, multiply and add channel by channel instead.

use std::ops::Range;

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use ndarray::parallel::prelude::*;
use ndarray::{Array1, Array4, ArrayView4, ArrayViewMut2, Axis, s};

use crate::error::Error;
use crate::frame::Frame;
use crate::layer::Conv2d;
use crate::patches::{PATCHES, gather};
use crate::rows::{self, Source};

/// Pixels that are summed by one product at least: fewer would read and write the sums too often.
const PIXELS: usize = 256;

/// Tasks that large work is cut into, whatever the number of threads: each sums its own, so that
/// the answer is the same to the bit on any number of them.
const TASKS: usize = 8;

/// Multiply-adds below which one task does it all.
const SMALL: f64 = 2e6;

/// Floats that the sums of all tasks may take together.
const SUMS: usize = 8 << 20;

/// The gradient of the filter, equation (13).
pub(super) fn gradient(
    layer: &Conv2d,
    inputs: &ArrayView4<'_, f32>,
    gradients: &ArrayView4<'_, f32>,
) -> Result<Array4<f32>, Error> {
    let spec = *layer.spec();
    let frame = Frame::new(spec, [inputs.dim().1, inputs.dim().2])?;
    let rows = gradients.dim().0 * frame.output[0];
    let tasks = tasks(&frame, rows);
    let sums: Vec<Vec<f32>> = tasks
        .par_iter()
        .with_max_len(1)
        .map(|task| {
            let mut sums = vec![0.0; spec.taps() * task.columns.len()];
            if spec.c_in_group() == 1 && spec.c_out_group() == 1 {
                depthwise(&frame, inputs, gradients, task, &mut sums);
            } else {
                products(&frame, inputs, gradients, task, &mut sums);
            }
            sums
        })
        .collect();

    let mut filter = Array4::zeros(layer.filter().raw_dim());
    let (taps, c_out) = (spec.taps(), spec.c_out);
    if let Ok(mut filter) = filter.view_mut().into_shape_with_order((taps, c_out)) {
        for (task, sums) in tasks.iter().zip(&sums) {
            if let Ok(sums) = ndarray::ArrayView2::from_shape((taps, task.columns.len()), sums) {
                let mut columns = filter.slice_mut(s![.., task.columns.clone()]);
                columns += &sums;
            }
        }
    }
    Ok(filter)
}

/// The gradient of the bias, equation (14), summed in f64.
pub(super) fn bias_gradient(gradients: &ArrayView4<'_, f32>) -> Array1<f32> {
    let mut sums = vec![0.0f64; gradients.len_of(Axis(3))];
    for pixel in gradients.lanes(Axis(3)) {
        for (sum, &gradient) in sums.iter_mut().zip(pixel) {
            *sum += f64::from(gradient);
        }
    }
    sums.into_iter().map(|sum| sum as f32).collect()
}

/// The sums of some output rows (counted through all pictures) for some output channels.
struct Task {
    rows: Range<usize>,
    columns: Range<usize>,
}

/// Cuts the work by rows where the sums are small, and by output channels where they are large.
fn tasks(frame: &Frame, rows: usize) -> Vec<Task> {
    let spec = &frame.spec;
    let per_row = frame.macs(1);
    if per_row * rows as f64 <= SMALL {
        return vec![Task { rows: 0..rows, columns: 0..spec.c_out }];
    }
    let floats = spec.taps() * spec.c_out;
    let by_rows = (SUMS / floats).clamp(1, TASKS).min(rows);
    // Columns of whole groups, or no fewer than a product is fast with.
    let unit = if spec.groups > 1 { spec.c_out_group() } else { 64.min(spec.c_out) };
    let units = spec.c_out / unit;
    let by_columns = (TASKS / by_rows).clamp(1, units.max(1));
    let mut tasks = Vec::with_capacity(by_rows * by_columns);
    for part in shares(rows, by_rows) {
        for units in shares(units, by_columns) {
            let end = if units.end * unit + unit > spec.c_out { spec.c_out } else { units.end * unit };
            tasks.push(Task { rows: part.clone(), columns: units.start * unit..end });
        }
    }
    tasks
}

/// `0..length` in `parts` pieces of nearly the same length.
fn shares(length: usize, parts: usize) -> impl Iterator<Item = Range<usize>> {
    (0..parts).map(move |part| part * length / parts..(part + 1) * length / parts)
}

/// Walks over the output rows of a task: the picture, its output row, and the table of padded rows
/// that this output row reads.
fn each_row(
    frame: &Frame,
    inputs: &ArrayView4<'_, f32>,
    task: &Task,
    mut visit: impl FnMut(usize, usize, &[&[f32]]),
) {
    let height = frame.output[0];
    // As many rows as share most of their input rows, and fit beside the patches.
    let at_once = (PATCHES / (frame.reach() * frame.spec.c_in)).clamp(1, 16).min(height);
    let mut at = task.rows.start;
    while at < task.rows.end {
        let (picture, first) = (at / height, at % height);
        let rows = at_once.min(height - first).min(task.rows.end - at);
        let input = inputs.index_axis(Axis(0), picture);
        let source = Source::of(frame, &input);
        let mut staged = vec![0.0; rows::scratch_floats(frame, source, rows)];
        let mut table = Vec::with_capacity(rows::table_length(frame, rows));
        rows::fill(frame, &input, source, (first, rows), &mut staged, &mut table);
        for row in 0..rows {
            visit(picture, first + row, &table[row * frame.spec.stride[0]..]);
        }
        at += rows;
    }
}

/// Sums by products of patches and gradients.
fn products(
    frame: &Frame,
    inputs: &ArrayView4<'_, f32>,
    gradients: &ArrayView4<'_, f32>,
    task: &Task,
    sums: &mut [f32],
) {
    let spec = &frame.spec;
    let (taps, width, columns) = (spec.taps(), frame.output[1], task.columns.len());
    // Without groups, one product takes every column; with them, one for each group.
    let group_columns = if spec.groups == 1 { columns } else { spec.c_out_group() };
    let groups = task.columns.start / spec.c_out_group()..task.columns.end.div_ceil(spec.c_out_group());
    let most = (PATCHES / (taps * groups.len())).max(PIXELS);
    let mut patches = vec![0.0; groups.len() * most * taps];
    let mut answers = vec![0.0; groups.len() * most * group_columns];
    let mut held = 0;
    let mut flush = |patches: &[f32], answers: &[f32], held: usize| {
        for place in 0..groups.len() {
            let patches = &patches[place * most * taps..][..held * taps];
            let answers = &answers[place * most * group_columns..][..held * group_columns];
            let sums = MatMut::from_row_major_slice_mut(&mut *sums, taps, columns);
            matmul(
                sums.subcols_mut(place * group_columns, group_columns),
                Accum::Add,
                MatRef::from_row_major_slice(patches, held, taps).transpose(),
                MatRef::from_row_major_slice(answers, held, group_columns),
                1.0,
                Par::Seq,
            );
        }
    };
    each_row(frame, inputs, task, |picture, row, table| {
        let mut from = 0;
        while from < width {
            let pixels = (width - from).min(most - held);
            for (place, group) in groups.clone().enumerate() {
                let target = &mut patches[(place * most + held) * taps..][..pixels * taps];
                gather(frame, table, (1, from..from + pixels), group, target);
                let target = &mut answers[(place * most + held) * group_columns..][..pixels * group_columns];
                let first = if spec.groups == 1 { task.columns.start } else { group * group_columns };
                let source =
                    gradients.slice(s![picture, row, from..from + pixels, first..first + group_columns]);
                if let Ok(mut target) = ArrayViewMut2::from_shape((pixels, group_columns), target) {
                    target.assign(&source);
                }
            }
            held += pixels;
            from += pixels;
            if held == most {
                flush(&patches, &answers, held);
                held = 0;
            }
        }
    });
    if held > 0 {
        flush(&patches, &answers, held);
    }
}

/// Sums of a depthwise layer: each channel of the picture meets its own of the gradient.
fn depthwise(
    frame: &Frame,
    inputs: &ArrayView4<'_, f32>,
    gradients: &ArrayView4<'_, f32>,
    task: &Task,
    sums: &mut [f32],
) {
    let spec = &frame.spec;
    let (width, columns) = (frame.output[1], task.columns.len());
    let mut answers = vec![0.0; width * columns];
    each_row(frame, inputs, task, |picture, row, table| {
        if let Ok(mut answers) = ArrayViewMut2::from_shape((width, columns), &mut answers[..]) {
            answers.assign(&gradients.slice(s![picture, row, .., task.columns.clone()]));
        }
        for (tap, sums) in sums.chunks_exact_mut(columns).enumerate() {
            let (a, b) = (tap / spec.kernel[1], tap % spec.kernel[1]);
            let source = table[a * spec.dilation[0]];
            for (column, answers) in answers.chunks_exact(columns).enumerate() {
                let at = (column * spec.stride[1] + b * spec.dilation[1]) * spec.c_in + task.columns.start;
                if let Some(pixel) = source.get(at..at + columns) {
                    for ((sum, value), answer) in sums.iter_mut().zip(pixel).zip(answers) {
                        *sum += value * answer;
                    }
                }
            }
        }
    });
}
