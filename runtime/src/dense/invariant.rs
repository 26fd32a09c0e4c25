//! Equation (3): one weight for each offset, wherever in the picture.

use ndarray::{Array1, Array3, Array4, ArrayView1, ArrayView3, ArrayView4, s};

use super::departure::check_tolerance;
use super::layer::check_picture;
use super::local::delta_of;
use super::{Dense, Departure, Local, Offsets};
use crate::{Conv2d, Error, Padding, memory};

/// The translation-invariant layer, `H[i,j] = u + Σ_a Σ_b V[a,b] · X[i+a, j+b]`, equation (3), with
/// `a` and `b` over all offsets that a picture of `[H, W]` has: `(2H−1)·(2W−1)` of them.
///
/// The weights are a filter `[2H−1, 2W−1, C, D]` with offset (0, 0) in its middle, the bias is `[D]`.
/// It belongs to pictures of one size, those whose every pixel it can weight from every other.
///
/// Few parameters are not little work: every hidden pixel still sums over the whole picture. Run as a
/// convolution, [`Invariant::forward`] takes `H·W·(2H−1)·(2W−1)·C·D` multiply-adds, about four times
/// those of [`Dense`], three quarters of them on the zeros around the picture; but what it reads
/// is a filter and not `H²·W²` weights. Locality is what saves the work.
///
/// ```
/// use ndarray::{Array3, array};
/// use tapwise::dense::Invariant;
///
/// // On pictures of 1x3: offsets -2 to 2. Every hidden pixel is the sum of those to its right.
/// let filter = array![[0.0, 0.0, 0.0, 1.0, 1.0]].to_shape((1, 5, 1, 1)).unwrap().to_owned();
/// let layer = Invariant::new(filter, None)?;
/// assert_eq!(layer.size(), [1, 3]);
/// let picture = Array3::from_shape_vec((1, 3, 1), vec![1.0, 10.0, 100.0]).unwrap();
/// assert_eq!(layer.forward(picture.view())?, array![[[110.0], [100.0], [0.0]]]);
/// # Ok::<(), tapwise::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Invariant {
    /// `[2H − 1, 2W − 1, C, D]`.
    filter: Array4<f32>,
    bias: Array1<f32>,
}

impl Invariant {
    /// A layer with a filter `[2H−1, 2W−1, C, D]` over all offsets of pictures of `[H, W]`, and a
    /// bias `[D]`, or none.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a filter without a middle, [`Error::Empty`] for one without numbers,
    /// [`Error::Length`] for a bias of another length, [`Error::Memory`] where a filter has to be
    /// copied and cannot be.
    pub fn new(filter: Array4<f32>, bias: Option<Array1<f32>>) -> Result<Self, Error> {
        let (filter, bias) = super::local::checked(filter, bias)?;
        Ok(Invariant { filter, bias })
    }

    /// The local layer as one over all offsets of pictures of `size`: zeros beyond its Δ.
    ///
    /// Where the filter reaches further than the picture is wide, it has taps that no place can see.
    /// They only ever weight the zeros around the picture, and are left out.
    ///
    /// # Errors
    /// [`Error::Empty`] for a picture without pixels, [`Error::Memory`] where there is no room.
    pub fn from_local(local: &Local, size: [usize; 2]) -> Result<Self, Error> {
        for (axis, length) in ["H", "W"].into_iter().zip(size) {
            if length == 0 {
                return Err(Error::Empty { array: "input", axis });
            }
        }
        let (_, _, c_in, c_out) = local.filter().dim();
        let lengths = size.map(|length| length.saturating_mul(2) - 1);
        let shape = (lengths[0], lengths[1], c_in, c_out);
        let mut filter = memory::zeros("a translation-invariant layer", shape)?;
        copy_middle(local.filter(), &mut filter);
        Ok(Invariant { filter, bias: local.bias().to_owned() })
    }

    /// The pictures that it belongs to, `[H, W]`.
    #[must_use]
    pub fn size(&self) -> [usize; 2] {
        let (rows, columns, _, _) = self.filter.dim();
        [rows, columns].map(|length| length / 2 + 1)
    }

    /// Channels in and out, `[C, D]`.
    #[must_use]
    pub fn channels(&self) -> [usize; 2] {
        let (_, _, c_in, c_out) = self.filter.dim();
        [c_in, c_out]
    }

    /// The weights, `[2H−1, 2W−1, C, D]`, offset (0, 0) in the middle.
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

    /// `V[a,b]` of a layer of one channel (of the first channels, where there are several), or `None`
    /// for an offset that the picture does not have.
    #[must_use]
    pub fn at(&self, a: isize, b: isize) -> Option<f32> {
        let [height, width] = self.size();
        let [row, column] =
            [(height, a), (width, b)].map(|(length, offset)| (length - 1).checked_add_signed(offset));
        self.filter.get([row?, column?, 0, 0]).copied()
    }

