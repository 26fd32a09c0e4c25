//! A section of output rows, of one picture or of several, tile by tile: inputs transformed, multiplied,
//! transformed back.

use std::ops::Range;

use ndarray::{ArrayView4, Axis};

use super::choice::{CHUNK, Pair, patch_pitch, tiles};
use super::packed::Packed;
use super::transform::{Across, Down, Finishing};
use crate::epilogue::Epilogue;
use crate::frame::{Frame, picture_row};
use crate::kernel::Tiling;
use crate::simd::settle;

/// The most products of one dimension.
const MOST: usize = 8;

/// What the tiles of a layer are computed with.
pub(super) struct Tiles<'a> {
    pub(super) frame: &'a Frame,
    pub(super) epilogue: &'a Epilogue,
    pub(super) pair: &'a Pair,
    pub(super) packed: &'a Packed,
    /// Tiles that are computed together, and how the kernel's tiles cover as many.
    pub(super) block: usize,
    pub(super) tiling: Tiling,
    /// Whether outputs pass the caches by.
    pub(super) stream: bool,
}

/// Rows of pictures and of outputs.
pub(super) struct Section<'t, 'x, 'y> {
    /// Pictures, `[N, H, W, C_in]`.
    pub(super) inputs: ArrayView4<'x, f32>,
    /// Rows of the padded pictures, from the section's first on, `reach` of each picture; none where a
    /// row has to be made.
    pub(super) rows: &'t [&'t [f32]],
    pub(super) reach: usize,
    /// The column of the padded picture that they begin with.
    pub(super) origin: usize,
    /// Rows of the outputs, as many of each.
    pub(super) outputs: &'t mut [&'y mut [f32]],
    pub(super) residuals: &'t [&'x [f32]],
    /// Which row of the whole output the first is.
    pub(super) first: usize,
}

/// Scratch of a band.
pub(super) struct Room<'s> {
    /// Transformed inputs of a block.
    pub(super) inputs: &'s mut [f32],
    /// Products of a block.
    pub(super) products: &'s mut [f32],
    /// A tile between two passes.
    pub(super) halfway: &'s mut [f32],
    /// A copy of a tile's inputs.
    pub(super) patch: &'s mut [f32],
}

impl Section<'_, '_, '_> {
    /// Output rows of a picture.
    fn height(&self) -> usize {
        self.outputs.len() / self.inputs.len_of(Axis(0)).max(1)
    }
}

/// One tile: which picture it is of, and where its first output is.
#[derive(Clone, Copy)]
struct Place {
    picture: usize,
    row: usize,
    column: usize,
}

