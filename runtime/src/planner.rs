//! Which strategy a layer takes, at what predicted cost, and why not another. Nothing is run here:
//! a plan is data, and a test asserts it.

mod text;

use std::borrow::Cow;

use crate::edges::Edges;
use crate::engine;
use crate::error::Error;
use crate::frame::Frame;
use crate::joined;
use crate::kernel::{Family, Kernel};
use crate::machine::Machine;
use crate::planar;
use crate::spec::{ConvSpec, Shape};
use crate::strategy::{Strategy, direct, fft, specialized, winograd};
use crate::tiled;

/// Cycles of a second that costs are predicted with: shipped, not measured. Choices compare
/// cycles and do not depend on it; only the seconds that are shown do.
const HERTZ: f64 = 3.5e9;

/// Work below this many seconds stays on one thread: a hand-over costs a quarter of it.
const SERIAL: f64 = 40e-6;

/// Work above this many seconds is cut into more bands than threads, so that a thread that is
/// late does not hold up the rest.
const FINE: f64 = 2e-3;

/// Half the distance from 1 to the next f32: the most that rounding changes a result by.
const ROUNDING: f64 = 1.0 / (1u64 << 24) as f64;

/// How a layer wants its strategy chosen.
///
/// ```
/// use tapwise::{ConvSpec, Isa, Machine, Planner, Strategy};
/// let machine = Machine { isa: Isa::Portable, threads: 2, l1: 32 << 10, l2: 1 << 20, l3: 8 << 20 };
/// let plan = Planner::default().choose(&ConvSpec::new([3, 3], 64, 64), [56, 56], &machine)?;
/// assert_eq!(plan.strategy(), Strategy::Winograd);
/// # Ok::<(), tapwise::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Planner {
    /// The strategy asked for; `Auto` leaves the choice open.
    pub strategy: Strategy,
    /// The largest error over the output's root mean square that `Auto` may accept.
    pub tolerance: f32,
    /// The family that kernels of `Direct` and `Specialized` are taken from; `None` leaves it open.
    pub family: Option<Family>,
    /// Outputs of a tile of `Winograd`, down and across; `None` leaves them open.
    pub tile: Option<[usize; 2]>,
}

impl Default for Planner {
    fn default() -> Self {
        Planner { strategy: Strategy::Auto, tolerance: 5e-5, family: None, tile: None }
    }
}

/// What became of a candidate.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Verdict {
    /// It runs.
    Chosen,
    /// It could run, and is predicted to take longer.
    Slower,
    /// It cannot run, or may not; the reason says why.
    Refused(String),
}

/// How the rows of a picture whose channels lie side by side are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Borders {
    /// Where they are.
    InPlace,
    /// Where they are, the pixels of all rows as one long row.
    Joined,
    /// Where they are, but for the first and last pixels of a row of outputs, which read padded copies
    /// of the few columns that they need.
    Cut {
        /// Output pixels at the left end of a row.
        left: usize,
        /// Output pixels at the right end.
        right: usize,
    },
    /// By padded copies of whole rows, a few at a time.
    Staged,
    /// As the signals that are transformed, some rows at a time, from any order of memory.
    Signals,
    /// Tile by tile where they are, but for tiles that reach over the border, which read padded copies.
    Tiles,
}

/// One strategy that was considered.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Candidate {
    /// The strategy.
    pub strategy: Strategy,
    /// The kernel that it would run by.
    pub kernel: String,
    /// How the kernel is laid out and why, where it was generated.
    pub schedule: Option<Cow<'static, str>>,
    /// How it would come to its inputs.
    pub borders: Borders,
    /// Predicted seconds on one thread, where it can run.
    pub seconds: Option<f64>,
    /// Predicted error over the root mean square of the output, on numbers like noise.
    pub error: f64,
    /// By how much rounding errors may be larger than those of the sum as the textbook writes it, at
    /// most: the largest sum of the sizes of what is added, over that of the products themselves where
    /// all inputs have one size and all weights have one. 1 where products are summed as they are.
    pub growth: f64,
    /// What became of it.
    pub verdict: Verdict,
}

