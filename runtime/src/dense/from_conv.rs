//! Down the road in one step: the dense layer that a convolution is.

use super::Dense;
use crate::frame::Frame;
use crate::{Activation, Conv2d, Error};

impl Dense {
    /// The dense layer that computes what a convolution computes on pictures of `[H, W]`: every
    /// stride, dilation, grouping, padding and border, bias included.
    ///
    /// Weights of taps that show the same pixel are added, in f32, as a mirrored border makes
    /// them. Taps that lie on the zeros of a border are left out; the two layers differ there where a
    /// weight is not finite, since the convolution multiplies these zeros too.
    ///
    /// ```
    /// use ndarray::{Array3, Array4};
    /// use tapwise::Conv2d;
    /// use tapwise::dense::Dense;
    ///
    /// let filter = Array4::from_shape_fn((3, 3, 2, 4), |(a, b, c, d)| (a * 3 + b + c * d) as f32);
    /// let layer = Conv2d::builder(filter.view()).stride([2, 2]).build()?;
    /// let dense = Dense::from_conv(&layer, [5, 6])?;
    /// let picture = Array3::from_shape_fn((5, 6, 2), |(i, j, c)| (i * j + c) as f32);
    /// assert_eq!(dense.output(), [3, 3, 4]);
    /// assert_eq!(dense.forward(picture.view())?, layer.forward(picture.view())?);
    /// # Ok::<(), tapwise::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Parameter`] for a layer with an activation, which is not linear;
    /// [`Error::Empty`] and [`Error::FilterExceedsInput`] for pictures that the convolution refuses
    /// too; [`Error::Memory`] with the bytes that the weights would need where there is no room.
    pub fn from_conv(layer: &Conv2d, input: [usize; 2]) -> Result<Self, Error> {
        if *layer.activation() != Activation::Identity {
            return Err(Error::Parameter {
                parameter: "activation",
                found: format!("{:?}", layer.activation()),
                wanted: "Identity: a dense layer is linear".to_owned(),
            });
        }
        let frame = Frame::new(*layer.spec(), input)?;
        let spec = &frame.spec;
        let [height, width] = frame.output;
        let mut dense = Dense::zeros([input[0], input[1], spec.c_in], [height, width, spec.c_out])?;
        for pixel in dense.bias_mut().exact_chunks_mut(spec.c_out) {
            pixel.into_iter().zip(layer.bias()).for_each(|(bias, u)| *bias = *u);
        }
        let (filter, inputs) = (layer.filter(), input[0] * input[1] * spec.c_in);
        let mut hidden = dense.matrix_mut().chunks_exact_mut(inputs);
        for i in 0..height {
            for j in 0..width {
                for d in 0..spec.c_out {
                    let Some(row) = hidden.next() else { continue };
                    let first = d / spec.c_out_group() * spec.c_in_group();
                    for ((a, b, c), weight) in filter.index_axis(ndarray::Axis(3), d).indexed_iter() {
                        let k = frame.source_row(i, a);
                        let l = frame.padded_column(j * spec.stride[1] + b * spec.dilation[1]);
                        if let (Some(k), Some(l)) = (k, l) {
                            row[(k * input[1] + l) * spec.c_in + first + c] += *weight;
                        }
                    }
                }
            }
        }
        Ok(dense)
    }
}
