//! The layers that costs are fitted to, and those that choices are judged by.

use std::path::Path;

use tapwise::{ConvSpec, Shape};

use crate::Error;
use crate::layers::descriptors;
use crate::problems::beside;
use crate::reference::Noise;

/// Multiply-adds beyond which a layer is left out: one naive run of it takes seconds.
pub const MOST: u128 = 2_000_000_000;

/// What the split is drawn with.
const SEED: u64 = 0x5917;

/// The layers of networks and lists, apart: half to fit costs to, half to judge choices by.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// Costs are fitted to these.
    pub fitted: Vec<Shape>,
    /// Choices are judged by these.
    pub judged: Vec<Shape>,
    /// Layers of more than [`MOST`] multiply-adds, which are left out.
    pub left_out: usize,
}

/// The layers of `data/shapes.txt`, split by a fixed seed.
///
/// # Errors
/// [`Error::ShapesLine`], which a test rules out.
pub fn split() -> Result<Split, Error> {
    let all = descriptors(include_str!("../../data/shapes.txt"), Path::new("data/shapes.txt"))?;
    let mut small = Vec::new();
    for shape in &all {
        if shape.macs()? <= MOST {
            small.push(*shape);
        }
    }
    let left_out = all.len() - small.len();
    let mut noise = Noise::new(SEED);
    for index in (1..small.len()).rev() {
        small.swap(index, noise.below(index + 1));
    }
    let judged = small.split_off(small.len() / 2);
    Ok(Split { fitted: small, judged, left_out })
}

/// Layers that costs are fitted to beside those of networks: filters of pictures, and sides and
/// channels that no network has, some of which kernels were compiled for.
///
/// # Errors
/// As [`beside`].
pub fn more() -> Result<Vec<Shape>, Error> {
    let mut shapes: Vec<Shape> = beside()?.into_iter().map(|(_, shape)| shape).collect();
    for (delta, side) in [(0, 40), (1, 24), (1, 100), (2, 30), (3, 44), (5, 20)] {
        for channels in [[1, 1], [1, 8], [2, 2], [4, 4], [3, 24], [8, 8], [20, 5], [12, 40], [48, 48]] {
            let width = 2 * delta + 1;
            shapes.push(Shape::new([side, side + 6], ConvSpec::new([width; 2], channels[0], channels[1])));
        }
    }
    for side in [64, 200, 600] {
        for channels in [[1, 1], [3, 3], [4, 8], [2, 16]] {
            shapes.push(Shape::new([side; 2], ConvSpec::new([3, 3], channels[0], channels[1])));
        }
    }
    shapes.retain(|shape| shape.macs().is_ok_and(|macs| macs <= MOST));
    Ok(shapes)
}

/// Sides and channels of the map of choices: square filters on pictures of [`MAP_SIDE`] pixels.
pub const MAP_DELTAS: [usize; 8] = [0, 1, 2, 3, 4, 5, 6, 7];
/// Channels in and out.
pub const MAP_CHANNELS: [usize; 9] = [1, 2, 4, 8, 16, 32, 64, 128, 256];
/// Rows and columns of their pictures.
pub const MAP_SIDE: usize = 40;

/// The layer of a cell of the map.
#[must_use]
pub fn cell(delta: usize, channels: usize) -> Shape {
    Shape::new([MAP_SIDE; 2], ConvSpec::new([2 * delta + 1; 2], channels, channels))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_split_is_in_halves_without_a_shape_in_both() {
        let Split { fitted, judged, left_out } = split().unwrap();
        assert!(judged.len() >= 200 && fitted.len() >= 200 && left_out < 60);
        assert!(judged.iter().all(|shape| !fitted.contains(shape)));
        assert_eq!(split().unwrap().judged, judged);
    }
}
