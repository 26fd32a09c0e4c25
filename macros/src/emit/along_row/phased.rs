//! Rows of pixels as they lie in memory, for layers of one filter per channel and fewer channels than lanes:
//! neighbouring lanes are the channels of a pixel, then those of the next. A vector begins with one of the
//! channels, its *phase*, and each phase has weights of its own. Nothing is parted into planes; sums are made
//! in the order of the other functions, and have their bits.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::{Shape, columns};
use crate::emit::{ident, isa::features, tile::index};
use crate::geometry::Geometry;
use crate::schedule::{Schedule, phases, positions};

/// What `run` does before anything else, where there are such functions.
pub(super) fn dispatch() -> TokenStream {
    quote! {
        if let Some(phase) = band.phase {
            return run_phased(band, phase);
        }
    }
}

/// The functions, or nothing for other layers.
pub(super) fn functions(schedule: &Schedule, geometry: &Geometry) -> Option<TokenStream> {
    let channels = phases(geometry, &schedule.isa)?;
    let panels = schedule.panels.first()?;
    let heights = super::heights(panels);
    let blocks = heights.iter().map(|&rows| block(schedule, geometry, rows));
    let (lanes, taps) = (schedule.isa.lanes, geometry.taps());
    let features = features(&schedule.isa);
    let stride = geometry.stride[0];
    let calls = heights.iter().map(|&rows| {
        let (name, ahead) = (block_name(rows), rows * stride);
        let body = quote! {
            let at = row.min(outputs - #rows);
            let (Some(inputs), Some(outputs)) = (band.inputs.get(at * #stride..), band.outputs.get_mut(at..))
            else { return };
            let residuals = tapwise::tail(band.residuals, at);
            let finish = tapwise::PhasedFinish { bias, slopes, residuals, floor, ceiling, stream: band.stream };
            #name(inputs, #ahead * prefetch, phases, finish, outputs, phase, band.width);
            row = at + #rows;
        };
        if rows == 1 { body } else { quote! { if outputs >= #rows { #body continue; } } }
    });
    Some(quote! {
        #(#blocks)*

        /// Computes a band of output rows whose pixels lie as in memory, the first number of each of
        /// channel `phase`.
        #features
        fn run_phased(band: &mut tapwise::Band<'_, '_, '_>, phase: usize) {
            let phases = band.weights.as_chunks::<#lanes>().0.as_chunks::<#taps>().0.first_chunk::<#channels>();
            let Some(phases) = phases else { return };
            let (bias, slopes) = (band.bias.as_chunks().0, band.slopes.as_chunks().0);
            let (floor, ceiling, prefetch) = (band.floor, band.ceiling, usize::from(band.prefetch));
            let (mut row, outputs) = (0, band.outputs.len());
            while row < outputs {
                #(#calls)*
            }
        }
    })
}

fn block_name(rows: usize) -> Ident {
    ident(&format!("phased_rows_{rows}"))
}

/// The function that covers a block of rows with tiles, and that of the tile.
fn block(schedule: &Schedule, geometry: &Geometry, rows: usize) -> TokenStream {
    let (lanes, taps, channels) = (schedule.isa.lanes, geometry.taps(), geometry.c_out);
    let shape = Shape { rows, vectors: 1, channels: 1, lanes };
    let features = features(&schedule.isa);
    let name = block_name(rows);
    let table = (rows - 1) * geometry.stride[0] + geometry.rows();
    let tiles = columns(&shape, &shape, |shape| {
        let name = tile_name(shape);
        quote! { #name(inputs, ahead, phases, finish, outputs, phase, at); }
    });
    let tile = tile(schedule, geometry, &shape);
    quote! {
        #tile

        #[allow(clippy::too_many_arguments)]
        #features
        fn #name(
            inputs: &[&[f32]],
            ahead: usize,
            phases: &[[[f32; #lanes]; #taps]; #channels],
            finish: tapwise::PhasedFinish<'_, '_, #lanes>,
            outputs: &mut [&mut [f32]],
            phase: usize,
            width: usize,
        ) {
            let Some((inputs, next)) = inputs.split_first_chunk::<#table>() else { return };
            let ahead = tapwise::first(next, ahead);
            let aligned = tapwise::alignment::<#lanes>(outputs.first());
            #tiles
        }
    }
}

fn tile_name(shape: &Shape) -> Ident {
    ident(&format!("phased_{}x{}", shape.rows, shape.vectors))
}

/// The function of one register tile: a vector of each of some rows.
fn tile(schedule: &Schedule, geometry: &Geometry, shape: &Shape) -> TokenStream {
    let (lanes, taps, channels) = (schedule.isa.lanes, geometry.taps(), geometry.c_out);
    let rows = shape.rows;
    let table = (rows - 1) * geometry.stride[0] + geometry.rows();
    let features = features(&schedule.isa);
    let name = tile_name(shape);
    let span = lanes + (geometry.kernel[1] - 1) * geometry.dilation[1] * channels;
    let names =
        |what: &str, count: usize| (0..count).map(|row| ident(&format!("{what}{row}"))).collect::<Vec<_>>();
    let (outputs, inputs, sums) = (names("out", rows), names("x", table), names("sum", rows));
    let products = products(schedule, geometry, shape, span);
    let finish = finish(&sums, lanes, 0, &ident("phase"));
    let documentation = format!(" {rows} rows x 1 vector of the channels of neighbouring pixels.");
    quote! {
        #[doc = #documentation]
        #[allow(clippy::too_many_arguments)]
        #[inline]
        #features
        fn #name(
            inputs: &[&[f32]; #table],
            ahead: &[&[f32]],
            phases: &[[[f32; #lanes]; #taps]; #channels],
            finish: tapwise::PhasedFinish<'_, '_, #lanes>,
            outputs: &mut [&mut [f32]],
            phase: usize,
            from: usize,
        ) {
            let Some([#(#outputs),*]) = outputs.first_chunk_mut() else { return };
            let (#(Some(#outputs),)*) = (#(tapwise::window_mut::<#lanes>(#outputs, from),)*) else { return };
            let [#(#inputs),*] = inputs;
            let (#(Some(#inputs),)*) = (#(tapwise::window::<#span>(#inputs, from),)*) else { return };
            let phase = (phase + from) % #channels;
            let (Some(panel), Some(bias)) = (phases.get(phase), finish.bias.get(phase)) else { return };
            for row in ahead {
                simd::prefetch::<1>(row, from);
            }
            let bias = simd::load(bias);
            #(let mut #sums = bias;)*
            #products
            let (floor, ceiling) = (simd::splat(finish.floor), simd::splat(finish.ceiling));
            #finish
        }
    }
}

/// Residual, activation and stores of one vector of every row of a tile.
fn finish(sums: &[Ident], lanes: usize, vector: usize, phase: &Ident) -> TokenStream {
    let at = index(vector * lanes);
    let added = sums.iter().enumerate().map(|(row, sum)| {
        let row = index(row);
        quote! {
            if let Some(more) = tapwise::of_entry::<#lanes>(finish.residuals, #row, from + #at) {
                #sum = simd::add(#sum, simd::load(more));
            }
        }
    });
    let stores = |verb: &str| -> TokenStream {
        let verb = ident(verb);
        let stores = sums.iter().enumerate().map(|(row, sum)| {
            let output = ident(&format!("out{row}"));
            quote! {
                if let Some(target) = tapwise::window_mut::<#lanes>(#output, #at) {
                    simd::#verb(simd::min(ceiling, simd::max(floor, #sum)), target);
                }
            }
        });
        quote! { #(#stores)* }
    };
    let (store, stream) = (stores("store"), stores("stream"));
    quote! {
        if !finish.residuals.is_empty() {
            #(#added)*
        }
        if let Some(slopes) = finish.slopes.get(#phase) {
            let slopes = simd::load(slopes);
            #(#sums = simd::leak(slopes, #sums);)*
        }
        if finish.stream { #stream } else { #store }
    }
}

/// The products of a tile: filter columns in a loop, whose weights stay in registers while the rows of the tile
/// pass by.
fn products(schedule: &Schedule, geometry: &Geometry, shape: &Shape, span: usize) -> TokenStream {
    let (lanes, [rows, _], dilation) = (schedule.isa.lanes, geometry.kernel, geometry.dilation);
    let weights: Vec<Ident> = (0..rows).map(|tap| ident(&format!("w{tap}"))).collect();
    let places = (0..rows).map(index);
    let step = index(dilation[1] * geometry.c_out);
    let walk =
        positions(geometry.stride[0], dilation[0], shape.rows, rows).into_iter().map(|(row, served)| {
            let x = ident(&format!("x{row}"));
            let products = served.iter().map(|&(row, tap)| {
                let (sum, weight) = (ident(&format!("sum{row}")), &weights[tap]);
                quote! { #sum = simd::mul_add(v, #weight, #sum); }
            });
            quote! {
                let v = simd::load(tapwise::slide::<#lanes, #span>(#x, b * #step));
                #(#products)*
            }
        });
    quote! {
        for (b, taps) in panel.as_chunks::<#rows>().0.iter().enumerate() {
            #(let #weights = simd::load(&taps[#places]);)*
            #(#walk)*
        }
    }
}

/// The same for the kernel whose numbers arrive with the call: its functions, one tap at a time.
pub(super) fn run_time(schedule: &Schedule) -> TokenStream {
    let Some(panels) = schedule.panels.iter().find(|panels| panels.vectors == 1) else {
        return TokenStream::new();
    };
    let lanes = schedule.isa.lanes;
    let features = features(&schedule.isa);
    let shape = |rows: usize, vectors: usize| Shape { rows, vectors, channels: 1, lanes };
    let heights = super::heights(panels);
    let tiles =
        heights.iter().flat_map(|&rows| [2, 1].map(|vectors| run_time_tile(schedule, &shape(rows, vectors))));
    let blocks = heights.iter().map(|&rows| {
        let columns = columns(&shape(rows, 2), &shape(rows, 1), |shape| {
            let name = tile_name(shape);
            quote! { #name(numbers, inputs, band.weights, finish, outputs, phase, at); }
        });
        let body = quote! {
            let at = row.min(rows - #rows);
            let inputs = band.inputs.get(at * numbers.stride..);
            let (Some(inputs), Some(outputs)) = (inputs, band.outputs.get_mut(at..)) else { return };
            let residuals = tapwise::tail(band.residuals, at);
            let finish = tapwise::PhasedFinish { bias, slopes, residuals, floor, ceiling, stream: band.stream };
            let aligned = tapwise::alignment::<#lanes>(outputs.first());
            #columns
            row = at + #rows;
        };
        if rows == 1 { body } else { quote! { if rows >= #rows { #body continue; } } }
    });
    quote! {
        #(#tiles)*

        /// Computes a band of output rows whose pixels lie as in memory, the first number of each of
        /// channel `phase`.
        #features
        fn run_phased(band: &mut tapwise::Band<'_, '_, '_>, phase: usize) {
            let numbers = &band.numbers;
            let (bias, slopes) = (band.bias.as_chunks().0, band.slopes.as_chunks().0);
            let (floor, ceiling, width) = (band.floor, band.ceiling, band.width);
            let (mut row, rows) = (0, band.outputs.len());
            while row < rows {
                #(#blocks)*
            }
        }
    }
}

/// The function of one register tile whose sizes arrive with the call.
fn run_time_tile(schedule: &Schedule, shape: &Shape) -> TokenStream {
    let (lanes, rows, vectors, pixels) = (shape.lanes, shape.rows, shape.vectors, shape.pixels());
    let features = features(&schedule.isa);
    let name = tile_name(shape);
    let outputs: Vec<Ident> = (0..rows).map(|row| ident(&format!("out{row}"))).collect();
    let inputs: Vec<Ident> = (0..rows).map(|row| ident(&format!("x{row}"))).collect();
    let of_vectors =
        |what: &str| -> Vec<Ident> { (0..vectors).map(|vector| ident(&format!("{what}{vector}"))).collect() };
    let (at_phase, panels, weights) = (of_vectors("phase"), of_vectors("panel"), of_vectors("w"));
    let firsts: Vec<TokenStream> = (0..vectors).map(|vector| index(vector * lanes)).collect();
    let sum = |row: usize, vector: usize| ident(&format!("sum{row}_{vector}"));
    let sums = |vector: usize| -> Vec<Ident> { (0..rows).map(|row| sum(row, vector)).collect() };
    let begin = (0..vectors).map(|vector| {
        let (sums, phase) = (sums(vector), &at_phase[vector]);
        quote! {
            let bias = finish.bias.get(#phase).map_or_else(|| simd::splat(0.0), |bias| simd::load(bias));
            #(let mut #sums = bias;)*
        }
    });
    let finds = inputs.iter().enumerate().map(|(row, x)| {
        let row = index(row);
        quote! {
            let Some(#x) = inputs.get(#row * numbers.stride + a * numbers.dilation) else { return };
            let Some(#x) = #x.get(from..) else { return };
        }
    });
    let walk = inputs.iter().enumerate().map(|(row, x)| {
        let products = (0..vectors).map(|vector| {
            let (sum, weight, first) = (sum(row, vector), &weights[vector], &firsts[vector]);
            quote! { #sum = simd::mul_add(simd::load(tapwise::part::<#first, #lanes, #pixels>(x)), #weight, #sum); }
        });
        quote! {
            let Some(x) = tapwise::window::<#pixels>(#x, b * step) else { return };
            #(#products)*
        }
    });
    let finishes = (0..vectors).map(|vector| finish(&sums(vector), lanes, vector, &at_phase[vector]));
    let documentation = format!(
        " {rows} rows x {vectors} vectors of the channels of neighbouring pixels, one tap at a time."
    );
    quote! {
        #[doc = #documentation]
        #[allow(clippy::too_many_arguments)]
        #[inline]
        #features
        fn #name(
            numbers: &tapwise::Numbers,
            inputs: &[&[f32]],
            weights: &[f32],
            finish: tapwise::PhasedFinish<'_, '_, #lanes>,
            outputs: &mut [&mut [f32]],
            phase: usize,
            from: usize,
        ) {
            let (channels, taps) = (numbers.c_out.max(1), numbers.taps);
            let step = numbers.run_step * channels;
            let Some([#(#outputs),*]) = outputs.first_chunk_mut() else { return };
            let (#(Some(#outputs),)*) = (#(tapwise::window_mut::<#pixels>(#outputs, from),)*) else { return };
            let weights = weights.as_chunks::<#lanes>().0;
            #(let #at_phase = (phase + from + #firsts) % channels;)*
            let (#(Some(#panels),)*) = (#(weights.get(#at_phase * taps..(#at_phase + 1) * taps),)*) else { return };
            #(let mut #panels = #panels.iter();)*
            #(#begin)*
            for a in 0..numbers.kernel_rows {
                #(#finds)*
                for b in 0..numbers.runs {
                    let (#(Some(#weights),)*) = (#(#panels.next(),)*) else { return };
                    #(let #weights = simd::load(#weights);)*
                    #(#walk)*
                }
            }
            let (floor, ceiling) = (simd::splat(finish.floor), simd::splat(finish.ceiling));
            #(#finishes)*
        }
    }
}