    /// The convolution that runs it: the whole filter, and padding for all of it.
    ///
    /// # Errors
    /// As [`Conv2dBuilder::build`](crate::Conv2dBuilder::build).
    pub fn layer(&self) -> Result<Conv2d, Error> {
        let [rows, columns] = self.size().map(|length| length - 1);
        let padding = Padding::Explicit { top: rows, bottom: rows, left: columns, right: columns };
        // Sums of whole numbers are exact, as those of the dense layer.
        Conv2d::builder(self.filter.view()).bias(self.bias.view()).padding(padding).two_passes(false).build()
    }

    /// Runs (3) on a picture `[H, W, C]`; the answer is `[H, W, D]`. The filter is packed anew on
    /// each call: to run often, keep [`Invariant::layer`].
    ///
    /// # Errors
    /// [`Error::Length`] for a picture of another size; as [`Conv2d::forward`].
    pub fn forward(&self, input: ArrayView3<'_, f32>) -> Result<Array3<f32>, Error> {
        let ([height, width], [c_in, _]) = (self.size(), self.channels());
        check_picture("input", input.dim().into(), [height, width, c_in])?;
        self.layer()?.forward(input)
    }

    /// Down the road: equation (3) as (2), `V[i,j,a,b] = V[a,b]` at every place.
    ///
    /// # Errors
    /// [`Error::Memory`] where there is no room for `H²·W²·C·D` weights.
    pub fn offsets(&self) -> Result<Offsets, Error> {
        Offsets::from_invariant(self)
    }

    /// Down the road: equation (3) as (1).
    ///
    /// # Errors
    /// As [`Invariant::offsets`].
    pub fn dense(&self) -> Result<Dense, Error> {
        Dense::from_conv(&self.layer()?, self.size())
    }

    /// The smallest Δ that serves within `tolerance`: how far the furthest weight that is not zero
    /// lies from the middle, down or across. Zero where no weight is left.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a tolerance that is no number from zero up.
    pub fn delta(&self, tolerance: f32) -> Result<usize, Error> {
        check_tolerance(tolerance)?;
        let limit = tolerance * self.largest_weight();
        let beyond = self.filter.indexed_iter().filter(|(_, weight)| exceeds(**weight, limit));
        Ok(beyond.map(|((row, column, _, _), _)| self.distance(row, column)).max().unwrap_or(0))
    }

    /// Up the road, to equation (4): the filter of offsets up to `delta`, where all beyond are zero
    /// within `tolerance` (see [`Departure`] for what it is relative to).
    ///
    /// The filter is `[2Δ+1, 2Δ+1, C, D]`. Offsets that a picture of `[H, W]` does not have are not
    /// constrained by it; where Δ reaches beyond the picture, their weights are zero.
    ///
    /// # Errors
    /// [`Departure::NotLocal`] for the largest weight beyond; [`Departure::Refused`] for a tolerance
    /// that is no number, or for lack of memory.
    pub fn local(&self, delta: usize, tolerance: f32) -> Result<Local, Departure> {
        check_tolerance(tolerance)?;
        let limit = tolerance * self.largest_weight();
        let mut worst: Option<Departure> = None;
        let mut most = limit;
        for ((row, column, c, d), &found) in self.filter.indexed_iter() {
            if self.distance(row, column) > delta && exceeds(found, most) {
                let [height, width] = self.size().map(|length| length as isize - 1);
                let offset = [row as isize - height, column as isize - width];
                worst = Some(Departure::NotLocal { delta, offset, channels: [c, d], found, limit });
                most = found.abs();
            }
        }
        if let Some(departure) = worst {
            return Err(departure);
        }
        let [c_in, c_out] = self.channels();
        let size = delta_of(delta);
        let mut filter = memory::zeros("a local filter", (size, size, c_in, c_out))?;
        copy_middle(self.filter.view(), &mut filter);
        Ok(Local::new(filter, Some(self.bias.clone()))?)
    }

    /// How far a tap is from the middle, the larger of down and across.
    fn distance(&self, row: usize, column: usize) -> usize {
        let [height, width] = self.size();
        row.abs_diff(height - 1).max(column.abs_diff(width - 1))
    }

    /// The largest size of a finite weight.
    fn largest_weight(&self) -> f32 {
        let finite = self.filter.iter().filter(|weight| weight.is_finite());
        finite.fold(0.0, |largest, weight| largest.max(weight.abs()))
    }
}

/// Whether a weight is further from zero than it may be, as NaN always is.
fn exceeds(weight: f32, limit: f32) -> bool {
    weight.is_nan() || weight.abs() > limit
}

/// Copies the taps that two filters of odd sides have in common, about the middle of each.
fn copy_middle(from: ArrayView4<'_, f32>, to: &mut Array4<f32>) {
    let middles = [from.shape(), to.shape()].map(|shape| [shape[0] / 2, shape[1] / 2]);
    let shared = [0, 1].map(|axis| middles[0][axis].min(middles[1][axis]));
    let within = |middle: [usize; 2]| {
        let [rows, columns] = [0, 1].map(|axis| middle[axis] - shared[axis]..=middle[axis] + shared[axis]);
        s![rows, columns, .., ..]
    };
    to.slice_mut(within(middles[1])).assign(&from.slice(within(middles[0])));
}
