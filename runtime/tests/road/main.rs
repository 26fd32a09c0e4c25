//! The road from the dense layer to the convolution: every form, every conversion, every property.

#[path = "../common/mod.rs"]
mod common;

mod conversions;
mod convolution;
mod dense;
mod properties;
mod recognition;

use common::Numbers;
use ndarray::{Array, Dimension, ShapeBuilder};
use tapwise::{Border, ConvSpec, Padding};

/// Whole numbers from -4 to 4, whose sums f32 holds exactly: answers are equal or wrong.
fn whole<D: Dimension, S: ShapeBuilder<Dim = D>>(numbers: &mut Numbers, shape: S) -> Array<f32, D> {
    Array::from_shape_simple_fn(shape, || numbers.below(9) as f32 - 4.0)
}

/// The bits of an array, in which -0.0 is not 0.0 and NaN is equal to itself.
fn bits<D: Dimension>(array: ndarray::ArrayView<'_, f32, D>) -> Array<u32, D> {
    array.mapv(f32::to_bits)
}

/// A layer drawn at random: kernel, stride, dilation, groups, padding and border.
fn spec(numbers: &mut Numbers) -> ConvSpec {
    let mut pair = |most: usize| [1 + numbers.below(most), 1 + numbers.below(most)];
    let [kernel, stride, dilation] = [pair(4), pair(3), pair(2)];
    let groups = 1 + numbers.below(2);
    let mut spec = ConvSpec::new(kernel, groups * (1 + numbers.below(2)), groups * (1 + numbers.below(3)));
    let mut side = || numbers.below(5);
    let explicit = Padding::Explicit { top: side(), bottom: side(), left: side(), right: side() };
    spec.padding = [Padding::Same, Padding::Valid, explicit, explicit][numbers.below(4)];
    spec.border = Border::ALL[numbers.below(4)];
    (spec.stride, spec.dilation, spec.groups) = (stride, dilation, groups);
    spec
}
