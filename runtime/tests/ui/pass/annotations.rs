//! Every form of every key.

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

fn main() {
    let filter = Array4::<f32>::zeros((3, 3, 3, 16));
    assert_eq!(Square::layer(filter.view()).build().unwrap().spec().kernel, [3, 3]);
    let filter = Array4::<f32>::zeros((1, 3, 8, 32));
    let all = All::layer(filter.view()).build().unwrap();
    assert_eq!((all.spec().stride, all.spec().dilation, all.spec().groups), ([2, 2], [1, 2], 2));
    let filter = Array4::<f32>::zeros((1, 1, 7, 5));
    assert!(Pointwise::layer(filter.view()).build().is_ok());
    println!("{:?}", Pointwise);
    let filter = Array4::<f32>::zeros((5, 5, 1, 4));
    assert_eq!(inner::Depthwise::layer(filter.view()).build().unwrap().spec().stride, [1, 2]);
}
