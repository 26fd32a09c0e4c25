//! Arrays whose memory begins on a cache line.

use ndarray::{Array, Array1, Dimension, IntoDimension, s};

/// Floats in a cache line.
const LINE: usize = 16;

/// Zeros of a shape, row by row in memory, the first of them on a cache line.
///
/// Vectors of outputs that do not lie across two lines are written faster: where the output is more
/// than the second-level cache holds, a layer of few input channels takes up to a tenth less time into
/// such an array than into one that begins anywhere. The array owns a few numbers more than it shows:
/// `into_raw_vec_and_offset` says where it begins among them.
///
/// ```
/// use ndarray::{Array3, Array4};
/// use tapwise::Conv2d;
///
/// let layer = Conv2d::builder(Array4::<f32>::ones((3, 3, 3, 16)).view()).build()?;
/// let mut output = tapwise::zeros_on_a_line((20, 30, 16));
/// assert_eq!(output.as_ptr().addr() % 64, 0);
/// layer.forward_into(Array3::ones((20, 30, 3)).view(), output.view_mut())?;
/// assert_eq!(output[[5, 5, 0]], 27.0);
/// # Ok::<(), tapwise::Error>(())
/// ```
///
/// # Panics
/// As [`Array::zeros`], where the numbers do not fit memory.
#[must_use]
pub fn zeros_on_a_line<I: IntoDimension>(shape: I) -> Array<f32, I::Dim> {
    let shape = shape.into_dimension();
    let room = Array1::<f32>::zeros(shape.size().saturating_add(LINE - 1));
    let first = (room.as_ptr().addr() / size_of::<f32>()).wrapping_neg() % LINE;
    let numbers = room.slice_move(s![first..first + shape.size()]);
    // As many numbers, side by side: they have every shape of that size.
    numbers.into_shape_with_order(shape.clone()).unwrap_or_else(|_| Array::zeros(shape))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_begin_on_a_line_and_are_in_one_piece() {
        for length in [0, 1, 15, 16, 17, 1000, 100_000] {
            let array = zeros_on_a_line((2, length, 3));
            assert_eq!(array.dim(), (2, length, 3));
            assert!(array.is_standard_layout() && array.iter().all(|number| *number == 0.0));
            assert!(array.is_empty() || array.as_ptr().addr().is_multiple_of(64), "{length}");
        }
        let (all, first) = zeros_on_a_line([5, 7]).into_raw_vec_and_offset();
        assert!(first.is_some_and(|first| first < LINE && all.len() >= first + 35));
    }
}