impl Tiles<'_> {
    /// Computes the rows of a section.
    pub(super) fn run(&self, section: &mut Section<'_, '_, '_>, room: &mut Room<'_>) {
        let spec = &self.frame.spec;
        let [height, width] = [section.height(), self.frame.output[1]];
        let outputs = self.pair.outputs();
        let columns = tiles(width, outputs[1], spec.dilation[1]);
        let of_picture = columns * tiles(height, outputs[0], spec.dilation[0]);
        let all = of_picture * section.inputs.len_of(Axis(0));
        let place = |tile: usize| Place {
            picture: tile / of_picture,
            row: start(tile % of_picture / columns, outputs[0], spec.dilation[0]),
            column: start(tile % columns, outputs[1], spec.dilation[1]),
        };
        for first in (0..all).step_by(self.block) {
            let block = first..all.min(first + self.block);
            self.transform(section, block.clone().map(place), room);
            self.multiply(block.len(), room);
            self.finish(section, block.map(place), room);
        }
        if self.stream {
            settle();
        }
    }

    /// Transforms the inputs of some tiles.
    fn transform(
        &self,
        section: &Section<'_, '_, '_>,
        places: impl Iterator<Item = Place>,
        room: &mut Room<'_>,
    ) {
        let spec = &self.frame.spec;
        let [layout, _] = self.pair.layouts(spec, self.block);
        let padded = self.pair.padded(spec.c_in);
        let row_step = spec.dilation[0];
        for (tile, place) in places.enumerate() {
            let at = tile * layout.tile;
            match self.in_place(section, place, padded) {
                Some(from) => {
                    let rows = section.rows.get(place.picture * section.reach + place.row..);
                    let rows = rows.unwrap_or_default();
                    self.transform_tile(rows, row_step, from, (room.inputs, at, layout.plane), room.halfway);
                }
                None => {
                    self.copy(section, place, room.patch);
                    let mut rows: [&[f32]; MOST] = [&[]; MOST];
                    let copied = room.patch.chunks_exact(patch_pitch(self.pair, spec));
                    rows.iter_mut().zip(copied).for_each(|(row, copied)| *row = copied);
                    self.transform_tile(&rows, 1, 0, (room.inputs, at, layout.plane), room.halfway);
                }
            }
        }
    }

    /// Where a tile's first input is in the section's rows, where all of them are there.
    fn in_place(&self, section: &Section<'_, '_, '_>, place: Place, padded: usize) -> Option<usize> {
        let spec = &self.frame.spec;
        let [down, across] = self.pair.algorithms();
        let from = place.column.checked_sub(section.origin)? * spec.c_in;
        let end = from + (across.products() - 1) * spec.dilation[1] * spec.c_in + padded;
        let first = place.picture * section.reach + place.row;
        let rows = section.rows.get(first..)?.iter().step_by(spec.dilation[0]).take(down.products());
        (rows.len() == down.products() && rows.into_iter().all(|row| row.len() >= end)).then_some(from)
    }

    /// Copies a tile's inputs, padded as the border says.
    fn copy(&self, section: &Section<'_, '_, '_>, place: Place, patch: &mut [f32]) {
        let spec = &self.frame.spec;
        let [down, across] = self.pair.algorithms();
        let columns = place.column..place.column + (across.products() - 1) * spec.dilation[1] + 1;
        let targets = patch.chunks_exact_mut(patch_pitch(self.pair, spec)).take(down.products());
        for (row, target) in targets.enumerate() {
            let at = section.first + place.row + row * spec.dilation[0];
            match self.frame.padded_row(at) {
                Some(at) => {
                    let picture = section.inputs.index_axis_move(Axis(0), place.picture);
                    self.frame.pad_row(picture_row(&picture, at), columns.clone(), target);
                }
                None => target.fill(0.0),
            }
        }
    }

    fn transform_tile(
        &self,
        rows: &[&[f32]],
        row_step: usize,
        from: usize,
        (target, at, plane): (&mut [f32], usize, usize),
        halfway: &mut [f32],
    ) {
        let spec = &self.frame.spec;
        let [down, across] = self.pair.algorithms();
        let (count, step) = (down.products(), spec.dilation[1] * spec.c_in);
        let one_pass = count == 1;
        for Chunk { first, vectors } in chunks(self.pair.padded(spec.c_in), self.pair.lanes()) {
            let from = from + first;
            let (to, at_half, plane_half) =
                if one_pass { (&mut *target, at + first, plane) } else { (&mut *halfway, 0, CHUNK) };
            self.pair.across.across(&mut Across {
                rows,
                row_step,
                count,
                from,
                step,
                vectors,
                target: to,
                at: at_half,
                plane: plane_half,
            });
            if !one_pass {
                self.pair.down.down(&mut Down {
                    source: halfway,
                    from: 0,
                    source_plane: CHUNK,
                    count: across.products(),
                    vectors,
                    target,
                    at: at + first,
                    plane,
                });
            }
        }
    }

    /// Sums over the input channels, for each product of each tile.
    fn multiply(&self, tiles: usize, room: &mut Room<'_>) {
        let spec = &self.frame.spec;
        let products = &self.packed.products;
        let tiling = if tiles == self.block { self.tiling } else { products.tiling(tiles) };
        let [inputs, outputs] = self.pair.layouts(spec, self.block);
        let planes =
            room.inputs.chunks_exact(inputs.plane).zip(room.products.chunks_exact_mut(outputs.plane));
        for (group, (inputs_of, outputs_of)) in planes.enumerate() {
            products.multiply(group, inputs_of, outputs_of, tiles, &tiling, [inputs.tile, outputs.tile]);
        }
    }

    /// Transforms the products of some tiles to outputs.
    fn finish(
        &self,
        section: &mut Section<'_, '_, '_>,
        places: impl Iterator<Item = Place>,
        room: &mut Room<'_>,
    ) {
        let spec = &self.frame.spec;
        let [down, across] = self.pair.algorithms();
        let [row_step, column_step] = spec.dilation;
        let (height, width) = (section.height(), self.frame.output[1]);
        let [_, layout] = self.pair.layouts(spec, self.block);
        let one_pass = down.products() == 1;
        for (tile, place) in places.enumerate() {
            let rows = (height - place.row).div_ceil(row_step).min(down.outputs);
            let columns = (width - place.column).div_ceil(column_step).min(across.outputs);
            for Chunk { first, vectors } in chunks(self.pair.padded(spec.c_out), self.pair.lanes()) {
                let from = tile * layout.tile + first;
                let (source, from, source_plane) = if one_pass {
                    (&*room.products, from, layout.plane)
                } else {
                    self.pair.down.gather(&mut Down {
                        source: room.products,
                        from,
                        source_plane: layout.plane,
                        count: across.products(),
                        vectors,
                        target: room.halfway,
                        at: 0,
                        plane: CHUNK,
                    });
                    (&*room.halfway, 0, CHUNK)
                };
                let last = first + (vectors - 1) * self.pair.lanes();
                self.pair.across.finish(&mut Finishing {
                    source,
                    from,
                    plane: source_plane,
                    outputs: section.outputs,
                    residuals: section.residuals,
                    first: place.picture * height + place.row,
                    row_step,
                    count: rows,
                    at: place.column * spec.c_out + first,
                    step: column_step * spec.c_out,
                    columns,
                    vectors,
                    lanes: (spec.c_out - last).min(self.pair.lanes()),
                    bias: self.packed.bias.get(first..).unwrap_or_default(),
                    slopes: self.packed.slopes.get(first..).unwrap_or_default(),
                    floor: self.epilogue.floor,
                    ceiling: self.epilogue.ceiling,
                    stream: self.stream,
                });
            }
        }
    }
}

