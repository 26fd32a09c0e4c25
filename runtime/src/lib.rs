//! Convolution kernels generated while compiling, and the layers that dispatch to them.
//!
//! A layer computes the cross-correlation of the textbook,
//! `H[i,j,d] = u[d] + Σ_a Σ_b Σ_c V[a,b,c,d] · X[i+a, j+b, c]` with a and b from -Δ to Δ
//! (Zhang et al., *Dive into Deep Learning*, 7.1). Pictures are `[H, W, C]`, batches
//! `[N, H, W, C]`, filters `[K_h, K_w, C_in / groups, C_out]`, all of them `f32`.
//!
//! # Shapes known while compiling
//! ```
//! use ndarray::{Array3, Array4};
//! use tapwise::Activation;
//!
//! #[tapwise::conv2d(delta = 1, c_in = 3, c_out = 16)]
//! pub struct Stem;
//!
//! # fn main() -> Result<(), tapwise::Error> {
//! let filter = Array4::<f32>::from_elem((3, 3, 3, 16), 0.1);
//! let stem = Stem::layer(filter.view()).activation(Activation::Relu).build()?;
//! let hidden = stem.forward(Array3::<f32>::ones((48, 64, 3)).view())?;
//! assert_eq!(hidden.dim(), (48, 64, 16));
//! # Ok(())
//! # }
//! ```
//! # Shapes known at run time
//! ```
//! use ndarray::{Array3, Array4};
//! use tapwise::{Border, Conv2d, Padding};
//!
//! let filter = Array4::<f32>::from_elem((5, 5, 3, 8), 0.01);
//! let layer = Conv2d::builder(filter.view())
//!     .stride([2, 2])
//!     .padding(Padding::Same)
//!     .border(Border::Reflect)
//!     .build()?;
//! println!("{}", layer.explain([480, 640]));
//! let photo = Array3::<f32>::zeros((480, 640, 3));
//! let mut hidden = Array3::<f32>::zeros((240, 320, 8));
//! layer.forward_into(photo.view(), hidden.view_mut())?; // allocates nothing from the second call on
//! # Ok::<(), tapwise::Error>(())
//! ```
//!
//! # From dense layers, and deeper
//! [`dense`] walks from the fully connected layer to the convolution and back, [`convolution`] says
//! what the word means, [`parameters`] counts what each step saves. [`Conv1d`] is the same layer over
//! time; [`Sequential`] puts layers one after another, [`ReceptiveField`] says what their units see,
//! [`Pooling`] makes one answer of a picture. The equations are numbered (1) to (15) throughout.
//!
//! # Learning
//! [`Conv2d::backward`] gives the gradients of input, filter and bias, [`Conv2d::transposed`] the
//! adjoint of the layer, [`Conv2d::replace_filter`] takes the step.
//!
//! # Memory order
//! Strides of the views say how pictures lie in memory. Channels last (`[H, W, C]` as it stands)
//! and planar (`[C, H, W]` seen through `permuted_axes([1, 2, 0])`) run without a copy of the
//! picture; so does every other order, whose rows are gathered into a few padded rows of scratch
//! on the way. An output that the library allocates has the input's memory order.
//!
//! # Numbers
//! NaN and infinities flow through as IEEE says: the zeros of a border are multiplied like any
//! pixel, and ReLU keeps NaN.
//!
//! [`Strategy::Fft`] is the exception: transforms mix the numbers of a row. Outputs that read a pixel
//! which is not finite are NaN, and so may be those beside them in the same rows; other rows are not
//! touched. A weight that is not finite makes NaN of all outputs of its channel. Sums on the way may
//! be as large as the sum of the sizes of a whole row, and overflow where the direct sum does not. Rounding
//! errors follow the largest numbers of a row, not those that an output sees: what the direct sum gets
//! exactly, such as sums of whole numbers, is off by some `1e-7` of the largest output. `Auto` uses it for
//! filters of 49 taps and more; [`strategy(Strategy::Direct)`](Conv2dBuilder::strategy) or a small
//! [`tolerance`](Conv2dBuilder::tolerance) keep it away.
//!
//! Two passes are another, where the weights of a layer with one filter for each channel allow them
//! ([`Conv2dBuilder::two_passes`]): an output that reads a number that is not finite is not finite, and no other is
//! touched, but it may be NaN where the sum as it stands is infinite; and sums down a column may overflow where
//! the whole sum would not. Sums of whole numbers stay exact where the filter is a product of whole numbers.
//!
//! # Threads
//! A layer splits its output into bands of rows on the caller's rayon pool, or on rayon's global
//! one outside of any. Work too small to split stays on the calling thread.

