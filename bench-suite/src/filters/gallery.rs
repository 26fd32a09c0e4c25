//! What some of the filters make of a photograph, as small pictures.

use image::imageops;
use image::{Rgb, RgbImage};
use ndarray::{Array2, Array3, Axis};
use serde::{Deserialize, Serialize};

use super::judge::BORDER;
use super::list::{ALL, Constant, Row};
use crate::Error;
use crate::photograph::{Photograph, Picture, encode, show};

/// How an answer is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// As the colours that it is.
    Colours,
    /// Of a grey picture: orange above zero, blue below.
    Signs,
    /// Of a grey picture: length as brightness, direction as hue.
    Gradient,
}

/// The filters that are shown, in the order in which they are.
const FILTERS: [(&str, Shown); 12] = [
    ("sobel-x", Shown::Signs),
    ("gradient", Shown::Gradient),
    ("laplacian", Shown::Signs),
    ("sharpen", Shown::Colours),
    ("emboss", Shown::Colours),
    ("gaussian-5", Shown::Colours),
    ("gaussian-15", Shown::Colours),
    ("gaussian-31", Shown::Colours),
    ("mean-9", Shown::Colours),
    ("mean-31", Shown::Colours),
    ("log-9", Shown::Signs),
    ("gabor-21", Shown::Signs),
];

/// Columns and rows of a picture.
const SIZE: [u32; 2] = [210, 140];

/// A picture of the gallery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exhibit {
    /// The name of its filter, see [`super::list::Row::name`].
    pub filter: String,
    /// What the filter makes of the photograph.
    pub picture: Picture,
}

/// How a filter is computed, as it was compiled into the program that measured it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folded {
    /// Its name.
    pub filter: String,
    /// `sums`, `window` or `layer`.
    pub form: String,
    /// Products of a column and a row that it is the sum of.
    pub terms: usize,
    /// What was found in its weights.
    pub findings: Vec<String>,
}

/// The pictures of a report.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Gallery {
    /// One for each filter that is shown.
    pub exhibits: Vec<Exhibit>,
    /// All of them in one picture, three beside each other.
    pub overview: Option<Picture>,
    /// What was folded, of every filter that is measured.
    pub folded: Vec<Folded>,
}

impl Gallery {
    /// How a filter is computed.
    #[must_use]
    pub fn folded(&self, filter: &str) -> Option<&Folded> {
        self.folded.iter().find(|folded| folded.filter == filter)
    }
}

/// How every filter is computed.
fn folded() -> Vec<Folded> {
    let one = |row: &Row| {
        let found = row.explain();
        Folded {
            filter: row.name.to_owned(),
            form: found.form.to_owned(),
            terms: found.terms,
            findings: found.findings.iter().map(|finding| (*finding).to_owned()).collect(),
        }
    };
    ALL.iter().map(one).collect()
}

/// Filters a photograph, and shows the same part of every answer.
///
/// # Errors
/// What the library refuses, and [`Error::Encode`].
pub fn hang(photograph: &Photograph) -> Result<Gallery, Error> {
    let colours = photograph.pixels();
    let grey = photograph.grey();
    let mut gallery = Gallery { folded: folded(), ..Gallery::default() };
    let mut parts = Vec::new();
    for (row, shown) in FILTERS.iter().filter_map(|(name, shown)| Some((Row::named(name)?, *shown))) {
        let whole = filtered(row, shown, &colours, &grey)?;
        let part = crop(&whole);
        let name = format!("filter-{}", row.name);
        gallery
            .exhibits
            .push(Exhibit { filter: row.name.to_owned(), picture: encode(&part, &name, row.label)? });
        parts.push(part);
    }
    if let Some((width, height)) = parts.first().map(RgbImage::dimensions) {
        let rows = (parts.len() as u32).div_ceil(3);
        let mut overview = RgbImage::from_pixel(3 * width, rows * height, Rgb([0; 3]));
        for (index, part) in parts.iter().enumerate() {
            let (column, row) = (index as u32 % 3, index as u32 / 3);
            imageops::replace(&mut overview, part, i64::from(column * width), i64::from(row * height));
        }
        gallery.overview = Some(encode(&overview, "filters", "What filters make of the photograph")?);
    }
    Ok(gallery)
}

fn filtered(row: &Row, shown: Shown, colours: &Array3<f32>, grey: &Array2<f32>) -> Result<RgbImage, Error> {
    Ok(match (row.constant, shown) {
        (Constant::Filter(filter), Shown::Colours) => {
            let answer: Array3<f32> = filter.border(BORDER).apply(colours.view())?;
            picture(answer.dim(), |i, j| [0, 1, 2].map(|c| answer[[i, j, c]]))
        }
        (Constant::Filter(filter), _) => {
            let answer: Array2<f32> = filter.border(BORDER).apply(grey.view())?;
            show(&answer.insert_axis(Axis(2)), 0, true)
        }
        (Constant::Gradient(pair), _) => {
            let (length, angle) = pair.border(BORDER).gradient(grey.view())?;
            let longest = length.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
            picture((length.dim().0, length.dim().1, 3), |i, j| {
                hue(angle[[i, j]]).map(|part| part * (length[[i, j]] / longest).powf(0.6))
            })
        }
    })
}

/// Red, green and blue of a direction in radians: three waves, a third of a turn apart.
fn hue(angle: f32) -> [f32; 3] {
    [0.0, 1.0, 2.0].map(|third| 0.55 + 0.45 * (angle - third * std::f32::consts::TAU / 3.0).cos())
}

/// A picture of red, green and blue from 0 to 1; what is beyond is cut off.
fn picture((height, width, _): (usize, usize, usize), at: impl Fn(usize, usize) -> [f32; 3]) -> RgbImage {
    RgbImage::from_fn(width as u32, height as u32, |x, y| {
        Rgb(at(y as usize, x as usize).map(|part| (part.clamp(0.0, 1.0) * 255.0).round() as u8))
    })
}

/// The middle of a picture, a little above the centre, where faces are.
fn crop(whole: &RgbImage) -> RgbImage {
    let [width, height] = [whole.width().min(SIZE[0]), whole.height().min(SIZE[1])];
    let (left, top) = ((whole.width() - width) / 2, (whole.height() - height) / 3);
    imageops::crop_imm(whole, left, top, width, height).to_image()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exhibit_is_there_and_the_gallery_is_small() {
        let gallery = hang(&Photograph::read(None).unwrap()).unwrap();
        assert_eq!(gallery.exhibits.len(), FILTERS.len());
        let bytes: usize = gallery.exhibits.iter().map(|exhibit| exhibit.picture.bytes.len()).sum();
        // As text in a page, a third more.
        assert!(bytes < 110_000, "{bytes}");
        assert!(gallery.exhibits.iter().all(|exhibit| exhibit.picture.size == SIZE));
        assert!(gallery.overview.is_some());
    }

    #[test]
    fn a_gradient_is_shown_where_there_is_one() {
        let step = Array2::from_shape_fn((9, 9), |(_, column)| if column < 4 { 0.0 } else { 1.0 });
        let row = Row::named("gradient").unwrap();
        let shown = filtered(row, Shown::Gradient, &Array3::zeros((9, 9, 3)), &step).unwrap();
        assert_eq!(shown.get_pixel(0, 4), &Rgb([0; 3]));
        // To the right is red.
        let Rgb([red, green, blue]) = *shown.get_pixel(4, 4);
        assert!(red > 200 && green < 120 && blue < 120, "{red} {green} {blue}");
    }
}
