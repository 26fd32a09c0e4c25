//! Which tile a layer is computed by, for one size of picture: what each costs, and how exact it is.

use super::TRANSFORMS;
use super::packed::{Packed, pointwise};
use super::transform::{Algorithm, Ready, Transform};
use crate::cost::tiled::add_data;
use crate::cost::{Features, Term, beyond};
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

    /// Bytes of its transformed weights, and of biases.
    pub(super) fn weights(&self, spec: &ConvSpec) -> usize {
        size_of::<f32>() * (self.products() * (spec.c_in + 1) + 1) * self.padded(spec.c_out)
    }

    /// By how much errors that are like noise grow.
    fn amplification(&self) -> f64 {
        self.algorithms().iter().map(|algorithm| algorithm.amplification).product()
    }

    /// Predicted largest error over the root mean square of the output, on numbers like noise: rounding
    /// of the transforms, and of sums over the channels, times what the algorithms amplify them by.
    /// Calibrated on layers of 1 to 512 channels.
    pub(super) fn error(&self, spec: &ConvSpec) -> f64 {
        ROUNDING * self.amplification() * (9.0 + 1.8 * (spec.c_in as f64).sqrt())
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
    /// Products of a tile for a channel in and out, and as many as the sum has.
    products: usize,
    instead: usize,
    /// By how much errors that are like noise grow.
    amplification: f64,
    /// Tiles of a picture that are computed together.
    pub(super) block: usize,
    /// How the tiles of a whole block are covered by those of the kernel.
    pub(super) tiling: Tiling,
    /// Whether outputs pass the caches by.
    pub(super) stream: bool,
    /// Tiles that are computed together where there are as many, of several pictures.
    pub(super) most: usize,
    /// Outputs of a tile.
    pub(crate) tile: [usize; 2],
    /// Rows that bands have a multiple of.
    pub(crate) grain: usize,
    /// What it does to a picture.
    pub(crate) features: Features,
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
    /// Makes blocks as even in a band as they are in the picture, where the output is cut into so many bands.
    pub(super) fn divide(&mut self, pair: &Pair, packed: &Packed, frame: &Frame, bands: usize) {
        let rows = frame.output[0].div_ceil(bands.max(1)).next_multiple_of(self.grain).min(frame.output[0]);
        let [down, across] = pair.outputs();
        let [dilation, dilation_across] = frame.spec.dilation;
        let all = tiles(rows, down, dilation) * tiles(frame.output[1], across, dilation_across);
        // A band of one block has one already, and a whole picture of a batch may have the larger one.
        if bands > 1 && all > self.block {
            self.block = block(all, self.most);
            self.tiling = packed.products.tiling(self.block);
        }
    }

    /// What it is, in a sentence.
    pub(crate) fn reason(&self) -> String {
        format!(
            "tiles of {}x{} outputs by {} products instead of {}, {} tiles at a time; rounding errors grow by {:.0} \
             times at most, and as noise by {:.1} times",
            self.tile[0],
            self.tile[1],
            self.products,
            self.instead,
            self.block,
            self.growth,
            self.amplification
        )
    }
}

