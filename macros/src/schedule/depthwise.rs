//! Schedules of the depthwise family: `pixels` accumulators of one vector of channels.
//!
//! A step takes some taps of a filter row: it loads their weights, walks over the input pixels that
//! the tile touches, loads each one once, and multiplies it into every accumulator whose tap it is.
//! Nothing is broadcast: a load brings as many inputs as it brings weights. Where groups have several
//! channels, a step takes one of each group and spreads it over the lanes of that group. Channels that no whole
//! vector holds are computed by a last vector that overlaps the one before.

use super::{Body, Family, Panels, Schedule, Target, Tile, divisors, plural, positions};
use crate::geometry::Geometry;
use crate::isa::Isa;

/// Register tiles, the widest first, as those of the channels-out family.
const WIDTHS: [&[usize]; 4] = [&[14, 8, 7, 4, 1], &[8, 7, 4, 1], &[7, 4, 1], &[4, 1]];

/// Cycles of a tile beyond those of its steps: finding windows, bias, stores.
const TILE: f64 = 6.0;

/// The schedule of a layer whose every number is known.
pub(super) fn fixed(geometry: &Geometry, isa: &Isa) -> Schedule {
    let columns = geometry.kernel[1];
    // As many taps of a filter row at a time as leave room for four sums.
    let fits = |pixels: usize, window: usize| pixels + window + 1 < isa.registers;
    let window = divisors(columns).into_iter().find(|&window| fits(4, window)).unwrap_or(1);
    let widths = WIDTHS.into_iter().find(|widths| fits(widths[0], window)).unwrap_or(&[1]);
    let tiles = widths.iter().enumerate().map(|(index, &pixels)| {
        let fmas = pixels * geometry.taps();
        // The widest tile does the bulk of the work: the others are worth less code.
        let body = if index == 0 && fmas <= isa.unroll {
            Body::Unrolled { fmas }
        } else {
            Body::Loops { steps: columns / window * geometry.c_in_group(), barrier: isa.unroll > 0 }
        };
        let reads = positions(geometry.stride[1], geometry.dilation[1], pixels, window).len();
        Tile {
            pixels,
            rows: 1,
            body,
            cycles: cycles(pixels * window, reads + window, window, geometry.taps()),
        }
    });
    let count = geometry.c_out.div_ceil(isa.lanes);
    let panels = Panels { vectors: 1, count: Some(count), lanes: Some(isa.lanes), tiles: tiles.collect() };
    let reason = reason(geometry, isa, &panels, window);
    let (family, target) = (Family::Depthwise, Target::Fixed(geometry.clone()));
    Schedule { target, isa: *isa, family, window, row_stride: None, panels: vec![panels], reason }
}

/// The schedule of the kernel that takes every number from the call: one tap a step, and several
/// vectors of channels, so that finding a pixel is worth its while.
pub(super) fn run_time(isa: &Isa) -> Schedule {
    let panels = [4, 2, 1].map(|vectors| {
        // Three pixels are what the gradient of a 3x3 filter has, whose filter is the picture's own.
        let sums = if isa.registers >= 32 { 16 } else { 8 };
        let pixels = [8, 4, 3, 2, 1].into_iter().filter(|pixels| pixels * vectors <= sums);
        let tile = |pixels: usize| Tile {
            pixels,
            rows: 1,
            body: Body::Loops { steps: 1, barrier: false },
            cycles: cycles(pixels * vectors, (pixels + 1) * vectors + 2 * pixels, 1, 9),
        };
        Panels { vectors, count: None, lanes: None, tiles: pixels.map(tile).collect() }
    });
    let reason =
        "every size is a run-time value: loops over filter rows and their taps, each input loaded for each \
                  tap, panels of at most 4 vectors"
            .to_owned();
    let (family, target) = (Family::Depthwise, Target::RunTime);
    Schedule { target, isa: *isa, family, window: 1, row_stride: None, panels: panels.to_vec(), reason }
}

