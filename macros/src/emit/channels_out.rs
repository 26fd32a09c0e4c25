//! The channels-out family: lanes along C_out, inputs broadcast, a register tile of pixels by
//! vectors. The same text serves a fixed geometry, whose numbers become literals, and the run-time
//! kernels, whose numbers arrive with the call.

mod ahead;
mod run_time;

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::tile::{finish, index, sum, sums};
use super::{ident, isa::features};
use crate::geometry::Geometry;
use crate::schedule::{Body, Panels, Schedule, Target, Tile, positions};
use ahead::{ahead, fetches_ahead};

/// Taps of an output up to which a kernel is bound by writing, where pictures are more than the caches hold:
/// its stores may pass them by.
const FEW_TAPS: usize = 64;

/// The functions of one kernel: `run`, and one function for each register tile.
pub(super) fn module(schedule: &Schedule) -> TokenStream {
    let simd = ident(schedule.isa.name);
    let features = features(&schedule.isa);
    let tiles = schedule.panels.iter().flat_map(|panels| {
        panels.tiles.iter().map(|tile| match &schedule.target {
            Target::Fixed(geometry) => fixed_tile(schedule, geometry, panels, tile),
            Target::RunTime => run_time::tile(schedule, panels, tile),
        })
    });
    let kinds =
        schedule.panels.iter().enumerate().map(|(kind, panels)| kind_of_panels(schedule, kind, panels));
    let needs_end = schedule.panels.iter().any(|panels| panels.lanes.is_none());
    let (groups, c_in_group, c_out_group) = match &schedule.target {
        Target::Fixed(geometry) => {
            let [groups, c_in, c_out] = [geometry.groups, geometry.c_in_group(), geometry.c_out_group()]
                .map(Literal::usize_unsuffixed);
            (quote!(#groups), quote!(#c_in), quote!(#c_out))
        }
        Target::RunTime => {
            (quote!(band.numbers.groups), quote!(band.numbers.c_in_group), quote!(band.numbers.c_out_group))
        }
    };
    let end = needs_end.then(|| quote! { let end = channel + #c_out_group; });
    let agreement = match &schedule.target {
        Target::Fixed(geometry) => agreement(schedule, geometry),
        Target::RunTime => TokenStream::new(),
    };
    quote! {
        use ::tapwise::__private as tapwise;
        use ::tapwise::__private::simd::#simd as simd;

        #agreement

        #(#tiles)*

        /// Computes a band of output rows: for each group and panel of output channels, for each
        /// row, the register tiles that cover it.
        #features
        pub(super) fn run(band: &mut tapwise::Band<'_, '_, '_>) {
            let (mut weights, mut biases, mut slopes) = (band.weights, band.bias, band.slopes);
            for group in 0..#groups {
                let first = group * #c_in_group;
                let mut channel = group * #c_out_group;
                #end
                #(#kinds)*
            }
        }
    }
}

/// Assertions, checked while compiling, that the code reads weights where the packing puts them.
fn agreement(schedule: &Schedule, geometry: &Geometry) -> TokenStream {
    let (window, channels) = (schedule.window, geometry.c_in_group());
    let [rows, columns] = geometry.kernel;
    let chunks = columns / window;
    let probes = [
        (0, 0, 0),
        (rows - 1, 0, channels - 1),
        (rows / 2, columns / 2, channels / 2),
        (rows - 1, columns - 1, 0),
    ];
    let asserts = probes.map(|(a, b, c)| {
        let (step, tap) = ((a * chunks + b / window) * channels + c, b % window);
        quote! {
            let (step, tap) = tapwise::layout::step(#columns, #window, #channels, [#a, #b, #c]);
            assert!(step == #step && tap == #tap);
        }
    });
    quote! { const _: () = { #(#asserts)* }; }
}

/// The loop over the panels of one width.
fn kind_of_panels(schedule: &Schedule, kind: usize, panels: &Panels) -> TokenStream {
    let (vectors, lanes, window) = (panels.vectors, schedule.isa.lanes, schedule.window);
    let width = vectors * lanes;
    let fixed = match &schedule.target {
        Target::Fixed(geometry) => Some(geometry),
        Target::RunTime => None,
    };
    let count = match panels.count {
        Some(count) => quote!(#count),
        None => quote!(band.numbers.panels[#kind]),
    };
    let (length, stride, rows, pixel_in, pixel_out) = match fixed {
        Some(geometry) => {
            let length = geometry.taps() * width;
            let (stride, rows) = (geometry.stride[0], geometry.rows());
            let (step, c_out) = (geometry.stride[1] * geometry.c_in, geometry.c_out);
            (quote!(#length), quote!(#stride), quote!(first_chunk::<#rows>()), quote!(#step), quote!(#c_out))
        }
        None => (
            quote!(band.numbers.taps * #width),
            quote!(band.numbers.stride),
            quote!(get(..)),
            quote!(band.numbers.pixel_step),
            quote!(band.numbers.c_out),
        ),
    };
    let numbers = if fixed.is_none() { quote!(&band.numbers,) } else { quote!() };
    let lanes_argument = panels.lanes.is_none().then(|| quote!(lanes));
    let count_lanes = panels.lanes.is_none().then(|| {
        quote! { let lanes = (end - channel).min(#width) - (#vectors - 1) * #lanes; }
    });
    let fetches = panels.tiles.iter().any(|tile| fetches_ahead(schedule, panels, tile));
    let ahead = fetches.then(|| {
        let step = width * window;
        quote! {
            let passes = band.outputs.len() * band.tiling[#kind].iter().sum::<usize>();
            let next = if band.ahead { more } else { &[] };
            let mut ahead = tapwise::Ahead::new(next, passes, [#length / #step, #step]);
        }
    });
    let tiles = panels.tiles.iter().enumerate().map(|(index, tile)| {
        let (name, pixels) = (tile_name(schedule, panels, tile), tile.pixels);
        let ahead = fetches_ahead(schedule, panels, tile).then(|| quote!(ahead,));
        let next = fetches.then(|| quote!(ahead = ahead.next();));
        quote! {
            for _ in 0..band.tiling[#kind][#index] {
                let at = pixel.min(band.width.saturating_sub(#pixels));
                #name(#numbers inputs, panel, &finish, at * #pixel_in + first, output, at * #pixel_out + channel, #ahead #lanes_argument);
                #next
                pixel += #pixels;
            }
        }
    });
    let panel = match fixed {
        Some(geometry) => {
            let count = geometry.taps() / window;
            quote!(tapwise::steps::<#lanes, #vectors, #window>(panel).first_chunk::<#count>())
        }
        None => quote!(Some(tapwise::steps::<#lanes, #vectors, #window>(panel))),
    };
    quote! {
        for _ in 0..#count {
            let (Some((panel, more)), Some((bias, more_biases))) =
                (weights.split_at_checked(#length), biases.split_at_checked(#width))
            else {
                return;
            };
            #ahead
            let (slope, more_slopes) = tapwise::head(slopes, #width);
            (weights, biases, slopes) = (more, more_biases, more_slopes);
            let (Some(panel), Some(bias)) = (#panel, tapwise::vectors::<#lanes, #vectors>(bias)) else {
                return;
            };
            let (floor, ceiling) = (band.floor, band.ceiling);
            let slopes = tapwise::vectors(slope);
            #count_lanes
            for (row, output) in band.outputs.iter_mut().enumerate() {
                let Some(inputs) = band.inputs.get(row * #stride..).and_then(|rows| rows.#rows) else {
                    return;
                };
                let residual = band.residuals.get(row).copied();
                let finish = tapwise::Finish { bias, slopes, residual, floor, ceiling, stream: band.stream };
                let mut pixel = 0;
                #(#tiles)*
            }
            channel += #width;
        }
    }
}

fn tile_name(schedule: &Schedule, panels: &Panels, tile: &Tile) -> proc_macro2::Ident {
    let ragged = panels.lanes.filter(|&lanes| lanes != schedule.isa.lanes);
    let lanes = ragged.map_or_else(String::new, |lanes| format!("_ends_{lanes}"));
    ident(&format!("tile_{}x{}{lanes}", tile.pixels, panels.vectors))
}

/// One step: loads the weights of a window of taps and walks over the pixels that they meet.
fn step(
    panels: &Panels,
    tile: &Tile,
    window: usize,
    columns: &[(usize, Vec<(usize, usize)>)],
    pixel: impl Fn(usize) -> TokenStream,
) -> TokenStream {
    let name = |tap: usize, vector: usize| ident(&format!("w{tap}_{vector}"));
    let taps = (0..window).flat_map(|tap| (0..panels.vectors).map(move |vector| (tap, vector)));
    let loads = taps.map(|(tap, vector)| {
        let (name, tap, vector) = (name(tap, vector), index(tap), index(vector));
        quote! { let #name = simd::load(&$w[#tap][#vector]); }
    });
    let walk = columns.iter().map(|(column, served)| {
        let pixel = pixel(*column);
        let products = served.iter().flat_map(|&(pixel, tap)| {
            (0..panels.vectors).map(move |vector| {
                let (weight, sum) = (name(tap, vector), sum(pixel, vector));
                quote! { #sum = simd::mul_add(x, #weight, #sum); }
            })
        });
        quote! {
            let x = simd::splat(#pixel);
            #(#products)*
        }
    });
    let name = ident(&format!("step_{}x{}", tile.pixels, panels.vectors));
    quote! {
        macro_rules! #name {
            ($x:expr, $c:expr, $w:expr) => {{
                #(#loads)*
                #(#walk)*
            }};
        }
    }
}

/// The function of one register tile of a fixed geometry.
fn fixed_tile(schedule: &Schedule, geometry: &Geometry, panels: &Panels, tile: &Tile) -> TokenStream {
    let (vectors, lanes, window) = (panels.vectors, schedule.isa.lanes, schedule.window);
    let (pixels, c_in, channels) = (tile.pixels, geometry.c_in, geometry.c_in_group());
    let [kernel_rows, kernel_columns] = geometry.kernel;
    let columns = positions(geometry.stride[1], geometry.dilation[1], pixels, window);
    let step = step(panels, tile, window, &columns, |column| {
        let offset = index(column * c_in);
        quote! { $x[#offset + $c] }
    });
    let step_name = ident(&format!("step_{pixels}x{vectors}"));
    let span =
        ((pixels - 1) * geometry.stride[1] + (kernel_columns - 1) * geometry.dilation[1]) * c_in + channels;
    let chunks = kernel_columns / window;
    let chunk_step = window * geometry.dilation[1] * c_in;
    let dilation = geometry.dilation[0];
    let table = geometry.rows();

    let last = sum(pixels - 1, vectors - 1);
    let barrier = quote! {
        let (x, weights, sum) = simd::barrier(x, weights, #last);
        #last = sum;
    };
    let [ahead_argument, ahead_begin, ahead_step] = ahead(schedule, panels, tile);
    // Every window is found before anything is computed, as the output is.
    let row_name = |a: usize| ident(&format!("row_{a}"));
    let windows = (0..kernel_rows).map(|a| {
        let (name, row) = (row_name(a), index(a * dilation));
        quote! {
            let Some(#name) = tapwise::window::<#span>(inputs[#row], from) else { return };
        }
    });
    let windows = quote! { #(#windows)* };
    let body = match tile.body {
        Body::Unrolled { .. } => {
            let rows = (0..kernel_rows).map(|a| {
                let barrier = &barrier;
                let steps =
                    (0..chunks).flat_map(|chunk| (0..channels).map(move |c| (chunk, c))).map(|(chunk, c)| {
                        let offset = index(chunk * chunk_step + c);
                        let at = index((a * chunks + chunk) * channels + c);
                        quote! {
                            #barrier
                            #step_name!(x, #offset, weights[#at]);
                        }
                    });
                let name = row_name(a);
                quote! {
                    let x = #name;
                    #(#steps)*
                }
            });
            quote! { #(#rows)* }
        }
        Body::Loops { steps, barrier: apart } => {
            // What a turn reads is found at its beginning: of a look-up between its multiply-adds the compiler
            // sees too late that it cannot fail, and has moved sums behind it by then.
            let barrier = apart.then_some(&barrier);
            let inner = (0..steps).map(|step| {
                let step = index(step);
                quote! {
                    #ahead_step
                    #barrier
                    #step_name!(x, #step, weights[#step]);
                }
            });
            let length = columns.last().map_or(0, |(column, _)| column * c_in) + steps;
            let (rows, per_row) = ((0..kernel_rows).map(row_name), chunks * channels);
            let chunk_shift = (chunks > 1).then(|| quote!(chunk * #chunk_step +));
            let inner = quote! {
                for (c, weights) in weights.as_chunks::<#steps>().0.iter().enumerate() {
                    let x = tapwise::slide::<#length, _>(x, #chunk_shift c * #steps);
                    #(#inner)*
                }
            };
            let chunked = if chunks == 1 {
                inner
            } else {
                quote! {
                    for (chunk, weights) in weights.as_chunks::<#channels>().0.iter().enumerate() {
                        #inner
                    }
                }
            };
            quote! {
                let rows = [#(#rows),*];
                for (x, weights) in rows.iter().zip(weights.as_chunks::<#per_row>().0) {
                    let x = *x;
                    #chunked
                }
            }
        }
    };
    let name = tile_name(schedule, panels, tile);
    let features = features(&schedule.isa);
    let steps = geometry.taps() / window;
    let sums = sums(panels, tile);
    let argument = panels.lanes.is_none().then(|| quote!(lanes: usize,));
    let [begin, end] = finish(panels, tile, lanes, Some(geometry.c_out), geometry.taps() <= FEW_TAPS);
    let documentation = format!(
        " {pixels} pixels x {vectors} vectors of {lanes} lanes, {window} of a filter row's taps at a time; {}.",
        match tile.body {
            Body::Unrolled { fmas } => format!("all {fmas} multiply-adds unrolled"),
            Body::Loops { steps, .. } =>
                format!("{} multiply-adds a loop", steps * pixels * vectors * window),
        }
    );
    quote! {
        #[doc = #documentation]
        #[allow(clippy::too_many_arguments)]
        #[inline]
        #features
        fn #name(
            inputs: &[&[f32]; #table],
            weights: &[[[[f32; #lanes]; #vectors]; #window]; #steps],
            finish: &tapwise::Finish<'_, #lanes, #vectors>,
            from: usize,
            output: &mut [f32],
            at: usize,
            #ahead_argument
            #argument
        ) {
            #begin
            #windows
            #sums
            #step
            #ahead_begin
            #body
            #end
        }
    }
}
