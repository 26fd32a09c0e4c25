//! The two passes of a constant filter: sums down the columns, and along the rows.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::combination::{Constants, combination, interleaved};
use crate::emit::tile::index;
use crate::emit::{ident, isa};
use crate::fold::{Shared, unit};
use crate::isa::Isa;

/// The sums down the columns, for every term that needs them.
pub(super) fn columns(isa: &Isa, terms: &Shared, tile: usize) -> TokenStream {
    let (features, lanes) = (isa::features(isa), index(isa.lanes));
    let summed: Vec<&Vec<f64>> = terms.columns.iter().filter(|column| unit(column).is_none()).collect();
    let height = summed.first().map_or(0, |column| column.len());
    // Two rows of output see one row of the picture more than one does.
    let count = index(height + 1);
    let used = |row: usize| summed.iter().any(|column| column.get(row).is_some_and(|weight| *weight != 0.0));
    let read: Vec<bool> = (0..=height).map(|row| used(row) || row > 0 && used(row - 1)).collect();
    let strips: Vec<TokenStream> = (0..=height)
        .map(|row| {
            let name = ident(&format!("x{row}"));
            if read[row] { quote!(#name) } else { quote!(_) }
        })
        .collect();
    let outputs: Vec<(usize, &Vec<f64>)> =
        (0..2).flat_map(|row| summed.iter().map(move |column| (row, *column))).collect();
    let targets: Vec<Ident> = (0..outputs.len()).map(|target| ident(&format!("t{target}"))).collect();
    let mut constants = Constants::default();
    // Rows that leave registers for sums and weights are loaded once for both rows of output.
    let shared = 2 * (height + 1) <= isa.registers;
    let bodies = (0..tile).map(|vector| {
        let (lane, mut body) = (index(vector), Vec::new());
        if shared {
            for row in (0..=height).filter(|row| read[*row]) {
                let (value, name) = (ident(&format!("v{row}_{vector}")), ident(&format!("x{row}")));
                body.push(quote! { let #value = simd::load(&#name[#lane]); });
            }
        }
        for ((first, column), target) in outputs.iter().zip(&targets) {
            let taps =
                column.iter().enumerate().filter(|(_, weight)| **weight != 0.0).map(|(row, weight)| {
                    let row = first + row;
                    let (value, name) = (ident(&format!("v{row}_{vector}")), ident(&format!("x{row}")));
                    let value = if shared { quote!(#value) } else { quote!(simd::load(&#name[#lane])) };
                    (value, *weight as f32)
                });
            let sum = ident(&format!("sum_{target}_{vector}"));
            body.extend(combination(&sum, &taps.collect::<Vec<_>>(), &mut constants));
            body.push(quote! { simd::store(#sum, &mut #target[#lane]); });
        }
        body
    });
    let bodies: Vec<Vec<TokenStream>> = bodies.collect();
    let body = if shared { bodies.into_iter().flatten().collect() } else { interleaved(bodies) };
    let (tile, constants) = (index(tile), constants.declared());
    let count_of_targets = index(targets.len());
    let documentation = format!(
        " Sums of {} rows, {} for each column of two rows of output.",
        read.iter().filter(|read| **read).count(),
        targets.len()
    );
    quote! {
        #[doc = #documentation]
        #features
        pub(super) fn columns(call: &mut tapwise::filter::Columns<'_, '_>) {
            #constants
            let strips = tapwise::Strips::<#count, #lanes>::new(call.rows, call.from, call.length);
            let target = tapwise::StripsMut::<#count_of_targets, #lanes>::new(call.target, call.plane, call.at, call.length);
            let (Some(strips), Some(mut target)) = (strips, target) else { return };
            let mut tiles = tapwise::Tiles::of(call.length, #tile * #lanes);
            while let Some(at) = tiles.next() {
                let (Some([#(#strips),*]), Some([#(#targets),*])) =
                    (strips.tile::<#tile>(at), target.tile::<#tile>(at))
                else {
                    return;
                };
                #body
            }
        }
    }
}

/// The sums along the rows, one for each filter.
pub(super) fn rows(isa: &Isa, terms: &Shared, tile: usize) -> TokenStream {
    let (features, lanes) = (isa::features(isa), index(isa.lanes));
    let width = terms.rows.iter().flatten().map(Vec::len).max().unwrap_or(0);
    let read = |term: usize, tap: usize| {
        terms.rows.iter().any(|terms| terms[term].get(tap).is_some_and(|weight| *weight != 0.0))
    };
    let sources: Vec<Ident> = (0..terms.columns.len()).map(|term| ident(&format!("s{term}"))).collect();
    let outputs: Vec<Ident> = (0..terms.rows.len()).map(|filter| ident(&format!("y{filter}"))).collect();
    let name = |term: usize, tap: usize| ident(&format!("x{term}_{tap}"));
    let patterns: Vec<TokenStream> = (0..sources.len())
        .map(|term| {
            let names = (0..width).map(|tap| {
                let name = name(term, tap);
                if read(term, tap) { quote!(#name) } else { quote!(_) }
            });
            quote!([#(#names),*])
        })
        .collect();
    let mut constants = Constants::default();
    let bodies = (0..tile).map(|vector| {
        let (lane, mut body) = (index(vector), Vec::new());
        for (terms, output) in terms.rows.iter().zip(&outputs) {
            let taps = terms.iter().enumerate().flat_map(|(term, row)| {
                let taps = row.iter().enumerate().filter(|(_, weight)| **weight != 0.0);
                taps.map(move |(tap, weight)| (name(term, tap), *weight as f32))
            });
            let taps: Vec<_> =
                taps.map(|(name, weight)| (quote!(simd::load(&#name[#lane])), weight)).collect();
            let sum = ident(&format!("sum_{output}_{vector}"));
            body.extend(combination(&sum, &taps, &mut constants));
            body.push(quote! {
                if call.stream {
                    simd::stream(#sum, &mut #output[#lane]);
                } else {
                    simd::store(#sum, &mut #output[#lane]);
                }
            });
        }
        body
    });
    let body = interleaved(bodies.collect());
    let (tile, constants) = (index(tile), constants.declared());
    let width = index(width);
    let first = outputs.first();
    let documentation = format!(" Sums along the rows of {} terms.", sources.len());
    quote! {
        #[doc = #documentation]
        #features
        pub(super) fn rows(call: &mut tapwise::filter::Rows<'_, '_, '_>) {
            #constants
            let ([#(#sources),*], [#(#outputs),*]) = (call.sources, &mut *call.outputs) else { return };
            let [ahead] = call.ahead else { return };
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
                simd::prefetch_near::<#tile>(ahead, call.at + at);
                #(
                    let Some(#patterns) = #sources.tile::<#tile>(at) else { return };
                )*
                #body
            }
        }
    }
}
