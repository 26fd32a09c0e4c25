//! Large filters by fast Fourier transforms along the rows, and sums down the columns.
//!
//! A row of output is a sum over filter rows of one-dimensional correlations, each of which is a
//! product of spectra. Rows are cut into tiles that overlap by the filter's columns (overlap-save:
//! Stockham, "High-speed convolution and correlation", 1966), each row of a tile is transformed once,
//! and the sums over filter rows and input channels are made of spectra: a depthwise convolution down
//! the rows, whose channels are the frequencies, by the library's own kernels. `docs/kernels/fft.md`
//! says why columns are not transformed.

mod layout;
mod prediction;
mod rows;
mod spectra;

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use ndarray::{Array4, Axis, s};
use rustfft::num_complex::Complex;

pub(crate) use self::layout::Layout;
use self::layout::MOST_ROWS;
pub(crate) use self::prediction::{contends, most_bands, predict};
use self::spectra::Spectra;
use super::{Band, Path, Strategy, Variant, direct};
use crate::engine::Fit;
use crate::frame::Frame;
use crate::isa::Isa;
use crate::kernel::{Family, Ready, Tiling};
use crate::machine::Machine;
use crate::spec::ConvSpec;
use crate::workspace::{Scratch, recycle};

/// Lengths of transforms whose spectra a layer keeps.
const LENGTHS: usize = 8;

/// The FFT strategy of one layer.
#[derive(Debug)]
pub(crate) struct Fft {
    isa: Isa,
    kernel: Ready,
    spec: ConvSpec,
    /// `[K_h, K_w, C_in / groups, C_out]`.
    filter: Array4<f32>,
    /// How register tiles cover one row, two rows and so on.
    tilings: Vec<Tiling>,
    /// Spectra of the filter by the length of their transforms, made when first needed.
    spectra: Mutex<Vec<Arc<Spectra>>>,
}

impl Fft {
    /// Of a layer, or nothing where this machine lacks the instruction set.
    pub(crate) fn new(isa: Isa, spec: &ConvSpec, filter: &Array4<f32>) -> Option<Self> {
        let kernel = direct::of_family(isa, Family::Depthwise)?.ready()?;
        let tiles = |rows| crate::tiled::tiling(kernel.description(), rows);
        Some(Fft {
            isa,
            kernel,
            spec: *spec,
            filter: filter.clone(),
            tilings: (1..=MOST_ROWS).map(tiles).collect(),
            spectra: Mutex::default(),
        })
    }

    fn spectra(&self, points: usize) -> Arc<Spectra> {
        let mut known = self.spectra.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(spectra) = known.iter().find(|spectra| spectra.points == points) {
            return Arc::clone(spectra);
        }
        let spectra = Arc::new(Spectra::new(self.kernel, self.isa, &self.spec, &self.filter, points));
        if known.len() == LENGTHS {
            known.remove(0);
        }
        known.push(Arc::clone(&spectra));
        spectra
    }
}

impl Path for Fft {
    fn strategy(&self) -> Strategy {
        Strategy::Fft
    }

    #[cfg(test)]
    fn packed_bytes(&self) -> usize {
        let known = self.spectra.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().map(|spectra| spectra.bytes()).sum()
    }

    fn fit(&self, frame: &Frame, machine: &Machine, _bands: usize, _variant: Variant) -> Fit {
        let mut layout = Layout::of(frame, machine);
        layout.transform = layout.transform.max(self.spectra(layout.points).work());
        Fit::of_fft(layout)
    }

