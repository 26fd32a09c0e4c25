//! What a generated kernel is to the rest of the library: a description, and the one unsafe call.

mod ahead;
mod beside;

use crate::isa::Isa;
use crate::spec::ConvSpec;

pub use ahead::Ahead;
pub use beside::{Beside, ends, sides};

/// Register tiles that one kind of panel may have.
pub(crate) const MOST_TILES: usize = 5;

/// Kinds of panels that one kernel may have.
pub(crate) const MOST_KINDS: usize = 4;

/// The numbers of a convolution that a kernel was generated for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Geometry {
    /// Rows and columns of the filter.
    pub kernel: [usize; 2],
    /// Pixels between two outputs, down and across.
    pub stride: [usize; 2],
    /// Pixels between two taps, down and across.
    pub dilation: [usize; 2],
    /// Groups of channels.
    pub groups: usize,
    /// Channels of the input.
    pub c_in: usize,
    /// Channels of the output.
    pub c_out: usize,
}

impl Geometry {
    /// What a kernel would have to be generated for to serve a layer.
    #[must_use]
    pub fn of(spec: &ConvSpec) -> Self {
        let ConvSpec { kernel, stride, dilation, groups, c_in, c_out, .. } = *spec;
        Geometry { kernel, stride, dilation, groups, c_in, c_out }
    }
}

/// A register tile of a kernel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tile {
    /// Output pixels of a row that it computes at once.
    pub pixels: usize,
    /// Output rows that it computes at once.
    pub rows: usize,
    /// Predicted cycles for one tap of one input channel.
    pub cycles: f32,
}

/// Panels of one width in a kernel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Panels {
    /// Vectors of a panel; output channels, in the along-the-row family.
    pub vectors: usize,
    /// Panels in one group, or `None` where the call says it; 0 where the panels are those of the
    /// kind before, for fewer output rows at a time.
    pub count: Option<usize>,
    /// Register tiles, the widest first.
    pub tiles: &'static [Tile],
}

/// How the lanes of a kernel are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// Along the output channels; inputs are broadcast.
    ChannelsOut,
    /// Along channels that do not see each other, or only the few of their group.
    Depthwise,
    /// Along the pixels of an output row; weights are broadcast, memory is planar.
    AlongRow,
}

impl Family {
    /// The name in the names of kernels.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Family::ChannelsOut => "channels-out",
            Family::Depthwise => "depthwise",
            Family::AlongRow => "along-row",
        }
    }
}

impl std::fmt::Display for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// What is known of a kernel without running it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Description {
    /// Family, shape, instruction set and widest tile.
    pub name: &'static str,
    /// Why it looks as it does.
    pub reason: &'static str,
    /// How its lanes are used.
    pub family: Family,
    /// The instruction set that it was compiled for.
    pub isa: Isa,
    /// The shape that it was compiled for, or `None` where every number arrives with the call.
    pub geometry: Option<Geometry>,
    /// Numbers in a vector.
    pub lanes: usize,
    /// Taps of a filter row whose weights one step holds.
    pub window: usize,
    /// The stride along a row that a kernel of run-time sizes serves, where it serves one only and
    /// no dilation; its filter's columns are a multiple of the window then.
    pub row_stride: Option<usize>,
    /// Bytes of weights, of all phases, up to which it reads rows of pixels as they lie in memory too, see
    /// [`Band::phase`]; 0 where it never does.
    pub phases: usize,
    /// Whether it takes the pixels left and right of each row apart from the row, see [`Band::beside`].
    pub beside: bool,
    /// Panels by width, in the order in which the kernel runs them.
    pub panels: &'static [Panels],
    /// Multiply-add instructions in its code.
    pub fmas: usize,
}

/// A generated kernel.
#[derive(Debug, Clone, Copy)]
pub struct Kernel {
    description: Description,
    run: unsafe fn(&mut Band<'_, '_, '_>),
}

impl Kernel {
    /// For generated code.
    ///
    /// # Safety
    /// `run` may need no target feature but those of `description.isa`.
    #[doc(hidden)]
    #[must_use]
    pub const unsafe fn new(description: Description, run: unsafe fn(&mut Band<'_, '_, '_>)) -> Self {
        Kernel { description, run }
    }

    /// Family, shape, instruction set and widest tile:
    /// `channels-out-3x3s1c3x16-avx512-16x1`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.description.name
    }

    /// The schedule in words: tiles, resident taps, unrolled or looped and why.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        self.description.reason
    }

