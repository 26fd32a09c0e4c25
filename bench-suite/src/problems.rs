//! What is measured: the sweeps, the targets, and the shapes whose kernels are compiled into this
//! program for them.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tapwise::{ConvSpec, Isa, Shape};

use crate::Error;
use crate::builds::{FILTERS, SHAPES};

tapwise::specialize! {
    // Over the size of the filter, and over the size of the picture at delta 1.
    { delta: [0, 1, 2, 3, 4, 5, 6, 7], c_in: 32, c_out: 32 }
    // Over the channels.
    { delta: 1, c_in: 1, c_out: 1 }
    { delta: 1, c_in: 2, c_out: 2 }
    { delta: 1, c_in: 4, c_out: 4 }
    { delta: 1, c_in: 8, c_out: 8 }
    { delta: 1, c_in: 16, c_out: 16 }
    { delta: 1, c_in: 24, c_out: 24 }
    { delta: 1, c_in: 48, c_out: 48 }
    { delta: 1, c_in: 64, c_out: 64 }
    { delta: 1, c_in: 96, c_out: 96 }
    { delta: 1, c_in: 128, c_out: 128 }
    { delta: 1, c_in: 256, c_out: 256 }
    // Depthwise layers, of the gradients' table and larger filters.
    { delta: 1, groups: 32, c_in: 32, c_out: 32 }
    { delta: 2, groups: 120, c_in: 120, c_out: 120 }
    // The first layer of a network on a photograph.
    { delta: 1, c_in: 3, c_out: 16 }
    // Beside other libraries, see [`beside`]: image filters,
    { delta: [2, 3, 5, 7], c_in: 1, c_out: 1 }
    { delta: [1, 2], groups: 3, c_in: 3, c_out: 3 }
    // first layers,
    { kernel: [7, 7], stride: 2, c_in: 3, c_out: 64 }
    { kernel: [3, 3], stride: 2, c_in: 3, c_out: 32 }
    { delta: 1, c_in: 3, c_out: 64 }
    { delta: 1, c_in: [3, 8], c_out: 4 }
    // middle layers,
    { delta: 1, c_in: 16, c_out: 32 }
    { delta: 2, c_in: 24, c_out: 24 }
    { delta: 1, c_in: 512, c_out: 512 }
    { kernel: [3, 3], stride: 2, c_in: 128, c_out: 128 }
    // pointwise, depthwise, and over time.
    { delta: 0, c_in: 64, c_out: 256 }
    { delta: 0, c_in: 512, c_out: 128 }
    { delta: 0, c_in: 1024, c_out: 256 }
    { delta: 1, groups: 128, c_in: 128, c_out: 128 }
    { delta: 1, groups: 512, c_in: 512, c_out: 512 }
    { kernel: [1, 5], c_in: 80, c_out: 512 }
    { kernel: [1, 3], dilation: [1, 2], c_in: 512, c_out: 512 }
}

/// Families of layers that are measured beside other libraries: a title and the descriptors. Where
/// the stride is two, the padding is that of the networks that the layer is from.
pub const BESIDE: [(&str, &[&str]); 4] = [
    (
        "Image filters",
        &[
            "h1080w1920 c1x1 k3",
            "h1080w1920 c1x1 k5",
            "h1080w1920 c1x1 k7",
            "h1080w1920 c1x1 k11",
            "h1080w1920 c1x1 k15",
            "h1080w1920 c1x1 k31",
            "h1080w1920 c3x3 k3 g3",
            "h1080w1920 c3x3 k5 g3",
        ],
    ),
    (
        "First layers",
        &[
            "h224w224 c3x64 k7 s2 p3",
            "h224w224 c3x32 k3 s2 p1",
            "h416w416 c3x16 k3",
            "h1024w1024 c3x16 k3",
            "h1024w1024 c3x64 k3",
            "h1080w1920 c3x4 k3",
            "h1080w1920 c8x4 k3",
        ],
    ),
    (
        "Middle layers",
        &[
            "h128w128 c8x8 k3",
            "h128w128 c16x16 k3",
            "h128w128 c32x32 k3",
            "h256w256 c16x32 k3",
            "h64w64 c24x24 k5",
            "h224w224 c64x64 k3",
            "h112w112 c128x128 k3",
            "h56w56 c64x64 k3",
            "h28w28 c128x128 k3",
            "h14w14 c256x256 k3",
            "h7w7 c512x512 k3",
            "h56w56 c128x128 k3 s2 p1",
        ],
    ),
    (
        "Pointwise, depthwise, over time",
        &[
            "h56w56 c64x256 k1",
            "h28w28 c512x128 k1",
            "h14w14 c1024x256 k1",
            "h112w112 c32x32 k3 g32",
            "h56w56 c128x128 k3 g128",
            "h14w14 c512x512 k3 g512",
            "h28w28 c120x120 k5 g120",
            "h1w1000 c80x512 k1x5",
            "h1w1000 c512x512 k1x3 d1x2",
        ],
    ),
];

