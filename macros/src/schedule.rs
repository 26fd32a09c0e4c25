//! How a kernel is laid out on a machine: register tiles, resident weights, unrolling. Plain data,
//! chosen per instruction set and tested as data; nothing here knows tokens.
//!
//! The channels-out family keeps `pixels x vectors` accumulators in registers, lanes along the
//! output channels. One *step* takes one input channel of `window` neighbouring taps of a filter
//! row: it loads `window x vectors` weight vectors, walks over the input pixels that the tile
//! touches, broadcasts each one once, and multiplies it into every accumulator whose tap it is. A
//! step so makes `pixels x vectors x window` multiply-adds out of few loads, which is what a
//! machine with two multiply-adds and two loads a cycle needs.

mod along_row;
pub(crate) mod depthwise;
mod run_time;
mod step;

use crate::geometry::Geometry;
use crate::isa::Isa;

pub(crate) use along_row::sections;
use step::Step;
pub(crate) use step::positions;

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

/// The share of another family's cycles that a second kernel for a shape may take at most: one that
/// wins by less is not worth its code.
const WORTH: f64 = 0.9;

/// The share of its cycles below which the second kernel runs everywhere but on the narrowest pictures, so that
/// the first needs no wide tiles.
const SPARE: f64 = 0.4;

/// Pixels of the widest tile that such a kernel keeps.
const SPARE_WIDTH: usize = 4;

/// What a kernel is compiled for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// Every number is a literal.
    Fixed(Geometry),
    /// Every number arrives with the call.
    RunTime,
}

/// The kernel families.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// Lanes along the output channels, inputs broadcast.
    ChannelsOut,
    /// Lanes along channels that do not see each other, or only the few of their group: each input
    /// meets its own weight.
    Depthwise,
    /// Lanes along the pixels of an output row, weights broadcast; planar memory.
    AlongRow,
}

impl Family {
    /// The name in kernel names.
    fn name(self) -> &'static str {
        match self {
            Family::ChannelsOut => "channels-out",
            Family::Depthwise => "depthwise",
            Family::AlongRow => "along-row",
        }
    }

    /// The name of the variant of the library's own `Family`.
    pub(crate) fn variant(self) -> &'static str {
        match self {
            Family::ChannelsOut => "ChannelsOut",
            Family::Depthwise => "Depthwise",
            Family::AlongRow => "AlongRow",
        }
    }
}

/// How the body of a tile is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    /// Every step in a line of its own; a barrier before each keeps the compiler from sharing
    /// loads between them and spilling what it shares.
    Unrolled {
        /// Multiply-adds in all.
        fmas: usize,
    },
    /// Loops with constant bounds around this many steps.
    Loops {
        /// Steps in the innermost body.
        steps: usize,
        /// Whether a barrier stands before each.
        barrier: bool,
    },
}

/// One register tile.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tile {
    /// Output pixels of a row.
    pub(crate) pixels: usize,
    /// Output rows.
    pub(crate) rows: usize,
    /// How its body is written.
    pub(crate) body: Body,
    /// Predicted cycles for one tap of one input channel over the whole tile.
    pub(crate) cycles: f64,
}

/// Panels of one width: so many vectors of output channels that are computed together.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Panels {
    /// Vectors of a panel; output channels, in the along-the-row family.
    pub(crate) vectors: usize,
    /// Panels of this width in one group, or `None` where the call says it; 0 where the panels are
    /// those of the kind before, for fewer output rows at a time.
    pub(crate) count: Option<usize>,
    /// Channels in the last vector of each panel, or `None` where the call says it.
    pub(crate) lanes: Option<usize>,
    /// Register tiles, the widest first.
    pub(crate) tiles: Vec<Tile>,
}

/// The whole decision for one geometry and one instruction set.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Schedule {
    pub(crate) target: Target,
    pub(crate) isa: Isa,
    pub(crate) family: Family,
    /// Taps of a filter row whose weights a step holds in registers.
    pub(crate) window: usize,
    /// The stride along a row that a run-time kernel was written for; its taps are neighbours then.
    pub(crate) row_stride: Option<usize>,
    /// Panels by width.
    pub(crate) panels: Vec<Panels>,
    /// Why, in a sentence or two.
    pub(crate) reason: String,
}

/// The most kinds of panels that one kernel may have.
pub(crate) const MAX_KINDS: usize = 4;

impl Schedule {
    /// The schedule of a kernel whose every number is known.
    pub(crate) fn choose(geometry: &Geometry, isa: &Isa) -> Schedule {
        if lies_in_lanes(geometry, isa) {
            depthwise::fixed(geometry, isa)
        } else {
            Self::channels_out(geometry, isa)
        }
    }

    /// Every schedule that can be the fastest for some picture: the one of [`Schedule::choose`] first,
    /// and the along-the-row one where lanes of the first would idle for more than it costs.
    pub(crate) fn all(geometry: &Geometry, isa: &Isa) -> Vec<Schedule> {
        let mut first = Self::choose(geometry, isa);
        if first.family != Family::ChannelsOut {
            return vec![first];
        }
        let cycles = first.cycles_of_a_pixel(geometry);
        let share = |along: &Schedule| along_row::cycles_of_a_pixel(along, geometry) / cycles;
        let along = along_row::fixed(geometry, isa).filter(|along| share(along) < WORTH);
        if along.as_ref().is_some_and(|along| share(along) < SPARE) {
            for panels in &mut first.panels {
                panels.tiles.retain(|tile| tile.pixels <= SPARE_WIDTH);
            }
            first.reason = reason(geometry, isa, &first.panels, first.window);
        }
        std::iter::once(first).chain(along).collect()
    }

