//! Scenes with known answers, composed of free photographs.

use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};
use ndarray::Array3;

use super::places::Area;
use super::variants::{Alteration, Decoy, Side, altered, normal};
use crate::Error;
use crate::photograph::{self, decode};
use crate::reference::Noise;

/// A cup of coffee on a table.
const COFFEE: (&str, &[u8]) = ("coffee.png", include_bytes!("../../assets/coffee.png"));

/// Pixels that stay free around whatever is put into a scene.
const APART: usize = 3;

/// A photograph that ships.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Photo {
    /// A cat named Chelsea.
    Cat,
    /// A cup of coffee.
    Coffee,
}

impl Photo {
    /// The photograph, `width × height` pixels; cut where the shape is another.
    ///
    /// # Errors
    /// [`Error::Picture`]; not known to happen.
    pub fn sized(self, width: u32, height: u32) -> Result<RgbImage, Error> {
        let picture = self.whole()?;
        let (across, down) = picture.dimensions();
        let fit = (f64::from(across) / f64::from(width)).min(f64::from(down) / f64::from(height));
        let [w, h] =
            [(width, across), (height, down)].map(|(l, most)| ((f64::from(l) * fit) as u32).min(most));
        let cut = imageops::crop_imm(&picture, (across - w) / 2, (down - h) / 2, w, h).to_image();
        Ok(imageops::resize(&cut, width, height, FilterType::Lanczos3))
    }

    /// What is looked for in the *other* photograph: the cup with its saucer, or the cat's face;
    /// `side` pixels square.
    ///
    /// # Errors
    /// As [`Photo::sized`].
    pub fn subject(self, side: u32) -> Result<RgbImage, Error> {
        let [x, y, width] = match self {
            Photo::Cat => [75, 15, 270],
            Photo::Coffee => [92, 14, 376],
        };
        let cut = imageops::crop_imm(&self.whole()?, x, y, width, width).to_image();
        Ok(imageops::resize(&cut, side, side, FilterType::Lanczos3))
    }

    fn whole(self) -> Result<RgbImage, Error> {
        let (name, bytes) = match self {
            Photo::Cat => photograph::SHIPPED,
            Photo::Coffee => COFFEE,
        };
        decode(bytes, name.into())
    }
}

/// Something that is put into a scene.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Thing {
    /// A copy of the template.
    Copy {
        /// What happens to it.
        change: Alteration,
        /// A side of it that a piece of the scene itself hides.
        hidden: Option<(Side, f32)>,
    },
    /// Something in its colours that it is not.
    Decoy(Decoy),
}

/// A scene with the answer.
#[derive(Debug, Clone)]
pub struct Case {
    /// A few words.
    pub name: &'static str,
    /// The scene.
    pub scene: RgbImage,
    /// The template.
    pub template: RgbImage,
    /// Where the copies are.
    pub copies: Vec<Area>,
    /// Where the decoys are.
    pub decoys: Vec<Area>,
}

/// A copy as it is.
pub const PLAIN: Thing = Thing::Copy { change: UNCHANGED, hidden: None };

const UNCHANGED: Alteration =
    Alteration { shift: [0.0; 2], zoom: 1.0, gain: 1.0, offset: 0.0, noise: 0.0, cover: None };

fn copy(change: Alteration) -> Thing {
    Thing::Copy { change, hidden: None }
}

/// Every case: its name, what is put into the scene, and the noise over all of it in grey levels.
#[must_use]
pub fn cases() -> Vec<(&'static str, Vec<Thing>, f32)> {
    let hidden = |side, share| Thing::Copy { change: UNCHANGED, hidden: Some((side, share)) };
    let zoomed = |zoom| copy(Alteration { zoom, ..UNCHANGED });
    let dim = copy(Alteration { gain: 0.5, offset: 10.0, ..UNCHANGED });
    let bright = copy(Alteration { gain: 0.7, offset: 70.0, ..UNCHANGED });
    let decoys: Vec<Thing> = Decoy::ALL.into_iter().map(Thing::Decoy).collect();
    let some = || decoys.iter().copied();
    vec![
        ("plain", vec![PLAIN], 0.0),
        ("dimmed and brightened", vec![dim, bright], 0.0),
        ("noise, σ = 15", vec![PLAIN], 15.0),
        ("a quarter covered", vec![hidden(Side::Left, 0.25), hidden(Side::Bottom, 0.25)], 0.0),
        ("0.85 and 1.2 times as large", vec![zoomed(0.85), zoomed(1.2)], 0.0),
        ("one among decoys", some().chain([PLAIN]).collect(), 0.0),
        ("five copies", vec![PLAIN, dim, bright, PLAIN, zoomed(1.1)], 4.0),
        ("all of it", some().chain([dim, hidden(Side::Top, 0.2), zoomed(1.15), PLAIN]).collect(), 8.0),
        ("decoys alone", some().collect(), 4.0),
        ("nothing", Vec::new(), 4.0),
    ]
}

