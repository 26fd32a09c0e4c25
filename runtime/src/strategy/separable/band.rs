//! A band of output rows by two passes.
//!
//! A few rows are summed down the columns of the picture as it lies in memory, and then along the rows. The
//! border comes between: a padded column of sums is the sums of a column of the picture, or zeros.

use ndarray::{ArrayView3, ArrayViewMut2, ArrayViewMut3, Axis, s};

use super::passes::{ColumnSums, RowSums};
use super::{Fit, Separable, TILE, period};
use crate::epilogue::{Epilogue, at_least, residual_rows};
use crate::frame::{Frame, picture_row};
use crate::rows::{Ring, Space, pitch};
use crate::simd;
use crate::spec::Border;
use crate::strategy::Band;
use crate::workspace::{Scratch, recycle};

/// Rows of a block at most.
const ROWS: usize = 4;

/// Terms at most.
const TERMS: usize = super::analysis::MOST;

/// Numbers of a cache line.
const LINE: usize = 16;

/// How rows are read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ways {
    /// One plane after another; else the channels of a pixel together.
    planes: bool,
    /// Rows of the picture are copied, since their numbers do not lie side by side.
    gathers: bool,
    /// Rows of the output are written to scratch first.
    unpacks: bool,
    /// Rows of the residual are copied.
    adds: bool,
}

impl Ways {
    pub(super) fn of(
        input: &ArrayView3<'_, f32>,
        output: &ArrayView3<'_, f32>,
        residual: Option<&ArrayView3<'_, f32>>,
        doubles: bool,
    ) -> Self {
        let interleaved = is_in_place(input, false);
        let planes = is_in_place(input, true) && (input.len_of(Axis(2)) == 1 || !interleaved);
        Ways {
            planes,
            gathers: !planes && !interleaved,
            unpacks: doubles || !is_in_place(output, planes),
            adds: residual.is_some_and(|residual| !is_in_place(residual, planes)),
        }
    }

    /// Of pictures whose channels are interleaved.
    pub(super) fn interleaved(channels: usize) -> Self {
        Ways { planes: channels == 1, gathers: false, unpacks: false, adds: false }
    }
}

/// Whether the numbers of a row, or of one channel of it, lie side by side.
fn is_in_place(view: &ArrayView3<'_, f32>, planes: bool) -> bool {
    let row = view.index_axis(Axis(0), 0);
    if planes { row.slice(s![.., ..1]).to_slice().is_some() } else { row.to_slice().is_some() }
}

/// Where everything lies in scratch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// Channels that lie side by side.
    channels: usize,
    /// Rows of the picture that are held, and the row of zeros.
    space: Space,
    /// Rows of a block.
    rows: usize,
    /// Where the sums of the picture's own columns begin in a row of sums.
    lead: usize,
    /// Numbers from one row of sums to the next.
    pitch: usize,
    rank: usize,
    /// Numbers of a row that is written to scratch, and of one that is copied to be added.
    unpacked: usize,
    added: usize,
}

impl Layout {
    pub(super) fn of(frame: &Frame, ways: Ways, rank: usize, most: usize) -> Self {
        let spec = &frame.spec;
        let channels = if ways.planes { 1 } else { spec.c_in };
        let rows = if spec.dilation[0] == 1 && spec.kernel[0] >= most { most } else { 1 };
        let lead = (frame.margins[1].before * channels).next_multiple_of(LINE);
        let after = frame.reach() - frame.margins[1].before;
        let out = frame.output[1] * channels;
        let held = if ways.gathers { spec.extent()[0] + rows - 1 } else { 0 };
        Layout {
            channels,
            space: Space { rows: held, row: frame.input[1] * channels },
            rows,
            lead,
            pitch: pitch(lead + after * channels),
            rank,
            unpacked: if ways.unpacks { out } else { 0 },
            added: if ways.adds { out } else { 0 },
        }
    }

    /// Numbers of scratch.
    pub(super) fn floats(&self) -> usize {
        self.space.floats() + self.sums() + 2 * TILE + self.unpacked + self.added
    }

    fn sums(&self) -> usize {
        self.rank * self.rows * self.pitch
    }
}

/// The weights of some channels that lie side by side.
struct Weights<'w> {
    each: bool,
    period: usize,
    down: &'w [f32],
    along: &'w [f32],
    bias: &'w [f32],
    slopes: &'w [f32],
}

/// What all blocks of a band share.
struct Job<'a> {
    frame: &'a Frame,
    epilogue: &'a Epilogue,
    ways: Ways,
    layout: Layout,
    fit: &'a Fit,
    /// The plane, or 0.
    set: usize,
    weights: Weights<'a>,
}

/// Scratch of a block.
struct Room<'s> {
    sums: &'s mut [f32],
    unpacked: &'s mut [f32],
    added: &'s mut [f32],
}

