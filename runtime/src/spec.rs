//! What a layer computes: [`ConvSpec`], its padding and border, its output size and its work, and
//! the one-line descriptor that names it everywhere.

mod descriptor;

use std::fmt;

use crate::Error;

/// How many pixels the picture is extended by before the filter is laid over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Padding {
    /// The output has `ceil(input / stride)` rows and columns. Where the padding is odd, the extra
    /// pixel goes to the bottom and the right (`SAME_UPPER` of ONNX).
    #[default]
    Same,
    /// No padding: the filter stays inside the picture.
    Valid,
    /// These many pixels on each side.
    Explicit {
        /// Rows above the picture.
        top: usize,
        /// Rows below the picture.
        bottom: usize,
        /// Columns left of the picture.
        left: usize,
        /// Columns right of the picture.
        right: usize,
    },
}

/// What the pixels of the padding hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Border {
    /// Zeros: `0 0 | a b c d | 0 0`. They are multiplied like any pixel, so that an infinite
    /// weight over the padding gives NaN, as IEEE says.
    #[default]
    Zero,
    /// The edge again: `a a | a b c d | d d`.
    Replicate,
    /// Mirrored about the edge pixel: `c b | a b c d | c b`; mirrored again where the padding is
    /// wider than the picture.
    Reflect,
    /// The other side: `c d | a b c d | a b`.
    Circular,
}

impl Border {
    /// Every border, in the order of its declaration.
    pub const ALL: [Border; 4] = [Border::Zero, Border::Replicate, Border::Reflect, Border::Circular];

    /// The pixel of a row of `length` that position `at` shows, or `None` for a zero.
    ///
    /// # Panics
    /// In debug builds, when `length` is zero.
    #[must_use]
    pub fn source(self, at: isize, length: usize) -> Option<usize> {
        debug_assert!(length > 0, "a border of nothing");
        if let Ok(at) = usize::try_from(at)
            && at < length
        {
            return Some(at);
        }
        let last = length.saturating_sub(1);
        match self {
            Border::Zero => None,
            Border::Replicate => Some(if at < 0 { 0 } else { last }),
            Border::Circular => Some(at.rem_euclid(length.max(1) as isize) as usize),
            Border::Reflect => {
                let period = (2 * last).max(1) as isize;
                let folded = at.rem_euclid(period) as usize;
                Some(folded.min(2 * last - folded.min(2 * last)).min(last))
            }
        }
    }

    fn name(self) -> &'static str {
        match self {
            Border::Zero => "zero",
            Border::Replicate => "replicate",
            Border::Reflect => "reflect",
            Border::Circular => "circular",
        }
    }
}

impl fmt::Display for Border {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Rows or columns of padding before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Margins {
    /// Above, or to the left.
    pub before: usize,
    /// Below, or to the right.
    pub after: usize,
}

/// A layer without its numbers: what it computes, for pictures of any size.
///
/// The operation is the cross-correlation
/// `H[i,j,d] = u[d] + Σ_a Σ_b Σ_c V[a,b,c,d] · X[i·s + a·δ − p, j·s + b·δ − p, c]`
/// with `X` `[H, W, C_in]`, `V` `[K_h, K_w, C_in / groups, C_out]` and `H` `[H', W', C_out]`.
///
/// ```
/// use tapwise::ConvSpec;
/// let spec = ConvSpec::new([3, 3], 64, 128);
/// assert_eq!(spec.output([56, 56])?, [56, 56]);
/// assert_eq!(spec.macs([56, 56])?, 56 * 56 * 64 * 128 * 9);
/// assert_eq!(spec.to_string(), "c64x128 k3x3");
/// # Ok::<(), tapwise::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConvSpec {
    /// Rows and columns of the filter.
    pub kernel: [usize; 2],
    /// Channels of the input.
    pub c_in: usize,
    /// Channels of the output.
    pub c_out: usize,
    /// Pixels between two outputs, down and across.
    pub stride: [usize; 2],
    /// Pixels between two taps of the filter, down and across.
    pub dilation: [usize; 2],
    /// The channels fall into this many groups that do not see each other.
    pub groups: usize,
    /// How far the picture is extended.
    pub padding: Padding,
    /// What it is extended by.
    pub border: Border,
}

/// The largest kernel side, stride or dilation that is served.
const LIMIT: usize = 1 << 20;

impl ConvSpec {
    /// A layer of stride 1, dilation 1, one group, `Same` padding and zeros around.
    #[must_use]
    pub fn new(kernel: [usize; 2], c_in: usize, c_out: usize) -> Self {
        ConvSpec {
            kernel,
            c_in,
            c_out,
            stride: [1, 1],
            dilation: [1, 1],
            groups: 1,
            padding: Padding::Same,
            border: Border::Zero,
        }
    }