/// Every pair, laid over a picture; or only the one with tiles of `wanted` outputs.
pub(crate) fn choices(
    isa: Isa,
    frame: &Frame,
    machine: &Machine,
    wanted: Option<[usize; 2]>,
) -> Result<Vec<Choice>, String> {
    let all = pairs(isa, &frame.spec)?;
    let some = all.iter().enumerate().filter(|(_, pair)| wanted.is_none_or(|tile| pair.outputs() == tile));
    let choices: Vec<Choice> = some.map(|(index, pair)| lay(index, pair, frame, machine)).collect();
    if choices.is_empty() {
        let known: Vec<String> = all
            .iter()
            .map(|pair| {
                let [rows, columns] = pair.outputs();
                format!("{rows}x{columns}")
            })
            .collect();
        let [rows, columns] = wanted.unwrap_or_default();
        return Err(format!("no tile of {rows}x{columns} outputs; there are {}", known.join(", ")));
    }
    Ok(choices)
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
    let most = most(size_of::<f32>() * pair.products() * of_tile, weights, all, machine);
    let block = block(all, most);

    let lanes = pair.lanes();
    let [vectors_in, vectors_out] =
        [spec.c_in, spec.c_out].map(|channels| (pair.padded(channels) / lanes) as f64);
    // A pass over one dimension, as often as the other has rows or columns: instructions, and vectors
    // that are read or written.
    let pass = |often: usize, instructions: usize, moved: usize| {
        [often as f64 * instructions as f64, often as f64 * moved as f64]
    };
    let second =
        |algorithm: &Algorithm, pass: [f64; 2]| if algorithm.products() == 1 { [0.0; 2] } else { pass };
    let both = |axis: &Algorithm| 2 * axis.products();
    let one_way = |axis: &Algorithm| axis.products() + axis.outputs;
    let inputs = [
        pass(down.products(), across.instructions[0], both(across)),
        second(down, pass(across.products(), down.instructions[0], both(down))),
    ];
    let outputs = [
        second(down, pass(across.products(), down.instructions[1], one_way(down))),
        pass(down.outputs, across.instructions[1] + 4 * across.outputs, one_way(across)),
    ];
    let mut features = Features::default();
    for (vectors, passes) in [(vectors_in, inputs), (vectors_out, outputs)] {
        for [instructions, moved] in passes {
            features.add(Term::WinogradInstructions, all as f64 * vectors * instructions);
            features.add(Term::WinogradMoved, all as f64 * vectors * moved);
        }
    }
    features.add(Term::WinogradPasses, 4.0 * all as f64);

    let pointwise = pointwise(pair, spec);
    let kernel = direct::of_family(machine.isa, Family::ChannelsOut);
    let tiling = kernel.map_or(Tiling::default(), |kernel| {
        let description = kernel.description();
        let counts = tiled::numbers(description, &pointwise).panels;
        let mut again = 0.0;
        let mut products = |tiles: usize, blocks: usize| {
            if tiles * blocks == 0 {
                return;
            }
            let times = (pair.products() * blocks) as f64;
            let sums = cost(tiles, description.panels, &counts) * spec.c_in as f64;
            features.add(Term::WinogradProducts, times * sums);
            features.add(Term::ChannelsOutTiles, times * register_tiles(tiles, description.panels, &counts));
            features.add(Term::Kernels, times);
            again += (blocks * weights) as f64 * beyond(weights as f64, machine.l2);
            features.add(Term::MemoryBytes, (blocks * weights) as f64 * beyond(weights as f64, machine.l3));
        };
        products(block, all / block);
        products(all % block, 1);
        let first = weights as f64 * beyond(weights as f64, machine.l2);
        features.add(Term::WinogradWeights, first);
        features.add(Term::WinogradWeightsAgain, again - first);
        tiled::tiling(description, block)
    });
    let [height, width] = frame.input;
    let pictures = (height * width) as f64 * spec.c_in as f64
        + (frame.output[0] * frame.output[1]) as f64 * spec.c_out as f64;
    add_data(&mut features, size_of::<f32>() as f64 * pictures, weights as f64, machine);
    features.add(Term::Calls, 1.0);
    Choice {
        pair: index,
        name: pair.name(),
        tile: pair.outputs(),
        grain: super::grain(pair, spec),
        features,
        products: pair.products(),
        instead: pair.outputs().iter().product::<usize>() * spec.kernel[0] * spec.kernel[1],
        amplification: pair.amplification(),
        block,
        tiling,
        stream: frame.traffic(machine).stream,
        most,
        error: pair.error(spec),
        growth: pair.growth(),
        workspace: workspace(pair, frame, block),
        weights,
    }
}

/// Register tiles over a row of `width`, in all panels.
fn register_tiles(width: usize, panels: &[Panels], counts: &[usize]) -> f64 {
    let kinds = panels
        .iter()
        .zip(counts)
        .map(|(panels, count)| (count * cover(width, panels.tiles).iter().sum::<usize>()) as f64);
    kinds.sum()
}

/// The most tiles that are computed together, of so many bytes each: transformed inputs and products stay
/// in the second-level cache. Where the weights do not, each block reads all of them, and it can be less
/// to have larger blocks in the last cache, for a picture of `all` tiles.
fn most(bytes: usize, weights: usize, all: usize, machine: &Machine) -> usize {
    const LEAST: usize = 16;
    /// How much less has to arrive from the last cache for larger blocks to be worth it.
    const WORTH: f64 = 0.9;
    let many = weights > machine.l2 / 2;
    let near = ((if many { machine.l2 } else { machine.l2 / 2 }) / bytes).max(LEAST);
    let far = machine.l3 / 2 / machine.threads.max(1) / bytes;
    // Bytes that arrive for a tile; what lies far is written once and read once.
    let arriving =
        |tiles: usize, again: usize| weights as f64 / tiles.min(all) as f64 + (again * bytes) as f64;
    if many && far > near && arriving(far, 2) < WORTH * arriving(near, 0) { far } else { near }
}

/// Tiles of a block, of a picture that has `all`: as even as possible.
pub(super) fn block(all: usize, most: usize) -> usize {
    if most >= all {
        return all;
    }
    let even = all.div_ceil(all.div_ceil(most));
    even.next_multiple_of(4).min(most)
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
