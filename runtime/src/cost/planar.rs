//! What kernels of planar memory do to a picture of interleaved channels: the along-the-row family.

use super::tiled::add_data;
use super::{Features, Term, beyond};
use crate::frame::Frame;
use crate::kernel::{Kernel, Tile};
use crate::machine::Machine;
use crate::planar::{self, Fit};
use crate::rows::table_length;
use crate::tiled::numbers;

/// Cycles of a tile of pixels as they lie in memory over those of a tile of planes: each vector has weights of
/// its own.
const PHASED: f64 = 1.3;

/// A kernel laid over a picture by `fit`.
pub(crate) fn features(kernel: &Kernel, frame: &Frame, machine: &Machine, fit: &Fit) -> Features {
    match planar::as_numbers(kernel, frame, fit) {
        Some((numbers, fit)) => laid_over(kernel, &numbers, machine, &fit, PHASED),
        None => laid_over(kernel, frame, machine, fit, 1.0),
    }
}

fn laid_over(kernel: &Kernel, frame: &Frame, machine: &Machine, fit: &Fit, dearer: f64) -> Features {
    let description = kernel.description();
    let spec = &frame.spec;
    let numbers = numbers(description, spec);
    let [height, width] = frame.output;
    let term = if description.geometry.is_some() { Term::AlongRowFixed } else { Term::AlongRow };
    let taps = spec.taps() as f64;
    let mut features = Features::default();
    let mut tile = |times: f64, tile: &Tile, channels: usize| {
        features.add(term, times * f64::from(tile.cycles) * taps * dearer);
        features.add(Term::AlongRowTiles, times);
        // The rows that a tile reads, of every channel, and its panel of weights.
        let columns = tile.pixels + spec.extent()[1] - 1;
        let rows = (tile.rows - 1) * spec.stride[0] + spec.kernel[0];
        let bytes = (size_of::<f32>() * spec.c_in_group()) as f64 * (columns * rows) as f64
            + (size_of::<f32>() * channels) as f64 * taps;
        features.add(Term::AlongRowL2, times * bytes * beyond(bytes, machine.l1));
        features.add(Term::AlongRowRuns, times * (spec.kernel[1] * spec.c_in_group()) as f64);
    };
    for (panels, count) in description.panels.iter().zip(numbers.panels) {
        let tallest = panels.tiles.first().map_or(1, |tile| tile.rows);
        let rows = if height >= tallest { tallest } else { 1 };
        let mut of_rows = panels.tiles.iter().filter(|tile| tile.rows == rows);
        let Some(wide) = of_rows.next() else { continue };
        let narrow = of_rows.next_back().unwrap_or(wide);
        let blocks = (count * spec.groups * height.div_ceil(rows)) as f64;
        let (whole, rest) = (width / wide.pixels, width % wide.pixels);
        let singles = rest.div_ceil(narrow.pixels);
        tile(blocks * whole as f64, wide, panels.vectors);
        if singles as f64 * f64::from(narrow.cycles) < f64::from(wide.cycles) {
            tile(blocks * singles as f64, narrow, panels.vectors);
        } else {
            tile(blocks, wide, panels.vectors);
        }
    }
    let mut turn = |numbers: usize, channels: usize| {
        let term = match channels {
            2 | 3 | 4 | 8 => Term::Turned,
            _ => Term::TurnedSingly,
        };
        features.add(term, numbers as f64);
    };
    let (read, written) = (frame.input[0] * frame.input[1] * spec.c_in, height * width * spec.c_out);
    if spec.c_in > 1 {
        turn(read, spec.c_in);
    }
    if spec.c_out > 1 {
        turn(written, spec.c_out);
    }
    let ends = planar::edges(kernel, frame);
    let parts = match ends {
        Some(edges) => 1 + usize::from(edges.left > 0) + usize::from(edges.right > 0),
        None => 1,
    };
    let staged = match ends {
        Some(edges) if edges.left + edges.right == 0 => 0,
        Some(edges) => edges.left + edges.right + 2 * (spec.extent()[1] - 1),
        None => frame.reach(),
    };
    if staged > 0 {
        features.add(Term::StagedRows, (frame.input[0] * spec.c_in * parts) as f64);
        features.add(Term::StagedNumbers, (frame.input[0] * spec.c_in * staged) as f64);
    }
    let at_once = fit.rows(ends.is_none()).clamp(1, height);
    let calls = height.div_ceil(at_once);
    let entries = calls * (table_length(frame, at_once) * spec.c_in + at_once * spec.c_out) * parts;
    features.add(Term::Entries, entries as f64);
    features.add(Term::Kernels, (calls * parts) as f64);
    features.add(Term::Rows, (height * parts * spec.groups * numbers.panels.iter().sum::<usize>()) as f64);
    features.add(Term::Calls, 1.0);
    let weights = (size_of::<f32>() * spec.taps() * spec.c_out) as f64;
    add_data(&mut features, (size_of::<f32>() * (read + written)) as f64, weights, machine);
    features
}
