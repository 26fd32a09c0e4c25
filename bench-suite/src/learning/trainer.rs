//! The loop of learning: examples in small batches, in another order every epoch.

use ndarray::{Array2, Array4, ArrayView2, Axis};
use tapwise::Error;

use super::loss::{Loss, balance, cross_entropy, heat_map};
use super::network::Network;
use super::optimiser::Optimiser;
use crate::reference::Noise;

/// How the scores of a network are judged. Its answer is the largest of them either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// Each score is a class: [`cross_entropy`].
    Classes,
    /// Each score is a pixel of a heat map, which should be hot at the answer and cold elsewhere:
    /// [`heat_map`], both kinds of pixel weighing the same.
    HeatMap,
}

/// Pictures with the right answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Examples {
    /// `[N, H, W, C]`.
    pub pictures: Array4<f32>,
    /// Which of a network's scores should be the largest, for each picture.
    pub answers: Vec<usize>,
    /// How scores are judged.
    pub goal: Goal,
}

impl Examples {
    fn loss(&self, scores: ArrayView2<'_, f32>, answers: &[usize]) -> Result<Loss<ndarray::Ix2>, Error> {
        match self.goal {
            Goal::Classes => cross_entropy(scores, answers),
            Goal::HeatMap => {
                let mut targets = Array2::zeros(scores.raw_dim());
                for (mut row, &answer) in targets.axis_iter_mut(Axis(0)).zip(answers) {
                    let wanted = format!("a pixel below {}", row.len());
                    *row.get_mut(answer).ok_or(Error::Parameter {
                        parameter: "answer",
                        found: answer.to_string(),
                        wanted,
                    })? = 1.0;
                }
                heat_map(scores, targets.view(), balance(targets.view()))
            }
        }
    }

    /// As many answers as pictures.
    fn check(&self) -> Result<(), Error> {
        let (found, wanted) = (self.answers.len(), self.pictures.len_of(Axis(0)));
        if found == wanted {
            return Ok(());
        }
        Err(Error::Length { array: "answers", axis: "N", found, wanted })
    }

    /// How many of the pictures a network answers rightly, and its loss on them.
    ///
    /// # Errors
    /// As [`Network::forward`] and the losses, and [`Error::Length`] where there are not as many
    /// answers as pictures.
    pub fn judge(&self, network: &Network) -> Result<(usize, f64), Error> {
        self.check()?;
        let scores = network.forward(self.pictures.view())?.scores()?;
        let right = scores.axis_iter(Axis(0)).zip(&self.answers).filter(|(row, answer)| {
            let own = row.get(**answer).copied().unwrap_or(f32::NAN);
            // A tie is no answer.
            row.iter().enumerate().all(|(index, &score)| index == **answer || score < own)
        });
        let right = right.count();
        Ok((right, self.loss(scores.view(), &self.answers)?.value))
    }
}

/// How long and in what steps a network learns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// Times that every example is seen.
    pub epochs: usize,
    /// Examples of a step.
    pub batch: usize,
    /// Of the order of the examples.
    pub seed: u64,
}

/// Teaches a network the answers of `examples`; after each epoch, `after` is called with it.
///
/// # Errors
/// As [`Network::forward`], [`Network::step`] and the losses, and whatever `after` refuses;
/// [`Error::Length`] where there are not as many answers as pictures, [`Error::Parameter`] for
/// batches of nothing.
pub fn fit(
    network: &mut Network,
    examples: &Examples,
    rule: &dyn Optimiser,
    schedule: Schedule,
    after: &mut dyn FnMut(&Network) -> Result<(), Error>,
) -> Result<(), Error> {
    examples.check()?;
    if schedule.batch == 0 {
        let (found, wanted) = ("0".to_owned(), "at least 1".to_owned());
        return Err(Error::Parameter { parameter: "batch", found, wanted });
    }
    let mut noise = Noise::new(schedule.seed);
    let mut order: Vec<usize> = (0..examples.answers.len()).collect();
    for _ in 0..schedule.epochs {
        shuffle(&mut order, &mut noise);
        for batch in order.chunks(schedule.batch) {
            let trace = network.forward(examples.pictures.select(Axis(0), batch).view())?;
            let answers: Vec<usize> = batch.iter().map(|&index| examples.answers[index]).collect();
            let loss = examples.loss(trace.scores()?.view(), &answers)?;
            let gradient = loss.gradient.into_iter();
            let mut slopes = Array4::zeros(trace.output().raw_dim());
            slopes.iter_mut().zip(gradient).for_each(|(to, from)| *to = from);
            let slopes = network.backward(&trace, slopes.view())?;
            network.step(rule, &slopes)?;
        }
        after(network)?;
    }
    Ok(())
}

