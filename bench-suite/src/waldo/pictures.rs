//! What a search looks like: the scene with numbered boxes, and the heat map with its scale.

use image::{Rgb, RgbImage};
use ndarray::Array2;

use super::places::{Area, Place};

/// Colours of scores from 0 to 1, evenly far apart to the eye and ever lighter, so that they are in
/// order in grey too (the map *inferno* of matplotlib, by S. van der Walt and N. Smith, CC0).
const HEAT: [[u8; 3]; 9] = [
    [0, 0, 4],
    [31, 12, 72],
    [85, 15, 109],
    [136, 34, 106],
    [186, 54, 85],
    [227, 89, 51],
    [249, 140, 10],
    [249, 201, 50],
    [252, 255, 164],
];

/// Where no patch has its middle.
const OUTSIDE: Rgb<u8> = Rgb([96, 96, 96]);

const PAPER: Rgb<u8> = Rgb([255, 255, 255]);
const INK: Rgb<u8> = Rgb([32, 32, 32]);
const BOX: Rgb<u8> = Rgb([255, 225, 40]);

/// Digits and a point, three pixels by five, a row to three bits.
const GLYPHS: [(char, u16); 11] = [
    ('0', 0b111_101_101_101_111),
    ('1', 0b010_110_010_010_111),
    ('2', 0b111_001_111_100_111),
    ('3', 0b111_001_111_001_111),
    ('4', 0b101_101_111_001_001),
    ('5', 0b111_100_111_001_111),
    ('6', 0b111_100_111_101_111),
    ('7', 0b111_001_010_010_010),
    ('8', 0b111_101_111_101_111),
    ('9', 0b111_101_111_001_111),
    ('.', 0b000_000_000_000_010),
];

/// The scene with a box around each place, numbered from 1 in the order given.
#[must_use]
pub fn boxes(scene: &RgbImage, places: &[Place]) -> RgbImage {
    let mut picture = scene.clone();
    let zoom = zoom(scene);
    // The first are drawn last, over the others.
    for (index, place) in places.iter().enumerate().rev() {
        let Area { x, y, width, height } = place.area;
        let [x, y, width, height] = [x, y, width, height].map(|length| length as i64);
        for (gap, colour) in [(2, Rgb([0; 3])), (1, BOX)] {
            let (left, top) = (x - gap, y - gap);
            let (right, bottom) = (x + width - 1 + gap, y + height - 1 + gap);
            fill(&mut picture, [left, top, right - left + 1, 1], colour);
            fill(&mut picture, [left, bottom, right - left + 1, 1], colour);
            fill(&mut picture, [left, top, 1, bottom - top + 1], colour);
            fill(&mut picture, [right, top, 1, bottom - top + 1], colour);
        }
        let number = (index + 1).to_string();
        let (wide, high) = (text_width(&number, zoom) + 2 * zoom, 7 * zoom);
        // Above the box, or inside where there is no room.
        let top = if y - 1 - high < 0 { y } else { y - 1 - high };
        let left = (x - 1).min(i64::from(scene.width()) - wide).max(0);
        fill(&mut picture, [left, top, wide, high], BOX);
        text(&mut picture, &number, [left + zoom, top + zoom], zoom, Rgb([0; 3]));
    }
    picture
}

/// The scores of a scene as colours, with the scale from 0 to 1 below and a mark at the threshold.
/// Scores below 0 are shown as 0.
#[must_use]
pub fn heat(scores: &Array2<f32>, threshold: f64) -> RgbImage {
    let (rows, columns) = scores.dim();
    let (width, height) = (columns as u32, rows as u32);
    let map = RgbImage::from_fn(width, height, |x, y| colour(scores[[y as usize, x as usize]]));
    let zoom = zoom(&map);
    let (wide, high) = (i64::from(width), i64::from(height));
    let strip = 22 * zoom;
    let mut picture = RgbImage::from_pixel(width, height + strip as u32, PAPER);
    image::imageops::replace(&mut picture, &map, 0, 0);
    let (left, length) = (4 * zoom, (wide - 8 * zoom).max(1));
    let (top, thick) = (high + 5 * zoom, 7 * zoom);
    for step in 0..length {
        let score = step as f32 / (length - 1).max(1) as f32;
        fill(&mut picture, [left + step, top, 1, thick], colour(score));
    }
    let at = |score: f64| left + (score * (length - 1) as f64).round() as i64;
    for (score, label) in [(0.0, "0"), (0.5, "0.5"), (1.0, "1")] {
        fill(&mut picture, [at(score), top + thick, 1, 2 * zoom], INK);
        let wide_label = text_width(label, zoom);
        let start = (at(score) - wide_label / 2).clamp(0, (wide - wide_label).max(0));
        text(&mut picture, label, [start, top + thick + 3 * zoom], zoom, INK);
    }
    if (0.0..=1.0).contains(&threshold) {
        // A bar through the scale, wider at its top.
        fill(&mut picture, [at(threshold) - zoom, high + zoom, 2 * zoom + 1, 3 * zoom], INK);
        fill(&mut picture, [at(threshold) - 1, high + zoom, 3, thick + 4 * zoom], PAPER);
        fill(&mut picture, [at(threshold), high + zoom, 1, thick + 4 * zoom], INK);
        fill(&mut picture, [at(threshold) - zoom, high + zoom, 2 * zoom + 1, 2 * zoom], INK);
    }
    picture
}