    fn band(&self, band: Band<'_, '_, '_>, fit: &Fit, scratch: &mut Scratch) {
        let Band { frame, epilogue, input, mut output, residual, first } = band;
        let Some(layout) = &fit.fft else { return };
        let spectra = self.spectra(layout.points);
        let spec = &frame.spec;
        let (numbers, pitch, held) = (2 * layout.points, layout.pitch(), layout.held(spec));
        let mut tables = scratch.tables();
        let floats = scratch.floats(layout.floats(frame));
        let (spectra_of_rows, floats) = floats.split_at_mut(layout.spectra(spec));
        let (sums, floats) = floats.split_at_mut(layout.rows * numbers);
        let (staged, work) = floats.split_at_mut(numbers);
        let work = complex(work);
        let rows = output.len_of(Axis(0));
        let steps = [spec.dilation[0] * pitch, spec.stride[0] * pitch];
        let mut table: Vec<&[f32]> = recycle(std::mem::take(&mut tables.inputs));

        for (pair, group) in
            (0..layout.pairs).flat_map(|pair| (0..spec.groups).map(move |group| (pair, group)))
        {
            // The rows of the padded picture whose spectra are there.
            let mut there = 0..0;
            for block in (0..rows).step_by(layout.rows) {
                let count = layout.rows.min(rows - block);
                let from = (first + block) * spec.stride[0];
                let wanted = from..from + (count - 1) * spec.stride[0] + spec.extent()[0];
                for (c, memory) in spectra_of_rows.chunks_exact_mut(2 * held * pitch).enumerate() {
                    let channel = group * spec.c_in_group() + c;
                    let stage = |at: usize, signal: &mut [f32]| {
                        rows::stage(frame, layout, &input, (at, channel, pair), staged, signal)
                    };
                    advance(&spectra, memory, pitch, [&there, &wanted], work, stage);
                }
                there = wanted;
                for d in group * spec.c_out_group()..(group + 1) * spec.c_out_group() {
                    let sums = &mut sums[..count * numbers];
                    let mut table_of_rows = recycle(std::mem::take(&mut table));
                    table_of_rows.extend(spectra_of_rows.chunks_exact(held * pitch));
                    spectra.filters[d].run_apart(
                        &table_of_rows,
                        sums,
                        &self.tilings[count - 1],
                        steps,
                        count,
                    );
                    table = recycle(table_of_rows);
                    for (row, signal) in sums.chunks_exact_mut(numbers).enumerate() {
                        // One by one: transforms of several rows round otherwise where they go in pairs.
                        spectra.inverse.process_with_scratch(complex(signal), work);
                        for part in 0..2 {
                            let tile = 2 * pair + part;
                            let outputs = rows::outputs(frame, layout, tile);
                            if outputs.is_empty() {
                                continue;
                            }
                            let skip = outputs.start * spec.stride[1] - tile * layout.tile;
                            let signal = (&*signal, part, skip, spec.stride[1]);
                            let line = |at| s![block + row, outputs.clone(), at];
                            let residual = residual.map(|residual| residual.slice_move(line(d)));
                            for (channel, at) in epilogue.ways(d) {
                                rows::deliver(signal, &channel, residual, output.slice_mut(line(at)));
                            }
                        }
                    }
                }
            }
        }
        tables.inputs = recycle(table);
        scratch.keep(tables);
    }
}

/// Makes the spectra of rows `wanted` of the padded picture in `memory`, straight and turned, where those
/// of rows `there` are: what is in both moves to the front, the others are transformed. `stage` lays a row
/// out as a signal and says whether there is anything but zeros.
fn advance(
    spectra: &Spectra,
    memory: &mut [f32],
    pitch: usize,
    [there, wanted]: [&Range<usize>; 2],
    work: &mut [Complex<f32>],
    mut stage: impl FnMut(usize, &mut [f32]) -> bool,
) {
    let (straight, turned) = memory.split_at_mut(memory.len() / 2);
    let from = wanted.start.min(there.end) - there.start;
    for spectra in [&mut *straight, &mut *turned] {
        spectra.copy_within(from * pitch..there.len() * pitch, 0);
    }
    let new = wanted.start.max(there.end)..wanted.end;
    let old = new.start - wanted.start;
    let places = straight.chunks_exact_mut(pitch).zip(turned.chunks_exact_mut(pitch)).skip(old);
    for (at, (straight, turned)) in new.zip(places) {
        let (signal, turned) = (&mut straight[..2 * spectra.points], &mut turned[..2 * spectra.points]);
        if stage(at, signal) {
            spectra.forward.process_with_scratch(complex(signal), work);
        }
        rows::turn(signal, turned);
    }
}

/// Numbers as complex ones, real and imaginary parts in turn.
fn complex(numbers: &mut [f32]) -> &mut [Complex<f32>] {
    bytemuck::try_cast_slice_mut(numbers).unwrap_or_default()
}
