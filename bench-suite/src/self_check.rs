//! How small a difference can be believed here: the same layer is measured against itself.

use ndarray::{Array4, Axis};
use serde::{Deserialize, Serialize};
use tapwise::{Isa, Shape, Strategy};

use crate::Error;
use crate::measurement::{Contest, Entry, Pace, Run, race};
use crate::problems::{Effort, Problem, group};
use crate::records::Record;
use crate::statistics::{median, quantile};

/// The layer that is measured: a good part of a millisecond, out of the first cache and in the second.
pub const LAYER: &str = "h56w56 c64x64 k3";

/// The part of the comparisons that must be below what can be believed.
const PART: f64 = 0.95;

/// What was found of one number of threads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Noise {
    /// Threads.
    pub threads: usize,
    /// Comparisons: two runs of the same thing in the same rounds.
    pub pairs: usize,
    /// The difference of two medians in the same rounds, as a part of them, that 19 of 20 comparisons stayed
    /// below: what is less is nothing.
    pub believed: f64,
    /// The same for medians of the beginning against those of the end of the report, minutes apart; none until
    /// then.
    pub apart: Option<f64>,
    /// The same again, for shares of the peak that is measured beside.
    pub apart_of_peak: Option<f64>,
    /// Medians in seconds, those of both runs of each comparison.
    pub medians: Vec<[f64; 2]>,
    /// Shares of the peak, likewise.
    pub shares: Vec<[f64; 2]>,
}

/// Comparisons of a report.
fn pairs(effort: Effort) -> usize {
    match effort {
        Effort::Quick => 15,
        Effort::Full => 40,
    }
}

/// Measures the layer against itself on the calling thread's pool, at the pace of the plots.
///
/// # Errors
/// What the library refuses, and [`Error::Wrong`].
pub fn measure(effort: Effort, isa: Isa) -> Result<Noise, Error> {
    against_itself(LAYER.parse()?, pairs(effort), Pace { rounds: 15, ..Pace::of(effort) }, isa)
}

fn against_itself(shape: Shape, pairs: usize, pace: Pace, isa: Isa) -> Result<Noise, Error> {
    let threads = rayon::current_num_threads();
    let mut contest = Contest::new(Problem { shape, group: group::SELF_CHECK });
    let [height, width] = shape.output()?;
    let mut noise = Noise {
        threads,
        pairs: 0,
        believed: f64::NAN,
        apart: None,
        apart_of_peak: None,
        medians: Vec::new(),
        shares: Vec::new(),
    };
    let layer = contest.layer(Strategy::Direct, isa)?;
    let refused =
        |reason| tapwise::Error::Unsupported { strategy: Strategy::Direct, layer: shape.to_string(), reason };
    let layer = layer.map_err(refused)?;
    let verified = contest.verify(&layer, Strategy::Direct)?;
    let label = contest.label("")?;
    let picture = contest.pictures.index_axis(Axis(0), 0);
    let mut outputs = [(); 2].map(|()| Array4::<f32>::zeros((1, height, width, shape.spec.c_out)));
    for _ in 0..pairs {
        let entries = outputs.iter_mut().enumerate().map(|(which, output)| {
            let layer = &layer;
            Entry {
                strategy: which.to_string(),
                kernel: String::new(),
                isa,
                max_error: verified.error,
                checked: String::new(),
                run: Run::Here(Box::new(move || {
                    layer.forward_into(picture, output.index_axis_mut(Axis(0), 0))
                })),
            }
        });
        let records = race(&label, entries.collect(), pace)?;
        if let [first, second] = &records[..] {
            let both = |of: fn(&Record) -> f64| [of(first), of(second)];
            noise.medians.push(both(|record| record.median_s));
            noise.shares.push(both(|record| record.fraction_of_peak));
        }
    }
    noise.pairs = noise.medians.len();
    noise.believed = difference(noise.medians.iter().copied());
    Ok(noise)
}

/// The difference that most of these comparisons stay below.
fn difference(pairs: impl Iterator<Item = [f64; 2]>) -> f64 {
    let mut all: Vec<f64> = pairs.map(|[first, second]| (first / second).ln().abs().exp_m1()).collect();
    all.sort_by(f64::total_cmp);
    quantile(&all, PART)
}

impl Noise {
    /// Takes in what the same measurement gave at the end of the report.
    pub fn close(&mut self, end: &Noise) {
        let against = |begun: &[[f64; 2]], ended: &[[f64; 2]]| {
            // Every run of the beginning against one of the end, and the medians of both.
            let pairs = begun.iter().flatten().zip(ended.iter().flatten()).map(|(a, b)| [*a, *b]);
            let middle = |runs: &[[f64; 2]]| median(&mut runs.iter().flatten().copied().collect::<Vec<_>>());
            difference(pairs.chain([[middle(begun), middle(ended)]]))
        };
        self.apart = Some(against(&self.medians, &end.medians));
        self.apart_of_peak = Some(against(&self.shares, &end.shares));
    }

    /// Whether two medians of the same rounds differ by more than the noise.
    #[must_use]
    pub fn tells_apart(&self, first: f64, second: f64) -> bool {
        difference(std::iter::once([first, second])) > self.believed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(medians: Vec<[f64; 2]>) -> Noise {
        let believed = difference(medians.iter().copied());
        let shares = medians.clone();
        let pairs = medians.len();
        Noise { threads: 1, pairs, believed, apart: None, apart_of_peak: None, medians, shares }
    }

    #[test]
    fn differences_below_the_noise_are_nothing() {
        let mut noise = made(vec![[1.0, 1.01], [1.0, 1.0], [1.02, 1.0]]);
        assert!(noise.believed > 0.015 && noise.believed <= 0.0201, "{}", noise.believed);
        assert!(
            !noise.tells_apart(1.0, 0.99) && noise.tells_apart(1.05, 1.0) && noise.tells_apart(1.0, 1.05)
        );
        let slower = made(vec![[1.5, 1.5]; 3]);
        noise.close(&slower);
        assert!((noise.apart.unwrap() - 0.5).abs() < 0.03, "{:?}", noise.apart);
    }

    #[test]
    fn a_layer_is_measured_against_itself() {
        let pace = Pace { rounds: 3, sample: 1e-6, budget: 1.0 };
        let run = || against_itself("h7w9 c4x8 k3".parse().unwrap(), 3, pace, Isa::Portable);
        let found = crate::machine::pool(1).unwrap().install(run).unwrap();
        assert_eq!((found.pairs, found.threads), (3, 1));
        assert!(found.believed.is_finite() && found.believed >= 0.0);
    }
}
