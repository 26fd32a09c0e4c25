//! Measuring every way of computing a layer for one size of picture, on the machine that it runs on.

use std::time::Instant;

use ndarray::{Array3, ArrayView3, Dim};

use super::{Call, Conv2d, Plan, naive, zeros_like};
use crate::epilogue::{Activation, Epilogue};
use crate::error::Error;
use crate::frame::Frame;
use crate::machine::Machine;
use crate::memory;
use crate::planner::{Candidate, Explanation, Verdict, sort};
use crate::strategy::Strategy;
use crate::tuning::Origin;

/// Seconds that a sample lasts at least: fast candidates run several times.
const SAMPLE: f64 = 300e-6;

/// Samples of a candidate, and the seconds after which it gets no more.
const ROUNDS: usize = 15;
const BUDGET: f64 = 0.15;

/// A candidate that is predicted to take so many times as long as the best one is not run.
const HOPELESS: f64 = 20.0;

/// Multiply-adds of the oracle that answers are checked against.
const CHECKED: usize = 4 << 20;

/// The largest error, over the root mean square of the output, of a strategy that was asked for by name.
const FORCED: f64 = 1e-3;

impl Conv2d {
    /// Measures every candidate for pictures of `[height, width]` in the caller's rayon pool, and runs
    /// by the fastest for this size and this number of threads from now on.
    ///
    /// Each candidate first answers a picture of noise and is checked against the sum in f64, on a
    /// sample of the outputs where there are many; one that errs by more than the layer's tolerance is
    /// refused. The times are the least of several, in seconds, for a picture in standard layout. A
    /// candidate that is predicted to take 20 times as long as the best is left out, and says so.
    /// Weights are packed for candidates that have none yet, and kept for the one that is chosen.
    ///
    /// ```
    /// use ndarray::{Array3, Array4};
    /// use tapwise::{Conv2d, tuning::Origin};
    ///
    /// let layer = Conv2d::builder(Array4::<f32>::ones((3, 3, 4, 8)).view()).build()?;
    /// let plan = layer.tune([20, 24])?;
    /// assert_eq!(plan.costs, Origin::Measured);
    /// assert!(plan.chosen().is_some_and(|chosen| chosen.measured.is_some()));
    /// assert_eq!(layer.explain([20, 24]), plan);
    /// let answer = layer.forward(Array3::ones((20, 24, 4)).view())?;
    /// assert_eq!(answer[[9, 9, 0]], 36.0);
    /// # Ok::<(), tapwise::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Conv2d::forward`] for pictures of this size, [`Error::Memory`] where the machine has no room
    /// for one, and [`Error::Unsupported`] where no candidate is exact enough.
    pub fn tune(&self, input: [usize; 2]) -> Result<Explanation, Error> {
        let machine = Machine::detect(self.isa);
        let mut explanation = self.planner.choose(&self.spec, input, &machine)?;
        let [height, width] = Frame::new(self.spec, input)?.output;
        let sizes = [[input[0], input[1], self.spec.c_in], [height, width, self.channels()]];
        memory::room("the picture", &sizes[0])?;
        memory::room("the output", &sizes[1])?;
        let picture = noise(sizes[0]);
        let mut output = zeros_like(&picture.view(), Dim(sizes[1]));

        let best = explanation.chosen().and_then(|chosen| chosen.seconds).unwrap_or(0.0);
        let mut oracle = None;
        let mut lanes: Vec<(usize, Plan, f64, f64)> = Vec::new();
        for (index, candidate) in explanation.candidates.iter_mut().enumerate() {
            candidate.verdict = match self.may_run(candidate, best) {
                Err(reason) => Verdict::Refused(reason),
                Ok(()) => {
                    let plan = self.plan_apart(candidate, input, &machine)?;
                    let oracle =
                        oracle.get_or_insert_with(|| Oracle::new(self, &plan.frame, &picture.view()));
                    match self.check(&plan, oracle, &picture) {
                        Err(reason) => Verdict::Refused(reason),
                        Ok(error) => {
                            candidate.error = error;
                            lanes.push((index, plan, f64::INFINITY, 0.0));
                            Verdict::Slower
                        }
                    }
                }
            };
        }
        for _ in 0..ROUNDS {
            for (_, plan, least, spent) in &mut lanes {
                if *spent > BUDGET {
                    continue;
                }
                let call = Call { plan, epilogue: &self.epilogue, residual: None };
                let (start, mut runs) = (Instant::now(), 0);
                while runs == 0 || start.elapsed().as_secs_f64() < SAMPLE {
                    self.run(&call, &picture.view(), output.view_mut());
                    runs += 1;
                }
                let seconds = start.elapsed().as_secs_f64();
                *spent += seconds;
                *least = least.min(seconds / f64::from(runs));
            }
        }
        for (index, _, least, _) in &lanes {
            explanation.candidates[*index].measured = Some(*least);
        }
        let Some((index, ..)) = lanes.into_iter().min_by(|a, b| a.2.total_cmp(&b.2)) else {
            let reason = "no candidate is as exact as the tolerance wants, measured against the sum in f64";
            return Err(self.unsupported(self.planner.strategy, reason));
        };
        let chosen = &mut explanation.candidates[index];
        chosen.verdict = Verdict::Chosen;
        let plan = self.plan_of(chosen, &self.spec, input, &machine)?;
        (explanation.bands, explanation.parts) = (chosen.bands, chosen.parts);
        explanation.columns = chosen.columns;
        (explanation.shares, explanation.channels) = (chosen.shares, chosen.channels);
        explanation.costs = Origin::Measured;
        sort(&mut explanation.candidates);
        self.remember(explanation.clone(), plan);
        Ok(explanation)
    }

