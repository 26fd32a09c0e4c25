//! Schedules of the channels-out family: `pixels x vectors` accumulators.
//!
//! Lanes lie along the output channels. One *step* takes one input channel of `window` neighbouring taps of a filter
//! row: it loads `window x vectors` weight vectors, walks over the input pixels that the tile
//! touches, broadcasts each one once, and multiplies it into every accumulator whose tap it is. A
//! step so makes `pixels x vectors x window` multiply-adds out of few loads, which is what a
//! machine with two multiply-adds and two loads a cycle needs.

use super::{Body, Family, MAX_KINDS, Panels, Schedule, Step, Target, Tile, divisors, plural, split};
use crate::geometry::Geometry;
use crate::isa::Isa;

/// Multiply-adds that a loop body should have before its own overhead is lost in them.
const BODY: usize = 24;

/// Register tiles by the width of the widest, the widest first: 7 and 14 divide the pictures of the
/// classification networks, the powers of two everything else, four overlaps little where nothing
/// divides, and one serves what is narrower. Each more costs compile time.
const WIDTHS: [&[usize]; 9] = [
    &[16, 8, 4, 1],
    &[14, 7, 4, 1],
    &[12, 8, 7, 4, 1],
    &[8, 7, 4, 1],
    &[7, 4, 1],
    &[6, 4, 3, 1],
    &[4, 1],
    &[3, 1],
    &[1],
];

/// Pixels of the widest tile that is kept beside another family's kernel.
const SPARE_WIDTH: usize = 4;

/// The schedule of a layer whose every number is known.
pub(super) fn fixed(geometry: &Geometry, isa: &Isa) -> Schedule {
    let vectors = geometry.c_out_group().div_ceil(isa.lanes);
    let candidates = (1..=MAX_KINDS)
        // Kernels that are there to be right, not fast, make do with panels of one width.
        .filter(|&widest| widest <= vectors && (isa.unroll > 0 || vectors.is_multiple_of(widest)))
        .flat_map(|widest| divisors(geometry.kernel[1]).into_iter().map(move |window| (widest, window)));
    let cost = |&(widest, window): &(usize, usize)| -> f64 {
        split(vectors, widest)
            .iter()
            .map(|&(width, count)| {
                let best = tile_widths(isa, width, window, false, usize::MAX)[0];
                let step = Step::of(geometry, isa, best, width, window);
                (width * count) as f64 * step.cycles() / step.fmas() as f64
            })
            .sum()
    };
    let feasible = |&(widest, window): &(usize, usize)| registers(widest, window, 1) <= isa.registers;
    let (widest, window) = candidates
        .filter(feasible)
        .map(|candidate| (cost(&candidate), candidate))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map_or((1, 1), |(_, candidate)| candidate);

    let rest = geometry.c_out_group() % isa.lanes;
    let kinds = apart(split(vectors, widest), rest > 0);
    let panels: Vec<Panels> = kinds
        .iter()
        .enumerate()
        .map(|(kind, &(width, count))| {
            let last = kind + 1 == kinds.len();
            let lanes = if last && rest > 0 { rest } else { isa.lanes };
            let mut widths = tile_widths(isa, width, window, lanes < isa.lanes, usize::MAX);
            // Beside unrolled code, three pixels are a tile too many where registers are few: the
            // compiler spills in its loop.
            let widest = widths[0];
            let small = widest * width * geometry.taps() <= isa.unroll;
            widths.retain(|&pixels| pixels != 3 || widest == 3 || !small || isa.registers > 16);
            let tiles = widths
                .iter()
                .map(|&pixels| {
                    let step = Step::of(geometry, isa, pixels, width, window);
                    // Only the widest tile runs often enough to be worth its code; and masked
                    // loads and stores at its end make the compiler spill.
                    let masked = lanes < isa.lanes;
                    let worth = pixels == widths[0] && !masked;
                    let total = step.pixels * step.vectors * geometry.taps();
                    let body = if worth && total <= isa.unroll {
                        Body::Unrolled { fmas: total }
                    } else {
                        Body::Loops {
                            steps: unroll(geometry.c_in_group(), step.fmas()),
                            barrier: isa.unroll > 0,
                        }
                    };
                    Tile { pixels, rows: 1, body, cycles: step.cycles() / window as f64 }
                })
                .collect();
            Panels { vectors: width, count: Some(count), lanes: Some(lanes), tiles }
        })
        .collect();
    let reason = reason(geometry, isa, &panels, window);
    Schedule {
        target: Target::Fixed(geometry.clone()),
        isa: *isa,
        family: Family::ChannelsOut,
        window,
        row_stride: None,
        panels,
        reason,
    }
}

