//! Annotates a shape, runs it on a picture and asks the layer what it did and why.
//!
//! `cargo run --release -p tapwise --example annotate`

use ndarray::{Array1, Array3, Array4};
use tapwise::{Activation, Border, Strategy};

/// Sixteen features of a colour picture.
#[tapwise::conv2d(delta = 1, c_in = 3, c_out = 16)]
pub struct Stem;

fn main() -> Result<(), tapwise::Error> {
    let (height, width) = (480, 640);
    let photo = Array3::from_shape_fn((height, width, 3), |(i, j, c)| ((i / 16 + j / 16 + c) % 2) as f32);
    let filter = Array4::from_shape_fn((3, 3, 3, 16), |(a, b, c, d)| {
        ((a * 5 + b * 3 + c * 7 + d * 11) % 13) as f32 / 13.0 - 0.5
    });
    let bias = Array1::from_elem(16, 0.1);

    let stem = Stem::layer(filter.view())
        .bias(bias.view())
        .border(Border::Reflect)
        .activation(Activation::Relu)
        .build()?;
    let hidden = stem.forward(photo.view())?;
    println!("{}", stem.explain([height, width]));

    // The same layer by the textbook's loops, in f64: what every strategy is judged by.
    let reference = stem.reference(photo.view())?;
    let error = hidden.iter().zip(&reference).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
    println!("{:?} features, largest difference from the f64 sum {error:.1e}", hidden.dim());

    // A strategy that is forced and cannot serve says what would help.
    let other = Array4::<f32>::zeros((5, 5, 3, 16));
    let refused = tapwise::Conv2d::builder(other.view()).strategy(Strategy::Specialized).build();
    println!("{}", refused.expect_err("no 5x5 kernel was annotated"));
    Ok(())
}
