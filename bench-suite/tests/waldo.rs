//! Finding templates in scenes: the score against f64, composed scenes against their answers, and
//! what is refused.

use std::path::PathBuf;

use image::{Rgb, RgbImage, imageops};
use ndarray::{Array3, s};
use tapwise_bench::Error;
use tapwise_bench::reference::Noise;
use tapwise_bench::waldo::command::{self, Request};
use tapwise_bench::waldo::compose::{Case, PLAIN, Photo, Thing, cases, compose};
use tapwise_bench::waldo::gallery::judge;
use tapwise_bench::waldo::learn::learn;
use tapwise_bench::waldo::variants::Decoy;
use tapwise_bench::waldo::{Detector, Options, Outcome, Scene, Template, score, search};

/// Columns, rows and template of the small scenes.
const SIZE: [u32; 2] = [200, 170];
const SIDE: u32 = 23;

/// Scales that may answer copies of 0.85 and 1.2 times the size.
const SCALES: [[f64; 2]; 2] = [[0.8, 0.9], [1.1, 1.25]];

fn noise_picture(width: u32, height: u32, seed: u64) -> RgbImage {
    let mut noise = Noise::new(seed);
    RgbImage::from_fn(width, height, |_, _| Rgb([0; 3].map(|_| noise.below(256) as u8)))
}

fn levels(picture: &RgbImage) -> Array3<f32> {
    let (width, height) = picture.dimensions();
    Array3::from_shape_fn((height as usize, width as usize, 3), |(i, j, c)| {
        f32::from(picture.get_pixel(j as u32, i as u32)[c])
    })
}

fn detector(template: &RgbImage) -> Detector {
    Detector::new(&Template::new(template).unwrap()).unwrap()
}

fn find(scene: &RgbImage, detector: &Detector) -> Outcome {
    search(&Scene::new(scene.clone()), detector, &Options::default()).unwrap()
}

fn backdrop() -> RgbImage {
    Photo::Coffee.sized(SIZE[0], SIZE[1]).unwrap()
}

fn case(index: usize, backdrop: &RgbImage, template: &RgbImage) -> Case {
    let (name, things, grain) = cases().swap_remove(index);
    compose(name, backdrop, template, &things, grain, index as u64)
}

#[test]
fn every_score_is_that_of_equation_15() {
    // Sides that no block of places divides, a filter as large as the scene, and flat patches.
    let mut scene = noise_picture(37, 29, 1);
    for (x, y) in (0..16).flat_map(|x| (0..12).map(move |y| (x, y))) {
        scene.put_pixel(x, y, Rgb([200, 30, 60]));
    }
    let pixels = levels(&scene);
    let scene = Scene::new(scene);
    for (width, height) in [(3, 3), (5, 7), (8, 4), (37, 3), (11, 29), (37, 29), (34, 26)] {
        let template = Template::new(&noise_picture(width, height, 2)).unwrap();
        let filter = template.filter(template.size(), 1.0);
        let scores = score::map(&scene, &filter).unwrap();
        let [rows, columns] = template.size();
        assert_eq!(scores.dim(), (29 - rows + 1, 37 - columns + 1));
        for ((i, j), &found) in scores.indexed_iter() {
            let patch = pixels.slice(s![i..i + rows, j..j + columns, ..]).to_owned();
            let wanted = score::of_patch(&filter, &patch);
            assert!(
                (f64::from(found) - wanted).abs() < 2e-5,
                "{width} x {height} at {i}, {j}: {found} {wanted}"
            );
        }
    }
}

#[test]
fn a_flat_patch_scores_zero_and_a_copy_one() {
    let cut = noise_picture(5, 5, 3);
    let mut scene = RgbImage::from_pixel(30, 20, Rgb([255, 255, 255]));
    imageops::replace(&mut scene, &cut, 20, 10);
    let template = Template::new(&cut).unwrap();
    let scores = score::map(&Scene::new(scene), &template.filter([5, 5], 1.0)).unwrap();
    assert_eq!(scores[[0, 0]], 0.0);
    assert!((scores[[10, 20]] - 1.0).abs() < 1e-5);
}

#[test]
fn every_composed_case_is_answered() {
    let (backdrop, template) = (backdrop(), Photo::Cat.subject(SIDE).unwrap());
    let detector = detector(&template);
    for index in 0..cases().len() {
        let case = case(index, &backdrop, &template);
        let outcome = find(&case.scene, &detector);
        let score = judge(&case, &outcome);
        assert_eq!(
            case.copies.len(),
            cases()[index].1.iter().filter(|t| matches!(t, Thing::Copy { .. })).count()
        );
        assert_eq!(
            (score.missed, score.false_places),
            (0, 0),
            "{}: {:?} {:?}",
            case.name,
            outcome.places,
            outcome.next
        );
        for (copy, &scales) in case.copies.iter().zip(SCALES.iter().filter(|_| case.name.contains("times"))) {
            let place = outcome.places.iter().find(|place| place.area.overlap(copy) > 0.5).unwrap();
            assert!(scales.contains(&place.scale), "{place:?}");
        }
    }
}

