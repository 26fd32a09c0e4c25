//! Which tile a layer is computed by, for one size of picture: what each costs, and how exact it is.

use super::TRANSFORMS;
use super::packed::pointwise;
use super::transform::{Algorithm, Ready, Transform};
use crate::cover::{cost, cover};
use crate::frame::Frame;
use crate::isa::Isa;
use crate::kernel::{Family, Panels, Tiling};
use crate::machine::Machine;
use crate::rows::pitch;
use crate::spec::ConvSpec;
use crate::strategy::direct;
use crate::tiled;

/// Channels that a pass takes at once: a tile of them stays in the first-level cache between passes.
pub(super) const CHUNK: usize = 64;

/// Unit roundoff of f32.
const ROUNDING: f64 = 5.96e-8;

/// Cycles of an instruction of a pass, of a vector that is read or written, and of one call of a pass.
const INSTRUCTION: f64 = 0.5;
const MOVED: f64 = 0.75;
const PASS: f64 = 12.0;

/// Cycles of a kernel's call for one product of a block, and of a register tile beside its sums: for
/// each, and for each of its vectors.
const CALL: f64 = 60.0;
const TILE: f64 = 20.0;
const STORED: f64 = 1.0;

/// Bytes that arrive in a cycle from beyond the second-level cache, and from beyond the last.
const BEYOND: f64 = 16.0;
const MEMORY: f64 = 9.0;

/// Algorithms for the rows and the columns of a filter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub(super) down: Ready,
    pub(super) across: Ready,
}

impl Pair {
    pub(super) fn algorithms(&self) -> [&Algorithm; 2] {
        [self.down.algorithm(), self.across.algorithm()]
    }

    /// Outputs of a tile, down and across.
    pub(super) fn outputs(&self) -> [usize; 2] {
        self.algorithms().map(|algorithm| algorithm.outputs)
    }

    /// Products of a tile for each channel in and out.
    pub(super) fn products(&self) -> usize {
        self.algorithms().iter().map(|algorithm| algorithm.products()).product()
    }

    pub(super) fn lanes(&self) -> usize {
        self.down.algorithm().lanes
    }

    /// Channels, filled up to whole vectors.
    pub(super) fn padded(&self, channels: usize) -> usize {
        channels.next_multiple_of(self.lanes())
    }

    /// How a block of tiles lies in memory: `[product][tile][channel]`, of the transformed inputs and of
    /// their products.
    pub(super) fn layouts(&self, spec: &ConvSpec, block: usize) -> [Layout; 2] {
        [spec.c_in, spec.c_out].map(|channels| {
            let padded = self.padded(channels);
            // Tiles many lines apart should not fall into the same sets of the first-level cache.
            let tile = if padded < 128 { padded } else { pitch(padded) };
            let plane = pitch(block * tile);
            Layout { tile, plane, floats: self.products() * plane }
        })
    }

    /// Bytes of its transformed weights.
    pub(super) fn weights(&self, spec: &ConvSpec) -> usize {
        size_of::<f32>() * self.products() * spec.c_in * self.padded(spec.c_out)
    }

    /// By how much errors that are like noise grow.
    fn amplification(&self) -> f64 {
        self.algorithms().iter().map(|algorithm| algorithm.amplification).product()
    }

    /// Predicted largest error over the root mean square of the output, on numbers like noise: rounding
    /// of the transforms, and of sums over the channels, times what the algorithms amplify them by.
    /// Calibrated on layers of 1 to 512 channels.
    pub(super) fn error(&self, spec: &ConvSpec) -> f64 {
        ROUNDING * self.amplification() * (8.0 + 1.5 * (spec.c_in as f64).sqrt())
    }

    /// The largest sum of the sizes of what is added for an output over that of the sum as it stands, on
    /// inputs of one size and taps of one size: exact. What is rounded is never larger.
    pub(super) fn growth(&self) -> f64 {
        let growth = |algorithm: &Algorithm| algorithm.worst / algorithm.taps as f64;
        self.algorithms().into_iter().map(growth).product()
    }

    /// The name in explanations: `F(4x4,3x3)`.
    pub(super) fn name(&self) -> String {
        let [down, across] = self.algorithms();
        format!("F({}x{},{}x{})", down.outputs, across.outputs, down.taps, across.taps)
    }
}

/// Floats from one tile to the next, from one product to the next, and in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) tile: usize,
    pub(super) plane: usize,
    pub(super) floats: usize,
}

