//! Schedules of the depthwise family: `rows x pixels` accumulators of one vector of channels.
//!
//! A step takes some taps of a filter row: it loads their weights, walks over the input pixels that
//! the tile touches, loads each one once, and multiplies it into every accumulator whose tap it is.
//! Nothing is broadcast: a load brings as many inputs as it brings weights. Where groups have several
//! channels, a step takes one of each group and spreads it over the lanes of that group. Channels that
//! no whole vector holds are computed by a last vector that overlaps the one before. Tiles go down strips of
//! the picture, some channels at a time, so that what the rows of a filter share is still in the
//! first-level cache.

use super::{Body, Family, Panels, Schedule, Target, Tile, divisors, plural, positions};
use crate::geometry::Geometry;
use crate::isa::Isa;

/// Register tiles, the widest first, as those of the channels-out family.
const WIDTHS: [&[usize]; 6] = [&[14, 8, 7, 4, 1], &[8, 7, 4, 1], &[7, 4, 1], &[6, 4, 1], &[5, 4, 1], &[4, 1]];

/// Cycles of a tile beyond those of its steps: finding windows, bias, stores.
const TILE: f64 = 4.0;

/// Cycles of a tap for which sums wait for one another, beyond what other sums fill.
const WAITING: f64 = 0.6;

/// Sums of a tile: so many fill the time that each waits, and more leave no room for weights.
const SUMS: usize = 14;

/// Cycles to fetch a vector of inputs or of outputs from beyond the first-level cache, shared among
/// the tiles that read it.
const FETCH: f64 = 1.0;

/// Bytes of a cache line, which is what a cycle of [`FETCH`] brings.
const LINE: f64 = 64.0;

/// Bytes from pixel to pixel, multiples of which fall into two sets of a first-level cache.
const APART: usize = 2048;

/// Pixels of the widest tile that finds its ends apart where pixels are so far apart.
const NARROW: usize = 8;

/// Bytes of the first-level cache that a strip may fill.
const FIRST_LEVEL: usize = 36 << 10;

/// The schedule of a layer whose every number is known.
pub(super) fn fixed(geometry: &Geometry, isa: &Isa) -> Schedule {
    let columns = geometry.kernel[1];
    // What spreads channels over groups takes the registers that a second row would need, and so do ends of
    // rows that are found apart.
    let two = shares(geometry) && geometry.c_in_group() == 1 && !beside(geometry);
    let rows = if two { 1..=2 } else { 1..=1 };
    let shapes = rows.flat_map(|rows| {
        let windows = divisors(columns).into_iter();
        windows.flat_map(move |window| WIDTHS.into_iter().map(move |widths| (rows, window, widths)))
    });
    let fits = |&(rows, window, widths): &(usize, usize, &[usize])| {
        // Where pixels collide, a tile that finds its ends apart should be narrow: it reads fewer lines at a time.
        let narrow = !(beside(geometry) && collide(geometry)) || widths[0] <= NARROW;
        narrow && rows * widths[0] <= SUMS && registers(geometry, rows, window, widths[0]) < isa.registers
    };
    let cost = |&(rows, window, widths): &(usize, usize, &[usize])| {
        cycles(geometry, isa, rows, window, widths[0]) / (rows * widths[0]) as f64
    };
    let (rows, window, widths) = shapes
        .filter(fits)
        .map(|shape| (cost(&shape), shape))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map_or((1, 1, &[1][..]), |(_, shape)| shape);
    let count = geometry.c_out.div_ceil(isa.lanes);
    let kind = |rows: usize, widths: &[usize], count: usize| {
        let tiles = widths.iter().enumerate().map(|(index, &pixels)| {
            let fmas = rows * pixels * geometry.taps();
            // The widest tile does the bulk of the work: the others are worth less code.
            let body = if index == 0 && count > 0 && fmas <= isa.unroll {
                Body::Unrolled { fmas }
            } else {
                let sections = if rows == 1 {
                    1
                } else {
                    sections(geometry, rows).iter().map(|(_, served)| served.len()).sum()
                };
                Body::Loops {
                    steps: columns / window * geometry.c_in_group() * sections,
                    barrier: isa.unroll > 0,
                }
            };
            Tile {
                pixels,
                rows,
                body,
                cycles: cycles(geometry, isa, rows, window, pixels) / geometry.taps() as f64,
            }
        });
        Panels { vectors: 1, count: Some(count), lanes: Some(isa.lanes), tiles: tiles.collect() }
    };
    let mut panels = vec![kind(rows, widths, count)];
    if rows > 1 {
        // A band of fewer rows than that.
        panels.push(kind(1, &[4, 1], 0));
    }
    let reason = reason(geometry, isa, &panels[0], window);
    let (family, target) = (Family::Depthwise, Target::Fixed(geometry.clone()));
    Schedule { target, isa: *isa, family, window, row_stride: None, panels, reason }
}

