//! A better filter than the template itself, learnt by gradient descent.
//!
//! The filter is the weights of a layer `[h, w, 3, 1]` whose input is one patch. A patch enters as
//! `(X − X̄)/‖X − X̄‖`, and the filter is kept at norm one, so that the layer's answer is the score of
//! equation (15). Its gradient is the layer's own, equation (13). The loss is logistic: copies
//! should score above a level `b`, decoys and pieces of the scene below it, and `b` is learnt too.
//!
//! Nothing that a filter is judged by was seen in training: other seeds draw other shifts, noise,
//! covers, block orders and pieces. Mirrored and turned decoys are the same picture each time, but
//! for shift and noise.

use std::time::Instant;

use ndarray::{Array1, Array3, Array4, ArrayView4, Axis, s};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tapwise::{Conv2d, Padding};

use super::examples::Examples;
use super::scene::Scene;
use super::template::{Filter, Template, normalised};
use super::threshold::{best, calibrate};
use crate::Error;
use crate::learning::optimiser::{Memory, Optimiser, Sgd};
use crate::progress::Progress;
use crate::reference::Noise;

/// Steps of gradient descent that are usual.
pub const STEPS: usize = 400;

/// Examples of a step: half of them copies, three eighths decoys, the rest pieces of the scene.
const BATCH: usize = 64;

/// How steep the logistic loss is: a difference of 1/16 in the score is one unit.
const STEEPNESS: f32 = 16.0;

/// The length of the first step; the last one is a hundredth of it.
const RATE: f32 = 0.05;

/// How much of a step the next one takes along.
const MOMENTUM: f32 = 0.9;

/// Copies, and decoys, that a filter is judged by.
const JUDGED: usize = 96;

/// How a filter scores examples that it was not trained on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// The mean score of copies.
    pub copies: f64,
    /// The lowest score of a copy.
    pub lowest_copy: f64,
    /// The mean score of decoys.
    pub decoys: f64,
    /// The highest score of a decoy.
    pub highest_decoy: f64,
    /// The mean score of pieces of the scene.
    pub pieces: f64,
    /// The highest score of a piece of the scene.
    pub highest_piece: f64,
}

impl Quality {
    /// How far the worst copy is above the best of the rest; negative where they overlap.
    #[must_use]
    pub fn margin(&self) -> f64 {
        self.lowest_copy - self.highest_decoy.max(self.highest_piece)
    }
}

/// A learnt filter, and what it is worth.
#[derive(Debug, Clone, PartialEq)]
pub struct Learnt {
    /// The weights; they search in the template's place.
    pub weights: Template,
    /// The template's own scores.
    pub before: Quality,
    /// The learnt filter's scores, of the same examples.
    pub after: Quality,
    /// Seconds that learning took.
    pub seconds: f64,
    /// Whether there were decoys; a template like all of its own has none.
    pub decoys: bool,
}

/// Trains a filter that begins as the template, by so many steps of gradient descent.
///
/// # Errors
/// Those of the layer.
pub fn learn(template: &Template, scene: &Scene, steps: usize) -> Result<Learnt, Error> {
    let start = Instant::now();
    let calibration = calibrate(template, template)?;
    let examples = Examples::new(template, scene, &calibration);
    let small = examples.template();
    let [rows, columns] = small.size();
    let plain = small.filter([rows, columns], 1.0);
    let mut weights = plain.weights.clone();
    let mut level = ((calibration.copy + calibration.decoy) / 2.0) as f32;
    let mut memory = Memory::default();
    let mut layer = Conv2d::builder(one_channel(&weights)).padding(Padding::Valid).build()?;
    let no_bias = Array1::zeros(1);
    let progress = Progress::new("learning", steps);
    for step in 0..steps {
        let patches = batch(&examples, step as u64);
        let scores = layer.forward_batch(patches.view())?;
        let mut gradients = Array4::zeros((BATCH, 1, 1, 1));
        let mut level_gradient = 0.0;
        for (index, &score) in scores.iter().enumerate() {
            let sign = if is_copy(index) { 1.0 } else { -1.0 };
            let gradient = slope(sign, score - level) / BATCH as f32;
            gradients[[index, 0, 0, 0]] = gradient;
            level_gradient -= gradient;
        }
        let mut gradient =
            layer.backward_filter_batch(patches.view(), gradients.view())?.filter.index_axis_move(Axis(3), 0);
        // What would only change the norm is taken away: the filter stays at norm one.
        let along = (&gradient * &weights).sum();
        gradient.scaled_add(-along, &weights);
        let rate = RATE * (1e-2f32).powf(step as f32 / steps as f32);
        // In the order of rows, columns and channels.
        let (mut moved, slopes) = (weights.into_iter().collect::<Vec<_>>(), gradient.iter().copied());
        Sgd { rate, momentum: MOMENTUM }.step(&mut memory, &mut moved, &slopes.collect::<Vec<_>>())?;
        weights = normalised(Array3::from_shape_fn((rows, columns, 3), |(i, j, c)| {
            moved[(i * columns + j) * 3 + c]
        }));
        level -= rate * level_gradient;
        layer.replace_filter(one_channel(&weights), no_bias.view())?;
        progress.step();
    }
    drop(progress);
    let learnt = Filter { weights: weights.clone(), scale: 1.0 };
    let [before, after] = judge(&examples, [&plain, &learnt]);
    Ok(Learnt {
        weights: Template::learnt(weights, template.size()),
        before,
        after,
        seconds: start.elapsed().as_secs_f64(),
        decoys: examples.has_decoys(),
    })
}

