//! Rows of pixels as they lie in memory, for layers of one filter per channel and fewer channels than lanes:
//! neighbouring lanes are the channels of a pixel, then those of the next. A vector begins with one of the
//! channels, its *phase*, and each phase has weights of its own. Nothing is parted into planes; sums are made
//! in the order of the other functions, and have their bits.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::{Shape, columns, of_rows};
use crate::emit::{ident, isa::features, tile::index};
use crate::geometry::Geometry;
use crate::schedule::{Panels, Schedule, phases, positions};

/// The functions, and what `run` does before anything else; or nothing for other layers.
pub(super) fn functions(schedule: &Schedule, geometry: &Geometry) -> Option<[TokenStream; 2]> {
    let channels = phases(geometry, &schedule.isa)?;
    let panels = schedule.panels.first()?;
    let heights = super::heights(panels);
    let blocks = heights.iter().map(|&rows| block(schedule, geometry, panels, rows));
    let (lanes, taps) = (schedule.isa.lanes, geometry.taps());
    let features = features(&schedule.isa);
    let stride = geometry.stride[0];
    let calls = heights.iter().enumerate().map(|(at, &rows)| {
        let name = block_name(rows);
        let condition = if at + 1 == heights.len() { quote!() } else { quote!(if outputs >= #rows) };
        let ahead = rows * stride;
        let body = quote! {
            let at = row.min(outputs - #rows);
            let (Some(inputs), Some(outputs)) = (band.inputs.get(at * #stride..), band.outputs.get_mut(at..))
            else { return };
            let residuals = tapwise::tail(band.residuals, at);
            let finish = tapwise::PhasedFinish { bias, slopes, residuals, floor, ceiling, stream: band.stream };
            #name(inputs, #ahead * prefetch, phases, finish, outputs, phase, band.width);
            row = at + #rows;
        };
        if condition.is_empty() { body } else { quote! { #condition { #body continue; } } }
    });
    let run = quote! {
        if let Some(phase) = band.phase {
            return run_phased(band, phase);
        }
    };
    let all = quote! {
        #(#blocks)*

        /// Computes a band of output rows whose pixels lie as in memory, the first number of each of
        /// channel `phase`.
        #features
        fn run_phased(band: &mut tapwise::Band<'_, '_, '_>, phase: usize) {
            let vectors = |numbers| tapwise::vectors::<#lanes, #channels>(numbers);
            let phases = band.weights.as_chunks::<#lanes>().0.as_chunks::<#taps>().0.first_chunk::<#channels>();
            let (Some(phases), Some(bias)) = (phases, vectors(band.bias)) else { return };
            let slopes = vectors(band.slopes);
            let (floor, ceiling, prefetch) = (band.floor, band.ceiling, usize::from(band.prefetch));
            let (mut row, outputs) = (0, band.outputs.len());
            while row < outputs {
                #(#calls)*
            }
        }
    };
    Some([all, run])
}

fn block_name(rows: usize) -> Ident {
    ident(&format!("phased_rows_{rows}"))
}

/// The function that covers a block of rows with tiles, and those of its tiles.
fn block(schedule: &Schedule, geometry: &Geometry, panels: &Panels, rows: usize) -> TokenStream {
    let Some([wide, narrow]) = of_rows(schedule, panels, rows) else { return TokenStream::new() };
    let (lanes, taps, channels) = (schedule.isa.lanes, geometry.taps(), geometry.c_out);
    let features = features(&schedule.isa);
    let name = block_name(rows);
    let table = (rows - 1) * geometry.stride[0] + geometry.rows();
    let tiles = columns(&wide, &narrow, |shape| {
        let name = tile_name(shape);
        quote! { #name(inputs, ahead, phases, finish, outputs, phase, at); }
    });
    let mut functions = tile(schedule, geometry, &wide);
    if narrow.vectors != wide.vectors {
        functions.extend(tile(schedule, geometry, &narrow));
    }
    quote! {
        #functions

        #[allow(clippy::too_many_arguments)]
        #features
        fn #name(
            inputs: &[&[f32]],
            ahead: usize,
            phases: &[[[f32; #lanes]; #taps]; #channels],
            finish: tapwise::PhasedFinish<'_, '_, #lanes, #channels>,
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

/// The function of one register tile: its vectors one after another, the rows of each at once.
fn tile(schedule: &Schedule, geometry: &Geometry, shape: &Shape) -> TokenStream {
    let (lanes, taps, channels) = (schedule.isa.lanes, geometry.taps(), geometry.c_out);
    let (rows, vectors, pixels) = (shape.rows, shape.vectors, shape.pixels());
    let table = (rows - 1) * geometry.stride[0] + geometry.rows();
    let features = features(&schedule.isa);
    let name = tile_name(shape);
    let step = geometry.dilation[1] * channels;
    let span = pixels + (geometry.kernel[1] - 1) * step;
    let outputs: Vec<Ident> = (0..rows).map(|row| ident(&format!("out{row}"))).collect();
    let inputs: Vec<Ident> = (0..table).map(|row| ident(&format!("x{row}"))).collect();
    let names =
        |what: &str| -> Vec<Ident> { (0..vectors).map(|vector| ident(&format!("{what}{vector}"))).collect() };
    let (at_phase, panels) = (names("phase"), names("panel"));
    let firsts = (0..vectors).map(|vector| index(vector * lanes));
    let body = (0..vectors).map(|vector| one_vector(schedule, geometry, shape, vector, span));
    let documentation = format!(" {rows} rows x {vectors} vectors of the channels of neighbouring pixels.");
    quote! {
        #[doc = #documentation]
        #[allow(clippy::too_many_arguments)]
        #[inline]
        #features
        fn #name(
            inputs: &[&[f32]; #table],
            ahead: &[&[f32]],
            phases: &[[[f32; #lanes]; #taps]; #channels],
            finish: tapwise::PhasedFinish<'_, '_, #lanes, #channels>,
            outputs: &mut [&mut [f32]],
            phase: usize,
            from: usize,
        ) {
            let Some([#(#outputs),*]) = outputs.first_chunk_mut() else { return };
            let (#(Some(#outputs),)*) = (#(tapwise::window_mut::<#pixels>(#outputs, from),)*) else { return };
            let [#(#inputs),*] = inputs;
            let (#(Some(#inputs),)*) = (#(tapwise::window::<#span>(#inputs, from),)*) else { return };
            #(let #at_phase = (phase + from + #firsts) % #channels;)*
            let (#(Some(#panels),)*) = (#(phases.get(#at_phase),)*) else { return };
            for row in ahead {
                simd::prefetch::<#vectors>(row, from);
            }
            let (floor, ceiling) = (simd::splat(finish.floor), simd::splat(finish.ceiling));
            #(#body)*
        }
    }
}

/// One vector of every row of a tile.
fn one_vector(
    schedule: &Schedule,
    geometry: &Geometry,
    shape: &Shape,
    vector: usize,
    span: usize,
) -> TokenStream {
    let (lanes, rows) = (schedule.isa.lanes, shape.rows);
    let sums: Vec<Ident> = (0..rows).map(|row| ident(&format!("sum{row}"))).collect();
    let (phase, panel) = (ident(&format!("phase{vector}")), ident(&format!("panel{vector}")));
    let at = index(vector * lanes);
    let walk = products(schedule, geometry, shape, (&panel, &at, span));
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
        let bias = finish.bias.get(#phase).map_or_else(|| simd::splat(0.0), |bias| simd::load(bias));
        #(let mut #sums = bias;)*
        #walk
        if !finish.residuals.is_empty() {
            #(#added)*
        }
        if let Some(slopes) = finish.slopes.and_then(|slopes| slopes.get(#phase)) {
            let slopes = simd::load(slopes);
            #(#sums = simd::leak(slopes, #sums);)*
        }
        if finish.stream { #stream } else { #store }
    }
}

/// The products with a vector: filter columns in a loop, whose weights stay in registers while the rows of the
/// tile pass by.
fn products(
    schedule: &Schedule,
    geometry: &Geometry,
    shape: &Shape,
    (panel, at, span): (&Ident, &TokenStream, usize),
) -> TokenStream {
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
                let v = simd::load(tapwise::slide::<#lanes, #span>(#x, #at + b * #step));
                #(#products)*
            }
        });
    quote! {
        for (b, taps) in #panel.as_chunks::<#rows>().0.iter().enumerate() {
            #(let #weights = simd::load(&taps[#places]);)*
            #(#walk)*
        }
    }
}
