//! What a layer decided for the sizes that it has seen.

use std::sync::{Arc, PoisonError};

use ndarray::{ArrayView3, ArrayView4, Axis, s};

use super::Conv2d;
use crate::engine::Fit;
use crate::error::Error;
use crate::frame::Frame;
use crate::machine::Machine;
use crate::planner::{Candidate, Explanation};
use crate::spec::{ConvSpec, Padding};
use crate::split::{self, Part};
use crate::strategy::{self, Path, Strategy, Variant};

/// Sizes whose plans a layer remembers.
const PLANS: usize = 64;

/// One size of input, one padding and one number of threads.
pub(super) type Key = ([usize; 2], Padding, usize);

/// What was decided for a key.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) key: Key,
    pub(super) frame: Frame,
    pub(super) path: Arc<dyn Path>,
    pub(super) bands: usize,
    /// What a picture is known, or predicted, to take.
    pub(super) seconds: f64,
    pub(super) variant: Variant,
    pub(super) fit: Fit,
    /// Where columns are split among threads: how many make a part, and the parts.
    pub(super) columns: usize,
    pub(super) parts: Vec<(Part, Fit)>,
    /// Where output channels are shared among threads: into how many shares, of how many each.
    pub(super) shares: usize,
    pub(super) channels: usize,
}

/// The plans of a layer.
#[derive(Debug, Default)]
pub(super) struct Plans {
    /// Those of the last sizes.
    recent: Vec<Arc<Plan>>,
    /// What was measured; never forgotten.
    tuned: Vec<(Key, Explanation)>,
}

impl Plans {
    fn find(&self, key: Key) -> Option<Arc<Plan>> {
        self.recent.iter().find(|plan| plan.key == key).cloned()
    }

    fn keep(&mut self, plan: Arc<Plan>) {
        self.recent.retain(|known| known.key != plan.key);
        if self.recent.len() == PLANS {
            self.recent.remove(0);
        }
        self.recent.push(plan);
    }

    /// Puts strategies with other weights in the place of those that plans run by.
    pub(super) fn replace_paths(&mut self, paths: &[Arc<dyn Path>], machine: &Machine) {
        self.recent = std::mem::take(&mut self.recent)
            .into_iter()
            .filter_map(|plan| {
                let path = paths.iter().find(|path| path.strategy() == plan.path.strategy())?;
                // What a strategy packs for a size of picture, it packs when it is laid over one.
                let machine = Machine { threads: plan.key.2, ..*machine };
                let fit = path.fit(&plan.frame, &machine, plan.bands, plan.variant);
                let parts = plan.parts.iter().map(|(part, _)| part.clone());
                let parts = parts.map(|part| fitted(path, part, &fit, &machine, plan.variant)).collect();
                Some(Arc::new(Plan { path: Arc::clone(path), fit, parts, ..Plan::clone(&plan) }))
            })
            .collect();
    }
}

impl Plan {
    /// Whether threads share a picture.
    pub(super) fn divides(&self) -> bool {
        self.bands > 1 || !self.parts.is_empty() || self.shares > 1
    }
}

impl Conv2d {
    /// The plan for a picture, remembered from the last call of its size.
    pub(super) fn plan(&self, input: &ArrayView3<'_, f32>) -> Result<Arc<Plan>, Error> {
        self.plan_padded(self.spec.padding, input)
    }

    pub(super) fn plan_padded(
        &self,
        padding: Padding,
        input: &ArrayView3<'_, f32>,
    ) -> Result<Arc<Plan>, Error> {
        let (height, width, channels) = input.dim();
        if channels != self.spec.c_in {
            return Err(Error::Length {
                array: "input",
                axis: "C_in",
                found: channels,
                wanted: self.spec.c_in,
            });
        }
        let key = ([height, width], padding, rayon::current_num_threads());
        if let Some(plan) = self.plans.lock().unwrap_or_else(PoisonError::into_inner).find(key) {
            return Ok(plan);
        }
        let machine = Machine::detect(self.isa);
        let spec = ConvSpec { padding, ..self.spec };
        let explanation = self.explanation(&spec, key.0, &machine)?;
        let Some(chosen) = explanation.chosen() else {
            return Err(self.unsupported(Strategy::Auto, "no candidate was chosen"));
        };
        let plan = Arc::new(self.plan_of(chosen, &spec, key.0, &machine)?);
        self.keep_path(&plan);
        self.plans.lock().unwrap_or_else(PoisonError::into_inner).keep(Arc::clone(&plan));
        Ok(plan)
    }