/// Whether pixels are so far apart that they fall into few sets of the first-level cache and drive each other out.
fn collide(geometry: &Geometry) -> bool {
    (geometry.c_out * geometry.stride[1] * size_of::<f32>()).is_multiple_of(APART)
}

/// Whether neighbouring output rows read an input row in common.
fn shares(geometry: &Geometry) -> bool {
    let (stride, dilation) = (geometry.stride[0], geometry.dilation[0]);
    stride.is_multiple_of(dilation) && stride / dilation < geometry.kernel[0]
}

/// The input rows that `rows` output rows read, each with the `(output row, filter row)` pairs that
/// meet there: `row * stride + a * dilation`.
pub(crate) fn entries(geometry: &Geometry, rows: usize) -> Vec<(usize, Vec<(usize, usize)>)> {
    positions(geometry.stride[0], geometry.dilation[0], rows, geometry.kernel[0])
}

/// Input rows that serve the same output rows, and those.
pub(crate) type Section = (std::ops::Range<usize>, Vec<(usize, usize)>);

/// The same as ranges of input rows that serve the same output rows, in units of the dilation: each
/// output row with how far it lies below the first.
pub(crate) fn sections(geometry: &Geometry, rows: usize) -> Vec<Section> {
    // One row alone needs no stride.
    let (apart, taps) = (geometry.stride[0] / geometry.dilation[0], geometry.kernel[0]);
    let mut bounds: Vec<usize> = (0..rows).flat_map(|row| [row * apart, row * apart + taps]).collect();
    bounds.sort_unstable();
    bounds.dedup();
    let ranges = bounds.windows(2).map(|pair| pair[0]..pair[1]);
    ranges
        .map(|range| {
            let serves = |row: &usize| (row * apart..row * apart + taps).contains(&range.start);
            let served = (0..rows).filter(serves).map(|row| (row, row * apart)).collect();
            (range, served)
        })
        .collect()
}

/// Vectors of channels that go down a strip together: so many that the input rows of a tile stay in
/// the first-level cache until the next tile reads them again.
pub(crate) fn block(geometry: &Geometry, lanes: usize, panels: &Panels) -> usize {
    let (tile_rows, pixels) = panels.tiles.first().map_or((1, 1), |tile| (tile.rows, tile.pixels));
    let rows = geometry.rows() + (tile_rows - 1) * geometry.stride[0];
    let columns = (pixels - 1) * geometry.stride[1] + (geometry.kernel[1] - 1) * geometry.dilation[1] + 1;
    let bytes = lanes * size_of::<f32>() * (rows * columns + tile_rows * pixels + geometry.taps());
    (FIRST_LEVEL / bytes).max(1)
}

/// Whether a tile finds the columns at its two ends apart from those between them, so that at the ends of a
/// row they may be what the border shows, and rows are read in place: where one column on each side is all
/// that padding adds to a row.
pub(crate) fn beside(geometry: &Geometry) -> bool {
    geometry.kernel[1] == 3 && geometry.dilation[1] == 1
}

/// Vector registers of a tile: accumulators, resident weights, an input.
fn registers(geometry: &Geometry, rows: usize, window: usize, pixels: usize) -> usize {
    let held = entries(geometry, rows).iter().map(|(_, served)| served.len()).max().unwrap_or(1);
    // The compiler loads some weights of the next step before it is done with those of this one.
    rows * pixels + held * window + (held * window).saturating_sub(3) + 1
}