/// Puts things into a backdrop where `seed` says, and noise over it.
///
/// A thing for which no room is found is left out of the scene and of the answer.
#[must_use]
pub fn compose(
    name: &'static str,
    backdrop: &RgbImage,
    template: &RgbImage,
    things: &[Thing],
    grain: f32,
    seed: u64,
) -> Case {
    let mut noise = Noise::new(seed);
    let mut scene = backdrop.clone();
    let levels = levels(template);
    let (mut copies, mut decoys): (Vec<Area>, Vec<Area>) = (Vec::new(), Vec::new());
    for thing in things {
        let zoom = match thing {
            Thing::Copy { change, .. } => change.zoom,
            Thing::Decoy(_) => 1.0,
        };
        let [width, height] =
            [template.width(), template.height()].map(|length| (length as f32 * zoom).round() as u32);
        let taken: Vec<Area> = copies.iter().chain(&decoys).copied().collect();
        let Some(area) = room(&scene, [width, height], &taken, &mut noise) else { continue };
        match thing {
            Thing::Copy { change, hidden } => {
                let before = scene.clone();
                let sized = imageops::resize(template, width, height, FilterType::CatmullRom);
                let sized = if change.zoom == 1.0 { levels.clone() } else { self::levels(&sized) };
                let change = Alteration { zoom: 1.0, ..*change };
                paste(&mut scene, &altered(&sized, &change, 0, &mut noise), area);
                if let Some((side, share)) = hidden {
                    hide(&mut scene, &before, area, *side, *share);
                }
                copies.push(area);
            }
            Thing::Decoy(decoy) => {
                paste(&mut scene, &decoy.of(&levels, &mut noise), area);
                decoys.push(area);
            }
        }
    }
    if grain > 0.0 {
        for level in scene.iter_mut() {
            *level = (f32::from(*level) + grain * normal(&mut noise)).round().clamp(0.0, 255.0) as u8;
        }
    }
    Case { name, scene, template: template.clone(), copies, decoys }
}

/// The levels of a picture, `[h, w, 3]`.
fn levels(picture: &RgbImage) -> Array3<f32> {
    let (width, height) = picture.dimensions();
    Array3::from_shape_fn((height as usize, width as usize, 3), |(i, j, c)| {
        f32::from(picture.get_pixel(j as u32, i as u32)[c])
    })
}

/// A box that keeps its distance from every other.
fn room(scene: &RgbImage, [width, height]: [u32; 2], taken: &[Area], noise: &mut Noise) -> Option<Area> {
    let [free_across, free_down] =
        [(scene.width(), width), (scene.height(), height)].map(|(whole, part)| whole.checked_sub(part));
    let (across, down) = (free_across? as usize + 1, free_down? as usize + 1);
    let (width, height) = (width as usize, height as usize);
    (0..2000).map(|_| Area { x: noise.below(across), y: noise.below(down), width, height }).find(|area| {
        let wide = Area {
            x: area.x.saturating_sub(APART),
            y: area.y.saturating_sub(APART),
            width: width + 2 * APART,
            height: height + 2 * APART,
        };
        taken.iter().all(|other| wide.overlap(other) == 0.0)
    })
}

fn paste(scene: &mut RgbImage, picture: &Array3<f32>, area: Area) {
    for ((i, j, c), level) in picture.indexed_iter() {
        scene.get_pixel_mut((area.x + j) as u32, (area.y + i) as u32)[c] =
            level.round().clamp(0.0, 255.0) as u8;
    }
}

/// Lays a piece of the scene from elsewhere over one side of a box.
fn hide(scene: &mut RgbImage, before: &RgbImage, area: Area, side: Side, share: f32) {
    let part = |length: usize| (length as f32 * share).round() as usize;
    let Area { x, y, width, height } = area;
    let (rows, columns) = match side {
        Side::Top => (0..part(height), 0..width),
        Side::Bottom => (height - part(height)..height, 0..width),
        Side::Left => (0..height, 0..part(width)),
        Side::Right => (0..height, width - part(width)..width),
    };
    let (across, down) = (before.width() as usize, before.height() as usize);
    for i in rows {
        for j in columns.clone() {
            let from = [(x + j + across / 2) % across, (y + i + down / 3) % down];
            let pixel: Rgb<u8> = *before.get_pixel(from[0] as u32, from[1] as u32);
            scene.put_pixel((x + j) as u32, (y + i) as u32, pixel);
        }
    }
}
