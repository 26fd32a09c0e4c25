//! The answers of a filter in f64 that every contender is judged by before it is timed.

use std::f64::consts::TAU;

use tapwise::Border;

use super::list::{Constant, Row};
use super::picture::{Answer, Numbers, Pixels};
use crate::measurement::{Judged, LIMIT};
use crate::reference::Noise;

/// Outputs that are checked, at most.
const SAMPLE: usize = 4096;

/// The border of every picture: what every library has.
pub const BORDER: Border = Border::Replicate;

/// Radians that the direction of another library's gradient may be off: OpenCV promises 0.3 degrees.
const DIRECTION: f64 = 0.0053;

/// Outputs of a filter, or of a pair, in f64.
#[derive(Debug, Clone)]
pub struct Judge {
    outputs: Vec<([usize; 3], Vec<f64>)>,
    /// The root mean square of what is wanted, directions left out.
    rms: f64,
    polar: bool,
    /// Levels that an answer of `u8` may be off.
    levels: f64,
    /// Which outputs these are.
    checked: String,
}

/// Whose answer is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Our own.
    Ours,
    /// Another library's: its levels may be off by one, its directions by what OpenCV promises.
    Theirs,
}

impl Judge {
    /// The answers of a filter on a picture: all of them, or the corners and a sample.
    #[must_use]
    pub fn new(row: &Row, pixels: &Pixels) -> Self {
        let (height, width, channels) = pixels.dim();
        let (weights, ([rows, columns], filters)) = (row.weights(), row.size());
        let polar = matches!(row.constant, Constant::Gradient(_));
        let count = (height * width).min(SAMPLE);
        let mut noise = Noise::new(0xc0de);
        let place = |index: usize| match index {
            _ if count == height * width => (index / width, index % width),
            0 => (0, 0),
            1 => (0, width - 1),
            2 => (height - 1, 0),
            3 => (height - 1, width - 1),
            // Some of the first and last rows and columns: the border is where answers go wrong.
            4..100 => ((index % 2) * (height - 1), noise.below(width)),
            100..200 => (noise.below(height), (index % 2) * (width - 1)),
            _ => (noise.below(height), noise.below(width)),
        };
        let places: Vec<(usize, usize)> = (0..count).map(place).collect();
        let mut outputs = Vec::with_capacity(count * channels);
        for (i, j) in places {
            for c in 0..channels {
                let sums = weights.chunks(rows * columns).map(|weights| {
                    let taps = weights.iter().enumerate().filter_map(|(tap, weight)| {
                        let row = (i + tap / columns) as isize - (rows / 2) as isize;
                        let column = (j + tap % columns) as isize - (columns / 2) as isize;
                        let at = [BORDER.source(row, height)?, BORDER.source(column, width)?, c];
                        Some(f64::from(*weight) * pixels.at(at))
                    });
                    taps.sum()
                });
                outputs.push(([i, j, c], wanted(sums.collect(), polar, pixels.numbers())));
            }
        }
        let lengths = if polar { 1 } else { filters };
        let squares: f64 =
            outputs.iter().flat_map(|(_, values)| &values[..lengths]).map(|value| value * value).sum();
        let rms = (squares / (outputs.len() * lengths).max(1) as f64).sqrt();
        let exact = weights.iter().all(|weight| (weight * 1024.0).fract() == 0.0);
        let all = height * width * channels;
        let checked = match outputs.len() {
            checked if checked == all => format!("all {all} outputs"),
            checked => format!("{checked} of {all} outputs, corners, edges and some drawn at random"),
        };
        Judge { outputs, rms, polar, levels: if exact { 0.0 } else { 1.0 }, checked }
    }

