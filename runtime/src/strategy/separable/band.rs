//! A band of output rows by two passes.
//!
//! A few rows are summed down the columns of the picture as it lies in memory, and then along the rows. The
//! border comes between: a padded column of sums is the sums of a column of the picture, or zeros.

use ndarray::{ArrayView1, ArrayView3, ArrayViewMut1, Axis, s};

use super::passes::{ColumnSums, RowSums};
use super::{Fit, Separable, TILE, period};
use crate::epilogue::Epilogue;
use crate::frame::{Frame, picture_row};
use crate::rows::{Ring, Space, pitch};
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

impl Separable {
    /// Computes a band of output rows.
    pub(crate) fn band(&self, band: Band<'_, '_, '_>, fit: &Fit, scratch: &mut Scratch) {
        let Band { frame, epilogue, input, mut output, residual, first } = band;
        let doubles = epilogue.doubles();
        let ways = Ways::of(&input, &output.view(), residual.as_ref(), doubles);
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
        let mut table: Vec<&[f32]> = recycle(std::mem::take(&mut tables.inputs));
        let linear = [f32::NEG_INFINITY, f32::INFINITY];
        let [floor, ceiling] = if doubles { linear } else { [epilogue.floor, epilogue.ceiling] };

        let sets = if ways.planes { spec.c_out } else { 1 };
        for set in 0..sets {
            let weights = self.weights(frame, epilogue, ways, set, biases, slopes);
            // The channels of this set in picture and output.
            let all = if ways.planes { set..set + 1 } else { 0..spec.c_out };
            let rows = output.len_of(Axis(0));
            let mut at = 0;
            while at < rows {
                let count = if rows - at >= layout.rows { layout.rows } else { 1 };
                let entries = spec.kernel[0] + count - 1;
                let mut inputs = recycle(std::mem::take(&mut table));
                // Rows of the padded picture are held by their own numbers: a border repeats rows of the picture.
                let wanted = (0..entries).map(|entry| first + at + entry * spec.dilation[0]);
                if ways.gathers {
                    for row in wanted.clone() {
                        let Some(source) = frame.padded_row(row) else { continue };
                        ring.stage(row, |copy| gather(&input, source, copy));
                    }
                }
                inputs.extend(wanted.map(|row| match frame.padded_row(row) {
                    None => ring.zeros(),
                    Some(_) if ways.gathers => ring.row(row),
                    Some(source) if ways.planes => {
                        input.slice_move(s![source, .., set..=set]).to_slice().unwrap_or_default()
                    }
                    Some(source) => picture_row(&input, source).to_slice().unwrap_or_default(),
                }));
                self.down(&layout, &weights, &inputs, spec.kernel[0], count, sums);
                table = recycle(inputs);
                for row in 0..count {
                    let mut of_terms: [&mut [f32]; TERMS] = Default::default();
                    let terms = sums.chunks_exact_mut(layout.rows * layout.pitch);
                    for (target, term) in of_terms.iter_mut().zip(terms) {
                        *target = term.get_mut(row * layout.pitch..).unwrap_or_default();
                        pad(frame, &layout, target);
                    }
                    let begin = layout.lead - frame.margins[1].before * layout.channels;
                    let of_terms = of_terms.map(|row| row.get(begin..).unwrap_or_default());
                    let line = s![at + row, .., all.clone()];
                    let residual = residual.as_ref().map(|residual| residual.slice(line));
                    let residual = residual.as_ref().map_or(&[][..], |residual| {
                        residual.to_slice().unwrap_or_else(|| {
                            added.iter_mut().zip(residual).for_each(|(to, from)| *to = *from);
                            &*added
                        })
                    });
                    let mut target = output.slice_mut(s![at + row, .., ..]);
                    let mut own =
                        if ways.unpacks { None } else { Some(target.slice_mut(s![.., all.clone()])) };
                    let own = own.as_mut().and_then(|own| own.as_slice_mut());
                    let stream = fit.stream && own.is_some();
                    self.passes.along(
                        weights.each,
                        &mut RowSums {
                            inputs: of_terms.get(..self.rank).unwrap_or_default(),
                            taps: spec.kernel[1],
                            step: spec.dilation[1] * layout.channels,
                            weights: weights.along,
                            period: weights.period,
                            channels: layout.channels,
                            output: own.unwrap_or(&mut *unpacked),
                            residual,
                            bias: weights.bias,
                            slopes: weights.slopes,
                            floor,
                            ceiling,
                            stream,
                        },
                    );
                    if ways.unpacks {
                        deliver(epilogue, ways, set, unpacked, target);
                    }
                }
                at += count;
            }
        }
        tables.inputs = recycle(table);
        scratch.keep(tables);
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

    /// Sums of `count` rows down the columns, for every term.
    fn down(
        &self,
        layout: &Layout,
        weights: &Weights<'_>,
        inputs: &[&[f32]],
        taps: usize,
        count: usize,
        sums: &mut [f32],
    ) {
        let terms = sums.chunks_exact_mut(layout.rows * layout.pitch);
        for (term, weights_of_term) in terms.zip(weights.down.chunks_exact(taps * weights.period)) {
            let mut rows = term.chunks_exact_mut(layout.pitch);
            let mut outputs: [&mut [f32]; ROWS] = std::array::from_fn(|_| rows.next().unwrap_or_default());
            self.passes.down(
                weights.each,
                &mut ColumnSums {
                    inputs,
                    taps,
                    weights: weights_of_term,
                    period: weights.period,
                    channels: layout.channels,
                    outputs: outputs.get_mut(..count).unwrap_or_default(),
                    at: layout.lead,
                    width: layout.space.row,
                },
            );
        }
    }
}

/// Writes the padded columns of a row of sums.
fn pad(frame: &Frame, layout: &Layout, row: &mut [f32]) {
    let (channels, before) = (layout.channels, frame.margins[1].before);
    let beyond = before + frame.input[1];
    for column in (0..before).chain(beyond..frame.reach()) {
        let to = layout.lead + column * channels - before * channels;
        match frame.padded_column(column) {
            Some(from) => {
                let from = layout.lead + from * channels;
                row.copy_within(from..from + channels, to);
            }
            None => row[to..to + channels].fill(0.0),
        }
    }
}

/// Copies a row of the picture, its channels side by side.
fn gather(input: &ArrayView3<'_, f32>, source: usize, row: &mut [f32]) {
    row.iter_mut().zip(picture_row(input, source)).for_each(|(to, from)| *to = *from);
}

/// Puts a row where the answer is wanted: that of plane `set`, or of all channels.
fn deliver(
    epilogue: &Epilogue,
    ways: Ways,
    set: usize,
    row: &[f32],
    mut target: ndarray::ArrayViewMut2<'_, f32>,
) {
    let width = target.len_of(Axis(0));
    if ways.planes {
        let signs = if epilogue.doubles() { &[1.0, -1.0][..] } else { &[1.0] };
        for (half, sign) in signs.iter().enumerate() {
            let mut plane: ArrayViewMut1<'_, f32> = target.column_mut(half * epilogue.bias.len() + set);
            let row = ArrayView1::from(row);
            if epilogue.doubles() {
                plane.zip_mut_with(&row, |to, from| *to = crate::epilogue::at_least(0.0, sign * from));
            } else {
                plane.assign(&row);
            }
        }
    } else if let Ok(sums) = ArrayView3::from_shape((1, width, epilogue.bias.len()), row) {
        epilogue.deliver(sums, target.insert_axis(Axis(0)));
    }
}
