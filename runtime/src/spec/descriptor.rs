//! The one-line descriptor: how a problem is written, and read.

use std::fmt;
use std::str::FromStr;

use super::{Border, ConvSpec, Padding, Shape};
use crate::Error;

impl fmt::Display for ConvSpec {
    /// The descriptor without the picture: `c64x128 k3x3 s2x2`. Parts at their default are left
    /// out; `{:#}` writes them all.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = f.alternate();
        write!(f, "c{}x{} k{}x{}", self.c_in, self.c_out, self.kernel[0], self.kernel[1])?;
        if all || self.stride != [1, 1] {
            write!(f, " s{}x{}", self.stride[0], self.stride[1])?;
        }
        match self.padding {
            Padding::Same if all => write!(f, " psame")?,
            Padding::Same => {}
            Padding::Valid => write!(f, " p0,0,0,0")?,
            Padding::Explicit { top, bottom, left, right } => write!(f, " p{top},{bottom},{left},{right}")?,
        }
        if all || self.dilation != [1, 1] {
            write!(f, " d{}x{}", self.dilation[0], self.dilation[1])?;
        }
        if all || self.groups != 1 {
            write!(f, " g{}", self.groups)?;
        }
        if all || self.border != Border::Zero {
            write!(f, " {}", self.border)?;
        }
        Ok(())
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() || self.batch != 1 {
            write!(f, "n{} ", self.batch)?;
        }
        write!(f, "h{}w{} ", self.input[0], self.input[1])?;
        self.spec.fmt(f)
    }
}

impl FromStr for Shape {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut batch = None;
        let mut input = None;
        let mut channels = None;
        let mut kernel = None;
        let mut stride = None;
        let mut padding = None;
        let mut dilation = None;
        let mut groups = None;
        let mut border = None;
        for part in text.split_whitespace() {
            let fail = |problem: &str| Error::Descriptor {
                descriptor: text.to_owned(),
                part: part.to_owned(),
                problem: problem.to_owned(),
            };
            let number =
                |digits: &str| digits.parse::<usize>().map_err(|_| fail("does not end in a whole number"));
            let pair = |digits: &str| -> Result<[usize; 2], Error> {
                match digits.split_once('x') {
                    Some((first, second)) => Ok([number(first)?, number(second)?]),
                    None => number(digits).map(|both| [both, both]),
                }
            };
            let repeated = if let Some(known) = Border::ALL.into_iter().find(|b| b.name() == part) {
                border.replace(known).is_some()
            } else if let Some(rest) = part.strip_prefix('n') {
                batch.replace(number(rest)?).is_some()
            } else if let Some(rest) = part.strip_prefix('h') {
                let (height, width) = rest.split_once('w').ok_or_else(|| fail("wants h<height>w<width>"))?;
                input.replace([number(height)?, number(width)?]).is_some()
            } else if let Some(rest) = part.strip_prefix('c') {
                channels.replace(pair(rest)?).is_some()
            } else if let Some(rest) = part.strip_prefix('k') {
                kernel.replace(pair(rest)?).is_some()
            } else if let Some(rest) = part.strip_prefix('s') {
                stride.replace(pair(rest)?).is_some()
            } else if let Some(rest) = part.strip_prefix('d') {
                dilation.replace(pair(rest)?).is_some()
            } else if let Some(rest) = part.strip_prefix('g') {
                groups.replace(number(rest)?).is_some()
            } else if part == "psame" {
                padding.replace(Padding::Same).is_some()
            } else if let Some(rest) = part.strip_prefix('p') {
                let sides = rest.split(',').map(number).collect::<Result<Vec<_>, _>>()?;
                let explicit = match sides[..] {
                    [0] | [0, 0, 0, 0] => Padding::Valid,
                    [all] => Padding::Explicit { top: all, bottom: all, left: all, right: all },
                    [top, bottom, left, right] => Padding::Explicit { top, bottom, left, right },
                    _ => return Err(fail("wants p<top>,<bottom>,<left>,<right>")),
                };
                padding.replace(explicit).is_some()
            } else {
                return Err(fail(
                    "is no part of a descriptor such as \"h56w56 c64x128 k3x3 s1x1 p1,1,1,1 d1x1 g1\"",
                ));
            };
            if repeated {
                return Err(fail("says again what an earlier part said"));
            }
        }
        let missing = |part: &str| Error::Descriptor {
            descriptor: text.to_owned(),
            part: part.to_owned(),
            problem: "is missing".to_owned(),
        };
        let input = input.ok_or_else(|| missing("h<height>w<width>"))?;
        let [c_in, c_out] = channels.ok_or_else(|| missing("c<in>x<out>"))?;
        let kernel = kernel.ok_or_else(|| missing("k<height>x<width>"))?;
        let spec = ConvSpec {
            stride: stride.unwrap_or([1, 1]),
            dilation: dilation.unwrap_or([1, 1]),
            groups: groups.unwrap_or(1),
            padding: padding.unwrap_or_default(),
            border: border.unwrap_or_default(),
            ..ConvSpec::new(kernel, c_in, c_out)
        };
        spec.validate()?;
        let batch = batch.unwrap_or(1);
        if batch == 0 {
            return Err(Error::Empty { array: "input", axis: "N" });
        }
        Ok(Shape { batch, input, spec })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_says_what_is_wrong_with_it() {
        for (text, says) in [
            ("h4w4 c1x1", "is missing"),
            ("h4w4 c1x1 k3x3 k5x5", "says again"),
            ("h4 c1x1 k3x3", "h<height>w<width>"),
            ("h4w4 c1x1 k3xq", "whole number"),
            ("h4w4 c1x1 k3x3 p1,2", "p<top>,<bottom>"),
            ("h4w4 c3x4 k3x3 g2", "multiple of the 2 groups"),
            ("h4w4 c3x4 k0x3", "from 1 to"),
            ("h4w4 c3x4 k3x3 upside", "no part of a descriptor"),
        ] {
            let message = text.parse::<Shape>().unwrap_err().to_string();
            assert!(message.contains(says), "{text}: {message}");
        }
    }
}
