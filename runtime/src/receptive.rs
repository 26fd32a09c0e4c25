//! What part of a picture one unit of a deep layer can see.

use std::fmt;
use std::ops::Range;

use crate::error::Error;
use crate::spec::ConvSpec;

/// The pixels that the units of a layer see: `size` of them, the windows of neighbouring units
/// `stride` pixels apart, the first beginning at `offset`. Rows first, then columns.
///
/// After `n` layers of `k_n` taps, stride `s_n`, dilation `δ_n` and `p_n` padded pixels before,
///
/// ```text
/// (10)  r_n = r_(n−1) + (k_n − 1)·δ_n·j_(n−1)     size,   r_0 = 1
///       j_n = s_n·j_(n−1)                         stride, j_0 = 1
///       o_n = o_(n−1) − p_n·j_(n−1)               offset, o_0 = 0
/// ```
///
/// (Araujo, Norris and Sim, "Computing receptive fields of convolutional neural networks", Distill,
/// 2019). Small filters, one after another, see as far as a large one.
///
/// ```
/// use tapwise::{ConvSpec, ReceptiveField};
///
/// // Three layers of 3x3 see what one of 7x7 does, with 27 weights instead of 49.
/// let spec = ConvSpec::new([3, 3], 1, 1);
/// let field = (0..3).try_fold(ReceptiveField::pixel([32, 32]), |field, _| field.through(&spec))?;
/// assert_eq!((field.size, field.stride, field.offset), ([7, 7], [1, 1], [-3, -3]));
/// assert_eq!(field.window([10, 20]), [7..14, 17..24]);
/// # Ok::<(), tapwise::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ReceptiveField {
    /// Rows and columns that one unit sees.
    pub size: [usize; 2],
    /// Pixels between the windows of neighbouring units.
    pub stride: [usize; 2],
    /// Where the window of the first unit begins: below 0 where the picture is padded.
    pub offset: [isize; 2],
    /// Units of the layer: rows and columns of its answer.
    pub units: [usize; 2],
}

impl ReceptiveField {
    /// The field of the pixels themselves, in pictures of `input` rows and columns.
    #[must_use]
    pub fn pixel(input: [usize; 2]) -> Self {
        ReceptiveField { size: [1, 1], stride: [1, 1], offset: [0, 0], units: input }
    }

    /// The field after one more convolution.
    ///
    /// # Errors
    /// As [`ConvSpec::output`] on pictures of [`ReceptiveField::units`].
    pub fn through(&self, spec: &ConvSpec) -> Result<Self, Error> {
        let units = spec.output(self.units)?;
        let margins = spec.margins(self.units);
        let before = [0, 1].map(|axis| margins[axis].before);
        Ok(self.after(spec.extent(), spec.stride, before, units))
    }

    /// The field after global pooling: one unit that sees whatever any unit saw.
    #[must_use]
    pub fn pooled(&self) -> Self {
        self.after(self.units, self.units, [0, 0], [1, 1])
    }

    /// Equation (10), with the extent `(k − 1)·δ + 1` of the dilated filter.
    fn after(&self, extent: [usize; 2], stride: [usize; 2], before: [usize; 2], units: [usize; 2]) -> Self {
        let jump = self.stride;
        let signed = |length: usize| isize::try_from(length).unwrap_or(isize::MAX);
        let along = |axis: usize, pixels: usize| pixels.saturating_mul(jump[axis]);
        ReceptiveField {
            size: [0, 1]
                .map(|axis| self.size[axis].saturating_add(along(axis, extent[axis].saturating_sub(1)))),
            stride: [0, 1].map(|axis| along(axis, stride[axis])),
            offset: [0, 1].map(|axis| self.offset[axis].saturating_sub(signed(along(axis, before[axis])))),
            units,
        }
    }

    /// The rows and columns that unit `[i, j]` sees; those outside of the picture are its border.
    #[must_use]
    pub fn window(&self, unit: [usize; 2]) -> [Range<isize>; 2] {
        [0, 1].map(|axis| {
            let signed = |length: usize| isize::try_from(length).unwrap_or(isize::MAX);
            let from = signed(unit[axis].saturating_mul(self.stride[axis]));
            let from = self.offset[axis].saturating_add(from);
            from..from.saturating_add(signed(self.size[axis]))
        })
    }
}

impl fmt::Display for ReceptiveField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { size: [rows, columns], stride, offset, units } = self;
        write!(f, "{}x{} units see {rows}x{columns} pixels each", units[0], units[1])?;
        write!(f, ", {}x{} apart, the first from ({}, {}) on", stride[0], stride[1], offset[0], offset[1])
    }
}
