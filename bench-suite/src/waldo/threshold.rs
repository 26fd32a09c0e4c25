//! From which score on a place is Waldo, and why.
//!
//! Two things are weighed. *What Waldo looks like*: copies of the template, altered as pictures
//! alter things, should be above the threshold, and decoys made of its own pieces below.
//! *What the scene reaches by chance*: the scores of its places spread about their median, and
//! among millions of places some are high without meaning anything.

use image::{Rgb, RgbImage};
use ndarray::{Array2, Array3, s};
use serde::{Deserialize, Serialize};

use super::scene::Scene;
use super::score;
use super::template::{Filter, SHORTEST, Template};
use super::variants::{Alteration, Decoy, Side, altered, cover};
use crate::Error;
use crate::reference::Noise;

/// The longer side that calibration and learning work on, in pixels: a larger template is shrunk.
pub(super) const WORKING: usize = 64;

/// A decoy that scores this much with the template itself is no decoy: the mirror image of
/// something symmetric is a copy of it.
pub(super) const ALIKE: f64 = 0.9;

/// Part of the way from the best decoy to the lowest copies at which the threshold lies: a scene has
/// more that is not Waldo than calibration knows.
const PART: f64 = 0.6;

/// The least that the threshold is above the best decoy.
const CLEARANCE: f64 = 0.02;

/// Part of the template by which variants are wider on each side, their edges repeated: a search
/// looks at every place.
const SLACK: usize = 4;

/// Scales that variants are searched at.
const NEAR: [f64; 3] = [0.8, 1.0, 1.25];

/// Standard deviation of the noise on a calibration copy, over the template's contrast.
const GRAIN: f64 = 1.0 / 3.0;

/// The threshold is never above this.
const HIGHEST: f64 = 0.98;

/// Calibration decoys of each kind in which chance has a part.
const DRAWS: usize = 6;

/// Calibration copies that are covered, for each side: the colours of covers are drawn at random.
const COVERS: usize = 4;

/// How copies and decoys of a template score.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// The lowest score of a kind of copy, each the mean of its kind.
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
    /// Patches that lie side by side in the scene.
    pub patches: f64,
    /// The score that chance is expected to reach once among so many.
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
        let between = calibration.decoy + PART * (calibration.copy - calibration.decoy);
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
///
/// # Errors
/// Those of the layer.
pub fn calibrate(template: &Template, weights: &Template) -> Result<Calibration, Error> {
    let small = template.shrunk(WORKING);
    let size = small.size();
    let plain = small.filter(size, 1.0);
    let filters = NEAR.map(|scale| {
        weights.filter(size.map(|length| ((length as f64 * scale).round() as usize).max(SHORTEST)), scale)
    });
    let mut noise = Noise::new(0x5eed);
    let mut copy = 1.0f64;
    for kind in copies(&small, &mut noise) {
        let scores = kind.iter().map(|copy| search(&filters, copy)).collect::<Result<Vec<_>, _>>()?;
        copy = copy.min(scores.iter().sum::<f64>() / scores.len().max(1) as f64);
    }
    let kinds = Decoy::ALL.into_iter().flat_map(|kind| std::iter::repeat_n(kind, kind.draws(DRAWS)));
    let decoys = kinds.clone().count();
    let (mut decoy, mut alike) = (0.0f64, 0);
    for kind in kinds {
        let made = kind.of(small.values(), &mut noise);
        if best(&plain, &altered(&made, &Alteration::default(), 1, &mut noise)) >= ALIKE {
            alike += 1;
        } else {
            let wide = altered(&made, &Alteration::default(), slack(size), &mut noise);
            decoy = decoy.max(search(&filters, &wide)?);
        }
    }
    Ok(Calibration { copy, decoy, alike, decoys })
}

/// Pixels around a variant.
fn slack(size: [usize; 2]) -> usize {
    size[0].max(size[1]).div_ceil(SLACK)
}

/// The best score of filters anywhere in levels `[h, w, 3]`.
fn search(filters: &[Filter], levels: &Array3<f32>) -> Result<f64, Error> {
    let (height, width, _) = levels.dim();
    let picture = RgbImage::from_fn(width as u32, height as u32, |x, y| {
        Rgb([0, 1, 2].map(|c| levels[[y as usize, x as usize, c]].round().clamp(0.0, 255.0) as u8))
    });
    let scene = Scene::new(picture);
    let mut best = -1.0f32;
    for filter in filters {
        best = score::map(&scene, filter)?.iter().fold(best, |best, &score| best.max(score));
    }
    Ok(f64::from(best))
}

/// Copies that are noisy, brighter, off by half a pixel, or a quarter covered: several of a kind
/// where chance has a part in it.
fn copies(template: &Template, noise: &mut Noise) -> [Vec<Array3<f32>>; 4] {
    let none = Alteration::default();
    let grain = (template.contrast() * GRAIN) as f32;
    let covers = [Side::ALL; COVERS].concat().into_iter().map(|side| Some(cover(0.25, side, noise)));
    [
        vec![Alteration { noise: grain, ..none }; 4],
        vec![Alteration { gain: 1.25, offset: 20.0, ..none }],
        vec![Alteration { shift: [0.5, 0.5], ..none }],
        covers.map(|cover| Alteration { cover, ..none }).collect(),
    ]
    .map(|kind| {
        kind.iter().map(|change| altered(template.values(), change, slack(template.size()), noise)).collect()
    })
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
    /// From samples of the maps of a scene of `scene` rows and columns, for a template of `size`.
    ///
    /// The largest of `n` numbers of a normal distribution is about `√(2 ln n)` standard deviations
    /// above the mean; the distance between the quartiles is 1.349 of them, and 2.3 in 100 numbers
    /// are two of them above: the larger estimate counts. Patches that overlap score alike, so that
    /// `n` is of those that lie side by side.
    #[must_use]
    pub(super) fn of(mut sample: Vec<f64>, scene: [usize; 2], size: [usize; 2]) -> Self {
        sample.sort_by(f64::total_cmp);
        let at = |part: f64| sample.get((sample.len() as f64 * part) as usize).copied().unwrap_or(0.0);
        let spread = ((at(0.75) - at(0.25)) / 1.349).max((at(0.977) - at(0.5)) / 2.0);
        let [down, across] = [0, 1].map(|axis| scene[axis] as f64 / size[axis].max(1) as f64);
        let patches = down * across;
        let reaches = (at(0.5) + spread * (2.0 * patches.max(1.0).ln()).sqrt()).tanh();
        Chance { spread, patches, reaches }
    }
}
