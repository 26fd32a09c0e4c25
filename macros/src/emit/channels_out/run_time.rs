//! Register tiles of the channels-out kernels whose sizes arrive with the call.

use proc_macro2::TokenStream;
use quote::quote;

use super::super::tile::{finish, index, sums};
use super::super::{ident, isa::features};
use super::{ahead::ahead, step, tile_name};
use crate::schedule::{Panels, Schedule, Tile, positions};

/// The function of one register tile.
pub(super) fn tile(schedule: &Schedule, panels: &Panels, tile: &Tile) -> TokenStream {
    let (vectors, lanes, window, pixels) = (panels.vectors, schedule.isa.lanes, schedule.window, tile.pixels);
    let columns = positions(schedule.row_stride.unwrap_or(1), 1, pixels, window);
    let step = step(panels, tile, window, &columns, |column| {
        let column = index(column);
        quote! { $x[#column][$c] }
    });
    let step_name = ident(&format!("step_{pixels}x{vectors}"));
    let inputs = match schedule.row_stride {
        Some(_) => neighbours(columns.last().map_or(1, |(column, _)| column + 1)),
        None => pixels_apart(pixels),
    };
    let name = tile_name(schedule, panels, tile);
    let features = features(&schedule.isa);
    let sums = sums(panels, tile);
    let [begin, end] = finish(panels, tile, lanes, None, false);
    let [ahead_argument, ahead_begin, ahead_step] = ahead(schedule, panels, tile);
    let plain = quote! {
        for (j, w) in taps.iter().enumerate() {
            #step_name!(x, j, w);
        }
    };
    // A loop of its own for tiles that ask for nothing, which are most: its steps are shorter.
    let loops = if ahead_step.is_empty() {
        plain
    } else {
        quote! {
            if ahead.step > 0 {
                for (j, w) in taps.iter().enumerate() {
                    #ahead_step
                    #step_name!(x, j, w);
                }
            } else {
                #plain
            }
        }
    };
    let documentation = format!(
        " {pixels} pixels x {vectors} vectors of {lanes} lanes, {window} of a filter row's taps at a time."
    );
    quote! {
        #[doc = #documentation]
        #[allow(clippy::too_many_arguments)]
        #[inline]
        #features
        fn #name(
            numbers: &tapwise::Numbers,
            inputs: &[&[f32]],
            mut weights: &[[[[f32; #lanes]; #vectors]; #window]],
            finish: &tapwise::Finish<'_, #lanes, #vectors>,
            from: usize,
            output: &mut [f32],
            at: usize,
            #ahead_argument
            lanes: usize,
        ) {
            #begin
            #sums
            #step
            #ahead_begin
            for a in 0..numbers.kernel_rows {
                let Some(row) = inputs.get(a * numbers.dilation) else { return };
                let mut from = from;
                for _ in 0..numbers.runs {
                    #inputs
                    from += numbers.run_step * #window;
                    let Some((taps, more)) = weights.split_at_checked(numbers.run) else { return };
                    weights = more;
                    #loops
                }
            }
            #end
        }
    }
}

/// Finds the inputs of a run for pixels that lie a step apart.
fn pixels_apart(pixels: usize) -> TokenStream {
    quote! {
        let Some(x) = tapwise::runs::<#pixels>(row, from, numbers.pixel_step, numbers.run) else { return };
    }
}

/// Finds the inputs of a run for columns side by side: each is cut off what is left of the row, so
/// that its length is known.
fn neighbours(columns: usize) -> TokenStream {
    let names: Vec<_> = (0..columns).map(|column| ident(&format!("x{column}"))).collect();
    let (last, others) = names.split_last().expect("a tile has columns");
    quote! {
        let Some(rest) = row.get(from..) else { return };
        #(
            let Some((#others, rest)) = tapwise::column(rest, numbers.run_step, numbers.run) else { return };
        )*
        let Some(#last) = rest.get(..numbers.run) else { return };
        let x: [&[f32]; #columns] = [#(#names),*];
    }
}