/// Cycles of a tile: two multiply-adds and two loads a cycle; sums that wait for one another; what
/// comes from beyond the first-level cache; and the tile's own share.
fn cycles(geometry: &Geometry, isa: &Isa, rows: usize, window: usize, pixels: usize) -> f64 {
    let entries = entries(geometry, rows);
    let steps = geometry.kernel[1] / window;
    let reads = positions(geometry.stride[1], geometry.dilation[1], pixels, window).len();
    let weights: usize = entries.iter().map(|(_, served)| served.len() * geometry.kernel[1]).sum();
    let loads = (entries.len() * steps * reads + weights) * geometry.c_in_group();
    let fmas = rows * pixels * geometry.taps();
    let bytes = isa.lanes * size_of::<f32>();
    let fetched = if collide(geometry) {
        entries.len() * steps * reads
    } else {
        rows * pixels * geometry.stride.iter().product::<usize>()
    };
    let fetch = (fetched + rows * pixels) as f64 * FETCH * bytes as f64 / LINE;
    (fmas as f64 / 2.0).max(loads as f64 / 2.0)
        + WAITING * geometry.taps() as f64
        + 0.02 * loads as f64
        + fetch
        + TILE * (rows * rows) as f64 / 2.0
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
            cycles: run_time_cycles(pixels, vectors),
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

/// Cycles of a tap of a run-time tile: a load for each multiply-add, and finding each pixel.
fn run_time_cycles(pixels: usize, vectors: usize) -> f64 {
    ((pixels + 1) * vectors + 2 * pixels) as f64 / 2.0 + 0.5 + 6.0 / 9.0
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
    let overlap = match geometry.c_out % isa.lanes {
        0 => String::new(),
        rest => format!("; the last vector computes {} of {} channels again", isa.lanes - rest, isa.lanes),
    };
    let spread = match geometry.c_in_group() {
        1 => String::new(),
        group => format!(", each of {group} channels in turn spread over its group"),
    };
    let repeated = match geometry.c_out_group() / geometry.c_in_group() {
        1 => String::new(),
        times => format!("; rows are staged with each channel {times} times"),
    };
    format!(
        "{} of channels in tiles of {} by {} pixels, {} at a time down each strip, inputs loaded and not broadcast{spread}; the weights of {} in registers at a \
         time; {body}{overlap}{repeated}",
        plural(panels.count.unwrap_or(0), "vector"),
        plural(panels.tiles.first().map_or(1, |tile| tile.rows), "row"),
        widths.join(", "),
        plural(block(geometry, isa.lanes, panels).min(panels.count.unwrap_or(1)), "vector"),
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
                            let used = tile.rows * (tile.pixels + schedule.window) + 1;
                            assert!(used < isa.registers, "{} uses {used}", schedule.name());
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn rows_are_paired_where_they_share_inputs_and_pixels_collide() {
        let avx512 = &ALL[0];
        let rows = |columns, stride, dilation, channels| {
            let shape = geometry(3, stride, channels);
            let geometry = Geometry { kernel: [3, columns], dilation: [dilation; 2], ..shape };
            Schedule::choose(&geometry, avx512)
                .panels
                .iter()
                .map(|panels| (panels.tiles[0].rows, panels.count))
                .collect::<Vec<_>>()
        };
        for columns in [2, 4] {
            assert_eq!(rows(columns, 1, 1, 128), [(1, Some(8))]);
            assert_eq!(rows(columns, 1, 1, 512), [(2, Some(32)), (1, Some(0))]);
            assert_eq!(rows(columns, 1, 2, 512), [(1, Some(32))]);
            assert_eq!(rows(columns, 3, 1, 512), [(1, Some(32))]);
        }
        // Three columns read rows in place, which takes the registers.
        assert_eq!(rows(3, 1, 1, 512), [(1, Some(32))]);
    }

    #[test]
    fn sections_meet_every_filter_row_once() {
        for (stride, dilation, taps, rows) in
            [(1, 1, 3, 2), (2, 1, 3, 2), (2, 2, 5, 2), (1, 1, 2, 3), (4, 2, 3, 2)]
        {
            let geometry = Geometry { kernel: [taps, 1], dilation: [dilation, 1], ..geometry(1, stride, 64) };
            let mut read: Vec<(usize, Vec<(usize, usize)>)> = Vec::new();
            for (range, served) in sections(&geometry, rows) {
                for entry in range {
                    read.push((
                        entry * dilation,
                        served.iter().map(|(row, above)| (*row, entry - above)).collect(),
                    ));
                }
            }
            let mut expected = entries(&geometry, rows);
            expected.iter_mut().for_each(|(_, served)| served.sort_unstable());
            assert_eq!(read, expected, "{stride} {dilation} {taps} {rows}");
        }
    }

    #[test]
    fn several_outputs_a_channel_are_of_this_family() {
        let several = Geometry { c_in: 16, groups: 16, ..geometry(3, 1, 32) };
        for isa in ALL {
            let schedule = Schedule::choose(&several, isa);
            assert_eq!(schedule.family, Family::Depthwise);
            assert!(schedule.reason.contains("2 times"), "{}", schedule.reason);
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