/// A plan, and how it came about.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Explanation {
    /// The problem.
    pub shape: Shape,
    /// The machine that was planned for.
    pub machine: Machine,
    /// Every strategy, the chosen one first, then by cost, then the refused ones.
    pub candidates: Vec<Candidate>,
    /// Bands of output rows that run in parallel; 1 where the work is too small to split.
    pub bands: usize,
    /// Rows of output.
    pub rows: usize,
    /// Why nothing can run, where nothing can.
    pub error: Option<Error>,
}

impl Explanation {
    /// The strategy that runs; `Auto` where none can.
    #[must_use]
    pub fn strategy(&self) -> Strategy {
        self.chosen().map_or(Strategy::Auto, |candidate| candidate.strategy)
    }

    /// The candidate that runs.
    #[must_use]
    pub fn chosen(&self) -> Option<&Candidate> {
        self.candidates.iter().find(|candidate| candidate.verdict == Verdict::Chosen)
    }

    /// The explanation of a problem that nothing can serve.
    pub(crate) fn of_error(shape: Shape, machine: Machine, error: Error) -> Self {
        Explanation { shape, machine, candidates: Vec::new(), bands: 0, rows: 0, error: Some(error) }
    }
}

impl Planner {
    /// Chooses for pictures of `input` rows and columns on `machine`.
    ///
    /// # Errors
    /// As [`ConvSpec::output`]; [`Error::Unsupported`] where the strategy asked for cannot serve,
    /// or where none is as exact as the tolerance wants.
    pub fn choose(
        &self,
        spec: &ConvSpec,
        input: [usize; 2],
        machine: &Machine,
    ) -> Result<Explanation, Error> {
        spec.validate()?;
        let frame = Frame::new(*spec, input)?;
        let mut candidates: Vec<Candidate> = Strategy::ALL
            .into_iter()
            .rev()
            .map(|strategy| self.consider(strategy, &frame, machine))
            .collect();
        candidates.sort_by(|a, b| {
            let key = |candidate: &Candidate| candidate.seconds.unwrap_or(f64::INFINITY);
            let refused = |candidate: &Candidate| matches!(candidate.verdict, Verdict::Refused(_));
            refused(a).cmp(&refused(b)).then(key(a).total_cmp(&key(b)))
        });
        let first = candidates.first_mut().filter(|candidate| candidate.verdict == Verdict::Slower);
        let Some(chosen) = first else {
            return Err(self.nothing_serves(spec, &candidates));
        };
        chosen.verdict = Verdict::Chosen;
        let seconds = chosen.seconds.unwrap_or(0.0);
        let rows = frame.output[0];
        let most = match chosen.strategy {
            Strategy::Fft => fft::most_bands(&frame, machine.threads).min(rows),
            _ => rows,
        };
        let bands = match machine.threads {
            0 | 1 => 1,
            _ if seconds < SERIAL => 1,
            threads if seconds < FINE => threads.min(most),
            threads => (4 * threads).min(most),
        };
        Ok(Explanation {
            shape: Shape::new(input, *spec),
            machine: *machine,
            candidates,
            bands,
            rows,
            error: None,
        })
    }

    /// Strategies whose weights a layer packs when it is built, because they may be chosen for
    /// some size of input.
    pub(crate) fn contenders(&self, spec: &ConvSpec, machine: &Machine) -> Vec<Strategy> {
        if self.strategy != Strategy::Auto {
            return vec![self.strategy];
        }
        // Specialized and Direct are the same algorithm; the specialised one never loses to the
        // other by more than the prediction errs, so that only one of them is packed.
        let tiled = if specialized::kernels(machine.isa, spec, self.family).is_ok() {
            Some(Strategy::Specialized)
        } else {
            let mut kernels = direct::kernels(machine.isa, spec, self.family);
            kernels.next().map(|_| Strategy::Direct)
        };
        let tiles = winograd::is_exact(machine.isa, spec, self.tolerance) && self.family.is_none();
        let winograd = tiles.then_some(Strategy::Winograd);
        let fft = (fft::contends(spec).is_ok() && self.family.is_none()).then_some(Strategy::Fft);
        tiled.into_iter().chain(winograd).chain(fft).chain([Strategy::Im2colGemm, Strategy::Naive]).collect()
    }

