//! Filters whose weights are known while compiling: what `#[filter2d]` turns a constant into.

mod along_first;
mod apply;
mod byte_windows;
mod bytes;
mod cut;
mod edges;
mod explanation;
mod layer;
mod passes;
mod plain;
pub mod program;
mod sample;
mod sums;
mod surface;
mod window;

use ndarray::{Array, ArrayView, ArrayView2, ArrayView3, ArrayViewMut};

pub use self::apply::Picture;
pub use self::explanation::FilterExplanation;
use self::program::Program;
pub use self::sample::{Filters, Sample};
use crate::{Border, Error, Isa, Padding};

/// An image filter whose weights were known while compiling.
///
/// Made by [`macro@crate::filter2d`] and [`macro@crate::filter`]; it is `Copy`, and costs nothing to have.
/// It computes the cross-correlation `H[i,j] = Σ_a Σ_b V[a,b] · X[i+a−p, j+b−q]` of every channel by
/// itself, by sums folded while compiling (see [`Filter2d::explain`]).
///
/// # Numbers
/// * A weight of zero is no tap: NaN or infinity under it does not reach the output. Everything else flows
///   through as IEEE says, but where [`Filter2d::explain`] says that terms of a filter of rank two or three
///   overlap: there a number that is not finite reaches all outputs whose filter's rectangle it lies in.
/// * The zeros of a border are multiplied like pixels.
/// * Windows of equal weights keep running sums down the columns: a number that is not finite reaches the
///   outputs below it as well, down to the next row whose number is a multiple of 32, and rounding errors
///   follow the largest numbers that the sums have seen since the last.
/// * A filter of rank one sums down the columns first, each column by itself, and then along the row; where
///   [`Filter2d::explain`] says "along the rows first", or "both passes at once" and the registers of the instruction
///   set suffice, each row first and then down the columns. The error is at most
///   `(K_h + K_w) · 2⁻²³ · Σ|V|·max|X|`, whatever the order and the instruction set.
/// * One output is computed alike whatever band, thread or part of a picture it falls into.
///
/// ```
/// use ndarray::{Array2, array};
///
/// /// Brightness that grows to the right.
/// #[tapwise::filter2d]
/// pub const SOBEL_X: [[f32; 3]; 3] = [[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]];
///
/// # fn main() -> Result<(), tapwise::Error> {
/// let ramp = Array2::from_shape_fn((4, 5), |(_, column)| column as f32);
/// let edges = SOBEL_X.border(tapwise::Border::Replicate).apply(ramp.view())?;
/// assert_eq!(edges.row(2), array![4.0, 8.0, 8.0, 8.0, 4.0]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Filter2d {
    handle: Handle,
}

/// Several filters of one size over the same pictures, which they read together.
///
/// ```
/// use ndarray::Array2;
///
/// /// Brightness that grows to the right and down.
/// #[tapwise::filter2d]
/// pub const SOBEL: [[[f32; 3]; 3]; 2] = [
///     [[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]],
///     [[-1.0, -2.0, -1.0], [0.0, 0.0, 0.0], [1.0, 2.0, 1.0]],
/// ];
///
/// # fn main() -> Result<(), tapwise::Error> {
/// let ramp = Array2::from_shape_fn((4, 5), |(row, column)| (row + column) as f32);
/// let both = SOBEL.apply(ramp.view())?;
/// assert_eq!(both.dim(), (4, 5, 2));
/// let (magnitude, angle) = SOBEL.gradient(ramp.view())?;
/// assert!((magnitude[[1, 2]] - 128f32.sqrt()).abs() < 1e-5);
/// assert!((angle[[1, 2]].to_degrees() - 45.0).abs() < 1e-4);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct FilterBank {
    handle: Handle,
}

