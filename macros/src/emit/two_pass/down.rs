//! Sums down the columns of a picture.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::Weights;
use super::tile::{Tile, cover};
use crate::emit::tile::index;
use crate::emit::{ident, isa};
use crate::isa::Isa;

/// The widest tile of the pass down the columns: rows that share the loads of a picture's row.
pub(super) fn block(isa: &Isa) -> Tile {
    let vectors = if isa.registers >= 32 { 4 } else { 2 };
    Tile { rows: 4, vectors, lanes: isa.lanes }
}

/// The pass down the columns.
pub(super) fn down(isa: &Isa, weights: Weights) -> TokenStream {
    let features = isa::features(isa);
    let wide = block(isa);
    let tiles = [wide.rows, 1].map(|rows| [wide.vectors, 1, 0].map(|vectors| Tile { rows, vectors, ..wide }));
    let functions = tiles.iter().flatten().map(|tile| down_tile(isa, *tile, weights));
    let cover = |tiles: &[Tile; 3]| {
        cover(tiles, |tile| {
            let name = tile.name("down", weights);
            quote! { #name(call, from, length, phase); }
        })
    };
    let [several, single] = [&tiles[0], &tiles[1]].map(cover);
    let (name, rows) = (weights.name("down"), wide.rows);
    let documentation = match weights {
        Weights::One => " Sums down the columns, with one weight for all channels.",
        Weights::Each => " Sums down the columns, with a weight for each channel.",
    };
    quote! {
        #(#functions)*

        #[doc = #documentation]
        #features
        pub(super) fn #name(call: &mut tapwise::ColumnSums<'_, '_, '_>) {
            let (width, channels) = (call.width, call.channels);
            let (mut from, mut phase) = (0, 0);
            if call.outputs.len() == #rows {
                #several
            } else {
                #single
            }
        }
    }
}

/// A tile of the pass down the columns: every row of the picture is loaded once for all outputs that it is
/// a tap of. The rows that only some of them read come first and last.
fn down_tile(isa: &Isa, tile: Tile, weights: Weights) -> TokenStream {
    let features = isa::features(isa);
    let Tile { rows, vectors, .. } = tile;
    let last = rows - 1;
    let from = quote!(from);
    let ends: Vec<Ident> = (0..2 * last).map(|row| ident(&format!("end{row}"))).collect();
    let find_ends = ends.iter().enumerate().map(|(at, name)| {
        let row = if at < last {
            let at = index(at);
            quote!(#at)
        } else {
            let beyond = index(at - last);
            quote!(call.taps + #beyond)
        };
        let find = tile.find(name, &from);
        quote! {
            let Some(#name) = call.inputs.get(#row) else { return };
            #find
        }
    });
    // What the weights of outputs `served` do to a row that is their tap `tap(row)`.
    let products = |x: &Ident, served: std::ops::Range<usize>, tap: &dyn Fn(usize) -> TokenStream| {
        let loads = (0..tile.count()).map(|vector| {
            let (name, load) = (ident(&format!("v{vector}")), tile.load(x, vector));
            quote! { let #name = #load; }
        });
        let products = served.map(|row| {
            let tap = tap(row);
            let vectors = (0..tile.count())
                .map(|vector| (Tile::sum(row, vector), ident(&format!("v{vector}")), vector));
            match weights {
                Weights::One => {
                    let products = vectors.map(|(sum, v, _)| quote! { #sum = simd::mul_add(#v, w, #sum); });
                    quote! {
                        let Some(w) = call.weights.get(#tap) else { return };
                        let w = simd::splat(*w);
                        #(#products)*
                    }
                }
                Weights::Each => {
                    let w = ident("w");
                    let find = tile.weights(&w, &tap);
                    let products = vectors.map(|(sum, v, vector)| {
                        let w = tile.part(&w, vector);
                        quote! { #sum = simd::mul_add(#v, simd::load(#w), #sum); }
                    });
                    quote! { #find #(#products)* }
                }
            }
        });
        quote! { #(#loads)* #(#products)* }
    };
    let before = (0..last).map(|at| {
        products(&ends[at], 0..at + 1, &|row| {
            let tap = index(at - row);
            quote!(#tap)
        })
    });
    let after = (0..last).map(|at| {
        products(&ends[last + at], at + 1..rows, &|row| {
            let before = index(row - at);
            quote!(call.taps - #before)
        })
    });
    let x = ident("x");
    let find = tile.find(&x, &from);
    let middle = products(&x, 0..rows, &|row| {
        let row = index(row);
        quote!(at - #row)
    });
    let sums: Vec<Ident> = tile.sums().map(|(row, vector)| Tile::sum(row, vector)).collect();
    let outputs: Vec<Ident> = (0..rows).map(|row| ident(&format!("out{row}"))).collect();
    let find_outputs = outputs.iter().map(|output| tile.find_output(output, &quote!(call.at + from)));
    let stores = tile.sums().map(|(row, vector)| {
        let sum = Tile::sum(row, vector);
        tile.store(&outputs[row], vector, &quote!(#sum), "store")
    });
    let name = tile.name("down", weights);
    let lanes = tile.lanes;
    let documentation = match vectors {
        0 => format!(" {rows} rows x the first of {lanes} numbers."),
        _ => format!(" {rows} rows x {vectors} vectors of {lanes} numbers."),
    };
    let last = index(last);
    let ahead = if vectors > 1 && rows > 1 {
        let vectors = index(vectors);
        quote! { for row in call.ahead { simd::prefetch::<#vectors>(row, from); } }
    } else {
        TokenStream::new()
    };
    quote! {
        #[doc = #documentation]
        #[allow(unused_variables)]
        #[inline]
        #features
        fn #name(call: &mut tapwise::ColumnSums<'_, '_, '_>, from: usize, length: usize, phase: usize) {
            if call.taps < #rows { return }
            let Some([#(#outputs),*]) = call.outputs.first_chunk_mut::<#rows>() else { return };
            #(#find_outputs)*
            #(#find_ends)*
            #(let mut #sums = simd::splat(0.0);)*
            #(#before)*
            #ahead
            for at in #last..call.taps {
                let Some(x) = call.inputs.get(at * call.step) else { return };
                #find
                #middle
            }
            #(#after)*
            #(#stores)*
        }
    }
}
