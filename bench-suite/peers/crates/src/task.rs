//! What a crate is asked for.

use std::fs;

use ndarray::{Array4, ArrayD, IxDyn};
use serde::Deserialize;

/// Why a crate has no answer.
pub(crate) enum Failure {
    /// It does not serve this shape.
    Cannot(String),
    /// It should have.
    Failed(String),
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure::Failed(error.to_string())
    }
}

/// A shape, in the words of the protocol.
#[derive(Clone, Deserialize)]
pub(crate) struct Shape {
    pub(crate) batch: usize,
    pub(crate) input: [usize; 2],
    pub(crate) c_in: usize,
    pub(crate) c_out: usize,
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: [usize; 2],
    pub(crate) dilation: [usize; 2],
    pub(crate) groups: usize,
    /// Top, left, bottom, right.
    pub(crate) pads: [usize; 4],
    pub(crate) output: [usize; 2],
}

/// A shape with its numbers.
pub(crate) struct Task {
    pub(crate) shape: Shape,
    /// `[N, H, W, C_in]`.
    pub(crate) pictures: Array4<f32>,
    /// `[K_h, K_w, C_in / groups, C_out]`.
    pub(crate) filter: Array4<f32>,
}

/// One way of running a task.
pub(crate) struct Form {
    pub(crate) name: &'static str,
    pub(crate) run: Box<dyn FnMut() -> Result<(), Failure>>,
    /// The output, `[N, H', W', C_out]` in order.
    pub(crate) answer: Box<dyn FnMut() -> Result<Vec<f32>, Failure>>,
}

impl Task {
    pub(crate) fn read(shape: Shape, input: &str, filter: &str) -> Result<Self, Failure> {
        let read = |path: &str, sides: [usize; 4]| -> Result<Array4<f32>, Failure> {
            let bytes = fs::read(path)?;
            let values = bytes.as_chunks().0.iter().map(|four| f32::from_ne_bytes(*four)).collect();
            Ok(Array4::from_shape_vec(sides, values)?)
        };
        let [height, width] = shape.input;
        let pictures = read(input, [shape.batch, height, width, shape.c_in])?;
        let [rows, columns] = shape.kernel;
        let filter = read(filter, [rows, columns, shape.c_in / shape.groups, shape.c_out])?;
        Ok(Task { shape, pictures, filter })
    }

    /// The pictures as `[N, C_in, H, W]`.
    pub(crate) fn planar(&self) -> Array4<f32> {
        self.pictures.view().permuted_axes([0, 3, 1, 2]).as_standard_layout().into_owned()
    }

    /// The filter as `[C_out, C_in / groups, K_h, K_w]`.
    pub(crate) fn oihw(&self) -> Array4<f32> {
        self.filter.view().permuted_axes([3, 2, 0, 1]).as_standard_layout().into_owned()
    }

    /// One picture of one channel through a filter that keeps its size.
    pub(crate) fn is_image_filter(&self) -> bool {
        let Shape { batch, c_in, c_out, kernel, stride, dilation, pads, .. } = self.shape.clone();
        let [above, left] = kernel.map(|side| side / 2);
        (batch, c_in, c_out, stride, dilation) == (1, 1, 1, [1, 1], [1, 1]) && pads == [above, left, above, left]
    }
}

impl Shape {
    /// `[N, C, H, W]` in order, as `[N, H, W, C]` in order.
    pub(crate) fn last(&self, planar: Vec<f32>) -> Result<Vec<f32>, Failure> {
        let sides = [self.batch, self.c_out, self.output[0], self.output[1]];
        let planar = ArrayD::from_shape_vec(IxDyn(&sides), planar)?;
        Ok(planar.view().permuted_axes(IxDyn(&[0, 2, 3, 1])).iter().copied().collect())
    }
}

/// Refuses what is not so.
pub(crate) fn require(true_: bool, reason: &str) -> Result<(), Failure> {
    if true_ { Ok(()) } else { Err(Failure::Cannot(reason.to_owned())) }
}
