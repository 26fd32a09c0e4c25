//! Windows of bytes all of whose weights are alike, at a cost that hardly grows with them.
//!
//! The sum down a column of up to 257 bytes is a number of 16 bits, which takes a row in and another out. Sums of
//! 2, 4, 8.. neighbours follow as long as those fit too; the few of them that a window is wide are added in 32 bits
//! where they leave 16, and the sum is multiplied by the weight as `f32`, which holds it exactly.

use super::{Weights, Whole};

/// A window of bytes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ByteWindow {
    /// Sums of 1, 2, 4.. neighbours that are made.
    pub(crate) powers: usize,
    /// The parts of a window, in groups whose sums fit 16 bits.
    pub(crate) groups: Vec<Vec<Part>>,
    /// What the sum is multiplied by.
    pub(crate) scaling: Scaling,
    /// Whether the byte is the one nearest to the sum of the weights as they were written, for every picture.
    pub(crate) exact: bool,
    /// Predicted cycles for 16 outputs.
    pub(crate) cycles: f64,
}

/// What a sum is multiplied by: first by a small whole number, which is exact, then by the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scaling {
    pub(crate) before: f32,
    pub(crate) factor: f32,
}

/// Neighbours that are summed already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    /// The number of neighbours is 2 to the power of this.
    pub(crate) power: usize,
    /// The column of a window that they begin with.
    pub(crate) column: usize,
}

/// Fewest weights of a window: sums of smaller ones stay in registers.
const SMALLEST: usize = 25;
/// Whole numbers up to this are `f32` exactly.
const MOST: usize = 1 << 24;

/// Cycles for 16 outputs: the running sum down the columns.
const RUNNING: f64 = 1.0;
/// Sums of twice as many neighbours.
const DOUBLING: f64 = 0.6;
/// A part of the window, added.
const PART: f64 = 0.45;
/// Parts that are made 32 bits wide.
const WIDEN: f64 = 0.45;
/// The product, the limits of a byte and the store.
const OUTPUT: f64 = 3.1;

/// The way of a window, where all weights are alike.
pub(crate) fn byte_window(weights: &Weights) -> Option<ByteWindow> {
    let Weights { height, width, values, whole, .. } = weights;
    let first = *values.first()?;
    let alike = first != 0.0 && values.iter().all(|weight| *weight == first);
    let largest = values.len() * usize::from(u8::MAX);
    let narrow = usize::from(u16::MAX) / (height * usize::from(u8::MAX));
    if !alike || values.len() < SMALLEST || largest > MOST || narrow == 0 {
        return None;
    }
    let parts = parts(*width, narrow);
    let scaling = whole.as_ref().and_then(|whole| exact(whole, largest));
    let rounded = Scaling { before: 1.0, factor: first as f32 };
    let powers = parts.first().map_or(1, |part| part.power + 1);
    let groups = groups(&parts, narrow);
    let cycles = RUNNING
        + DOUBLING * (powers - 1) as f64
        + PART * parts.len() as f64
        + WIDEN * groups.len() as f64
        + OUTPUT;
    Some(ByteWindow { powers, groups, scaling: scaling.unwrap_or(rounded), exact: scaling.is_some(), cycles })
}

/// A sentence about it.
pub(crate) fn finding(window: &ByteWindow) -> String {
    let largest = 1 << (window.powers - 1);
    let exact = if window.exact { ", exact" } else { "" };
    let sums = match largest {
        1 => String::new(),
        2 => ", sums of 2 neighbours".to_owned(),
        4 => ", sums of 2 and 4 neighbours".to_owned(),
        _ => format!(", sums of 2 to {largest} neighbours"),
    };
    format!("bytes to bytes: running sums down the columns in 16-bit integers{sums}, their sum in 32{exact}")
}

/// A window of so many columns as sums of powers of two of neighbours, at most `narrow` of them; the largest first.
fn parts(width: usize, narrow: usize) -> Vec<Part> {
    let largest = narrow.min(width).max(1).ilog2() as usize;
    let (mut parts, mut column) = (Vec::new(), 0);
    for power in (0..=largest).rev() {
        while width - column >= 1 << power {
            parts.push(Part { power, column });
            column += 1 << power;
        }
    }
    parts
}

