//! The struct of a wrong annotation can still be used: one mistake stays one error.

use tapwise::{Activation, Conv2d, Error};

#[tapwise::conv2d(delta = 1, c_in = 3, c_out = 16, groups = 2)]
pub struct Stem;

fn build(filter: ndarray::ArrayView4<'_, f32>) -> Result<Conv2d, Error> {
    let _: Stem = Stem;
    Stem::layer(filter).activation(Activation::Relu).build()
}

fn main() {
    let _ = build;
}