    /// The instruction set that it was compiled for.
    #[must_use]
    pub fn isa(&self) -> Isa {
        self.description.isa
    }

    /// The shape that it was compiled for, or `None` for a kernel whose sizes arrive with the call.
    #[must_use]
    pub fn geometry(&self) -> Option<&Geometry> {
        self.description.geometry.as_ref()
    }

    /// How its lanes are used.
    #[must_use]
    pub fn family(&self) -> Family {
        self.description.family
    }

    /// Multiply-add instructions in its code.
    #[must_use]
    pub fn fmas(&self) -> usize {
        self.description.fmas
    }

    pub(crate) fn description(&self) -> &Description {
        &self.description
    }

    /// The kernel as something that this machine can run, or `None` where it cannot.
    pub(crate) fn ready(&self) -> Option<Ready> {
        self.description.isa.is_available().then_some(Ready { kernel: *self })
    }
}

/// A kernel whose instruction set this machine has: possessing one proves it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ready {
    kernel: Kernel,
}

impl Ready {
    pub(crate) fn description(&self) -> &Description {
        &self.kernel.description
    }

    /// Computes a band of output rows.
    pub(crate) fn run(&self, band: &mut Band<'_, '_, '_>) {
        // SAFETY: `Kernel::new` was promised that `run` needs no feature but those of its
        // instruction set, and a `Ready` exists only where the machine has that set.
        unsafe { (self.kernel.run)(band) }
    }
}

/// The sizes that a run-time kernel takes from the call.
#[derive(Debug, Clone, Copy, Default)]
pub struct Numbers {
    /// Groups of channels.
    pub groups: usize,
    /// Panels of each kind in a group.
    pub panels: [usize; MOST_KINDS],
    /// Products summed for one output.
    pub taps: usize,
    /// Rows of the filter.
    pub kernel_rows: usize,
    /// Rows of input between two output rows.
    pub stride: usize,
    /// Rows of input between two filter rows.
    pub dilation: usize,
    /// Runs of inputs that lie side by side under one filter row.
    pub runs: usize,
    /// Numbers in a run.
    pub run: usize,
    /// Numbers from one run to the next.
    pub run_step: usize,
    /// Numbers of input from one output pixel to the next.
    pub pixel_step: usize,
    /// Input channels of a group.
    pub c_in_group: usize,
    /// Output channels of a group.
    pub c_out_group: usize,
    /// Output channels.
    pub c_out: usize,
}

/// How often each tile of each kind of panel runs along a row of output.
pub type Tiling = [[usize; MOST_TILES]; MOST_KINDS];

/// One call of a kernel: whole output rows, by tables of rows.
#[derive(Debug)]
pub struct Band<'t, 'x, 'y> {
    /// Input rows, padded: output row `r` reads entries `r * stride + a * dilation`. In the
    /// along-the-row family a row is one entry for each input channel, and so is a row of output.
    pub inputs: &'t [&'x [f32]],
    /// Output rows of `width * c_out` numbers, or `c_out` entries of `width` numbers.
    pub outputs: &'t mut [&'y mut [f32]],
    /// Packed weights, see [`crate::layout`].
    pub weights: &'t [f32],
    /// Bias of every panel, padded like the weights.
    pub bias: &'t [f32],
    /// What a sum below zero is multiplied by, laid out as the bias; or empty.
    pub slopes: &'t [f32],
    /// A row for each row of the output, laid out as that, to be added to the sums; or empty.
    pub residuals: &'t [&'x [f32]],
    /// Outputs are raised to this.
    pub floor: f32,
    /// Outputs are lowered to this.
    pub ceiling: f32,
    /// Pixels of an output row.
    pub width: usize,
    /// How tiles cover a row; the along-the-row family covers it by itself.
    pub tiling: &'t Tiling,
    /// Rows laid out as the outputs that get the sums with their signs turned, raised to zero: the
    /// second half of a CReLU, for the along-the-row family; or none.
    pub negatives: &'t mut [&'y mut [f32]],
    /// Whether outputs pass the caches by: they are more than the caches hold.
    pub stream: bool,
    /// Whether rows are fetched before they are needed: the picture is more than the caches hold.
    pub prefetch: bool,
    /// Whether the weights of a panel are asked for while those of the one before are used, in the channels-out
    /// family: they are more than the near caches hold.
    pub ahead: bool,
    /// Where rows are pixels as they lie in memory, in the along-the-row family: the channel that the first
    /// number of each row is of. A row is one entry then, `width` counts numbers, and weights, bias and
    /// slopes are laid out for each channel that a vector may begin with.
    pub phase: Option<usize>,
    /// Where the entries of `inputs` are rows without padding, of which they may want one column on each side:
    /// numbers that padding adds before a row. Behind the rows `inputs` then has as many entries for the pixels
    /// left of them and as many for those right of them.
    pub beside: Option<usize>,
    /// For run-time kernels.
    pub numbers: Numbers,
}

