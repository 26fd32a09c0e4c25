//! Pictures and answers of every shape as surfaces, and bands of them on the threads of the pool.

use bytemuck::Pod;
use ndarray::parallel::prelude::*;
use ndarray::{
    Array, Array4, ArrayView, ArrayView2, ArrayView3, ArrayViewMut, ArrayViewMut3, ArrayViewMut4, Axis,
    Dimension, Ix2, Ix3,
};

use super::along_first::AlongFirst;
use super::byte_windows::ByteWindows;
use super::bytes::ByteSums;
use super::passes::Passes;
use super::program::{BytePasses, Bytes, Form};
use super::sample::{Filters, Sample};
use super::sums::Sums;
use super::surface::Surface;
use super::window::Windows;
use super::{Handle, layer};
use crate::Error;
use crate::frame::Frame;
use crate::isa::Isa;
use crate::machine::Machine;
use crate::memory;
use crate::spec::ConvSpec;
use crate::split::SERIAL;
use crate::workspace::{Pool, Scratch};

/// Cycles of a processor in a second, for the question whether work is worth sharing.
const CYCLES: f64 = 3e9;

/// Rows of an answer that more is done with at a time, or the next multiple of those that are computed at once or after
/// which windows begin anew.
const PIECE: usize = 32;

/// Scratch of all filters of the process.
pub(super) static POOL: Pool = Pool::new();

