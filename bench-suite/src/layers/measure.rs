//! Layers of a user, measured by every strategy that can serve, with what the planner says of them.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tapwise::tuning::Model;
use tapwise::{Conv2d, Explanation, Geometry, Isa, Planner, Shape, Strategy, Verdict, registry};

use super::{Layer, Listing, Unserved, block};
use crate::Error;
use crate::contenders::{self, Contender};
use crate::journal::Journal;
use crate::machine::pool;
use crate::measurement::{Absent, Contest, Pace};
use crate::problems::{Problem, group};
use crate::progress::Progress;
use crate::records::Record;
use crate::statistics::{Interval, interval_of_ratio};

/// A contender that is predicted to take so many times as long as the choice, and so many seconds, is left out.
const TOO_LONG: (f64, f64) = (20.0, 0.02);

/// The same for transforms, which compete where filters are large.
const TRANSFORMS: f64 = 3.0;

/// What is predicted to gain less is not worth a word.
const WORTH: f64 = 1.05;

/// What was found of a user's layers, beside the records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    /// The name of their file.
    pub file: String,
    /// Threads that [`Plan::pieces`] were planned for.
    pub threads: usize,
    /// The layers.
    pub layers: Vec<Layer>,
    /// Those that are not served, or were not measured.
    pub unserved: Vec<Unserved>,
    /// What the planner says of each shape.
    pub plans: Vec<Plan>,
}

/// What the planner says of a shape.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The descriptor.
    pub shape: String,
    /// The strategy that it takes.
    pub strategy: String,
    /// The kernel.
    pub kernel: String,
    /// Why the kernel looks as it does, where it was generated.
    pub schedule: Option<String>,
    /// Whether this program has a kernel for exactly this shape.
    pub compiled: bool,
    /// Why no kernel can be compiled for exactly this shape; none where one can.
    pub unspecializable: Option<String>,
    /// What a kernel for exactly a shape gains on a layer that is like it.
    pub sibling: Option<Sibling>,
    /// A way that would be faster if it were more exact.
    pub inexact: Option<Inexact>,
    /// Pieces that it is cut into on [`Findings::threads`] threads.
    pub pieces: usize,
    /// Strategies that did not take part, and why.
    pub absent: Vec<Absent>,
}

/// A layer like another one, for which this program has a kernel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sibling {
    /// Its descriptor.
    pub shape: String,
    /// How many times as fast as `Direct` it runs by that kernel, measured.
    pub gain: f64,
    /// Where that lies, as far as the rounds tell.
    pub interval: Option<Interval>,
}

/// A way whose error is beyond the tolerance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inexact {
    /// Its strategy.
    pub strategy: String,
    /// Its kernel.
    pub kernel: String,
    /// Its predicted error over the output's root mean square: the tolerance that would admit it.
    pub error: f64,
    /// How many times as fast as the choice it is predicted to be.
    pub gain: f64,
}

/// How layers are measured.
#[derive(Debug, Clone, Copy)]
pub struct Conditions<'a> {
    /// The instruction set.
    pub isa: Isa,
    /// How long to look at one of them.
    pub pace: Pace,
    /// Threads that plans are made for, beside one.
    pub threads: usize,
    /// Bytes of memory, where the system tells.
    pub memory: Option<u64>,
    /// Where measurements are kept.
    pub journal: &'a Journal,
}

/// What was measured of one shape.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Measured {
    records: Vec<Record>,
    /// What the planner says, or why nothing was measured.
    plan: Result<Plan, String>,
}

/// Measures each shape once on one thread, by what the planner chooses and by every other strategy.
///
/// # Errors
/// As [`Contest::measure`], [`Journal::once`] and [`pool`].
pub fn measure(
    file: &Path,
    listing: Listing,
    conditions: &Conditions<'_>,
) -> Result<(Vec<Record>, Findings), Error> {
    let shapes = listing.shapes();
    let Listing { layers, mut unserved } = listing;
    let mut records = Vec::new();
    let mut plans = Vec::new();
    let progress = Progress::new("the layers asked for", shapes.len());
    let pool = pool(1)?;
    for shape in shapes {
        progress.say(&shape.to_string());
        let key = format!("{} {shape}", group::SHAPES);
        let one = || pool.install(|| one(shape, conditions));
        let Measured { records: own, plan } = conditions.journal.once(&key, one)?;
        records.extend(own);
        match plan {
            Ok(plan) => plans.push(plan),
            Err(reason) => {
                let these = layers.iter().filter(|layer| layer.shape == shape);
                unserved.extend(these.map(|layer| Unserved {
                    name: layer.name.clone(),
                    net: layer.net.clone(),
                    what: shape.to_string(),
                    reason: reason.clone(),
                    count: layer.count,
                }));
            }
        }
        progress.step();
    }
    let file = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    Ok((records, Findings { file, threads: conditions.threads, layers, unserved, plans }))
}

