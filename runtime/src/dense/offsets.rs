//! Equation (2): the same weights, named by the offset from the pixel computed to the pixel weighted.

use ndarray::{Array3, ArrayView3};

use super::departure::check_tolerance;
use super::layer::check_picture;
use super::{Dense, Departure, Invariant};
use crate::{Error, memory};

/// The dense layer, re-indexed: `V[i,j,a,b] = W[i,j,i+a,j+b]`, equation (2),
/// `H[i,j] = U[i,j] + Σ_a Σ_b V[i,j,a,b] · X[i+a, j+b]`.
///
/// Nothing is assumed and nothing lost: the hidden picture has the size of the picture, the offsets
/// `(a, b)` run over all that stay inside it, and every `V` is one `W`. The numbers are kept offset by
/// offset, for each of the `(2H−1)·(2W−1)` offsets a plane of the `(H−|a|)·(W−|b|)` places that see it;
/// these are `H²·W²` numbers in all, as many as before. Translation invariance, the next step,
/// then says: every plane is one number.
///
/// With channels, `[H, W, C]` to `[H, W, D]`, each place of a plane has `C·D` weights.
///
/// ```
/// use ndarray::Array4;
/// use tapwise::dense::{Dense, Offsets};
///
/// let weights = Array4::from_shape_fn((2, 3, 2, 3), |(i, j, k, l)| (i * 1000 + j * 100 + k * 10 + l) as f32);
/// let dense = Dense::on_pictures(weights, None)?;
/// let offsets = Offsets::new(&dense)?;
/// assert_eq!(offsets.at(0, 2, 1, -1), Some(211.0)); // W[0,2,1,1]
/// assert_eq!(offsets.at(0, 2, -1, 0), None); // above the picture
/// assert_eq!(offsets.dense()?.weights(), dense.weights());
/// # Ok::<(), tapwise::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Offsets {
    size: [usize; 2],
    /// `[C, D]`.
    channels: [usize; 2],
    /// Plane after plane, row by row; each place `[C, D]`.
    values: Vec<f32>,
    /// `U`, `[H, W, D]`.
    bias: Array3<f32>,
}

/// The places of one offset.
struct Plane {
    offset: [isize; 2],
    /// The first place that sees the offset.
    first: [usize; 2],
    /// Rows and columns of places.
    places: [usize; 2],
    /// Where its numbers begin, in places.
    start: usize,
}

impl Plane {
    fn new(size: [usize; 2], offset: [isize; 2]) -> Option<Self> {
        let mut first = [0; 2];
        let mut places = [0; 2];
        for axis in 0..2 {
            let distance = offset[axis].unsigned_abs();
            places[axis] = size[axis].checked_sub(distance).filter(|places| *places > 0)?;
            first[axis] = if offset[axis] < 0 { distance } else { 0 };
        }
        // Places of all offsets of an axis before one: 1 + 2 + .. up to it, or all but those from it on.
        let before = |axis: usize| {
            let triangle = |n: usize| n * (n + 1) / 2;
            if offset[axis] <= 0 {
                triangle(places[axis] - 1)
            } else {
                size[axis] * size[axis] - triangle(places[axis])
            }
        };
        let start = before(0) * size[1] * size[1] + places[0] * before(1);
        Some(Plane { offset, first, places, start })
    }

    /// The place whose numbers are number `index` of the plane's.
    fn place(&self, index: usize) -> [usize; 2] {
        [self.first[0] + index / self.places[1], self.first[1] + index % self.places[1]]
    }
}

/// Every plane, in the order of memory.
fn planes(size: [usize; 2]) -> impl Iterator<Item = Plane> {
    let range = |length: usize| {
        let furthest = length as isize - 1;
        -furthest..=furthest
    };
    range(size[0])
        .flat_map(move |a| range(size[1]).map(move |b| [a, b]))
        .filter_map(move |offset| Plane::new(size, offset))
}

