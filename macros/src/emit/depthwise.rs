//! The depthwise family: lanes along channels that do not see each other, or only the few of their
//! group, which are spread over its lanes one at a time; a register tile of pixels
//! by one vector of channels. Tiles go down strips of pixels, some channels at a time, so that a tile's
//! inputs stay near.

use proc_macro2::TokenStream;
use quote::quote;

use super::tile::{finish, index, row_names, sum, sums};
use super::{ident, isa::features};
use crate::geometry::Geometry;
use crate::schedule::depthwise::{beside, block, entries, sections};
use crate::schedule::{Body, Panels, Schedule, Target, Tile, plural, positions};

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
    match tile.rows {
        1 => ident(&format!("tile_{}x{}", tile.pixels, panels.vectors)),
        rows => ident(&format!("tile_{rows}x{}x{}", tile.pixels, panels.vectors)),
    }
}

/// A kernel whose every number is a literal.
fn fixed(schedule: &Schedule, geometry: &Geometry) -> TokenStream {
    let (lanes, window) = (schedule.isa.lanes, schedule.window);
    let features = features(&schedule.isa);
    let all =
        || schedule.panels.iter().flat_map(|panels| panels.tiles.iter().map(move |tile| (panels, tile)));
    let functions = all().map(|(panels, tile)| fixed_tile(schedule, geometry, panels, tile));
    let steps = geometry.taps() / window;
    let ends = beside(geometry).then(|| {
        quote! {
            let ([rows, left, right], lead) =
                (tapwise::sides(band.inputs, band.beside), band.beside.unwrap_or_default());
        }
    });
    let kinds = schedule.panels.iter().enumerate().map(|(kind, panels)| {
        let rows = panels.tiles.first().map_or(1, |tile| tile.rows);
        let strips = strips(geometry, lanes, kind, panels);
        quote! {
            if band.outputs.len() >= #rows {
                #strips
                return;
            }
        }
    });
    quote! {
        #(#functions)*

        /// Computes a band of output rows: for each of the register tiles that cover a row, down the
        /// rows of the band, every vector of channels.
        #features
        pub(super) fn run(band: &mut tapwise::Band<'_, '_, '_>) {
            let panels = tapwise::steps::<#lanes, 1, #window>(band.weights).as_chunks::<#steps>().0;
            let biases = tapwise::steps::<#lanes, 1, 1>(band.bias).as_flattened();
            let slopes = tapwise::steps::<#lanes, 1, 1>(band.slopes).as_flattened();
            let limits = &[band.floor, band.ceiling];
            #ends
            #(#kinds)*
        }
    }
}

