//! The one pass of a filter without structure or zeros: a loop over its columns, each turn of which goes through the
//! rows of the picture as they are, for some rows of output at once. Written out, all taps compile for several times as
//! long and run no faster.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::{as_they_are, number};
use crate::emit::tile::index;
use crate::emit::{ident, isa};
use crate::fold::{Shared, unit};
use crate::isa::Isa;

/// The weights of a filter row by row, where it is one, all of its terms are rows of the picture, none of its weights
/// is zero and they do not stay in registers.
pub(super) fn dense(terms: &Shared) -> Option<Vec<&[f64]>> {
    let [rows] = &terms.rows[..] else { return None };
    let height = terms.columns.first()?.len();
    let row = |row: usize| -> Option<&[f64]> {
        let term = terms.columns.iter().position(|column| unit(column) == Some(row))?;
        Some(&rows[term])
    };
    let weights: Vec<&[f64]> = (0..height).map(row).collect::<Option<_>>()?;
    let all = || weights.iter().flat_map(|row| row.iter());
    let whole = terms.columns.len() == height && all().all(|weight| *weight as f32 != 0.0);
    (whole && !as_they_are::resident(terms)).then_some(weights)
}

/// The sums of such a filter for `together` rows of output: each number is read once for all of them, and each weight
/// once for all vectors of a tile.
pub(super) fn rows(isa: &Isa, weights: &[&[f64]], tile: usize, together: usize) -> TokenStream {
    let (features, lanes) = (isa::features(isa), index(isa.lanes));
    let (height, width) = (weights.len(), weights.first().map_or(0, |row| row.len()));
    let columns = (0..width).map(|tap| {
        let column = weights.iter().map(|row| number(row[tap]));
        quote!([#(#column),*])
    });
    let outputs: Vec<Ident> = (0..together).map(|output| ident(&format!("y{output}"))).collect();
    let ahead: Vec<Ident> = (0..together).map(|row| ident(&format!("ahead{row}"))).collect();
    let sources: Vec<Ident> = (0..height + together - 1).map(|row| ident(&format!("s{row}"))).collect();
    let windows: Vec<Ident> = (0..sources.len()).map(|row| ident(&format!("x{row}"))).collect();
    let sum = |output: usize, vector: usize| ident(&format!("sum{output}_{vector}"));
    let values: Vec<Ident> = (0..tile).map(|vector| ident(&format!("v{vector}"))).collect();
    let sums: Vec<Ident> =
        (0..together).flat_map(|output| (0..tile).map(move |vector| sum(output, vector))).collect();
    let mut steps = Vec::new();
    let mut before: Vec<Ident> = sums.clone();
    for (row, window) in windows.iter().enumerate() {
        steps.push(quote! { let mut x = #window[tap]; });
        // Else the compiler would read weights and numbers ahead of their use, and put them onto the stack.
        for sum in before.drain(..) {
            steps.push(quote! { (x, weights, #sum) = simd::barrier(x, weights, #sum); });
        }
        let places = (0..tile).map(index);
        steps.push(quote! { #(let #values = simd::load(&x[#places]);)* });
        // What a row of output sees is a row further down than what the one before it does.
        for output in (0..together).filter(|output| (*output..height + output).contains(&row)) {
            let place = index(row - output);
            steps.push(quote! { let weight = simd::splat(weights[#place]); });
            for (vector, value) in values.iter().enumerate() {
                let sum = sum(output, vector);
                steps.push(quote! { #sum = simd::mul_add(weight, #value, #sum); });
                before.push(sum);
            }
        }
    }
    let stores = outputs.iter().enumerate().flat_map(|(output, target)| {
        (0..tile).map(move |vector| {
            let (sum, vector) = (sum(output, vector), index(vector));
            quote! {
                if call.stream {
                    simd::stream(#sum, &mut #target[#vector]);
                } else {
                    simd::store(#sum, &mut #target[#vector]);
                }
            }
        })
    });
    let documentation = format!(" Sums of {height} rows as they are, for {together} rows of output.");
    let (tile, height, width) = (index(tile), index(height), index(width));
    let first = outputs.first();
    quote! {
        #[doc = #documentation]
        #features
        pub(super) fn rows(call: &mut tapwise::filter::Rows<'_, '_, '_>) {
            /// The weights, column after column.
            static WEIGHTS: [[f32; #height]; #width] = [#(#columns),*];
            let ([#(#sources),*], [#(#outputs),*]) = (call.sources, &mut *call.outputs) else { return };
            let [#(#ahead),*] = call.ahead else { return };
            #(
                let Some(#sources) = tapwise::Taps::<#width, #lanes>::new(#sources, call.from, call.step, call.length)
                else {
                    return;
                };
            )*
            let Some(first) = #first.get(call.at..) else { return };
            let mut tiles = tapwise::Tiles::aligned(first, call.length, #tile * #lanes);
            while let Some(at) = tiles.next() {
                #(
                    let Some(#outputs) = tapwise::tile_mut::<_, #lanes, #tile>(#outputs, call.at + at) else { return };
                )*
                #(simd::prefetch_near::<#tile>(#ahead, call.at + at);)*
                #(
                    let Some(#windows) = #sources.tile::<#tile>(at) else { return };
                )*
                #(let mut #sums = simd::splat(0.0);)*
                for tap in 0..#width {
                    let mut weights = &WEIGHTS[tap];
                    #(#steps)*
                }
                #(#stores)*
            }
        }
    }
}