/// Cycles of a step for each of its `window` taps: two multiply-adds and two loads a cycle, and a
/// tile's own share.
fn cycles(fmas: usize, loads: usize, window: usize, taps: usize) -> f64 {
    (fmas as f64 / 2.0).max(loads as f64 / 2.0) / window as f64 + 0.5 + TILE / taps as f64
}

fn reason(geometry: &Geometry, isa: &Isa, panels: &Panels, window: usize) -> String {
    let widths: Vec<String> = panels.tiles.iter().map(|tile| tile.pixels.to_string()).collect();
    let body = match panels.tiles.first().map(|tile| &tile.body) {
        Some(Body::Unrolled { fmas }) => {
            format!("fully unrolled: {fmas} multiply-adds of a budget of {}", isa.unroll)
        }
        _ if isa.unroll == 0 => {
            "a loop over filter rows: unrolled code is for the sets whose speed matters".to_owned()
        }
        _ => format!("a loop over filter rows: unrolled it would be beyond the budget of {}", isa.unroll),
    };
    let spread = match geometry.c_in_group() {
        1 => String::new(),
        group => format!(", each of {group} channels in turn spread over its group"),
    };
    let overlap = match geometry.c_out % isa.lanes {
        0 => String::new(),
        rest => format!("; the last vector computes {} of {} channels again", isa.lanes - rest, isa.lanes),
    };
    format!(
        "{} of channels in tiles of {} pixels, inputs loaded and not broadcast{spread}; the weights of {} in registers at a \
         time; {body}{overlap}",
        plural(panels.count.unwrap_or(0), "vector"),
        widths.join(", "),
        plural(window, "tap"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::ALL;

    fn geometry(kernel: usize, stride: usize, channels: usize) -> Geometry {
        Geometry {
            kernel: [kernel; 2],
            stride: [stride; 2],
            dilation: [1, 1],
            groups: channels,
            c_in: channels,
            c_out: channels,
        }
    }

    #[test]
    fn tiles_fit_the_registers_and_end_with_one_pixel() {
        for isa in ALL {
            for kernel in [1, 2, 3, 4, 5, 7, 9, 11, 13, 31] {
                for stride in [1, 2] {
                    let schedule = Schedule::choose(&geometry(kernel, stride, 64), isa);
                    assert_eq!(schedule.family, Family::Depthwise);
                    for panels in &schedule.panels {
                        assert_eq!(panels.tiles.last().map(|tile| tile.pixels), Some(1));
                        for tile in &panels.tiles {
                            let used = tile.pixels + schedule.window + 1;
                            assert!(used < isa.registers, "{} uses {used}", schedule.name());
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn groups_that_share_a_vector_are_here_and_others_are_not() {
        let family = |isa: &Isa, group: usize, c_out_group: usize| {
            let channels = (group * 64, c_out_group * 64);
            let square = Geometry { groups: 64, c_in: channels.0, c_out: channels.1, ..geometry(3, 1, 1) };
            Schedule::choose(&square, isa).family
        };
        for isa in ALL {
            for group in 2..=32 {
                let shares = group < isa.lanes && isa.lanes.is_multiple_of(group);
                let expected = if shares { Family::Depthwise } else { Family::ChannelsOut };
                assert_eq!(family(isa, group, group), expected, "{} {group}", isa.name);
            }
            assert_eq!(family(isa, 2, 4), Family::ChannelsOut);
        }
    }

    #[test]
    fn fewer_channels_than_lanes_are_for_the_other_family() {
        for isa in ALL {
            let few = Schedule::choose(&geometry(3, 1, isa.lanes - 1), isa);
            assert_eq!(few.family, Family::ChannelsOut);
            let enough = Schedule::choose(&geometry(3, 1, isa.lanes + 1), isa);
            assert_eq!((enough.family, enough.panels[0].count), (Family::Depthwise, Some(2)));
            assert!(enough.reason.contains("again"), "{}", enough.reason);
        }
    }
}
