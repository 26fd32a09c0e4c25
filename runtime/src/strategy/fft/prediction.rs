//! What the planner is told of the FFT strategy: whether it may run, at what cost, how exactly.

use super::layout::Layout;
use crate::frame::Frame;
use crate::kernel::Family;
use crate::machine::Machine;
use crate::memory;
use crate::spec::ConvSpec;
use crate::strategy::direct;

/// Half the distance from 1 to the next f32: the most that rounding changes a result by.
const ROUNDING: f64 = 1.0 / (1u64 << 24) as f64;

/// Filters of fewer columns are no work for a transform: a spectrum has four products for every two
/// outputs of a filter row, beside the transforms.
const FEWEST_COLUMNS: usize = 5;

/// Nor are those of fewer taps: the direct sum is as fast for them on every machine, and exact where
/// numbers are whole.
const FEWEST_TAPS: usize = 49;

/// What a picture of one size is predicted to take.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Prediction {
    /// The kernel between the transforms.
    pub(crate) kernel: String,
    /// How the rows are cut.
    pub(crate) schedule: String,
    /// Cycles on one thread.
    pub(crate) cycles: f64,
    /// Floats of scratch of each band.
    pub(crate) floats: usize,
    /// Bytes of the filter's spectra.
    pub(crate) weights: usize,
    /// Error over the root mean square of the output.
    pub(crate) error: f64,
    /// By how much errors may be larger than those of the sum as it is written.
    pub(crate) growth: f64,
}

/// Predicts what a layer takes for a picture, or says why it cannot run.
pub(crate) fn predict(frame: &Frame, machine: &Machine) -> Result<Prediction, String> {
    let kernel = direct::of_family(machine.isa, Family::Depthwise)
        .ok_or_else(|| direct::missing(machine.isa, Some(Family::Depthwise)))?;
    let layout = Layout::of(frame, machine);
    let spec = &frame.spec;
    let filter = [spec.c_out, spec.c_in_group(), spec.kernel[0], 4 * layout.points];
    memory::room("the spectra of the filter", &filter).map_err(|error| error.to_string())?;
    let workspace = [layout.floats(frame)];
    memory::room("the spectra of some rows", &workspace).map_err(|error| error.to_string())?;
    Ok(Prediction {
        kernel: format!("fft by {}", kernel.name()),
        schedule: format!(
            "rows by transforms of {}, {} at once in {} of {} columns, sums of spectra down the columns",
            layout.points,
            layout.rows,
            if layout.pairs == 1 {
                "a pair of tiles".to_owned()
            } else {
                format!("{} pairs of tiles", layout.pairs)
            },
            layout.tile
        ),
        cycles: layout.cycles(frame, machine),
        floats: layout.floats(frame),
        weights: usize::try_from(4 * layout.filter_floats(spec)).unwrap_or(usize::MAX),
        error: error(&layout, spec),
        growth: growth(&layout),
    })
}

/// Whether the strategy could be the fastest for some picture, or why not.
pub(crate) fn contends(spec: &ConvSpec) -> Result<(), String> {
    if spec.kernel[1] < FEWEST_COLUMNS {
        return Err(format!(
            "its filter has fewer than {FEWEST_COLUMNS} columns: its spectra would be as much work, beside \
             the transforms"
        ));
    }
    if spec.kernel[0].saturating_mul(spec.kernel[1]) < FEWEST_TAPS {
        return Err(format!(
            "its filter has fewer than {FEWEST_TAPS} taps: the transforms would be as much work"
        ));
    }
    Ok(())
}

/// Predicted error over the root mean square of the output.
///
/// Transforms of `N` points err by `log2 N` roundings (Gentleman and Sande, "Fast Fourier transforms",
/// 1966, on average by their square root), there and back; the sums between them by the square root
/// of their number of terms.
fn error(layout: &Layout, spec: &ConvSpec) -> f64 {
    let doublings = (layout.points as f64).log2();
    let terms = 2.0 * (spec.kernel[0] * spec.c_in_group()) as f64;
    ROUNDING * (2.0 * doublings + 2.0 * terms.sqrt())
}

/// By how much errors may be larger than those of the sum as it is written, where every number is as
/// large as the largest: each doubling of a transform rounds numbers whose squares add up to those of the
/// signal's (Parseval), there and back.
fn growth(layout: &Layout) -> f64 {
    (layout.points as f64).log2()
}

/// Bands into which an output may be cut on `threads` threads: each transforms the rows above and
/// below it anew, which should be little beside its own.
pub(crate) fn most_bands(frame: &Frame, threads: usize) -> usize {
    (frame.output[0] * frame.spec.stride[0] / (8 * frame.spec.extent()[0])).max(threads)
}
