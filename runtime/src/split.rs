//! How the output of one picture is shared among threads: as bands of rows, or where rows are too few
//! or do not divide among the threads, as parts of the columns, or where there are more weights than picture,
//! as shares of the output channels. A part is a picture of its own: some columns of the input, padded where
//! they end with the picture. A share reads the whole picture, and of the weights its own alone.

use std::ops::Range;

use crate::frame::Frame;
use crate::machine::Machine;
use crate::spec::{Border, ConvSpec, Padding};
use crate::strategy::Strategy;

/// Work below this many seconds stays on one thread. Handing over costs about one microsecond where
/// the other thread is awake, and two for nothing where it sleeps.
pub(crate) const SERIAL: f64 = 12e-6;

/// Work above this many seconds is cut into more bands than threads, so that a thread that is
/// late does not hold up the rest.
const FINE: f64 = 2e-3;

/// Columns of a part are a multiple of this: tiles of whole vectors cover them.
const VECTOR: usize = 16;

/// How much better columns have to divide than rows: they share lines of the output, and their ends
/// are read twice.
const BETTER: f64 = 1.1;

/// How a layer's output may be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grain {
    /// Rows that bands have a multiple of.
    pub(crate) rows: usize,
    /// Columns that parts have a multiple of, see [`grain`]; nothing where there are none.
    pub(crate) columns: Option<usize>,
    /// How output channels may be divided; nothing where they are not.
    pub(crate) channels: Option<Channels>,
}

/// Output channels that threads may share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Channels {
    /// Channels that a share has a multiple of, but for the last.
    pub(crate) unit: usize,
    /// Bytes of the weights of all of them.
    pub(crate) weights: usize,
}

/// Into how many pieces the output is cut. Two of the three are 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Split {
    /// Bands of rows.
    pub(crate) bands: usize,
    /// Parts of the columns.
    pub(crate) parts: usize,
    /// Columns of a part, but for the last.
    pub(crate) columns: usize,
    /// Shares of the output channels.
    pub(crate) shares: usize,
    /// Channels of a share, but for the last.
    pub(crate) channels: usize,
}

impl Split {
    /// For a layer that is predicted to take so many seconds on one thread of the machine.
    pub(crate) fn of(frame: &Frame, grain: &Grain, seconds: f64, machine: &Machine) -> Self {
        let threads = machine.threads;
        let tasks = match threads {
            0 | 1 => 1,
            _ if seconds < SERIAL => 1,
            threads if seconds < FINE => threads,
            threads => 4 * threads,
        };
        let [rows, width] = frame.output;
        let whole = grain.rows.max(1);
        let bands = even(rows, whole, tasks, threads);
        let c_out = frame.spec.c_out;
        let by_rows = Split { bands, parts: 1, columns: width, shares: 1, channels: c_out };
        if tasks < 2 {
            return by_rows;
        }
        let used = shared(rows, rows.div_ceil(bands).next_multiple_of(whole), threads);
        if let Some(Channels { unit, weights }) = grain.channels
            && weights > machine.l2 / 2
            && weights > frame.moved()
        {
            let channels = c_out.div_ceil(threads).next_multiple_of(unit.max(1));
            // Where rows divide as well, each thread reads its own picture instead of its own weights.
            if channels < c_out && shared(c_out, channels, threads) > BETTER * used {
                return Split { bands: 1, shares: c_out.div_ceil(channels), channels, ..by_rows };
            }
        }
        let Some(grain) = grain.columns else { return by_rows };
        // More parts than threads would read all weights more often.
        let columns = width.div_ceil(threads).next_multiple_of(grain);
        if shared(width, columns, threads) > BETTER * used && parts_of(frame, columns).is_some() {
            Split { bands: 1, parts: width.div_ceil(columns), columns, ..by_rows }
        } else {
            by_rows
        }
    }
}

/// Columns that parts have a multiple of, for a strategy that computes an output alike whatever part of
/// the picture it is shown; tiles of Winograd's are so many columns wide, and begin where parts begin.
pub(crate) fn grain(strategy: Strategy, tile: Option<usize>) -> Option<usize> {
    match strategy {
        Strategy::Naive | Strategy::Direct | Strategy::Specialized => Some(VECTOR),
        Strategy::Winograd => tile.and_then(|tile| {
            let tiles = (1..=VECTOR).map(|tiles| tiles * tile);
            tiles.into_iter().find(|columns| columns.is_multiple_of(VECTOR))
        }),
        _ => None,
    }
}