/// The axes that a picture may have: `[H, W]` or `[H, W, C]`.
pub trait Picture: Dimension + sealed::Sealed {
    /// The picture as `[H, W, C]`.
    #[doc(hidden)]
    fn channels_last<T>(picture: ArrayView<'_, T, Self>) -> ArrayView3<'_, T>;
    /// Of `[H, W, C, 1]` the answer of a filter.
    #[doc(hidden)]
    fn one_answer<T>(answers: Array4<T>) -> Array<T, Self>;
    /// Of `[H, W, C, 2]` the two answers.
    #[doc(hidden)]
    fn two_answers<T: Clone>(answers: Array4<T>) -> (Array<T, Self>, Array<T, Self>);
    /// Of `[H, W, C, N]` the answer of a bank.
    #[doc(hidden)]
    fn answers<T>(answers: Array4<T>) -> Array<T, Self::Larger>;
    /// The answer of a filter as `[H, W, C, 1]`.
    #[doc(hidden)]
    fn one_answer_mut<T>(answer: ArrayViewMut<'_, T, Self>) -> ArrayViewMut4<'_, T>;
    /// The answer of a bank as `[H, W, C, N]`.
    #[doc(hidden)]
    fn answers_mut<T>(answers: ArrayViewMut<'_, T, Self::Larger>) -> ArrayViewMut4<'_, T>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for ndarray::Ix2 {}
    impl Sealed for ndarray::Ix3 {}
}

/// The axis of channels, and that of filters.
const CHANNELS: Axis = Axis(2);
const FILTERS: Axis = Axis(3);

impl Picture for Ix2 {
    fn channels_last<T>(picture: ArrayView<'_, T, Self>) -> ArrayView3<'_, T> {
        picture.insert_axis(CHANNELS)
    }

    fn one_answer<T>(answers: Array4<T>) -> Array<T, Self> {
        answers.index_axis_move(FILTERS, 0).index_axis_move(CHANNELS, 0)
    }

    fn two_answers<T: Clone>(answers: Array4<T>) -> (Array<T, Self>, Array<T, Self>) {
        let (first, second) = Ix3::two_answers(answers);
        (first.index_axis_move(CHANNELS, 0), second.index_axis_move(CHANNELS, 0))
    }

    fn answers<T>(answers: Array4<T>) -> Array<T, Self::Larger> {
        answers.index_axis_move(CHANNELS, 0)
    }

    fn one_answer_mut<T>(answer: ArrayViewMut<'_, T, Self>) -> ArrayViewMut4<'_, T> {
        answer.insert_axis(CHANNELS).insert_axis(FILTERS)
    }

    fn answers_mut<T>(answers: ArrayViewMut<'_, T, Self::Larger>) -> ArrayViewMut4<'_, T> {
        answers.insert_axis(CHANNELS)
    }
}

impl Picture for Ix3 {
    fn channels_last<T>(picture: ArrayView<'_, T, Self>) -> ArrayView3<'_, T> {
        picture
    }

    fn one_answer<T>(answers: Array4<T>) -> Array<T, Self> {
        answers.index_axis_move(FILTERS, 0)
    }

    fn two_answers<T: Clone>(mut answers: Array4<T>) -> (Array<T, Self>, Array<T, Self>) {
        let second = answers.index_axis(FILTERS, 1).to_owned();
        answers.collapse_axis(FILTERS, 0);
        (answers.index_axis_move(FILTERS, 0), second)
    }

    fn answers<T>(answers: Array4<T>) -> Array<T, Self::Larger> {
        answers
    }

    fn one_answer_mut<T>(answer: ArrayViewMut<'_, T, Self>) -> ArrayViewMut4<'_, T> {
        answer.insert_axis(FILTERS)
    }

    fn answers_mut<T>(answers: ArrayViewMut<'_, T, Self::Larger>) -> ArrayViewMut4<'_, T> {
        answers
    }
}

impl Handle {
    /// The filter laid over one channel of a picture.
    fn frame<T>(&self, picture: &ArrayView3<'_, T>) -> Result<Frame, Error> {
        let (height, width, channels) = picture.dim();
        for (axis, length) in [("H", height), ("W", width), ("C", channels)] {
            if length == 0 {
                return Err(Error::Empty { array: "input", axis });
            }
        }
        let spec = ConvSpec::new(self.program.size, 1, 1);
        Frame::new(ConvSpec { padding: self.padding, border: self.border, ..spec }, [height, width])
    }

    /// Room for the answer, `[H', W', C, N]`: a plane for each filter, in the picture's memory order.
    pub(super) fn room<I, O: Sample>(&self, picture: &ArrayView3<'_, I>) -> Result<Array4<O>, Error> {
        let [height, width] = self.frame(picture)?.output;
        let (channels, filters) = (picture.len_of(CHANNELS), self.program.filters);
        memory::room("output", &[filters, height, width, channels])?;
        let planar =
            channels > 1 && picture.strides()[2].unsigned_abs() > picture.strides()[1].unsigned_abs();
        Ok(if planar {
            let planes = Array4::default((filters, channels, height, width));
            planes.permuted_axes([2, 3, 1, 0])
        } else {
            let planes = Array4::default((filters, height, width, channels));
            planes.permuted_axes([1, 2, 3, 0])
        })
    }

    fn check<I, O>(
        &self,
        picture: &ArrayView3<'_, I>,
        answer: &ArrayViewMut4<'_, O>,
    ) -> Result<Frame, Error> {
        let frame = self.frame(picture)?;
        let [height, width] = frame.output;
        let wanted = [height, width, picture.len_of(CHANNELS), self.program.filters];
        for ((axis, &found), wanted) in ["H", "W", "C", "N"].into_iter().zip(answer.shape()).zip(wanted) {
            if found != wanted {
                return Err(Error::Length { array: "output", axis, found, wanted });
            }
        }
        Ok(frame)
    }

    /// Filters a picture `[H, W, C]` to `[H', W', C, N]`.
    pub(super) fn run<I, O>(
        &self,
        picture: ArrayView3<'_, I>,
        answer: ArrayViewMut4<'_, O>,
    ) -> Result<(), Error>
    where
        I: Filters<O>,
        O: Sample,
    {
        self.run_then(picture, answer, None::<fn(&Passes, ArrayViewMut3<'_, O>)>)
    }

    /// As `run`, and `then` for every few rows of the answer while they are in a cache.
    fn run_then<I, O>(
        &self,
        picture: ArrayView3<'_, I>,
        mut answer: ArrayViewMut4<'_, O>,
        then: Option<impl Fn(&Passes, ArrayViewMut3<'_, O>) + Sync>,
    ) -> Result<(), Error>
    where
        I: Filters<O>,
        O: Sample,
    {
        let frame = self.check(&picture, &answer)?;
        let isa = match self.isa {
            Some(isa) => isa.or_unavailable()?,
            None => Isa::selected()?,
        };
        let unavailable =
            || Error::InstructionSet { found: isa.name().to_owned(), available: Isa::available().collect() };
        let passes = Passes::of(isa).ok_or_else(unavailable)?;
        let machine = Machine::detect(isa);
        let program = self.program;
        if let Some(bytes) = &program.bytes
            && let Some(picture) = I::bytes(picture)
            && let Some(answer) = O::bytes_mut(&mut answer)
        {
            let done = match bytes {
                Bytes::Integers(passes) => self.bytes(passes, &machine, frame, picture, answer),
                Bytes::Floats(passes) => self.bytes(passes, &machine, frame, picture, answer),
                Bytes::Windows(of_window) => {
                    windows_of_bytes(of_window, &passes, &machine, frame, picture, answer)
                }
            };
            return done.ok_or_else(unavailable);
        }
        // Bytes of the picture and the answer, which passes the caches by where they exceed a quarter of the last of
        // them, unless there is more to do with it: between two calls others use it too.
        let bytes = picture.len() * size_of::<I>() + answer.len() * size_of::<O>();
        let stream = then.is_none() && bytes > machine.l3 / 4;
        let piece = match program.form {
            Form::Window { anew, .. } => PIECE.next_multiple_of(anew.max(1)),
            Form::Sums(_) => {
                program.kernel(isa).map_or(PIECE, |kernel| PIECE.next_multiple_of(kernel.together()))
            }
            Form::Layer => PIECE,
        };
        let pieces = |mut output: ArrayViewMut3<'_, O>,
                      first: usize,
                      work: &mut dyn FnMut(ArrayViewMut3<'_, O>, usize)| {
            let Some(then) = &then else { return work(output, first) };
            for (first, mut rows) in (first..).step_by(piece).zip(output.axis_chunks_iter_mut(Axis(1), piece))
            {
                work(rows.view_mut(), first);
                then(&passes, rows);
            }
        };
        match program.form {
            Form::Sums(terms) => {
                let kernel = program.kernel(isa).ok_or_else(unavailable)?;
                surfaces(frame, machine.l2, picture, answer, |surface, input, output| {
                    let (passes, flipped, grain) = (&passes, self.flipped, kernel.together());
                    let sums = Sums { surface, kernel, passes, terms, flipped, stream };
                    let along = AlongFirst { surface, kernel, passes, terms: terms.len(), flipped, stream };
                    bands(program.cycles, &machine, &surface, output, grain, |output, first, scratch| {
                        pieces(output, first, &mut |output, first| match kernel.along_first() {
                            true => along.band(input, output, first, scratch),
                            false => sums.band(input, output, first, scratch),
                        });
                    });
                });
            }
            Form::Window { weight, anew } => {
                surfaces(frame, machine.l2, picture, answer, |surface, input, output| {
                    let along = program.kernel(isa);
                    let anew = anew.max(1);
                    let windows = Windows { surface, passes: &passes, along, weight, anew, stream };
                    bands(
                        program.cycles,
                        &machine,
                        &surface,
                        output,
                        windows.anew,
                        |output, first, scratch| {
                            pieces(output, first, &mut |output, first| {
                                windows.band(input, output, first, scratch)
                            });
                        },
                    );
                })
            }
            Form::Layer => {
                layer::run(self, isa, &passes, picture, answer.view_mut())?;
                if let Some(then) = &then {
                    for plane in answer.axis_iter_mut(CHANNELS) {
                        then(&passes, plane.permuted_axes([2, 0, 1]));
                    }
                }
            }
        }
        Ok(())
    }

    /// Filters bytes to bytes; nothing where there are no passes for the instruction set of the machine.
    fn bytes<T: Pod + Default + Sync>(
        &self,
        passes: &BytePasses<T>,
        machine: &Machine,
        frame: Frame,
        picture: ArrayView3<'_, u8>,
        answer: ArrayViewMut4<'_, u8>,
    ) -> Option<()> {
        let kernel = passes.kernel(machine.isa)?;
        surfaces(frame, machine.l2, picture, answer, |surface, input, output| {
            let sums = ByteSums { surface, kernel, terms: passes.terms, flipped: self.flipped };
            bands(passes.cycles, machine, &surface, output, 1, |output, first, scratch| {
                sums.band(input, output.index_axis_move(Axis(0), 0), first, scratch);
            });
        });
        Some(())
    }

    /// Filters by a pair of filters to length and direction, `[H', W', C, 2]`.
    pub(super) fn polar<I: Filters<f32>>(
        &self,
        picture: ArrayView3<'_, I>,
        both: ArrayViewMut4<'_, f32>,
    ) -> Result<(), Error> {
        if self.program.filters != 2 {
            return Err(Error::Parameter {
                parameter: "filters of the bank",
                found: self.program.filters.to_string(),
                wanted: "2, one for each axis of the gradient".to_owned(),
            });
        }
        let polar = |passes: &Passes, mut both: ArrayViewMut3<'_, f32>| {
            let (mut x, mut y) = both.multi_slice_mut((ndarray::s![0, .., ..], ndarray::s![1, .., ..]));
            for (mut x, mut y) in x.rows_mut().into_iter().zip(y.rows_mut()) {
                match (x.as_slice_mut(), y.as_slice_mut()) {
                    (Some(x), Some(y)) => passes.polar(x, y),
                    _ => {
                        for (x, y) in x.iter_mut().zip(&mut y) {
                            passes.polar(std::slice::from_mut(x), std::slice::from_mut(y));
                        }
                    }
                }
            }
        };
        self.run_then(picture, both, Some(polar))
    }
}

/// Filters bytes to bytes by windows; nothing where there are no passes for the instruction set of the machine.
fn windows_of_bytes(
    of_window: &BytePasses<u16>,
    passes: &Passes,
    machine: &Machine,
    frame: Frame,
    picture: ArrayView3<'_, u8>,
    answer: ArrayViewMut4<'_, u8>,
) -> Option<()> {
    let kernel = of_window.kernel(machine.isa)?;
    surfaces(frame, machine.l2, picture, answer, |surface, input, output| {
        let windows = ByteWindows { surface, passes, kernel, powers: of_window.terms };
        bands(of_window.cycles, machine, &surface, output, 1, |output, first, scratch| {
            windows.band(input, output.index_axis_move(Axis(0), 0), first, scratch);
        });
    });
    Some(())
}

/// Shows a picture `[H, W, C]` and its answer `[H', W', C, N]` as rows of numbers: all channels side by
/// side where both have them so, else channel by channel.
fn surfaces<I: Sample, O: Sample>(
    frame: Frame,
    cache: usize,
    picture: ArrayView3<'_, I>,
    mut answer: ArrayViewMut4<'_, O>,
    mut work: impl FnMut(Surface, ArrayView2<'_, I>, ArrayViewMut3<'_, O>),
) {
    let step = picture.len_of(CHANNELS);
    let mut rows = picture;
    if rows.merge_axes(Axis(1), CHANNELS) {
        let mut outputs = answer.view_mut();
        if outputs.merge_axes(Axis(1), CHANNELS) {
            let outputs = outputs.index_axis_move(Axis(1), 0).permuted_axes([2, 0, 1]);
            return work(Surface { frame, step, cache }, rows.index_axis_move(Axis(1), 0), outputs);
        }
    }
    for (channel, output) in answer.axis_iter_mut(CHANNELS).enumerate() {
        let input = picture.index_axis(CHANNELS, channel);
        work(Surface { frame, step: 1, cache }, input, output.permuted_axes([2, 0, 1]));
    }
}

/// Shares the rows of `[N, H', W']` among the threads of the pool, in bands of a multiple of `grain` rows.
fn bands<O: Sample>(
    cycles: f64,
    machine: &Machine,
    surface: &Surface,
    mut output: ArrayViewMut3<'_, O>,
    grain: usize,
    work: impl Fn(ArrayViewMut3<'_, O>, usize, &mut Scratch) + Sync,
) {
    let rows = output.len_of(Axis(1));
    let vectors = (rows * surface.output()) as f64 / machine.isa.lanes() as f64;
    let seconds = vectors * cycles / CYCLES;
    let tasks = match machine.threads {
        threads if threads > 1 && seconds > SERIAL => 2 * threads,
        _ => 1,
    };
    let share = rows.div_ceil(tasks).next_multiple_of(grain).min(rows);
    POOL.with(rows.div_ceil(share), |scratches| {
        if let [scratch] = scratches {
            work(output, 0, scratch);
        } else {
            let bands = output.axis_chunks_iter_mut(Axis(1), share).into_par_iter();
            bands.zip(scratches).enumerate().with_max_len(1).for_each(|(band, (output, scratch))| {
                work(output, band * share, scratch);
            });
        }
    });
}