#[test]
fn a_symmetric_template_has_no_mirrored_decoy() {
    let ring = |half: f32| {
        RgbImage::from_fn(17, 17, |x, y| {
            let radius = (x as f32 - 8.0).hypot(y as f32 - 8.0);
            if (radius - 5.0).abs() < half { Rgb([230, 60, 40]) } else { Rgb([20, 90, 120]) }
        })
    };
    let mirrored = [PLAIN, Thing::Decoy(Decoy::Mirrored), Thing::Decoy(Decoy::Turned)];
    let case = compose("a ring", &backdrop(), &ring(1.5), &mirrored, 0.0, 5);
    let outcome = find(&case.scene, &detector(&case.template));
    assert!(outcome.threshold.calibration.alike >= 4, "{:?}", outcome.threshold);
    assert_eq!(outcome.places.len(), 3, "all three look the same: {:?}", outcome.places);
}

#[test]
fn learning_parts_decoys_from_copies() {
    let backdrop = Photo::Cat.sized(SIZE[0], SIZE[1]).unwrap();
    let picture = Photo::Coffee.subject(15).unwrap();
    let template = Template::new(&picture).unwrap();
    let learnt = learn(&template, &Scene::new(backdrop.clone()), 100).unwrap();
    assert!(learnt.after.highest_decoy < learnt.before.highest_decoy - 0.1, "{learnt:?}");
    assert!(learnt.after.margin() > learnt.before.margin() + 0.1, "{learnt:?}");
    // In a scene that it did not see.
    let things = [PLAIN, Thing::Decoy(Decoy::Mirrored)];
    let case = compose("a mirror image", &backdrop, &picture, &things, 0.0, 9);
    let scene = Scene::new(case.scene.clone());
    let at = |weights: &Template, area: tapwise_bench::waldo::Area| {
        score::map(&scene, &weights.filter([15, 15], 1.0)).unwrap()[[area.y, area.x]]
    };
    let apart = |weights: &Template| at(weights, case.copies[0]) - at(weights, case.decoys[0]);
    let [after, before] = [apart(&learnt.weights), apart(&template)];
    assert!(after > before + 0.05, "{after} {before}");
    let found =
        search(&scene, &Detector::with(&template, &learnt.weights).unwrap(), &Options::default()).unwrap();
    let score = judge(&case, &found);
    assert_eq!((score.found, score.false_places), (1, 0), "{:?}", found.places);
}

#[test]
fn bad_templates_are_refused_and_say_why() {
    let small = Template::new(&RgbImage::new(2, 9)).unwrap_err().to_string();
    assert!(small.contains("2 × 9") && small.contains("at least 3 × 3"), "{small}");
    let flat = Template::new(&RgbImage::from_pixel(9, 9, Rgb([7, 8, 9]))).unwrap_err();
    assert!(matches!(flat, Error::TemplateFlat { .. }) && flat.to_string().contains("one colour"), "{flat}");
    let detector = detector(&noise_picture(60, 20, 4));
    let scene = Scene::new(noise_picture(40, 40, 5));
    let large = search(&scene, &detector, &Options::default()).unwrap_err().to_string();
    assert!(large.contains("60 × 20") && large.contains("40 × 40") && large.contains("scale 0.8"), "{large}");
    let options = Options { scales: vec![0.5, 1.0], threshold: None };
    let outcome = search(&scene, &detector, &options).unwrap();
    assert_eq!(outcome.sizes, [[10, 30]]);
    assert!(outcome.skipped[0].contains("scale 1 skipped: 60 × 20 pixels exceeds"), "{:?}", outcome.skipped);
}

#[test]
fn a_template_as_large_as_the_scene_is_found() {
    let picture = noise_picture(24, 18, 6);
    let outcome = find(&picture, &detector(&picture));
    assert_eq!((outcome.places.len(), outcome.places[0].area.width), (1, 24));
    assert!(outcome.places[0].score > 0.999);
}

fn request(folder: &str, pictures: Option<[PathBuf; 2]>) -> Request {
    let out = std::env::temp_dir().join(format!("tapwise-waldo-{folder}-{}", std::process::id()));
    Request { pictures, options: Options::default(), top: 5, learn: false, out }
}

#[test]
fn the_command_answers_and_writes() {
    let folder = request("in", None).out;
    std::fs::create_dir_all(&folder).unwrap();
    let [scene, template] = ["scene.png", "template.png"].map(|name| folder.join(name));
    // A grey scene without Waldo, and one with.
    let case = case(1, &backdrop(), &Photo::Cat.subject(SIDE).unwrap());
    imageops::grayscale(&Photo::Coffee.sized(90, 70).unwrap()).save(&scene).unwrap();
    case.template.save(&template).unwrap();
    let request = request("out", Some([scene.clone(), template]));
    let none = command::run(&request).unwrap();
    assert!(none.contains("No Waldo here: the best place scores 0."), "{none}");
    case.scene.save(&scene).unwrap();
    let two = command::run(&request).unwrap();
    assert!(
        two.contains("Waldo is at 2 places") && two.contains("scored 5 scales of 0.034 megapixels"),
        "{two}"
    );
    let places = std::fs::read_to_string(request.out.join("places.json")).unwrap();
    let places: serde_json::Value = serde_json::from_str(&places).unwrap();
    assert_eq!(places["places"].as_array().unwrap().len(), 2);
    assert!(places["places"][0]["score"].as_f64().unwrap() > 0.9);
    for (name, height) in [("scene.png", SIZE[1]), ("heat.png", SIZE[1] + 22)] {
        let picture = image::open(request.out.join(name)).unwrap();
        assert_eq!((picture.width(), picture.height()), (SIZE[0], height), "{name}");
    }
    let missing = command::run(&Request { pictures: Some([scene, "no/such.png".into()]), ..request.clone() });
    assert!(missing.unwrap_err().to_string().contains("cannot read no/such.png"));
    std::fs::remove_dir_all(&request.out).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
}