    /// Whether a candidate is to be measured.
    fn may_run(&self, candidate: &Candidate, best: f64) -> Result<(), String> {
        let auto = self.planner.strategy == Strategy::Auto;
        let exact = candidate.error <= f64::from(self.planner.tolerance);
        // Where a kernel was generated for the shape, the one of run-time sizes is not considered: here it
        // may show what it can.
        let one_pass = candidate.rank.is_none() && self.planner.two_passes != Some(true);
        let spared = auto && exact && candidate.strategy == Strategy::Direct && one_pass;
        let seconds = match (&candidate.verdict, candidate.seconds) {
            (Verdict::Refused(reason), Some(_)) if !spared => return Err(reason.clone()),
            (Verdict::Refused(reason), None) => return Err(reason.clone()),
            (_, seconds) => seconds.unwrap_or(0.0),
        };
        if seconds > HOPELESS * best {
            return Err(format!("not measured: predicted to take {:.0} times as long", seconds / best));
        }
        Ok(())
    }

    /// The largest error of a plan's answer over the root mean square of the output.
    fn check(&self, plan: &Plan, oracle: &Oracle, picture: &Array3<f32>) -> Result<f64, String> {
        let [height, width] = plan.frame.output;
        let mut answer = zeros_like(&picture.view(), Dim([height, width, self.spec.c_out]));
        let call = Call { plan, epilogue: &oracle.epilogue, residual: None };
        self.run(&call, &picture.view(), answer.view_mut());
        let error = oracle.error(&answer);
        let limit = match self.planner.strategy {
            Strategy::Auto => f64::from(self.planner.tolerance),
            _ => FORCED.max(f64::from(self.planner.tolerance)),
        };
        // An error that is no number is no error that is small enough.
        if error <= limit {
            Ok(error)
        } else {
            Err(format!("its measured error of {error:.1e} exceeds {limit:.1e}"))
        }
    }
}

/// The sums of some outputs in f64, before the activation.
struct Oracle {
    epilogue: Epilogue,
    sums: Vec<([usize; 3], f64)>,
}

impl Oracle {
    fn new(layer: &Conv2d, frame: &Frame, picture: &ArrayView3<'_, f32>) -> Self {
        let spec = &frame.spec;
        let epilogue = Epilogue::new(Some(layer.bias()), spec.c_out, Activation::Identity);
        let [height, width] = frame.output;
        let all = height * width * spec.c_out;
        let few = (CHECKED / spec.taps()).clamp(64, all.max(64));
        // A step without a common divisor with the sizes visits every row, column and channel.
        let step = if all <= few { 1 } else { (all / few) | 1 };
        let places = (0..all).step_by(step).chain((all > 0).then(|| all - 1));
        let sums = places.map(|at| {
            let place = [at / spec.c_out / width, at / spec.c_out % width, at % spec.c_out];
            (place, naive::answer(frame, &layer.filter, &epilogue, picture, |_| 0.0, place))
        });
        let sums = sums.collect();
        Oracle { epilogue, sums }
    }

    fn error(&self, answer: &Array3<f32>) -> f64 {
        // What is infinite or no number is so in every strategy, if not in the same places.
        let finite = || self.sums.iter().filter(|(_, sum)| sum.is_finite());
        let square = finite().map(|(_, sum)| sum * sum).sum::<f64>() / finite().count().max(1) as f64;
        let scale = if square > 0.0 { square.sqrt() } else { 1.0 };
        let errors = finite().map(|(place, sum)| (f64::from(answer[*place]) - sum).abs() / scale);
        errors.fold(0.0, |worst, error| if error > worst || error.is_nan() { error } else { worst })
    }
}

/// Numbers between -1 and 1 that no two places share for long.
fn noise([height, width, channels]: [usize; 3]) -> Array3<f32> {
    let mut state = 0x9e37_79b9_u32;
    Array3::from_shape_simple_fn((height, width, channels), || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / (1u32 << 31) as f32 - 1.0
    })
}
