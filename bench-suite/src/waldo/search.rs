//! One search, from a scene and a template to the places that were found.

use std::time::Instant;

use ndarray::Array2;

use super::places::{Place, merge, peaks};
use super::scene::Scene;
use super::score;
use super::template::{Filter, Template};
use super::threshold::{Calibration, Chance, Threshold, calibrate, sample};
use crate::Error;
use crate::progress::Progress;

/// Scales that are searched unless others are asked for.
pub const SCALES: [f64; 5] = [0.8, 0.9, 1.0, 1.1, 1.25];

/// Places that are kept at most.
pub const MOST: usize = 1000;

/// Multiply-adds of a second that are counted on when a search is announced as long.
const PACE: f64 = 2e10;

/// How to search.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// How many times larger than the template Waldo may be.
    pub scales: Vec<f64>,
    /// A threshold instead of the one that is weighed.
    pub threshold: Option<f64>,
}

impl Default for Options {
    fn default() -> Self {
        Options { scales: SCALES.to_vec(), threshold: None }
    }
}

/// A filter, and what copies and decoys of its template score by it: made once, for any scene.
#[derive(Debug, Clone, PartialEq)]
pub struct Detector {
    weights: Template,
    calibration: Calibration,
}

impl Detector {
    /// The template itself as the filter.
    ///
    /// # Errors
    /// Those of the layer.
    pub fn new(template: &Template) -> Result<Self, Error> {
        Detector::with(template, template)
    }

    /// What [`super::learn`] made of a template.
    ///
    /// # Errors
    /// Those of the layer.
    pub fn with(template: &Template, weights: &Template) -> Result<Self, Error> {
        Ok(Detector { weights: weights.clone(), calibration: calibrate(template, weights)? })
    }
}

/// What a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The places from the threshold on, best first; none where there is no Waldo.
    pub places: Vec<Place>,
    /// The best place below the threshold.
    pub next: Option<Place>,
    /// The threshold and its reasons.
    pub threshold: Threshold,
    /// The best score over all scales of a patch by its middle, `[H, W]`; NaN where no patch has
    /// its middle.
    pub heat: Array2<f32>,
    /// Rows and columns of the template at each scale that was searched.
    pub sizes: Vec<[usize; 2]>,
    /// Why a scale was left out, a sentence each.
    pub skipped: Vec<String>,
    /// Seconds that scoring took: filters, maps and peaks.
    pub seconds: f64,
}

/// Searches a scene at every place and scale.
///
/// ```
/// use image::{Rgb, RgbImage};
/// use tapwise_bench::waldo::{Detector, Options, Scene, Template, search};
///
/// let picture = RgbImage::from_fn(90, 70, |x, y| {
///     Rgb([(x * y % 251) as u8, (x * 7 % 97 + y) as u8, (x * x % 83) as u8])
/// });
/// let cut = image::imageops::crop_imm(&picture, 33, 21, 15, 12).to_image();
/// let detector = Detector::new(&Template::new(&cut)?)?;
/// let found = search(&Scene::new(picture), &detector, &Options::default())?;
/// let best = found.places[0];
/// assert_eq!((best.area.x, best.area.y, best.scale), (33, 21, 1.0));
/// assert!(best.score > 0.999);
/// # Ok::<(), tapwise_bench::Error>(())
/// ```
///
/// # Errors
/// [`Error::TemplateExceedsScene`], and those of the layer.
pub fn search(scene: &Scene, detector: &Detector, options: &Options) -> Result<Outcome, Error> {
    let start = Instant::now();
    let [height, width] = scene.size();
    let bank = detector.weights.bank(&options.scales, scene.size())?;
    let work = |filter: &Filter| {
        let (rows, columns, _) = filter.weights.dim();
        filter.weights.len() as f64 * ((height + 1 - rows) * (width + 1 - columns)) as f64
    };
    let long = bank.filters.iter().map(work).sum::<f64>() > PACE;
    let progress = long.then(|| Progress::new("scales", bank.filters.len()));
    let mut heat = Array2::from_elem((height, width), f32::NAN);
    let (mut found, mut chance, mut sizes) = (Vec::new(), Vec::new(), Vec::new());
    for filter in &bank.filters {
        let (rows, columns, _) = filter.weights.dim();
        let scores = score::map(scene, filter)?;
        found.extend(peaks(&scores, [rows, columns], filter.scale));
        chance.extend(sample(&scores));
        let (down, across) = scores.dim();
        let middle = ndarray::s![rows / 2..rows / 2 + down, columns / 2..columns / 2 + across];
        ndarray::Zip::from(heat.slice_mut(middle)).and(&scores).par_for_each(|heat, &score| {
            *heat = heat.max(score);
        });
        sizes.push([rows, columns]);
        if let Some(progress) = &progress {
            progress.step();
        }
    }
    let chance = Chance::of(chance, scene.size(), detector.weights.size());
    let threshold = Threshold::weigh(detector.calibration, chance, options.threshold);
    let (places, next) = merge(found, threshold.value as f32, MOST);
    let seconds = start.elapsed().as_secs_f64();
    Ok(Outcome { places, next, threshold, heat, sizes, skipped: bank.skipped, seconds })
}
