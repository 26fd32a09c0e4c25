//! Schedules of the channels-out kernels whose numbers arrive with the call.
//!
//! The plain one takes one tap a step and serves every layer. Where one vector holds the output
//! channels, it needs a broadcast for each multiply-add; the windowed ones keep the weights of some
//! neighbouring taps in registers, as a kernel of a fixed shape does, so that a broadcast serves as
//! many multiply-adds as there are taps.

use super::channels_out::tile_widths;
use super::{Body, Family, MAX_KINDS, Panels, Schedule, Step, Target, Tile, plural, positions};
use crate::isa::Isa;

/// Pixels of a plain tile, each of which needs a pointer of its own.
const POINTERS: usize = 8;

/// Columns that a windowed tile may touch: beyond the general registers their pointers are read
/// again for every channel.
const COLUMNS: usize = 18;

/// The windows and strides along a row of the windowed kernels: filters of three and five columns,
/// and of multiples of them, and the first layers of networks that halve the picture.
const WINDOWS: [(usize, usize); 3] = [(3, 1), (5, 1), (3, 2)];

/// One tap a step, panels of every width.
pub(super) fn any(isa: &Isa) -> Schedule {
    let widest = if isa.registers >= 32 { MAX_KINDS } else { 2 };
    let panels = (1..=widest).rev().map(|vectors| panels(isa, vectors, 1, 1, POINTERS)).collect();
    let reason = format!(
        "every size is a run-time value: loops over filter rows and their taps, panels of at most {}",
        plural(widest, "vector")
    );
    schedule(isa, 1, None, panels, reason)
}

/// Some neighbouring taps a step, panels of one vector and of as many as registers allow. Nothing
/// for sets whose kernels need to be right and not fast.
pub(super) fn windowed(isa: &Isa) -> Vec<Schedule> {
    let windows = WINDOWS.into_iter().filter(|_| isa.unroll > 0);
    let one = |(window, stride): (usize, usize)| {
        let columns = |pixels: usize| (pixels - 1) * stride + window;
        let most = (1..=COLUMNS).rev().find(|&pixels| columns(pixels) <= COLUMNS).unwrap_or(1);
        let panels: Vec<Panels> = [2, 1]
            .into_iter()
            .map(|vectors| panels(isa, vectors, window, stride, most))
            .filter(|panels| panels.tiles[0].pixels >= 4)
            .collect();
        let widest = panels.first().map_or(1, |panels| panels.vectors);
        let reason = format!(
            "channels are run-time values, the stride of {stride} along a row is not: the weights of {} in \
             registers at a time, panels of at most {}",
            plural(window, "neighbouring tap"),
            plural(widest, "vector")
        );
        schedule(isa, window, Some(stride), panels, reason)
    };
    windows.map(one).collect()
}

fn panels(isa: &Isa, vectors: usize, window: usize, stride: usize, most: usize) -> Panels {
    let tiles = tile_widths(isa, vectors, window, false, most)
        .into_iter()
        .map(|pixels| {
            let positions = positions(stride, 1, pixels, window).len();
            let step = Step { pixels, vectors, window, positions, lanes: isa.lanes };
            let body = Body::Loops { steps: 1, barrier: false };
            Tile { pixels, rows: 1, body, cycles: step.cycles() / window as f64 }
        })
        .collect();
    Panels { vectors, count: None, lanes: None, tiles }
}

fn schedule(
    isa: &Isa,
    window: usize,
    row_stride: Option<usize>,
    panels: Vec<Panels>,
    reason: String,
) -> Schedule {
    let (target, family) = (Target::RunTime, Family::ChannelsOut);
    Schedule { target, isa: *isa, family, window, row_stride, panels, reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::ALL;
    use crate::schedule::channels_out::registers;

    #[test]
    fn windowed_tiles_fit_the_registers_and_touch_few_columns() {
        for schedule in ALL.iter().flat_map(windowed) {
            let stride = schedule.row_stride.unwrap();
            for panels in &schedule.panels {
                assert_eq!(panels.tiles.last().map(|tile| tile.pixels), Some(1));
                for tile in &panels.tiles {
                    let used = registers(panels.vectors, schedule.window, tile.pixels);
                    assert!(used < schedule.isa.registers, "{} uses {used}", schedule.name());
                    assert!((tile.pixels - 1) * stride + schedule.window <= COLUMNS, "{}", schedule.name());
                }
            }
        }
    }

    #[test]
    fn every_fast_set_has_every_window_and_panels_of_one_vector() {
        for isa in ALL {
            let all = windowed(isa);
            assert_eq!(all.len(), if isa.unroll > 0 { WINDOWS.len() } else { 0 }, "{}", isa.name);
            for schedule in all {
                assert_eq!(schedule.panels.last().map(|panels| panels.vectors), Some(1));
            }
        }
    }

    #[test]
    fn a_window_makes_more_multiply_adds_of_a_load() {
        // One vector of sixteen output channels: a load for each multiply-add, but for the window.
        let isa = ALL.iter().find(|isa| isa.name == "avx512").unwrap();
        let share = |schedule: &Schedule| {
            let panels = schedule.panels.last().unwrap();
            let pixels = panels.tiles[0].pixels;
            let loads = positions(schedule.row_stride.unwrap_or(1), 1, pixels, schedule.window).len();
            (loads + schedule.window) as f64 / (pixels * schedule.window) as f64
        };
        assert!(share(&any(isa)) > 1.0);
        assert!(windowed(isa).iter().all(|schedule| share(schedule) < 0.9));
    }
}
