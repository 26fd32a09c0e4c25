//! Enlarges a picture to twice its size by a small trained network: convolutions of four channels,
//! each followed by a CReLU, whose last answer is what a bilinear enlargement lacks.
//!
//! `cargo run --release --example upscale -- PICTURE ENLARGED [--weights FILE] [--frames N] [--threads N]`
//!
//! The network that ships is Anime4K's smallest (988 weights); `--weights` takes any other of the same
//! build: layers `conv2d`, `conv2d_1`, ... and `conv2d_last`, which sees as many of the hidden channels
//! as it has inputs, the latest last. `--frames` repeats the work and prints its median time.

use std::error::Error;
use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use image::{ImageReader, RgbImage};
use ndarray::{Array1, Array3, Array4, ArrayView3, ArrayViewMut3, Axis, s};
use safetensors::SafeTensors;
use tapwise::{Activation, Conv2d, Padding};

tapwise::specialize! {
    { delta: 1, c_in: [3, 8], c_out: 4 }
}

/// The network that ships.
const WEIGHTS: &[u8] = include_bytes!("../assets/anime4k/anime4k_2x_s_an.safetensors");

/// Enlarges a picture to twice its size.
#[derive(Parser)]
struct Arguments {
    /// The picture: PNG or JPEG.
    picture: PathBuf,
    /// Where the enlarged one goes.
    enlarged: PathBuf,
    /// Weights of another network of the same build, as safetensors.
    #[arg(long)]
    weights: Option<PathBuf>,
    /// How often to do it, for its median time.
    #[arg(long, default_value_t = 1)]
    frames: usize,
    /// Threads, of all of the machine's by default.
    #[arg(long, default_value_t = 0)]
    threads: usize,
}

/// Rows of the picture that go through all layers together, so that what one layer writes is still in
/// the caches when the next reads it.
const STRIP: usize = 32;

/// The network, and the memory of a strip of rows.
struct Upscaler {
    layers: Vec<Conv2d>,
    last: Conv2d,
    /// The answers of each layer, `[rows, W, C]`, to as many rows as the layers after it look at.
    hidden: Array3<f32>,
    /// What the enlarged strip lacks.
    details: Array3<f32>,
    /// The enlarged picture.
    large: Array3<f32>,
}

impl Upscaler {
    fn new(weights: &[u8]) -> Result<Self, Box<dyn Error>> {
        let tensors = SafeTensors::deserialize(weights)?;
        let layer = |name: &str, activation| -> Result<Conv2d, Box<dyn Error>> {
            // [C_out, C_in, K_h, K_w] in the file.
            let filter = numbers(&tensors, &format!("{name}.weight"))?;
            let bias = Array1::from(numbers(&tensors, &format!("{name}.bias"))?);
            let shape = tensors.tensor(&format!("{name}.weight"))?.shape().to_vec();
            let filter =
                Array4::from_shape_vec(<[usize; 4]>::try_from(shape).map_err(|_| "not a filter")?, filter)?;
            let filter = filter.permuted_axes([2, 3, 1, 0]);
            Ok(Conv2d::builder(filter.view()).bias(bias.view()).activation(activation).build()?)
        };
        let names = (0..).map(|at| if at == 0 { "conv2d".to_owned() } else { format!("conv2d_{at}") });
        let layers = names
            .take_while(|name| tensors.tensor(&format!("{name}.weight")).is_ok())
            .map(|name| layer(&name, Activation::Crelu))
            .collect::<Result<_, _>>()?;
        let last = layer("conv2d_last", Activation::Identity)?;
        let [hidden, details, large] = [(); 3].map(|()| planar([0; 3]));
        Ok(Upscaler { layers, last, hidden, details, large })
    }

