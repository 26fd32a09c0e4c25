//! Schedules of the along-the-row family: `rows x vectors x channels` accumulators, lanes along the
//! pixels of an output row, for layers whose output channels would leave lanes idle.
//!
//! A step takes one input channel and one filter column. It walks over the input rows that the tile
//! touches, loads the vectors of each once, and multiplies them with the weights of every tap that
//! meets it, each broadcast over the lanes. Output channels are cut into panels of even widths, so
//! that every count of channels is served without idle work.

use super::{Body, Family, MAX_KINDS, Panels, Schedule, Target, Tile, plural, positions, split};
use crate::geometry::Geometry;
use crate::isa::Isa;

/// Multiply-adds in the loop body of a tile where an instruction set has no budget of its own.
const BODY: usize = 300;

/// Cycles of a tile beyond those of its steps: finding windows, bias, stores.
const TILE: f64 = 12.0;

/// Filter rows whose products are written out one after another: more need more pointers to input rows
/// than there are registers for, and compilers spill.
const SECTION: usize = 7;

/// The most output channels of a panel.
const WIDEST: usize = 8;

/// Output channels of a panel of the run-time kernel, with the rows and vectors of its widest tile,
/// for 32 registers and for 16.
const RUN_TIME: [([usize; 3], [usize; 3]); MAX_KINDS] =
    [([8, 1, 3], [8, 1, 1]), ([4, 2, 3], [4, 1, 2]), ([2, 3, 4], [2, 2, 3]), ([1, 4, 4], [1, 4, 2])];

/// A register tile while it is weighed against others.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Shape {
    rows: usize,
    vectors: usize,
    channels: usize,
}

impl Shape {
    /// Whether sums, the vectors of an input row and a weight fit the registers. Tiles of many rows
    /// take a pointer for each and are what compilers spill: they leave half the registers free, where
    /// there are many.
    fn fits(self, isa: &Isa) -> bool {
        let flat = self.rows <= 2 && self.sums() + self.vectors + 2 <= isa.registers;
        let tall = isa.registers > 16 && self.rows <= 4 && 2 * self.sums() <= isa.registers;
        self.rows * self.channels <= 8 && (flat || tall)
    }

    fn sums(self) -> usize {
        self.rows * self.vectors * self.channels
    }

    /// Whether the weights of a step stay in registers from one input row to the next.
    fn keeps_weights(self, taps: usize, isa: &Isa) -> bool {
        self.sums() + self.vectors + taps * self.channels < isa.registers
    }

    /// Cycles for one input channel and one filter column.
    fn cycles(self, geometry: &Geometry, isa: &Isa) -> f64 {
        let sections = sections(geometry.kernel[0], window(geometry));
        sections
            .iter()
            .map(|&(taps, count)| count as f64 * self.cycles_of_a_section(taps, geometry, isa))
            .sum()
    }

    /// Cycles for one input channel and so many taps of one filter column: two multiply-adds and two
    /// loads a cycle, where a load that crosses a cache line counts twice.
    fn cycles_of_a_section(self, taps: usize, geometry: &Geometry, isa: &Isa) -> f64 {
        let rows = positions(geometry.stride[0], geometry.dilation[0], self.rows, taps).len();
        let crossing = isa.lanes as f64 / 16.0;
        let weights = if self.keeps_weights(taps, isa) { 1 } else { self.rows } * taps * self.channels;
        let loads = (rows * self.vectors) as f64 * (1.0 + crossing) + weights as f64;
        let fmas = (self.sums() * taps) as f64;
        (fmas / 2.0).max(loads / 2.0).max(super::step::LATENCY * taps as f64) + 0.06 * loads + 1.0
    }

    /// Cycles of a tile for each of its taps.
    fn cycles_of_a_tap(self, geometry: &Geometry, isa: &Isa) -> f64 {
        self.cycles(geometry, isa) / geometry.kernel[0] as f64 + TILE / geometry.taps() as f64
    }