    /// Checks every field against the others.
    ///
    /// # Errors
    /// [`Error::Parameter`] for the first field that no layer can have, [`Error::TooLarge`] for a
    /// filter that does not fit memory.
    pub fn validate(&self) -> Result<(), Error> {
        // Groups first: the channels of a layer are those of its filter times the groups.
        let named = [
            ("groups", self.groups),
            ("kernel[0]", self.kernel[0]),
            ("kernel[1]", self.kernel[1]),
            ("c_in", self.c_in),
            ("c_out", self.c_out),
            ("stride[0]", self.stride[0]),
            ("stride[1]", self.stride[1]),
            ("dilation[0]", self.dilation[0]),
            ("dilation[1]", self.dilation[1]),
        ];
        for (parameter, found) in named {
            if found == 0 || found > LIMIT {
                return Err(Error::Parameter {
                    parameter,
                    found: found.to_string(),
                    wanted: format!("a whole number from 1 to {LIMIT}"),
                });
            }
        }
        for (parameter, channels) in [("c_in", self.c_in), ("c_out", self.c_out)] {
            if channels % self.groups != 0 {
                return Err(Error::Parameter {
                    parameter,
                    found: channels.to_string(),
                    wanted: format!("a multiple of the {} groups", self.groups),
                });
            }
        }
        elements("the filter", &[self.kernel[0], self.kernel[1], self.c_in / self.groups, self.c_out])?;
        if let Padding::Explicit { top, bottom, left, right } = self.padding {
            let sides = [
                ("padding top", top),
                ("padding bottom", bottom),
                ("padding left", left),
                ("padding right", right),
            ];
            for (parameter, found) in sides {
                if found > LIMIT {
                    return Err(Error::Parameter {
                        parameter,
                        found: found.to_string(),
                        wanted: format!("a whole number from 0 to {LIMIT}"),
                    });
                }
            }
        }
        Ok(())
    }

    /// Rows and columns that the dilated filter reaches over: `(k - 1) * dilation + 1`.
    #[must_use]
    pub fn extent(&self) -> [usize; 2] {
        [0, 1].map(|axis| {
            self.kernel[axis].saturating_sub(1).saturating_mul(self.dilation[axis]).saturating_add(1)
        })
    }

    /// Input channels that one output channel sees.
    #[must_use]
    pub fn c_in_group(&self) -> usize {
        self.c_in / self.groups.max(1)
    }

    /// Output channels of one group.
    #[must_use]
    pub fn c_out_group(&self) -> usize {
        self.c_out / self.groups.max(1)
    }

    /// Whether every channel sees itself alone and makes one output.
    pub(crate) fn is_depthwise(&self) -> bool {
        self.c_in == self.groups && self.c_out == self.groups
    }

    /// Products that are summed for one output.
    #[must_use]
    pub fn taps(&self) -> usize {
        self.kernel[0].saturating_mul(self.kernel[1]).saturating_mul(self.c_in_group())
    }

    /// Padding of rows and of columns for a picture of `[height, width]`.
    #[must_use]
    pub fn margins(&self, input: [usize; 2]) -> [Margins; 2] {
        let extent = self.extent();
        [0, 1].map(|axis| match self.padding {
            Padding::Valid => Margins { before: 0, after: 0 },
            Padding::Explicit { top, bottom, left, right } => {
                let [before, after] = if axis == 0 { [top, bottom] } else { [left, right] };
                Margins { before, after }
            }
            Padding::Same => {
                let outputs = input[axis].div_ceil(self.stride[axis].max(1));
                let reach =
                    outputs.saturating_sub(1).saturating_mul(self.stride[axis]).saturating_add(extent[axis]);
                let total = reach.saturating_sub(input[axis]);
                Margins { before: total / 2, after: total - total / 2 }
            }
        })
    }

    /// Rows and columns of the output for a picture of `[height, width]`.
    ///
    /// # Errors
    /// As [`ConvSpec::validate`]; [`Error::Empty`] for a picture without pixels,
    /// [`Error::FilterExceedsInput`] where the filter does not fit the padded picture,
    /// [`Error::TooLarge`] where input or output do not fit memory.
    pub fn output(&self, input: [usize; 2]) -> Result<[usize; 2], Error> {
        self.validate()?;
        let mut output = [0; 2];
        for (axis, margins) in self.margins(input).into_iter().enumerate() {
            if input[axis] == 0 {
                return Err(Error::Empty { array: "input", axis: ["H", "W"][axis] });
            }
            let padded = input[axis].saturating_add(margins.before).saturating_add(margins.after);
            let extent = self.extent()[axis];
            if extent > padded {
                return Err(Error::FilterExceedsInput { axis: ["height", "width"][axis], extent, padded });
            }
            output[axis] = (padded - extent) / self.stride[axis] + 1;
        }
        elements("the input", &[input[0], input[1], self.c_in])?;
        elements("the output", &[output[0], output[1], self.c_out])?;
        Ok(output)
    }