/// The shapes of [`BESIDE`], each with its family.
///
/// # Errors
/// None: every descriptor is read in a test.
pub fn beside() -> Result<Vec<(&'static str, Shape)>, Error> {
    let mut shapes = Vec::new();
    for (family, descriptors) in BESIDE {
        for descriptor in descriptors {
            shapes.push((family, descriptor.parse()?));
        }
    }
    Ok(shapes)
}

/// How deep a report goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effort {
    /// Ends within two minutes on two cores.
    Quick,
    /// More sizes and more samples, within a quarter of an hour.
    Full,
}

impl Effort {
    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Effort::Quick => "quick",
            Effort::Full => "full",
        }
    }

    fn of<T: Copy>(self, quick: &[T], more: &[T]) -> Vec<T> {
        let mut values = quick.to_vec();
        if self == Effort::Full {
            values.extend(more);
        }
        values
    }
}

/// What a group of records is about.
pub mod group {
    /// Throughput over the side of the picture.
    pub const SIZE: &str = "image-size";
    /// Throughput over the size of the filter.
    pub const DELTA: &str = "delta";
    /// Throughput over the number of channels.
    pub const CHANNELS: &str = "channels";
    /// Time over the side of the filter, for filters of one channel.
    pub const FILTER: &str = "filter-side";
    /// Filters whose weights are known while compiling.
    pub const FILTERS: &str = "filters";
    /// The shapes that have a share of the peak to reach.
    pub const TARGETS: &str = "targets";
    /// The same on several threads.
    pub const THREADS: &str = "threads";
    /// The bank of filters on the photograph.
    pub const PHOTOGRAPH: &str = "photograph";
    /// The fully connected formulation against the convolution.
    pub const DENSE: &str = "dense";
    /// Layers and their gradients.
    pub const GRADIENTS: &str = "gradients";
    /// Winograd's tiles beside the direct sum.
    pub const TILES: &str = "tiles";
    /// Shapes that the user asked for.
    pub const SHAPES: &str = "shapes";
    /// The same layer against itself.
    pub const SELF_CHECK: &str = "self-check";
    /// Batches of pictures, on one thread and on several.
    pub const BATCH: &str = "batch";
    /// Layers over the number of threads.
    pub const SCALING: &str = "scaling";
    /// Beside other libraries.
    pub const PEERS: &str = "peers";
    /// What a call of each library costs.
    pub const CALLS: &str = "peers-call";
    /// Layers of networks, beside other libraries.
    pub const NETS: &str = "nets";
    /// Layers that the planner's choices are judged by.
    pub const REGRET: &str = "regret";
}

/// One shape, and what it is measured for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Problem {
    /// What is computed.
    pub shape: Shape,
    /// The group of its records, one of [`group`].
    pub group: &'static str,
}

/// A square picture, a square filter of `2·delta + 1`, and as many channels out as in.
fn square(side: usize, channels: usize, delta: usize) -> Shape {
    let kernel = 2 * delta + 1;
    Shape::new([side, side], ConvSpec::new([kernel, kernel], channels, channels))
}