    /// Cycles for one tap of a vector of pixels of one row, all channels of the panel.
    fn cycles_of_a_vector(self, geometry: &Geometry, isa: &Isa) -> f64 {
        self.cycles_of_a_tap(geometry, isa) / (self.rows * self.vectors) as f64
    }
}

/// Filter rows of the longest section that a step takes.
fn window(geometry: &Geometry) -> usize {
    let rows = geometry.kernel[0];
    rows.div_ceil(rows.div_ceil(SECTION).max(1))
}

/// Filter rows as sections of at most `window`, as even as possible: how many rows each has, and how many
/// there are of it, the longest first.
pub(crate) fn sections(rows: usize, window: usize) -> Vec<(usize, usize)> {
    split(rows, window)
}

/// Bytes of weights up to which each phase has its own: they should stay in the first-level cache.
pub(crate) const PHASES: usize = 16 << 10;

/// Channels of a pixel, for layers whose pixels are read as they lie in memory, the channels of neighbouring ones
/// side by side in the lanes: one filter per channel, of few rows, and fewer channels than lanes.
pub(crate) fn phases(geometry: &Geometry, isa: &Isa) -> Option<usize> {
    let channels = geometry.c_out;
    let apart = geometry.groups == channels && geometry.c_in == channels && geometry.stride[1] == 1;
    let bytes = geometry.taps() * channels * isa.lanes * size_of::<f32>();
    let few = geometry.kernel[0] <= SECTION;
    (apart && few && channels > 1 && channels < isa.lanes && bytes <= PHASES).then_some(channels)
}

/// The schedule of a layer whose every number is known, or `None` where rows cannot be read by
/// vectors, or where one filter column would be more code than a kernel may have.
pub(super) fn fixed(geometry: &Geometry, isa: &Isa) -> Option<Schedule> {
    if geometry.stride[1] != 1 {
        return None;
    }
    let channels = geometry.c_out_group();
    // Weighed once for each width: a macro runs without optimisation.
    let bests: Vec<_> = (1..=channels.min(WIDEST)).map(|width| best(width, geometry, isa)).collect();
    let best = |width: usize| bests.get(width - 1).copied().flatten();
    let cost = |kinds: &[(usize, usize)]| -> Option<f64> {
        kinds.iter().map(|&(width, count)| best(width).map(|(cycles, _)| count as f64 * cycles)).sum()
    };
    let kinds = (1..=channels.min(WIDEST))
        .map(|widest| split(channels, widest))
        .filter_map(|kinds| cost(&kinds).map(|cost| (cost, kinds)))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, kinds)| kinds)?;
    let window = window(geometry);
    let written = sections(geometry.kernel[0], window).iter().map(|(taps, _)| taps).sum();
    let panels: Vec<Panels> = kinds
        .iter()
        .filter_map(|&(width, count)| {
            let (_, shape) = best(width)?;
            let tile = |rows: usize, vectors: usize| {
                let shape = Shape { rows, vectors, channels: width };
                Tile {
                    pixels: vectors * isa.lanes,
                    rows,
                    body: Body::Loops { steps: written, barrier: !shape.keeps_weights(window, isa) },
                    cycles: shape.cycles_of_a_tap(geometry, isa),
                }
            };
            let mut tiles = tiles(shape, tile);
            // One row alone is what few pictures have, unless the filter has one.
            tiles.retain(|tile| {
                tile.rows > 1 || tile.pixels == isa.lanes || geometry.kernel[0] == 1 || shape.rows == 1
            });
            Some(Panels { vectors: width, count: Some(count), lanes: None, tiles })
        })
        .collect();
    let reason = reason(geometry, &panels, isa);
    let (family, target) = (Family::AlongRow, Target::Fixed(geometry.clone()));
    Some(Schedule { target, isa: *isa, family, window, row_stride: None, panels, reason })
}