/// Every pair for the filter of a layer, or why there is none.
pub(super) fn pairs(isa: Isa, spec: &ConvSpec) -> Result<Vec<Pair>, String> {
    if spec.stride != [1, 1] {
        let [down, across] = spec.stride;
        return Err(format!("its tiles have outputs side by side, and the stride is {down}x{across}"));
    }
    if spec.groups != 1 {
        return Err(format!("it saves sums over many channels, and these lie in {} groups", spec.groups));
    }
    if spec.kernel == [1, 1] {
        return Err("a filter of one pixel has no products to save".to_owned());
    }
    let of_taps = |taps: usize| {
        let all = TRANSFORMS.iter().filter(move |transform| {
            let algorithm = transform.algorithm();
            algorithm.isa == isa && algorithm.taps == taps
        });
        all.filter_map(Transform::ready)
    };
    let [down, across] = spec.kernel.map(|taps| of_taps(taps).collect::<Vec<_>>());
    let pairs: Vec<Pair> =
        down.iter().flat_map(|&down| across.iter().map(move |&across| Pair { down, across })).collect();
    if pairs.is_empty() {
        let [rows, columns] = spec.kernel;
        return Err(format!(
            "no transform for {rows}x{columns} under {isa}; there are some for 1, 3, 5 and 7 taps"
        ));
    }
    Ok(pairs)
}

/// A pair laid over one size of picture.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Choice {
    /// Which of [`pairs`].
    pub(super) pair: usize,
    /// Its name.
    pub(crate) name: String,
    /// Outputs of a tile.
    outputs: [usize; 2],
    /// Products of a tile for a channel in and out, and as many as the sum has.
    products: usize,
    instead: usize,
    /// By how much errors that are like noise grow.
    amplification: f64,
    /// Tiles that are computed together.
    pub(super) block: usize,
    /// How the tiles of a whole block are covered by those of the kernel.
    pub(super) tiling: Tiling,
    /// Predicted cycles of a picture.
    pub(crate) cycles: f64,
    /// Predicted error, over the root mean square of the output.
    pub(crate) error: f64,
    /// By how much errors may grow at most.
    pub(crate) growth: f64,
    /// Bytes of scratch that a thread needs.
    pub(crate) workspace: usize,
    /// Bytes of transformed weights.
    pub(crate) weights: usize,
}

impl Choice {
    /// What it is, in a sentence.
    pub(crate) fn reason(&self) -> String {
        format!(
            "tiles of {}x{} outputs by {} products instead of {}, {} tiles at a time; rounding errors grow by {:.0} \
             times at most, and as noise by {:.1} times",
            self.outputs[0],
            self.outputs[1],
            self.products,
            self.instead,
            self.block,
            self.growth,
            self.amplification
        )
    }
}

/// The pair that is predicted to take the least time among those as exact as `tolerance` wants, where
/// there are any, and else the most exact; or only the one with tiles of `wanted` outputs.
pub(crate) fn choose(
    isa: Isa,
    frame: &Frame,
    machine: &Machine,
    tolerance: f32,
    wanted: Option<[usize; 2]>,
) -> Result<Choice, String> {
    let spec = &frame.spec;
    let all = pairs(isa, spec)?;
    let choices = all.iter().enumerate().filter(|(_, pair)| wanted.is_none_or(|tile| pair.outputs() == tile));
    let choices: Vec<Choice> = choices.map(|(index, pair)| lay(index, pair, frame, machine)).collect();
    let exact = |choice: &&Choice| choice.error <= f64::from(tolerance);
    let fastest = choices.iter().filter(exact).min_by(|a, b| a.cycles.total_cmp(&b.cycles));
    let most_exact = || choices.iter().min_by(|a, b| a.error.total_cmp(&b.error));
    fastest.or_else(most_exact).cloned().ok_or_else(|| {
        let known: Vec<String> = all
            .iter()
            .map(|pair| {
                let [rows, columns] = pair.outputs();
                format!("{rows}x{columns}")
            })
            .collect();
        let [rows, columns] = wanted.unwrap_or_default();
        format!("no tile of {rows}x{columns} outputs; there are {}", known.join(", "))
    })
}

/// Tiles of one dimension: `length` outputs, in tiles of `outputs` that are `dilation` apart.
pub(super) fn tiles(length: usize, outputs: usize, dilation: usize) -> usize {
    let group = outputs * dilation;
    length / group * dilation + (length % group).min(dilation)
}