/// The same without its wide tiles, where another family's kernel runs everywhere but on the narrowest pictures.
pub(super) fn without_wide_tiles(mut schedule: Schedule, geometry: &Geometry) -> Schedule {
    for panels in &mut schedule.panels {
        panels.tiles.retain(|tile| tile.pixels <= SPARE_WIDTH);
    }
    schedule.reason = reason(geometry, &schedule.isa, &schedule.panels, schedule.window);
    schedule
}

/// Vector registers of a tile: accumulators, resident weights, one broadcast.
pub(super) fn registers(vectors: usize, window: usize, pixels: usize) -> usize {
    pixels * vectors + window * vectors + 1
}

/// The tiles of a panel, none wider than `most`, the widest being the widest whose registers suffice. Kernels that are there
/// to be right everywhere, not fast, make do with the widest and the last.
pub(super) fn tile_widths(isa: &Isa, vectors: usize, window: usize, ragged: bool, most: usize) -> Vec<usize> {
    // One register is left over, and wide tiles of one vector spill where registers are few. There
    // too, the mask of a ragged panel's stores takes a register of its own.
    let mask = usize::from(ragged && isa.registers <= 16);
    let (usable, most) = (isa.registers - 1 - mask, most.min(isa.registers / 2));
    let fits = |widths: &&[usize]| widths[0] <= most && registers(vectors, window, widths[0]) <= usable;
    let widths = WIDTHS.into_iter().find(fits).unwrap_or(&[1]);
    match widths {
        [widest, .., last] if isa.unroll == 0 => vec![*widest, *last],
        all => all.to_vec(),
    }
}

/// Panels with the last one apart where it is `ragged`: its last vector then has as many channels as
/// a literal says, and its stores cannot fail.
fn apart(mut kinds: Vec<(usize, usize)>, ragged: bool) -> Vec<(usize, usize)> {
    if ragged
        && let Some((width, count)) = kinds.last_mut()
        && *count > 1
    {
        *count -= 1;
        let last = (*width, 1);
        kinds.push(last);
    }
    kinds
}

/// Steps in an innermost loop body: a divisor of the channels, enough to fill the body.
fn unroll(channels: usize, fmas: usize) -> usize {
    let enough = BODY.div_ceil(fmas);
    divisors(channels)
        .into_iter()
        .rev()
        .find(|&steps| steps >= enough && steps <= 8)
        .unwrap_or_else(|| divisors(channels).into_iter().find(|&steps| steps <= 8).unwrap_or(1))
}

