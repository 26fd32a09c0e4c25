//! The answers in f64 that every contender is judged by before it is timed.

use ndarray::{ArrayView3, ArrayView4};
use tapwise::{Conv2d, ConvSpec};

use crate::Error;

/// Multiply-adds beyond which only a sample of the outputs is checked: a third of a second or so.
const FULL: u128 = 250_000_000;

/// Multiply-adds that a sample may cost.
const SAMPLE: usize = 40_000_000;

/// Outputs of one picture in f64, all of them or a sample.
#[derive(Debug, Clone)]
pub struct Reference {
    outputs: Vec<([usize; 3], f64)>,
    /// Root mean square of these outputs.
    rms: f64,
    /// Which outputs these are.
    pub checked: String,
}

impl Reference {
    /// The answers of `layer`, whose filter is `filter`, on a picture. A layer without bias and
    /// activation.
    ///
    /// # Errors
    /// As [`Conv2d::reference`].
    pub fn new(
        layer: &Conv2d,
        filter: ArrayView4<'_, f32>,
        picture: ArrayView3<'_, f32>,
    ) -> Result<Self, Error> {
        let spec = layer.spec();
        let size = [picture.dim().0, picture.dim().1];
        let outputs: Vec<([usize; 3], f64)>;
        let checked;
        if spec.macs(size)? <= FULL {
            let all = layer.reference(picture)?;
            checked = format!("all {} outputs", all.len());
            outputs = all.indexed_iter().map(|((i, j, d), value)| ([i, j, d], *value)).collect();
        } else {
            let [height, width] = spec.output(size)?;
            let pixels = (SAMPLE / (spec.taps() * spec.c_out)).clamp(16, 4096);
            let mut numbers = Noise::new(0x5eed);
            let mut sample = Vec::with_capacity(pixels * spec.c_out);
            for pixel in 0..pixels {
                // The corners first: the border is where answers go wrong.
                let (i, j) = match pixel {
                    0 => (0, 0),
                    1 => (0, width - 1),
                    2 => (height - 1, 0),
                    3 => (height - 1, width - 1),
                    _ => (numbers.below(height), numbers.below(width)),
                };
                for d in 0..spec.c_out {
                    sample.push(([i, j, d], sum(spec, filter, picture, [i, j, d])));
                }
            }
            checked = format!("{} of {} outputs, drawn at random", sample.len(), height * width * spec.c_out);
            outputs = sample;
        }
        let squares: f64 = outputs.iter().map(|(_, value)| value * value).sum();
        let rms = (squares / outputs.len().max(1) as f64).sqrt();
        Ok(Reference { outputs, rms, checked })
    }

    /// The largest error of an answer, over the root mean square of the reference.
    #[must_use]
    pub fn error(&self, answer: ArrayView3<'_, f32>) -> f64 {
        self.worst(self.outputs.iter().map(|(at, wanted)| f64::from(answer[*at]) - wanted))
    }

    fn worst(&self, differences: impl Iterator<Item = f64>) -> f64 {
        // A NaN is as wrong as can be.
        let worst = differences
            .map(f64::abs)
            .fold(0.0f64, |worst, error| if worst.is_nan() || error <= worst { worst } else { error });
        let worst = if worst.is_nan() { f64::INFINITY } else { worst };
        if self.rms > 0.0 { worst / self.rms } else { worst }
    }
}

/// One output of the textbook's sum.
fn sum(
    spec: &ConvSpec,
    filter: ArrayView4<'_, f32>,
    picture: ArrayView3<'_, f32>,
    [i, j, d]: [usize; 3],
) -> f64 {
    let (height, width, _) = picture.dim();
    let [above, left] = spec.margins([height, width]).map(|margins| margins.before);
    let (channels, group) = (spec.c_in_group(), d / spec.c_out_group());
    let mut total = 0.0;
    for a in 0..spec.kernel[0] {
        let row = (i * spec.stride[0] + a * spec.dilation[0]) as isize - above as isize;
        let Some(row) = spec.border.source(row, height) else { continue };
        for b in 0..spec.kernel[1] {
            let column = (j * spec.stride[1] + b * spec.dilation[1]) as isize - left as isize;
            let Some(column) = spec.border.source(column, width) else { continue };
            for c in 0..channels {
                total +=
                    f64::from(filter[[a, b, c, d]]) * f64::from(picture[[row, column, group * channels + c]]);
            }
        }
    }
    total
}

/// Numbers that look random and are the same in every run (SplitMix64).
#[derive(Debug, Clone)]
pub struct Noise(u64);

impl Noise {
    /// A sequence of its own for every seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Noise(seed)
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// From -1 to 1.
    pub fn unit(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    /// A whole number below `end`, which is at least 1.
    pub fn below(&mut self, end: usize) -> usize {
        (self.bits() % end.max(1) as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array3, Array4};
    use tapwise::{Border, Padding, Strategy};

    #[test]
    fn the_sample_is_summed_as_the_library_sums() {
        let mut noise = Noise::new(1);
        let filter = Array4::from_shape_simple_fn((3, 2, 2, 6), || noise.unit());
        let picture = Array3::from_shape_simple_fn((9, 8, 4), || noise.unit());
        for border in Border::ALL {
            let layer = Conv2d::builder(filter.view())
                .stride([2, 1])
                .dilation([1, 2])
                .groups(2)
                .padding(Padding::Explicit { top: 2, bottom: 1, left: 0, right: 3 })
                .border(border)
                .strategy(Strategy::Naive)
                .build()
                .unwrap();
            for ((i, j, d), wanted) in layer.reference(picture.view()).unwrap().indexed_iter() {
                let found = sum(layer.spec(), filter.view(), picture.view(), [i, j, d]);
                assert!((found - wanted).abs() < 1e-12, "{border} {i} {j} {d}: {found} {wanted}");
            }
        }
    }

    #[test]
    fn a_wrong_answer_is_seen() {
        let filter = Array4::ones((3, 3, 1, 1));
        let picture = Array3::ones((6, 6, 1));
        let layer = Conv2d::builder(filter.view()).build().unwrap();
        let reference = Reference::new(&layer, filter.view(), picture.view()).unwrap();
        let mut answer = layer.forward(picture.view()).unwrap();
        assert!(reference.error(answer.view()) < 1e-6);
        answer[[3, 3, 0]] += 1.0;
        assert!(reference.error(answer.view()) > 0.1);
        answer[[3, 3, 0]] = f32::NAN;
        assert_eq!(reference.error(answer.view()), f64::INFINITY);
    }
}
