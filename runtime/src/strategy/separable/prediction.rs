//! What the planner is told of two passes: what they cost, how exactly they sum, what memory they need.

use super::analysis::{Separability, largest};
use super::band::{Layout, Ways};
use super::{passes, period};
use crate::cost::{Features, Term, add_data};
use crate::frame::Frame;
use crate::machine::Machine;

/// Half the distance from 1 to the next f32: the most that rounding changes a result by.
const ROUNDING: f64 = 1.0 / (1u64 << 24) as f64;

/// What is decided for one size of picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fit {
    /// Whether picture and output are so much of the last cache that the output should pass it by.
    pub(super) stream: bool,
    /// Whether they are so much of it that rows should be asked for.
    pub(super) prefetch: bool,
}

impl Fit {
    pub(crate) fn of(frame: &Frame, machine: &Machine) -> Self {
        let moved = moved(frame);
        Fit { stream: moved > machine.l3 / 4, prefetch: moved > machine.l3 / 2 }
    }
}

/// What a picture of one size is predicted to take.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Prediction {
    /// The kernels of the passes.
    pub(crate) kernel: String,
    /// What the weights allow.
    pub(crate) schedule: String,
    /// Products of a column and a row.
    pub(crate) rank: usize,
    /// What is done to the picture.
    pub(crate) features: Features,
    /// Floats of scratch of each band.
    pub(crate) floats: usize,
    /// Bytes of packed weights and bias.
    pub(crate) weights: usize,
    /// Error over the root mean square of the output.
    pub(crate) error: f64,
    /// By how much roundings may be larger than those of the sum as it stands.
    pub(crate) growth: f64,
}

/// Predicts what a layer takes for a picture, or says why it cannot run.
pub(crate) fn predict(
    separability: &Separability,
    frame: &Frame,
    machine: &Machine,
) -> Result<Prediction, String> {
    let (rank, error, shared, growth) = match separability {
        Separability::Found { rank, error, shared, growth } => (*rank, *error, *shared, *growth),
        Separability::Refused(reason) => return Err(reason.clone()),
        Separability::Unknown => return Err("nothing is known of its weights".to_owned()),
    };
    let isa = machine.isa;
    let passes = passes(isa).ok_or_else(|| format!("no kernels for {isa} in this build"))?;
    let spec = &frame.spec;
    let [rows, columns] = spec.kernel;
    let layout = Layout::of(frame, Ways::interleaved(spec.c_in), rank, passes.rows());
    let each = !shared && spec.c_in > 1;
    let kept = if each { period(spec.c_in) } else { 0 };
    let numbers = rank * (rows + columns) * (spec.c_in + kept) + period(spec.c_in);
    let roundings = ((rank * (rows + columns)) as f64).sqrt().max(4.0);
    Ok(Prediction {
        kernel: format!("two-pass-{isa}"),
        schedule: format!(
            "rank {rank} within {error:.1e}: {} of {rows}x1 and 1x{columns}{}; the passes of a few rows follow one \
             another, columns are padded between them",
            if rank == 1 { "passes".to_owned() } else { format!("{rank} pairs of passes") },
            match (spec.c_in, shared) {
                (1, _) => "",
                (_, true) => ", one filter for all channels",
                (_, false) => ", a filter for each channel",
            }
        ),
        rank,
        features: features(frame, machine, rank, each),
        floats: layout.floats(),
        weights: size_of::<f32>() * numbers,
        error: 4.0 * ROUNDING * roundings + largest(error),
        growth,
    })
}

/// Bytes of picture and output.
fn moved(frame: &Frame) -> usize {
    let [input, output] = [frame.input, frame.output].map(|[rows, columns]| rows.saturating_mul(columns));
    size_of::<f32>() * frame.spec.c_in.saturating_mul(input.saturating_add(output))
}

/// Numbers of a cache line.
const LINE: usize = 16;

/// Cycles of a row beside those of its vectors: tables, borders, calls.
const ROW: f64 = 170.0;

/// Cycles of a vector of sums down the columns, and for each tap.
const DOWN: [f64; 2] = [3.0, 0.6];

/// Cycles of a vector of sums along the rows beside those of its taps.
const ALONG: f64 = 4.0;

/// Cycles of a tap along the rows, and those more of a load that crosses a cache line.
const TAP: [f64; 2] = [0.55, 0.5];

/// By how much longer passes take that read a weight for each channel.
const EACH: f64 = 1.5;

/// Cycles more for a tap of a vector that is summed alone, and waits for itself.
const ALONE: f64 = 3.0;

/// Vectors that a tile along the rows has at least, but for those that are left over.
const TILE: usize = 4;

/// What two passes do to a picture of interleaved channels.
fn features(frame: &Frame, machine: &Machine, rank: usize, each: bool) -> Features {
    let spec = &frame.spec;
    let lanes = machine.isa.lanes();
    let tap = TAP[0] + TAP[1] * crossing(spec.c_in, lanes);
    let vectors = |pixels: usize| pixels.saturating_mul(spec.c_in).div_ceil(lanes);
    let [read, written] = [vectors(frame.input[1]), vectors(frame.output[1])];
    let [down, along] = spec.kernel.map(|taps| (rank * taps) as f64);
    let mut cycles = read as f64 * (rank as f64 * DOWN[0] + DOWN[1] * down)
        + written as f64 * (ALONG + tap * along)
        + (written % TILE) as f64 * ALONE * along;
    if each {
        cycles *= EACH;
    }
    let mut features = Features::default();
    features.add(Term::TwoPass, frame.output[0] as f64 * (cycles + ROW));
    features.add(Term::Calls, 1.0);
    add_data(&mut features, moved(frame) as f64, 0.0, machine);
    features
}

/// The share of loads of `lanes` numbers that cross a cache line, where they begin `step` numbers apart.
fn crossing(step: usize, lanes: usize) -> f64 {
    let crosses = |load: &usize| load * step % LINE + lanes > LINE;
    (0..LINE).filter(crosses).count() as f64 / LINE as f64
}

#[cfg(test)]
mod tests {
    use super::crossing;

    #[test]
    fn loads_cross_lines_where_channels_are_no_whole_lines() {
        assert_eq!(
            [1, 3, 8, 64, 120].map(|step| crossing(step, 16)),
            [15.0 / 16.0, 15.0 / 16.0, 0.5, 0.0, 0.5]
        );
        assert_eq!([1, 8, 64].map(|step| crossing(step, 8)), [7.0 / 16.0, 0.0, 0.0]);
    }
}
