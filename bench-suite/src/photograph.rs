//! A photograph under a bank of real filters: one layer of eight output channels.

use std::f32::consts::PI;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{ImageReader, Rgb, RgbImage, imageops};
use ndarray::{Array2, Array3, Array4, Axis};
use serde::{Deserialize, Serialize};
use tapwise::{Border, ConvSpec, Shape, Strategy};

use crate::Error;
use crate::measurement::Contest;
use crate::problems::{Problem, group};

/// The bank of filters as a layer: its kernels are generated here.
#[tapwise::conv2d(delta = 4, c_in = 3, c_out = 8)]
pub struct FilterBank;

/// Offsets from the centre of a filter of the bank to its edge.
const DELTA: i32 = 4;

/// Longest side of a picture that is shown, in pixels: a larger photograph is scaled down.
const LONGEST: u32 = 640;

/// Width of one picture of the overview, in pixels.
const TILE: u32 = 220;

/// The photograph that ships, of a cat named Chelsea.
pub(crate) const SHIPPED: (&str, &[u8]) = ("chelsea.png", include_bytes!("../assets/chelsea.png"));

/// Shares of red, green and blue in brightness (ITU-R BT.709).
const BRIGHTNESS: [f32; 3] = [0.2126, 0.7152, 0.0722];

/// A filter of the bank: what it is called, and its weight at an offset from the centre.
#[derive(Debug, Clone, Copy)]
pub struct Filter {
    /// The name of its picture's file.
    pub name: &'static str,
    /// What it shows.
    pub caption: &'static str,
    /// Whether its answers are differences, which may be negative.
    pub signed: bool,
    weight: fn(f32, f32) -> f32,
}

/// The bank, one output channel each. Offsets are `(a, b)`: down and to the right.
pub const BANK: [Filter; 8] = [
    Filter {
        name: "sobel-x",
        caption: "Sobel x: edges from left to right",
        signed: true,
        weight: |a, b| sobel(b, a),
    },
    Filter {
        name: "sobel-y",
        caption: "Sobel y: edges from top to bottom",
        signed: true,
        weight: |a, b| sobel(a, b),
    },
    Filter {
        name: "gaussian",
        caption: "Gaussian, σ = 1.8: smoothed",
        signed: false,
        weight: |a, b| gaussian(a, b, 1.8),
    },
    Filter { name: "laplacian", caption: "Laplacian: fine detail", signed: true, weight: laplacian },
    Filter {
        name: "gabor-0",
        caption: "Gabor, 0°: upright stripes",
        signed: true,
        weight: |a, b| gabor(a, b, 0.0),
    },
    Filter { name: "gabor-45", caption: "Gabor, 45°", signed: true, weight: |a, b| gabor(a, b, 45.0) },
    Filter {
        name: "gabor-90",
        caption: "Gabor, 90°: level stripes",
        signed: true,
        weight: |a, b| gabor(a, b, 90.0),
    },
    Filter { name: "gabor-135", caption: "Gabor, 135°", signed: true, weight: |a, b| gabor(a, b, 135.0) },
];

/// The difference along `along`, smoothed across.
fn sobel(along: f32, across: f32) -> f32 {
    if along.abs() > 1.0 || across.abs() > 1.0 { 0.0 } else { along * (2.0 - across.abs()) / 8.0 }
}

fn gaussian(a: f32, b: f32, sigma: f32) -> f32 {
    (-(a * a + b * b) / (2.0 * sigma * sigma)).exp() / (2.0 * PI * sigma * sigma)
}

/// The four neighbours against the centre.
fn laplacian(a: f32, b: f32) -> f32 {
    match a.abs() + b.abs() {
        0.0 => -1.0,
        1.0 => 0.25,
        _ => 0.0,
    }
}

/// A wave of 5 pixels under a bell; it runs along the direction of `degrees`.
fn gabor(a: f32, b: f32, degrees: f32) -> f32 {
    let (sine, cosine) = degrees.to_radians().sin_cos();
    let (along, across) = (b * cosine + a * sine, a * cosine - b * sine);
    let bell = (-(along * along + 0.36 * across * across) / 8.0).exp();
    bell * (2.0 * PI * along / 5.0).cos() / 12.0
}

