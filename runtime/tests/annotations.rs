//! What the macros take: every form of every key, in every place, under the strictest lints of the
//! crate that the generated code lands in.

#![deny(warnings, missing_docs, unreachable_pub, unused_qualifications, unsafe_op_in_unsafe_fn)]

use ndarray::Array4;

/// All sides alike.
#[tapwise::conv2d(delta = 1, c_in = 3, c_out = 16)]
pub struct Square;

#[tapwise::conv2d(
    kernel = [1, 3],
    stride = 2,
    dilation = [1, 2],
    groups = 2usize,
    c_in = 1_6,
    c_out = 0x20,
)]
pub(crate) struct All;

/// A kernel of one pixel.
#[tapwise::conv2d(c_out = 5, delta = 0, c_in = 7)]
#[derive(Debug, Clone, Copy, Default)]
struct Pointwise;

mod inner {
    #[tapwise::conv2d(delta = 2, c_in = 4, c_out = 4, groups = 4, stride = [1, 2])]
    pub(super) struct Depthwise;
}

tapwise::specialize! {
    { delta: [0, 1], c_in: [4, 8], c_out: 8 }
    { kernel: [[1, 3], [3, 1]], stride: [1, 2], dilation: [[1, 2]], c_in: 4, c_out: 4, groups: [1, 2] },
}

tapwise::specialize! {}

#[test]
fn an_annotation_says_what_its_layer_computes() {
    let filter = Array4::<f32>::zeros((3, 3, 3, 16));
    assert_eq!(Square::layer(filter.view()).build().unwrap().spec().to_string(), "c3x16 k3x3");
    let filter = Array4::<f32>::zeros((1, 3, 8, 32));
    assert_eq!(All::layer(filter.view()).build().unwrap().spec().to_string(), "c16x32 k1x3 s2x2 d1x2 g2");
    let filter = Array4::<f32>::zeros((1, 1, 7, 5));
    assert_eq!(Pointwise::layer(filter.view()).build().unwrap().spec().to_string(), "c7x5 k1x1");
    assert_eq!(format!("{Pointwise:?}"), "Pointwise");
    let filter = Array4::<f32>::zeros((5, 5, 1, 4));
    let depthwise = inner::Depthwise::layer(filter.view()).build().unwrap();
    assert_eq!(depthwise.spec().to_string(), "c4x4 k5x5 s1x2 g4");
}

#[test]
fn sets_multiply_out_in_every_place() {
    // A set may stand in a function.
    tapwise::specialize! { { kernel: [3, 3], stride: 2, c_in: 3, c_out: 8 } }
    let shapes: std::collections::BTreeSet<_> =
        tapwise::registry::kernels().map(|kernel| kernel.geometry().copied()).collect();
    let (annotated, lists, in_a_function) = (4, 4 + 4, 1);
    assert_eq!(shapes.len(), annotated + lists + in_a_function);
    let sets = tapwise::Isa::available().count();
    assert!(tapwise::registry::kernels().count() >= shapes.len() * sets);
}
