//! Which strategy a layer takes, at what predicted cost, and why not another. Nothing is run here:
//! a plan is data, and a test asserts it.

mod consider;
mod text;

use std::borrow::Cow;
use std::sync::Arc;

use ndarray::Array4;

use crate::cost::Features;
use crate::error::Error;
use crate::frame::Frame;
use crate::kernel::Family;
use crate::machine::Machine;
use crate::spec::{ConvSpec, Shape};
use crate::strategy::separable::Separability;
use crate::strategy::{Strategy, direct, fft, specialized, winograd};
use crate::tuning::{Model, Origin};

/// How a layer wants its strategy chosen.
///
/// ```
/// use tapwise::{ConvSpec, Isa, Machine, Maker, Planner, Strategy};
/// let (isa, maker) = (Isa::Portable, Maker::Other);
/// let machine = Machine { isa, maker, threads: 2, l1: 32 << 10, l2: 1 << 20, l3: 8 << 20 };
/// let plan = Planner::default().choose(&ConvSpec::new([3, 3], 64, 64), [56, 56], &machine)?;
/// assert_eq!(plan.strategy(), Strategy::Winograd);
/// # Ok::<(), tapwise::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Planner {
    /// The strategy asked for; `Auto` leaves the choice open.
    pub strategy: Strategy,
    /// The largest error over the output's root mean square that `Auto` may accept.
    pub tolerance: f32,
    /// The family that kernels of `Direct` and `Specialized` are taken from; `None` leaves it open.
    pub family: Option<Family>,
    /// Outputs of a tile of `Winograd`, down and across; `None` leaves them open.
    pub tile: Option<[usize; 2]>,
    /// Whether the sum is taken in two passes, down the columns and along the rows: `true` and nothing
    /// else, `false` and never; `None` leaves it to `Auto`.
    pub two_passes: Option<bool>,
    /// What the weights allow. A layer looks at its own; a planner that knows none considers no two passes.
    pub separability: Separability,
    /// Whether the activation makes two channels of each, as CReLU does: threads share no channels then. A
    /// layer sees to it by its own.
    pub doubles: bool,
    /// What costs are predicted from. The default is what ships, whatever tuning was loaded: a plan
    /// then depends on nothing but its arguments. Layers are built with [`Model::current`].
    pub model: Arc<Model>,
}

impl Default for Planner {
    fn default() -> Self {
        Planner {
            strategy: Strategy::Auto,
            tolerance: 5e-5,
            family: None,
            tile: None,
            two_passes: None,
            separability: Separability::Unknown,
            doubles: false,
            model: Model::shipped(),
        }
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

/// Memory that a candidate needs beside picture and output, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct WorkspaceBytes {
    /// Numbers that a call keeps in scratch, over all bands, for a picture whose channels are
    /// interleaved: at most, since the last band may have fewer rows than the others.
    pub scratch: usize,
    /// Packed weights and biases.
    pub weights: usize,
}

/// One way of computing the layer that was considered: a strategy, and one of its kernels.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Candidate {
    /// The strategy.
    pub strategy: Strategy,
    /// The family of its kernel, where it was generated.
    pub family: Option<Family>,
    /// Outputs of its tiles, down and across, where it saves products.
    pub tile: Option<[usize; 2]>,
    /// Products of a column and a row that the filter of every channel is the sum of, where it sums in two
    /// passes.
    pub rank: Option<usize>,
    /// The kernel that it would run by.
    pub kernel: String,
    /// How the kernel is laid out and why, where it was generated.
    pub schedule: Option<Cow<'static, str>>,
    /// How it would come to its inputs.
    pub borders: Borders,
    /// What it does to the picture, counted for the busiest thread.
    pub features: Features,
    /// Predicted seconds on the threads of the machine, where it can run.
    pub seconds: Option<f64>,
    /// Measured seconds, after `tune`.
    pub measured: Option<f64>,
    /// Bands of output rows that it would run in; 1 where it is too little work to split.
    pub bands: usize,
    /// Parts of the output's columns that would run in parallel instead.
    pub parts: usize,
    /// Columns of output in a part, but for the last.
    pub columns: usize,
    /// Shares of the output channels that would run in parallel instead.
    pub shares: usize,
    /// Output channels in a share, but for the last.
    pub channels: usize,
    /// Memory that it needs.
    pub workspace_bytes: WorkspaceBytes,
    /// Predicted error over the root mean square of the output, on numbers like noise; the one that
    /// was found, after `tune`.
    pub error: f64,
    /// By how much rounding errors may be larger than those of the sum as the textbook writes it, at
    /// most: the largest sum of the sizes of what is added, over that of the products themselves where
    /// all inputs have one size and all weights have one. 1 where products are summed as they are.
    pub growth: f64,
    /// What became of it.
    pub verdict: Verdict,
}