/// The schedule of the kernel that takes every number from the call but the tiles.
pub(super) fn run_time(isa: &Isa) -> Schedule {
    let panels = RUN_TIME.map(|(many, few)| {
        let [channels, rows, vectors] = if isa.registers >= 32 { many } else { few };
        let tile = |rows: usize, vectors: usize| {
            let sums = (rows * vectors * channels) as f64;
            let loads = (rows * vectors) as f64 * (1.0 + isa.lanes as f64 / 16.0) + channels as f64;
            Tile {
                pixels: vectors * isa.lanes,
                rows,
                body: Body::Loops { steps: 1, barrier: false },
                cycles: (sums / 2.0).max(loads / 2.0).max(super::step::LATENCY) + rows as f64 + 1.0,
            }
        };
        let tiles = tiles(Shape { rows, vectors, channels }, tile);
        Panels { vectors: channels, count: None, lanes: None, tiles }
    });
    let reason =
        "every size is a run-time value: loops over input channels, filter rows and columns, lanes along \
                  the pixels of a row, panels of 8, 4, 2 and 1 output channels"
            .to_owned();
    let (family, target) = (Family::AlongRow, Target::RunTime);
    Schedule { target, isa: *isa, family, window: 1, row_stride: None, panels: panels.to_vec(), reason }
}

/// The widest tile, the one of a single vector for the end of a row, and both for a single row.
fn tiles(widest: Shape, tile: impl Fn(usize, usize) -> Tile) -> Vec<Tile> {
    let mut tiles = Vec::new();
    for rows in [widest.rows, 1] {
        for vectors in [widest.vectors, 1] {
            let tile = tile(rows, vectors);
            if !tiles.contains(&tile) {
                tiles.push(tile);
            }
        }
    }
    tiles
}

/// The tile that is cheapest for a panel of so many channels, behind its cycles for one tap of a vector of pixels.
fn best(channels: usize, geometry: &Geometry, isa: &Isa) -> Option<(f64, Shape)> {
    let budget = isa.unroll.max(BODY);
    let shapes = (1..=8).flat_map(|rows| (1..=4).map(move |vectors| Shape { rows, vectors, channels }));
    shapes
        .filter(|shape| shape.fits(isa) && shape.sums() * window(geometry) <= budget)
        .map(|shape| (shape.cycles_of_a_vector(geometry, isa), shape))
        .min_by(|a, b| a.0.total_cmp(&b.0))
}

/// Cycles for one output pixel of a wide picture whose memory is planar.
pub(super) fn cycles_of_a_pixel(schedule: &Schedule, geometry: &Geometry) -> f64 {
    let of_panels = |panels: &Panels| {
        let tile = &panels.tiles[0];
        panels.count.unwrap_or(0) as f64 * tile.cycles / (tile.rows * tile.pixels) as f64
    };
    schedule.panels.iter().map(of_panels).sum::<f64>() * (geometry.taps() * geometry.groups) as f64
}

