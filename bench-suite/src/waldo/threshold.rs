//! From which score on a place is Waldo, and why.
//!
//! Two things are weighed. *What Waldo looks like*: copies of the template, altered as pictures
//! alter things, should be above the threshold, and decoys made of its own pieces below.
//! *What the scene reaches by chance*: the scores of its places spread about their median, and
//! among millions of places some are high without meaning anything.

use ndarray::{Array2, Array3, s};
use serde::{Deserialize, Serialize};

use super::score;
use super::template::{Filter, Template};
use super::variants::{Alteration, Cover, Decoy, Side, altered, normal};
use crate::reference::Noise;

/// The longer side that calibration and learning work on, in pixels: a larger template is shrunk.
pub(super) const WORKING: usize = 64;

/// A decoy that scores this much with the template itself is no decoy: the mirror image of
/// something symmetric is a copy of it.
pub(super) const ALIKE: f64 = 0.9;

/// The least that the threshold is above the best decoy.
const CLEARANCE: f64 = 0.02;

/// Pixels by which a variant may be off, as a search looks at every place.
const SLACK: usize = 1;

/// Standard deviation of the noise on a calibration copy, over the template's contrast.
const GRAIN: f64 = 1.0 / 3.0;

/// The threshold is never above this.
const HIGHEST: f64 = 0.98;

/// How copies and decoys of a template score.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// The lowest score of a copy.
    pub copy: f64,
    /// The highest score of a decoy.
    pub decoy: f64,
    /// Decoys that were left out because the template is alike to them.
    pub alike: usize,
    /// Decoys in all.
    pub decoys: usize,
}

/// What the places of a scene score by chance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Chance {
    /// How far scores spread: a robust standard deviation of Fisher's `z = atanh S`.
    pub spread: f64,
    /// Places that were looked at, over all scales.
    pub places: usize,
    /// The score that chance is expected to reach once among so many places.
    pub reaches: f64,
}

/// A threshold and its reasons.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// From this score on a place is Waldo.
    pub value: f64,
    /// Whether it was asked for, and not weighed.
    pub given: bool,
    /// Copies and decoys.
    pub calibration: Calibration,
    /// The scene.
    pub chance: Chance,
}

impl Threshold {
    /// Weighs copies and decoys against the scene.
    #[must_use]
    pub fn weigh(calibration: Calibration, chance: Chance, given: Option<f64>) -> Self {
        let between = (calibration.copy + calibration.decoy) / 2.0;
        let weighed = between.max(calibration.decoy + CLEARANCE).max(chance.reaches).min(HIGHEST);
        Threshold { value: given.unwrap_or(weighed), given: given.is_some(), calibration, chance }
    }

    /// Whether the scene, and not the decoys, decided.
    #[must_use]
    pub fn raised(&self) -> bool {
        !self.given && self.value <= self.chance.reaches
    }

    /// Whether copies that the calibration made would be missed.
    #[must_use]
    pub fn misses(&self) -> bool {
        self.value > self.calibration.copy
    }
}

/// Scores copies and decoys of `template` with the filter that `weights` are at the same size:
/// those of the template itself, or what was learnt in its place.
#[must_use]
pub fn calibrate(template: &Template, weights: &Template) -> Calibration {
    let small = template.shrunk(WORKING);
    let plain = small.filter(small.size(), 1.0);
    let filter = weights.filter(small.size(), 1.0);
    let mut noise = Noise::new(0x5eed);
    let copies = copies(&small, &mut noise);
    let copy = copies.iter().map(|copy| best(&filter, copy)).fold(1.0, f64::min);
    let (mut decoy, mut alike) = (0.0f64, 0);
    for kind in Decoy::ALL {
        let made = kind.of(small.values(), &mut noise);
        let made = altered(&made, &Alteration::default(), SLACK, &mut noise);
        if best(&plain, &made) >= ALIKE {
            alike += 1;
        } else {
            decoy = decoy.max(best(&filter, &made));
        }
    }
    Calibration { copy, decoy, alike, decoys: Decoy::ALL.len() }
}

/// Copies that are noisy, brighter, off by half a pixel, or a quarter covered from each side.
fn copies(template: &Template, noise: &mut Noise) -> Vec<Array3<f32>> {
    let none = Alteration::default();
    let grain = (template.contrast() * GRAIN) as f32;
    let mut changes = vec![
        Alteration { noise: grain, ..none },
        Alteration { gain: 1.25, offset: 20.0, ..none },
        Alteration { shift: [0.5, 0.5], ..none },
    ];
    for side in Side::ALL {
        let colour = [0; 3].map(|_| (127.0 + 60.0 * normal(noise)).clamp(0.0, 255.0));
        changes.push(Alteration { cover: Some(Cover { share: 0.25, side, colour }), ..none });
    }
    changes.iter().map(|change| altered(template.values(), change, SLACK, noise)).collect()
}

/// The best score of a filter over a picture that is a few pixels larger.
pub(super) fn best(filter: &Filter, picture: &Array3<f32>) -> f64 {
    let (rows, columns, _) = filter.weights.dim();
    let (height, width, _) = picture.dim();
    let mut best = -1.0f64;
    for top in 0..=height.saturating_sub(rows) {
        for left in 0..=width.saturating_sub(columns) {
            let patch = picture.slice(s![top..top + rows, left..left + columns, ..]).to_owned();
            best = best.max(score::of_patch(filter, &patch));
        }
    }
    best
}

/// Scores of a map at places far enough apart, as Fisher's z: at most a few thousand of them.
pub(super) fn sample(scores: &Array2<f32>) -> Vec<f64> {
    const ENOUGH: usize = 20_000;
    // A step without a common factor with the width soon sees every column.
    let step = (scores.len() / ENOUGH).max(1) | 1;
    scores.iter().step_by(step).map(|&score| f64::from(score).clamp(-0.999_999, 0.999_999).atanh()).collect()
}

impl Chance {
    /// From samples of the maps, which are of `places` in all.
    ///
    /// The largest of `n` numbers of a normal distribution is about `√(2 ln n)` standard deviations
    /// above the mean; the distance between the quartiles is 1.349 of them.
    #[must_use]
    pub(super) fn of(mut sample: Vec<f64>, places: usize) -> Self {
        sample.sort_by(f64::total_cmp);
        let at = |part: f64| sample.get((sample.len() as f64 * part) as usize).copied().unwrap_or(0.0);
        let spread = (at(0.75) - at(0.25)) / 1.349;
        let reaches = (at(0.5) + spread * (2.0 * (places.max(2) as f64).ln()).sqrt()).tanh();
        Chance { spread, places, reaches }
    }
}