fn one(shape: Shape, conditions: &Conditions<'_>) -> Result<Measured, Error> {
    let none = |reason: String| Ok(Measured { records: Vec::new(), plan: Err(reason) });
    if let Some(reason) = beyond_memory(&shape, conditions.memory)? {
        return none(reason);
    }
    let &Conditions { isa, pace, threads, journal, .. } = conditions;
    let mut contest = Contest::new(Problem { shape, group: group::SHAPES });
    let layer = match contest.layer(contenders::AUTO.strategy, isa)? {
        Ok(layer) => layer,
        Err(reason) => return none(reason),
    };
    let explained = layer.explain(shape.input);
    let (contenders, mut absent) = contenders_for(&shape, &explained);
    let (records, missing) = contest.measure(&contenders, &[isa], pace, journal.command())?;
    absent.extend(missing);
    let geometry = Geometry::of(&shape.spec);
    let compiled = has_kernel(&geometry, isa);
    let direct = records.iter().any(|record| record.strategy == Strategy::Direct.name());
    let sibling = match direct && !compiled {
        true => sibling(&shape, conditions)?,
        false => None,
    };
    let chosen = explained.chosen();
    let plan = Plan {
        shape: shape.to_string(),
        strategy: explained.strategy().name().to_owned(),
        kernel: chosen.map_or_else(String::new, |chosen| chosen.kernel.clone()),
        schedule: chosen.and_then(|chosen| chosen.schedule.as_deref().map(str::to_owned)),
        compiled,
        unspecializable: block::refused(&geometry),
        sibling,
        inexact: inexact(&explained),
        pieces: pieces(&layer, &shape, threads),
        absent,
    };
    Ok(Measured { records, plan: Ok(plan) })
}

/// Why a layer does not fit memory; none where it does.
fn beyond_memory(shape: &Shape, memory: Option<u64>) -> Result<Option<String>, Error> {
    let [height, width] = shape.output()?;
    let spec = &shape.spec;
    let product = |sides: &[usize]| sides.iter().fold(4u128, |all, &side| all.saturating_mul(side as u128));
    let pictures = product(&[shape.batch, shape.input[0], shape.input[1], spec.c_in])
        .saturating_add(product(&[shape.batch, height, width, spec.c_out]));
    // An answer for each contender, and packed weights, of which transformed ones are several times as many.
    let wanted = 4u128.saturating_mul(pictures.saturating_add(product(&[spec.taps(), spec.c_out])));
    Ok(memory.filter(|&there| wanted > u128::from(there)).map(|there| {
        let gib = |bytes: f64| bytes / f64::from(1 << 30);
        format!("measuring it takes {:.0} GiB, and there are {:.0}", gib(wanted as f64), gib(there as f64))
    }))
}

/// Who takes part: not those that are predicted to take much too long.
fn contenders_for(shape: &Shape, explained: &Explanation) -> (Vec<Contender>, Vec<Absent>) {
    let chosen = explained.chosen().and_then(|chosen| chosen.seconds).unwrap_or(f64::INFINITY);
    let (mut taking_part, mut absent) = (vec![contenders::AUTO], Vec::new());
    for contender in contenders::ALL.into_iter().chain([contenders::FFT]) {
        let own = explained.candidates.iter().filter(|own| own.strategy == contender.strategy);
        let seconds = own.filter_map(|own| own.seconds).fold(f64::INFINITY, f64::min);
        let whole = seconds * shape.batch as f64;
        let long = match contender.strategy {
            Strategy::Fft => seconds > TRANSFORMS * chosen,
            _ => seconds > TOO_LONG.0 * chosen && whole > TOO_LONG.1,
        };
        if seconds.is_finite() && long {
            absent.push(Absent {
                shape: shape.to_string(),
                strategy: contender.strategy.name().to_owned(),
                reason: format!(
                    "left out: predicted to take {:.0} times as long as the choice",
                    seconds / chosen
                ),
            });
        } else {
            taking_part.push(contender);
        }
    }
    (taking_part, absent)
}