impl Offsets {
    /// Names the weights of a dense layer by their offsets.
    ///
    /// # Errors
    /// [`Error::Length`] where the hidden picture has not the size of the picture,
    /// [`Error::Memory`] where there is no room for the weights a second time.
    pub fn new(dense: &Dense) -> Result<Self, Error> {
        let ([height, width, c_in], [rows, columns, c_out]) = (dense.input(), dense.output());
        for (axis, found, wanted) in [("H", rows, height), ("W", columns, width)] {
            if found != wanted {
                return Err(Error::Length { array: "output", axis, found, wanted });
            }
        }
        let mut offsets = Offsets::zeros([height, width], [c_in, c_out])?;
        offsets.bias.iter_mut().zip(dense.bias()).for_each(|(number, bias)| *number = *bias);
        let pixels = height * width;
        let matrix = dense.matrix();
        for plane in planes(offsets.size) {
            let values = &mut offsets.values[plane.start * c_in * c_out..];
            for (index, block) in
                values.chunks_exact_mut(c_in * c_out).take(plane.places[0] * plane.places[1]).enumerate()
            {
                let [to, from] = pixel_pair(&plane, index, width);
                for d in 0..c_out {
                    let weights = &matrix[((to * c_out + d) * pixels + from) * c_in..][..c_in];
                    for (c, weight) in weights.iter().enumerate() {
                        block[c * c_out + d] = *weight;
                    }
                }
            }
        }
        Ok(offsets)
    }

    /// Back to equation (1), every number to where it came from.
    ///
    /// # Errors
    /// [`Error::Memory`] where there is no room for the weights a second time.
    pub fn dense(&self) -> Result<Dense, Error> {
        let ([height, width], [c_in, c_out]) = (self.size, self.channels);
        let mut dense = Dense::zeros([height, width, c_in], [height, width, c_out])?;
        dense.bias_mut().iter_mut().zip(&self.bias).for_each(|(number, bias)| *number = *bias);
        let pixels = height * width;
        let matrix = dense.matrix_mut();
        for plane in planes(self.size) {
            for (index, block) in self.blocks(&plane).enumerate() {
                let [to, from] = pixel_pair(&plane, index, width);
                for d in 0..c_out {
                    let weights = &mut matrix[((to * c_out + d) * pixels + from) * c_in..][..c_in];
                    for (c, weight) in weights.iter_mut().enumerate() {
                        *weight = block[c * c_out + d];
                    }
                }
            }
        }
        Ok(dense)
    }

    fn zeros(size: [usize; 2], channels: [usize; 2]) -> Result<Self, Error> {
        let [pixels, filters] = [size, channels].map(|[one, other]| one.saturating_mul(other));
        let values = memory::zeros("a re-indexed dense layer", (pixels, pixels, filters))?;
        let (values, _) = values.into_raw_vec_and_offset();
        let bias = memory::zeros("the bias of a dense layer", (size[0], size[1], channels[1]))?;
        Ok(Offsets { size, channels, values, bias })
    }

    /// A layer whose every plane is one number: equation (3) written as (2).
    pub(super) fn from_invariant(invariant: &Invariant) -> Result<Self, Error> {
        let (size, filter) = (invariant.size(), invariant.filter());
        let mut offsets = Offsets::zeros(size, invariant.channels())?;
        for (number, bias) in offsets.bias.iter_mut().zip(invariant.bias().iter().cycle()) {
            *number = *bias;
        }
        for (plane, taps) in planes(size).zip(filter.exact_chunks([1, 1, filter.dim().2, filter.dim().3])) {
            let places = plane.places[0] * plane.places[1];
            let block = &mut offsets.values[plane.start * taps.len()..][..places * taps.len()];
            for (number, weight) in block.iter_mut().zip(taps.iter().cycle()) {
                *number = *weight;
            }
        }
        Ok(offsets)
    }

