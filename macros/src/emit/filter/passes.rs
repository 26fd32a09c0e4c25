//! The two passes of a constant filter: sums down the columns, and along the rows.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::combination::{Constants, combination, interleaved};
use crate::emit::tile::index;
use crate::emit::{ident, isa};
use crate::fold::{Shared, unit};
use crate::isa::Isa;

/// The sums down the columns, for every term that needs them.
pub(super) fn columns(isa: &Isa, terms: &Shared, tile: usize, together: usize) -> TokenStream {
    let (features, lanes) = (isa::features(isa), index(isa.lanes));
    let summed: Vec<&Vec<f64>> = terms.columns.iter().filter(|column| unit(column).is_none()).collect();
    if summed.is_empty() {
        return quote! {
            #[doc = " Nothing: every term reads rows of the picture in place."]
            #features
            pub(super) fn columns(_: &mut tapwise::filter::Columns<'_, '_>) {}
        };
    }
    let height = summed.first().map_or(0, |column| column.len());
    // Each row of output sees one row of the picture more than those before it.
    let seen = height + together - 1;
    let count = index(seen);
    let weight = |(first, column): (usize, &Vec<f64>), row: usize| -> f64 {
        row.checked_sub(first).and_then(|row| column.get(row)).copied().unwrap_or(0.0)
    };
    let outputs: Vec<(usize, &Vec<f64>)> =
        (0..together).flat_map(|row| summed.iter().map(move |column| (row, *column))).collect();
    let read: Vec<bool> =
        (0..seen).map(|row| outputs.iter().any(|output| weight(*output, row) != 0.0)).collect();
    let strips: Vec<TokenStream> = (0..seen)
        .map(|row| {
            let name = ident(&format!("x{row}"));
            if read[row] { quote!(#name) } else { quote!(_) }
        })
        .collect();
    let targets: Vec<Ident> = (0..outputs.len()).map(|target| ident(&format!("t{target}"))).collect();
    let mut constants = Constants::default();
    // Rows that leave registers for sums and weights are loaded once for all rows of output.
    let shared = 2 * seen <= isa.registers;
    let bodies = (0..tile).map(|vector| {
        let (lane, mut body) = (index(vector), Vec::new());
        let load = |row: usize| {
            let name = ident(&format!("x{row}"));
            quote!(simd::load(&#name[#lane]))
        };
        let value = |row: usize| ident(&format!("v{row}_{vector}"));
        let sum = |target: &Ident| ident(&format!("sum_{target}_{vector}"));
        let rows = (0..seen).filter(|row| read[*row]);
        if together > 2 {
            // Tall filters: one row after another, for every sum that it is a part of.
            let mut begun = vec![false; outputs.len()];
            for row in rows {
                let (value, load) = (value(row), load(row));
                body.push(quote! { let #value = #load; });
                for ((output, target), begun) in outputs.iter().zip(&targets).zip(&mut begun) {
                    let weight = weight(*output, row) as f32;
                    if weight != 0.0 {
                        let (sum, weight) = (sum(target), constants.name(weight));
                        body.push(match std::mem::replace(begun, true) {
                            false => quote! { let #sum = simd::multiply(#weight, #value); },
                            true => quote! { let #sum = simd::mul_add(#weight, #value, #sum); },
                        });
                    }
                }
            }
        } else if shared {
            for row in rows {
                let (value, load) = (value(row), load(row));
                body.push(quote! { let #value = #load; });
            }
        }
        for (output, target) in outputs.iter().zip(&targets) {
            let sum = sum(target);
            if together <= 2 {
                let taps = (0..seen).map(|row| (row, weight(*output, row) as f32));
                let taps = taps.filter(|(_, weight)| *weight != 0.0).map(|(row, weight)| {
                    let (value, load) = (value(row), load(row));
                    (if shared { quote!(#value) } else { load }, weight)
                });
                body.extend(combination(&sum, &taps.collect::<Vec<_>>(), &mut constants));
            }
            body.push(quote! { simd::store(#sum, &mut #target[#lane]); });
        }
        body
    });
    let bodies: Vec<Vec<TokenStream>> = bodies.collect();
    let apart = shared && together <= 2;
    let body = if apart { bodies.into_iter().flatten().collect() } else { interleaved(bodies) };
    let (tile, constants) = (index(tile), constants.declared());
    let count_of_targets = index(targets.len());
    let documentation = format!(
        " Sums of {} rows, {} for each column of {together} rows of output.",
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
