//! The along-the-row family: lanes along the pixels of an output row, a register tile of rows by
//! vectors by output channels, planar memory. This file has what a fixed geometry and the run-time
//! kernel share, and the former; `run_time` has the latter.

mod fixed_tile;
mod phased;
mod run_time;

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::tile::index;
use super::{ident, isa::features};
use crate::geometry::Geometry;
use crate::schedule::{Panels, Schedule, Target, Tile};

/// The functions of one kernel: `run`, a function for each block of rows, one for each register tile.
pub(super) fn module(schedule: &Schedule) -> TokenStream {
    let simd = ident(schedule.isa.name);
    let body = match &schedule.target {
        Target::Fixed(geometry) => fixed(schedule, geometry),
        Target::RunTime => run_time::module(schedule),
    };
    quote! {
        use ::tapwise::__private as tapwise;
        use ::tapwise::__private::simd::#simd as simd;

        #body
    }
}

/// A register tile by its three sides.
struct Shape {
    rows: usize,
    vectors: usize,
    channels: usize,
    lanes: usize,
}

impl Shape {
    fn of(schedule: &Schedule, panels: &Panels, tile: &Tile) -> Shape {
        let lanes = schedule.isa.lanes;
        Shape { rows: tile.rows, vectors: tile.pixels / lanes, channels: panels.vectors, lanes }
    }

    fn name(&self) -> Ident {
        ident(&format!("tile_{}x{}x{}", self.rows, self.vectors, self.channels))
    }

    fn pixels(&self) -> usize {
        self.vectors * self.lanes
    }

    /// Every accumulator, as `(row, vector, channel)`.
    fn all(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        let (vectors, channels) = (self.vectors, self.channels);
        (0..self.rows).flat_map(move |row| {
            (0..channels).flat_map(move |channel| (0..vectors).map(move |vector| (row, vector, channel)))
        })
    }