    /// The pictures that it belongs to, `[H, W]`.
    #[must_use]
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// Channels in and out, `[C, D]`.
    #[must_use]
    pub fn channels(&self) -> [usize; 2] {
        self.channels
    }

    /// The bias `U`, `[H, W, D]`.
    #[must_use]
    pub fn bias(&self) -> ArrayView3<'_, f32> {
        self.bias.view()
    }

    /// Numbers that can be learnt, as many as in (1): weights and biases.
    #[must_use]
    pub fn parameters(&self) -> u128 {
        self.values.len() as u128 + self.bias.len() as u128
    }

    /// `V[i,j,a,b]` of a layer of one channel (of the first channels, where there are several), or
    /// `None` where `(i, j)` or `(i + a, j + b)` is outside the picture.
    #[must_use]
    pub fn at(&self, i: usize, j: usize, a: isize, b: isize) -> Option<f32> {
        self.weight([i, j], [a, b], [0, 0])
    }

    /// The weight at place `[i, j]` of offset `[a, b]` from channel `c` to channel `d`, or `None`
    /// where it does not exist.
    #[must_use]
    pub fn weight(&self, place: [usize; 2], offset: [isize; 2], [c, d]: [usize; 2]) -> Option<f32> {
        let plane = Plane::new(self.size, offset)?;
        let [c_in, c_out] = self.channels;
        let mut at = [0; 2];
        for axis in 0..2 {
            at[axis] = place[axis].checked_sub(plane.first[axis]).filter(|at| *at < plane.places[axis])?;
        }
        if c >= c_in || d >= c_out {
            return None;
        }
        let index = plane.start + at[0] * plane.places[1] + at[1];
        self.values.get((index * c_in + c) * c_out + d).copied()
    }

    /// Runs (2) on a picture `[H, W, C]`, offset by offset; the answer is `[H, W, D]`.
    ///
    /// # Errors
    /// [`Error::Length`] for a picture of another size, [`Error::Memory`] for an answer that this
    /// machine has no room for.
    pub fn forward(&self, input: ArrayView3<'_, f32>) -> Result<Array3<f32>, Error> {
        let ([height, width], [c_in, c_out]) = (self.size, self.channels);
        check_picture("input", input.dim().into(), [height, width, c_in])?;
        let input = input.as_standard_layout();
        let input = input.as_slice().unwrap_or_default();
        let mut output: Array3<f32> = memory::zeros("the output", (height, width, c_out))?;
        output.assign(&self.bias);
        let hidden = output.as_slice_mut().unwrap_or_default();
        for plane in planes(self.size) {
            for (index, block) in self.blocks(&plane).enumerate() {
                let [to, from] = pixel_pair(&plane, index, width);
                let sums = &mut hidden[to * c_out..][..c_out];
                let pixel = &input[from * c_in..][..c_in];
                for (x, weights) in pixel.iter().zip(block.chunks_exact(c_out)) {
                    for (sum, weight) in sums.iter_mut().zip(weights) {
                        *sum += x * weight;
                    }
                }
            }
        }
        Ok(output)
    }

    /// Up the road, to equation (3): the one weight of each offset, where there is one within
    /// `tolerance` (see [`Departure`] for what it is relative to).
    ///
    /// The weight of an offset is the mean, taken in f64, over all places that see it. An offset that
    /// two places see departs by the same at both, and the first is told; one that a single place sees
    /// (from corner to corner of the picture) cannot depart.
    ///
    /// # Errors
    /// [`Departure::NotInvariant`] or [`Departure::Bias`] for the largest departure,
    /// [`Departure::NotFinite`] for a number without a mean, [`Departure::Refused`] for a tolerance
    /// that is no number or for lack of memory.
    pub fn invariant(&self, tolerance: f32) -> Result<Invariant, Departure> {
        check_tolerance(tolerance)?;
        let ([height, width], [c_in, c_out]) = (self.size, self.channels);
        let limit = tolerance * self.largest_weight()?;
        let shape = (2 * height - 1, 2 * width - 1, c_in, c_out);
        let mut filter = memory::zeros("a translation-invariant layer", shape)?;
        let mut worst = (f64::from(limit), None);
        let mut targets = filter.iter_mut();
        for plane in planes(self.size) {
            for channel in 0..c_in * c_out {
                let weights = || self.blocks(&plane).map(|block| block[channel]);
                let wanted = mean(weights());
                for (index, found) in weights().enumerate() {
                    let distance = (f64::from(found) - f64::from(wanted)).abs();
                    if distance > worst.0 {
                        let departure = Departure::NotInvariant {
                            place: plane.place(index),
                            offset: plane.offset,
                            channels: [channel / c_out, channel % c_out],
                            found,
                            wanted,
                            limit,
                        };
                        worst = (distance, Some(departure));
                    }
                }
                if let Some(target) = targets.next() {
                    *target = wanted;
                }
            }
        }
        if let Some(departure) = worst.1 {
            return Err(departure);
        }
        let bias = self.one_bias(tolerance)?;
        Ok(Invariant::new(filter, Some(ndarray::Array1::from(bias)))?)
    }

    /// The mean bias of every channel, where no place departs from it.
    fn one_bias(&self, tolerance: f32) -> Result<Vec<f32>, Departure> {
        let largest = self.bias.iter().fold(0.0f32, |largest, bias| largest.max(bias.abs()));
        let limit = tolerance * largest;
        let mut worst = (f64::from(limit), None);
        let mut means = Vec::with_capacity(self.channels[1]);
        for (channel, plane) in self.bias.axis_iter(ndarray::Axis(2)).enumerate() {
            let wanted = mean(plane.iter().copied());
            for ((i, j), &found) in plane.indexed_iter() {
                let distance = (f64::from(found) - f64::from(wanted)).abs();
                if distance > worst.0 {
                    let departure = Departure::Bias { place: [i, j], channel, found, wanted, limit };
                    worst = (distance, Some(departure));
                }
            }
            means.push(wanted);
        }
        worst.1.map_or(Ok(means), Err)
    }

    /// The largest size of a weight, where all numbers are finite.
    fn largest_weight(&self) -> Result<f32, Departure> {
        let c_out = self.channels[1];
        let mut largest = 0.0f32;
        for plane in planes(self.size) {
            for (index, block) in self.blocks(&plane).enumerate() {
                for (channel, &found) in block.iter().enumerate() {
                    if !found.is_finite() {
                        let place = plane.place(index);
                        return Err(Departure::NotFinite { place, channel: channel % c_out, found });
                    }
                    largest = largest.max(found.abs());
                }
            }
        }
        for ((i, j, channel), &found) in self.bias.indexed_iter() {
            if !found.is_finite() {
                return Err(Departure::NotFinite { place: [i, j], channel, found });
            }
        }
        Ok(largest)
    }

    /// The numbers of a plane, place by place.
    fn blocks(&self, plane: &Plane) -> impl Iterator<Item = &[f32]> {
        let length = self.channels[0] * self.channels[1];
        self.values[plane.start * length..].chunks_exact(length).take(plane.places[0] * plane.places[1])
    }
}

/// The pixel computed and the pixel weighted at place `index` of a plane, flattened.
fn pixel_pair(plane: &Plane, index: usize, width: usize) -> [usize; 2] {
    let [i, j] = plane.place(index);
    let to = i * width + j;
    [to, to.wrapping_add_signed(plane.offset[0] * width as isize + plane.offset[1])]
}

/// The mean, in f64 so that equal numbers have themselves as their mean, the sign of a zero included.
fn mean(numbers: impl Iterator<Item = f32>) -> f32 {
    let (sum, count) =
        numbers.fold((-0.0, 0u64), |(sum, count), number| (sum + f64::from(number), count + 1));
    (sum / count as f64) as f32
}
