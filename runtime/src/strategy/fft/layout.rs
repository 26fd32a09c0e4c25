//! How the columns of an output are cut into tiles for a transform of one size, and what that is
//! predicted to cost.

use crate::frame::Frame;
use crate::isa::Isa;
use crate::machine::Machine;
use crate::spec::ConvSpec;

/// Output rows that are computed at once, at most.
pub(super) const MOST_ROWS: usize = 64;

/// Floats of a cache line.
const LINE: usize = 16;

/// Lengths of transforms are these times powers of two: the library is about as fast at all of them.
const FACTORS: [usize; 5] = [1, 3, 5, 9, 27];

/// The shortest transform: its numbers are whole vectors of every instruction set.
const SHORTEST: usize = 16;

/// Cycles of a transform for each of its points and each doubling of their number, on the
/// instruction sets that the library knows; loops without one take longer.
const BUTTERFLY: f64 = 0.29;

/// Cycles of a transform beyond those of its points.
const TRANSFORM: f64 = 60.0;

/// Cycles to lay out a point for its transform, and to turn the spectrum by a right angle.
const STAGE: f64 = 0.9;

/// Cycles to take an output out of its transform and finish it.
const DELIVER: f64 = 0.9;

/// Cycles for a vector of products, a load and a multiply-add, beyond the share of them that the
/// kernels are predicted to need.
const PRODUCT: f64 = 0.65;

/// Cycles to read a cache line of spectra from beyond the second-level cache.
const FETCH: f64 = 6.0;

/// A layer on pictures of one size, cut into tiles.
///
/// The output at stride 1 is cut into tiles of columns. Two neighbours are one complex signal: the
/// left one is its real part, the right one its imaginary part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Complex numbers of a transform.
    pub(crate) points: usize,
    /// Columns of output at stride 1 that a tile has.
    pub(super) tile: usize,
    /// Pairs of tiles.
    pub(super) pairs: usize,
    /// Output rows at once.
    pub(super) rows: usize,
    /// Complex numbers that a transform needs to work in.
    pub(super) transform: usize,
}

impl Layout {
    /// The layout of the least predicted cost. Length and tiles follow from the layer and the width
    /// of its output alone, so that a picture computed in parts has the bits of the whole.
    pub(crate) fn of(frame: &Frame, machine: &Machine) -> Self {
        let [extent, outputs] = [frame.spec.extent()[1], columns(frame)];
        // Beyond eight filters, or the whole row, a longer transform only costs more.
        let longest = (8 * extent).min(extent + outputs).max(SHORTEST).next_power_of_two();
        let lengths = FACTORS.into_iter().flat_map(|factor| {
            std::iter::successors(Some(SHORTEST * factor), |length| length.checked_mul(2))
                .skip_while(move |length| *length < extent)
                .take_while(move |length| *length <= longest)
        });
        let cost = |layout: &Layout| layout.cycles(frame, machine, 1.0, frame.spec.extent()[0] as f64);
        let best = lengths
            .map(|points| Layout::with(frame, machine, points))
            .min_by(|a, b| cost(a).total_cmp(&cost(b)));
        best.unwrap_or_else(|| Layout::with(frame, machine, longest.max(extent.next_power_of_two())))
    }

    /// The layout for transforms of `points`, which are at least as many as the filter has columns.
    pub(super) fn with(frame: &Frame, machine: &Machine, points: usize) -> Self {
        let outputs = columns(frame);
        let most = points + 1 - frame.spec.extent()[1];
        let pairs = outputs.div_ceil(2 * most);
        let tile = outputs.div_ceil(2 * pairs);
        let mut layout = Layout { points, tile, pairs, rows: MOST_ROWS, transform: 0 };
        // As many rows as leave the spectra of a block in the second-level cache beside those of the
        // filter, in whole register tiles.
        while layout.rows > 8 && layout.floats(frame) * size_of::<f32>() > machine.l2 / 2 {
            layout.rows -= 8;
        }
        layout.rows = layout.rows.min(frame.output[0]);
        layout
    }

    /// Floats from one row of spectra to the next: an odd number of cache lines, so that rows do not
    /// fall into the same sets of a cache.
    pub(super) fn pitch(&self) -> usize {
        2 * self.points + LINE
    }

    /// Rows of the padded picture that the output rows of a block read.
    pub(super) fn held(&self, spec: &ConvSpec) -> usize {
        (self.rows - 1) * spec.stride[0] + spec.extent()[0]
    }

    /// Floats of the spectra of a block.
    pub(super) fn spectra(&self, spec: &ConvSpec) -> usize {
        2 * spec.c_in_group() * self.held(spec) * self.pitch()
    }

    /// Floats of scratch.
    pub(crate) fn floats(&self, frame: &Frame) -> usize {
        let sums = self.rows * 2 * self.points;
        self.spectra(&frame.spec) + sums + 2 * self.points + 2 * self.transform
    }

    /// Floats of the filter's spectra.
    pub(crate) fn filter_floats(&self, spec: &ConvSpec) -> u128 {
        let filters = spec.c_in_group() as u128 * spec.c_out as u128 * spec.kernel[0] as u128;
        filters * 4 * self.points as u128
    }

    /// Predicted cycles on one thread for `outputs` rows of output that read `more` rows of the
    /// picture beyond those of their own.
    pub(crate) fn cycles(&self, frame: &Frame, machine: &Machine, outputs: f64, more: f64) -> f64 {
        let spec = &frame.spec;
        let [points, pairs] = [self.points as f64, self.pairs as f64];
        let [c_in, c_out] = [spec.c_in as f64, spec.c_out as f64];
        let slow = match machine.isa {
            Isa::Portable => 4.0,
            _ => 1.0,
        };
        let transform = slow * BUTTERFLY * points * points.log2() + TRANSFORM;
        let inputs = outputs * spec.stride[0] as f64 + more;
        let forward = inputs * c_in * (transform + 2.0 * points * STAGE);
        let inverse = outputs * c_out * (transform + 2.0 * self.tile as f64 * DELIVER);
        // Two products of real numbers for each of a spectrum's, in vectors.
        let vectors = 4.0 * points / machine.isa.lanes() as f64;
        let filters = c_out * spec.c_in_group() as f64 * spec.kernel[0] as f64;
        let products = outputs * filters * vectors * PRODUCT;
        // Spectra of filters that no cache holds are read again for every block.
        let bytes = self.filter_floats(spec) as f64 * size_of::<f32>() as f64;
        let fetched = if bytes > machine.l2 as f64 / 2.0 { bytes / 64.0 * FETCH } else { 0.0 };
        pairs * (forward + inverse + products + fetched * outputs / self.rows as f64)
    }
}

/// Columns of output at stride 1.
pub(super) fn columns(frame: &Frame) -> usize {
    (frame.output[1] - 1) * frame.spec.stride[1] + 1
}