/// The bank as a filter `[9, 9, 3, 8]` over red, green and blue.
#[must_use]
pub fn filter() -> Array4<f32> {
    let side = 2 * DELTA as usize + 1;
    let mut filter = Array4::from_shape_fn((side, side, 3, BANK.len()), |(a, b, c, d)| {
        (BANK[d].weight)(a as f32 - DELTA as f32, b as f32 - DELTA as f32) * BRIGHTNESS[c]
    });
    for (d, row) in BANK.iter().enumerate() {
        if row.signed {
            // A flat surface has no edges: what little the cut-off bell leaves is taken away.
            for mut plane in filter.index_axis_mut(Axis(3), d).axis_iter_mut(Axis(2)) {
                let mean = plane.mean().unwrap_or(0.0);
                if mean.abs() > 1e-6 {
                    plane -= mean;
                }
            }
        }
    }
    filter
}

/// A photograph, scaled to be shown.
#[derive(Debug, Clone)]
pub struct Photograph {
    picture: RgbImage,
    /// What it is called in the report.
    pub name: String,
}

/// A picture of the report, encoded as JPEG.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// The name of its file, without the folder.
    pub file: String,
    /// What it shows.
    pub caption: String,
    /// Pixels across and down.
    pub size: [u32; 2],
    /// The file.
    #[serde(skip)]
    pub bytes: Vec<u8>,
}

/// The pictures of a report.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Pictures {
    /// The photograph.
    pub photograph: Option<Picture>,
    /// What each filter of the bank makes of it.
    pub maps: Vec<Picture>,
    /// All of them in one picture, three by three.
    pub overview: Option<Picture>,
}

impl Photograph {
    /// Reads a PNG or JPEG file, or the photograph that ships; scales large ones down.
    ///
    /// # Errors
    /// [`Error::Read`] and [`Error::Picture`].
    pub fn read(path: Option<&Path>) -> Result<Self, Error> {
        let (name, picture) = match path {
            Some(path) => {
                let picture = read_picture(path)?;
                (path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(), picture)
            }
            None => (SHIPPED.0.to_owned(), decode(SHIPPED.1, PathBuf::from(SHIPPED.0))?),
        };
        let (width, height) = picture.dimensions();
        let longest = width.max(height);
        let scaled =
            |length: u32| (u64::from(length) * u64::from(LONGEST) / u64::from(longest)).max(1) as u32;
        let picture = if longest > LONGEST {
            imageops::resize(&picture, scaled(width), scaled(height), FilterType::Triangle)
        } else {
            picture
        };
        Ok(Photograph { picture, name })
    }

    /// Rows and columns.
    #[must_use]
    pub fn size(&self) -> [usize; 2] {
        let (width, height) = self.picture.dimensions();
        [height as usize, width as usize]
    }

    /// The photograph as an array `[H, W, 3]` of red, green and blue from 0 to 1.
    #[must_use]
    pub fn pixels(&self) -> Array3<f32> {
        let [height, width] = self.size();
        Array3::from_shape_fn((height, width, 3), |(i, j, c)| {
            f32::from(self.picture.get_pixel(j as u32, i as u32)[c]) / 255.0
        })
    }

    /// Its brightness, `[H, W]`, from 0 to 1.
    #[must_use]
    pub fn grey(&self) -> Array2<f32> {
        let [height, width] = self.size();
        Array2::from_shape_fn((height, width), |(i, j)| {
            let pixel = self.picture.get_pixel(j as u32, i as u32);
            pixel.0.iter().zip(BRIGHTNESS).map(|(part, share)| f32::from(*part) / 255.0 * share).sum()
        })
    }

    /// The layer of the bank on this photograph, as a contest between strategies.
    #[must_use]
    pub fn contest(&self) -> Contest<'static> {
        let [height, width] = self.size();
        let side = 2 * DELTA as usize + 1;
        // Mirrored at the border, where zeros would be edges that the photograph does not have.
        let spec = ConvSpec { border: Border::Reflect, ..ConvSpec::new([side, side], 3, BANK.len()) };
        let shape = Shape::new([height, width], spec);
        let pixels = self.pixels().insert_axis(Axis(0));
        let problem = Problem { shape, group: group::PHOTOGRAPH };
        Contest::with(problem, filter(), pixels, |filter, strategy: Strategy, isa| {
            FilterBank::layer(filter).border(Border::Reflect).strategy(strategy).isa(isa).build()
        })
    }

    /// The photograph and its feature maps as pictures to be looked at.
    ///
    /// # Errors
    /// [`Error::Encode`].
    pub fn pictures(&self, maps: &Array3<f32>) -> Result<Pictures, Error> {
        let shown: Vec<RgbImage> =
            BANK.iter().enumerate().map(|(d, row)| show(maps, d, row.signed)).collect();
        let (width, height) = self.picture.dimensions();
        let tile = [TILE, (u64::from(TILE) * u64::from(height) / u64::from(width)).clamp(1, 4096) as u32];
        let mut overview = RgbImage::from_pixel(3 * tile[0], 3 * tile[1], Rgb([0; 3]));
        for (index, picture) in std::iter::once(&self.picture).chain(&shown).enumerate() {
            let small = imageops::resize(picture, tile[0], tile[1], FilterType::Triangle);
            let (column, row) = (index as u32 % 3, index as u32 / 3);
            imageops::replace(&mut overview, &small, i64::from(column * tile[0]), i64::from(row * tile[1]));
        }
        let maps = BANK.iter().zip(&shown).map(|(row, picture)| {
            let [width, height] = [width, height].map(|length| (length * 3 / 4).max(1));
            let smaller = imageops::resize(picture, width, height, FilterType::Triangle);
            encode(&smaller, row.name, row.caption)
        });
        Ok(Pictures {
            photograph: Some(encode(&self.picture, "photograph", &format!("The photograph, {}", self.name))?),
            maps: maps.collect::<Result<_, _>>()?,
            overview: Some(encode(&overview, "overview", "The photograph and its feature maps")?),
        })
    }
}

