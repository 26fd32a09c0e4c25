//! The fully connected formulation against the convolution that it equals: where it fits at all.

use ndarray::{Array3, Array4};
use tapwise::dense::Dense;
use tapwise::{Conv2d, ConvSpec, Isa, Shape};

use crate::Error;
use crate::measurement::{Entry, LIMIT, Label, Pace, Run, race};
use crate::problems::{Effort, group};
use crate::records::Record;
use crate::reference::{Noise, Reference};

/// The name of the fully connected formulation in records.
pub const DENSE: &str = "dense";

/// Bytes of weights beyond which the dense layer is not built, on a machine with so much memory.
#[must_use]
pub fn limit(memory: Option<u64>, effort: Effort) -> u64 {
    let most = match effort {
        Effort::Quick => 1 << 30,
        Effort::Full => 4 << 30,
    };
    memory.map_or(most / 4, |memory| most.min(memory / 4))
}

/// Bytes of the weights of a dense layer between pictures of one channel and this side.
fn bytes_of(side: usize) -> u128 {
    Dense::bytes([side, side, 1], [side, side, 1])
}

/// The largest side of a picture whose dense layer has at most `bytes` of weights.
#[must_use]
pub fn largest_side(bytes: u64) -> usize {
    let fits = |side: &usize| bytes_of(*side) <= u128::from(bytes);
    // A side of 65536 would be 2^66 bytes: no machine has it.
    let guess = (bytes as f64 / 4.0).powf(0.25).floor().clamp(0.0, 65_536.0) as usize;
    (guess.saturating_sub(1)..=guess + 1).rev().find(fits).unwrap_or(0)
}

/// Sides to measure: those of the dense layer, and those that only the convolution reaches.
#[must_use]
pub fn sides(effort: Effort, limit: u64) -> Vec<usize> {
    let mut sides = vec![4, 8, 16, 32, 64];
    if effort == Effort::Full {
        sides.extend([12, 24, 48, 96]);
    }
    let last = largest_side(limit);
    sides.retain(|side| *side < last);
    sides.extend([last, 256, 512, 1024]);
    if effort == Effort::Full {
        sides.push(2048);
    }
    sides.sort_unstable();
    sides.dedup();
    sides.retain(|side| *side > 0);
    sides
}

/// Times one side: the convolution, and the dense layer where its weights fit in `limit` bytes.
///
/// # Errors
/// What the library refuses, and [`Error::Wrong`].
pub fn measure(side: usize, limit: u64, isa: Isa, pace: Pace, command: &str) -> Result<Vec<Record>, Error> {
    let mut noise = Noise::new(0xde5e);
    let filter = Array4::from_shape_simple_fn((3, 3, 1, 1), || noise.unit());
    let picture = Array3::from_shape_simple_fn((side, side, 1), || noise.unit());
    let shape = Shape::new([side; 2], ConvSpec::new([3, 3], 1, 1));
    let layer = Conv2d::builder(filter.view()).isa(isa).build()?;
    let reference = Reference::new(&layer, filter.view(), picture.view())?;
    let checked = |answer: &Array3<f32>, strategy: &str| {
        let error = reference.error(answer.view());
        if error <= LIMIT {
            return Ok(error);
        }
        let [shape, strategy, isa] = [shape.to_string(), strategy.to_owned(), isa.to_string()];
        Err(Error::Wrong { shape, strategy, isa, error, limit: LIMIT })
    };
    let mut entries = Vec::new();
    let mut output = layer.forward(picture.view())?;
    let kernel =
        layer.explain([side; 2]).chosen().map(|chosen| format!("{}: {}", chosen.strategy, chosen.kernel));
    let max_error = checked(&output, "auto")?;
    let input = picture.view();
    let fits = bytes_of(side) <= u128::from(limit);
    let dense = fits.then(|| Dense::from_conv(&layer, [side; 2])).transpose()?;
    entries.push(Entry {
        strategy: "auto".to_owned(),
        kernel: kernel.unwrap_or_default(),
        isa,
        max_error,
        checked: reference.checked.clone(),
        run: Run::Here(Box::new(move || layer.forward_into(input, output.view_mut()))),
    });
    if let Some(dense) = dense {
        let mut hidden = dense.forward(input)?;
        let max_error = checked(&hidden, DENSE)?;
        entries.push(Entry {
            strategy: DENSE.to_owned(),
            kernel: "matrix times vector".to_owned(),
            isa,
            max_error,
            checked: reference.checked.clone(),
            run: Run::Here(Box::new(move || dense.forward_into(input, hidden.view_mut()))),
        });
    }
    let label = Label { shape: shape.to_string(), group: group::DENSE, macs: shape.macs()?, command };
    race(&label, entries, pace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_side_is_the_largest() {
        assert_eq!(largest_side(1 << 30), 128);
        assert_eq!(largest_side((1 << 30) - 1), 127);
        for bytes in [0, 3, 4, 63, 64, 1_000_000, 24 << 30, u64::MAX] {
            let side = largest_side(bytes);
            assert!(bytes_of(side) <= u128::from(bytes));
            assert!(bytes_of(side + 1) > u128::from(bytes), "{bytes} {side}");
        }
    }

    #[test]
    fn both_sides_of_the_limit_are_measured() {
        let sides = sides(Effort::Quick, 1 << 30);
        assert_eq!(sides, [4, 8, 16, 32, 64, 128, 256, 512, 1024]);
    }
}
