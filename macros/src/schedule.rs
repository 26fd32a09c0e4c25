//! How a kernel is laid out on a machine: register tiles, resident weights, unrolling. Plain data,
//! chosen per instruction set and tested as data; nothing here knows tokens.

mod along_row;
mod channels_out;
pub(crate) mod depthwise;
mod run_time;
mod step;

use crate::geometry::Geometry;
use crate::isa::Isa;

pub(crate) use along_row::{PHASES, phases, sections};
use step::Step;
pub(crate) use step::positions;

/// The share of another family's cycles that a second kernel for a shape may take at most: one that
/// wins by less is not worth its code.
const WORTH: f64 = 0.9;

/// The share of its cycles below which the second kernel runs everywhere but on the narrowest pictures, so that
/// the first needs no wide tiles.
const SPARE: f64 = 0.4;

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
            channels_out::fixed(geometry, isa)
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
            first = channels_out::without_wide_tiles(first, geometry);
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

    /// Filter rows of a kernel that reads pixels as they lie in memory too; 0 of another.
    fn phased_rows(&self) -> usize {
        match &self.target {
            Target::Fixed(geometry) if phases(geometry, &self.isa).is_some() => geometry.kernel[0],
            _ => 0,
        }
    }

    /// Multiply-add instructions that the kernel's code contains, over all its tiles.
    pub(crate) fn fmas(&self) -> usize {
        let tiles = self.panels.iter().flat_map(|panels| panels.tiles.iter().map(move |tile| (panels, tile)));
        tiles
            .map(|(panels, tile)| match tile.body {
                Body::Unrolled { fmas } => fmas,
                Body::Loops { steps, .. } if self.family == Family::AlongRow => {
                    let phased =
                        if tile.pixels == self.isa.lanes { tile.rows * self.phased_rows() } else { 0 };
                    steps * tile.rows * tile.pixels / self.isa.lanes * panels.vectors + phased
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

/// `vectors` as panels of at most `widest`, as even as possible: `(width, count)`, widest first.
pub(crate) fn split(vectors: usize, widest: usize) -> Vec<(usize, usize)> {
    let panels = vectors.div_ceil(widest);
    let (width, wider) = (vectors / panels, vectors % panels);
    [(width + 1, wider), (width, panels - wider)].into_iter().filter(|&(_, count)| count > 0).collect()
}

/// The divisors of a number, the largest first.
fn divisors(number: usize) -> Vec<usize> {
    (1..=number).rev().filter(|divisor| number.is_multiple_of(*divisor)).collect()
}

/// `1 panel`, `2 panels`.
pub(crate) fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