/// A program and how it is laid over pictures.
#[derive(Debug, Clone, Copy)]
struct Handle {
    program: &'static Program,
    padding: Padding,
    border: Border,
    flipped: bool,
    /// `None`: what `TAPWISE_ISA` names, or the best of the machine.
    isa: Option<Isa>,
}

impl Handle {
    const fn new(program: &'static Program) -> Self {
        Handle { program, padding: Padding::Same, border: Border::Zero, flipped: false, isa: None }
    }
}

impl Filter2d {
    /// For generated code.
    #[doc(hidden)]
    #[must_use]
    pub const fn generated(program: &'static Program) -> Self {
        Filter2d { handle: Handle::new(program) }
    }

    /// The filter with other padding; [`Padding::Same`] unless this is called.
    #[must_use]
    pub const fn padding(mut self, padding: Padding) -> Self {
        self.handle.padding = padding;
        self
    }

    /// The filter with other pixels beyond the edges; [`Border::Zero`] unless this is called.
    #[must_use]
    pub const fn border(mut self, border: Border) -> Self {
        self.handle.border = border;
        self
    }

    /// The filter turned by half: the mathematical convolution with the same weights. The same code serves.
    #[must_use]
    pub const fn flipped(mut self) -> Self {
        self.handle.flipped = !self.handle.flipped;
        self
    }

    /// The filter by another instruction set than `TAPWISE_ISA` names or the best of this machine.
    #[must_use]
    pub const fn isa(mut self, isa: Isa) -> Self {
        self.handle.isa = Some(isa);
        self
    }

    /// The weights, `[K_h, K_w]`, as they were annotated.
    #[must_use]
    pub fn weights(&self) -> ArrayView2<'static, f32> {
        let Program { size: [height, width], weights, .. } = *self.handle.program;
        ArrayView2::from_shape((height, width), weights).unwrap_or_else(|_| ArrayView2::from(&[[]; 0]))
    }

    /// Filters every channel of a picture, `[H, W]` or `[H, W, C]` in any memory order, on the caller's
    /// rayon pool. The answer has the picture's memory order.
    ///
    /// What the answer is made of follows from where it goes: `f32` for a picture of `f32`; `f32` or `u8`
    /// for one of `u8`, see [`Filters`].
    ///
    /// # Errors
    /// [`Error::Empty`] for a picture of nothing, [`Error::FilterExceedsInput`] where the filter does not
    /// fit the padded picture, [`Error::InstructionSet`] where `TAPWISE_ISA` names a set that the machine
    /// lacks, [`Error::Memory`] where there is no room for the answer.
    pub fn apply<I, O, D>(&self, picture: ArrayView<'_, I, D>) -> Result<Array<O, D>, Error>
    where
        I: Filters<O>,
        O: Sample,
        D: Picture,
    {
        let picture = D::channels_last(picture);
        let mut answer = self.handle.room(&picture)?;
        self.handle.run(picture, answer.view_mut())?;
        Ok(D::one_answer(answer))
    }

    /// As [`Filter2d::apply`], into memory that the caller has. Allocates nothing from the second call of a
    /// size on.
    ///
    /// # Errors
    /// As [`Filter2d::apply`], and [`Error::Length`] for an answer of another shape.
    pub fn apply_into<I, O, D>(
        &self,
        picture: ArrayView<'_, I, D>,
        answer: ArrayViewMut<'_, O, D>,
    ) -> Result<(), Error>
    where
        I: Filters<O>,
        O: Sample,
        D: Picture,
    {
        self.handle.run(D::channels_last(picture), D::one_answer_mut(answer))
    }

    /// What the analysis found, how the filter is computed and what that is predicted to cost.
    #[must_use]
    pub fn explain(&self) -> FilterExplanation {
        FilterExplanation::of(self.handle.program)
    }
}

impl FilterBank {
    /// For generated code.
    #[doc(hidden)]
    #[must_use]
    pub const fn generated(program: &'static Program) -> Self {
        FilterBank { handle: Handle::new(program) }
    }

