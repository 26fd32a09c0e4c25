//! The two passes of a constant filter: sums down the columns, and along the rows.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

use super::combination::{Constants, combination, interleaved};
use super::shifts::Shifts;
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

/// The sums along the rows, one for each filter. Where taps are as many numbers apart as one of `steps`, and the
/// instruction set shifts a vector out of two in one instruction, some of what they read is.
pub(super) fn rows(isa: &Isa, terms: &Shared, tile: usize, steps: &[usize]) -> TokenStream {
    let (features, any) = (isa::features(isa), sums_along(isa, terms, tile, None));
    let documentation = format!(" Sums along the rows of {} terms.", terms.columns.len());
    let (mut calls, mut functions) = (TokenStream::new(), TokenStream::new());
    for &step in steps.iter().filter(|_| isa.shifts) {
        let Some(shifts) = Shifts::of(isa, terms, tile, step) else { continue };
        let (name, sums) = (ident(&format!("rows_by_{step}")), sums_along(isa, terms, tile, Some(&shifts)));
        let apart = Literal::isize_unsuffixed(step as isize);
        calls.extend(quote! { if call.step == #apart { return #name(call); } });
        let documentation = format!(" As `rows`, of taps {step} apart: some windows are shifted out of two.");
        functions.extend(quote! {
            #[doc = #documentation]
            #features
            fn #name(call: &mut tapwise::filter::Rows<'_, '_, '_>) {
                #sums
            }
        });
    }
    quote! {
        #functions

        #[doc = #documentation]
        #features
        pub(super) fn rows(call: &mut tapwise::filter::Rows<'_, '_, '_>) {
            #calls
            #any
        }
    }
}

/// The body of the sums along the rows; with shifts, of taps that are as far apart as those say.
fn sums_along(isa: &Isa, terms: &Shared, tile: usize, shifts: Option<&Shifts>) -> TokenStream {
    let (lanes, vectors) = (index(isa.lanes), index(tile));
    let taps = terms.rows.iter().flatten().map(Vec::len).max().unwrap_or(0);
    let read = |term: usize, tap: usize| {
        terms.rows.iter().any(|terms| terms[term].get(tap).is_some_and(|weight| *weight != 0.0))
    };
    let sources: Vec<Ident> = (0..terms.columns.len()).map(|term| ident(&format!("s{term}"))).collect();
    let outputs: Vec<Ident> = (0..terms.rows.len()).map(|filter| ident(&format!("y{filter}"))).collect();
    let name = |term: usize, tap: usize| ident(&format!("x{term}_{tap}"));
    let beside = |term: usize, at: usize| ident(&format!("n{term}_{at}"));
    // Of a known step what all taps see is one window.
    let step = shifts.map_or(0, Shifts::step);
    let seen = index(tile * isa.lanes + taps.saturating_sub(1) * step);
    let load = |term: usize, vector: usize, tap: usize| match shifts {
        None => {
            let (name, lane) = (name(term, tap), index(vector));
            quote!(simd::load(&#name[#lane]))
        }
        Some(_) => {
            let (source, at) = (&sources[term], index(vector * isa.lanes + tap * step));
            quote!(simd::load_at::<#at, #seen>(#source))
        }
    };
    let mut constants = Constants::default();
    let bodies = (0..tile).map(|vector| {
        let (lane, mut body) = (index(vector), Vec::new());
        for (terms, output) in terms.rows.iter().zip(&outputs) {
            let read = terms.iter().enumerate().flat_map(|(term, row)| {
                let taps = row.iter().enumerate().filter(|(_, weight)| **weight != 0.0);
                taps.map(move |(tap, weight)| (term, tap, *weight as f32))
            });
            let numbers: Vec<_> = read
                .map(|(term, tap, weight)| {
                    let Some((at, by)) = shifts.and_then(|shifts| shifts.place(term, vector, tap)) else {
                        return (load(term, vector, tap), weight);
                    };
                    let (low, high) = (beside(term, at), beside(term, at + 1));
                    let by = Literal::i32_unsuffixed(by as i32);
                    (quote!(simd::shifted::<#by>(#low, #high)), weight)
                })
                .collect();
            let sum = ident(&format!("sum_{output}_{vector}"));
            body.extend(combination(&sum, &numbers, &mut constants));
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
    let (width, constants) = (index(taps), constants.declared());
    let windows = match shifts {
        None => quote! {
            #(
                let Some(#sources) = tapwise::Taps::<#width, #lanes>::new(#sources, call.from, call.step, call.length)
                else {
                    return;
                };
            )*
        },
        Some(_) => TokenStream::new(),
    };
    let seen = match shifts {
        None => {
            let patterns = (0..sources.len()).map(|term| {
                let names = (0..taps).map(|tap| {
                    let name = name(term, tap);
                    if read(term, tap) { quote!(#name) } else { quote!(_) }
                });
                quote!([#(#names),*])
            });
            quote! { #(let Some(#patterns) = #sources.tile::<#vectors>(at) else { return };)* }
        }
        Some(shifts) => {
            let loads = shifts.vectors().into_iter().map(|(term, at)| {
                let (vector, load) = (beside(term, at), load(term, at, 0));
                quote! { let #vector = #load; }
            });
            quote! {
                #(let Some(#sources) = tapwise::window::<#seen>(#sources, call.from + at) else { return };)*
                #(#loads)*
            }
        }
    };
    let first = outputs.first();
    quote! {
        #constants
        let ([#(#sources),*], [#(#outputs),*]) = (call.sources, &mut *call.outputs) else { return };
        let [ahead] = call.ahead else { return };
        #windows
        let Some(first) = #first.get(call.at..) else { return };
        let mut tiles = tapwise::Tiles::aligned(first, call.length, #vectors * #lanes);
        while let Some(at) = tiles.next() {
            #(
                let Some(#outputs) = tapwise::tile_mut::<_, #lanes, #vectors>(#outputs, call.at + at) else { return };
            )*
            simd::prefetch_near::<#vectors>(ahead, call.at + at);
            #seen
            #body
        }
    }
}
