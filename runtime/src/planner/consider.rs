//! What every way of computing a layer would cost, or why it cannot serve.

use std::borrow::Cow;

use super::{Borders, Candidate, Planner, Verdict, WorkspaceBytes};
use crate::cost::{Costs, Features, Term, planar as planar_cost, product, tiled as tiled_cost};
use crate::edges::Edges;
use crate::frame::Frame;
use crate::joined;
use crate::kernel::{Family, Kernel};
use crate::machine::Machine;
use crate::planar;
use crate::split::{self, Channels, Grain, Split};
use crate::strategy::{Strategy, direct, fft, im2col_gemm, separable, specialized, winograd};
use crate::tiled;

/// Half the distance from 1 to the next f32: the most that rounding changes a result by.
const ROUNDING: f64 = 1.0 / (1u64 << 24) as f64;

/// The kernel of two passes that the weights do not allow.
pub(super) const TWO_PASSES: &str = "two-pass";

/// A way of computing the layer that can run.
struct Way<'f> {
    strategy: Strategy,
    family: Option<Family>,
    tile: Option<[usize; 2]>,
    rank: Option<usize>,
    kernel: String,
    schedule: Option<Cow<'static, str>>,
    borders: Borders,
    features: Features,
    error: f64,
    growth: f64,
    /// Rows that bands have a multiple of.
    grain: usize,
    /// Output channels that shares of them have a multiple of, where threads may share them.
    unit: Option<usize>,
    /// Bands into which the output may be cut.
    most_bands: usize,
    /// Bytes of packed weights.
    weights: usize,
    /// Floats of scratch of a band of so many rows.
    scratch: Box<dyn Fn(usize) -> usize + 'f>,
}

