//! What happens to a sum before it is stored: bias, then activation.

use aligned_vec::AVec;
use ndarray::ArrayView1;

/// The nonlinearity that follows the sum, fused into the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Activation {
    /// None: the sum as it is.
    #[default]
    Identity,
    /// `max(0, x)`; NaN stays NaN.
    Relu,
}

impl Activation {
    /// The value below which outputs are raised to it: 0 for ReLU, minus infinity for none.
    #[must_use]
    pub(crate) fn floor(self) -> f32 {
        match self {
            Activation::Identity => f32::NEG_INFINITY,
            Activation::Relu => 0.0,
        }
    }
}

/// Bias and activation of a layer.
#[derive(Debug, Clone)]
pub(crate) struct Epilogue {
    /// One for each output channel; zeros where the layer has none.
    pub(crate) bias: AVec<f32>,
    pub(crate) activation: Activation,
    /// See [`Activation::floor`].
    pub(crate) floor: f32,
}

impl Epilogue {
    /// Of a layer of `c_out` channels.
    pub(crate) fn new(bias: Option<ArrayView1<'_, f32>>, c_out: usize, activation: Activation) -> Self {
        let bias = match bias {
            Some(bias) => AVec::from_iter(64, bias.iter().copied()),
            None => AVec::from_iter(64, std::iter::repeat_n(0.0, c_out)),
        };
        Epilogue { bias, activation, floor: activation.floor() }
    }

    /// Finishes a stored row of pixels of `bias.len()` channels, for strategies whose sums come
    /// out of a library without their bias.
    pub(crate) fn finish(&self, row: &mut [f32]) {
        for pixel in row.chunks_exact_mut(self.bias.len()) {
            for (value, bias) in pixel.iter_mut().zip(self.bias.iter()) {
                *value = at_least(self.floor, *value + bias);
            }
        }
    }
}

/// `max(floor, value)` where NaN stays NaN.
pub(crate) fn at_least<F: PartialOrd>(floor: F, value: F) -> F {
    if value < floor { floor } else { value }
}
