//! How the columns of an output are cut into tiles for a transform of one size, and what that is
//! predicted to cost.

use crate::frame::Frame;
use crate::isa::Isa;
use crate::machine::Machine;
use crate::spec::ConvSpec;

/// Output rows that are computed at once, at most.
pub(super) const MOST_ROWS: usize = 64;

/// As many are computed at once whatever memory they take, where there are so many.
const LEAST_ROWS: usize = 16;

/// Floats of a cache line.
const LINE: usize = 16;

/// Lengths of transforms are these times powers of two: the library is about as fast at all of them.
const FACTORS: [usize; 5] = [1, 3, 5, 9, 27];

/// The shortest transform: its numbers are whole vectors of every instruction set.
const SHORTEST: usize = 16;

/// Cycles of a call beyond its rows.
const CALL: f64 = 3000.0;

/// Cycles of a transform for each of its points and each doubling of their number, on the
/// instruction sets that the library knows.
const BUTTERFLY: f64 = 0.26;

/// How much longer a transform takes by plain code.
const PLAIN: f64 = 4.0;

/// Cycles of a transform beyond those of its points.
const TRANSFORM: f64 = 100.0;

/// Cycles to begin the rows of another pair of tiles where picture and answer are beyond the
/// second-level cache: nothing foresees what is read after a short run.
const FAR: f64 = 300.0;

/// Cycles to lay out a point for its transform, to turn its spectrum by a right angle, and to keep it
/// for the next block.
const STAGE: f64 = 1.4;

/// Cycles to take an output out of its signal and finish it.
const DELIVER: f64 = 1.0;

/// Cycles more for a number of a picture whose channels lie side by side.
const APART: f64 = 2.5;

/// Cycles of a vector of products: a load, a multiply-add and their share of finding rows.
const PRODUCT: f64 = 0.95;

/// Cycles to bring a cache line of spectra from beyond the second-level cache.
const FETCH: f64 = 3.5;

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
        // Beyond many filters, or the whole row, a longer transform only costs more.
        let longest = (64 * extent).min(extent + outputs).max(SHORTEST).next_power_of_two();
        let lengths = FACTORS.into_iter().flat_map(|factor| {
            std::iter::successors(Some(SHORTEST * factor), |length| length.checked_mul(2))
                .skip_while(move |length| *length < extent)
                .take_while(move |length| *length <= longest)
        });
        let best = lengths
            .map(|points| Layout::with(frame, machine, points))
            .map(|layout| (layout, layout.cycles_of_a_row(frame, machine)))
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .map(|(layout, _)| layout);
        let best =
            best.unwrap_or_else(|| Layout::with(frame, machine, longest.max(extent.next_power_of_two())));
        Layout { rows: best.rows.min(frame.output[0]), ..best }
    }

    /// The layout for transforms of `points`, which are at least as many as the filter has columns.
    pub(super) fn with(frame: &Frame, machine: &Machine, points: usize) -> Self {
        let outputs = columns(frame);
        let most = points + 1 - frame.spec.extent()[1];
        let pairs = outputs.div_ceil(2 * most);
        let tile = outputs.div_ceil(2 * pairs);
        let mut layout = Layout { points, tile, pairs, rows: MOST_ROWS, transform: 2 * points };
        // More rows share the rows above and below them; far beyond the second-level cache they do not
        // pay.
        while layout.rows > LEAST_ROWS && layout.workspace(frame) > 2 * machine.l2 {
            layout.rows -= 8;
        }
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
        (2 * spec.c_in_group()).saturating_mul(self.held(spec)).saturating_mul(self.pitch())
    }

    /// Bytes of scratch of a thread.
    pub(super) fn workspace(&self, frame: &Frame) -> usize {
        self.floats(frame).saturating_mul(size_of::<f32>())
    }

    /// Floats of scratch.
    pub(crate) fn floats(&self, frame: &Frame) -> usize {
        let sums = self.rows * 2 * self.points;
        self.spectra(&frame.spec).saturating_add(sums + 2 * self.points + 2 * self.transform)
    }

    /// Floats of the filter's spectra.
    pub(crate) fn filter_floats(&self, spec: &ConvSpec) -> u128 {
        let filters = spec.c_in_group() as u128 * spec.c_out as u128 * spec.kernel[0] as u128;
        filters * 4 * self.points as u128
    }

    /// Predicted cycles of the whole output on one thread.
    pub(super) fn cycles(&self, frame: &Frame, machine: &Machine) -> f64 {
        let read = (frame.output[0] - 1) * frame.spec.stride[0] + frame.spec.extent()[0];
        let pixels = |[rows, columns]: [usize; 2], channels| rows * columns * channels * size_of::<f32>();
        let bytes = pixels(frame.input, frame.spec.c_in) + pixels(frame.output, frame.spec.c_out);
        CALL + self.cycles_of(frame, machine, [frame.output[0] as f64, read as f64], bytes > machine.l2)
    }

    /// Predicted cycles of one row of output in a picture without end.
    fn cycles_of_a_row(&self, frame: &Frame, machine: &Machine) -> f64 {
        self.cycles_of(frame, machine, [1.0, frame.spec.stride[0] as f64], true)
    }

    /// Predicted cycles of `outputs` rows that read `inputs` rows of the padded picture, which is far
    /// or in a cache.
    fn cycles_of(&self, frame: &Frame, machine: &Machine, [outputs, inputs]: [f64; 2], far: bool) -> f64 {
        let spec = &frame.spec;
        let [points, c_in, c_out] = [self.points, spec.c_in, spec.c_out].map(|count| count as f64);
        let plain = if machine.isa == Isa::Portable { PLAIN } else { 1.0 };
        let transform = plain * BUTTERFLY * points * points.log2() + TRANSFORM + if far { FAR } else { 0.0 };
        let apart = |channels: f64| if channels > 1.0 { APART } else { 0.0 };
        let forward = inputs * c_in * (transform + points * (STAGE + 2.0 * apart(c_in)));
        let inverse = outputs * c_out * (transform + 2.0 * self.tile as f64 * (DELIVER + apart(c_out)));
        // Four products of real numbers for each of a spectrum's.
        let vectors = 4.0 * points / machine.isa.lanes() as f64;
        let filters = c_out * spec.c_in_group() as f64 * spec.kernel[0] as f64;
        let products = outputs * filters * vectors * PRODUCT;
        // What the cache does not hold comes again for every block: the spectra of every filter, and
        // those of the rows for every output channel of a group beyond the first.
        let (filter, block) = (self.filter_floats(spec) as f64, self.spectra(spec) as f64);
        let near = filter / spec.groups as f64 + block <= (machine.l2 / size_of::<f32>()) as f64;
        let again = filter + block * (spec.c_out - spec.groups) as f64;
        let fetched = if near { 0.0 } else { again / LINE as f64 * FETCH };
        self.pairs as f64 * (forward + inverse + products + fetched * outputs / self.rows as f64)
    }
}