/// The parts of a window in groups of as many as have sums of 16 bits.
fn groups(parts: &[Part], narrow: usize) -> Vec<Vec<Part>> {
    let mut groups: Vec<(usize, Vec<Part>)> = Vec::new();
    for part in parts {
        let columns = 1 << part.power;
        match groups.last_mut().filter(|(taken, _)| taken + columns <= narrow) {
            Some((taken, group)) => {
                *taken += columns;
                group.push(*part);
            }
            None => groups.push((columns, vec![*part])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// Two factors by which every sum up to the largest is rounded to the byte nearest to the quotient, of two the even
/// one, where there are such.
///
/// The `f32` next to a fraction may be so far from it that a sum half-way between two bytes is not half-way any more. The
/// fraction's third, fifth or seventh part is another number, and sums times so little are still exact.
fn exact(whole: &Whole, largest: usize) -> Option<Scaling> {
    let weight = f64::from(*whole.numerators.first()?) / f64::from(whole.denominator);
    let scales = (1..16u8).step_by(2).filter(|scale| usize::from(*scale) * largest <= MOST);
    let mut candidates = scales.flat_map(|scale| {
        let factor = (weight / f64::from(scale)) as f32;
        let before = f32::from(scale);
        [factor, factor.next_up(), factor.next_down()].map(|factor| Scaling { before, factor })
    });
    candidates.find(|scaling| is_exact(*scaling, whole, largest))
}

/// Whether every sum is rounded to its nearest byte. The byte and the quotient both grow with the sum, so that it is
/// enough to look at sums where the byte changes.
fn is_exact(scaling: Scaling, whole: &Whole, largest: usize) -> bool {
    let numerator = i128::from(whole.numerators.first().copied().unwrap_or_default());
    let denominator = i128::from(whole.denominator);
    if numerator <= 0 {
        return scaling.factor <= 0.0;
    }
    let right = |sum: i128| {
        let product = scaling.factor * (scaling.before * sum as f32);
        let found = product.round_ties_even().clamp(0.0, 255.0) as i128;
        let (quotient, twice) = ((sum * numerator) / denominator, 2 * ((sum * numerator) % denominator));
        let up = twice > denominator || twice == denominator && quotient % 2 != 0;
        found == (quotient + i128::from(up)).min(255)
    };
    (0..=255).all(|byte| {
        let change = (2 * byte + 1) * denominator / (2 * numerator);
        (change - 1..=change + 1).filter(|sum| (0..=largest as i128).contains(sum)).all(right)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(height: usize, width: usize, numerator: i32, denominator: u32) -> Weights {
        let weight = f64::from((f64::from(numerator) / f64::from(denominator)) as f32);
        let numerators = vec![numerator; height * width];
        let whole = Some(Whole { numerators, denominator, factors: None });
        Weights { height, width, values: vec![weight; height * width], factors: None, whole }
    }

    #[test]
    fn parts_cover_a_window_once() {
        for height in 1..=63 {
            let narrow = 65535 / 255 / height;
            for width in 1..=63 {
                let parts = parts(width, narrow);
                let ends = parts.iter().map(|part| part.column + (1 << part.power));
                let begins = parts.iter().skip(1).map(|part| part.column).chain([width]);
                assert!(parts[0].column == 0 && ends.eq(begins), "{height} {width}");
                let groups = groups(&parts, narrow);
                let sums = groups.iter().map(|group| group.iter().map(|part| 1 << part.power).sum::<usize>());
                assert!(sums.clone().all(|columns| columns * height * 255 <= 65535), "{height} {width}");
                assert_eq!(sums.sum::<usize>(), width);
            }
        }
    }

    #[test]
    fn every_sum_is_rounded_to_its_nearest_byte() {
        for (height, width) in [(17, 17), (20, 20), (31, 31), (30, 31), (63, 63), (5, 52), (63, 5), (24, 36)]
        {
            for (numerator, more) in [(1, 1), (2, 1), (3, 2)] {
                let denominator = (height * width * more) as u32;
                let window = byte_window(&mean(height, width, numerator, denominator)).unwrap();
                assert!(window.exact || numerator > 1, "{height} {width}");
                if !window.exact {
                    continue;
                }
                for sum in 0..=height * width * 255 {
                    let found = (window.scaling.factor * (window.scaling.before * sum as f32))
                        .round_ties_even()
                        .min(255.0) as usize;
                    let (quotient, twice) = (
                        sum * numerator as usize / denominator as usize,
                        2 * (sum * numerator as usize % denominator as usize),
                    );
                    let up =
                        twice > denominator as usize || twice == denominator as usize && quotient % 2 == 1;
                    assert_eq!(found, (quotient + usize::from(up)).min(255), "{height} {width} {sum}");
                }
            }
        }
    }

    #[test]
    fn means_of_every_size_are_exact() {
        for height in 1..=63 {
            for width in (1..=63).filter(|width| height * width >= SMALLEST) {
                let window = byte_window(&mean(height, width, 1, (height * width) as u32));
                assert!(window.is_some_and(|window| window.exact), "{height} {width}");
            }
        }
    }

    #[test]
    fn other_weights_and_small_windows_have_none() {
        assert_eq!(byte_window(&mean(4, 6, 1, 24)), None);
        let mut other = mean(31, 31, 1, 961);
        other.values[5] = 0.5;
        assert_eq!(byte_window(&other), None);
        let negative = byte_window(&mean(31, 31, -1, 961)).unwrap();
        assert!(negative.exact && negative.scaling.factor < 0.0);
        // What is no fraction is rounded as it is.
        let mut irrational = mean(31, 31, 1, 961);
        irrational.whole = None;
        assert!(byte_window(&irrational).is_some_and(|window| !window.exact));
    }
}