fn one_channel(weights: &Array3<f32>) -> ArrayView4<'_, f32> {
    weights.view().insert_axis(Axis(3))
}

/// The derivative of `log(1 + exp(−k · sign · x))` by `x`, with `k` the steepness.
fn slope(sign: f32, x: f32) -> f32 {
    -STEEPNESS * sign / (1.0 + (STEEPNESS * sign * x).exp())
}

/// Whether an example of a batch is a copy.
fn is_copy(index: usize) -> bool {
    index.is_multiple_of(2)
}

/// The examples of a step `[BATCH, h, w, 3]`, each of zero mean and norm one.
fn batch(examples: &Examples<'_>, step: u64) -> Array4<f32> {
    let [rows, columns] = examples.template().size();
    let mut patches = Array4::zeros((BATCH, rows, columns, 3));
    patches.axis_iter_mut(Axis(0)).into_par_iter().enumerate().for_each(|(index, mut patch)| {
        let mut noise = Noise::new(step << 16 | index as u64);
        let example = match index {
            _ if is_copy(index) => examples.copy(0, &mut noise),
            _ if index % 8 != 7 => examples.decoy(0, &mut noise),
            _ => examples.piece(0, &mut noise),
        };
        patch.assign(&normalised(example));
    });
    patches
}

/// Scores examples that no step of the training draws, by two filters.
fn judge(examples: &Examples<'_>, filters: [&Filter; 2]) -> [Quality; 2] {
    let seed = |kind: u64, index: usize| Noise::new(u64::MAX << 32 | kind << 16 | index as u64);
    let scores: Vec<[[f64; 3]; 2]> = (0..JUDGED)
        .into_par_iter()
        .map(|index| {
            let copy = examples.copy(1, &mut seed(0, index));
            let decoy = examples.decoy(1, &mut seed(1, index));
            let piece = examples.piece(1, &mut seed(2, index));
            filters.map(|filter| [&copy, &decoy, &piece].map(|example| best(filter, example)))
        })
        .collect();
    [0, 1].map(|filter| {
        let column = |kind: usize| scores.iter().map(move |row| row[filter][kind]);
        let mean = |kind: usize| column(kind).sum::<f64>() / JUDGED as f64;
        Quality {
            copies: mean(0),
            lowest_copy: column(0).fold(1.0, f64::min),
            decoys: mean(1),
            highest_decoy: column(1).fold(-1.0, f64::max),
            pieces: mean(2),
            highest_piece: column(2).fold(-1.0, f64::max),
        }
    })
}

/// A picture of weights `[h, w, 3]`: grey is zero, brighter is for, darker is against.
#[must_use]
pub fn picture(weights: &Template) -> image::RgbImage {
    let values = weights.values();
    let (height, width, _) = values.dim();
    let most = values.iter().fold(f32::MIN_POSITIVE, |most, value| most.max(value.abs()));
    image::RgbImage::from_fn(width as u32, height as u32, |x, y| {
        let pixel = values.slice(s![y as usize, x as usize, ..]);
        image::Rgb([0, 1, 2].map(|c| (127.5 + 127.5 * pixel[c] / most).round() as u8))
    })
}
