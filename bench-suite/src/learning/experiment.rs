//! What a dense network and a convolution learn from the same scenes: where their assumptions agree
//! with the task, and where they do not.

use ndarray::parallel::prelude::*;
use serde::{Deserialize, Serialize};

use super::network::Network;
use super::optimiser::Adam;
use super::pictures::Shown;
use super::scenes::{Album, SCENE};
use super::tasks::{Learner, RATES, Task};
use super::trainer::{Schedule, fit};
use crate::Error;
use crate::photograph::{Photograph, Picture};
use crate::problems::Effort;
use crate::progress::Progress;

/// Times that each scene is seen.
pub const EPOCHS: usize = 20;

/// Scenes of one step.
pub const BATCH: usize = 20;

/// The rate that fits a network best to its training scenes: the one with the most right answers in
/// training; among equals, with the most in the first held-out set; among these, with the least
/// loss. `None` without runs.
#[must_use]
pub fn best_rate(runs: &[Run]) -> Option<f32> {
    let worth = |rate: f32| {
        let own = || runs.iter().filter(|run| run.rate == rate);
        let right = |set: usize| own().filter_map(|run| run.right.get(set)?.last()).sum::<usize>();
        (right(0), right(1), -own().filter_map(|run| run.loss.last()).sum::<f64>())
    };
    let order = |a: &f32, b: &f32| {
        let (a, b) = (worth(*a), worth(*b));
        (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2))
    };
    runs.iter().map(|run| run.rate).max_by(order)
}

/// One network that learnt one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The task.
    pub task: Task,
    /// Who learnt.
    pub learner: Learner,
    /// Weights and biases that were learnt.
    pub parameters: usize,
    /// The rate of Adam.
    pub rate: f32,
    /// Of the scenes, the first weights and the order of the scenes.
    pub seed: u64,
    /// Scenes of each of [`Task::sets`].
    pub scenes: Vec<usize>,
    /// The training loss, before the first epoch and after each; of a run that compares rates, at
    /// the end only.
    pub loss: Vec<f64>,
    /// Right answers in each set, as often.
    pub right: Vec<Vec<usize>>,
}

impl Run {
    /// Right answers as a share of the set, over the epochs.
    pub fn shares(&self, set: usize) -> impl Iterator<Item = f64> {
        let scenes = self.scenes.get(set).copied().unwrap_or(1).max(1) as f64;
        self.right.get(set).into_iter().flatten().map(move |&right| right as f64 / scenes)
    }

    /// The share of right answers at the end.
    #[must_use]
    pub fn last(&self, set: usize) -> Option<f64> {
        self.shares(set).last()
    }
}

/// Everything that was learnt, and pictures of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Study {
    /// Every network on every task.
    pub runs: Vec<Run>,
    /// Scenes and what a filter makes of them.
    pub shown: Shown,
}

impl Study {
    /// The runs as JSON, one a line.
    ///
    /// # Errors
    /// [`Error::Json`] for numbers that JSON does not have.
    pub fn to_json(&self) -> Result<String, Error> {
        let line = |run| serde_json::to_string(run);
        let lines = self.runs.iter().map(line).collect::<Result<Vec<_>, _>>();
        let lines = lines.map_err(|source| Error::Json { what: "learning.json", source })?;
        Ok(format!("[\n{}\n]\n", lines.join(",\n")))
    }

    /// Every picture.
    pub fn pictures(&self) -> impl Iterator<Item = &Picture> {
        self.shown.pictures.iter().chain(&self.shown.overview)
    }
}

/// Scenes cut from the photograph that ships.
///
/// # Errors
/// As [`Photograph::read`] and [`Album::new`]; nothing is known to happen.
pub fn album() -> Result<Album, Error> {
    Ok(Album::new(&[Photograph::read(None)?.pixels()])?)
}

/// Seeds of the runs, and of those that compare rates.
#[must_use]
pub fn seeds(effort: Effort) -> [u64; 2] {
    match effort {
        Effort::Quick => [3, 0],
        Effort::Full => [10, 3],
    }
}

/// Every run of an experiment.
///
/// # Errors
/// What the networks refuse; nothing is known to.
pub fn run(album: &Album, effort: Effort) -> Result<Vec<Run>, Error> {
    let [many, few] = seeds(effort);
    let mut lessons = Vec::new();
    for task in Task::ALL {
        for learner in Learner::ALL {
            lessons.extend((1..=many).map(|seed| Lesson::new(task, learner, seed)));
            for rate in RATES.into_iter().filter(|rate| *rate != learner.rate(task)) {
                lessons.extend((1..=few).map(|seed| Lesson { rate, ..Lesson::new(task, learner, seed) }));
            }
        }
    }
    let progress = Progress::new("what is learnt", lessons.len());
    let runs = lessons.into_par_iter().with_max_len(1).map(|lesson| {
        progress.say(&format!("{} {}", lesson.learner.name(), lesson.task.question()));
        let (mut run, _) = learn(album, lesson)?;
        if lesson.rate != lesson.learner.rate(lesson.task) {
            run.loss.drain(..run.loss.len() - 1);
            run.right.iter_mut().for_each(|right| drop(right.drain(..right.len() - 1)));
        }
        progress.step();
        Ok(run)
    });
    runs.collect()
}