fn reason(geometry: &Geometry, panels: &[Panels], isa: &Isa) -> String {
    let kinds: Vec<String> = panels
        .iter()
        .map(|panels| {
            let (count, tile) = (panels.count.unwrap_or(0), &panels.tiles[0]);
            format!(
                "{} of {} in tiles of {} by {}",
                plural(count, "panel"),
                plural(panels.vectors, "output channel"),
                plural(tile.rows, "row"),
                plural(tile.pixels / isa.lanes, "vector"),
            )
        })
        .collect();
    let rows = match &sections(geometry.kernel[0], window(geometry))[..] {
        [(_, 1)] => "filter rows unrolled".to_owned(),
        sections => {
            let count = sections.iter().map(|(_, count)| count).sum();
            let longest = sections.first().map_or(1, |(rows, _)| *rows);
            format!("filter rows unrolled in {} of at most {longest}", plural(count, "section"))
        }
    };
    format!(
        "lanes along the pixels of a row, planar memory, weights broadcast; {}; loops over {} and {}, {rows}; no \
         lane idle",
        kinds.join(" and "),
        plural(geometry.c_in_group(), "input channel"),
        plural(geometry.kernel[1], "filter column"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::ALL;

    fn geometry(kernel: usize, c_in: usize, c_out: usize) -> Geometry {
        Geometry { kernel: [kernel; 2], stride: [1, 1], dilation: [1, 1], groups: 1, c_in, c_out }
    }

    fn widths(schedule: &Schedule) -> Vec<(usize, usize)> {
        schedule.panels.iter().map(|panels| (panels.vectors, panels.count.unwrap_or(0))).collect()
    }

    #[test]
    fn tiles_fit_the_registers_and_end_with_one_row_of_one_vector() {
        for isa in ALL {
            for kernel in [1, 2, 3, 5, 7, 15, 31] {
                for channels in 1..40 {
                    let Some(schedule) = fixed(&geometry(kernel, 3, channels), isa) else {
                        panic!("{kernel}x{kernel} to {channels} under {}", isa.name)
                    };
                    assert_eq!(widths(&schedule).iter().map(|(w, n)| w * n).sum::<usize>(), channels);
                    for panels in &schedule.panels {
                        let last = panels.tiles.last().map(|tile| (tile.rows, tile.pixels));
                        assert_eq!(last, Some((1, isa.lanes)));
                        for tile in &panels.tiles {
                            let vectors = tile.pixels / isa.lanes;
                            let used = tile.rows * vectors * panels.vectors + vectors + 1;
                            assert!(used < isa.registers, "{} uses {used}", schedule.name());
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn large_filters_are_cut_into_even_sections_that_hold_every_row() {
        for rows in 1..64 {
            let longest = window(&geometry(rows, 1, 1));
            let sections = sections(rows, longest);
            assert!(longest <= SECTION && sections[0].0 == longest, "{rows}: {sections:?}");
            assert_eq!(sections.iter().map(|(size, count)| size * count).sum::<usize>(), rows);
        }
        assert_eq!(sections(15, window(&geometry(15, 1, 1))), [(5, 3)]);
        assert_eq!(sections(31, window(&geometry(31, 1, 1))), [(7, 1), (6, 4)]);
    }

    #[test]
    fn counts_that_panels_divide_have_panels_of_one_width() {
        let isa = ALL.iter().find(|isa| isa.name == "avx512").unwrap();
        for channels in [1, 4, 8, 12, 24] {
            let schedule = fixed(&geometry(3, 4, channels), isa).unwrap();
            assert_eq!(widths(&schedule).len(), 1, "{}: {:?}", schedule.name(), widths(&schedule));
        }
        assert_eq!(widths(&fixed(&geometry(3, 4, 17), isa).unwrap()).len(), 2);
    }

    #[test]
    fn strides_along_the_row_are_for_other_families() {
        let strided = Geometry { stride: [1, 2], ..geometry(3, 3, 4) };
        assert!(ALL.iter().all(|isa| fixed(&strided, isa).is_none()));
        let down = Geometry { stride: [2, 1], ..geometry(3, 3, 4) };
        assert!(ALL.iter().all(|isa| fixed(&down, isa).is_some()));
    }

    #[test]
    fn it_is_there_where_lanes_would_idle_and_nowhere_else() {
        let families = |c_out: usize, name: &str| -> Vec<Family> {
            let isa = ALL.iter().find(|isa| isa.name == name).unwrap();
            Schedule::all(&geometry(3, 8, c_out), isa).iter().map(|schedule| schedule.family).collect()
        };
        for name in ["avx512", "avx2", "neon"] {
            assert_eq!(families(1, name), [Family::ChannelsOut, Family::AlongRow], "{name}");
            assert_eq!(families(64, name), [Family::ChannelsOut], "{name}");
        }
        assert_eq!(families(24, "avx512"), [Family::ChannelsOut, Family::AlongRow]);
        assert_eq!(families(16, "avx2"), [Family::ChannelsOut]);
    }
}