fn has_kernel(geometry: &Geometry, isa: Isa) -> bool {
    registry::kernels().any(|kernel| kernel.isa() == isa && kernel.geometry() == Some(geometry))
}

/// Measures the layer of the nearest channels for which this program has a kernel, on pictures of the same size:
/// the same filter, stride and dilation, at most twice or half the channels.
fn sibling(shape: &Shape, conditions: &Conditions<'_>) -> Result<Option<Sibling>, Error> {
    let &Conditions { isa, pace, journal, .. } = conditions;
    let Some(near) = nearest(&Geometry::of(&shape.spec), isa) else { return Ok(None) };
    let spec = tapwise::ConvSpec { c_in: near.c_in, c_out: near.c_out, groups: near.groups, ..shape.spec };
    let shape = Shape { batch: 1, spec, ..*shape };
    let contenders: Vec<Contender> =
        contenders::FAST.into_iter().filter_map(contenders::of).copied().collect();
    let mut contest = Contest::new(Problem { shape, group: group::SHAPES });
    let (records, _) = contest.measure(&contenders, &[isa], pace, journal.command())?;
    let of = |strategy: Strategy| records.iter().find(|record| record.strategy == strategy.name());
    let (Some(fixed), Some(direct)) = (of(Strategy::Specialized), of(Strategy::Direct)) else {
        return Ok(None);
    };
    Ok(Some(Sibling {
        shape: shape.to_string(),
        gain: direct.median_s / fixed.median_s,
        interval: interval_of_ratio(&direct.rounds_s(), &fixed.rounds_s()),
    }))
}

/// The geometry of a kernel of this program that is most like another one.
fn nearest(wanted: &Geometry, isa: Isa) -> Option<Geometry> {
    let of_group = |geometry: &Geometry| [geometry.c_in / geometry.groups, geometry.c_out / geometry.groups];
    let like = |own: &&Geometry| {
        own.kernel == wanted.kernel
            && own.stride == wanted.stride
            && own.dilation == wanted.dilation
            && (own.groups == 1) == (wanted.groups == 1)
            && (own.groups == 1 || of_group(own) == of_group(wanted))
    };
    let apart = |own: &Geometry| -> [f64; 2] {
        [(own.c_in, wanted.c_in), (own.c_out, wanted.c_out)].map(|(a, b)| (a as f64 / b as f64).log2().abs())
    };
    // Lanes that idle in one and not in the other are as bad as half an octave.
    let ragged = |own: &Geometry| !own.c_out.is_multiple_of(isa.lanes());
    let distance = |own: &Geometry| {
        apart(own).iter().sum::<f64>() + if ragged(own) == ragged(wanted) { 0.0 } else { 0.5 }
    };
    let kernels = registry::kernels().filter(|kernel| kernel.isa() == isa);
    let near = kernels.filter_map(|kernel| kernel.geometry()).filter(like);
    let near = near.filter(|own| apart(own).iter().all(|octaves| *octaves <= 1.0));
    near.min_by(|a, b| distance(a).total_cmp(&distance(b))).copied()
}

/// The fastest way that the tolerance alone keeps from running, where it is predicted to be worth a word.
fn inexact(explained: &Explanation) -> Option<Inexact> {
    let chosen = explained.chosen()?.seconds?;
    let refused = explained.candidates.iter().filter(
        |own| matches!(&own.verdict, Verdict::Refused(reason) if reason.contains("exceeds the tolerance")),
    );
    let (best, seconds) =
        refused.filter_map(|own| Some((own, own.seconds?))).min_by(|a, b| a.1.total_cmp(&b.1))?;
    let gain = chosen / seconds;
    (gain > WORTH).then(|| Inexact {
        strategy: best.strategy.name().to_owned(),
        kernel: best.kernel.clone(),
        error: best.error,
        gain,
    })
}

