//! Winograd's tiles against the direct sum: what each size of tile gains, and what it costs in exactness.

use ndarray::{Array3, Axis};
use tapwise::{Conv2d, Isa, Shape, Strategy};

use crate::Error;
use crate::measurement::{Contest, Entry, LIMIT, Pace, Run, race};
use crate::problems::{Effort, Problem, group};
use crate::records::Record;
use crate::reference::Reference;

/// The layers: of three taps with few, some and many channels, of five and of seven, and over time.
pub const LAYERS: [&str; 6] = [
    "h56w56 c64x64 k3",
    "h28w28 c128x128 k3",
    "h128w128 c32x32 k3",
    "h64w64 c24x24 k5",
    "h28w28 c64x64 k7",
    "h1w1000 c512x512 k1x3 d1x2",
];

/// Layers that a report measures.
#[must_use]
pub fn layers(effort: Effort) -> &'static [&'static str] {
    match effort {
        Effort::Quick => &LAYERS[..5],
        Effort::Full => &LAYERS,
    }
}

/// The square tiles of a filter, or those over its one dimension.
#[must_use]
pub fn of(kernel: [usize; 2]) -> Vec<[usize; 2]> {
    let taps = kernel[0].max(kernel[1]);
    let outputs: &[usize] = match taps {
        3 => &[2, 4, 6],
        5 => &[2, 4],
        7 => &[2],
        _ => &[],
    };
    outputs.iter().map(|&outputs| kernel.map(|taps| if taps == 1 { 1 } else { outputs })).collect()
}

/// Checks every tile of a layer, and times them beside the direct sum on the calling thread's pool.
///
/// # Errors
/// What the library refuses, and [`Error::Wrong`] for a tile that errs by more than its plan says.
pub fn measure(shape: Shape, isa: Isa, pace: Pace, command: &str) -> Result<Vec<Record>, Error> {
    let contest = Contest::new(Problem { shape, group: group::TILES });
    let build = |strategy, tile: Option<[usize; 2]>| {
        let builder = Conv2d::builder(contest.filter.view()).spec(&shape.spec).strategy(strategy).isa(isa);
        match tile {
            Some(tile) => builder.tile(tile),
            None => builder,
        }
        .build()
    };
    let picture = contest.pictures.index_axis(Axis(0), 0);
    let mut layers = vec![build(Strategy::Direct, None)?];
    for tile in of(shape.spec.kernel) {
        layers.push(build(Strategy::Winograd, Some(tile))?);
    }
    let reference = Reference::new(&layers[0], contest.filter.view(), picture)?;
    let [height, width] = shape.output()?;
    let mut entries = Vec::new();
    for layer in &layers {
        let error = reference.error(layer.forward(picture)?.view());
        let plan = layer.explain(shape.input);
        let Some(chosen) = plan.chosen() else { continue };
        // A tile may err by as much as its plan says, which may be more than layers tolerate by default.
        let limit = if chosen.strategy == Strategy::Winograd { chosen.error } else { LIMIT };
        if error.is_nan() || error > limit {
            return Err(Error::Wrong {
                shape: shape.to_string(),
                strategy: chosen.kernel.clone(),
                isa: isa.to_string(),
                error,
                limit,
            });
        }
        let mut output = Array3::<f32>::zeros((height, width, shape.spec.c_out));
        entries.push(Entry {
            strategy: chosen.strategy.to_string(),
            kernel: chosen.kernel.clone(),
            isa,
            max_error: error,
            checked: reference.checked.clone(),
            run: Run::Here(Box::new(move || layer.forward_into(picture, output.view_mut()))),
        });
    }
    race(&contest.label(command)?, entries, pace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tile_is_checked_and_timed() {
        let pace = Pace { rounds: 3, sample: 1e-5, budget: 1.0 };
        let records = measure("h13w11 c5x6 k3".parse().unwrap(), Isa::Portable, pace, "test").unwrap();
        let kernels: Vec<&str> = records.iter().map(|record| record.kernel.as_str()).collect();
        assert_eq!(records.len(), 4, "{kernels:?}");
        for (kernel, tile) in kernels[1..].iter().zip(["F(2x2,3x3)", "F(4x4,3x3)", "F(6x6,3x3)"]) {
            assert!(kernel.contains(tile), "{kernel}");
        }
        assert!(records.iter().all(|record| record.max_error > 0.0));
    }

    #[test]
    fn every_layer_is_one() {
        for layer in LAYERS {
            let shape: Shape = layer.parse().unwrap();
            assert!(!of(shape.spec.kernel).is_empty(), "{layer}");
        }
    }
}
