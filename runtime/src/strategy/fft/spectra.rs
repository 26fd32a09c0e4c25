//! The transforms of one length and the spectra of a layer's filter at that length.

use std::fmt;
use std::sync::Arc;

use ndarray::{Array4, ArrayView4};
use rustfft::num_complex::Complex;
use rustfft::{Fft, FftDirection, FftNum, FftPlannerAvx, FftPlannerNeon, FftPlannerScalar};

use crate::epilogue::Epilogue;
use crate::isa::Isa;
use crate::kernel::Ready;
use crate::spec::ConvSpec;
use crate::tiled::Tiled;

/// What depends on the length of the transforms and on the filter.
pub(super) struct Spectra {
    /// Complex numbers of a transform.
    pub(super) points: usize,
    pub(super) forward: Arc<dyn Fft<f32>>,
    pub(super) inverse: Arc<dyn Fft<f32>>,
    /// For each output channel, the filter's spectra packed for the kernel that sums over filter rows
    /// and input channels.
    pub(super) filters: Vec<Tiled>,
}

impl Spectra {
    /// Bytes of the filter's spectra.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.filters.iter().map(Tiled::bytes).sum()
    }
}

impl fmt::Debug for Spectra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spectra")
            .field("points", &self.points)
            .field("filters", &self.filters.len())
            .finish_non_exhaustive()
    }
}

impl Spectra {
    /// Transforms the rows of a filter `[K_h, K_w, C_in / groups, C_out]`, in f64 and rounded once.
    ///
    /// Row `a` of the filter, channel `c` to `d`, has the spectrum `W = conj(FFT(w)) / N`: the
    /// correlation's, with the scale of the way back. A kernel multiplies `W` with a spectrum `X` as
    /// `Re W · X + Im W · iX`, so that real and imaginary parts of `W` are filters of their own, with
    /// each number twice: for the real and for the imaginary part of `X`.
    pub(super) fn new(kernel: Ready, isa: Isa, spec: &ConvSpec, filter: &Array4<f32>, points: usize) -> Self {
        let [rows, columns] = spec.kernel;
        let transform = plan::<f64>(isa, points, FftDirection::Forward);
        let mut work = vec![Complex::default(); transform.get_inplace_scratch_len()];
        let mut row = vec![Complex::<f64>::default(); points];
        let laid_out = laid_out(spec, points);
        let epilogue = Epilogue::linear(laid_out.c_out);
        let mut packed = Array4::<f32>::zeros((laid_out.kernel[0], rows, 1, laid_out.c_out));
        let filters = (0..spec.c_out).map(|channel| {
            for a in 0..rows {
                for c in 0..spec.c_in_group() {
                    row.fill(Complex::default());
                    for b in 0..columns {
                        row[b * spec.dilation[1]].re = f64::from(filter[[a, b, c, channel]]);
                    }
                    transform.process_with_scratch(&mut row, &mut work);
                    for (at, weight) in row.iter().enumerate() {
                        let weight = weight.conj() / points as f64;
                        for (part, number) in [weight.re, weight.im].into_iter().enumerate() {
                            packed[[2 * c + part, a, 0, 2 * at]] = number as f32;
                            packed[[2 * c + part, a, 0, 2 * at + 1]] = number as f32;
                        }
                    }
                }
            }
            Tiled::new(kernel, &laid_out, packed.view() as ArrayView4<'_, f32>, &epilogue)
        });
        Spectra {
            points,
            filters: filters.collect(),
            forward: plan(isa, points, FftDirection::Forward),
            inverse: plan(isa, points, FftDirection::Inverse),
        }
    }

    /// Complex numbers that either transform works in.
    pub(super) fn work(&self) -> usize {
        self.forward.get_inplace_scratch_len().max(self.inverse.get_inplace_scratch_len())
    }
}

/// The sum over filter rows and input channels as a convolution of its own: the numbers of a spectrum
/// are channels that do not see each other, the rows of the picture lie along a row, and each input
/// channel brings two rows, its spectra and the same turned by a right angle.
fn laid_out(spec: &ConvSpec, points: usize) -> ConvSpec {
    let numbers = 2 * points;
    ConvSpec {
        stride: [1, spec.stride[0]],
        dilation: [1, spec.dilation[0]],
        groups: numbers,
        ..ConvSpec::new([2 * spec.c_in_group(), spec.kernel[0]], numbers, numbers)
    }
}

/// A transform by the instructions that a layer may use.
pub(super) fn plan<T: FftNum>(isa: Isa, points: usize, direction: FftDirection) -> Arc<dyn Fft<T>> {
    let scalar = || FftPlannerScalar::new().plan_fft(points, direction);
    match isa {
        Isa::Avx512 | Isa::Avx2 => {
            FftPlannerAvx::new().map_or_else(|()| scalar(), |mut planner| planner.plan_fft(points, direction))
        }
        Isa::Neon => FftPlannerNeon::new()
            .map_or_else(|()| scalar(), |mut planner| planner.plan_fft(points, direction)),
        _ => scalar(),
    }
}
