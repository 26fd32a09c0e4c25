//! Pictures of what is learnt from, and of what was learnt.

use image::{Rgb, RgbImage, imageops};
use ndarray::{ArrayView3, ArrayView4, Axis};
use serde::{Deserialize, Serialize};

use super::experiment::{Lesson, learn};
use super::scenes::{Album, PATTERN, SCENE};
use super::tasks::{Learner, Task};
use crate::Error;
use crate::photograph::{Picture, encode};

/// Pixels of a picture to a pixel of a scene.
const SCALE: u32 = 5;

/// The seed whose scenes and filter are shown.
const SEED: u64 = 1;

/// Pictures for the report.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Shown {
    /// Scenes, a learnt filter and its heat map.
    pub pictures: Vec<Picture>,
    /// All of them in one picture, three by two.
    pub overview: Option<Picture>,
}

/// Scenes of both sets, the filter that the convolution learnt, and what it makes of a scene.
///
/// # Errors
/// [`Error::Encode`], and what the network refuses; neither is known to happen.
pub fn pictures(album: &Album) -> Result<Shown, Error> {
    let (_, mut network) = learn(album, Lesson::new(Task::Place, Learner::Convolution, SEED))?;
    let presence = Task::Presence.scenes(album, SEED);
    let search = Task::Place.scenes(album, SEED);
    let blank = || RgbImage::from_pixel(SCENE[1] as u32, SCENE[0] as u32, Rgb([0; 3]));
    let scene = |sets: &[super::trainer::Examples], set: usize, index: usize| {
        let picture = sets.get(set).filter(|set| index < set.answers.len());
        picture.map_or_else(blank, |set| coloured(set.pictures.index_axis(Axis(0), index)))
    };
    let mut weights = Vec::new();
    network.change(0, &mut |filter, _| {
        weights = filter.to_vec();
        Ok(())
    })?;
    let mut heat = blank();
    if let Some(set) = search.get(2) {
        let trace = network.forward(set.pictures.slice(ndarray::s![..1, .., .., ..]))?;
        warm(&mut heat, trace.output());
    }
    let shown = [
        ("learning-pattern", "Training: the pattern, in the left half", scene(&presence, 0, 1)),
        ("learning-decoy", "Training: a decoy of the same pixels", scene(&presence, 0, 0)),
        ("learning-right", "Held out: the pattern, in the right half", scene(&presence, 2, 1)),
        ("learning-filter", "Learnt: the 147 weights of the filter, grey being zero", filter(&weights)),
        ("learning-where", "Held out: the pattern and a decoy", scene(&search, 2, 0)),
        ("learning-heat", "Its heat map: how likely each place is", heat),
    ];
    let [height, width] = SCENE.map(|length| length as u32);
    let mut overview = RgbImage::from_pixel(3 * width + 2, 2 * height + 1, Rgb([128; 3]));
    let mut pictures = Vec::with_capacity(shown.len());
    for (index, (name, caption, small)) in shown.iter().enumerate() {
        let large = imageops::resize(small, width * SCALE, height * SCALE, imageops::FilterType::Nearest);
        pictures.push(encode(&large, name, caption)?);
        let (column, row) = (index as u32 % 3 * (width + 1), index as u32 / 3 * (height + 1));
        imageops::replace(&mut overview, small, i64::from(column), i64::from(row));
    }
    let (across, down) = overview.dimensions();
    let overview = imageops::resize(&overview, across * 4, down * 4, imageops::FilterType::Nearest);
    let overview = encode(&overview, "learning", "Scenes, a learnt filter and its heat map")?;
    Ok(Shown { pictures, overview: Some(overview) })
}

/// From -1 to 1, as bytes.
fn byte(value: f32) -> u8 {
    ((value.clamp(-1.0, 1.0) + 1.0) * 127.5).round() as u8
}

fn coloured(scene: ArrayView3<'_, f32>) -> RgbImage {
    RgbImage::from_fn(SCENE[1] as u32, SCENE[0] as u32, |x, y| {
        Rgb([0, 1, 2].map(|c| byte(scene[[y as usize, x as usize, c]])))
    })
}

/// The filter in the middle, twice as large, its largest weight at the end of the scale.
fn filter(weights: &[f32]) -> RgbImage {
    let most = weights.iter().fold(1e-6f32, |most, weight| most.max(weight.abs()));
    let mut picture = RgbImage::from_pixel(SCENE[1] as u32, SCENE[0] as u32, Rgb([0; 3]));
    let (left, top) = ((SCENE[1] - 2 * PATTERN) / 2, (SCENE[0] - 2 * PATTERN) / 2);
    for i in 0..2 * PATTERN {
        for j in 0..2 * PATTERN {
            let at = ((i / 2) * PATTERN + j / 2) * 3;
            let colour = [0, 1, 2].map(|c| byte(weights.get(at + c).copied().unwrap_or(0.0) / most));
            picture.put_pixel((left + j) as u32, (top + i) as u32, Rgb(colour));
        }
    }
    picture
}

/// The heat of every place at the middle of the pattern that would stand there: its odds, over
/// those of the hottest.
fn warm(picture: &mut RgbImage, scores: ArrayView4<'_, f32>) {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    for ((_, i, j, _), score) in scores.indexed_iter() {
        let heat = (score - most).exp();
        let tint = [255.0, 190.0, 90.0].map(|full: f32| (full * heat).round() as u8);
        picture.put_pixel((j + PATTERN / 2) as u32, (i + PATTERN / 2) as u32, Rgb(tint));
    }
}