impl Candidate {
    /// Whether it sums in two passes, or would if it could.
    pub(crate) fn is_two_passes(&self) -> bool {
        self.rank.is_some() || self.kernel == consider::TWO_PASSES
    }
}

/// A plan, and how it came about.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Explanation {
    /// The problem.
    pub shape: Shape,
    /// The machine that was planned for.
    pub machine: Machine,
    /// Every strategy with every kernel that it has, the chosen one first, then by cost, then the
    /// refused ones.
    pub candidates: Vec<Candidate>,
    /// Where the costs come from.
    pub costs: Origin,
    /// Bands of output rows that run in parallel; 1 where the work is too small to split, or split by
    /// columns.
    pub bands: usize,
    /// Parts of the output's columns that run in parallel, where rows are too few or do not divide
    /// among the threads; 1 else.
    pub parts: usize,
    /// Rows of output.
    pub rows: usize,
    /// Columns of output in a part, but for the last.
    pub columns: usize,
    /// Shares of the output channels that run in parallel, where there are more weights than picture; 1 else.
    pub shares: usize,
    /// Output channels in a share, but for the last.
    pub channels: usize,
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
        let costs = Origin::Shipped;
        let candidates = Vec::new();
        Explanation {
            shape,
            machine,
            candidates,
            costs,
            bands: 0,
            parts: 0,
            rows: 0,
            columns: 0,
            shares: 0,
            channels: 0,
            error: Some(error),
        }
    }
}

impl Planner {
    /// The planner of a layer with these weights, which are looked at unless one pass is asked for.
    pub(crate) fn with_weights(mut self, spec: &ConvSpec, filter: &Array4<f32>) -> Result<Self, Error> {
        self.separability = match self.two_passes {
            Some(false) => Separability::Unknown,
            _ => Separability::of(spec, filter, self.tolerance),
        };
        match &self.separability {
            Separability::Refused(reason) if self.two_passes == Some(true) => Err(Error::Unsupported {
                strategy: self.strategy,
                layer: spec.to_string(),
                reason: reason.clone(),
            }),
            _ => Ok(self),
        }
    }

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
        let (costs, origin) = self.model.costs(machine.isa, machine.maker);
        let mut candidates = self.candidates(&frame, machine, &costs);
        sort(&mut candidates);
        let first = candidates.first_mut().filter(|candidate| candidate.verdict == Verdict::Slower);
        let Some(chosen) = first else {
            return Err(self.nothing_serves(spec, &candidates));
        };
        chosen.verdict = Verdict::Chosen;
        let (bands, parts, columns) = (chosen.bands, chosen.parts, chosen.columns);
        let (shares, channels) = (chosen.shares, chosen.channels);
        Ok(Explanation {
            shape: Shape::new(input, *spec),
            machine: *machine,
            candidates,
            costs: origin,
            bands,
            parts,
            rows: frame.output[0],
            columns,
            shares,
            channels,
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
        let two_passes =
            self.separability.is_found() && self.two_passes != Some(false) && self.family.is_none();
        let tiled = match tiled {
            Some(Strategy::Specialized) if two_passes => vec![Strategy::Specialized, Strategy::Direct],
            tiled => tiled.into_iter().collect(),
        };
        let tiles = winograd::is_exact(machine.isa, spec, self.tolerance) && self.family.is_none();
        let winograd = tiles.then_some(Strategy::Winograd);
        let fft = (fft::contends(spec).is_ok() && self.family.is_none()).then_some(Strategy::Fft);
        tiled.into_iter().chain(winograd).chain(fft).chain([Strategy::Im2colGemm, Strategy::Naive]).collect()
    }

    fn nothing_serves(&self, spec: &ConvSpec, candidates: &[Candidate]) -> Error {
        let asked = candidates.iter().find(|candidate| match self.two_passes {
            Some(true) => candidate.is_two_passes(),
            _ => candidate.strategy == self.strategy,
        });
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

/// Sorts candidates by what they cost, those that were refused last.
pub(crate) fn sort(candidates: &mut [Candidate]) {
    let cost = |candidate: &Candidate| candidate.measured.or(candidate.seconds).unwrap_or(f64::INFINITY);
    let refused = |candidate: &Candidate| matches!(candidate.verdict, Verdict::Refused(_));
    candidates.sort_by(|a, b| refused(a).cmp(&refused(b)).then(cost(a).total_cmp(&cost(b))));
}

#[cfg(test)]
mod tests;
