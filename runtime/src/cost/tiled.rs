//! What kernels of interleaved memory do to a picture: the channels-out and the depthwise family.

use super::{Features, Term, beyond};
use crate::cover::cover;
use crate::edges::Reads;
use crate::fit::Fit;
use crate::frame::Frame;
use crate::joined;
use crate::kernel::{Description, Family, Tiling};
use crate::machine::Machine;
use crate::tiled::{numbers, times, widest};

/// A kernel laid over a picture by `fit`, which is read in place but for the ends of its rows.
pub(crate) fn features(description: &Description, frame: &Frame, machine: &Machine, fit: &Fit) -> Features {
    let spec = &frame.spec;
    let numbers = numbers(description, spec);
    let [height, width] = frame.output;
    let fixed = description.geometry.is_some();
    let depthwise = description.family == Family::Depthwise;
    let term = match (depthwise, fixed) {
        (false, false) => Term::ChannelsOut,
        (false, true) => Term::ChannelsOutFixed,
        (true, false) => Term::Depthwise,
        (true, true) => Term::DepthwiseFixed,
    };
    // The panels of the depthwise family are those of all groups.
    let (of_tiles, of_runs, groups) = match depthwise {
        false => (Term::ChannelsOutTiles, Term::ChannelsOutRuns, spec.groups),
        true => (Term::DepthwiseTiles, Term::DepthwiseRuns, 1),
    };
    let panels = groups * numbers.panels.iter().sum::<usize>();
    let weights = (size_of::<f32>() * spec.taps() * spec.c_out) as f64;
    let data = (size_of::<f32>()
        * (frame.input[0] * frame.input[1] * spec.c_in + height * width * spec.c_out)) as f64;

    let mut features = Features::default();
    let mut tiles = |tiling: &Tiling, rows: usize| {
        for ((panels, count), tiling) in description.panels.iter().zip(numbers.panels).zip(tiling) {
            let bytes = (size_of::<f32>() * spec.taps() * panels.vectors * description.lanes) as f64;
            for (&runs, tile) in tiling.iter().zip(panels.tiles) {
                let blocks = rows.div_ceil(if rows >= tile.rows { tile.rows } else { 1 });
                let times = (runs * count * groups * blocks) as f64;
                features.add(term, times * f64::from(tile.cycles) * spec.taps() as f64);
                features.add(of_tiles, times);
                features.add(of_runs, times * (numbers.kernel_rows * numbers.runs) as f64);
                features.add(Term::WeightsL2, times * bytes * beyond(bytes, machine.l1));
                features.add(Term::WeightsL3, times * bytes * beyond(bytes, machine.l2));
            }
        }
    };
    let calls = if joined::serves(frame) {
        let pixels = height * width;
        let mut tiling = Tiling::default();
        for (covering, panels) in tiling.iter_mut().zip(description.panels) {
            *covering = cover(pixels, panels.tiles);
        }
        tiles(&tiling, 1);
        let calls = pixels.div_ceil(joined::block(widest(description), spec.c_in, machine.l2));
        features.add(Term::Kernels, calls as f64);
        features.add(Term::Rows, (calls * panels) as f64);
        calls
    } else {
        for piece in &fit.in_place {
            tiles(&piece.tiling, height);
        }
        let calls = height.div_ceil(fit.rows.max(1));
        let read = (height * spec.stride[0].min(spec.extent()[0])).min(frame.input[0]) as f64;
        let times = times(description.family, spec);
        for piece in &fit.in_place {
            features.add(Term::Kernels, calls as f64);
            features.add(Term::Rows, (height * if depthwise { 1 } else { panels }) as f64);
            let copied = (piece.part.columns.len() * spec.c_in) as f64;
            if piece.part.reads == Reads::Staged {
                features.add(Term::StagedRows, read);
                features.add(Term::StagedNumbers, read * copied);
            }
            if times > 1 {
                features.add(Term::StagedRows, read);
                features.add(Term::Repeated, read * copied * times as f64);
            }
        }
        calls
    };
    features.add(Term::Calls, 1.0);
    features.add(Term::WeightsL3, calls as f64 * weights * beyond(weights, machine.l2));
    add_data(&mut features, data, weights, machine);
    features
}

/// Bytes of picture and output by where they come from, beside so many bytes of weights.
pub(crate) fn add_data(features: &mut Features, data: f64, weights: f64, machine: &Machine) {
    features.add(Term::L3Bytes, data * beyond(data + weights, machine.l2));
    features.add(Term::MemoryBytes, data * beyond(data + weights, machine.l3));
}