    pub(super) fn batch_plan(&self, inputs: &ArrayView4<'_, f32>) -> Result<Arc<Plan>, Error> {
        if inputs.len_of(Axis(0)) == 0 {
            return Err(Error::Empty { array: "input", axis: "N" });
        }
        self.plan(&inputs.slice(s![0, .., .., ..]))
    }

    /// What was measured for a size, or what the planner predicts.
    pub(super) fn explanation(
        &self,
        spec: &ConvSpec,
        input: [usize; 2],
        machine: &Machine,
    ) -> Result<Explanation, Error> {
        let key = (input, spec.padding, machine.threads);
        {
            let plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, explanation)) = plans.tuned.iter().find(|(known, _)| *known == key) {
                return Ok(explanation.clone());
            }
        }
        self.planner.choose(spec, input, machine)
    }

    /// A plan that runs a candidate, whose weights are packed where they are not.
    pub(super) fn plan_of(
        &self,
        candidate: &Candidate,
        spec: &ConvSpec,
        input: [usize; 2],
        machine: &Machine,
    ) -> Result<Plan, Error> {
        let path = match self.packed(candidate.strategy) {
            Some(path) => path,
            None => self.pack(candidate.strategy)?,
        };
        plan_by(path, candidate, spec, input, machine)
    }

    fn packed(&self, strategy: Strategy) -> Option<Arc<dyn Path>> {
        let paths = self.paths.read().unwrap_or_else(PoisonError::into_inner);
        paths.iter().find(|path| path.strategy() == strategy).cloned()
    }

    /// As [`Conv2d::plan_of`], with weights of its own that are not kept.
    pub(super) fn plan_apart(
        &self,
        candidate: &Candidate,
        input: [usize; 2],
        machine: &Machine,
    ) -> Result<Plan, Error> {
        plan_by(self.pack(candidate.strategy)?, candidate, &self.spec, input, machine)
    }

    /// Packs the weights for a strategy, without keeping them.
    fn pack(&self, strategy: Strategy) -> Result<Arc<dyn Path>, Error> {
        let Conv2d { isa, spec, filter, epilogue, planner, .. } = self;
        strategy::pack(strategy, *isa, spec, filter, epilogue, planner)
    }

    /// Remembers what was measured for a size, and the plan that came of it with its weights.
    pub(super) fn remember(&self, explanation: Explanation, plan: Plan) {
        self.keep_path(&plan);
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        plans.tuned.retain(|(known, _)| *known != plan.key);
        plans.tuned.push((plan.key, explanation));
        plans.keep(Arc::new(plan));
    }

    /// Keeps the weights of a plan, where none of its strategy are there.
    fn keep_path(&self, plan: &Plan) {
        if self.packed(plan.path.strategy()).is_none() {
            let mut paths = self.paths.write().unwrap_or_else(PoisonError::into_inner);
            paths.push(Arc::clone(&plan.path));
        }
    }

    pub(super) fn unsupported(&self, strategy: Strategy, reason: &str) -> Error {
        Error::Unsupported { strategy, layer: self.spec.to_string(), reason: reason.to_owned() }
    }
}

fn plan_by(
    path: Arc<dyn Path>,
    candidate: &Candidate,
    spec: &ConvSpec,
    input: [usize; 2],
    machine: &Machine,
) -> Result<Plan, Error> {
    let frame = Frame::new(*spec, input)?;
    let (bands, variant) = (candidate.bands, Variant::of(candidate));
    let fit = path.fit(&frame, machine, bands, variant);
    let columns = candidate.columns;
    let parts = (candidate.parts > 1).then(|| split::parts_of(&frame, columns)).flatten();
    let parts = parts.into_iter().flatten();
    let parts = parts.map(|part| fitted(&path, part, &fit, machine, variant)).collect();
    let key = (input, spec.padding, machine.threads);
    let seconds = candidate.measured.or(candidate.seconds).unwrap_or(0.0);
    let Candidate { shares, channels, .. } = *candidate;
    Ok(Plan { key, frame, path, bands, seconds, variant, fit, columns, parts, shares, channels })
}

/// A part of the columns with what is decided for it.
fn fitted(path: &Arc<dyn Path>, part: Part, whole: &Fit, machine: &Machine, variant: Variant) -> (Part, Fit) {
    let own = path.fit(&part.frame, machine, 1, variant).of_part(whole);
    (part, own)
}