/// Any order, each as likely as the next (Fisher and Yates).
pub(super) fn shuffle(order: &mut [usize], noise: &mut Noise) {
    for last in (1..order.len()).rev() {
        order.swap(last, noise.below(last + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learning::optimiser::{Adam, Sgd};
    use crate::learning::stage::Stage;

    fn schedule(epochs: usize) -> Schedule {
        Schedule { epochs, batch: 8, seed: 1 }
    }

    /// Pictures of noise, 6 by 7 pixels, with a bright two-by-two square at the answer.
    fn squares(count: usize, seed: u64) -> Examples {
        let mut noise = Noise::new(seed);
        let mut pictures = Array4::from_shape_simple_fn((count, 6, 7, 1), || 0.5 * noise.unit());
        let mut answers = Vec::new();
        for n in 0..count {
            let (i, j) = (noise.below(5), noise.below(6));
            for (a, b) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                pictures[[n, i + a, j + b, 0]] += 1.0;
            }
            answers.push(i * 6 + j);
        }
        Examples { pictures, answers, goal: Goal::HeatMap }
    }

    #[test]
    fn two_classes_with_a_line_between_them_are_learnt() {
        let mut noise = Noise::new(9);
        let mut pictures = Array4::from_shape_simple_fn((64, 1, 2, 1), || noise.unit());
        let mut answers = Vec::new();
        for mut picture in pictures.axis_iter_mut(Axis(0)) {
            let above = picture[[0, 0, 0]] + 0.5 * picture[[0, 1, 0]] > 0.1;
            // A gap between the two.
            picture[[0, 0, 0]] += if above { 0.1 } else { -0.1 };
            answers.push(usize::from(above));
        }
        let examples = Examples { pictures, answers, goal: Goal::Classes };
        let rules: [&dyn Optimiser; 2] = [&Sgd { rate: 0.5, momentum: 0.9 }, &Adam::new(0.1)];
        for rule in rules {
            let stage = Stage::Dense { units: 2, relu: false };
            let mut network = Network::new([1, 2, 1], &[stage], 1).unwrap();
            let before = examples.judge(&network).unwrap();
            fit(&mut network, &examples, rule, schedule(60), &mut |_| Ok(())).unwrap();
            let after = examples.judge(&network).unwrap();
            assert_eq!(after.0, 64, "{before:?} {after:?}");
            assert!(after.1 < 0.5 * before.1, "{before:?} {after:?}");
        }
    }

    #[test]
    fn one_filter_finds_a_square() {
        let stage = Stage::Convolution { kernel: [2, 2], channels: 1, relu: false };
        let mut network = Network::new([6, 7, 1], &[stage], 2).unwrap();
        assert_eq!(network.parameters(), 5);
        let other = squares(40, 12);
        assert!(other.judge(&network).unwrap().0 < 40);
        fit(&mut network, &squares(40, 11), &Adam::new(0.1), schedule(20), &mut |_| Ok(())).unwrap();
        // Noise of half the square's height hides a few.
        let (right, _) = other.judge(&network).unwrap();
        assert!(right >= 36, "{right} of 40");
    }

    #[test]
    fn the_same_seed_gives_the_same_bits_on_any_number_of_threads() {
        let learnt = |threads: usize, seed: u64| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let stages = [
                    Stage::Convolution { kernel: [5, 5], channels: 20, relu: true },
                    Stage::Convolution { kernel: [3, 3], channels: 8, relu: true },
                    Stage::GlobalMax,
                    Stage::Dense { units: 9, relu: true },
                    Stage::Dense { units: 2, relu: false },
                ];
                let mut noise = Noise::new(4);
                // Enough work for the layers to split it.
                let pictures = Array4::from_shape_simple_fn((24, 16, 24, 3), || noise.unit());
                let examples =
                    Examples { pictures, answers: (0..24).map(|n| n % 2).collect(), goal: Goal::Classes };
                let mut network = Network::new([16, 24, 3], &stages, seed).unwrap();
                let schedule = Schedule { epochs: 1, batch: 12, seed };
                fit(&mut network, &examples, &Adam::new(0.01), schedule, &mut |_| Ok(())).unwrap();
                let mut bits = Vec::new();
                for stage in 0..stages.len() {
                    network
                        .change(stage, &mut |weights, bias| {
                            bits.extend(weights.iter().chain(&*bias).map(|value| value.to_bits()));
                            Ok(())
                        })
                        .unwrap();
                }
                assert_eq!(bits.len(), network.parameters());
                bits
            })
        };
        let alone = learnt(1, 5);
        assert_eq!(alone, learnt(1, 5));
        assert_eq!(alone, learnt(3, 5));
        assert_ne!(alone, learnt(1, 6));
    }

    #[test]
    fn a_tie_is_no_answer() {
        let stage = Stage::Dense { units: 3, relu: false };
        let mut network = Network::new([1, 1, 1], &[stage], 1).unwrap();
        let mut clear = |weights: &mut [f32], _: &mut [f32]| {
            weights.fill(0.0);
            Ok(())
        };
        network.change(0, &mut clear).unwrap();
        let examples =
            Examples { pictures: Array4::ones((1, 1, 1, 1)), answers: vec![0], goal: Goal::Classes };
        assert_eq!(examples.judge(&network).unwrap().0, 0);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let mut network =
            Network::new([6, 7, 1], &[Stage::Convolution { kernel: [2, 2], channels: 1, relu: false }], 2)
                .unwrap();
        let mut fails = |examples: &Examples, batch: usize| {
            let schedule = Schedule { epochs: 1, batch, seed: 1 };
            fit(&mut network, examples, &Adam::new(0.1), schedule, &mut |_| Ok(())).unwrap_err().to_string()
        };
        let mut examples = squares(3, 1);
        assert!(fails(&examples, 0).contains("batch is 0, wanted at least 1"));
        examples.answers[1] = 30;
        assert!(fails(&examples, 2).contains("answer is 30, wanted a pixel below 30"));
        examples.answers.push(0);
        assert!(fails(&examples, 2).contains("answers: axis N has length 4, wanted 3"));
    }
}
