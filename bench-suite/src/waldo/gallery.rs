//! Every composed case, searched: what the report shows of Waldo.

use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};
use serde::{Deserialize, Serialize};

use super::compose::{Case, Photo, cases, compose};
use super::learn::{self, Quality, learn};
use super::pictures;
use super::scene::Scene;
use super::search::{Detector, Options, Outcome, search};
use super::template::Template;
use crate::Error;
use crate::photograph::{Picture, encode};
use crate::progress::Progress;

/// Columns and rows of the report's scenes.
const SIZE: [u32; 2] = [480, 320];

/// Columns and rows of the scene of the demonstration: a megapixel, nearly.
const DEMONSTRATION: [u32; 2] = [1200, 800];

/// The side of a template, in pixels.
const SIDE: u32 = 31;

/// The least overlap of a found box with a true one, intersection over union.
const HIT: f64 = 0.5;

/// The case that the pictures show.
const SHOWN: usize = 7;

/// How a filter did in a scene.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Copies that were found.
    pub found: usize,
    /// Copies that were missed.
    pub missed: usize,
    /// Places that are no copy.
    pub false_places: usize,
    /// The best score in the scene.
    pub best: f64,
    /// The threshold.
    pub threshold: f64,
    /// Seconds that scoring took.
    pub seconds: f64,
}

/// A scene of the report, searched with the template and with the learnt filter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// What is looked for, and in what.
    pub subject: String,
    /// What was done to the copies.
    pub case: String,
    /// By the template itself.
    pub template: Score,
    /// By the learnt filter, where one was learnt.
    pub learnt: Option<Score>,
}

/// What learning changed for one subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lesson {
    /// What is looked for, and in what.
    pub subject: String,
    /// Scores of the template.
    pub before: Quality,
    /// Scores of the learnt filter.
    pub after: Quality,
    /// Seconds that learning took.
    pub seconds: f64,
}

/// Everything that the report says of Waldo, but for the pictures.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Findings {
    /// Columns and rows of a scene.
    pub scene: [u32; 2],
    /// Columns and rows of a template.
    pub template: [u32; 2],
    /// Scales that are searched.
    pub scales: Vec<f64>,
    /// One for each scene.
    pub rows: Vec<Row>,
    /// One for each filter that was learnt.
    pub lessons: Vec<Lesson>,
    /// A scene of a megapixel: the fewest seconds of three runs on every thread of the pool.
    pub megapixel: f64,
    /// Threads of that.
    pub threads: usize,
    /// The pictures.
    #[serde(skip)]
    pub pictures: Vec<Picture>,
}

/// What is looked for, in which photograph, and whether a filter is learnt for it.
const SUBJECTS: [(&str, Photo, Photo, bool); 2] = [
    ("the cat on the coffee table", Photo::Cat, Photo::Coffee, false),
    // Its mirror image is much like it: the template needs the help.
    ("the cup on the cat", Photo::Coffee, Photo::Cat, true),
];

/// The scene of `tapwise waldo --demo`: cups of two sizes on a cat, dimmed, hidden, and among decoys.
///
/// # Errors
/// As [`Photo::sized`].
pub fn demonstration() -> Result<Case, Error> {
    let [width, height] = DEMONSTRATION;
    let (name, things, grain) = cases().swap_remove(SHOWN);
    Ok(compose(name, &Photo::Cat.sized(width, height)?, &Photo::Coffee.subject(SIDE)?, &things, grain, 2))
}