impl Separable {
    /// Computes a band of output rows.
    pub(crate) fn band(&self, band: Band<'_, '_, '_>, fit: &Fit, scratch: &mut Scratch) {
        let Band { frame, epilogue, input, mut output, residual, first } = band;
        let ways = Ways::of(&input, &output.view(), residual.as_ref(), epilogue.doubles());
        let layout = Layout::of(frame, ways, self.rank, self.passes.rows().min(ROWS));
        let spec = &frame.spec;
        let mut tables = scratch.tables();
        tables.held.resize(layout.space.rows, 0);
        let floats = scratch.floats(layout.floats());
        let (mut ring, floats, _) = Ring::take(layout.space, floats, &mut tables.held);
        ring.stage_zeros();
        let (sums, floats) = floats.split_at_mut(layout.sums());
        let (biases, floats) = floats.split_at_mut(TILE);
        let (slopes, floats) = floats.split_at_mut(TILE);
        let (unpacked, added) = floats.split_at_mut(layout.unpacked);
        let mut room = Room { sums, unpacked, added };
        let mut table: Vec<&[f32]> = recycle(std::mem::take(&mut tables.inputs));

        for set in 0..if ways.planes { spec.c_out } else { 1 } {
            let weights = self.weights(frame, epilogue, ways, set, biases, slopes);
            let job = Job { frame, epilogue, ways, layout, fit, set, weights };
            // The channels of this set, as pictures of their own.
            let all = if ways.planes { set..set + 1 } else { 0..spec.c_out };
            let picture = input.slice_move(s![.., .., all.clone()]);
            let residual = residual.map(|residual| residual.slice_move(s![.., .., all.clone()]));
            let mut answer = if ways.unpacks { output.view_mut() } else { output.slice_mut(s![.., .., all]) };
            let count = answer.len_of(Axis(0));
            // Rows of the padded picture that rows of output read, from one of them on.
            let read = |at: usize, rows: usize| first + at..first + at + rows + spec.extent()[0] - 1;
            let rows_of = |at: usize| if count - at >= layout.rows { layout.rows } else { 1 };
            if ways.gathers {
                let mut at = 0;
                while at < count {
                    let rows = rows_of(at);
                    // Rows are held by their numbers in the padded picture: a border repeats others.
                    for row in read(at, rows) {
                        let Some(source) = frame.padded_row(row) else { continue };
                        ring.stage(row, |copy| gather(&picture, source, copy));
                    }
                    let mut inputs = recycle(std::mem::take(&mut table));
                    inputs.extend(read(at, rows).map(|row| match frame.padded_row(row) {
                        None => ring.zeros(),
                        Some(_) => ring.row(row),
                    }));
                    let answer = answer.slice_mut(s![at..at + rows, .., ..]);
                    self.block(&job, &inputs, residual_rows(residual, at, rows), answer, &mut room);
                    table = recycle(inputs);
                    at += rows;
                }
            } else {
                let mut inputs = recycle(std::mem::take(&mut table));
                inputs.extend(read(0, count).map(|row| match frame.padded_row(row) {
                    None => ring.zeros(),
                    Some(source) => picture_row(&picture, source).to_slice().unwrap_or_default(),
                }));
                let mut at = 0;
                while at < count {
                    let rows = rows_of(at);
                    let answer = answer.slice_mut(s![at..at + rows, .., ..]);
                    let residual = residual_rows(residual, at, rows);
                    self.block(&job, inputs.get(at..).unwrap_or_default(), residual, answer, &mut room);
                    at += rows;
                }
                table = recycle(inputs);
            }
        }
        tables.inputs = recycle(table);
        scratch.keep(tables);
        if fit.stream {
            simd::settle();
        }
    }

