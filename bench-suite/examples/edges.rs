//! Turns a picture into its edges: the length of the Sobel gradient of its brightness.
//!
//! `cargo run --release --example edges -- PICTURE EDGES.png`

use std::error::Error;

use image::GrayImage;
use tapwise::Border;

/// Brightness that grows to the right, and downwards.
#[tapwise::filter2d]
const SOBEL: tapwise::FilterBank = [sobel_x, sobel_y];

/// The edges of a picture: white where the gradient is as long as it can be between two flat areas.
fn edges(picture: &GrayImage) -> Result<GrayImage, tapwise::Error> {
    let pixels = tapwise::image::pixels(picture);
    let (length, _) = SOBEL.border(Border::Replicate).gradient(pixels)?;
    let level = |x, y| (length[[y as usize, x as usize, 0]] / 4.0).min(255.0) as u8;
    Ok(GrayImage::from_fn(picture.width(), picture.height(), |x, y| image::Luma([level(x, y)])))
}

fn main() -> Result<(), Box<dyn Error>> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    let [from, to] = &files[..] else { return Err("wanted two files: PICTURE EDGES.png".into()) };
    Ok(edges(&image::open(from)?.into_luma8())?.save(to)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_an_edge_and_nothing_else_is() {
        let step = GrayImage::from_fn(40, 20, |x, _| image::Luma([if x < 20 { 55 } else { 155 }]));
        let found = edges(&step).unwrap();
        for (x, _, pixel) in found.enumerate_pixels() {
            // A Sobel filter answers four times the step, on both of its sides.
            assert_eq!(pixel.0[0], if x == 19 || x == 20 { 100 } else { 0 }, "{x}");
        }
    }
}