    fn consider(&self, strategy: Strategy, frame: &Frame, machine: &Machine) -> Candidate {
        let spec = &frame.spec;
        let whole = if frame.pads_columns() { Borders::Staged } else { Borders::InPlace };
        let refused = |reason: String| (String::new(), None, whole, Err(reason));
        // The fastest of the kernels, for pictures whose channels are interleaved.
        let fastest = |kernels: &mut dyn Iterator<Item = &'static Kernel>, missing: &dyn Fn() -> String| {
            let Some((kernel, cycles)) = engine::fastest(kernels, frame, machine) else {
                return refused(missing());
            };
            let borders = match kernel.family() {
                Family::AlongRow => match planar::edges(kernel, frame) {
                    Some(Edges { left: 0, right: 0 }) => Borders::InPlace,
                    Some(Edges { left, right }) => Borders::Cut { left, right },
                    None => Borders::Staged,
                },
                Family::ChannelsOut | Family::Depthwise => {
                    let cut = |Edges { left, right }| Borders::Cut { left, right };
                    match joined::serves(frame) {
                        true => Borders::Joined,
                        false => tiled::fit(kernel, frame, machine.l2).edges().map_or(whole, cut),
                    }
                }
            };
            (kernel.name().to_owned(), Some(Cow::Borrowed(kernel.reason())), borders, Ok(cycles))
        };
        let none = || direct::missing(machine.isa, self.family);
        let tiles = (strategy == Strategy::Winograd)
            .then(|| winograd::choose(machine.isa, frame, machine, self.tolerance, self.tile));
        let (kernel, schedule, borders, cycles) = match strategy {
            Strategy::Winograd => match tiles.clone() {
                Some(Ok(choice)) => {
                    let name = format!("winograd-{}-{}", choice.name, machine.isa);
                    (name, Some(Cow::Owned(choice.reason())), Borders::Tiles, Ok(choice.cycles))
                }
                Some(Err(reason)) => refused(reason),
                None => refused(String::new()),
            },
            Strategy::Specialized => match specialized::kernels(machine.isa, spec, self.family) {
                Ok(kernels) => fastest(&mut kernels.into_iter(), &none),
                Err(reason) => refused(reason),
            },
            Strategy::Direct => fastest(&mut direct::kernels(machine.isa, spec, self.family), &none),
            Strategy::Fft => match fft::predict(frame, machine) {
                Ok(fft::Prediction { kernel, cycles }) => (kernel, None, Borders::Signals, Ok(cycles)),
                Err(reason) => refused(reason),
            },
            Strategy::Im2colGemm => ("faer matmul".to_owned(), None, whole, Ok(gemm_cycles(frame, machine))),
            Strategy::Naive | Strategy::Auto => {
                ("loops".to_owned(), None, Borders::InPlace, Ok(frame.macs(frame.output[0]) * 5.0))
            }
        };
        let error = match strategy {
            // Rounded once, and the largest output is a few times the root mean square.
            Strategy::Naive | Strategy::Auto => 8.0 * ROUNDING,
            Strategy::Winograd => tiles
                .as_ref()
                .and_then(|tiles| tiles.as_ref().ok())
                .map_or(f64::INFINITY, |choice| choice.error),
            Strategy::Fft => fft::error(frame, machine),
            // Sums of n rounded products: measured at 1.3 times this over the square root of n.
            _ => 2.0 * ROUNDING * (spec.taps() as f64).sqrt().max(4.0),
        };
        let growth = match strategy {
            Strategy::Fft => fft::growth(frame, machine),
            _ => tiles.as_ref().and_then(|tiles| tiles.as_ref().ok()).map_or(1.0, |choice| choice.growth),
        };
        let forced = self.strategy != Strategy::Auto;
        let contended = !forced || self.strategy == strategy;
        let shadowed = !forced
            && strategy == Strategy::Direct
            && !self.contenders(spec, machine).contains(&Strategy::Direct);
        let verdict = match &cycles {
            Err(reason) => Verdict::Refused(reason.clone()),
            Ok(_) if !contended => Verdict::Refused(format!("the layer asks for {}", self.strategy)),
            Ok(_)
                if !forced
                    && matches!(strategy, Strategy::Winograd | Strategy::Fft)
                    && self.family.is_some() =>
            {
                Verdict::Refused("the layer asks for a family of direct kernels".to_owned())
            }
            Ok(_) if shadowed => Verdict::Refused(
                "the specialised kernel is the same algorithm with its sizes known".to_owned(),
            ),
            Ok(_) if !forced && strategy == Strategy::Fft && fft::contends(spec).is_err() => {
                Verdict::Refused(fft::contends(spec).err().unwrap_or_default())
            }
            Ok(_) if !forced && error > f64::from(self.tolerance) => Verdict::Refused(format!(
                "its error of {error:.1e} exceeds the tolerance of {:.1e}",
                self.tolerance
            )),
            Ok(_) => Verdict::Slower,
        };
        Candidate {
            strategy,
            kernel,
            schedule,
            borders,
            seconds: cycles.ok().map(|cycles| cycles / HERTZ),
            error,
            growth,
            verdict,
        }
    }

    fn nothing_serves(&self, spec: &ConvSpec, candidates: &[Candidate]) -> Error {
        let asked = candidates.iter().find(|candidate| candidate.strategy == self.strategy);
        let reason = match asked.map(|candidate| &candidate.verdict) {
            Some(Verdict::Refused(reason)) => reason.clone(),
            _ => {
                let best = candidates.iter().map(|candidate| candidate.error).fold(f64::INFINITY, f64::min);
                format!(
                    "the tolerance is {:.1e} and the most exact strategy errs by {best:.1e}; wanted a tolerance of at \
                     least that",
                    self.tolerance
                )
            }
        };
        Error::Unsupported { strategy: self.strategy, layer: spec.to_string(), reason }
    }
}

