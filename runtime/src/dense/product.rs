//! Products of matrices by faer, cut into blocks for the caller's rayon pool.
//!
//! A block's sums are its own, and how a product is cut follows from its shape alone: the answer
//! has the same bits whatever the number of threads. Measured on weights of 128x128 pixels to
//! 128x128, faer's product of a matrix and a vector reads its weights faster than ndarray's or a
//! plain loop (`cargo bench --bench dense` times it beside a plain read of the same memory).

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

/// Multiply-adds below which handing over to other threads costs more than it gains.
const SMALL: u128 = 1 << 17;

/// Pictures of a batch in a block.
pub(super) const PICTURES: usize = 256;

/// Adds `left · right` to `sum`, in blocks of at most `block` rows and columns of the sum.
///
/// The matrices have matching sizes: everything is checked where a user's arrays come in.
pub(super) fn add(
    mut sum: MatMut<'_, f32>,
    left: MatRef<'_, f32>,
    right: MatRef<'_, f32>,
    block: [usize; 2],
) {
    let (rows, columns) = (sum.nrows(), sum.ncols());
    let work = rows as u128 * columns as u128 * left.ncols() as u128;
    let multiply = |(sum, left, right): (MatMut<'_, f32>, MatRef<'_, f32>, MatRef<'_, f32>)| {
        matmul(sum, Accum::Add, left, right, 1.0, Par::Seq);
    };
    let mut blocks = Vec::with_capacity(rows.div_ceil(block[0]) * columns.div_ceil(block[1]));
    for top in (0..rows).step_by(block[0]) {
        let height = block[0].min(rows - top);
        let (mut band, below) = sum.split_at_row_mut(height);
        sum = below;
        for from in (0..columns).step_by(block[1]) {
            let width = block[1].min(columns - from);
            let (target, beside) = band.split_at_col_mut(width);
            band = beside;
            blocks.push((target, left.subrows(top, height), right.subcols(from, width)));
        }
    }
    if work < SMALL {
        blocks.into_iter().for_each(multiply);
    } else {
        blocks.into_par_iter().for_each(multiply);
    }
}

/// Rows of weights in a block: few where there are few, so that they can be shared out at all.
pub(super) fn rows_of_weights(hidden: usize) -> usize {
    if hidden < 1024 { 16 } else { 64 }
}
