//! The algorithms that a layer can run by, one file each.

pub(crate) mod direct;
pub(crate) mod fft;
pub(crate) mod im2col_gemm;
pub(crate) mod naive;
pub(crate) mod separable;
pub(crate) mod specialized;
pub(crate) mod winograd;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use ndarray::{Array4, ArrayView3, ArrayView4, ArrayViewMut3, ArrayViewMut4};

use crate::engine::Fit;
use crate::epilogue::Epilogue;
use crate::error::Error;
use crate::frame::Frame;
use crate::isa::Isa;
use crate::kernel::Family;
use crate::machine::Machine;
use crate::planner::{Candidate, Planner};
use crate::spec::ConvSpec;
use crate::workspace::Scratch;

/// By which algorithm a layer runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Strategy {
    /// The planner chooses, for each size of input.
    #[default]
    Auto,
    /// Seven loops, summed in f64 and rounded once: the oracle.
    Naive,
    /// Patches laid out as the rows of a matrix, multiplied by the filter with a library's GEMM.
    Im2colGemm,
    /// Register-tiled kernels whose channel counts are run-time values: the sum as it stands. Under `Auto`
    /// also in two passes, where the filter of every channel is nearly the sum of few products of a column and
    /// a row, see [`Conv2dBuilder::two_passes`](crate::Conv2dBuilder::two_passes).
    Direct,
    /// Kernels that were generated for exactly this shape.
    Specialized,
    /// Tiles of outputs by fewer products, with transforms before and after: for filters of 3, 5 and 7
    /// taps, stride 1 and no groups.
    Winograd,
    /// Fast Fourier transforms along the rows, sums of spectra down the columns (overlap-save): for filters
    /// of many columns, of any stride, dilation and groups. A stride along the rows leaves away what was
    /// computed; down the columns it saves work. Numbers that are not finite spread over a part of the
    /// rows that read them, see the page of the crate.
    ///
    /// ```
    /// use ndarray::{Array3, Array4};
    /// use tapwise::{Conv2d, Strategy};
    /// let ring = |a: usize, b: usize| (a * a + b * b).abs_diff(2 * 15 * (a + b)) / 50 % 2;
    /// let filter = Array4::from_shape_fn((31, 31, 1, 1), |(a, b, _, _)| ring(a, b) as f32);
    /// let layer = Conv2d::builder(filter.view()).build()?;
    /// assert_eq!(layer.explain([1080, 1920]).strategy(), Strategy::Fft);
    /// let answer = layer.forward(Array3::<f32>::ones((60, 80, 1)).view())?;
    /// assert!((answer[[30, 40, 0]] - filter.sum()).abs() < 1e-2);
    /// # Ok::<(), tapwise::Error>(())
    /// ```
    Fft,
}

impl Strategy {
    /// Every strategy that computes, in the order of its declaration.
    pub const ALL: [Strategy; 6] = [
        Strategy::Naive,
        Strategy::Im2colGemm,
        Strategy::Direct,
        Strategy::Specialized,
        Strategy::Winograd,
        Strategy::Fft,
    ];

    /// The name in reports and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Strategy::Auto => "auto",
            Strategy::Naive => "naive",
            Strategy::Im2colGemm => "im2col-gemm",
            Strategy::Direct => "direct",
            Strategy::Specialized => "specialized",
            Strategy::Winograd => "winograd",
            Strategy::Fft => "fft",
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One band of output rows to be computed.
pub(crate) struct Band<'a, 'x, 'y> {
    /// The layer on a picture of this size.
    pub(crate) frame: &'a Frame,
    /// Bias and activation.
    pub(crate) epilogue: &'a Epilogue,
    /// The whole picture, `[H, W, C_in]`.
    pub(crate) input: ArrayView3<'x, f32>,
    /// The rows to be written, `[rows, W', C_out]`, or twice as many channels for a CReLU.
    pub(crate) output: ArrayViewMut3<'y, f32>,
    /// What is added to the sums of those rows, `[rows, W', C_out]`.
    pub(crate) residual: Option<ArrayView3<'x, f32>>,
    /// Which row of the whole output the first of them is.
    pub(crate) first: usize,
}