/// What happens to the sums of a panel in a row of output before they are stored: the residual is
/// added, what is below zero multiplied by its slope, and the rest cut off at floor and ceiling.
#[derive(Debug, Clone, Copy)]
pub struct Finish<'t, const LANES: usize, const VECTORS: usize> {
    /// What sums begin with.
    pub bias: &'t [[f32; LANES]; VECTORS],
    /// What a sum below zero is multiplied by.
    pub slopes: Option<&'t [[f32; LANES]; VECTORS]>,
    /// The row that is added, laid out as the output.
    pub residual: Option<&'t [f32]>,
    /// Outputs are raised to this.
    pub floor: f32,
    /// Outputs are lowered to this.
    pub ceiling: f32,
    /// Whether outputs pass the caches by.
    pub stream: bool,
}

/// What [`Finish`] is made of for every panel of one vector, and for several rows: biases, slopes,
/// residuals, and the limits of what is stored.
pub type Finishes<'t, const LANES: usize> =
    (&'t [[[f32; LANES]; 1]], &'t [[[f32; LANES]; 1]], &'t [&'t [f32]], &'t [f32; 2]);

/// The `N` numbers of a row that start at `from`.
#[inline(always)]
#[must_use]
pub fn window<const N: usize>(row: &[f32], from: usize) -> Option<&[f32; N]> {
    row.get(from..)?.first_chunk()
}

/// The `N` numbers of a window that start at `AT`.
#[inline(always)]
#[must_use]
pub fn part<const AT: usize, const N: usize, const M: usize>(window: &[f32; M]) -> &[f32; N] {
    const { assert!(AT + N <= M, "a part of a window lies inside of it") }
    // What the compiler has just been shown, it does not look at again.
    window.get(AT..).and_then(|rest| rest.first_chunk()).unwrap_or(&[0.0; N])
}

/// The `N` numbers of a window that start at `from`, which the caller's loops keep inside of it.
#[inline(always)]
#[must_use]
pub fn slide<const N: usize, const M: usize>(window: &[f32; M], from: usize) -> &[f32; N] {
    window.get(from..).and_then(|rest| rest.first_chunk()).unwrap_or(&[0.0; N])
}

/// The `N` numbers of a row that start at `from`, to be written.
#[inline(always)]
#[must_use]
pub fn window_mut<const N: usize>(row: &mut [f32], from: usize) -> Option<&mut [f32; N]> {
    row.get_mut(from..)?.first_chunk_mut()
}

/// The `length` numbers of a row that start at `from`, or none at all where the row is too short.
#[inline(always)]
#[must_use]
pub fn run(row: &[f32], from: usize, length: usize) -> &[f32] {
    row.get(from..).and_then(|row| row.get(..length)).unwrap_or_default()
}

/// As [`run`], to be written.
#[inline(always)]
#[must_use]
pub fn run_mut(row: &mut [f32], from: usize, length: usize) -> &mut [f32] {
    row.get_mut(from..).and_then(|row| row.get_mut(..length)).unwrap_or_default()
}

/// The first `length` numbers of a row, and what follows its first `step`, at least as many.
#[inline(always)]
#[must_use]
pub fn column(row: &[f32], step: usize, length: usize) -> Option<(&[f32], &[f32])> {
    let (column, rest) = row.split_at_checked(step)?;
    Some((column.get(..length)?, rest))
}

/// As [`Finish`], for a panel of output channels in the along-the-row family.
#[derive(Debug, Clone, Copy)]
pub struct PlanarFinish<'t, 'x, const CHANNELS: usize> {
    /// What sums begin with.
    pub bias: &'t [f32; CHANNELS],
    /// What a sum below zero is multiplied by.
    pub slopes: Option<&'t [f32; CHANNELS]>,
    /// The rows that are added, laid out as the outputs, from the tile's first row and channel on; or
    /// none.
    pub residuals: &'t [&'x [f32]],
    /// Outputs are raised to this.
    pub floor: f32,
    /// Outputs are lowered to this.
    pub ceiling: f32,
    /// Whether outputs pass the caches by.
    pub stream: bool,
}