    /// The largest error over the root mean square of what is wanted; the reason where that is too much.
    ///
    /// # Errors
    /// The error found and the error allowed, both over the root mean square.
    pub fn judge(&self, answer: &Answer, whose: Whose) -> Result<Judged, [f64; 2]> {
        let rms = if self.rms > 0.0 { self.rms } else { 1.0 };
        let levels = match whose {
            Whose::Ours => self.levels,
            Whose::Theirs => 1.0,
        };
        let allowed = match answer.numbers() {
            Numbers::F32 => LIMIT,
            Numbers::U8 => levels / rms,
        };
        let direction = match whose {
            Whose::Ours => LIMIT,
            Whose::Theirs => DIRECTION,
        };
        // The worst over what is allowed decides, not the worst.
        let (mut worst, mut judged) = (0.0f64, [0.0, allowed]);
        for (at, values) in &self.outputs {
            for (n, wanted) in values.iter().enumerate() {
                let off = (answer.at(n, *at) - wanted).abs();
                let (error, limit) = match (self.polar, n) {
                    // What nothing points in has no direction; half a turn is as far as it goes.
                    (true, 1) => ((off - TAU).abs().min(off) * (values[0] / rms).min(1.0), direction),
                    _ => (off / rms, allowed),
                };
                let excess = error / limit.max(1e-12);
                if excess.is_nan() {
                    return Err([f64::INFINITY, limit]);
                }
                if excess > worst {
                    (worst, judged) = (excess, [error, limit]);
                }
            }
        }
        match worst <= 1.0 {
            true => Ok(Judged { error: judged[0], checked: self.checked.clone() }),
            false => Err(judged),
        }
    }
}

/// What is wanted of these sums: their length and direction, or what a level is rounded to.
fn wanted(sums: Vec<f64>, polar: bool, numbers: Numbers) -> Vec<f64> {
    match (&sums[..], numbers) {
        (&[x, y], _) if polar => vec![x.hypot(y), y.atan2(x)],
        (_, Numbers::U8) => sums.into_iter().map(|sum| sum.round_ties_even().clamp(0.0, 255.0)).collect(),
        _ => sums,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::contest::answer;
    use crate::filters::list::ALL;
    use crate::filters::picture::KINDS;

    #[test]
    fn every_filter_is_right_on_every_kind() {
        for row in &ALL {
            for kind in KINDS {
                let pixels = Pixels::noise(kind, [12, 83]);
                let judge = Judge::new(row, &pixels);
                let answer = answer(row, &pixels).unwrap();
                let judged = judge.judge(&answer, Whose::Ours);
                assert!(judged.is_ok(), "{} {kind}: {judged:?}", row.name);
            }
        }
    }

    #[test]
    fn a_wrong_answer_is_seen() {
        for (name, numbers) in
            [("random-5", Numbers::F32), ("gaussian-5", Numbers::U8), ("gradient", Numbers::U8)]
        {
            let row = Row::named(name).unwrap();
            let pixels = Pixels::noise(super::super::picture::Kind { channels: 1, numbers }, [40, 50]);
            let judge = Judge::new(row, &pixels);
            for plane in 0..row.size().1 {
                let mut found = answer(row, &pixels).unwrap();
                match &mut found {
                    // The output with the longest gradient, so that its direction counts.
                    Answer::F32(values) => {
                        let longest = (0..2000).max_by(|a, b| {
                            values[[0, a / 50, a % 50, 0]].total_cmp(&values[[0, b / 50, b % 50, 0]])
                        });
                        let at = longest.unwrap();
                        values[[plane, at / 50, at % 50, 0]] +=
                            0.01 * values[[0, at / 50, at % 50, 0]].max(1.0);
                    }
                    Answer::U8(values) => values[[plane, 20, 20, 0]] ^= 4,
                }
                assert!(judge.judge(&found, Whose::Ours).is_err(), "{name} {plane}");
            }
            let nothing = Answer::room(Numbers::F32, [row.size().1, 40, 50, 1]);
            assert!(judge.judge(&nothing, Whose::Theirs).is_err(), "{name}");
        }
    }

    #[test]
    fn what_is_not_a_number_is_wrong() {
        let row = Row::named("sobel-x").unwrap();
        let pixels = Pixels::noise(KINDS[0], [8, 40]);
        let mut found = answer(row, &pixels).unwrap();
        if let Answer::F32(values) = &mut found {
            values[[0, 3, 3, 0]] = f32::NAN;
        }
        assert_eq!(Judge::new(row, &pixels).judge(&found, Whose::Theirs), Err([f64::INFINITY, LIMIT]));
    }
}
