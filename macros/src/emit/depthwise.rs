//! The depthwise family: lanes along channels that do not see each other, a register tile of pixels
//! by one vector of channels. Pixels are outside, channels inside, so that a tile's inputs stay near.

use proc_macro2::TokenStream;
use quote::quote;

use super::tile::{finish, index, sum, sums};
use super::{ident, isa::features};
use crate::geometry::Geometry;
use crate::schedule::{Body, Panels, Schedule, Target, Tile, positions};

/// The functions of one kernel: `run`, and one function for each register tile.
pub(super) fn module(schedule: &Schedule) -> TokenStream {
    let simd = ident(schedule.isa.name);
    let body = match &schedule.target {
        Target::Fixed(geometry) => fixed(schedule, geometry),
        Target::RunTime => run_time(schedule),
    };
    quote! {
        use ::tapwise::__private as tapwise;
        use ::tapwise::__private::simd::#simd as simd;

        #body
    }
}

fn tile_name(panels: &Panels, tile: &Tile) -> proc_macro2::Ident {
    ident(&format!("tile_{}x{}", tile.pixels, panels.vectors))
}

/// A kernel whose every number is a literal.
fn fixed(schedule: &Schedule, geometry: &Geometry) -> TokenStream {
    let (lanes, window) = (schedule.isa.lanes, schedule.window);
    let features = features(&schedule.isa);
    let all =
        || schedule.panels.iter().flat_map(|panels| panels.tiles.iter().map(move |tile| (panels, tile)));
    let functions = all().map(|(panels, tile)| fixed_tile(schedule, geometry, panels, tile));
    let (stride, rows, channels) = (geometry.stride[0], geometry.rows(), geometry.c_out);
    let steps = geometry.taps() / window;
    let pixel_in = geometry.stride[1] * channels;
    // The last vector begins where it still has all its lanes.
    let last = channels - lanes;
    let tiles = all().enumerate().map(|(tile_index, (panels, tile))| {
        let (name, pixels) = (tile_name(panels, tile), tile.pixels);
        quote! {
            for _ in 0..band.tiling[0][#tile_index] {
                let at = pixel.min(band.width.saturating_sub(#pixels));
                for (vector, (panel, bias)) in panels.iter().zip(biases).enumerate() {
                    let channel = (vector * #lanes).min(#last);
                    let finish = tapwise::Finish { bias, slopes: slopes.get(vector), residual, floor, ceiling };
                    #name(inputs, panel, &finish, at * #pixel_in + channel, output, at * #channels + channel);
                }
                pixel += #pixels;
            }
        }
    });
    quote! {
        #(#functions)*

        /// Computes a band of output rows: for each row, for each of the register tiles that cover
        /// it, every vector of channels.
        #features
        pub(super) fn run(band: &mut tapwise::Band<'_, '_, '_>) {
            let panels = tapwise::steps::<#lanes, 1, #window>(band.weights).as_chunks::<#steps>().0;
            let biases = tapwise::steps::<#lanes, 1, 1>(band.bias).as_flattened();
            let slopes = tapwise::steps::<#lanes, 1, 1>(band.slopes).as_flattened();
            let (floor, ceiling) = (band.floor, band.ceiling);
            for (row, output) in band.outputs.iter_mut().enumerate() {
                let rows = band.inputs.get(row * #stride..).and_then(|rows| rows.first_chunk::<#rows>());
                let Some(inputs) = rows else { return };
                let residual = band.residuals.get(row).copied();
                let mut pixel = 0;
                #(#tiles)*
            }
        }
    }
}

/// The function of one register tile of a fixed geometry.
fn fixed_tile(schedule: &Schedule, geometry: &Geometry, panels: &Panels, tile: &Tile) -> TokenStream {
    let (lanes, window, pixels) = (schedule.isa.lanes, schedule.window, tile.pixels);
    let (channels, [kernel_rows, kernel_columns]) = (geometry.c_out, geometry.kernel);
    let (stride, dilation) = (geometry.stride, geometry.dilation);
    let chunks = kernel_columns / window;
    let span = ((pixels - 1) * stride[1] + (kernel_columns - 1) * dilation[1]) * channels + lanes;
    let last = sum(pixels - 1, 0);
    let barrier = quote! {
        let (x, weights, sum) = simd::barrier(x, weights, #last);
        #last = sum;
    };
    // The taps of a filter row, `window` at a time, over the pixels that they meet.
    let row = |step: &dyn Fn(usize) -> TokenStream, apart: bool| -> TokenStream {
        (0..chunks)
            .map(|chunk| {
                let name = |tap: usize| ident(&format!("w{tap}"));
                let at = step(chunk);
                let loads = (0..window).map(|tap| {
                    let (name, tap) = (name(tap), index(tap));
                    quote! { let #name = simd::load(&weights[#at][#tap][0]); }
                });
                let walk =
                    positions(stride[1], dilation[1], pixels, window).into_iter().map(|(column, served)| {
                        let offset = index((column + chunk * window * dilation[1]) * channels);
                        let products = served.into_iter().map(|(pixel, tap)| {
                            let (weight, sum) = (name(tap), sum(pixel, 0));
                            quote! { #sum = simd::mul_add(v, #weight, #sum); }
                        });
                        quote! {
                            let v = simd::load(tapwise::part::<#offset, #lanes, #span>(x));
                            #(#products)*
                        }
                    });
                let barrier = apart.then_some(&barrier);
                quote! {
                    #barrier
                    #(#loads)*
                    #(#walk)*
                }
            })
            .collect()
    };
    let body = match tile.body {
        Body::Unrolled { .. } => {
            // Every window is found before anything is computed, as the output is.
            let mut windows = TokenStream::new();
            let rows: TokenStream = (0..kernel_rows)
                .map(|a| {
                    let (name, at) = (ident(&format!("row_{a}")), index(a * dilation[0]));
                    windows.extend(quote! {
                        let Some(#name) = tapwise::window::<#span>(inputs[#at], from) else { return };
                    });
                    let steps = row(&|chunk| index(a * chunks + chunk), true);
                    quote! { let x = #name; #steps }
                })
                .collect();
            quote! { #windows #rows }
        }
        Body::Loops { barrier, .. } => {
            let at = |chunk: usize| {
                if chunks == 1 {
                    quote!(a)
                } else {
                    let chunk = index(chunk);
                    quote!(a * #chunks + #chunk)
                }
            };
            let (steps, down) = (row(&at, barrier), dilation[0]);
            quote! {
                for a in 0..#kernel_rows {
                    let Some(x) = tapwise::window::<#span>(inputs[a * #down], from) else { return };
                    #steps
                }
            }
        }
    };
    let name = tile_name(panels, tile);
    let features = features(&schedule.isa);
    let (steps, table) = (geometry.taps() / window, geometry.rows());
    let sums = sums(panels, tile);
    let [begin, end] = finish(panels, tile, lanes, &index(channels));
    let documentation = format!(
        " {pixels} pixels x 1 vector of {lanes} channels, {window} of a filter row's taps at a time."
    );
    quote! {
        #[doc = #documentation]
        #[inline]
        #features
        fn #name(
            inputs: &[&[f32]; #table],
            weights: &[[[[f32; #lanes]; 1]; #window]; #steps],
            finish: &tapwise::Finish<'_, #lanes, 1>,
            from: usize,
            output: &mut [f32],
            at: usize,
        ) {
            #begin
            #sums
            #body
            #end
        }
    }
}

/// The kernel whose numbers arrive with the call.
fn run_time(schedule: &Schedule) -> TokenStream {
    let lanes = schedule.isa.lanes;
    let features = features(&schedule.isa);
    let functions = schedule
        .panels
        .iter()
        .flat_map(|panels| panels.tiles.iter().map(move |tile| run_time_tile(schedule, panels, tile)));
    let kinds = schedule.panels.iter().enumerate().map(|(kind, panels)| {
        let vectors = panels.vectors;
        let width = vectors * lanes;
        let tiles = panels.tiles.iter().enumerate().map(|(tile_index, tile)| {
            let (name, pixels) = (tile_name(panels, tile), tile.pixels);
            quote! {
                for _ in 0..band.tiling[#kind][#tile_index] {
                    let at = pixel.min(band.width.saturating_sub(#pixels));
                    let from = at * numbers.pixel_step + channel;
                    #name(numbers, inputs, panel, &finish, from, output, at * numbers.c_out + channel);
                    pixel += #pixels;
                }
            }
        });
        quote! {
            for _ in 0..numbers.panels[#kind] {
                let length = numbers.taps * #width;
                let (Some((panel, more)), Some((bias, more_biases))) =
                    (weights.split_at_checked(length), biases.split_at_checked(#width))
                else {
                    return;
                };
                let (slope, more_slopes) = tapwise::head(slopes, #width);
                (weights, biases, slopes) = (more, more_biases, more_slopes);
                let (floor, ceiling) = (band.floor, band.ceiling);
                let slopes = tapwise::vectors(slope);
                let Some(bias) = tapwise::vectors::<#lanes, #vectors>(bias) else { return };
                let panel = tapwise::steps::<#lanes, #vectors, 1>(panel);
                // The last vector begins where it still has all its lanes.
                let channel = first.min(numbers.c_out.saturating_sub(#width));
                for (row, output) in band.outputs.iter_mut().enumerate() {
                    let Some(inputs) = band.inputs.get(row * numbers.stride..) else { return };
                    let residual = band.residuals.get(row).copied();
                    let finish = tapwise::Finish { bias, slopes, residual, floor, ceiling };
                    let mut pixel = 0;
                    #(#tiles)*
                }
                first += #width;
            }
        }
    });
    quote! {
        #(#functions)*

        /// Computes a band of output rows: for each panel of channels, for each row, the register
        /// tiles that cover it.
        #features
        pub(super) fn run(band: &mut tapwise::Band<'_, '_, '_>) {
            let numbers = &band.numbers;
            let (mut weights, mut biases, mut slopes, mut first) = (band.weights, band.bias, band.slopes, 0);
            #(#kinds)*
        }
    }
}

/// The function of one register tile whose sizes arrive with the call.
fn run_time_tile(schedule: &Schedule, panels: &Panels, tile: &Tile) -> TokenStream {
    let (vectors, lanes, pixels) = (panels.vectors, schedule.isa.lanes, tile.pixels);
    let name = tile_name(panels, tile);
    let features = features(&schedule.isa);
    let sums = sums(panels, tile);
    let whole = Panels { lanes: Some(lanes), ..panels.clone() };
    let [_, end] = finish(&whole, tile, lanes, &quote!(numbers.c_out));
    let pixel_name = |pixel: usize| ident(&format!("x{pixel}"));
    let finds = (0..pixels).map(|pixel| {
        let (name, pixel) = (pixel_name(pixel), index(pixel));
        quote! {
            let #name = row.get(from + #pixel * numbers.pixel_step..).and_then(tapwise::vectors::<#lanes, #vectors>);
        }
    });
    let names: Vec<_> = (0..pixels).map(pixel_name).collect();
    let products = (0..vectors).map(|vector| {
        let at = index(vector);
        let products = names.iter().enumerate().map(|(pixel, name)| {
            let sum = sum(pixel, vector);
            quote! { #sum = simd::mul_add(simd::load(&#name[#at]), w, #sum); }
        });
        quote! {
            let w = simd::load(&weights[0][#at]);
            #(#products)*
        }
    });
    let documentation =
        format!(" {pixels} pixels x {vectors} vectors of {lanes} channels, one tap at a time.");
    quote! {
        #[doc = #documentation]
        #[allow(clippy::too_many_arguments)]
        #[inline]
        #features
        fn #name(
            numbers: &tapwise::Numbers,
            inputs: &[&[f32]],
            weights: &[[[[f32; #lanes]; #vectors]; 1]],
            finish: &tapwise::Finish<'_, #lanes, #vectors>,
            from: usize,
            output: &mut [f32],
            at: usize,
        ) {
            let Some(output) = output.get_mut(at..) else { return };
            let residual = finish.residual.and_then(|row| row.get(at..));
            #sums
            let mut taps = weights.iter();
            for a in 0..numbers.kernel_rows {
                let Some(row) = inputs.get(a * numbers.dilation) else { return };
                let mut from = from;
                for weights in taps.by_ref().take(numbers.runs) {
                    #(#finds)*
                    let (#(Some(#names),)*) = (#(#names,)*) else { return };
                    #(#products)*
                    from += numbers.run_step;
                }
            }
            #end
        }
    }
}
