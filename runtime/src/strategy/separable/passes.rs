//! What generated passes are to the rest of the library: a description, and the unsafe calls.

use crate::isa::Isa;

/// Sums down the columns: `output[r][i] = Σ_a weights[a] · inputs[r + a·step][i]`.
#[derive(Debug)]
pub struct ColumnSums<'t, 'x, 'y> {
    /// Rows.
    pub inputs: &'t [&'x [f32]],
    /// Rows from one tap to the next; 1 where several outputs are written.
    pub step: usize,
    /// Rows that the next call reads first: they are asked for.
    pub ahead: &'t [&'x [f32]],
    /// Taps.
    pub taps: usize,
    /// A weight for each tap, or `period` of them.
    pub weights: &'t [f32],
    /// Weights of a tap: those of all channels, and again from the first on for a tile beyond the last.
    pub period: usize,
    /// Channels side by side.
    pub channels: usize,
    /// Rows that are written: as many as the passes compute at once, or one.
    pub outputs: &'t mut [&'y mut [f32]],
    /// Where the sums begin in them.
    pub at: usize,
    /// Numbers of a row.
    pub width: usize,
}

/// Sums along the rows: `output[i] = bias + Σ_t Σ_b weights[t][b] · inputs[t][i + b·step]`, to which a
/// residual and an activation are applied.
#[derive(Debug)]
pub struct RowSums<'t, 'x> {
    /// A row for each term.
    pub inputs: &'t [&'x [f32]],
    /// Taps.
    pub taps: usize,
    /// Numbers from one tap to the next.
    pub step: usize,
    /// A weight for each tap of each term, or `period` of them.
    pub weights: &'t [f32],
    /// As [`ColumnSums::period`].
    pub period: usize,
    /// Channels side by side.
    pub channels: usize,
    /// The row that is written.
    pub output: &'t mut [f32],
    /// The row that is added, as long as the output; or none.
    pub residual: &'t [f32],
    /// `period` biases, laid out as the weights of a tap.
    pub bias: &'t [f32],
    /// What a sum below zero is multiplied by, laid out as the bias; or none.
    pub slopes: &'t [f32],
    /// Outputs are raised to this.
    pub floor: f32,
    /// Outputs are lowered to this.
    pub ceiling: f32,
    /// Whether the output passes the caches by.
    pub stream: bool,
}

/// The channel of the number that lies `step` numbers after one of channel `phase`.
#[inline(always)]
#[must_use]
pub fn turned(phase: usize, step: usize, channels: usize) -> usize {
    if channels == 1 { 0 } else { (phase + step) % channels.max(1) }
}

/// Passes down the columns, and along the rows: with one weight for all channels, and with one for each.
type Down = [unsafe fn(&mut ColumnSums<'_, '_, '_>); 2];
type Along = [unsafe fn(&mut RowSums<'_, '_>); 2];

/// Generated passes.
#[derive(Debug, Clone, Copy)]
pub struct Passes {
    isa: Isa,
    rows: usize,
    down: Down,
    along: Along,
}

impl Passes {
    /// For generated code.
    ///
    /// # Safety
    /// None of the functions may need a target feature but those of `isa`.
    #[doc(hidden)]
    #[must_use]
    pub const unsafe fn new(isa: Isa, rows: usize, down: Down, along: Along) -> Self {
        Passes { isa, rows, down, along }
    }

    /// The instruction set.
    pub(crate) fn isa(&self) -> Isa {
        self.isa
    }

    /// Rows that a call down the columns computes at once.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// The passes as something that this machine can run, or `None` where it cannot.
    pub(crate) fn ready(&self) -> Option<Ready> {
        self.isa.is_available().then_some(Ready(*self))
    }
}

/// Passes whose instruction set this machine has: possessing one proves it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ready(Passes);

impl Ready {
    /// Rows that a call down the columns computes at once.
    pub(crate) fn rows(&self) -> usize {
        self.0.rows()
    }

    /// Sums down the columns, with a weight for each channel or one for all.
    pub(crate) fn down(&self, each: bool, call: &mut ColumnSums<'_, '_, '_>) {
        let pass = self.0.down[usize::from(each)];
        // SAFETY: `Passes::new` was promised that its functions need no feature but those of its
        // instruction set, and a `Ready` exists only where the machine has that set.
        unsafe { pass(call) }
    }

    /// Sums along the rows, with a weight for each channel or one for all.
    pub(crate) fn along(&self, each: bool, call: &mut RowSums<'_, '_>) {
        let pass = self.0.along[usize::from(each)];
        // SAFETY: as in `down`.
        unsafe { pass(call) }
    }
}