    /// The accumulators, each begun with the bias of its channel.
    fn sums(&self) -> TokenStream {
        let begin = self.all().map(|(row, vector, channel)| {
            let (sum, channel) = (sum(row, vector, channel), index(channel));
            quote! { let mut #sum = simd::splat(finish.bias[#channel]); }
        });
        quote! { #(#begin)* }
    }

    /// Looks up the rows that the tile writes, `row(r)` being what is left of a row of the table from the
    /// first channel of the panel on: before anything is computed, since the compiler would else
    /// compute behind the branch. No closures, which would lack the instruction set where they are called.
    fn outputs(&self, row: impl Fn(usize) -> TokenStream) -> TokenStream {
        let (pixels, channels) = (self.pixels(), self.channels);
        let rows = (0..self.rows).map(|at| {
            let names: Vec<Ident> = (0..channels).map(|channel| output(at, channel)).collect();
            let row = row(at);
            quote! {
                let Some([#(#names),*]) = #row else { return };
                let (#(Some(#names),)*) = (#(tapwise::window_mut::<#pixels>(#names, from),)*) else { return };
            }
        });
        quote! { #(#rows)* }
    }

    /// One input row of a step: its vectors, and the products with the weights of every tap that meets
    /// it. `vector` finds a vector of the row, `weight` a weight by filter row and channel.
    fn row(
        &self,
        served: &[(usize, usize)],
        vector: impl Fn(usize) -> TokenStream,
        weight: impl Fn(usize, usize) -> TokenStream,
    ) -> TokenStream {
        let name = |vector: usize| ident(&format!("v{vector}"));
        let loads = (0..self.vectors).map(|at| {
            let (name, vector) = (name(at), vector(at));
            quote! { let #name = simd::load(#vector); }
        });
        let products =
            served.iter().flat_map(|&(row, tap)| (0..self.channels).map(move |channel| (row, tap, channel)));
        let products = products.map(|(row, tap, channel)| {
            let weight = weight(tap, channel);
            let products = (0..self.vectors).map(|vector| {
                let (name, sum) = (name(vector), sum(row, vector, channel));
                quote! { #sum = simd::mul_add(#name, w, #sum); }
            });
            quote! {
                let w = #weight;
                #(#products)*
            }
        });
        quote! {
            #(#loads)*
            #(#products)*
        }
    }

    /// Residual, activation and stores; `c_out` entries of a table make a row of output.
    fn finish(&self, c_out: &TokenStream) -> TokenStream {
        let lanes = self.lanes;
        let entry = |row: usize, channel: usize| {
            let (row, channel) = (index(row), index(channel));
            quote! { #row * #c_out + #channel }
        };
        let added = self.all().map(|(row, vector, channel)| {
            let (sum, entry, at) = (sum(row, vector, channel), entry(row, channel), index(vector * lanes));
            quote! {
                if let Some(more) = tapwise::of_entry::<#lanes>(finish.residuals, #entry, from + #at) {
                    #sum = simd::add(#sum, simd::load(more));
                }
            }
        });
        let leaking = self.all().map(|(row, vector, channel)| {
            let (sum, channel) = (sum(row, vector, channel), index(channel));
            quote! { #sum = simd::leak(simd::splat(slopes[#channel]), #sum); }
        });
        let negatives = self.all().map(|(row, vector, channel)| {
            let (sum, entry, at) = (sum(row, vector, channel), entry(row, channel), index(vector * lanes));
            quote! {
                if let Some(target) = tapwise::of_entry_mut::<#lanes>(negatives, #entry, from + #at) {
                    let turned = simd::max(zero, simd::mul_add(#sum, turn, minus_zero));
                    if finish.stream { simd::stream(turned, target) } else { simd::store(turned, target) }
                }
            }
        });
        let stores = |verb: &str| -> TokenStream {
            self.all()
                .map(|(row, vector, channel)| {
                    let (output, sum, at) =
                        (output(row, channel), sum(row, vector, channel), index(vector * lanes));
                    let value = quote!(simd::clamp(floor, ceiling, #sum));
                    if verb == "store" {
                        return quote! { simd::store_at::<#at, _>(#value, #output); };
                    }
                    quote! {
                        if let Some(target) = tapwise::window_mut::<#lanes>(#output, #at) {
                            simd::stream(#value, target);
                        }
                    }
                })
                .collect()
        };
        let (store, stream) = (stores("store"), stores("stream"));
        quote! {
            if !finish.residuals.is_empty() {
                #(#added)*
            }
            if let Some(slopes) = finish.slopes {
                #(#leaking)*
            }
            if !negatives.is_empty() {
                let (zero, minus_zero, turn) = (simd::splat(0.0), simd::splat(-0.0), simd::splat(-1.0));
                #(#negatives)*
            }
            let (floor, ceiling) = (simd::splat(finish.floor), simd::splat(finish.ceiling));
            if finish.stream { #stream } else { #store }
        }
    }
}

/// The name of an accumulator.
fn sum(row: usize, vector: usize, channel: usize) -> Ident {
    ident(&format!("sum{row}_{vector}_{channel}"))
}

/// The name of a row that is written.
fn output(row: usize, channel: usize) -> Ident {
    ident(&format!("out{row}_{channel}"))
}

/// A loop over the columns of a block of rows: the wide tile while it fits, or while what is left is
/// more than vectors one by one would cost less for; then single vectors. The last of each overlaps
/// the one before. `call` runs a tile from column `at` on.
fn columns(wide: &Shape, narrow: &Shape, call: impl Fn(&Shape) -> TokenStream) -> TokenStream {
    let (lanes, pixels) = (wide.lanes, wide.pixels());
    let single = call(narrow);
    if wide.vectors == 1 {
        return quote! {
            let mut pixel = 0;
            while pixel < width {
                let at = pixel.min(width.saturating_sub(#lanes));
                #single
                pixel = tapwise::next(at + #lanes, pixel == 0, aligned);
            }
        };
    }
    let several = call(wide);
    // A single vector costs about as much as this share of the wide tile would.
    let worth = (wide.vectors * 2 / 3).max(1) * lanes;
    quote! {
        let mut pixel = 0;
        while pixel < width {
            if width - pixel > #worth && width >= #pixels {
                let at = pixel.min(width - #pixels);
                #several
                pixel = tapwise::next(at + #pixels, pixel == 0, aligned);
            } else {
                let at = pixel.min(width.saturating_sub(#lanes));
                #single
                pixel = tapwise::next(at + #lanes, pixel == 0, aligned);
            }
        }
    }
}

/// The widest and the narrowest tile of a panel among those of so many rows.
fn of_rows(schedule: &Schedule, panels: &Panels, rows: usize) -> Option<[Shape; 2]> {
    let mut tiles = panels.tiles.iter().filter(|tile| tile.rows == rows);
    let wide = tiles.next()?;
    let narrow = tiles.next_back().unwrap_or(wide);
    Some([Shape::of(schedule, panels, wide), Shape::of(schedule, panels, narrow)])
}

/// The heights of the tiles of a panel, the highest first.
fn heights(panels: &Panels) -> Vec<usize> {
    let mut heights: Vec<usize> = panels.tiles.iter().map(|tile| tile.rows).collect();
    heights.dedup();
    heights
}

/// A kernel whose every number is a literal.
fn fixed(schedule: &Schedule, geometry: &Geometry) -> TokenStream {
    let features = features(&schedule.isa);
    let tiles = schedule.panels.iter().flat_map(|panels| {
        panels.tiles.iter().map(move |tile| fixed_tile::function(schedule, geometry, panels, tile))
    });
    let blocks = schedule.panels.iter().flat_map(|panels| {
        heights(panels).into_iter().map(move |rows| fixed_block(schedule, geometry, panels, rows))
    });
    let kinds = schedule.panels.iter().map(|panels| fixed_kind(geometry, panels));
    let [groups, c_in, c_out] = [geometry.groups, geometry.c_in_group(), geometry.c_out_group()].map(index);
    let (all_in, all_out) = (geometry.c_in, geometry.c_out);
    let phased = phased::functions(schedule, geometry);
    let run_phased = phased.is_some().then(phased::dispatch);
    quote! {
        #(#tiles)*

        #(#blocks)*

        #phased

        /// Computes a band of output rows: for each group and panel of output channels, for each block
        /// of rows, the register tiles that cover it.
        #features
        pub(super) fn run(band: &mut tapwise::Band<'_, '_, '_>) {
            #run_phased
            let (mut weights, mut biases, mut all_slopes) = (band.weights, band.bias, band.slopes);
            let width = band.width;
            let prefetch = usize::from(band.prefetch);
            let inputs = band.inputs.as_chunks::<#all_in>().0;
            let outputs = band.outputs.as_chunks_mut::<#all_out>().0;
            for group in 0..#groups {
                let first = group * #c_in;
                let mut channel = group * #c_out;
                #(#kinds)*
            }
        }
    }
}

/// The loop over the panels of one width.
fn fixed_kind(geometry: &Geometry, panels: &Panels) -> TokenStream {
    let (channels, count) = (panels.vectors, panels.count.unwrap_or(0));
    let (c_in, taps) = (geometry.c_in_group(), geometry.kernel[0] * geometry.kernel[1]);
    let length = geometry.taps() * channels;
    let (stride, all_out) = (geometry.stride[0], geometry.c_out);
    let heights = heights(panels);
    let blocks = heights.iter().enumerate().map(|(at, &rows)| {
        let name = block_name(rows, panels);
        let last = at + 1 == heights.len();
        let condition = match (at, last) {
            (0, true) => quote!(),
            (_, true) => quote!(else),
            _ => quote!(if outputs.len() >= #rows),
        };
        let ahead = rows * stride;
        quote! {
            #condition {
                let at = row.min(outputs.len() - #rows);
                let (Some(inputs), Some(outputs)) = (inputs.get(at * #stride..), outputs.get_mut(at..)) else {
                    return;
                };
                let finish = tapwise::PlanarFinish {
                    bias,
                    slopes,
                    residuals: tapwise::tail(band.residuals, at * #all_out + channel),
                    floor: band.floor,
                    ceiling: band.ceiling,
                    stream: band.stream,
                };
                let negatives = tapwise::tail_mut(&mut *band.negatives, at * #all_out + channel);
                #name(inputs, #ahead * prefetch, panel, finish, outputs, negatives, first, channel, width);
                row = at + #rows;
            }
        }
    });
    quote! {
        for _ in 0..#count {
            let (Some((panel, more)), Some((bias, more_biases))) =
                (weights.split_at_checked(#length), biases.split_at_checked(#channels))
            else {
                return;
            };
            (weights, biases) = (more, more_biases);
            let (slopes, more_slopes) = tapwise::head(all_slopes, #channels);
            all_slopes = more_slopes;
            let slopes = slopes.first_chunk::<#channels>();
            let panel = panel.as_chunks::<#channels>().0.as_chunks::<#taps>().0;
            let (Some(panel), Some(bias)) = (panel.first_chunk::<#c_in>(), bias.first_chunk::<#channels>()) else {
                return;
            };
            let mut row = 0;
            while row < outputs.len() {
                #(#blocks)*
            }
            channel += #channels;
        }
    }
}

fn block_name(rows: usize, panels: &Panels) -> Ident {
    ident(&format!("tile_rows_{rows}x{}", panels.vectors))
}

/// The function that covers a block of rows with tiles.
fn fixed_block(schedule: &Schedule, geometry: &Geometry, panels: &Panels, rows: usize) -> TokenStream {
    let Some([wide, narrow]) = of_rows(schedule, panels, rows) else { return TokenStream::new() };
    let features = features(&schedule.isa);
    let name = block_name(rows, panels);
    let (channels, lanes) = (panels.vectors, schedule.isa.lanes);
    let (c_in, taps) = (geometry.c_in_group(), geometry.kernel[0] * geometry.kernel[1]);
    let (all_in, all_out) = (geometry.c_in, geometry.c_out);
    let table = (rows - 1) * geometry.stride[0] + geometry.rows();
    let columns = columns(&wide, &narrow, |shape| {
        let name = shape.name();
        quote! { #name(inputs, ahead, panel, finish, outputs, negatives, first, channel, at); }
    });
    let documentation = format!(" {rows} rows of {channels} output channels, by tiles from left to right.");
    quote! {
        #[doc = #documentation]
        #[allow(clippy::too_many_arguments)]
        #features
        fn #name(
            inputs: &[[&[f32]; #all_in]],
            ahead: usize,
            panel: &[[[f32; #channels]; #taps]; #c_in],
            finish: tapwise::PlanarFinish<'_, '_, #channels>,
            outputs: &mut [[&mut [f32]; #all_out]],
            negatives: &mut [&mut [f32]],
            first: usize,
            channel: usize,
            width: usize,
        ) {
            let Some((inputs, next)) = inputs.split_first_chunk::<#table>() else { return };
            let ahead = tapwise::first(next, ahead);
            let Some(row) = outputs.first() else { return };
            let aligned = tapwise::alignment::<#lanes>(row.get(channel));
            #columns
        }
    }
}