/// The problems that throughput is plotted over: picture side, Δ, channels.
#[must_use]
pub fn sweeps(effort: Effort) -> Vec<Problem> {
    let sides = effort.of(&[7, 14, 28, 56, 112, 224], &[10, 20, 40, 80, 160, 320, 448]);
    let deltas = effort.of(&[0, 1, 2, 3, 4, 5], &[6, 7]);
    let channels = effort.of(&[1, 2, 4, 8, 16, 32, 64, 128, 256], &[24, 48, 96]);
    let mut problems = Vec::new();
    for (values, group, shape) in [
        (sides, group::SIZE, &(|side| square(side, 32, 1)) as &dyn Fn(usize) -> Shape),
        (deltas, group::DELTA, &|delta| square(56, 32, delta)),
        (channels, group::CHANNELS, &|channels| square(28, channels, 1)),
    ] {
        problems.extend(values.into_iter().map(|value| Problem { shape: shape(value), group }));
    }
    problems
}

/// Filters of one channel by their side, on a picture of 1080 rows and 1920 columns: where transforms
/// overtake the direct sum.
#[must_use]
pub fn filters(effort: Effort) -> Vec<Problem> {
    let mut sides = effort.of(&[3, 5, 7, 11, 15, 21, 31, 63], &[9, 13, 17, 25, 47]);
    sides.sort_unstable();
    let shape = |side| Shape::new([1080, 1920], ConvSpec::new([side, side], 1, 1));
    sides.into_iter().map(|side| Problem { shape: shape(side), group: group::FILTER }).collect()
}

/// Batches of small pictures: how much a call costs that has little to do.
#[must_use]
pub fn batches(effort: Effort) -> Vec<Problem> {
    let counts = effort.of(&[1, 4, 16, 64], &[2, 8, 32, 128]);
    let shape = |batch| Shape { batch, ..square(16, 32, 1) };
    let mut problems: Vec<Problem> =
        counts.into_iter().map(|count| Problem { shape: shape(count), group: group::BATCH }).collect();
    problems.sort_by_key(|problem| problem.shape.batch);
    problems
}

/// Layers that are measured over the number of threads.
pub const SCALING: [&str; 6] = [
    "h224w224 c64x64 k3",
    "h56w56 c64x64 k3",
    "h14w14 c256x256 k3",
    "h56w56 c64x256 k1",
    "h56w56 c128x128 k3 g128",
    "h1080w1920 c1x1 k5",
];

/// A shape that has a share of the FMA peak to reach on one thread under one instruction set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// Side of the picture in pixels.
    pub side: usize,
    /// Channels in and out; the filter is 3 by 3.
    pub channels: [usize; 2],
    /// The instruction set.
    pub isa: Isa,
    /// The share of the peak to reach, 1 being all of it.
    pub share: f64,
}

impl Target {
    /// What is computed.
    #[must_use]
    pub fn shape(&self) -> Shape {
        Shape::new([self.side, self.side], ConvSpec::new([3, 3], self.channels[0], self.channels[1]))
    }
}

/// The shares to reach.
pub const TARGETS: [Target; 5] = [
    Target { side: 56, channels: [64, 64], isa: Isa::Avx512, share: 0.90 },
    Target { side: 28, channels: [128, 128], isa: Isa::Avx512, share: 0.90 },
    Target { side: 14, channels: [256, 256], isa: Isa::Avx512, share: 0.90 },
    Target { side: 416, channels: [3, 16], isa: Isa::Avx512, share: 0.85 },
    Target { side: 56, channels: [64, 64], isa: Isa::Avx2, share: 0.90 },
];

/// Names of the shapes and filters that the build table measures, see [`SHAPES`] and [`FILTERS`].
#[must_use]
pub fn builds(effort: Effort) -> Vec<&'static str> {
    let [shapes, filters] = match effort {
        Effort::Quick => [3, 2],
        Effort::Full => [SHAPES.len(), FILTERS.len()],
    };
    SHAPES.iter().take(shapes).chain(FILTERS.iter().take(filters)).map(|(name, _)| *name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapwise::registry;

    #[test]
    fn every_problem_of_the_report_has_its_kernels() {
        let shapes = sweeps(Effort::Full).into_iter().map(|problem| problem.shape);
        // 961 taps are not unrolled.
        let beside = beside().unwrap().into_iter().map(|(_, shape)| shape);
        let beside = beside.filter(|shape| shape.spec.kernel != [31, 31]);
        for shape in shapes.chain(TARGETS.iter().map(Target::shape)).chain(beside) {
            let wanted = tapwise::Geometry::of(&shape.spec);
            assert!(registry::kernels().any(|kernel| kernel.geometry() == Some(&wanted)), "{shape}");
        }
    }
}