/// Pixels of a picture for one of lettering.
fn zoom(picture: &RgbImage) -> i64 {
    (i64::from(picture.width().min(picture.height())) / 150).clamp(1, 6)
}

fn colour(score: f32) -> Rgb<u8> {
    if score.is_nan() {
        return OUTSIDE;
    }
    let at = score.clamp(0.0, 1.0) * (HEAT.len() - 1) as f32;
    let below = (at as usize).min(HEAT.len() - 2);
    let part = at - below as f32;
    Rgb([0, 1, 2].map(|c| {
        let [low, high] = [HEAT[below][c], HEAT[below + 1][c]].map(f32::from);
        (low + (high - low) * part).round() as u8
    }))
}

/// Fills `[x, y, width, height]` as far as it is inside.
fn fill(picture: &mut RgbImage, [x, y, width, height]: [i64; 4], colour: Rgb<u8>) {
    let inside = |first: i64, length: i64, whole: u32| first.max(0)..(first + length).min(i64::from(whole));
    for row in inside(y, height, picture.height()) {
        for column in inside(x, width, picture.width()) {
            picture.put_pixel(column as u32, row as u32, colour);
        }
    }
}

fn text_width(text: &str, zoom: i64) -> i64 {
    (4 * text.chars().count() as i64 - 1) * zoom
}

fn text(picture: &mut RgbImage, text: &str, [x, y]: [i64; 2], zoom: i64, colour: Rgb<u8>) {
    for (index, letter) in text.chars().enumerate() {
        let Some((_, dots)) = GLYPHS.iter().find(|(glyph, _)| *glyph == letter) else { continue };
        for dot in 0..15 {
            if dots >> (14 - dot) & 1 == 1 {
                let left = x + (4 * index as i64 + dot % 3) * zoom;
                fill(picture, [left, y + dot / 3 * zoom, zoom, zoom], colour);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(x: usize, y: usize) -> Place {
        Place { score: 0.9, area: Area { x, y, width: 9, height: 7 }, scale: 1.0 }
    }

    #[test]
    fn a_box_leaves_what_is_in_it() {
        let scene = RgbImage::from_pixel(60, 50, Rgb([9, 90, 200]));
        let picture = boxes(&scene, &[place(20, 30), place(0, 0), place(51, 43)]);
        for (x, y) in [(20, 30), (28, 36)] {
            assert_eq!(picture.get_pixel(x, y), scene.get_pixel(x, y));
        }
        for (x, y) in [(19, 29), (29, 37), (19, 33)] {
            assert_eq!(picture.get_pixel(x, y), &BOX);
        }
    }

    #[test]
    fn hotter_is_lighter() {
        let light = |score: f32| colour(score).0.iter().map(|&level| u32::from(level)).sum::<u32>();
        let steps: Vec<u32> = (0..=8).map(|step| light(step as f32 / 8.0)).collect();
        assert!(steps.is_sorted(), "{steps:?}");
        assert_eq!((light(-0.7), light(1.5)), (light(0.0), light(1.0)));
    }

    #[test]
    fn the_scale_is_below_the_map() {
        let scores = Array2::from_elem((30, 80), f32::NAN);
        let picture = heat(&scores, 0.5);
        assert_eq!(picture.dimensions(), (80, 52));
        assert!(picture.rows().take(30).flatten().all(|pixel| *pixel == OUTSIDE));
        assert_eq!(*picture.get_pixel(4, 38), colour(0.0));
    }
}