/// Into how many bands of a multiple of `whole` rows `rows` are cut, at most `tasks` and no fewer than there
/// are threads: as many as leave the busiest thread the fewest rows.
fn even(rows: usize, whole: usize, tasks: usize, threads: usize) -> usize {
    let all = rows.div_ceil(whole);
    let busiest = |tasks: usize| {
        let band = all.div_ceil(tasks);
        band * all.div_ceil(band).div_ceil(threads.max(1))
    };
    let tasks = tasks.min(all);
    (threads.min(tasks)..=tasks).rev().min_by_key(|&tasks| busiest(tasks)).map_or(1, |tasks| {
        // As many as there are: the last of them may have nothing left.
        all.div_ceil(all.div_ceil(tasks))
    })
}

/// The part of the threads' time that is used where they take turns at pieces of a length.
fn shared(length: usize, piece: usize, threads: usize) -> f64 {
    let turns = length.div_ceil(piece).div_ceil(threads.max(1));
    length as f64 / (threads.max(1) * turns * piece) as f64
}

/// A part of the columns as a picture of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// Columns of the picture that it reads.
    pub(crate) inputs: Range<usize>,
    /// The layer laid over them.
    pub(crate) frame: Frame,
}

/// The parts of a layer's output, so many columns each, or `None` where a border reaches further into
/// the picture than a part does.
pub(crate) fn parts_of(frame: &Frame, columns: usize) -> Option<Vec<Part>> {
    let width = frame.output[1];
    (0..width).step_by(columns.max(1)).map(|first| part(frame, first..width.min(first + columns))).collect()
}

