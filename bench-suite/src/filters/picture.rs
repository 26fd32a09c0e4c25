//! Pictures that filters are measured on, and what comes out of them.

use std::fmt;

use ndarray::{Array3, Array4};
use tapwise::zeros_on_a_line;

use crate::reference::Noise;

/// Rows and columns of every picture.
pub const SIZE: [usize; 2] = [1080, 1920];

/// What the numbers of a picture are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// `f32`.
    F32,
    /// `u8`, to `u8`.
    U8,
}

impl Numbers {
    /// Its name, as in Rust.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Numbers::F32 => "f32",
            Numbers::U8 => "u8",
        }
    }
}

/// A kind of pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// 1 for grey, 3 for colour.
    pub channels: usize,
    /// What its numbers are.
    pub numbers: Numbers,
}

/// Every kind that filters are measured on.
pub const KINDS: [Kind; 4] = [
    Kind { channels: 1, numbers: Numbers::F32 },
    Kind { channels: 1, numbers: Numbers::U8 },
    Kind { channels: 3, numbers: Numbers::F32 },
    Kind { channels: 3, numbers: Numbers::U8 },
];

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [height, width] = SIZE;
        write!(f, "h{height}w{width} c{} {}", self.channels, self.numbers.name())
    }
}

/// A picture, `[H, W, C]`.
#[derive(Debug, Clone)]
pub enum Pixels {
    /// Of `f32`.
    F32(Array3<f32>),
    /// Of `u8`.
    U8(Array3<u8>),
}

impl Pixels {
    /// Noise of a kind: from -1 to 1, or every level.
    #[must_use]
    pub fn noise(kind: Kind, [height, width]: [usize; 2]) -> Self {
        let (mut noise, shape) = (Noise::new(0xf117), (height, width, kind.channels));
        match kind.numbers {
            Numbers::F32 => Pixels::F32(Array3::from_shape_simple_fn(shape, || noise.unit())),
            Numbers::U8 => Pixels::U8(Array3::from_shape_simple_fn(shape, || noise.below(256) as u8)),
        }
    }

    /// Rows, columns and channels.
    #[must_use]
    pub fn dim(&self) -> (usize, usize, usize) {
        match self {
            Pixels::F32(pixels) => pixels.dim(),
            Pixels::U8(pixels) => pixels.dim(),
        }
    }

    /// What its numbers are.
    #[must_use]
    pub fn numbers(&self) -> Numbers {
        match self {
            Pixels::F32(_) => Numbers::F32,
            Pixels::U8(_) => Numbers::U8,
        }
    }

    /// One of its numbers.
    #[must_use]
    pub fn at(&self, at: [usize; 3]) -> f64 {
        match self {
            Pixels::F32(pixels) => f64::from(pixels[at]),
            Pixels::U8(pixels) => f64::from(pixels[at]),
        }
    }

    /// Its numbers in order, as bytes of this machine.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Pixels::F32(pixels) => pixels.iter().flat_map(|value| value.to_ne_bytes()).collect(),
            Pixels::U8(pixels) => pixels.iter().copied().collect(),
        }
    }
}

/// The answers of `N` filters, `[N, H, W, C]` in memory.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Of `f32`.
    F32(Array4<f32>),
    /// Of `u8`.
    U8(Array4<u8>),
}

impl Answer {
    /// Room for answers of these numbers.
    #[must_use]
    pub fn room(numbers: Numbers, [n, height, width, channels]: [usize; 4]) -> Self {
        let shape = (n, height, width, channels);
        match numbers {
            Numbers::F32 => Answer::F32(zeros_on_a_line(shape)),
            Numbers::U8 => Answer::U8(Array4::zeros(shape)),
        }
    }

    /// The answers that these bytes of this machine are, in order; none where they are too many or too
    /// few.
    #[must_use]
    pub fn of_bytes(
        numbers: Numbers,
        [n, height, width, channels]: [usize; 4],
        bytes: Vec<u8>,
    ) -> Option<Self> {
        let shape = (n, height, width, channels);
        match numbers {
            Numbers::F32 => {
                let (values, rest) = bytes.as_chunks();
                let values = values.iter().map(|four| f32::from_ne_bytes(*four)).collect();
                let answer = Array4::from_shape_vec(shape, values).ok()?;
                rest.is_empty().then_some(Answer::F32(answer))
            }
            Numbers::U8 => Array4::from_shape_vec(shape, bytes).ok().map(Answer::U8),
        }
    }

    /// What its numbers are.
    #[must_use]
    pub fn numbers(&self) -> Numbers {
        match self {
            Answer::F32(_) => Numbers::F32,
            Answer::U8(_) => Numbers::U8,
        }
    }

    /// Filters, rows, columns and channels.
    #[must_use]
    pub fn dim(&self) -> (usize, usize, usize, usize) {
        match self {
            Answer::F32(answer) => answer.dim(),
            Answer::U8(answer) => answer.dim(),
        }
    }

    /// One of its numbers, of filter `n`.
    #[must_use]
    pub fn at(&self, n: usize, [i, j, c]: [usize; 3]) -> f64 {
        match self {
            Answer::F32(answer) => f64::from(answer[[n, i, j, c]]),
            Answer::U8(answer) => f64::from(answer[[n, i, j, c]]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_an_answer_where_they_are_as_many() {
        for kind in KINDS {
            let pixels = Pixels::noise(kind, [3, 4]);
            let shape = [1, 3, 4, kind.channels];
            let answer = Answer::of_bytes(kind.numbers, shape, pixels.bytes()).unwrap();
            assert_eq!(answer.at(0, [2, 1, 0]), pixels.at([2, 1, 0]), "{kind}");
            let mut short = pixels.bytes();
            short.pop();
            assert!(Answer::of_bytes(kind.numbers, shape, short).is_none(), "{kind}");
        }
    }
}
