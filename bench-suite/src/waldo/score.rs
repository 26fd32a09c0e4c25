//! Equation (15) at every place of a scene.
//!
//! The numerator is a convolution of one output channel, and a kernel that computes 16 channels at
//! a time would leave 15 of its lanes idle. So four by four neighbouring places are the 16 output
//! channels of one layer of stride 4: the filter of place `(p, q)` is the template shifted by `p`
//! rows and `q` columns in a frame of `h + 3` by `w + 3` pixels. The zeros of the frame cost
//! `(h + 3)(w + 3) / hw` times the multiply-adds, 1.2 times for 31 by 31 pixels.
//!
//! A patch without contrast has no score, as (15) divides zero by zero there; it is given 0.

use ndarray::parallel::prelude::*;
use ndarray::{Array2, Array3, Array4, Axis, Zip, s};
use tapwise::{Conv2d, Padding};

use super::scene::Scene;
use super::spread::Spreads;
use super::template::{FLAT, Filter};
use crate::Error;

/// Neighbouring places, down and across, that are output channels of one layer.
pub(super) const PHASES: usize = 4;

/// Rounding of the numerator that the planner may accept, over its root mean square. Scores are
/// shown to two digits.
const TOLERANCE: f32 = 1e-3;

/// The scores `[H − h + 1, W − w + 1]` of the patches of a scene, each by its upper left corner;
/// from −1 to 1.
///
/// # Errors
/// Those of the layer: [`tapwise::Error::FilterExceedsInput`] for a filter larger than the scene.
pub fn map(scene: &Scene, filter: &Filter) -> Result<Array2<f32>, Error> {
    let [height, width] = scene.size();
    let (rows, columns, _) = filter.weights.dim();
    for (axis, extent, padded) in [("height", rows, height), ("width", columns, width)] {
        if extent > padded {
            return Err(tapwise::Error::FilterExceedsInput { axis, extent, padded }.into());
        }
    }
    let places = [height - rows + 1, width - columns + 1];
    let blocks = places.map(|count| count.div_ceil(PHASES));
    let layer = layer(filter)?;
    let products = layer.forward(scene.levels(
        PHASES * (blocks[0] - 1) + rows + PHASES - 1,
        PHASES * (blocks[1] - 1) + columns + PHASES - 1,
    ))?;
    let mut scores = Array2::zeros((places[0], places[1]));
    // A band sums its first rows anew: at least as many rows again make that worth while.
    let band = places[0].div_ceil(4 * rayon::current_num_threads()).max(rows).next_multiple_of(PHASES);
    scores.axis_chunks_iter_mut(Axis(0), band).into_par_iter().enumerate().for_each(|(index, mut scores)| {
        let mut spreads = Spreads::new(scene.picture(), [rows, columns], index * band);
        for (local, mut row) in scores.axis_iter_mut(Axis(0)).enumerate() {
            let (block, phase) = ((index * band + local) / PHASES, local % PHASES * PHASES);
            let products = products.slice(s![block, .., phase..phase + PHASES]);
            for (mut places, products) in
                row.axis_chunks_iter_mut(Axis(0), PHASES).zip(products.axis_iter(Axis(0)))
            {
                for (place, &product) in places.iter_mut().zip(products) {
                    *place = product;
                }
            }
            spreads.next_row(|column, spread| {
                row[column] = quotient(f64::from(row[column]), spread, rows * columns);
            });
        }
    });
    Ok(scores)
}

/// Product over the root of the patch's spread `‖X − X̄‖²`.
fn quotient(product: f64, spread: f64, pixels: usize) -> f32 {
    if spread < FLAT * FLAT * 3.0 * pixels as f64 {
        return 0.0;
    }
    (product / spread.sqrt()).clamp(-1.0, 1.0) as f32
}

/// The layer whose 16 channels are the filter at 16 neighbouring places.
fn layer(filter: &Filter) -> Result<Conv2d, Error> {
    let (rows, columns, channels) = filter.weights.dim();
    let mut shifted =
        Array4::<f32>::zeros((rows + PHASES - 1, columns + PHASES - 1, channels, PHASES * PHASES));
    for down in 0..PHASES {
        for across in 0..PHASES {
            let frame = s![down..down + rows, across..across + columns, .., PHASES * down + across];
            shifted.slice_mut(frame).assign(&filter.weights);
        }
    }
    let layer = Conv2d::builder(shifted.view())
        .stride([PHASES, PHASES])
        .padding(Padding::Valid)
        .tolerance(TOLERANCE)
        .build()?;
    Ok(layer)
}

/// The score of one patch of the filter's size, summed in f64 as (15) is written.
#[must_use]
pub fn of_patch(filter: &Filter, patch: &Array3<f32>) -> f64 {
    if super::template::contrast(patch) < FLAT || patch.dim() != filter.weights.dim() {
        return 0.0;
    }
    let mut sums = [0.0f64; 3];
    for (plane, weights) in patch.axis_iter(Axis(2)).zip(filter.weights.axis_iter(Axis(2))) {
        let count = plane.len() as f64;
        let mean = plane.iter().copied().map(f64::from).sum::<f64>() / count;
        let level = weights.iter().copied().map(f64::from).sum::<f64>() / count;
        Zip::from(&plane).and(&weights).for_each(|&pixel, &weight| {
            let (pixel, weight) = (f64::from(pixel) - mean, f64::from(weight) - level);
            sums[0] += pixel * weight;
            sums[1] += pixel * pixel;
            sums[2] += weight * weight;
        });
    }
    let norm = (sums[1] * sums[2]).sqrt();
    if norm > 0.0 { (sums[0] / norm).clamp(-1.0, 1.0) } else { 0.0 }
}
