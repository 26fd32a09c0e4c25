//! The along-the-row kernel whose numbers arrive with the call, all but the sides of its tiles.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::{Shape, columns, heights, of_rows, phased};
use crate::emit::{ident, isa::features, tile::index};
use crate::schedule::{Panels, Schedule, Tile};

/// The functions of the kernel.
pub(super) fn module(schedule: &Schedule) -> TokenStream {
    let features = features(&schedule.isa);
    let tiles = schedule
        .panels
        .iter()
        .flat_map(|panels| panels.tiles.iter().map(move |tile| self::tile(schedule, panels, tile)));
    let kinds = schedule.panels.iter().enumerate().map(|(kind, panels)| self::kind(schedule, kind, panels));
    let (phased, run_phased) = (phased::run_time(schedule), phased::dispatch());
    quote! {
        #(#tiles)*

        #phased

        /// Computes a band of output rows: for each group and panel of output channels, for each block
        /// of rows, the register tiles that cover it.
        #features
        pub(super) fn run(band: &mut tapwise::Band<'_, '_, '_>) {
            #run_phased
            let (mut weights, mut biases, mut all_slopes) = (band.weights, band.bias, band.slopes);
            let numbers = &band.numbers;
            let width = band.width;
            let c_in = numbers.c_in_group * numbers.groups;
            let rows = band.outputs.len() / numbers.c_out.max(1);
            for group in 0..numbers.groups {
                let first = group * numbers.c_in_group;
                let mut channel = group * numbers.c_out_group;
                #(#kinds)*
            }
        }
    }
}

/// The loop over the panels of one width.
fn kind(schedule: &Schedule, kind: usize, panels: &Panels) -> TokenStream {
    let (channels, lanes) = (panels.vectors, schedule.isa.lanes);
    let heights = heights(panels);
    let blocks = heights.iter().map(|&height| {
        let Some([wide, narrow]) = of_rows(schedule, panels, height) else { return TokenStream::new() };
        let columns = columns(&wide, &narrow, |shape| {
            let name = shape.name();
            quote! { #name(numbers, c_in, inputs, panel, finish, outputs, negatives, at); }
        });
        let body = quote! {
            let at = row.min(rows - #height);
            let inputs = band.inputs.get(at * numbers.stride * c_in + first..);
            let outputs = band.outputs.get_mut(at * numbers.c_out + channel..);
            let (Some(inputs), Some(outputs)) = (inputs, outputs) else { return };
            let finish = tapwise::PlanarFinish {
                bias,
                slopes,
                residuals: tapwise::tail(band.residuals, at * numbers.c_out + channel),
                floor: band.floor,
                ceiling: band.ceiling,
                stream: band.stream,
            };
            let negatives = tapwise::tail_mut(&mut *band.negatives, at * numbers.c_out + channel);
            let aligned = tapwise::alignment::<#lanes>(outputs.first());
            #columns
            row = at + #height;
        };
        if height == 1 {
            body
        } else {
            quote! { if rows >= #height { #body continue; } }
        }
    });
    quote! {
        for _ in 0..numbers.panels[#kind] {
            let length = numbers.taps * #channels;
            let (Some((panel, more)), Some((bias, more_biases))) =
                (weights.split_at_checked(length), biases.split_first_chunk::<#channels>())
            else {
                return;
            };
            (weights, biases) = (more, more_biases);
            let (slopes, more_slopes) = tapwise::head(all_slopes, #channels);
            all_slopes = more_slopes;
            let slopes = slopes.first_chunk::<#channels>();
            let panel = panel.as_chunks::<#channels>().0;
            let mut row = 0;
            while row < rows {
                #(#blocks)*
            }
            channel += #channels;
        }
    }
}

/// The function of one register tile.
fn tile(schedule: &Schedule, panels: &Panels, tile: &Tile) -> TokenStream {
    let shape = Shape::of(schedule, panels, tile);
    let features = features(&schedule.isa);
    let (lanes, channels, pixels) = (shape.lanes, shape.channels, shape.pixels());
    let names: Vec<Ident> = (0..shape.rows).map(|row| ident(&format!("x{row}"))).collect();
    let finds = names.iter().enumerate().map(|(row, name)| {
        let row = index(row);
        quote! {
            let Some(#name) = inputs.get((#row * numbers.stride + a * numbers.dilation) * c_in + c) else { return };
            let Some(#name) = #name.get(from..) else { return };
        }
    });
    let windows = names.iter().map(|name| {
        quote! {
            let Some(#name) = tapwise::window::<#pixels>(#name, b * numbers.run_step) else { return };
        }
    });
    let walk = names.iter().enumerate().map(|(row, x)| {
        let vector = |vector: usize| {
            let from = index(vector * lanes);
            quote! { tapwise::part::<#from, #lanes, #pixels>(#x) }
        };
        shape.row(&[(row, 0)], vector, |_, channel| {
            let channel = index(channel);
            quote! { simd::splat(taps[#channel]) }
        })
    });
    let name = shape.name();
    let outputs =
        shape.outputs(|_| quote! { tapwise::next_entries::<#channels, _>(&mut rows, numbers.c_out) });
    let (sums, finish) = (shape.sums(), shape.finish(&quote!(numbers.c_out)));
    let documentation = format!(
        " {} rows x {} vectors of {lanes} pixels x {channels} output channels, one tap at a time.",
        shape.rows, shape.vectors
    );
    quote! {
        #[doc = #documentation]
        #[allow(clippy::too_many_arguments)]
        #[inline]
        #features
        fn #name(
            numbers: &tapwise::Numbers,
            c_in: usize,
            inputs: &[&[f32]],
            panel: &[[f32; #channels]],
            finish: tapwise::PlanarFinish<'_, '_, #channels>,
            outputs: &mut [&mut [f32]],
            negatives: &mut [&mut [f32]],
            from: usize,
        ) {
            let mut rows = outputs;
            #outputs
            #sums
            let mut weights = panel.iter();
            for c in 0..numbers.c_in_group {
                for a in 0..numbers.kernel_rows {
                    #(#finds)*
                    for (b, taps) in weights.by_ref().take(numbers.runs).enumerate() {
                        #(#windows)*
                        #(#walk)*
                    }
                }
            }
            #finish
        }
    }
}