/// Columns of output at stride 1.
pub(super) fn columns(frame: &Frame) -> usize {
    (frame.output[1] - 1) * frame.spec.stride[1] + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processor::Maker;

    fn layout(spec: ConvSpec, input: [usize; 2]) -> (Layout, Frame) {
        let (isa, maker) = (Isa::Portable, Maker::Other);
        let machine = Machine { isa, maker, threads: 2, l1: 32 << 10, l2: 1 << 20, l3: 32 << 20 };
        let frame = Frame::new(spec, input).unwrap();
        (Layout::of(&frame, &machine), frame)
    }

    #[test]
    fn pairs_of_tiles_cover_the_output_and_fit_their_transforms() {
        for kernel in [1, 2, 5, 31, 64] {
            for width in (1..80).chain([255, 256, 257, 1000, 1919, 1920]) {
                for (stride, dilation) in [(1, 1), (3, 1), (2, 3)] {
                    let spec = ConvSpec {
                        stride: [1, stride],
                        dilation: [1, dilation],
                        ..ConvSpec::new([3, kernel], 1, 1)
                    };
                    let (layout, frame) = layout(spec, [4, width]);
                    assert!(
                        layout.tile + spec.extent()[1] - 1 <= layout.points,
                        "{width} {spec}: {layout:?}"
                    );
                    assert!(2 * layout.pairs * layout.tile >= columns(&frame), "{width} {spec}: {layout:?}");
                }
            }
        }
    }

    #[test]
    fn neither_transforms_nor_scratch_grow_with_the_height() {
        for (kernel, channels) in [(31, 1), (9, 16), (5, 256)] {
            let of = |height| layout(ConvSpec::new([kernel, kernel], channels, channels), [height, 1920]);
            let ((low, frame), (high, tall)) = (of(200), of(100_000));
            assert_eq!((low.points, low.tile), (high.points, high.tile));
            assert_eq!(low.workspace(&frame), high.workspace(&tall));
            assert!(channels > 1 || low.workspace(&frame) < 3 << 20);
            assert_eq!(of(1).0.points, low.points);
        }
    }
}