/// Whole pictures of a batch to be computed.
pub(crate) struct Batch<'a, 'x, 'y> {
    /// The layer on a picture of this size.
    pub(crate) frame: &'a Frame,
    /// Bias and activation.
    pub(crate) epilogue: &'a Epilogue,
    /// The pictures, `[N, H, W, C_in]`.
    pub(crate) inputs: ArrayView4<'x, f32>,
    /// The answers, `[N, H', W', C_out]`, or twice as many channels for a CReLU.
    pub(crate) outputs: ArrayViewMut4<'y, f32>,
}

/// Which of the ways that a strategy has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Variant {
    /// The family of its kernel, where it was generated.
    pub(crate) family: Option<Family>,
    /// Outputs of a tile, where products are saved.
    pub(crate) tile: Option<[usize; 2]>,
    /// Whether it sums in two passes.
    pub(crate) two_passes: bool,
}

impl Variant {
    /// The one of a candidate.
    pub(crate) fn of(candidate: &Candidate) -> Self {
        let Candidate { family, tile, rank, .. } = *candidate;
        Variant { family, tile, two_passes: rank.is_some() }
    }
}

/// A strategy made ready for one layer: its weights are packed.
pub(crate) trait Path: Send + Sync + fmt::Debug {
    /// Which strategy this is.
    fn strategy(&self) -> Strategy;
    /// Decides what depends on the size of the picture, whose output is cut into `bands`, for one of
    /// the strategy's variants.
    fn fit(&self, _frame: &Frame, _machine: &Machine, _bands: usize, _variant: Variant) -> Fit {
        Fit::default()
    }
    /// Bytes of weights, bias and slopes that it holds.
    #[cfg(test)]
    fn packed_bytes(&self) -> usize;
    /// Rows that every band has a multiple of, but for the last.
    fn grain(&self, _fit: &Fit) -> usize {
        1
    }
    /// Computes several pictures at once, in the bits of one after another, or leaves them alone and says
    /// `false` where nothing is gained.
    fn batch(&self, _batch: Batch<'_, '_, '_>, _fit: &Fit, _scratch: &mut Scratch) -> bool {
        false
    }
    /// Computes some channels of a band, as [`crate::split::Channels`] says they may be divided: the band's
    /// output has no others. What has no such division is never asked.
    fn channels(&self, _band: Band<'_, '_, '_>, _channels: Range<usize>, _fit: &Fit, _scratch: &mut Scratch) {
        debug_assert!(false, "{} shares no channels", self.strategy());
    }
    /// Computes a band. Rows of one output are computed alike whatever band they fall into.
    fn band(&self, band: Band<'_, '_, '_>, fit: &Fit, scratch: &mut Scratch);
}

/// Makes a strategy ready for a layer.
///
/// # Errors
/// [`Error::Unsupported`] where it cannot serve.
pub(crate) fn pack(
    strategy: Strategy,
    isa: Isa,
    spec: &ConvSpec,
    filter: &Array4<f32>,
    epilogue: &Epilogue,
    planner: &Planner,
) -> Result<Arc<dyn Path>, Error> {
    let family = planner.family;
    let unsupported = |reason: String| Error::Unsupported { strategy, layer: spec.to_string(), reason };
    Ok(match strategy {
        Strategy::Naive | Strategy::Auto => Arc::new(naive::Naive { filter: filter.clone() }),
        Strategy::Im2colGemm => Arc::new(im2col_gemm::Im2colGemm { filter: filter.clone() }),
        Strategy::Direct => Arc::new(
            direct::Direct::new(isa, spec, filter, epilogue, planner)
                .ok_or_else(|| unsupported(direct::missing(isa, family)))?,
        ),
        Strategy::Fft => {
            Arc::new(fft::Fft::new(isa, spec, filter).ok_or_else(|| unsupported(direct::missing(isa, None)))?)
        }
        Strategy::Specialized => {
            specialized::kernels(isa, spec, family).map_err(unsupported)?;
            Arc::new(
                specialized::Specialized::new(isa, spec, filter, epilogue, family)
                    .ok_or_else(|| unsupported(format!("this machine has no {isa}")))?,
            )
        }
        Strategy::Winograd => {
            Arc::new(winograd::Winograd::new(isa, spec, filter, epilogue).map_err(unsupported)?)
        }
    })
}