/// Where tile number `tile` of a dimension begins: where taps are `dilation` apart, so are the outputs of
/// a tile, and the tiles between begin one after another.
fn start(tile: usize, outputs: usize, dilation: usize) -> usize {
    tile / dilation * dilation * outputs + tile % dilation
}

/// Channels that one pass takes.
struct Chunk {
    first: usize,
    vectors: usize,
}

/// `padded` channels in chunks.
fn chunks(padded: usize, lanes: usize) -> impl Iterator<Item = Chunk> {
    let range: Range<usize> = 0..padded;
    range.step_by(CHUNK).map(move |first| Chunk { first, vectors: (padded - first).min(CHUNK) / lanes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_every_output_once() {
        for outputs in [1, 2, 4, 6] {
            for dilation in [1, 2, 3] {
                for length in 1..40 {
                    let mut seen = vec![0; length];
                    for tile in 0..tiles(length, outputs, dilation) {
                        let from = start(tile, outputs, dilation);
                        assert!(from < length, "an empty tile");
                        (0..outputs)
                            .map(|at| from + at * dilation)
                            .filter(|&at| at < length)
                            .for_each(|at| seen[at] += 1);
                    }
                    assert_eq!(seen, vec![1; length], "{length} in tiles of {outputs}, {dilation} apart");
                }
            }
        }
    }
}