    /// As [`Filter2d::padding`].
    #[must_use]
    pub const fn padding(mut self, padding: Padding) -> Self {
        self.handle.padding = padding;
        self
    }

    /// As [`Filter2d::border`].
    #[must_use]
    pub const fn border(mut self, border: Border) -> Self {
        self.handle.border = border;
        self
    }

    /// As [`Filter2d::flipped`], each of them.
    #[must_use]
    pub const fn flipped(mut self) -> Self {
        self.handle.flipped = !self.handle.flipped;
        self
    }

    /// As [`Filter2d::isa`].
    #[must_use]
    pub const fn isa(mut self, isa: Isa) -> Self {
        self.handle.isa = Some(isa);
        self
    }

    /// The weights, `[N, K_h, K_w]`, as they were annotated.
    #[must_use]
    pub fn weights(&self) -> ArrayView3<'static, f32> {
        let Program { size: [height, width], filters, weights, .. } = *self.handle.program;
        ArrayView3::from_shape((filters, height, width), weights)
            .unwrap_or_else(|_| ArrayView2::from(&[[]; 0]).insert_axis(ndarray::Axis(0)))
    }

    /// Filters a picture by every filter: `[H, W]` to `[H', W', N]`, `[H, W, C]` to `[H', W', C, N]`. In
    /// memory the answer is one plane after another.
    ///
    /// # Errors
    /// As [`Filter2d::apply`].
    pub fn apply<I, O, D>(&self, picture: ArrayView<'_, I, D>) -> Result<Array<O, D::Larger>, Error>
    where
        I: Filters<O>,
        O: Sample,
        D: Picture,
    {
        let picture = D::channels_last(picture);
        let mut answers = self.handle.room(&picture)?;
        self.handle.run(picture, answers.view_mut())?;
        Ok(D::answers(answers))
    }

    /// As [`FilterBank::apply`], into memory that the caller has.
    ///
    /// # Errors
    /// As [`Filter2d::apply_into`].
    pub fn apply_into<I, O, D>(
        &self,
        picture: ArrayView<'_, I, D>,
        answers: ArrayViewMut<'_, O, D::Larger>,
    ) -> Result<(), Error>
    where
        I: Filters<O>,
        O: Sample,
        D: Picture,
    {
        self.handle.run(D::channels_last(picture), D::answers_mut(answers))
    }

    /// Length `√(x² + y²)` and direction of the gradient that a pair of filters gives, in one pass: the
    /// angle is that from the first filter's axis to the second's, in radians from −π to π, within 3e-7.
    ///
    /// # Errors
    /// As [`Filter2d::apply`], and [`Error::Parameter`] for a bank of other than two filters.
    #[expect(clippy::type_complexity, reason = "two arrays, as they are")]
    pub fn gradient<I, D>(
        &self,
        picture: ArrayView<'_, I, D>,
    ) -> Result<(Array<f32, D>, Array<f32, D>), Error>
    where
        I: Filters<f32>,
        D: Picture,
    {
        let picture = D::channels_last(picture);
        let mut both = self.handle.room(&picture)?;
        self.handle.polar(picture, both.view_mut())?;
        Ok(D::two_answers(both))
    }

    /// As [`FilterBank::gradient`], into memory that the caller has.
    ///
    /// # Errors
    /// As [`FilterBank::gradient`] and [`Filter2d::apply_into`].
    pub fn gradient_into<I, D>(
        &self,
        picture: ArrayView<'_, I, D>,
        both: ArrayViewMut<'_, f32, D::Larger>,
    ) -> Result<(), Error>
    where
        I: Filters<f32>,
        D: Picture,
    {
        self.handle.polar(D::channels_last(picture), D::answers_mut(both))
    }

    /// As [`Filter2d::explain`].
    #[must_use]
    pub fn explain(&self) -> FilterExplanation {
        FilterExplanation::of(self.handle.program)
    }
}