impl Planner {
    /// Every strategy with every kernel that it has for the layer.
    pub(super) fn candidates(&self, frame: &Frame, machine: &Machine, costs: &Costs) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        for strategy in Strategy::ALL.into_iter().rev() {
            match self.ways(strategy, frame, machine) {
                Ok(ways) => {
                    // A strategy that is asked for by name may err by as much as its most exact way.
                    let least = ways.iter().map(|way| way.error).fold(f64::INFINITY, f64::min);
                    let tolerance = f64::from(self.tolerance);
                    let limit = if self.strategy == strategy { tolerance.max(least) } else { tolerance };
                    candidates
                        .extend(ways.into_iter().map(|way| self.judged(way, limit, frame, machine, costs)));
                }
                Err(reason) => candidates.push(refused(strategy, "", reason, frame)),
            }
            if strategy == Strategy::Direct {
                match self.two_passes(frame, machine) {
                    Ok(way) => {
                        let limit = f64::from(self.tolerance);
                        candidates.push(self.judged(way, limit, frame, machine, costs));
                    }
                    Err(reason) if separable::concerns(&frame.spec) => {
                        candidates.push(refused(strategy, TWO_PASSES, reason, frame));
                    }
                    Err(_) => {}
                }
            }
        }
        candidates
    }

    /// The ways of one strategy, or the reason why there is none.
    fn ways<'f>(
        &self,
        strategy: Strategy,
        frame: &'f Frame,
        machine: &Machine,
    ) -> Result<Vec<Way<'f>>, String> {
        let spec = &frame.spec;
        let plain = |kernel: &str, features: Features, error: f64| Way {
            strategy,
            family: None,
            tile: None,
            rank: None,
            kernel: kernel.to_owned(),
            schedule: None,
            borders: Borders::InPlace,
            features,
            error,
            growth: 1.0,
            grain: 1,
            unit: None,
            most_bands: usize::MAX,
            weights: size_of::<f32>() * spec.taps() * spec.c_out,
            scratch: Box::new(|_| 0),
        };
        let kernels = match strategy {
            Strategy::Specialized => specialized::kernels(machine.isa, spec, self.family)?,
            Strategy::Direct => direct::kernels(machine.isa, spec, self.family).collect(),
            Strategy::Winograd => return self.tiles(frame, machine),
            Strategy::Fft => return self.spectra(frame, machine),
            Strategy::Im2colGemm => {
                let borders = if frame.pads_columns() { Borders::Staged } else { Borders::InPlace };
                let scratch = Box::new(move |rows| im2col_gemm::scratch(frame, rows));
                let way = plain("faer matmul", product::im2col(frame, machine), summed(frame));
                return Ok(vec![Way { borders, scratch, ..way }]);
            }
            Strategy::Naive | Strategy::Auto => {
                // Rounded once, and the largest output is a few times the root mean square.
                return Ok(vec![plain("loops", product::naive(frame), 8.0 * ROUNDING)]);
            }
        };
        if kernels.is_empty() {
            return Err(direct::missing(machine.isa, self.family));
        }
        Ok(kernels.into_iter().map(|kernel| generated(strategy, kernel, frame, machine)).collect())
    }

    /// The sum in two passes, where the weights allow it.
    fn two_passes<'f>(&self, frame: &'f Frame, machine: &Machine) -> Result<Way<'f>, String> {
        let predicted = separable::predict(&self.separability, frame, machine)?;
        Ok(Way {
            strategy: Strategy::Direct,
            family: None,
            tile: None,
            rank: Some(predicted.rank),
            kernel: predicted.kernel,
            schedule: Some(Cow::Owned(predicted.schedule)),
            borders: Borders::InPlace,
            features: predicted.features,
            error: predicted.error,
            growth: predicted.growth,
            grain: 1,
            unit: None,
            most_bands: usize::MAX,
            weights: predicted.weights,
            scratch: Box::new(move |_| predicted.floats),
        })
    }

    /// Why a way that sums in two passes, or one that does not, may not run.
    fn passes_refused(&self, two: bool) -> Option<&'static str> {
        match (two, self.two_passes) {
            (true, Some(true)) | (false, None | Some(false)) => None,
            (false, Some(true)) => Some("the layer asks for two passes"),
            (true, Some(false)) => Some("the layer asks for one pass"),
            (true, None) if self.family.is_some() => Some("the layer asks for a family of direct kernels"),
            (true, None) if self.strategy != Strategy::Auto => {
                Some("the layer asks for the direct sum as it stands; two passes are asked for by themselves")
            }
            (true, None) => None,
        }
    }

    /// Transforms along the rows.
    fn spectra<'f>(&self, frame: &'f Frame, machine: &Machine) -> Result<Vec<Way<'f>>, String> {
        if self.strategy == Strategy::Auto && self.family.is_some() {
            return Err("the layer asks for a family of direct kernels".to_owned());
        }
        let predicted = fft::predict(frame, machine)?;
        let mut features = Features::default();
        features.add(Term::Fft, predicted.cycles);
        features.add(Term::Calls, 1.0);
        Ok(vec![Way {
            strategy: Strategy::Fft,
            family: None,
            tile: None,
            rank: None,
            kernel: predicted.kernel,
            schedule: Some(Cow::Owned(predicted.schedule)),
            borders: Borders::Signals,
            features,
            error: predicted.error,
            growth: predicted.growth,
            grain: 1,
            unit: None,
            most_bands: fft::most_bands(frame, machine.threads),
            weights: predicted.weights,
            scratch: Box::new(move |_| predicted.floats),
        }])
    }

    /// The tiles of Winograd's algorithms.
    fn tiles<'f>(&self, frame: &'f Frame, machine: &Machine) -> Result<Vec<Way<'f>>, String> {
        if self.strategy == Strategy::Auto && self.family.is_some() {
            return Err("the layer asks for a family of direct kernels".to_owned());
        }
        let choices = winograd::choices(machine.isa, frame, machine, self.tile)?;
        let ways = choices.into_iter().map(|choice| Way {
            strategy: Strategy::Winograd,
            family: None,
            tile: Some(choice.tile),
            rank: None,
            kernel: format!("winograd-{}-{}", choice.name, machine.isa),
            schedule: Some(Cow::Owned(choice.reason())),
            borders: Borders::Tiles,
            features: choice.features,
            error: choice.error,
            growth: choice.growth,
            grain: choice.grain,
            unit: None,
            most_bands: usize::MAX,
            weights: choice.weights,
            scratch: Box::new(move |_| choice.workspace / size_of::<f32>()),
        });
        Ok(ways.collect())
    }

    /// A way as a candidate: what it costs, and whether it may run, where it may err by `limit`.
    fn judged(&self, way: Way<'_>, limit: f64, frame: &Frame, machine: &Machine, costs: &Costs) -> Candidate {
        let Way { strategy, family, tile, rank, kernel, schedule, borders, features, .. } = way;
        let (error, growth) = (way.error, way.growth);
        let [rows, width] = frame.output;
        let across = tile.map(|tile: [usize; 2]| tile[1] * frame.spec.dilation[1]);
        let seconds = costs.seconds(&features);
        let channels = way.unit.filter(|_| !self.doubles);
        let grain = Grain {
            rows: way.grain,
            columns: split::grain(strategy, across),
            channels: channels.map(|unit| Channels { unit, weights: way.weights }),
        };
        let Split { bands: cut, parts, columns, shares, channels } =
            Split::of(frame, &grain, seconds, machine);
        let cut = cut.min(way.most_bands);
        let of_band = rows.div_ceil(cut.max(1)).next_multiple_of(way.grain.max(1));
        let count = rows.div_ceil(of_band.max(1));
        let features = if count > 1 {
            // The busiest thread has the most bands, and each of them as many rows as the first.
            let most = (count.div_ceil(machine.threads) * of_band).min(rows);
            features.shared(most as f64 / rows as f64, count)
        } else if shares > 1 {
            features.shared(channels as f64 / frame.spec.c_out as f64, shares)
        } else if parts > 1 {
            features.shared(columns as f64 / width as f64, parts)
        } else {
            features
        };
        let forced = self.strategy != Strategy::Auto;
        let contended = !forced || self.strategy == strategy;
        let shadowed = !forced
            && strategy == Strategy::Direct
            && rank.is_none()
            && specialized::kernels(machine.isa, &frame.spec, self.family).is_ok();
        let verdict = if !contended {
            Verdict::Refused(format!("the layer asks for {}", self.strategy))
        } else if let Some(reason) = self.passes_refused(rank.is_some()) {
            Verdict::Refused(reason.to_owned())
        } else if shadowed {
            Verdict::Refused("the specialised kernel is the same algorithm with its sizes known".to_owned())
        } else if let (false, Strategy::Fft, Err(reason)) = (forced, strategy, fft::contends(&frame.spec)) {
            Verdict::Refused(reason)
        } else if error > limit {
            Verdict::Refused(format!("its error of {error:.1e} exceeds the tolerance of {limit:.1e}"))
        } else {
            Verdict::Slower
        };
        // A share of the channels is written to scratch first, in whole pixels.
        let written = size_of::<f32>() * rows * width * frame.spec.c_out;
        Candidate {
            strategy,
            family,
            tile,
            rank,
            kernel,
            schedule,
            borders,
            features,
            seconds: Some(costs.seconds(&features)),
            measured: None,
            bands: cut,
            parts,
            columns,
            shares,
            channels,
            workspace_bytes: WorkspaceBytes {
                scratch: size_of::<f32>()
                    .saturating_mul((way.scratch)(of_band))
                    .saturating_add(if shares > 1 { written } else { 0 })
                    .saturating_mul(count * parts * shares),
                weights: way.weights,
            },
            error,
            growth,
            verdict,
        }
    }
}