fn lay(index: usize, pair: &Pair, frame: &Frame, machine: &Machine) -> Choice {
    let spec = &frame.spec;
    let [down, across] = pair.algorithms();
    let [rows, columns] =
        [0, 1].map(|axis| tiles(frame.output[axis], pair.outputs()[axis], spec.dilation[axis]));
    let all = rows * columns;
    let weights = pair.weights(spec);
    let of_tile: usize = pair.layouts(spec, 1).iter().map(|layout| layout.tile).sum();
    let block = block(all, size_of::<f32>() * pair.products() * of_tile, weights, machine.l2);

    let lanes = pair.lanes();
    let [vectors_in, vectors_out] =
        [spec.c_in, spec.c_out].map(|channels| (pair.padded(channels) / lanes) as f64);
    // A pass over one dimension: as often as the other has rows or columns.
    let pass = |instructions: usize, moved: usize, often: usize| {
        often as f64 * (instructions as f64 * INSTRUCTION + moved as f64 * MOVED)
    };
    let both = |axis: &Algorithm| 2 * axis.products();
    let second = |algorithm: &Algorithm, cycles: f64| if algorithm.products() == 1 { 0.0 } else { cycles };
    let input = pass(across.instructions[0], both(across), down.products())
        + second(down, pass(down.instructions[0], both(down), across.products()));
    let one_way = |axis: &Algorithm| axis.products() + axis.outputs;
    let output = second(down, pass(down.instructions[1], one_way(down), across.products()))
        + pass(across.instructions[1] + 4 * across.outputs, one_way(across), down.outputs);
    let transforms = all as f64 * (vectors_in * input + vectors_out * output + 4.0 * PASS);

    let pointwise = pointwise(pair, spec);
    let kernel = direct::of_family(machine.isa, Family::ChannelsOut);
    let (products, tiling) = kernel.map_or((0.0, Tiling::default()), |kernel| {
        let description = kernel.description();
        let counts = tiled::numbers(description, &pointwise).panels;
        let of_block = |tiles: usize| {
            let streamed = arrival(weights, machine);
            let sums = cost(tiles, description.panels, &counts) * spec.c_in as f64;
            let cycles = CALL + sums + beside(tiles, description.panels, &counts);
            (pair.products() as f64 * cycles).max(streamed)
        };
        let rest = all % block;
        let blocks = (all / block) as f64;
        let rest = if rest > 0 { of_block(rest) } else { 0.0 };
        (blocks * of_block(block) + rest, tiled::tiling(description, block))
    });
    let [height, width] = frame.input;
    let pictures = height * width * spec.c_in + frame.output[0] * frame.output[1] * spec.c_out;
    let pictures = arrival(size_of::<f32>() * pictures, machine);
    Choice {
        pair: index,
        name: pair.name(),
        outputs: pair.outputs(),
        products: pair.products(),
        instead: pair.outputs().iter().product::<usize>() * spec.kernel[0] * spec.kernel[1],
        amplification: pair.amplification(),
        block,
        tiling,
        cycles: transforms + products + pictures,
        error: pair.error(spec),
        growth: pair.growth(),
        workspace: workspace(pair, frame, block),
        weights,
    }
}

/// Cycles in which so many bytes arrive, where they are more than stays in the second-level cache.
fn arrival(bytes: usize, machine: &Machine) -> f64 {
    match bytes {
        bytes if bytes > machine.l3 => bytes as f64 / MEMORY,
        bytes if bytes > machine.l2 / 2 => bytes as f64 / BEYOND,
        _ => 0.0,
    }
}

/// Cycles of the register tiles over a row of `width` beside their sums.
fn beside(width: usize, panels: &[Panels], counts: &[usize]) -> f64 {
    let kinds = panels.iter().zip(counts).map(|(panels, count)| {
        let tiling = cover(width, panels.tiles);
        let tiles = tiling.iter().zip(panels.tiles);
        let cycles = tiles
            .map(|(often, tile)| *often as f64 * (TILE + STORED * (tile.pixels * panels.vectors) as f64));
        *count as f64 * cycles.sum::<f64>()
    });
    kinds.sum()
}

/// Tiles that are computed together: transformed inputs and products stay in the second-level cache;
/// where the weights do not, there are more of them, since each block reads all weights.
fn block(all: usize, bytes: usize, weights: usize, cache: usize) -> usize {
    const LEAST: usize = 16;
    let share = if weights > cache / 2 { cache } else { cache / 2 };
    let most = (share / bytes).max(LEAST);
    if most >= all {
        return all;
    }
    // As even as possible, since the last block is as slow as its weights.
    let blocks = all.div_ceil(most);
    let even = all.div_ceil(blocks);
    even.next_multiple_of(4).min(most.max(LEAST))
}

/// Bytes of scratch of a thread.
fn workspace(pair: &Pair, frame: &Frame, block: usize) -> usize {
    let spec = &frame.spec;
    let blocks: usize = pair.layouts(spec, block).iter().map(|layout| layout.floats).sum();
    let floats = blocks + small(pair, spec).iter().sum::<usize>();
    size_of::<f32>() * floats
}

/// Floats of what one tile needs: transformed half-way, and a copy of its inputs.
pub(super) fn small(pair: &Pair, spec: &ConvSpec) -> [usize; 2] {
    let [down, across] = pair.algorithms();
    let halfway = down.products() * across.products() * CHUNK;
    [halfway, down.products() * patch_pitch(pair, spec)]
}

/// Floats of a row of a copy of a tile's inputs.
pub(super) fn patch_pitch(pair: &Pair, spec: &ConvSpec) -> usize {
    let columns = (pair.across.algorithm().products() - 1) * spec.dilation[1] + 1;
    pitch(columns * spec.c_in + pair.lanes())
}