    /// From a picture `[H, W, 3]` of planar memory to `[2H, 2W, 3]`, in memory that is kept from frame to
    /// frame.
    fn upscale(&mut self, rgb: ArrayView3<'_, f32>) -> Result<ArrayView3<'_, f32>, tapwise::Error> {
        let (height, width, _) = rgb.dim();
        let channels: usize = self.layers.iter().map(Conv2d::channels).sum();
        if self.large.dim() != (2 * height, 2 * width, 3) {
            let beyond: usize = self.layers.iter().map(|layer| layer.spec().kernel[0]).sum();
            self.hidden = planar([STRIP + beyond, width, channels]);
            self.details = planar([STRIP, width, self.last.channels()]);
            self.large = planar([2 * height, 2 * width, 3]);
        }
        for first in (0..height).step_by(STRIP) {
            self.strip(rgb, first..height.min(first + STRIP))?;
        }
        Ok(self.large.view())
    }

    /// Enlarges some rows of the picture.
    fn strip(&mut self, rgb: ArrayView3<'_, f32>, rows: Range<usize>) -> Result<(), tapwise::Error> {
        let height = rgb.dim().0;
        let delta = |layer: &Conv2d| layer.spec().kernel[0] / 2;
        // The rows that a layer reads for its answer in others, and the padding that is left to it.
        let reads = |layer: &Conv2d, rows: &Range<usize>| {
            let delta = delta(layer);
            let read = rows.start.saturating_sub(delta)..height.min(rows.end + delta);
            let [top, bottom] = [read.start + delta - rows.start, rows.end + delta - read.end];
            (read, Padding::Explicit { top, bottom, left: delta, right: delta })
        };
        let mut answers = vec![reads(&self.last, &rows).0];
        for layer in self.layers.iter().skip(1).rev() {
            answers.push(reads(layer, &answers[answers.len() - 1]).0);
        }
        // Row 0 of the memory is the first that any layer answers in.
        let base = answers[answers.len() - 1].start;
        let held = |rows: &Range<usize>| rows.start - base..rows.end - base;
        let mut done = 0;
        for (layer, rows) in self.layers.iter().zip(answers.iter().rev()) {
            let (read, padding) = reads(layer, rows);
            let (before, after) = self.hidden.view_mut().split_at(Axis(2), done);
            let input = match done {
                0 => rgb.slice_move(s![read, .., ..]),
                _ => before.slice(s![held(&read), .., done - layer.spec().c_in..]),
            };
            layer.forward_padded_into(
                padding,
                input,
                after.slice_move(s![held(rows), .., ..layer.channels()]),
            )?;
            done += layer.channels();
        }
        let (read, padding) = reads(&self.last, &rows);
        let seen = self.hidden.slice(s![held(&read), .., done - self.last.spec().c_in..]);
        let mut details = self.details.slice_mut(s![..rows.len(), .., ..]);
        self.last.forward_padded_into(padding, seen, details.view_mut())?;
        enlarge(
            rgb,
            details.view(),
            rows.clone(),
            self.large.slice_mut(s![2 * rows.start..2 * rows.end, .., ..]),
        );
        Ok(())
    }
}

/// An array `[H, W, C]` in which the numbers of a row and channel lie side by side, and the channels of
/// a row after one another.
fn planar([height, width, channels]: [usize; 3]) -> Array3<f32> {
    Array3::zeros((height, channels, width)).permuted_axes([0, 2, 1])
}

/// The numbers of a tensor.
fn numbers(tensors: &SafeTensors<'_>, name: &str) -> Result<Vec<f32>, Box<dyn Error>> {
    let (bytes, rest) = tensors.tensor(name)?.data().as_chunks();
    if !rest.is_empty() {
        return Err(format!("{name} is not of whole f32").into());
    }
    Ok(bytes.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

/// Some rows of the picture twice as large, each new pixel between the centres of the old ones, plus `details`:
/// channel `4c + 2i + j` of a pixel belongs to row `i` and column `j` of its four new ones. Four
/// channels serve all colours alike.
fn enlarge(
    rgb: ArrayView3<'_, f32>,
    details: ArrayView3<'_, f32>,
    rows: Range<usize>,
    mut answer: ArrayViewMut3<'_, f32>,
) {
    let (height, width, colours) = rgb.dim();
    let mut blend = vec![0.0; width + 2];
    for (at, row) in (2 * rows.start..2 * rows.end).enumerate() {
        for colour in 0..colours {
            let first = if details.len_of(Axis(2)) > 4 { 4 * colour } else { 0 };
            let line = |row: usize| rgb.slice_move(s![row, .., colour]);
            let (near, half) = (row / 2, row % 2);
            let far = if half == 0 { near.saturating_sub(1) } else { (near + 1).min(height - 1) };
            for (blend, (near, far)) in blend[1..].iter_mut().zip(line(near).iter().zip(line(far))) {
                *blend = 0.75 * near + 0.25 * far;
            }
            (blend[0], blend[width + 1]) = (blend[1], blend[width]);
            let detail = |half: usize| details.slice_move(s![at / 2, .., first + 2 * (row % 2) + half]);
            let mut target = answer.slice_mut(s![at, .., colour]);
            let (left, right) = (detail(0), detail(1));
            let (Some(target), Some(left), Some(right)) =
                (target.as_slice_mut(), left.to_slice(), right.to_slice())
            else {
                continue;
            };
            for ((new, old), (left, right)) in
                target.as_chunks_mut().0.iter_mut().zip(blend.windows(3)).zip(left.iter().zip(right))
            {
                *new = [0.75 * old[1] + 0.25 * old[0] + left, 0.75 * old[1] + 0.25 * old[2] + right];
            }
        }
    }
}

/// A picture as `[H, W, 3]`, 0 to 1, in planes.
fn pixels(picture: &RgbImage) -> Array3<f32> {
    let (width, height) = picture.dimensions();
    let mut pixels = planar([height as usize, width as usize, 3]);
    for (x, y, pixel) in picture.enumerate_pixels() {
        for (channel, level) in pixel.0.into_iter().enumerate() {
            pixels[[y as usize, x as usize, channel]] = f32::from(level) / 255.0;
        }
    }
    pixels
}

/// `[H, W, 3]`, 0 to 1, as a picture.
fn picture(pixels: ArrayView3<'_, f32>) -> RgbImage {
    let (height, width, _) = pixels.dim();
    RgbImage::from_fn(width as u32, height as u32, |x, y| {
        image::Rgb([0, 1, 2].map(|channel| (pixels[[y as usize, x as usize, channel]] * 255.0).round() as u8))
    })
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let weights = arguments.weights.as_ref().map(std::fs::read).transpose()?;
    let mut upscaler = Upscaler::new(weights.as_deref().unwrap_or(WEIGHTS))?;
    let small = pixels(&ImageReader::open(&arguments.picture)?.with_guessed_format()?.decode()?.into_rgb8());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(arguments.threads).build()?;
    let mut seconds = Vec::new();
    let large = pool.install(|| {
        for _ in 0..arguments.frames {
            let start = Instant::now();
            upscaler.upscale(small.view())?;
            seconds.push(start.elapsed().as_secs_f64());
        }
        upscaler.upscale(small.view())
    })?;
    picture(large).save(&arguments.enlarged)?;
    seconds.sort_by(f64::total_cmp);
    let (height, width, _) = small.dim();
    let median = seconds.get(seconds.len() / 2).copied().unwrap_or(f64::NAN);
    println!("{width}x{height} to {}x{} in {:.1} ms", 2 * width, 2 * height, median * 1e3);
    Ok(())
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("upscale: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray_npy::ReadNpyExt;

    use super::*;

    /// The photograph of a cat, 450x300 pixels of it.
    fn original() -> Array3<f32> {
        let file = include_bytes!("../assets/chelsea.png");
        let whole = image::load_from_memory(file).unwrap().into_rgb8();
        pixels(&image::imageops::crop_imm(&whole, 0, 0, 450, 300).to_image())
    }

    /// Half as large: the mean of each four pixels.
    fn halved(original: &Array3<f32>) -> Array3<f32> {
        let (height, width, _) = original.dim();
        let mut half = planar([height / 2, width / 2, 3]);
        for ((i, j, c), mean) in half.indexed_iter_mut() {
            *mean = original.slice(s![2 * i..2 * i + 2, 2 * j..2 * j + 2, c]).sum() / 4.0;
        }
        half
    }

    /// Decibels of the largest level, 1, over the root mean square of the difference.
    fn psnr(one: ArrayView3<'_, f32>, other: ArrayView3<'_, f32>) -> f64 {
        let square: f64 = one.iter().zip(&other).map(|(a, b)| f64::from(a - b).powi(2)).sum();
        -10.0 * (square / one.len() as f64).log10()
    }

    #[test]
    fn the_enlarged_picture_is_the_recorded_one() {
        let file = include_bytes!("../assets/anime4k/anime4k_2x_s_an.chelsea_half.y.npy");
        let recorded = Array4::<f32>::read_npy(&file[..]).unwrap();
        let recorded = recorded.index_axis_move(Axis(0), 0).permuted_axes([1, 2, 0]);
        let (small, mut upscaler) = (halved(&original()), Upscaler::new(WEIGHTS).unwrap());
        let found = upscaler.upscale(small.view()).unwrap();
        assert_eq!(found.dim(), recorded.dim());
        let off =
            found.iter().zip(&recorded).map(|(found, wanted)| (found - wanted).abs()).fold(0.0, f32::max);
        assert!(off <= 1e-5, "off by {off:e}");
    }

    #[test]
    fn it_is_nearer_to_the_original_than_a_bilinear_enlargement() {
        let original = original();
        let small = halved(&original);
        let mut upscaler = Upscaler::new(WEIGHTS).unwrap();
        let found = psnr(original.view(), upscaler.upscale(small.view()).unwrap());
        let mut plain = planar([300, 450, 3]);
        enlarge(small.view(), planar([150, 225, 4]).view(), 0..150, plain.view_mut());
        let plain = psnr(original.view(), plain.view());
        assert!((found - 34.24).abs() < 0.005, "{found:.3} dB");
        assert!((plain - 33.13).abs() < 0.005, "{plain:.3} dB");
    }
}