/// A way that cannot run.
fn refused(strategy: Strategy, kernel: &str, reason: String, frame: &Frame) -> Candidate {
    Candidate {
        strategy,
        family: None,
        tile: None,
        rank: None,
        kernel: kernel.to_owned(),
        schedule: None,
        borders: Borders::Staged,
        features: Features::default(),
        seconds: None,
        measured: None,
        bands: 0,
        parts: 0,
        columns: 0,
        shares: 0,
        channels: 0,
        workspace_bytes: WorkspaceBytes::default(),
        error: summed(frame),
        growth: 1.0,
        verdict: Verdict::Refused(reason),
    }
}

/// A generated kernel, laid over pictures whose channels are interleaved.
fn generated<'f>(
    strategy: Strategy,
    kernel: &'static Kernel,
    frame: &'f Frame,
    machine: &Machine,
) -> Way<'f> {
    let description = kernel.description();
    let way = |borders, features, weights, scratch| Way {
        strategy,
        family: Some(description.family),
        tile: None,
        rank: None,
        kernel: kernel.name().to_owned(),
        schedule: Some(Cow::Borrowed(kernel.reason())),
        borders,
        features,
        error: summed(frame),
        growth: 1.0,
        grain: 1,
        unit: None,
        most_bands: usize::MAX,
        weights,
        scratch,
    };
    match description.family {
        Family::AlongRow => {
            let fit = planar::Fit::of(description, frame, machine);
            let numbers = planar::as_numbers(kernel, frame, &fit);
            let laid_over = numbers.as_ref().map_or(frame, |(numbers, _)| numbers);
            let borders = match planar::edges(kernel, laid_over) {
                Some(Edges { left: 0, right: 0 }) => Borders::InPlace,
                Some(Edges { left, right }) => {
                    // Of numbers, where pixels are read as they lie in memory.
                    let pixel = if numbers.is_some() { frame.spec.c_out } else { 1 };
                    Borders::Cut { left: left.div_ceil(pixel), right: right.div_ceil(pixel) }
                }
                None => Borders::Staged,
            };
            let features = planar_cost::features(kernel, frame, machine, &fit);
            let weights = planar::packed_bytes(description, &frame.spec);
            way(borders, features, weights, Box::new(move |rows| planar::scratch(kernel, frame, &fit, rows)))
        }
        Family::ChannelsOut | Family::Depthwise => {
            let fit = tiled::fit(kernel, frame, machine.l2);
            let borders = match fit.edges() {
                _ if joined::serves(frame) => Borders::Joined,
                _ if fit.beside() => Borders::InPlace,
                Some(Edges { left, right }) => Borders::Cut { left, right },
                None if frame.pads_columns() => Borders::Staged,
                None => Borders::InPlace,
            };
            let features = tiled_cost::features(description, frame, machine, &fit);
            let weights = tiled::packed_bytes(description, &frame.spec);
            let unit = tiled::unit(description, &frame.spec);
            let scratch = Box::new(move |rows| tiled::scratch(description, frame, &fit, rows));
            Way { unit, ..way(borders, features, weights, scratch) }
        }
    }
}

/// Predicted error over the root mean square of the output of sums of n rounded products: the largest of a
/// picture's outputs was measured at up to 3.4 times the root of n.
fn summed(frame: &Frame) -> f64 {
    4.0 * ROUNDING * (frame.spec.taps() as f64).sqrt().max(4.0)
}