/// As [`Finish`], for rows of pixels as they lie in memory, whose vectors begin with one of the channels.
#[derive(Debug, Clone, Copy)]
pub struct PhasedFinish<'t, 'x, const LANES: usize> {
    /// What sums begin with, for each channel that a vector may begin with.
    pub bias: &'t [[f32; LANES]],
    /// What a sum below zero is multiplied by; or none.
    pub slopes: &'t [[f32; LANES]],
    /// The rows that are added, from the tile's first row on; or none.
    pub residuals: &'t [&'x [f32]],
    /// Outputs are raised to this.
    pub floor: f32,
    /// Outputs are lowered to this.
    pub ceiling: f32,
    /// Whether outputs pass the caches by.
    pub stream: bool,
}

/// The first `length` of something, or all of it where there are fewer.
#[inline(always)]
#[must_use]
pub fn first<T>(all: &[T], length: usize) -> &[T] {
    all.get(..length).unwrap_or(all)
}

/// The `N` entries of a table that start at `from`.
#[inline(always)]
#[must_use]
pub fn entries<const N: usize, T>(table: &mut [T], from: usize) -> Option<&mut [T; N]> {
    table.get_mut(from..)?.first_chunk_mut()
}

/// What is left of a table from an entry on; nothing where it is shorter.
#[inline(always)]
#[must_use]
pub fn tail<T>(table: &[T], from: usize) -> &[T] {
    table.get(from..).unwrap_or_default()
}

/// As [`tail`], to be written.
#[inline(always)]
#[must_use]
pub fn tail_mut<T>(table: &mut [T], from: usize) -> &mut [T] {
    table.get_mut(from..).unwrap_or_default()
}

/// The `N` numbers of entry `at` of a table that start at `from`.
#[inline(always)]
#[must_use]
pub fn of_entry<'t, const N: usize>(table: &'t [&[f32]], at: usize, from: usize) -> Option<&'t [f32; N]> {
    window(table.get(at)?, from)
}

/// As [`of_entry`], to be written.
#[inline(always)]
#[must_use]
pub fn of_entry_mut<'t, const N: usize>(
    table: &'t mut [&mut [f32]],
    at: usize,
    from: usize,
) -> Option<&'t mut [f32; N]> {
    window_mut(table.get_mut(at)?, from)
}

/// The first `N` entries of a table, which then begins `step` entries later.
#[inline(always)]
#[must_use]
pub fn next_entries<'t, const N: usize, T>(table: &mut &'t mut [T], step: usize) -> Option<&'t mut [T; N]> {
    let all = std::mem::take(table);
    let (first, rest) = all.split_at_mut(step.min(all.len()));
    *table = rest;
    first.first_chunk_mut()
}

/// Numbers that the start of an output row lies beyond a boundary of `LANES` numbers, on which its
/// tiles are to be laid.
#[inline(always)]
#[must_use]
pub fn alignment<const LANES: usize>(row: Option<&&mut [f32]>) -> usize {
    match row {
        Some(row) => row.as_ptr().addr() / size_of::<f32>() % LANES,
        None => 0,
    }
}

/// Where the tile after one that ends before `pixel` begins: there, or after the `first` tile of a row
/// as many pixels before as lay it on a boundary.
#[inline(always)]
#[must_use]
pub fn next(pixel: usize, first: bool, aligned: usize) -> usize {
    if first { pixel - aligned } else { pixel }
}

/// A panel as its steps.
#[inline(always)]
#[must_use]
pub fn steps<const LANES: usize, const VECTORS: usize, const WINDOW: usize>(
    panel: &[f32],
) -> &[[[[f32; LANES]; VECTORS]; WINDOW]] {
    panel.as_chunks().0.as_chunks().0.as_chunks().0
}

/// The first `length` numbers and the rest; nothing of either where there are none.
#[inline(always)]
#[must_use]
pub fn head(numbers: &[f32], length: usize) -> (&[f32], &[f32]) {
    numbers.split_at_checked(length).unwrap_or_default()
}

/// The bias of a panel as vectors.
#[inline(always)]
#[must_use]
pub fn vectors<const LANES: usize, const VECTORS: usize>(bias: &[f32]) -> Option<&[[f32; LANES]; VECTORS]> {
    bias.as_chunks().0.first_chunk()
}