    /// The weights of a plane, or of all channels together.
    fn weights<'w>(
        &'w self,
        frame: &Frame,
        epilogue: &Epilogue,
        ways: Ways,
        set: usize,
        biases: &'w mut [f32],
        slopes: &'w mut [f32],
    ) -> Weights<'w> {
        let channels = frame.spec.c_out;
        let each = !ways.planes && !self.each[0].is_empty();
        let [down, along] = [0, 1].map(|side| {
            if each {
                return &self.each[side][..];
            }
            let length = self.rank * frame.spec.kernel[side];
            self.own[side].get(set * length..(set + 1) * length).unwrap_or_default()
        });
        let period = if each { period(channels) } else { 1 };
        if !ways.planes {
            return Weights { each, period, down, along, bias: &self.bias, slopes: &self.slopes };
        }
        biases.fill(epilogue.bias.get(set).copied().unwrap_or_default());
        let slopes = match epilogue.slopes.get(set) {
            Some(slope) => {
                slopes.fill(*slope);
                &*slopes
            }
            None => &[],
        };
        Weights { each, period, down, along, bias: biases, slopes }
    }

    /// Computes as many rows as `answer` has; `inputs` begin with the first that they read.
    fn block(
        &self,
        job: &Job<'_>,
        inputs: &[&[f32]],
        residual: Option<ArrayView3<'_, f32>>,
        mut answer: ArrayViewMut3<'_, f32>,
        room: &mut Room<'_>,
    ) {
        let Job { frame, epilogue, layout, weights, .. } = job;
        let count = answer.len_of(Axis(0));
        self.down(job, inputs, count, room.sums);
        // Where the padded picture's first column begins in a row of sums.
        let begin = layout.lead - frame.margins[1].before * layout.channels;
        // The halves of a CReLU are made of the sums afterwards.
        let linear = [f32::NEG_INFINITY, f32::INFINITY];
        let [floor, ceiling] = if epilogue.doubles() { linear } else { [epilogue.floor, epilogue.ceiling] };
        for (row, mut target) in answer.axis_iter_mut(Axis(0)).enumerate() {
            let mut of_terms: [&[f32]; TERMS] = Default::default();
            let terms = room.sums.chunks_exact_mut(layout.rows * layout.pitch);
            for (sums, term) in of_terms.iter_mut().zip(terms) {
                let padded = term.get_mut(row * layout.pitch + begin..).unwrap_or_default();
                pad(frame, layout, padded);
                *sums = padded;
            }
            let residual = residual.map(|residual| residual.index_axis_move(Axis(0), row));
            let residual = residual.as_ref().map_or(&[][..], |residual| {
                residual.to_slice().unwrap_or_else(|| {
                    room.added.iter_mut().zip(residual).for_each(|(to, from)| *to = *from);
                    &*room.added
                })
            });
            let own = if job.ways.unpacks { None } else { target.as_slice_mut() };
            let stream = job.fit.stream && own.is_some();
            let mut sums = RowSums {
                inputs: of_terms.get(..self.rank).unwrap_or_default(),
                taps: frame.spec.kernel[1],
                step: frame.spec.dilation[1] * layout.channels,
                weights: weights.along,
                period: weights.period,
                channels: layout.channels,
                output: own.unwrap_or(&mut *room.unpacked),
                residual,
                bias: weights.bias,
                slopes: weights.slopes,
                floor,
                ceiling,
                stream,
            };
            self.passes.along(weights.each, &mut sums);
            if job.ways.unpacks {
                deliver(job, room.unpacked, target);
            }
        }
    }

    /// Sums of `count` rows down the columns, for every term.
    fn down(&self, job: &Job<'_>, inputs: &[&[f32]], count: usize, sums: &mut [f32]) {
        let Job { frame, layout, weights, .. } = job;
        let taps = frame.spec.kernel[0];
        let step = frame.spec.dilation[0];
        // The rows that the next block reads and this one does not.
        let new = taps * step + count - 1;
        let ahead = if job.fit.prefetch { inputs.get(new..).unwrap_or_default() } else { &[] };
        let ahead = ahead.get(..count).unwrap_or(ahead);
        let terms = sums.chunks_exact_mut(layout.rows * layout.pitch);
        for (term, weights_of_term) in terms.zip(weights.down.chunks_exact(taps * weights.period)) {
            let mut rows = term.chunks_exact_mut(layout.pitch);
            let mut outputs: [&mut [f32]; ROWS] = std::array::from_fn(|_| rows.next().unwrap_or_default());
            let mut sums = ColumnSums {
                inputs,
                taps,
                step,
                ahead,
                weights: weights_of_term,
                period: weights.period,
                channels: layout.channels,
                outputs: outputs.get_mut(..count).unwrap_or_default(),
                at: layout.lead,
                width: layout.space.row,
            };
            self.passes.down(weights.each, &mut sums);
        }
    }
}

/// Writes the padded columns of a row of sums, which begins with the first of them.
fn pad(frame: &Frame, layout: &Layout, row: &mut [f32]) {
    let (channels, before) = (layout.channels, frame.margins[1].before);
    let [inside, end] = [before, before + frame.input[1]];
    if frame.spec.border == Border::Zero {
        for columns in [0..inside, end..frame.reach()] {
            row[columns.start * channels..columns.end * channels].fill(0.0);
        }
        return;
    }
    for column in (0..inside).chain(end..frame.reach()) {
        let Some(from) = frame.padded_column(column) else { continue };
        let (from, to) = ((before + from) * channels, column * channels);
        row.copy_within(from..from + channels, to);
    }
}

/// Copies a row of the picture, its channels side by side.
fn gather(input: &ArrayView3<'_, f32>, source: usize, row: &mut [f32]) {
    row.iter_mut().zip(picture_row(input, source)).for_each(|(to, from)| *to = *from);
}

/// Puts a row where the answer is wanted: that of a plane, or of all channels.
fn deliver(job: &Job<'_>, row: &[f32], mut target: ArrayViewMut2<'_, f32>) {
    let (epilogue, width) = (job.epilogue, target.len_of(Axis(0)));
    let channels = epilogue.bias.len();
    if !job.ways.planes {
        if let Ok(sums) = ArrayView3::from_shape((1, width, channels), row) {
            epilogue.deliver(sums, target.insert_axis(Axis(0)));
        }
    } else if epilogue.doubles() {
        for (channel, sign) in [(job.set, 1.0), (channels + job.set, -1.0)] {
            let plane = target.column_mut(channel);
            plane.into_iter().zip(row).for_each(|(to, sum)| *to = at_least(0.0, sign * sum));
        }
    } else {
        target.column_mut(job.set).iter_mut().zip(row).for_each(|(to, sum)| *to = *sum);
    }
}