// The macros write `::tapwise::..`, here as everywhere.
extern crate self as tapwise;

mod builder;
mod conv1d;
pub mod convolution;
pub mod cost;
mod cover;
pub mod dense;
mod edges;
mod engine;
mod epilogue;
mod error;
mod filter;
mod fit;
mod fold;
mod frame;
mod gradient;
#[cfg(feature = "image")]
pub mod image;
mod interleave;
mod isa;
mod joined;
mod kernel;
mod layer;
#[doc(hidden)]
pub mod layout;
mod lines;
mod machine;
mod memory;
pub mod parameters;
mod patches;
mod planar;
mod planner;
mod pooling;
mod processor;
mod receptive;
pub mod registry;
mod rows;
mod sequential;
#[doc(hidden)]
pub mod simd;
mod spec;
mod split;
mod strategy;
mod tiled;
pub mod tuning;
mod workspace;

pub use builder::Conv2dBuilder;
pub use conv1d::{Conv1d, Conv1dBuilder, Padding1d};
pub use epilogue::Activation;
pub use error::Error;
pub use filter::{Filter2d, FilterBank, FilterExplanation, Filters, Picture, Sample};
pub use gradient::Gradients;
pub use isa::{ISA_VARIABLE, Isa};
pub use kernel::{Family, Geometry, Kernel};
pub use layer::Conv2d;
pub use lines::zeros_on_a_line;
pub use machine::Machine;
pub use planner::{Borders, Candidate, Explanation, Planner, Verdict, WorkspaceBytes};
pub use pooling::Pooling;
pub use processor::Maker;
pub use receptive::ReceptiveField;
pub use sequential::{Layer, Sequential};
pub use spec::{Border, ConvSpec, Margins, Padding, Shape};
pub use strategy::Strategy;
pub use strategy::separable::Separability;

/// Generates the kernels of one convolution whose shape is known while compiling.
///
/// Put it on a unit struct; the struct gains `layer(filter)`, which returns a [`Conv2dBuilder`]
/// that is bound to these kernels. The filter is `[K_h, K_w, C_in / groups, C_out]`.
///
/// | key | value | default |
/// |---|---|---|
/// | `delta` | Δ: the filter is `2Δ + 1` pixels square | one of `delta` and `kernel` |
/// | `kernel` | `[rows, columns]` of the filter | |
/// | `c_in`, `c_out` | channels of input and output | required |
/// | `stride`, `dilation` | a number, or `[down, across]` | 1 |
/// | `groups` | groups of channels that do not see each other | 1 |
///
/// ```
/// use ndarray::{Array3, Array4};
///
/// /// Edges and colours of a photograph.
/// #[tapwise::conv2d(delta = 1, c_in = 3, c_out = 16)]
/// pub struct Stem;
///
/// # fn main() -> Result<(), tapwise::Error> {
/// let filter = Array4::from_elem((3, 3, 3, 16), 0.1);
/// let stem = Stem::layer(filter.view()).build()?;
/// let hidden = stem.forward(Array3::ones((20, 30, 3)).view())?;
/// assert_eq!(hidden.dim(), (20, 30, 16));
/// assert!((hidden[[5, 5, 0]] - 2.7).abs() < 1e-5);
/// # Ok(())
/// # }
/// ```
///
/// The expansion contains `unsafe` (the kernels' descriptors and their registration): a crate that
/// forbids unsafe code has to take its annotated shapes from another.
///
/// A mistake is an error on the token that made it:
///
/// ```compile_fail
/// #[tapwise::conv2d(delta = 1, kernel = [3, 3], c_in = 3, c_out = 16)]
/// struct Both;
/// ```
pub use tapwise_macros::conv2d;