/// Reads a PNG or JPEG file as red, green and blue of 8 bits.
pub(crate) fn read_picture(path: &Path) -> Result<RgbImage, Error> {
    let bytes = std::fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    decode(&bytes, path.to_owned())
}

/// Reads the bytes of a PNG or JPEG file that `path` names.
pub(crate) fn decode(bytes: &[u8], path: PathBuf) -> Result<RgbImage, Error> {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
    let fail = |source| Error::Picture { path: path.clone(), source };
    let picture = reader.map_err(|error| fail(image::ImageError::IoError(error)))?.decode().map_err(fail)?;
    Ok(picture.into_rgb8())
}

/// A picture of the report as JPEG.
pub(crate) fn encode(picture: &RgbImage, name: &str, caption: &str) -> Result<Picture, Error> {
    let mut bytes = Vec::new();
    picture.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, 40)).map_err(Error::Encode)?;
    let (width, height) = picture.dimensions();
    Ok(Picture { file: format!("{name}.jpg"), caption: caption.to_owned(), size: [width, height], bytes })
}

/// One channel as a picture: orange above zero, blue below, black at zero; or plain grey.
pub(crate) fn show(maps: &Array3<f32>, channel: usize, signed: bool) -> RgbImage {
    let (height, width, _) = maps.dim();
    let plane = maps.index_axis(Axis(2), channel);
    let mut sizes: Vec<f32> = plane.iter().map(|value| value.abs()).collect();
    sizes.sort_by(f32::total_cmp);
    // The brightest percent may saturate.
    let top = if signed { sizes[(sizes.len() - 1) * 99 / 100].max(1e-6) } else { 1.0 };
    RgbImage::from_fn(width as u32, height as u32, |x, y| {
        let value = plane[[y as usize, x as usize]] / top;
        let tint = match (signed, value >= 0.0) {
            (false, _) => [255.0; 3],
            (true, true) => [255.0, 190.0, 90.0],
            (true, false) => [90.0, 180.0, 255.0],
        };
        // Between the linear scale and the eye's: small differences stay visible.
        let strength = if signed { value.abs().min(1.0).powf(0.65) } else { value.clamp(0.0, 1.0) };
        Rgb(tint.map(|full| (full * strength).round() as u8))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapwise::Isa;

    #[test]
    fn the_photograph_that_ships_is_read() {
        assert_eq!(Photograph::read(None).unwrap().size(), [300, 451]);
    }

    #[test]
    fn a_picture_that_cannot_be_read_is_named() {
        let missing = Photograph::read(Some(Path::new("no/such.png"))).unwrap_err().to_string();
        assert!(missing.contains("no/such.png"), "{missing}");
        let text = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let error = Photograph::read(Some(Path::new(text))).unwrap_err();
        assert!(
            matches!(error, Error::Picture { .. }) && error.to_string().contains("Cargo.toml"),
            "{error}"
        );
    }

    #[test]
    fn a_flat_surface_has_no_edges() {
        let filter = filter();
        for (d, row) in BANK.iter().enumerate() {
            let total: f32 = filter.index_axis(Axis(3), d).sum();
            let wanted = if row.signed { 0.0 } else { 1.0 };
            assert!((total - wanted).abs() < 0.05, "{}: {total}", row.name);
        }
    }

    #[test]
    fn the_bank_runs_by_its_own_kernels() {
        let contest = Photograph::read(None).unwrap().contest();
        let layer = contest.layer(Strategy::Specialized, Isa::Portable).unwrap();
        assert!(layer.is_ok());
    }
}
