//! What is asked of scenes, and the networks that learn to answer.

use serde::{Deserialize, Serialize};

use super::scenes::{Album, Half, PATTERN, PLACES, Part, SCENE};
use super::stage::Stage;
use super::trainer::Examples;
use crate::reference::Noise;

/// Scenes that are learnt from.
pub const EXAMPLES: usize = 400;

/// Scenes of each held-out set.
pub const HELD_OUT: usize = 200;

/// Rates of Adam that were tried for every network on every task.
pub const RATES: [f32; 3] = [0.01, 0.003, 0.001];

/// Channels of the convolution, and hidden units of the dense network, that name classes.
const WIDTH: [usize; 2] = [8, 64];

/// A question that is asked of scenes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Is the pattern anywhere? Learnt in the left half. Position does not matter.
    Presence,
    /// Where is the pattern? Learnt in the left half; the answer is a heat map that moves along.
    Place,
    /// Which half is the pattern in? Nothing but its position matters.
    Side,
}

/// Who learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Learner {
    /// Equation (1): every number of the scene has weights of its own.
    Dense,
    /// Equation (8): one filter for every place; for classes, followed by the maximum over all
    /// places, equation (11).
    Convolution,
}

impl Task {
    /// Every task, in the order in which it is told.
    pub const ALL: [Task; 3] = [Task::Presence, Task::Place, Task::Side];

    /// What is asked.
    #[must_use]
    pub fn question(self) -> &'static str {
        match self {
            Task::Presence => "Is the pattern there?",
            Task::Place => "Where is it?",
            Task::Side => "Which half is it in?",
        }
    }

    /// The sets of scenes: the one that is learnt from, then those held out.
    #[must_use]
    pub fn sets(self) -> &'static [&'static str] {
        match self {
            Task::Presence | Task::Place => &["training, left", "held out, left", "held out, right"],
            Task::Side => &["training", "held out"],
        }
    }

    /// The scenes of each set, from a seed.
    #[must_use]
    pub fn scenes(self, album: &Album, seed: u64) -> Vec<Examples> {
        let mut noise = Noise::new(0x5ce_0e00 + seed);
        let sets = [
            (Part::Training, Half::Left, EXAMPLES),
            (Part::HeldOut, Half::Left, HELD_OUT),
            (Part::HeldOut, Half::Right, HELD_OUT),
        ];
        let mut set = |(part, half, count)| match self {
            Task::Presence => album.presence(part, half, count, &mut noise),
            Task::Place => album.search(part, half, count, &mut noise),
            Task::Side => album.halves(part, count, &mut noise),
        };
        sets.into_iter().take(self.sets().len()).map(&mut set).collect()
    }

    /// The share of right answers that guessing gives.
    #[must_use]
    pub fn chance(self) -> f64 {
        match self {
            Task::Presence | Task::Side => 0.5,
            Task::Place => 1.0 / (PLACES[0] * PLACES[1]) as f64,
        }
    }
}

impl Learner {
    /// Both, the general one first.
    pub const ALL: [Learner; 2] = [Learner::Dense, Learner::Convolution];

    /// The name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Learner::Dense => "dense",
            Learner::Convolution => "convolution",
        }
    }

    /// The network for a task.
    #[must_use]
    pub fn stages(self, task: Task) -> Vec<Stage> {
        let kernel = [PATTERN; 2];
        let [channels, units] = WIDTH;
        let classes = Stage::Dense { units: 2, relu: false };
        match (task, self) {
            (Task::Place, Learner::Dense) => {
                vec![Stage::Dense { units: PLACES[0] * PLACES[1], relu: false }]
            }
            (Task::Place, Learner::Convolution) => {
                vec![Stage::Convolution { kernel, channels: 1, relu: false }]
            }
            (_, Learner::Dense) => vec![Stage::Dense { units, relu: true }, classes],
            (_, Learner::Convolution) => {
                vec![Stage::Convolution { kernel, channels, relu: true }, Stage::GlobalMax, classes]
            }
        }
    }

    /// The network in words.
    #[must_use]
    pub fn described(self, task: Task) -> String {
        let [channels, units] = WIDTH;
        let inputs = SCENE[0] * SCENE[1] * 3;
        match (task, self) {
            (Task::Place, Learner::Dense) => format!("{inputs} → {}", PLACES[0] * PLACES[1]),
            (Task::Place, Learner::Convolution) => format!("{PATTERN} × {PATTERN}, 3 → 1 channel"),
            (_, Learner::Dense) => format!("{inputs} → {units} → 2"),
            (_, Learner::Convolution) => {
                format!("{PATTERN} × {PATTERN}, 3 → {channels} channels → maximum → 2")
            }
        }
    }

    /// The rate, of [`RATES`], that
    /// [`best_rate`](super::experiment::best_rate) finds on five seeds that the report does not use.
    #[must_use]
    pub fn rate(self, task: Task) -> f32 {
        match (task, self) {
            (_, Learner::Convolution) => 0.01,
            (Task::Place, Learner::Dense) => 0.003,
            (_, Learner::Dense) => 0.001,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learning::network::Network;

    #[test]
    fn both_learners_give_an_answer_of_the_right_size_to_every_task() {
        let album = Album::new(&[ndarray::Array3::zeros((50, 40, 3))]).unwrap();
        for task in Task::ALL {
            for learner in Learner::ALL {
                assert!(RATES.contains(&learner.rate(task)));
                let network = Network::new([SCENE[0], SCENE[1], 3], &learner.stages(task), 1).unwrap();
                let mut noise = Noise::new(1);
                let two = match task {
                    Task::Presence => album.presence(Part::Training, Half::Left, 2, &mut noise),
                    Task::Place => album.search(Part::Training, Half::Left, 2, &mut noise),
                    Task::Side => album.halves(Part::Training, 2, &mut noise),
                };
                let scores = network.forward(two.pictures.view()).unwrap().scores().unwrap();
                let answers = (1.0 / task.chance()).round() as usize;
                assert_eq!(scores.dim(), (2, answers), "{task:?} {learner:?}");
            }
        }
    }

    #[test]
    fn the_convolution_has_orders_of_magnitude_fewer_parameters() {
        let count = |task, learner: Learner| {
            Network::new([SCENE[0], SCENE[1], 3], &learner.stages(task), 1).unwrap().parameters()
        };
        for task in Task::ALL {
            assert!(count(task, Learner::Dense) > 100 * count(task, Learner::Convolution), "{task:?}");
        }
    }
}