/// The calls of the tiles of one kind: strips of pixels, down which every input is read once.
fn strips(geometry: &Geometry, lanes: usize, kind: usize, panels: &Panels) -> TokenStream {
    let block = block(geometry, lanes, panels);
    let (channels, stride) = (geometry.c_out, geometry.stride[0]);
    let pixel_in = geometry.stride[1] * channels;
    let tiles = panels.tiles.iter().enumerate().map(|(tile_index, tile)| {
        let (name, pixels, rows) = (tile_name(panels, tile), tile.pixels, tile.rows);
        let table = geometry.rows() + (rows - 1) * stride;
        let of_rows = |rows: TokenStream| {
            quote!(#rows.get(row * #stride..).and_then(|rows| rows.first_chunk::<#table>()))
        };
        let [inputs, argument] = if beside(geometry) {
            let [rows, left, right] = [quote!(rows), quote!(left), quote!(right)].map(of_rows);
            [quote!((Some(inputs), Some(left), Some(right)) = (#rows, #left, #right)), quote!((inputs, left, right, lead))]
        } else {
            let rows = of_rows(quote!(band.inputs));
            [quote!(Some(inputs) = #rows), quote!(inputs)]
        };
        quote! {
            for _ in 0..band.tiling[#kind][#tile_index] {
                let at = pixel.min(band.width.saturating_sub(#pixels));
                for row in (0..band.outputs.len()).step_by(#rows) {
                    // The last rows overlap those before, as the last pixels do.
                    let row = row.min(band.outputs.len() - #rows);
                    let #inputs else { return };
                    let Some(outputs) = band.outputs.get_mut(row..).and_then(|rows| rows.first_chunk_mut::<#rows>())
                    else { return };
                    let residuals = band.residuals.get(row..).unwrap_or_default();
                    let finish = (biases, slopes, residuals, limits);
                    #name(#argument, panels, first, finish, at * #pixel_in, outputs, at * #channels);
                }
                pixel += #pixels;
            }
        }
    });
    quote! {
        for (block, panels) in panels.chunks(#block).enumerate() {
            let (first, mut pixel) = (block * #block, 0);
            #(#tiles)*
        }
    }
}

/// The function of one register tile of a fixed geometry.
fn fixed_tile(schedule: &Schedule, geometry: &Geometry, panels: &Panels, tile: &Tile) -> TokenStream {
    let (lanes, window, pixels, rows) = (schedule.isa.lanes, schedule.window, tile.pixels, tile.rows);
    let (channels, kernel_columns) = (geometry.c_out, geometry.kernel[1]);
    let (stride, dilation) = (geometry.stride, geometry.dilation);
    let (chunks, group) = (kernel_columns / window, geometry.c_in_group());
    let reach = (pixels - 1) * stride[1] + (kernel_columns - 1) * dilation[1];
    // Where the columns at both ends are found apart, the window is of those between them.
    let apart = beside(geometry);
    let between = if apart { reach - 2 } else { reach };
    let span = between * channels + lanes;
    // A window of all channels, and the last vector, which begins where it still has all its lanes.
    let (whole, last_channel) = (span + channels - lanes, channels - lanes);
    let right_at = reach * channels;
    let last = sum(rows * pixels - 1, 0);
    // One sum of each row: a row whose sums wait for none would be put off, and what it reads spilled.
    let barriers = (1..=rows).map(|row| {
        let last = sum(row * pixels - 1, 0);
        quote! {
            let (x, weights, sum) = simd::barrier(x, weights, #last);
            #last = sum;
        }
    });
    // After the first sum: else the ends of the next row are loaded long before they are needed.
    let ends = apart.then(|| {
        let first = sum(0, 0);
        quote! {
            let (left, right, sum) = simd::barrier(left, right, #first);
            #first = sum;
        }
    });
    let barrier = quote! { #(#barriers)* #ends };
    // The windows of one input row: of all channels, from the first one on, or of the vector at `channel`.
    let find = |at: TokenStream, numbers: [usize; 2], channel: TokenStream| {
        let [span, end] = numbers;
        if apart {
            quote! {
                (Some(x), Some(left), Some(right)) = (
                    tapwise::window::<#span>(inputs[#at], between + #channel),
                    tapwise::window::<#end>(ends[#at][0], #channel),
                    tapwise::window::<#end>(ends[#at][1], #channel),
                )
            }
        } else {
            quote! { Some(x) = tapwise::window::<#span>(inputs[#at], from + #channel) }
        }
    };
    let weight = |row: usize, tap: usize| ident(&format!("w{row}_{tap}"));
    let in_row = chunks * group;
    // One input row for the output rows `served`, each with the filter row that it meets there: the
    // taps of the filter row, `window` at a time, over the pixels that they meet. The steps of filter row 0 are
    // `weights[0]` where they are `nested`.
    let read = |served: &[(usize, usize)], barred: bool, nested: bool| -> TokenStream {
        (0..chunks)
            .flat_map(|chunk| (0..group).map(move |channel| (chunk, channel)))
            .map(|(chunk, channel)| {
                let loads = served.iter().flat_map(|&(row, a)| {
                    (0..window).map(move |tap| {
                        let step = chunk * group + channel;
                        let (name, tap) = (weight(row, tap), index(tap));
                        let at = if nested {
                            let (a, step) = (index(a), index(step));
                            quote!(weights[#a][#step])
                        } else {
                            let step = index(a * in_row + step);
                            quote!(weights[#step])
                        };
                        quote! { let #name = simd::load(&#at[#tap][0]); }
                    })
                });
                let walk =
                    positions(stride[1], dilation[1], pixels, window).into_iter().map(|(column, meets)| {
                        let column = column + chunk * window * dilation[1];
                        let products = served.iter().flat_map(|&(row, _)| {
                            meets.iter().map(move |&(pixel, tap)| {
                                let (weight, sum) = (weight(row, tap), sum(row * pixels + pixel, 0));
                                quote! { #sum = simd::mul_add(v, #weight, #sum); }
                            })
                        });
                        let load = match column {
                            0 if apart => quote! { simd::load(left) },
                            end if apart && end == reach => quote! { simd::load(right) },
                            _ => {
                                let offset = index((column - usize::from(apart)) * channels);
                                quote! { simd::load_at::<#offset, #span>(x) }
                            }
                        };
                        let load = match group {
                            1 => load,
                            _ => {
                                let (group, channel) = (index(group), index(channel));
                                quote! { simd::spread::<#group, #channel>(#load) }
                            }
                        };
                        quote! {
                            let v = #load;
                            #(#products)*
                        }
                    });
                let barrier = barred.then_some(&barrier);
                quote! {
                    #barrier
                    #(#loads)*
                    #(#walk)*
                }
            })
            .collect()
    };
    // What is found once for all channels, and what is computed of each vector.
    let (windows, body) = match tile.body {
        Body::Unrolled { .. } => {
            // Every window is found before anything is computed, as the output is.
            let (mut windows, mut parts) = (TokenStream::new(), TokenStream::new());
            let reads: TokenStream = entries(geometry, rows)
                .into_iter()
                .map(|(entry, served)| {
                    let name = |what: &str| ident(&format!("{what}_{entry}"));
                    let (row, left, right, at) = (name("row"), name("left"), name("right"), index(entry));
                    let found = find(quote!(#at), [whole, channels], quote!(0));
                    let names = if apart { quote!((#row, #left, #right)) } else { quote!(#row) };
                    let parts_of = if apart { quote!((x, left, right)) } else { quote!(x) };
                    windows.extend(quote! {
                        let #found else { return };
                        let #names = #parts_of;
                    });
                    let ends = [&left, &right].map(|end| {
                        apart.then(|| {
                            quote! {
                                let Some(#end) = tapwise::window::<#lanes>(#end, channel) else { return };
                            }
                        })
                    });
                    parts.extend(quote! {
                        let Some(#row) = tapwise::window::<#span>(#row, channel) else { return };
                        #(#ends)*
                    });
                    let read = read(&served, true, false);
                    quote! { let #parts_of = #names; #read }
                })
                .collect();
            (windows, quote! { #parts #reads })
        }
        Body::Loops { barrier, .. } => {
            let body = sections(geometry, rows).into_iter().map(|(entries, served)| {
                // The filter rows from the one that the last of the output rows meets on.
                let above = served.iter().map(|&(_, above)| above).max().unwrap_or(0);
                let served: Vec<_> = served.into_iter().map(|(row, at)| (row, above - at)).collect();
                let met = served.iter().map(|&(_, a)| a).max().unwrap_or(0) + 1;
                let (read, down) = (read(&served, barrier, true), dilation[0]);
                let (from_entry, to_entry) = (entries.start, entries.end);
                let found = find(quote!(entry * #down), [span, lanes], quote!(channel));
                let first = if above == 0 { quote!(entry) } else { quote!(entry - #above) };
                // What a turn reads is found at its beginning: of a look-up between its multiply-adds the
                // compiler sees too late that it cannot fail, and has moved sums behind it by then.
                quote! {
                    for entry in #from_entry..#to_entry {
                        let #found else { return };
                        let Some(weights) = filter_rows.get(#first..).and_then(|rows| rows.first_chunk::<#met>()) else { return };
                        #read
                    }
                }
            });
            let body = quote! {
                let filter_rows = weights.as_chunks::<#in_row>().0;
                #(#body)*
            };
            (TokenStream::new(), body)
        }
    };
    let name = tile_name(panels, tile);
    let features = features(&schedule.isa);
    let (steps, table) = (geometry.taps() / window, geometry.rows() + (rows - 1) * stride[0]);
    let sums = sums(panels, tile);
    let [begin, end] = finish(panels, tile, lanes, Some(channels), false);
    let names = || (0..rows).map(|row| row_names(tile, row));
    let outputs = names().map(|[output, _]| output);
    let residuals = names().enumerate().filter(|_| rows > 1).map(|(row, [_, name])| {
        quote! { let #name = residuals.get(#row).copied(); }
    });
    let documentation = format!(
        " {} of {pixels} pixels x 1 vector of {lanes} channels, {window} of a filter row's taps at a time.",
        plural(rows, "row"),
    );
    let (rows_of_table, ends) = if apart {
        let ends = quote! {
            let ends = tapwise::ends(rows, from, [#right_at, #channels]);
            let (inputs, .., lead) = rows;
            let between = (from + #channels).saturating_sub(lead);
        };
        (quote! { rows: tapwise::Beside<'_, '_, #table> }, ends)
    } else {
        (quote! { inputs: &[&[f32]; #table] }, TokenStream::new())
    };
    quote! {
        #[doc = #documentation]
        #[inline]
        #features
        fn #name(
            #rows_of_table,
            panels: &[[[[[f32; #lanes]; 1]; #window]; #steps]],
            first: usize,
            (biases, slopes, residuals, limits): tapwise::Finishes<'_, #lanes>,
            from: usize,
            outputs: &mut [&mut [f32]; #rows],
            at: usize,
        ) {
            #ends
            #windows
            let [#(#outputs),*] = outputs;
            for (vector, (weights, bias)) in panels.iter().zip(biases.get(first..).unwrap_or_default()).enumerate() {
                let vector = first + vector;
                let channel = (vector * #lanes).min(#last_channel);
                let at = at + channel;
                let residual = residuals.first().copied();
                let finish = tapwise::Finish { bias, slopes: slopes.get(vector), residual, floor: limits[0], ceiling: limits[1], stream: false };
                #(#residuals)*
                #begin
                #sums
                #body
                // Else the limits of what is stored are kept in registers throughout.
                let (_, limits, sum) = simd::barrier(&bias[0], limits, #last);
                #last = sum;
                let finish = tapwise::Finish { floor: limits[0], ceiling: limits[1], ..finish };
                #end
            }
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
                    let finish = tapwise::Finish { bias, slopes, residual, floor, ceiling, stream: false };
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
    let [_, end] = finish(&whole, tile, lanes, None, false);
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