fn reason(geometry: &Geometry, isa: &Isa, panels: &[Panels], window: usize) -> String {
    let kinds: Vec<String> = panels
        .iter()
        .map(|panels| {
            let widths: Vec<String> = panels.tiles.iter().map(|tile| tile.pixels.to_string()).collect();
            let count = panels.count.unwrap_or(0);
            let vectors = plural(panels.vectors, "vector");
            format!("{} of {vectors} in tiles of {} pixels", plural(count, "panel"), widths.join(", "))
        })
        .collect();
    let body = match panels.first().and_then(|panels| panels.tiles.first()).map(|tile| (tile, &tile.body)) {
        Some((_, Body::Unrolled { fmas })) => {
            format!("fully unrolled: {fmas} multiply-adds of a budget of {}", isa.unroll)
        }
        Some((tile, Body::Loops { steps, .. })) => {
            let vectors = panels.first().map_or(0, |panels| panels.vectors);
            let fmas = tile.pixels * vectors * geometry.taps();
            let why = match isa.unroll {
                0 => "unrolled code is for the sets whose speed matters".to_owned(),
                budget if fmas > budget => {
                    format!("unrolled it would be {fmas} multiply-adds, beyond the budget of {budget}")
                }
                _ => "masked stores behind unrolled code spill".to_owned(),
            };
            format!("constant loops around {}: {why}", plural(*steps, "step"))
        }
        None => String::new(),
    };
    let lanes = geometry.c_out_group().div_ceil(isa.lanes) * isa.lanes;
    let waste = match lanes - geometry.c_out_group() {
        0 => String::new(),
        idle => format!("; {idle} of {lanes} lanes idle"),
    };
    let taps = plural(window, "tap");
    format!("{}; the weights of {taps} in registers at a time; {body}{waste}", kinds.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa;

    fn geometry(kernel: usize, c_in: usize, c_out: usize) -> Geometry {
        Geometry { kernel: [kernel, kernel], stride: [1, 1], dilation: [1, 1], groups: 1, c_in, c_out }
    }

    fn isa(name: &str) -> Isa {
        *isa::ALL.iter().find(|isa| isa.name == name).unwrap()
    }

    #[test]
    fn tiles_fit_the_registers() {
        for isa in isa::ALL {
            for kernel in [1, 2, 3, 5, 7, 11, 15, 31] {
                for c_out in [1, 3, 8, 16, 17, 24, 64, 80, 512] {
                    let schedule = Schedule::choose(&geometry(kernel, 3, c_out), isa);
                    for panels in &schedule.panels {
                        assert!(panels.tiles.iter().any(|tile| tile.pixels == 1), "{schedule:?}");
                        for tile in &panels.tiles {
                            let used = registers(panels.vectors, schedule.window, tile.pixels);
                            assert!(used <= isa.registers, "{} uses {used}", schedule.name());
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn small_filters_are_unrolled_and_large_ones_are_not() {
        let stem = Schedule::choose(&geometry(3, 3, 16), &isa("avx512"));
        assert!(matches!(stem.panels[0].tiles[0].body, Body::Unrolled { fmas } if fmas <= 450));
        assert_eq!(stem.window, 3);
        let middle = Schedule::choose(&geometry(3, 64, 64), &isa("avx512"));
        assert!(matches!(middle.panels[0].tiles[0].body, Body::Loops { .. }));
    }

    #[test]
    fn no_kernel_has_more_code_than_its_budget_for_each_unrolled_tile() {
        for isa in isa::ALL {
            for kernel in [1, 3, 5, 7] {
                for c_in in [1, 3, 4, 8, 16] {
                    let schedule = Schedule::choose(&geometry(kernel, c_in, 16), isa);
                    for tile in schedule.panels.iter().flat_map(|panels| &panels.tiles) {
                        if let Body::Unrolled { fmas } = tile.body {
                            assert!(fmas <= isa.unroll, "{}", schedule.name());
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn three_pixels_are_a_tile_where_they_are_the_widest_or_no_code_is_unrolled_beside() {
        let widths = |c_in, c_out, name| {
            let schedule = Schedule::choose(&geometry(3, c_in, c_out), &isa(name));
            schedule.panels[0].tiles.iter().map(|tile| tile.pixels).collect::<Vec<_>>()
        };
        assert_eq!(widths(1, 16, "avx2"), [6, 4, 1]);
        assert_eq!(widths(3, 16, "avx2"), [6, 4, 3, 1]);
        assert_eq!(widths(3, 24, "avx2"), [3, 1]);
        assert_eq!(widths(64, 64, "avx2"), [6, 4, 3, 1]);
    }

    #[test]
    fn the_reason_for_loops_is_the_one_that_held() {
        let reason = |c_in, c_out, name| Schedule::choose(&geometry(3, c_in, c_out), &isa(name)).reason;
        assert!(reason(64, 64, "avx512").contains("beyond the budget of 450"));
        assert!(reason(1, 5, "avx2").contains("masked stores"));
        assert!(reason(3, 16, "portable").contains("speed matters"));
        assert!(reason(3, 16, "avx512").contains("fully unrolled"));
    }
}
