//! What a generated transform is to the rest of the library: a description, and the unsafe calls.
//!
//! A tile of a picture is transformed row by row and then column by column, or in one of these ways
//! only; each pass keeps vectors of channels together.

use crate::isa::Isa;

/// One of Winograd's algorithms: `F(m, r)` computes m outputs of r taps by m + r − 1 products.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Algorithm {
    /// Outputs, m.
    pub outputs: usize,
    /// Taps of the filter, r.
    pub taps: usize,
    /// The instruction set that its passes were compiled for.
    pub isa: Isa,
    /// Numbers in a vector.
    pub lanes: usize,
    /// What the taps are multiplied by, `[m + r − 1, r]`.
    pub filter: &'static [f64],
    /// The root of the mean square of what is summed for an output over that of the output itself, on
    /// noise.
    pub amplification: f64,
    /// The largest sum of sizes for an output, of inputs of 1 and taps of 1.
    pub worst: f64,
    /// Instructions of a pass over inputs and of one over products.
    pub instructions: [usize; 2],
}

impl Algorithm {
    /// Products, α.
    pub(crate) fn products(&self) -> usize {
        self.outputs + self.taps - 1
    }
}

/// Inputs of a tile: from pixels of a table of rows to vectors `[row][product][channel]`.
#[derive(Debug)]
pub struct Across<'t, 'x> {
    /// Rows; the first, and those after every `row_step` of it, are read.
    pub rows: &'t [&'x [f32]],
    /// From one row that is read to the next.
    pub row_step: usize,
    /// Rows that are read.
    pub count: usize,
    /// Where the first pixel of a row begins.
    pub from: usize,
    /// Numbers from one pixel to the next.
    pub step: usize,
    /// Vectors of channels.
    pub vectors: usize,
    /// Where the products go.
    pub target: &'t mut [f32],
    /// Where the first goes.
    pub at: usize,
    /// Numbers from one product to the next.
    pub plane: usize,
}

/// Columns of vectors, `[row][column][channel]`, from as many rows as an algorithm takes to as many as
/// it gives.
#[derive(Debug)]
pub struct Down<'t> {
    /// Vectors.
    pub source: &'t [f32],
    /// Where they begin.
    pub from: usize,
    /// Numbers from one column of the source to the next.
    pub source_plane: usize,
    /// Columns.
    pub count: usize,
    /// Vectors of channels.
    pub vectors: usize,
    /// Where the results go.
    pub target: &'t mut [f32],
    /// Where the first goes.
    pub at: usize,
    /// Numbers from one column of the target to the next.
    pub plane: usize,
}

/// Outputs of a tile: from vectors `[row][product][channel]` to pixels of a table of rows.
#[derive(Debug)]
pub struct Finishing<'t, 'x, 'y> {
    /// Vectors.
    pub source: &'t [f32],
    /// Where they begin.
    pub from: usize,
    /// Numbers from one product to the next.
    pub plane: usize,
    /// Rows of the output.
    pub outputs: &'t mut [&'y mut [f32]],
    /// Rows that are added, laid out as the outputs; or none.
    pub residuals: &'t [&'x [f32]],
    /// The first row that is written.
    pub first: usize,
    /// From one row that is written to the next.
    pub row_step: usize,
    /// Rows that are written.
    pub count: usize,
    /// Where the first pixel of a row begins.
    pub at: usize,
    /// Numbers from one pixel to the next.
    pub step: usize,
    /// Pixels of a row that are written.
    pub columns: usize,
    /// Vectors of channels.
    pub vectors: usize,
    /// Channels in the last of them.
    pub lanes: usize,
    /// What is added to every sum, a vector for each vector of channels.
    pub bias: &'t [f32],
    /// What a sum below zero is multiplied by, laid out as the bias; or none.
    pub slopes: &'t [f32],
    /// Outputs are raised to this.
    pub floor: f32,
    /// Outputs are lowered to this.
    pub ceiling: f32,
    /// Whether outputs pass the caches by.
    pub stream: bool,
}

/// A generated transform.
#[derive(Debug, Clone, Copy)]
pub struct Transform {
    algorithm: Algorithm,
    across: unsafe fn(&mut Across<'_, '_>),
    down: unsafe fn(&mut Down<'_>),
    gather: unsafe fn(&mut Down<'_>),
    finish: unsafe fn(&mut Finishing<'_, '_, '_>),
}

impl Transform {
    /// For generated code.
    ///
    /// # Safety
    /// None of the functions may need a target feature but those of `algorithm.isa`.
    #[doc(hidden)]
    #[must_use]
    pub const unsafe fn new(
        algorithm: Algorithm,
        across: unsafe fn(&mut Across<'_, '_>),
        down: unsafe fn(&mut Down<'_>),
        gather: unsafe fn(&mut Down<'_>),
        finish: unsafe fn(&mut Finishing<'_, '_, '_>),
    ) -> Self {
        Transform { algorithm, across, down, gather, finish }
    }

    pub(crate) fn algorithm(&self) -> &Algorithm {
        &self.algorithm
    }

    /// The transform as something that this machine can run, or `None` where it cannot.
    pub(crate) fn ready(&self) -> Option<Ready> {
        self.algorithm.isa.is_available().then_some(Ready(*self))
    }
}

/// A transform whose instruction set this machine has: possessing one proves it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ready(Transform);

impl Ready {
    pub(crate) fn algorithm(&self) -> &Algorithm {
        &self.0.algorithm
    }

    /// The inputs of products, from pixels of rows.
    pub(crate) fn across(&self, call: &mut Across<'_, '_>) {
        // SAFETY: `Transform::new` was promised that its functions need no feature but those of its
        // instruction set, and a `Ready` exists only where the machine has that set.
        unsafe { (self.0.across)(call) }
    }

    /// The inputs of products, from those of rows.
    pub(crate) fn down(&self, call: &mut Down<'_>) {
        // SAFETY: as in `across`.
        unsafe { (self.0.down)(call) }
    }

    /// Rows of outputs, still of products across.
    pub(crate) fn gather(&self, call: &mut Down<'_>) {
        // SAFETY: as in `across`.
        unsafe { (self.0.gather)(call) }
    }

    /// Pixels of outputs, from their products across.
    pub(crate) fn finish(&self, call: &mut Finishing<'_, '_, '_>) {
        // SAFETY: as in `across`.
        unsafe { (self.0.finish)(call) }
    }
}
