//! `tapwise waldo`: reads two pictures, searches, writes pictures of the answer, and says it.

use std::path::{Path, PathBuf};
use std::{fs, io};

use image::RgbImage;
use serde::Serialize;

use super::gallery;
use super::learn::{self, Learnt, Quality};
use super::scene::Scene;
use super::search::{Detector, Options, Outcome, search};
use super::template::Template;
use super::threshold::Threshold;
use super::{Place, pictures, words};
use crate::Error;
use crate::records::to_json;

/// What the user asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// The picture to search; with the template. None for the demonstration.
    pub pictures: Option<[PathBuf; 2]>,
    /// Scales and threshold.
    pub options: Options,
    /// Rows of the table.
    pub top: usize,
    /// Whether to train the filter.
    pub learn: bool,
    /// The folder of what is written.
    pub out: PathBuf,
}

/// What `places.json` holds.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    places: &'a [Place],
    next: Option<Place>,
    threshold: Threshold,
    sizes: &'a [[usize; 2]],
    skipped: &'a [String],
    seconds: f64,
    before_learning: Option<Quality>,
    after_learning: Option<Quality>,
}

/// Does it, and returns what is to be printed. That there is no Waldo is no error.
///
/// # Errors
/// Everything that [`Error`] names of pictures, templates and files.
pub fn run(request: &Request) -> Result<String, Error> {
    let folder = Folder::new(&request.out)?;
    let mut text = String::new();
    let (scene, template) = match &request.pictures {
        Some([scene, template]) => (Scene::read(scene)?, Template::read(template)?),
        None => {
            let case = gallery::demonstration()?;
            let scene = folder.picture("demo-scene.png", &case.scene)?;
            let template = folder.picture("demo-template.png", &case.template)?;
            text.push_str(&format!(
                "composed {} with {} copies and {} decoys, and {}\n",
                scene.display(),
                case.copies.len(),
                case.decoys.len(),
                template.display()
            ));
            (Scene::new(case.scene), Template::new(&case.template)?)
        }
    };
    let ([height, width], [rows, columns]) = (scene.size(), template.size());
    text.push_str(&format!("scene {width} × {height} pixels, template {columns} × {rows}\n"));
    // A template that does not fit is told before anything else is done.
    template.bank(&request.options.scales, scene.size())?;
    let learnt = if request.learn { Some(learn::learn(&template, &scene, learn::STEPS)?) } else { None };
    let weights = learnt.as_ref().map_or(&template, |learnt| &learnt.weights);
    let outcome = search(&scene, &Detector::with(&template, weights)?, &request.options)?;
    text.push_str(&words::work(&scene, &outcome));
    if let Some(learnt) = &learnt {
        let plain = search(&scene, &Detector::new(&template)?, &request.options)?;
        text.push_str(&format!("\n{}", words::learnt(learnt)));
        text.push_str(&format!(
            "In the scene, the template alone finds {} at a threshold of {:.2}, the learnt filter {} at {:.2}.\n",
            plain.places.len(),
            plain.threshold.value,
            outcome.places.len(),
            outcome.threshold.value
        ));
    }
    text.push_str(&format!("\n{}\n", words::found(&outcome, request.top)));
    text.push_str(&write(&folder, &scene, &outcome, learnt.as_ref(), request.top)?);
    Ok(text)
}

fn write(
    folder: &Folder,
    scene: &Scene,
    outcome: &Outcome,
    learnt: Option<&Learnt>,
    top: usize,
) -> Result<String, Error> {
    let shown = &outcome.places[..top.min(outcome.places.len())];
    let mut written = vec![
        folder.picture("scene.png", &pictures::boxes(scene.picture(), shown))?,
        folder.picture("heat.png", &pictures::heat(&outcome.heat, outcome.threshold.value))?,
    ];
    if let Some(learnt) = learnt {
        written.push(folder.picture("filter.png", &learn::picture(&learnt.weights))?);
    }
    let answer = Answer {
        places: &outcome.places,
        next: outcome.next,
        threshold: outcome.threshold,
        sizes: &outcome.sizes,
        skipped: &outcome.skipped,
        seconds: outcome.seconds,
        before_learning: learnt.map(|learnt| learnt.before),
        after_learning: learnt.map(|learnt| learnt.after),
    };
    written.push(folder.bytes("places.json", to_json(&answer, "places.json")?.as_bytes())?);
    let written: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
    Ok(format!("wrote {}\n", written.join(", ")))
}

/// The folder that files go to; made with the first of them.
#[derive(Debug)]
struct Folder(PathBuf);

impl Folder {
    /// Sees that there is no file in the folder's place.
    fn new(path: &Path) -> Result<Self, Error> {
        if path.exists() && !path.is_dir() {
            let source = io::Error::new(io::ErrorKind::NotADirectory, "a file of this name is in the way");
            return Err(Error::Write { path: path.to_owned(), source });
        }
        Ok(Folder(path.to_owned()))
    }

    fn bytes(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, Error> {
        let path = self.0.join(name);
        let fail = |source| Error::Write { path: path.clone(), source };
        fs::create_dir_all(&self.0).map_err(fail)?;
        fs::write(&path, bytes).map_err(fail)?;
        Ok(path)
    }

    fn picture(&self, name: &str, picture: &RgbImage) -> Result<PathBuf, Error> {
        let mut bytes = io::Cursor::new(Vec::new());
        picture.write_to(&mut bytes, image::ImageFormat::Png).map_err(Error::Encode)?;
        self.bytes(name, bytes.get_ref())
    }
}