/// The part that computes some columns of the output.
fn part(frame: &Frame, outputs: Range<usize>) -> Option<Part> {
    let spec = &frame.spec;
    let [rows, columns] = frame.margins;
    let (before, beyond) = (columns.before, columns.before + frame.input[1]);
    // Columns of the padded picture.
    let from = outputs.start * spec.stride[1];
    let to = (outputs.end - 1) * spec.stride[1] + spec.extent()[1];
    let inputs = from.max(before) - before..to.min(beyond).checked_sub(before)?;
    let (left, right) = (before.saturating_sub(from), to.saturating_sub(beyond));
    let padded = left + right > 0;
    let shown = match spec.border {
        Border::Zero | Border::Replicate => !inputs.is_empty(),
        Border::Reflect => inputs.len() > left.max(right),
        Border::Circular => !inputs.is_empty() && !padded,
    };
    if !shown {
        return None;
    }
    let padding = Padding::Explicit { top: rows.before, bottom: rows.after, left, right };
    let frame = Frame::new(ConvSpec { padding, ..*spec }, [frame.input[0], inputs.len()]).ok()?;
    (frame.output[1] == outputs.len()).then_some(Part { inputs, frame })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Isa;
    use crate::processor::Maker;

    fn frame(spec: ConvSpec, input: [usize; 2]) -> Frame {
        Frame::new(spec, input).unwrap()
    }

    fn machine(threads: usize) -> Machine {
        let (isa, maker) = (Isa::Portable, Maker::Other);
        Machine { isa, maker, threads, l1: 32 << 10, l2: 1 << 20, l3: 32 << 20 }
    }

    fn split(input: [usize; 2], seconds: f64, threads: usize) -> [usize; 2] {
        let frame = frame(ConvSpec::new([1, 3], 64, 64), input);
        let grain = Grain { rows: 1, columns: grain(Strategy::Direct, None), channels: None };
        let Split { bands, parts, .. } = Split::of(&frame, &grain, seconds, &machine(threads));
        [bands, parts]
    }

    #[test]
    fn the_busiest_thread_has_as_few_rows_as_can_be() {
        let bands = |rows: usize, whole: usize, seconds: f64, threads: usize| {
            let frame = frame(ConvSpec::new([1, 1], 64, 64), [rows, 100]);
            let grain = Grain { rows: whole, columns: None, channels: None };
            Split::of(&frame, &grain, seconds, &machine(threads)).bands
        };
        // 28 tiles down: seven bands of four would leave one of two threads four of them.
        assert_eq!(bands(112, 4, 5e-3, 2), 4);
        assert_eq!(bands(112, 4, 1e-3, 2), 2);
        assert_eq!(bands(56, 1, 5e-3, 2), 8);
        assert_eq!(bands(30, 1, 5e-3, 2), 6);
        assert_eq!(bands(28, 4, 1e-3, 2), 2);
        assert_eq!(bands(3, 4, 1e-3, 2), 1);
        for threads in 1..9 {
            for rows in 1..100 {
                for whole in [1, 2, 4, 6] {
                    let bands = bands(rows, whole, 5e-3, threads);
                    let band = rows.div_ceil(bands).next_multiple_of(whole);
                    assert_eq!(
                        rows.div_ceil(band),
                        bands,
                        "{rows} rows, {whole} at a time, {threads} threads"
                    );
                    assert!(threads == 1 || bands >= threads.min(rows.div_ceil(whole)).div_ceil(2));
                }
            }
        }
    }

    #[test]
    fn channels_are_shared_where_there_are_more_weights_than_picture() {
        let shares = |c: usize, size: usize, unit: usize, threads: usize| {
            let frame = frame(ConvSpec { padding: Padding::Same, ..ConvSpec::new([3, 3], c, c) }, [size; 2]);
            let channels = Some(Channels { unit, weights: 36 * c * c });
            let grain = Grain { rows: 1, columns: Some(16), channels };
            let Split { bands, shares, channels, .. } = Split::of(&frame, &grain, 1e-3, &machine(threads));
            [bands, shares, channels]
        };
        assert_eq!(shares(512, 7, 32, 2), [1, 2, 256]);
        assert_eq!(shares(256, 13, 64, 3), [3, 1, 256]);
        assert_eq!(shares(512, 14, 32, 2), [2, 1, 512]);
        assert_eq!(shares(512, 7, 32, 1), [1, 1, 512]);
        assert_eq!(shares(512, 7, 32, 3), [1, 3, 192]);
        // The weights stay in the second cache, the picture is more, rows divide better than channels.
        assert_eq!(shares(64, 7, 64, 2), [2, 1, 64]);
        assert_eq!(shares(256, 56, 64, 2), [2, 1, 256]);
        assert_eq!(shares(512, 8, 320, 2), [2, 1, 512]);
    }

    #[test]
    fn rows_are_shared_where_they_divide_and_columns_elsewhere() {
        assert_eq!(split([56, 56], 1e-3, 1), [1, 1]);
        assert_eq!(split([56, 56], 5e-6, 2), [1, 1]);
        assert_eq!(split([56, 56], 1e-3, 2), [2, 1]);
        assert_eq!(split([56, 56], 5e-3, 2), [8, 1]);
        assert_eq!(split([1, 1000], 1e-3, 2), [1, 2]);
        assert_eq!(split([1, 1000], 5e-3, 4), [1, 4]);
        assert_eq!(split([3, 1000], 1e-3, 2), [1, 2]);
        assert_eq!(split([1, 20], 1e-3, 8), [1, 2]);
        assert_eq!(split([1, 16], 1e-3, 8), [1, 1]);
        assert_eq!(split([7, 1000], 1e-3, 2), [1, 2]);
        // Columns would not divide better, or hardly.
        assert_eq!(split([7, 7], 1e-3, 2), [2, 1]);
        assert_eq!(split([15, 1000], 1e-3, 2), [2, 1]);
    }

    #[test]
    fn parts_begin_with_tiles_and_vectors() {
        assert_eq!(grain(Strategy::Im2colGemm, None), None);
        assert_eq!(grain(Strategy::Winograd, Some(4)), Some(16));
        assert_eq!(grain(Strategy::Winograd, Some(12)), Some(48));
        let frame = frame(ConvSpec::new([1, 3], 64, 64), [1, 1000]);
        let split = |columns: Option<usize>| {
            let grain = Grain { rows: 1, columns, channels: None };
            let Split { bands, parts, columns, .. } = Split::of(&frame, &grain, 1e-3, &machine(2));
            [bands, parts, columns]
        };
        assert_eq!(split(None), [1, 1, 1000]);
        assert_eq!(split(Some(48)), [1, 2, 528]);
    }

    #[test]
    fn every_part_shows_what_the_whole_shows() {
        for border in Border::ALL {
            for (stride, dilation, kernel) in [(1, 1, 3), (2, 1, 5), (3, 2, 3), (2, 3, 1), (1, 9, 4)] {
                for padding in [
                    Padding::Same,
                    Padding::Valid,
                    Padding::Explicit { top: 1, bottom: 0, left: 7, right: 2 },
                ] {
                    let spec = ConvSpec {
                        stride: [1, stride],
                        dilation: [1, dilation],
                        padding,
                        border,
                        ..ConvSpec::new([2, kernel], 3, 4)
                    };
                    let whole = frame(spec, [5, 143]);
                    for count in [16, 48, 80, 200] {
                        let Some(parts) = parts_of(&whole, count) else {
                            assert!(matches!(border, Border::Circular | Border::Reflect), "{spec} {count}");
                            continue;
                        };
                        let mut first = 0;
                        for Part { inputs, frame } in parts {
                            assert_eq!(frame.margins[0], whole.margins[0]);
                            for column in 0..frame.reach() {
                                let shown = frame.padded_column(column).map(|column| column + inputs.start);
                                assert_eq!(
                                    shown,
                                    whole.padded_column(first * stride + column),
                                    "{spec} {count}"
                                );
                            }
                            first += frame.output[1];
                        }
                        assert_eq!(first, whole.output[1], "{spec} {count}");
                    }
                }
            }
        }
    }
}
