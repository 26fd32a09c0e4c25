//! Two passes instead of one: a filter that is the sum of few products of a column and a row sums the rows of
//! a picture down the columns, and what those leave along the rows. The weights of a layer with one filter for
//! each channel are looked at when it is built; this is a way of [`super::direct`].

mod analysis;
mod band;
mod passes;
mod prediction;

use aligned_vec::AVec;
use ndarray::Array4;

pub use self::analysis::Separability;
pub(crate) use self::analysis::concerns;
use self::passes::Ready;
pub use self::passes::{ColumnSums, Passes, RowSums, turned};
pub(crate) use self::prediction::{Fit, predict};
use crate::epilogue::Epilogue;
use crate::isa::Isa;
use crate::spec::ConvSpec;

tapwise_macros::two_pass_kernels! {}

/// Numbers that the widest tile of a pass covers, at most: what belongs to channels goes on for as long.
const TILE: usize = 128;

/// The passes of an instruction set.
fn passes(isa: Isa) -> Option<&'static Passes> {
    PASSES.iter().find(|passes| passes.isa() == isa)
}

/// The two passes of one layer, with its weights.
#[derive(Debug)]
pub(crate) struct Separable {
    passes: Ready,
    /// Products of a column and a row.
    rank: usize,
    /// The weights of each channel, `[C][rank][K_h]` and `[C][rank][K_w]`.
    own: [AVec<f32>; 2],
    /// The same as vectors want them where channels lie side by side, `[rank][K_h][C..]` and
    /// `[rank][K_w][C..]`; empty where one filter serves all channels.
    each: [AVec<f32>; 2],
    /// Bias and slopes of the channels, and again from the first on.
    bias: AVec<f32>,
    slopes: AVec<f32>,
}

impl Separable {
    /// Packs the factors of a layer's filter, or nothing where it has none, or where this machine lacks the
    /// instruction set.
    pub(crate) fn new(
        isa: Isa,
        spec: &ConvSpec,
        filter: &Array4<f32>,
        epilogue: &Epilogue,
        tolerance: f32,
    ) -> Option<Self> {
        let passes = passes(isa)?.ready()?;
        let factors = analysis::factors(spec, filter, tolerance).ok()?;
        let rank = factors.iter().map(|(factors, _)| factors.columns.len()).max().unwrap_or(0).max(1);
        let channels = spec.c_out;
        let weight = |side: usize, channel: usize, term: usize, tap: usize| {
            let (factors, _) = &factors[channel % channels];
            let terms = if side == 0 { &factors.columns } else { &factors.rows };
            terms.get(term).map_or(0.0, |weights| weights[tap] as f32)
        };
        let taps = |side: usize| {
            (0..rank * spec.kernel[side]).map(move |at| (at / spec.kernel[side], at % spec.kernel[side]))
        };
        let own = [0, 1].map(|side| {
            let all =
                (0..channels).flat_map(|channel| taps(side).map(move |(term, tap)| (channel, term, tap)));
            AVec::from_iter(64, all.map(|(channel, term, tap)| weight(side, channel, term, tap)))
        });
        let shared = factors.windows(2).all(|pair| pair[0].0 == pair[1].0);
        let each = [0, 1].map(|side| {
            let period = if shared { 0 } else { period(channels) };
            let all = taps(side).flat_map(|(term, tap)| (0..period).map(move |channel| (channel, term, tap)));
            AVec::from_iter(64, all.map(|(channel, term, tap)| weight(side, channel, term, tap)))
        });
        let again = |numbers: &[f32]| {
            let count = if numbers.is_empty() { 0 } else { period(channels) };
            AVec::from_iter(64, numbers.iter().copied().cycle().take(count))
        };
        let (bias, slopes) = (again(&epilogue.bias), again(&epilogue.slopes));
        Some(Separable { passes, rank, own, each, bias, slopes })
    }

    /// Bytes of packed weights, bias and slopes.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        let weights = self.own.iter().chain(&self.each).map(|weights| weights.len()).sum::<usize>();
        size_of::<f32>() * (weights + self.bias.len() + self.slopes.len())
    }
}

/// Numbers after which what belongs to channels may end: a tile begins with any of them.
fn period(channels: usize) -> usize {
    channels + TILE
}

#[cfg(test)]
mod tests {
    use ndarray::{Array3, Array4};

    use super::Separable;
    use crate::Conv2d;
    use crate::epilogue::Epilogue;

    #[test]
    fn memory_is_what_the_plan_says() {
        for (channels, shared) in [(1, true), (5, true), (5, false), (40, false)] {
            let weight = |(a, b, _, d): (usize, usize, usize, usize)| {
                let d = if shared { 0 } else { d };
                (a as f32 - 1.5 - d as f32) * (b as f32 + 0.3 * d as f32) + 0.1 * (a * a + d * b * b) as f32
            };
            let filter = Array4::from_shape_fn((5, 7, 1, channels), weight);
            let layer = Conv2d::builder(filter.view()).groups(channels).two_passes(true).build().unwrap();
            let plan = layer.explain([9, 11]);
            let chosen = plan.chosen().unwrap();
            layer.forward(Array3::ones((9, 11, channels)).view()).unwrap();
            assert_eq!(layer.scratch_bytes(), chosen.workspace_bytes.scratch, "{channels} {shared}");
            let epilogue = Epilogue::linear(channels);
            let packed = Separable::new(layer.isa(), layer.spec(), &filter, &epilogue, 5e-5).unwrap();
            assert_eq!(packed.bytes(), chosen.workspace_bytes.weights, "{channels} {shared}");
        }
    }
}