/// Pieces that a picture is cut into on so many threads.
fn pieces(layer: &Conv2d, shape: &Shape, threads: usize) -> usize {
    let machine = tapwise::Machine { threads, ..tapwise::Machine::detect(layer.isa()) };
    let planner = Planner { model: Model::current(), ..Planner::default() };
    let plan = planner.choose(&shape.spec, shape.input, &machine);
    let pieces = |plan: Explanation| plan.bands.max(1) * plan.parts.max(1) * plan.shares.max(1);
    plan.map_or(1, pieces).max(shape.batch.min(threads))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { rounds: 3, sample: 1e-5, budget: 0.1 };

    fn geometry(text: &str) -> Geometry {
        Geometry::of(&format!("h9w9 {text}").parse::<Shape>().unwrap().spec)
    }

    #[test]
    fn a_sibling_has_the_same_filter_and_nearly_the_same_channels() {
        let near = |text: &str| nearest(&geometry(text), Isa::Portable);
        // Of the shapes that the report has kernels for.
        assert_eq!(near("c60x66 k3x3"), Some(geometry("c64x64 k3x3")));
        assert_eq!(near("c100x100 k3x3 g100"), Some(geometry("c128x128 k3x3 g128")));
        assert_eq!(near("c60x66 k3x3 s3x3"), None);
        assert_eq!(near("c64x1000 k3x3"), None);
        assert_eq!(near("c64x64 k3x3 g2"), None);
    }

    #[test]
    fn a_layer_is_measured_with_what_the_planner_says_of_it() {
        let layers = ["h6w6 c30x30 k3x3", "h6w6 c32x32 k3x3", "h6w6 c30x30 k3x3"].map(|shape| Layer {
            name: "a".to_owned(),
            net: shape.to_owned(),
            shape: shape.parse().unwrap(),
            count: 1,
        });
        let huge = Layer { shape: "h60000w60000 c64x64 k3x3".parse().unwrap(), ..layers[0].clone() };
        let mut layers = layers.to_vec();
        layers.push(huge);
        let journal = Journal::none("test");
        let conditions = Conditions {
            isa: Isa::Portable,
            pace: PACE,
            threads: 2,
            memory: Some(1 << 30),
            journal: &journal,
        };
        let listing = Listing { layers, unserved: Vec::new() };
        let (records, found) = measure(Path::new("some/net.json"), listing, &conditions).unwrap();
        assert_eq!((found.file.as_str(), found.plans.len(), found.layers.len()), ("net.json", 2, 4));
        let [open, fixed] = &found.plans[..] else { panic!("{found:?}") };
        assert!(!open.compiled && fixed.compiled && fixed.sibling.is_none());
        let sibling = open.sibling.as_ref().unwrap();
        assert_eq!(sibling.shape, "h6w6 c32x32 k3x3");
        assert!(sibling.gain > 0.0 && sibling.interval.is_some());
        assert!(
            open.absent.iter().any(|own| own.strategy == "specialized" && own.reason.contains("specialize!"))
        );
        for strategy in ["auto", "naive", "direct"] {
            let own = |record: &&Record| record.strategy == strategy && record.shape == "h6w6 c30x30 k3x3";
            assert_eq!(records.iter().filter(own).count(), 1, "{strategy}");
        }
        assert_eq!(found.unserved.len(), 1);
        assert!(found.unserved[0].reason.contains("GiB, and there are 1"), "{}", found.unserved[0].reason);
    }

    #[test]
    fn those_that_take_much_too_long_are_left_out() {
        let shape: Shape = "h112w112 c64x64 k3x3".parse().unwrap();
        let machine = tapwise::Machine { threads: 1, ..tapwise::Machine::detect(Isa::Portable) };
        let plan = Planner::default().choose(&shape.spec, shape.input, &machine).unwrap();
        let (contenders, absent) = contenders_for(&shape, &plan);
        assert!(contenders.iter().any(|own| own.strategy == Strategy::Direct));
        let out: Vec<&str> = absent.iter().map(|own| own.strategy.as_str()).collect();
        assert_eq!(out, ["naive", "fft"]);
        assert!(absent[0].reason.contains("times as long as the choice"));
    }

    #[test]
    fn the_tolerance_is_named_where_it_alone_is_in_the_way() {
        let shape: Shape = "h56w56 c64x64 k3x3".parse().unwrap();
        let machine = tapwise::Machine { threads: 1, ..tapwise::Machine::detect(Isa::Portable) };
        let plan = |tolerance| {
            let planner = Planner { tolerance, ..Planner::default() };
            planner.choose(&shape.spec, shape.input, &machine).unwrap()
        };
        let found = inexact(&plan(1e-6)).unwrap();
        assert!(found.strategy == "winograd" && found.error > 1e-6 && found.gain > WORTH, "{found:?}");
        assert_eq!(inexact(&plan(1.0)), None);
    }
}