    /// Multiply-adds of the direct sum over one picture of `[height, width]`, padding included.
    ///
    /// # Errors
    /// As [`ConvSpec::output`].
    pub fn macs(&self, input: [usize; 2]) -> Result<u128, Error> {
        let [height, width] = self.output(input)?;
        Ok(height as u128 * width as u128 * self.c_out as u128 * self.taps() as u128)
    }
}

/// Refuses more elements of f32 than a slice can hold.
fn elements(what: &'static str, lengths: &[usize]) -> Result<usize, Error> {
    let limit = isize::MAX as u128 / 4;
    let found = lengths.iter().fold(1u128, |product, &length| product.saturating_mul(length as u128));
    if found > limit { Err(Error::TooLarge { what, found, limit }) } else { Ok(found as usize) }
}

/// A problem: a layer and the pictures it runs on. Its text is the one-line descriptor.
///
/// `h56w56 c64x128 k3x3 s1x1 p1,1,1,1 d1x1 g1`: height and width of the input, channels in and out,
/// kernel, stride, padding (top, bottom, left, right, or `psame`), dilation, groups; then
/// `replicate`, `reflect` or `circular` for a border that is not zero. `n8` in front is a batch of
/// eight. Parts at their default may be left out, and `k3`, `s2`, `d2` and `p1` stand for all sides.
///
/// ```
/// use tapwise::Shape;
/// let shape: Shape = "h224w224 c3x64 k7x7 s2x2".parse()?;
/// assert_eq!(shape.output()?, [112, 112]);
/// assert_eq!(shape.to_string().parse::<Shape>()?, shape);
/// assert_eq!("h9w9 c1x1 k3 s1".parse::<Shape>()?.to_string(), "h9w9 c1x1 k3x3");
/// # Ok::<(), tapwise::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Pictures in the batch.
    pub batch: usize,
    /// Height and width of each.
    pub input: [usize; 2],
    /// The layer.
    pub spec: ConvSpec,
}

impl Shape {
    /// One picture of `[height, width]`.
    #[must_use]
    pub fn new(input: [usize; 2], spec: ConvSpec) -> Self {
        Shape { batch: 1, input, spec }
    }

    /// Height and width of the output.
    ///
    /// # Errors
    /// As [`ConvSpec::output`].
    pub fn output(&self) -> Result<[usize; 2], Error> {
        self.spec.output(self.input)
    }

    /// Multiply-adds of the direct sum over the whole batch.
    ///
    /// # Errors
    /// As [`ConvSpec::output`].
    pub fn macs(&self) -> Result<u128, Error> {
        Ok(self.spec.macs(self.input)?.saturating_mul(self.batch as u128))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_agree_with_their_drawings() {
        let row = |border: Border| -> String {
            (-3..7).map(|at| border.source(at, 4).map_or('0', |i| char::from(b'a' + i as u8))).collect()
        };
        assert_eq!(row(Border::Zero), "000abcd000");
        assert_eq!(row(Border::Replicate), "aaaabcdddd");
        assert_eq!(row(Border::Reflect), "dcbabcdcba");
        assert_eq!(row(Border::Circular), "bcdabcdabc");
    }

    #[test]
    fn borders_stay_inside_pictures_of_one_and_two_pixels() {
        for length in 1..=2 {
            for at in -9..9 {
                for border in Border::ALL {
                    assert!(border.source(at, length).is_none_or(|i| i < length), "{border} {at} {length}");
                }
            }
        }
        let two: Vec<_> = (-3..5).map(|at| Border::Reflect.source(at, 2).unwrap()).collect();
        assert_eq!(two, [1, 0, 1, 0, 1, 0, 1, 0]);
    }

    #[test]
    fn same_padding_puts_the_odd_pixel_last() {
        let spec = ConvSpec { stride: [2, 2], ..ConvSpec::new([7, 7], 3, 64) };
        let margins = Margins { before: 2, after: 3 };
        assert_eq!(spec.margins([224, 224]), [margins, margins]);
        assert_eq!(spec.output([224, 224]).unwrap(), [112, 112]);
    }

    #[test]
    fn sizes_that_overflow_are_refused() {
        let huge = usize::MAX / 2;
        let spec = ConvSpec::new([3, 3], 1, 1);
        assert!(matches!(spec.output([huge, huge]), Err(Error::TooLarge { .. })));
        let spec = ConvSpec { padding: Padding::Valid, ..spec };
        assert_eq!(
            spec.output([2, 9]),
            Err(Error::FilterExceedsInput { axis: "height", extent: 3, padded: 2 })
        );
    }
}