/// Composes and searches every case; learns in a scene of its own, that no case uses again.
///
/// # Errors
/// As [`search`] and [`Photo::sized`].
pub fn measure() -> Result<Findings, Error> {
    let options = Options::default();
    let mut findings = Findings {
        scene: SIZE,
        template: [SIDE; 2],
        scales: options.scales.clone(),
        threads: rayon::current_num_threads(),
        ..Findings::default()
    };
    for (subject, what, place, learns) in SUBJECTS {
        let (backdrop, picture) = (place.sized(SIZE[0], SIZE[1])?, what.subject(SIDE)?);
        let template = Template::new(&picture)?;
        let learnt = if learns {
            let (name, things, grain) = cases().swap_remove(SHOWN);
            let lesson = compose(name, &backdrop, &picture, &things, grain, 1000);
            let learnt = learn(&template, &Scene::new(lesson.scene), learn::STEPS)?;
            let detector = Detector::with(&template, &learnt.weights)?;
            Some((learnt, detector))
        } else {
            None
        };
        let detector = Detector::new(&template)?;
        let progress = Progress::new(subject, cases().len());
        for (index, (name, things, grain)) in cases().into_iter().enumerate() {
            progress.say(name);
            let case = compose(name, &backdrop, &picture, &things, grain, index as u64);
            let scene = Scene::new(case.scene.clone());
            let plain = search(&scene, &detector, &options)?;
            let mut by_learnt = None;
            if let Some((learnt, detector)) = &learnt {
                let taught = search(&scene, detector, &options)?;
                by_learnt = Some(judge(&case, &taught));
                if index == SHOWN {
                    findings.pictures = show(&case, &plain, &taught, &picture, &learnt.weights)?;
                }
            }
            findings.rows.push(Row {
                subject: subject.to_owned(),
                case: name.to_owned(),
                template: judge(&case, &plain),
                learnt: by_learnt,
            });
            progress.step();
        }
        if let Some((learnt, _)) = learnt {
            findings.lessons.push(Lesson {
                subject: subject.to_owned(),
                before: learnt.before,
                after: learnt.after,
                seconds: learnt.seconds,
            });
        }
    }
    let case = demonstration()?;
    let detector = Detector::new(&Template::new(&case.template)?)?;
    let scene = Scene::new(imageops::resize(&case.scene, 1000, 1000, FilterType::Triangle));
    findings.megapixel = f64::INFINITY;
    for _ in 0..3 {
        let seconds = search(&scene, &detector, &options)?.seconds;
        findings.megapixel = findings.megapixel.min(seconds);
    }
    Ok(findings)
}

/// Compares what was found with what is there.
#[must_use]
pub fn judge(case: &Case, outcome: &Outcome) -> Score {
    let Outcome { places, next, threshold, seconds, .. } = outcome;
    let found = case.copies.iter().filter(|copy| places.iter().any(|place| place.area.overlap(copy) > HIT));
    let found = found.count();
    let is_copy = |place: &&super::Place| case.copies.iter().any(|copy| place.area.overlap(copy) > HIT);
    Score {
        found,
        missed: case.copies.len() - found,
        false_places: places.len() - places.iter().filter(is_copy).count(),
        best: places.first().or(next.as_ref()).map_or(0.0, |place| f64::from(place.score)),
        threshold: threshold.value,
        seconds: *seconds,
    }
}

/// The scene with boxes, and the heat maps of both filters.
fn show(
    case: &Case,
    plain: &Outcome,
    taught: &Outcome,
    picture: &RgbImage,
    weights: &Template,
) -> Result<Vec<Picture>, Error> {
    let boxed = pictures::boxes(&case.scene, &taught.places);
    // Below the scene, enlarged: what is looked for, and what was learnt of it.
    let (width, height) = boxed.dimensions();
    let mut shown = RgbImage::from_pixel(width, height + 2 * SIDE + 8, Rgb([255; 3]));
    imageops::replace(&mut shown, &boxed, 0, 0);
    for (left, inset) in [(4, picture.clone()), (2 * SIDE + 8, learn::picture(weights))] {
        let large = imageops::resize(&inset, 2 * SIDE, 2 * SIDE, FilterType::Nearest);
        imageops::replace(&mut shown, &large, i64::from(left), i64::from(height + 4));
    }
    let heat = |outcome: &Outcome| pictures::heat(&outcome.heat, outcome.threshold.value);
    Ok(vec![
        encode(
            &shown,
            "waldo-scene",
            "What the learnt filter finds; below, enlarged, the template and the filter that was learnt from it",
        )?,
        encode(
            &heat(plain),
            "waldo-heat-template",
            "The best score around each pixel, with the template as the filter; the mark on the scale is the threshold",
        )?,
        encode(
            &heat(taught),
            "waldo-heat-learnt",
            "The same with the learnt filter: decoys and the cat fade",
        )?,
    ])
}