/// Cycles of im2col and a library's GEMM: the product at the share of peak that libraries reach,
/// less for few columns, and the patches written and read once.
fn gemm_cycles(frame: &Frame, machine: &Machine) -> f64 {
    let spec = &frame.spec;
    let rows = frame.output[0];
    let pixels = (rows * frame.output[1]) as f64;
    // Libraries know two multiply-adds a cycle of whatever width; narrow products idle most of it.
    let narrow = (spec.c_out_group() as f64 / 16.0).min(1.0) * (spec.taps() as f64 / 32.0).min(1.0);
    let peak = 2.0 * machine.isa.lanes() as f64;
    let product = frame.macs(rows) / (peak * 0.8 * narrow.max(0.02));
    let patches = pixels * (spec.taps() * spec.groups) as f64;
    product + 0.5 * patches + 0.5 * pixels * spec.c_out as f64 + 2000.0 * spec.groups as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Padding;
    use crate::isa::Isa;

    fn machine(isa: Isa) -> Machine {
        Machine { isa, threads: 2, l1: 32 << 10, l2: 1 << 20, l3: 32 << 20 }
    }

    #[test]
    fn fewer_products_win_where_there_are_many_channels_and_tiled_kernels_elsewhere() {
        for (kernel, c_in, c_out) in [(3, 3, 16), (7, 3, 64), (1, 256, 64), (4, 64, 64)] {
            let spec = ConvSpec::new([kernel, kernel], c_in, c_out);
            let plan = Planner::default().choose(&spec, [56, 56], &machine(Isa::Portable)).unwrap();
            assert_eq!(plan.strategy(), Strategy::Direct, "{spec}");
            assert_eq!(plan.candidates.len(), Strategy::ALL.len());
        }
        for (kernel, channels, side) in [(3, 64, 56), (3, 128, 28), (3, 256, 14), (5, 64, 56)] {
            let spec = ConvSpec::new([kernel, kernel], channels, channels);
            let plan = Planner::default().choose(&spec, [side, side], &machine(Isa::Portable)).unwrap();
            assert_eq!(plan.strategy(), Strategy::Winograd, "{spec}");
            let strided = ConvSpec { stride: [2, 2], ..spec };
            let plan = Planner::default().choose(&strided, [side, side], &machine(Isa::Portable)).unwrap();
            assert_ne!(plan.strategy(), Strategy::Winograd, "{strided}");
        }
    }

    #[test]
    fn a_tile_that_is_asked_for_is_taken_and_one_that_there_is_not_is_an_error() {
        let spec = ConvSpec::new([3, 3], 64, 64);
        let forced = |tile| Planner { strategy: Strategy::Winograd, tile: Some(tile), ..Planner::default() };
        let plan = forced([6, 2]).choose(&spec, [56, 56], &machine(Isa::Portable)).unwrap();
        assert!(plan.chosen().unwrap().kernel.contains("F(6x2,3x3)"), "{plan}");
        let error = forced([5, 5]).choose(&spec, [56, 56], &machine(Isa::Portable)).unwrap_err().to_string();
        assert!(error.contains("5x5") && error.contains("2x2, 2x4, 2x6"), "{error}");
    }

    #[test]
    fn a_tolerance_decides_the_tile() {
        let spec = ConvSpec::new([3, 3], 64, 64);
        let kernel = |tolerance| {
            let planner = Planner { tolerance, strategy: Strategy::Winograd, ..Planner::default() };
            let plan = planner.choose(&spec, [224, 224], &machine(Isa::Portable)).unwrap();
            plan.chosen().unwrap().kernel.clone()
        };
        assert!(kernel(2e-6).contains("F(2x2,"), "{}", kernel(2e-6));
        assert!(kernel(1e-3).contains('6'), "{}", kernel(1e-3));
    }

    #[test]
    fn small_work_is_not_split() {
        let spec = ConvSpec::new([3, 3], 3, 16);
        let plan = |side| Planner::default().choose(&spec, [side, side], &machine(Isa::Portable)).unwrap();
        assert_eq!(plan(8).bands, 1);
        assert_eq!(plan(256).bands, 2);
        assert_eq!(plan(2048).bands, 8);
    }

    #[test]
    fn a_tolerance_that_nothing_meets_is_an_error_that_says_so() {
        let planner = Planner { tolerance: 1e-9, ..Planner::default() };
        let spec = ConvSpec::new([3, 3], 64, 64);
        let error = planner.choose(&spec, [56, 56], &machine(Isa::Portable)).unwrap_err().to_string();
        assert!(error.contains("1.0e-9") && error.contains("most exact"), "{error}");
    }

    #[test]
    fn a_tight_tolerance_leaves_only_the_exact_sum() {
        let planner = Planner { tolerance: 1e-6, ..Planner::default() };
        let spec = ConvSpec::new([3, 3], 64, 64);
        let plan = planner.choose(&spec, [56, 56], &machine(Isa::Portable)).unwrap();
        assert_eq!(plan.strategy(), Strategy::Naive);
    }

    #[test]
    fn a_specialisation_that_is_missing_names_the_line_to_add() {
        let planner = Planner { strategy: Strategy::Specialized, ..Planner::default() };
        let spec = ConvSpec { stride: [2, 2], ..ConvSpec::new([3, 5], 7, 9) };
        let error = planner.choose(&spec, [56, 56], &machine(Isa::Portable)).unwrap_err().to_string();
        assert!(
            error.contains("specialize! { { kernel: [3, 5], c_in: 7, c_out: 9, stride: [2, 2] } }"),
            "{error}"
        );
    }

    #[test]
    fn an_explanation_says_how_rows_are_read() {
        let layer = ConvSpec { groups: 64, ..ConvSpec::new([3, 3], 64, 64) };
        let plan = |side, padding| {
            let spec = ConvSpec { padding, ..layer };
            Planner::default().choose(&spec, [side, side], &machine(Isa::Portable)).unwrap()
        };
        let borders = |plan: &Explanation| plan.chosen().unwrap().borders;
        assert_eq!(borders(&plan(112, Padding::Valid)), Borders::InPlace);
        assert_eq!(borders(&plan(3, Padding::Same)), Borders::Staged);
        let pointwise = ConvSpec::new([1, 1], 8, 64);
        let joined = Planner::default().choose(&pointwise, [7, 7], &machine(Isa::Portable)).unwrap();
        assert_eq!(borders(&joined), Borders::Joined);
        let cut = plan(112, Padding::Same);
        let Borders::Cut { left, right } = borders(&cut) else { panic!("{cut}") };
        let said = cut.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(&format!("{left} pixels at the left and {right} at the right")), "{said}");
    }

    #[test]
    fn an_explanation_fits_a_terminal() {
        let spec = ConvSpec::new([3, 3], 64, 64);
        let plan = Planner::default().choose(&spec, [56, 56], &machine(Isa::Portable)).unwrap();
        for line in plan.to_string().lines() {
            assert!(line.len() <= 100, "{line}");
        }
    }
}