    /// Cycles of the widest tiles for one output pixel.
    fn cycles_of_a_pixel(&self, geometry: &Geometry) -> f64 {
        let of_panels = |panels: &Panels| {
            panels
                .tiles
                .first()
                .map_or(0.0, |tile| panels.count.unwrap_or(0) as f64 * tile.cycles / tile.pixels as f64)
        };
        self.panels.iter().map(of_panels).sum::<f64>() * (geometry.taps() * geometry.groups) as f64
    }

    /// The schedules of the kernels that take their numbers from the call.
    pub(crate) fn run_time(isa: &Isa) -> Vec<Schedule> {
        let mut all = vec![run_time::any(isa), depthwise::run_time(isa), along_row::run_time(isa)];
        all.extend(run_time::windowed(isa));
        all
    }

    fn channels_out(geometry: &Geometry, isa: &Isa) -> Schedule {
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
        let (widest, window) =
            candidates.filter(feasible).min_by(|a, b| cost(a).total_cmp(&cost(b))).unwrap_or((1, 1));

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

    /// The module that holds its functions.
    pub(crate) fn module(&self) -> String {
        match (&self.target, self.family, self.row_stride) {
            (_, Family::AlongRow, _) => format!("along_row_{}", self.isa.name),
            (Target::RunTime, Family::Depthwise, _) => format!("{}_depthwise", self.isa.name),
            (_, _, Some(stride)) => format!("{}_{}_taps_stride_{stride}", self.isa.name, self.window),
            _ => self.isa.name.to_owned(),
        }
    }

    /// The name of the kernel: family, shape, instruction set, widest tile.
    pub(crate) fn name(&self) -> String {
        let shape = match &self.target {
            Target::Fixed(geometry) => geometry.name(),
            Target::RunTime => match self.row_stride {
                Some(stride) => format!("runtime-{}taps-s{stride}", self.window),
                None => "runtime".to_owned(),
            },
        };
        let tile = self.panels.first().and_then(|panels| panels.tiles.first().map(|tile| (panels, tile)));
        let tile = tile.map_or_else(String::new, |(panels, tile)| match self.family {
            Family::AlongRow => {
                format!("{}x{}x{}", tile.rows, tile.pixels / self.isa.lanes, panels.vectors)
            }
            _ if tile.rows > 1 => format!("{}x{}x{}", tile.rows, tile.pixels, panels.vectors),
            _ => format!("{}x{}", tile.pixels, panels.vectors),
        });
        let family = match (&self.target, self.family) {
            (Target::Fixed(geometry), Family::Depthwise) if geometry.c_in_group() > 1 => "grouped",
            (_, family) => family.name(),
        };
        format!("{family}-{shape}-{}-{tile}", self.isa.name)
    }

    /// Multiply-add instructions that the kernel's code contains, over all its tiles.
    pub(crate) fn fmas(&self) -> usize {
        let tiles = self.panels.iter().flat_map(|panels| panels.tiles.iter().map(move |tile| (panels, tile)));
        tiles
            .map(|(panels, tile)| match tile.body {
                Body::Unrolled { fmas } => fmas,
                Body::Loops { steps, .. } if self.family == Family::AlongRow => {
                    steps * tile.rows * tile.pixels / self.isa.lanes * panels.vectors
                }
                Body::Loops { steps, .. } => steps * tile.pixels * panels.vectors * self.window,
            })
            .sum()
    }
}

/// Whether a vector holds whole groups: each is as many channels out as in, fewer than lanes; or one
/// channel in and no more out than fill half a vector.
fn lies_in_lanes(geometry: &Geometry, isa: &Isa) -> bool {
    let (group, outputs) = (geometry.c_in_group(), geometry.c_out_group());
    let divides = group < isa.lanes && isa.lanes.is_multiple_of(group);
    let several = group == 1 && geometry.groups > 1 && 2 * outputs <= isa.lanes;
    (divides && group == outputs || several) && geometry.c_out >= isa.lanes
}

/// Vector registers of a tile: accumulators, resident weights, one broadcast.
fn registers(vectors: usize, window: usize, pixels: usize) -> usize {
    pixels * vectors + window * vectors + 1
}

/// The tiles of a panel, none wider than `most`, the widest being the widest whose registers suffice. Kernels that are there
/// to be right everywhere, not fast, make do with the widest and the last.
fn tile_widths(isa: &Isa, vectors: usize, window: usize, ragged: bool, most: usize) -> Vec<usize> {
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

/// `vectors` as panels of at most `widest`, as even as possible: `(width, count)`, widest first.
pub(crate) fn split(vectors: usize, widest: usize) -> Vec<(usize, usize)> {
    let panels = vectors.div_ceil(widest);
    let (width, wider) = (vectors / panels, vectors % panels);
    [(width + 1, wider), (width, panels - wider)].into_iter().filter(|&(_, count)| count > 0).collect()
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

/// The divisors of a number, the largest first.
fn divisors(number: usize) -> Vec<usize> {
    (1..=number).rev().filter(|divisor| number.is_multiple_of(*divisor)).collect()
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

/// `1 panel`, `2 panels`.
pub(crate) fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
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
    fn panels_cover_the_channels_and_waste_only_the_last_vector() {
        for vectors in 1..40 {
            for widest in 1..=MAX_KINDS.min(vectors) {
                let panels = split(vectors, widest);
                assert_eq!(panels.iter().map(|(width, count)| width * count).sum::<usize>(), vectors);
                assert!(panels.len() <= 2 && panels.iter().all(|&(width, _)| width <= widest));
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
