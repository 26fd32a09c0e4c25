//! Equation (4): offsets up to Δ. It is the convolution.

use ndarray::{Array1, Array4, ArrayView1, ArrayView4};

use super::{Dense, Departure, Invariant, Offsets};
use crate::{Conv2d, Conv2dBuilder, Error, memory};

/// The local layer, `H[i,j,d] = u[d] + Σ_a Σ_b Σ_c V[a,b,c,d] · X[i+a, j+b, c]` with `|a| ≤ Δ` and
/// `|b| ≤ Δ`: equation (4), and with its channels (8).
///
/// That is what [`Conv2d`] computes with `Same` padding and zeros around, stride 1; this type is no
/// more than its filter, `[2Δ+1, 2Δ+1, C, D]`, and its bias, `[D]`. It belongs to pictures of any size.
#[derive(Debug, Clone, PartialEq)]
pub struct Local {
    filter: Array4<f32>,
    bias: Array1<f32>,
}

impl Local {
    /// A layer with a filter of odd sides, `[2Δ+1, 2Δ+1, C, D]` (the two Δ may differ), and a bias
    /// `[D]`, or none.
    ///
    /// # Errors
    /// As [`Invariant::new`].
    pub fn new(filter: Array4<f32>, bias: Option<Array1<f32>>) -> Result<Self, Error> {
        let (filter, bias) = checked(filter, bias)?;
        Ok(Local { filter, bias })
    }

    /// Δ, down and across.
    #[must_use]
    pub fn delta(&self) -> [usize; 2] {
        let (rows, columns, _, _) = self.filter.dim();
        [rows / 2, columns / 2]
    }

    /// The filter, `[2Δ+1, 2Δ+1, C, D]`.
    #[must_use]
    pub fn filter(&self) -> ArrayView4<'_, f32> {
        self.filter.view()
    }

    /// The bias `u`, `[D]`.
    #[must_use]
    pub fn bias(&self) -> ArrayView1<'_, f32> {
        self.bias.view()
    }

    /// Numbers that can be learnt: weights and biases.
    #[must_use]
    pub fn parameters(&self) -> u128 {
        self.filter.len() as u128 + self.bias.len() as u128
    }

    /// The convolution, its filter and bias set, to be given a strategy or an activation.
    pub fn builder(&self) -> Conv2dBuilder<'_> {
        Conv2d::builder(self.filter.view()).bias(self.bias.view())
    }

    /// The convolution.
    ///
    /// # Errors
    /// As [`Conv2dBuilder::build`].
    pub fn layer(&self) -> Result<Conv2d, Error> {
        self.builder().build()
    }
}

impl Dense {
    /// The whole road up at once: the convolution that this layer is, with the smallest Δ that
    /// serves, where it is one within `tolerance` (see [`Departure`] for what it is relative to) and
    /// needs no larger Δ than `max_delta`.
    ///
    /// The convolution found has stride 1 and zeros around, one hidden pixel for each pixel. Dilated
    /// and grouped filters come back with the zeros between their taps, and filters that are not
    /// square within a square. A convolution with a circular border is translation invariant too, and on
    /// this size of picture is found with the pixels across the edge at their true distance: with a Δ of
    /// nearly the whole picture.
    ///
    /// ```
    /// use ndarray::Array4;
    /// use tapwise::Conv2d;
    /// use tapwise::dense::{Dense, Departure};
    ///
    /// let filter = Array4::from_elem((3, 3, 1, 1), 0.5);
    /// let mut dense = Dense::from_conv(&Conv2d::builder(filter.view()).build()?, [8, 8])?;
    /// assert_eq!(dense.to_conv(0.0, 7).unwrap().filter(), filter);
    ///
    /// // One weight of 4,096 is moved: from pixel (3, 5) to hidden pixel (3, 4).
    /// dense.weights_mut()[[3 * 8 + 4, 3 * 8 + 5]] = 0.75;
    /// let departure = dense.to_conv(1e-6, 7).unwrap_err();
    /// assert!(matches!(departure, Departure::NotInvariant { place: [3, 4], offset: [0, 1], found: 0.75, .. }));
    /// # Ok::<(), tapwise::Error>(())
    /// ```
    ///
    /// # Errors
    /// What [`Offsets::invariant`] and [`Invariant::local`] find; [`Departure::Refused`] where the
    /// hidden picture is of another size than the picture, or there is no room for the weights a
    /// second time.
    pub fn to_conv(&self, tolerance: f32, max_delta: usize) -> Result<Local, Departure> {
        let invariant: Invariant = Offsets::new(self)?.invariant(tolerance)?;
        let delta = invariant.delta(tolerance)?;
        invariant.local(delta.min(max_delta), tolerance)
    }
}

/// The side of a filter that reaches `delta` in both directions.
pub(super) fn delta_of(delta: usize) -> usize {
    delta.saturating_mul(2).saturating_add(1)
}

/// A filter with a middle, row by row in memory, and its bias.
pub(super) fn checked(
    filter: Array4<f32>,
    bias: Option<Array1<f32>>,
) -> Result<(Array4<f32>, Array1<f32>), Error> {
    let (rows, columns, c_in, c_out) = filter.dim();
    for (axis, length) in [("K_h", rows), ("K_w", columns), ("C_in", c_in), ("C_out", c_out)] {
        if length == 0 {
            return Err(Error::Empty { array: "filter", axis });
        }
    }
    for (parameter, length) in [("kernel[0]", rows), ("kernel[1]", columns)] {
        if length % 2 == 0 {
            return Err(Error::Parameter {
                parameter,
                found: length.to_string(),
                wanted: "an odd number: offset 0 is in the middle".to_owned(),
            });
        }
    }
    let bias = match bias {
        Some(bias) if bias.len() != c_out => {
            return Err(Error::Length { array: "bias", axis: "C_out", found: bias.len(), wanted: c_out });
        }
        Some(bias) => memory::row_by_row("the bias", bias)?,
        None => memory::zeros("the bias", c_out)?,
    };
    Ok((memory::row_by_row("a filter", filter)?, bias))
}
