//! The function of one register tile of a fixed geometry: loops over input channels, sections of filter
//! rows and filter columns; the rows of a section are written out.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::{Shape, sum};
use crate::emit::{ident, isa::features, tile::index};
use crate::geometry::Geometry;
use crate::schedule::{Body, Panels, Schedule, Tile, positions, sections};

/// The function of one register tile.
pub(super) fn function(
    schedule: &Schedule,
    geometry: &Geometry,
    panels: &Panels,
    tile: &Tile,
) -> TokenStream {
    let shape = Shape::of(schedule, panels, tile);
    let (lanes, channels) = (schedule.isa.lanes, panels.vectors);
    let ([kernel_rows, kernel_columns], c_in) = (geometry.kernel, geometry.c_in_group());
    let (all_in, all_out) = (geometry.c_in, geometry.c_out);
    let taps = kernel_rows * kernel_columns;
    let table = (shape.rows - 1) * geometry.stride[0] + geometry.rows();
    let features = features(&schedule.isa);
    let sizes = sections(kernel_rows, schedule.window);
    let mut begin = 0;
    let sections = sizes.iter().map(|&(size, count)| {
        let body = section(schedule, geometry, (&shape, tile), (size, count), begin);
        begin += size * count;
        body
    });
    let name = shape.name();
    let rows: Vec<Ident> = (0..shape.rows).map(|row| ident(&format!("row{row}"))).collect();
    let outputs = shape.outputs(|row| {
        let row = &rows[row];
        quote! { tapwise::entries::<#channels, _>(#row, channel) }
    });
    let (sums, finish) = (shape.sums(), shape.finish(&index(all_out)));
    let vectors = shape.vectors;
    let documentation =
        format!(" {} rows x {vectors} vectors of {lanes} pixels x {channels} output channels.", shape.rows);
    quote! {
        #[doc = #documentation]
        #[allow(clippy::too_many_arguments)]
        #[inline]
        #features
        fn #name(
            inputs: &[[&[f32]; #all_in]; #table],
            ahead: &[[&[f32]; #all_in]],
            panel: &[[[f32; #channels]; #taps]; #c_in],
            finish: tapwise::PlanarFinish<'_, '_, #channels>,
            outputs: &mut [[&mut [f32]; #all_out]],
            negatives: &mut [&mut [f32]],
            first: usize,
            channel: usize,
            from: usize,
        ) {
            let Some([#(#rows),*]) = outputs.first_chunk_mut() else { return };
            #outputs
            #sums
            for (c, panel) in panel.iter().enumerate() {
                for row in ahead {
                    if let Some(row) = row.get(first + c) {
                        simd::prefetch::<#vectors>(row, from);
                    }
                }
                #(#sections)*
            }
            #finish
        }
    }
}

/// The sections of one size, `count` of `size` filter rows from row `begin` on: their input rows are
/// looked up, then the filter columns are walked over.
fn section(
    schedule: &Schedule,
    geometry: &Geometry,
    (shape, tile): (&Shape, &Tile),
    (size, count): (usize, usize),
    begin: usize,
) -> TokenStream {
    let (lanes, channels) = (schedule.isa.lanes, shape.channels);
    let (columns, dilation) = (geometry.kernel[1], geometry.dilation);
    let span = shape.pixels() + (columns - 1) * dilation[1];
    let touched = positions(geometry.stride[0], dilation[0], shape.rows, size);
    let row_name = |row: usize| ident(&format!("x{row}"));
    let finds = touched.iter().map(|&(row, _)| {
        let (name, row) = (row_name(row), index(row));
        quote! {
            let Some(#name) = tapwise::window::<#span>(inputs[#row][first + c], from) else { return };
        }
    });
    let kept = matches!(tile.body, Body::Loops { barrier: false, .. });
    let weight = |tap: usize, channel: usize| ident(&format!("w{tap}_{channel}"));
    let last = sum(shape.rows - 1, shape.vectors - 1, channels - 1);
    let shift = if dilation[1] == 1 {
        quote!(b)
    } else {
        let dilation = index(dilation[1]);
        quote!(b * #dilation)
    };
    let walk = touched.iter().enumerate().map(|(at, (row, served))| {
        let x = row_name(*row);
        // Rows are loaded one after another: loads that the compiler hoists, it spills.
        let barrier = (schedule.isa.unroll > 0).then(|| {
            let taps = if kept && at > 0 { quote!(_) } else { quote!(taps) };
            quote! {
                let (#x, #taps, sum) = simd::barrier(#x, taps, #last);
                #last = sum;
            }
        });
        let keep = (kept && at == 0).then(|| {
            let weights = (0..size).flat_map(|tap| (0..channels).map(move |channel| (tap, channel)));
            let weights = weights.map(|(tap, channel)| {
                let (name, tap, channel) = (weight(tap, channel), index(tap), index(channel));
                quote! { let #name = simd::splat(taps[#tap][#channel]); }
            });
            quote! { #(#weights)* }
        });
        let vector = |vector: usize| {
            let from = index(vector * lanes);
            if vector == 0 {
                quote! { tapwise::slide::<#lanes, #span>(#x, #shift) }
            } else {
                quote! { tapwise::slide::<#lanes, #span>(#x, #shift + #from) }
            }
        };
        let products = shape.row(served, vector, |tap, channel| {
            if kept {
                let weight = weight(tap, channel);
                return quote! { #weight };
            }
            let (tap, channel) = (index(tap), index(channel));
            quote! { simd::splat(taps[#tap][#channel]) }
        });
        quote! { #barrier #keep #products }
    });
    let body = quote! {
        #(#finds)*
        for b in 0..#columns {
            let taps = &panel[b];
            #(#walk)*
        }
    };
    if count == 1 && size == geometry.kernel[0] {
        return quote! {
            let Some(panel) = panel.as_chunks::<#size>().0.first_chunk::<#columns>() else { return };
            #body
        };
    }
    let rows = touched.last().map_or(1, |(row, _)| row + 1);
    let (start, end) = (begin * columns, (begin + size * count) * columns);
    let (skipped, step) = (index(begin * dilation[0]), index(size * dilation[0]));
    quote! {
        let sections = panel[#start..#end].as_chunks::<#size>().0.as_chunks::<#columns>().0;
        for (section, panel) in sections.iter().enumerate() {
            let Some(inputs) = inputs.get(#skipped + section * #step..) else { return };
            let Some(inputs) = inputs.first_chunk::<#rows>() else { return };
            #body
        }
    }
}