/// Turns a constant into an image filter whose weights are folded while compiling: zeros vanish, ±1 become
/// additions, a separable filter becomes two passes.
///
/// The constant becomes a [`Filter2d`], or a [`FilterBank`] where it is a list of filters of one size. Its
/// value is an array of rows of numbers (literals and their arithmetic), the name of a filter such as
/// `gaussian(sigma = 1.5, radius = 4)`, or what `then`, `plus`, `minus`, `scaled` and `flipped` make of
/// those; `docs/filters.md` lists them all.
/// Sizes go from 1 to 63 each way. `#[filter2d(tolerance = 1e-6)]` allows weights to be approximated by
/// fewer products, so far from them in the root of the mean square; without it nothing is approximated.
///
/// ```
/// use ndarray::Array2;
///
/// /// Four grey neighbours against the middle.
/// #[tapwise::filter2d]
/// pub const EDGES: [[f32; 3]; 3] = [[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]];
///
/// /// A blur, and how it is computed.
/// #[tapwise::filter2d]
/// pub const BLUR: tapwise::Filter2d = gaussian(sigma = 1.5, radius = 4);
///
/// # fn main() -> Result<(), tapwise::Error> {
/// let grey = Array2::<f32>::ones((40, 60));
/// assert_eq!(EDGES.apply(grey.view())?[[20, 30]], 0.0);
/// assert!((BLUR.apply(grey.view())?[[20, 30]] - 1.0).abs() < 1e-6);
/// assert_eq!(BLUR.explain().terms, 1);
/// println!("{}", BLUR.explain());
/// # Ok(())
/// # }
/// ```
///
/// A mistake is an error on the token that made it:
///
/// ```compile_fail
/// #[tapwise::filter2d]
/// const RAGGED: [[f32; 3]; 2] = [[1.0, 2.0, 1.0], [1.0, 2.0]];
/// ```
pub use tapwise_macros::filter2d;

/// An image filter as an expression, written as in [`macro@filter2d`].
///
/// ```
/// let bytes = ndarray::Array2::<u8>::from_elem((8, 8), 100);
/// let blurred: ndarray::Array2<u8> =
///     tapwise::filter! { gaussian(sigma = 1.0, radius = 2) }.apply(bytes.view())?;
/// assert_eq!(blurred[[4, 4]], 100);
/// # Ok::<(), tapwise::Error>(())
/// ```
pub use tapwise_macros::filter;

/// Generates kernels for layers that are only built at run time, from a model file say: a layer of
/// one of these shapes finds its kernel wherever in the program it was compiled.
///
/// Each set in braces takes the keys of [`macro@conv2d`], written `key: value`. A list of values
/// multiplies out: `c_in: [16, 32], c_out: [16, 32]` are four shapes. `[3, 5]` for `kernel`,
/// `stride` or `dilation` is one pair; several are `[[3, 3], [5, 5]]`.
///
/// ```
/// tapwise::specialize! {
///     { delta: [1, 2], c_in: 4, c_out: [8, 16] }
///     { kernel: [3, 3], stride: 2, c_in: 3, c_out: 8 }
/// }
/// # fn main() {
/// assert!(tapwise::registry::kernels().count() >= 5);
/// # }
/// ```
///
/// A kernel registers itself when the crate that compiled it is linked. A crate of kernels that is
/// merely listed in Cargo.toml is not linked: write `use that_crate as _;` once in the program.
pub use tapwise_macros::specialize;

/// The README's program, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// The programs of the derivation, run as tests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/derivation.md")]
struct Derivation;

/// The program of the page about filters, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../../docs/filters.md")]
struct FiltersPage;

/// What generated code uses. Nothing here is stable, and none of it is for people.
#[doc(hidden)]
pub mod __private {
    pub use crate::builder::bound;
    pub use crate::filter::program as filter;
    pub use crate::kernel::{
        Ahead, Band, Beside, Description, Family, Finish, Finishes, Geometry, Kernel, Numbers, Panels,
        PhasedFinish, PlanarFinish, Tile, Tiling, alignment, column, ends, entries, first, head, next,
        next_entries, of_entry, of_entry_mut, part, run, run_mut, sides, slide, steps, tail, tail_mut,
        vectors, window, window_mut,
    };
    pub use crate::layout;
    pub use crate::registry::KERNELS;
    pub use crate::simd;
    pub use crate::simd::strips::{Strips, StripsMut, Taps, Tiles, tile_mut};
    pub use crate::simd::together::{Seen, Sources, Targets, Written};
    pub use crate::simd::windows::{Windows, WindowsMut, runs};
    pub use crate::strategy::separable::{ColumnSums, Passes, RowSums, turned};
    pub use crate::strategy::winograd::{Across, Algorithm, Down, Finishing, Transform};
    pub use crate::tuning::{EMBEDDED, check as check_tuning};
    pub use linkme;
    pub use ndarray;
    pub use tapwise_macros::{two_pass_kernels, winograd_transforms};
}
