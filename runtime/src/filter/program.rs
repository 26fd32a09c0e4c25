//! What generated code says of a constant filter, and the unsafe calls of its passes.

mod bytes;

pub(super) use self::bytes::ByteReady;
pub use self::bytes::{ByteColumns, ByteKernel, BytePasses, ByteRows, Bytes, nearest, rounded};
use crate::isa::Isa;

/// One filter, or several over one picture.
#[derive(Debug)]
pub struct Program {
    /// Rows and columns of a filter.
    pub size: [usize; 2],
    /// Filters.
    pub filters: usize,
    /// `[N, K_h, K_w]`.
    pub weights: &'static [f32],
    /// How the filters are computed.
    pub form: Form,
    /// How far the weights that are computed with are from those above: the root of the mean square of
    /// the differences, over that of the weights.
    pub error: f64,
    /// Predicted cycles for a vector of outputs.
    pub cycles: f64,
    /// What the analysis found, a sentence each.
    pub findings: &'static [&'static str],
    /// For sums: the passes, for each instruction set that the target can have. For a window: that along the row,
    /// where it is not wide.
    pub kernels: &'static [Kernel],
    /// How bytes are filtered to bytes, where there is more to that than to filter their numbers.
    pub bytes: Option<Bytes>,
}

/// How filters are computed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Form {
    /// Sums down the columns and along the rows. For each term the row of the filter that it reads in
    /// place, or nothing where it reads a sum of rows; kernels of one pass read all rows in place.
    Sums(&'static [Option<usize>]),
    /// Sums of a window of weights that are alike.
    Window {
        /// Each of them.
        weight: f32,
        /// Rows of output after which running sums begin anew, at least 1.
        anew: usize,
    },
    /// As a layer.
    Layer,
}

/// Sums down the columns: a run of numbers of some rows of a picture, for two rows of output.
#[derive(Debug)]
pub struct Columns<'t, 'x> {
    /// A row of the picture for each row of the filter, and the one after.
    pub rows: &'t [&'x [f32]],
    /// Where the run begins in them.
    pub from: usize,
    /// A plane for each term that is no row of the picture: those of the first row of output, which sees
    /// the rows from the first on, and those of the second, which sees them from the second on.
    pub target: &'t mut [f32],
    /// Numbers from one plane to the next.
    pub plane: usize,
    /// Where the run begins in a plane.
    pub at: usize,
    /// Numbers of the run, at least a tile.
    pub length: usize,
}

/// Sums along the rows: a run of numbers of one row of output.
#[derive(Debug)]
pub struct Rows<'t, 'x, 'y> {
    /// A row for each term.
    pub sources: &'t [&'x [f32]],
    /// Where the first tap of the first output lies in them.
    pub from: usize,
    /// Numbers from one tap to the next.
    pub step: isize,
    /// A row for each filter, those of one row of output after those of another where kernels compute several.
    pub outputs: &'t mut [&'y mut [f32]],
    /// Where the run begins in them.
    pub at: usize,
    /// Numbers of the run, at least a tile.
    pub length: usize,
    /// Whether outputs pass the caches by.
    pub stream: bool,
    /// A row for each row of output, which is asked for ahead of its use.
    pub ahead: &'t [&'x [f32]],
}

/// The passes of a filter for one instruction set.
#[derive(Debug, Clone, Copy)]
pub struct Kernel {
    isa: Isa,
    tile: usize,
    together: usize,
    down: Down,
    rows: unsafe fn(&mut Rows<'_, '_, '_>),
}

/// Sums down the columns, where they are a pass of their own.
#[derive(Debug, Clone, Copy)]
pub enum Down {
    /// They are not.
    None,
    /// Of the picture, before those along the rows.
    First(unsafe fn(&mut Columns<'_, '_>)),
    /// Of sums along the rows, whose rows are the sources, those of one term after those of another.
    Last(unsafe fn(&mut Rows<'_, '_, '_>)),
}

impl Kernel {
    /// For generated code. Without a pass down the columns that along the rows reads rows of the picture, for as many
    /// rows of output as are computed `together`.
    ///
    /// # Safety
    /// No function may need a target feature but those of `isa`.
    #[doc(hidden)]
    #[must_use]
    pub const unsafe fn new(
        isa: Isa,
        tile: usize,
        together: usize,
        down: Down,
        rows: unsafe fn(&mut Rows<'_, '_, '_>),
    ) -> Self {
        Kernel { isa, tile, together, down, rows }
    }
}

impl Program {
    /// The passes for an instruction set, as something that this machine can run.
    pub(super) fn kernel(&self, isa: Isa) -> Option<Ready> {
        self.kernels.iter().find(|kernel| kernel.isa == isa && isa.is_available()).copied().map(Ready)
    }
}

/// Passes whose instruction set this machine has: possessing them proves it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ready(Kernel);

impl Ready {
    /// Numbers that are computed at once: no run may be shorter.
    pub(super) fn tile(&self) -> usize {
        self.0.tile
    }

    /// Whether all sums are taken in one pass, of rows of the picture.
    pub(super) fn one_pass(&self) -> bool {
        matches!(self.0.down, Down::None)
    }

    /// Whether sums along the rows come first.
    pub(super) fn along_first(&self) -> bool {
        matches!(self.0.down, Down::Last(_))
    }

    /// Rows of output that are computed at once, by all of whose rows of the picture: at least 1.
    pub(super) fn together(&self) -> usize {
        self.0.together
    }

    pub(super) fn columns(&self, call: &mut Columns<'_, '_>) {
        if let Down::First(columns) = self.0.down {
            // SAFETY: `Kernel::new` was promised that its functions need no feature but those of its instruction
            // set, and a `Ready` exists only where the machine has that set.
            unsafe { columns(call) }
        }
    }

    pub(super) fn rows(&self, call: &mut Rows<'_, '_, '_>) {
        // SAFETY: as in `columns`.
        unsafe { (self.0.rows)(call) }
    }

    pub(super) fn down(&self, call: &mut Rows<'_, '_, '_>) {
        if let Down::Last(down) = self.0.down {
            // SAFETY: as in `columns`.
            unsafe { down(call) }
        }
    }
}
