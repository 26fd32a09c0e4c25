//! What the register tiles of every family share: accumulators, activation, stores.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::ident;
use crate::schedule::{Panels, Tile};

/// The accumulators of a tile, each begun with the bias of its channels.
pub(super) fn sums(panels: &Panels, tile: &Tile) -> TokenStream {
    let pixels = tile.rows * tile.pixels;
    let all = (0..pixels).flat_map(|pixel| (0..panels.vectors).map(move |vector| (pixel, vector)));
    let begin = all.map(|(pixel, vector)| {
        let (sum, vector) = (sum(pixel, vector), index(vector));
        quote! { let mut #sum = simd::load(&finish.bias[#vector]); }
    });
    quote! { #(#begin)* }
}

/// The name of an accumulator; the pixels of a tile's rows are counted through.
pub(super) fn sum(pixel: usize, vector: usize) -> proc_macro2::Ident {
    ident(&format!("sum{pixel}_{vector}"))
}

/// The names of a row of output and of the row that is added to it.
pub(super) fn row_names(tile: &Tile, row: usize) -> [proc_macro2::Ident; 2] {
    let name = |what: &str| if tile.rows == 1 { ident(what) } else { ident(&format!("{what}_{row}")) };
    [name("output"), name("residual")]
}

/// Residual, activation and store of a tile, as two pieces of code: one that finds the output before anything
/// is computed, and one that stores. Where a store could still fail, the compiler would compute
/// what it stores only after it had not. A tile of several rows finds its residuals under the names
/// of [`row_names`], a tile of one row in `finish`. A kernel that is not told `c_out` while it is compiled has it in
/// its `numbers`. With `past`, whole vectors may pass the caches by.
pub(super) fn finish(
    panels: &Panels,
    tile: &Tile,
    vector: usize,
    c_out: Option<usize>,
    past: bool,
) -> [TokenStream; 2] {
    let (mut begin, mut added, mut leaking, mut stores) = <(Vec<_>, Vec<_>, Vec<_>, Vec<_>)>::default();
    let past = past && panels.lanes == Some(vector);
    for row in 0..tile.rows {
        let parts = finish_row(panels, tile, vector, c_out, row, past);
        begin.push(parts.begin);
        added.push(parts.added);
        leaking.push(parts.leaking);
        stores.push(parts.stores);
    }
    // One branch for all rows: several would leave the compiler too many ways to keep sums in registers.
    let names: Vec<_> = (0..tile.rows).map(|row| row_names(tile, row)[1].clone()).collect();
    let end = quote! {
        if let (#(Some(#names),)*) = (#(#names,)*) {
            #(#added)*
        }
        if let Some(slopes) = finish.slopes {
            #(#leaking)*
        }
        let (floor, ceiling) = (simd::splat(finish.floor), simd::splat(finish.ceiling));
        #(#stores)*
    };
    [quote! { #(#begin)* }, end]
}

/// The code of [`finish`] for one row of a tile.
struct Row {
    /// Finds the output and what is added to it.
    begin: TokenStream,
    /// Adds the residual.
    added: TokenStream,
    /// Multiplies sums below zero by their slopes.
    leaking: TokenStream,
    stores: TokenStream,
}

/// As [`finish`], of one row of the tile.
fn finish_row(
    panels: &Panels,
    tile: &Tile,
    vector: usize,
    c_out: Option<usize>,
    row: usize,
    past: bool,
) -> Row {
    let last = panels.vectors - 1;
    let [output, residual] = row_names(tile, row);
    let added_row = if tile.rows == 1 { quote!(finish.residual) } else { quote!(#residual) };
    let sum = |pixel: usize, vector: usize| sum(row * tile.pixels + pixel, vector);
    // Where it is a literal, the output is a window of literal length.
    let literal = c_out.is_some() && panels.lanes.is_some();
    let c_out = c_out.map_or_else(|| quote!(numbers.c_out), index);
    let (begin, whole) = match panels.lanes {
        Some(lanes) => {
            let width = last * vector + lanes;
            let pixels = tile.pixels - 1;
            (
                quote! {
                    let Some(#output) = tapwise::window_mut::<{ #pixels * #c_out + #width }>(#output, at) else { return };
                    let #residual = #added_row.and_then(|row| tapwise::window::<{ #pixels * #c_out + #width }>(row, at));
                },
                if lanes == vector { panels.vectors } else { last },
            )
        }
        None => (
            quote! {
                let Some(#output) = #output.get_mut(at..) else { return };
                let #residual = #added_row.and_then(|row| row.get(at..));
            },
            last,
        ),
    };
    let lanes = panels.lanes.map_or_else(|| quote!(lanes), |lanes| quote!(#lanes));
    let added = (0..tile.pixels).map(|at| {
        let pixel = index(at);
        let whole_vectors = (0..whole).map(|k| {
            let (from, sum) = (index(k * vector), sum(at, k));
            if literal {
                return quote! { #sum = simd::add(#sum, simd::load_at::<{ #pixel * #c_out + #from }, _>(#residual)); };
            }
            quote! {
                if let Some(more) = tapwise::window::<#vector>(#residual, #pixel * #c_out + #from) {
                    #sum = simd::add(#sum, simd::load(more));
                }
            }
        });
        let from = index(last * vector);
        let head = (whole == last).then(|| {
            let sum = sum(at, last);
            quote! {
                #sum = simd::add(#sum, simd::load_head(tapwise::run(#residual, #pixel * #c_out + #from, #lanes)));
            }
        });
        quote! {
            #(#whole_vectors)*
            #head
        }
    });
    let leaking = (0..panels.vectors).map(|k| {
        let at = index(k);
        let sums = (0..tile.pixels).map(|pixel| {
            let sum = sum(pixel, k);
            quote! { #sum = simd::leak(slope, #sum); }
        });
        quote! {
            let slope = simd::load(&slopes[#at]);
            #(#sums)*
        }
    });
    let pixels = (0..tile.pixels).map(|at| {
        let pixel = index(at);
        let stores = (0..whole).map(|k| {
            let (from, sum) = (index(k * vector), sum(at, k));
            let value = quote!(simd::clamp(floor, ceiling, #sum));
            if literal {
                return quote! { simd::store_at::<{ #pixel * #c_out + #from }, _>(#value, #output); };
            }
            quote! {
                if let Some(target) = tapwise::window_mut::<#vector>(#output, #pixel * #c_out + #from) {
                    simd::store(#value, target);
                }
            }
        });
        let from = index(last * vector);
        let head = (whole == last).then(|| {
            let sum = sum(at, last);
            let store = quote!(simd::clamp(floor, ceiling, #sum));
            let head = quote! {
                let head = tapwise::run_mut(#output, #pixel * #c_out + #from, #lanes);
                simd::store_head(#store, head);
            };
            if panels.lanes.is_some() {
                return head;
            }
            // Most layers have whole vectors only, whose stores cost less.
            quote! {
                if lanes == #vector {
                    if let Some(target) = tapwise::window_mut::<#vector>(#output, #pixel * #c_out + #from) {
                        simd::store(#store, target);
                    }
                } else {
                    #head
                }
            }
        });
        quote! {
            #(#stores)*
            #head
        }
    });
    let stores = quote! { #(#pixels)* };
    // One branch for all of a row: each more is one that the compiler has to look at.
    let stores = if past {
        let all = (0..tile.pixels).flat_map(|at| (0..whole).map(move |k| (at, k)));
        let streams = all.map(|(at, k)| {
            let (pixel, from, sum) = (index(at), index(k * vector), sum(at, k));
            quote! {
                if let Some(target) = tapwise::window_mut::<#vector>(#output, #pixel * #c_out + #from) {
                    simd::stream(simd::clamp(floor, ceiling, #sum), target);
                }
            }
        });
        quote! { if finish.stream { #(#streams)* } else { #stores } }
    } else {
        stores
    };
    Row { begin, added: quote! { #(#added)* }, leaking: quote! { #(#leaking)* }, stores }
}

/// A number without a suffix.
pub(super) fn index(number: usize) -> TokenStream {
    let literal = Literal::usize_unsuffixed(number);
    quote!(#literal)
}