/// What is to be learnt, by whom and how.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lesson {
    /// The task.
    pub task: Task,
    /// Who learns.
    pub learner: Learner,
    /// The rate of Adam.
    pub rate: f32,
    /// Of the scenes, the first weights and the order of the scenes.
    pub seed: u64,
    /// Times that each scene is seen.
    pub epochs: usize,
}

impl Lesson {
    /// The lesson of the report: by the learner's own rate, for [`EPOCHS`].
    #[must_use]
    pub fn new(task: Task, learner: Learner, seed: u64) -> Self {
        Lesson { task, learner, rate: learner.rate(task), seed, epochs: EPOCHS }
    }
}

/// One run, and the network that it ended with.
///
/// # Errors
/// What the network refuses; nothing is known to.
pub fn learn(album: &Album, lesson: Lesson) -> Result<(Run, Network), tapwise::Error> {
    let Lesson { task, learner, rate, seed, epochs } = lesson;
    let sets = task.scenes(album, seed);
    let mut network = Network::new([SCENE[0], SCENE[1], 3], &learner.stages(task), 0x1e_a200 + seed)?;
    let mut run = Run {
        task,
        learner,
        parameters: network.parameters(),
        rate,
        seed,
        scenes: sets.iter().map(|set| set.answers.len()).collect(),
        loss: Vec::new(),
        right: vec![Vec::new(); sets.len()],
    };
    let mut judge = |network: &Network| {
        for (index, (set, rights)) in sets.iter().zip(&mut run.right).enumerate() {
            let (right, loss) = set.judge(network)?;
            rights.push(right);
            if index == 0 {
                // Four decimals are plenty to read.
                run.loss.push((loss * 1e4).round() / 1e4);
            }
        }
        Ok(())
    };
    judge(&network)?;
    if let Some(training) = sets.first() {
        let schedule = Schedule { epochs, batch: BATCH, seed: 0x0_4de4 + seed };
        fit(&mut network, training, &Adam::new(rate), schedule, &mut judge)?;
    }
    Ok((run, network))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_rate_fits_first_and_holds_second() {
        let run = |rate: f32, right: usize, held_out: usize, loss: f64| Run {
            task: Task::Side,
            learner: Learner::Dense,
            parameters: 1,
            rate,
            seed: 1,
            scenes: vec![400, 200],
            loss: vec![9.0, loss],
            right: vec![vec![0, right], vec![0, held_out]],
        };
        assert_eq!(best_rate(&[]), None);
        assert_eq!(best_rate(&[run(0.1, 399, 200, 0.0), run(0.2, 400, 100, 0.5)]), Some(0.2));
        assert_eq!(best_rate(&[run(0.1, 400, 101, 0.5), run(0.2, 400, 100, 0.0)]), Some(0.1));
        assert_eq!(best_rate(&[run(0.1, 400, 100, 0.5), run(0.2, 400, 100, 0.4)]), Some(0.2));
        // Summed over seeds.
        let runs =
            [run(0.1, 400, 9, 0.1), run(0.2, 300, 9, 0.1), run(0.1, 200, 9, 0.1), run(0.2, 301, 9, 0.1)];
        assert_eq!(best_rate(&runs), Some(0.2));
    }

    #[test]
    fn a_study_is_written_one_run_a_line() {
        let run = Run {
            task: Task::Side,
            learner: Learner::Convolution,
            parameters: 1202,
            rate: 0.003,
            seed: 1,
            scenes: vec![400, 200],
            loss: vec![0.7125, 0.5],
            right: vec![vec![200, 300], vec![100, 150]],
        };
        assert_eq!(run.last(1), Some(0.75));
        assert_eq!(run.last(2), None);
        let study = Study { runs: vec![run.clone(), run], shown: Shown::default() };
        let text = study.to_json().unwrap();
        assert_eq!(text.lines().count(), 4);
        assert!(text.contains("\"side\"") && text.contains("0.003,"), "{text}");
        assert_eq!(serde_json::from_str::<Vec<Run>>(&text).unwrap(), study.runs);
    }
}
