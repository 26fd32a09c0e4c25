//! Sums along the rows of what the sums down the columns leave.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::Weights;
use super::tile::{Tile, cover};
use crate::emit::{ident, isa};
use crate::isa::Isa;

/// Vectors of a tile of the pass along the rows, widest first.
const ALONG: [usize; 3] = [8, 4, 1];

/// The pass along the rows.
pub(super) fn along(isa: &Isa, weights: Weights) -> TokenStream {
    let features = isa::features(isa);
    let tiles: Vec<Tile> =
        ALONG.into_iter().chain([0]).map(|vectors| Tile { rows: 1, vectors, lanes: isa.lanes }).collect();
    let functions = tiles.iter().map(|tile| along_tile(isa, *tile, weights));
    let cover = cover(&tiles, |tile| {
        let name = tile.name("across", weights);
        quote! { #name(call, from, length, phase); }
    });
    let name = weights.name("across");
    let lanes = isa.lanes;
    let head = Tile { rows: 1, vectors: 0, lanes }.name("across", weights);
    let begin = quote! { #head(call, from, length, phase); };
    let documentation = match weights {
        Weights::One => " Sums along the rows, with one weight for all channels.",
        Weights::Each => " Sums along the rows, with a weight for each channel.",
    };
    quote! {
        #(#functions)*

        #[doc = #documentation]
        #features
        pub(super) fn #name(call: &mut tapwise::RowSums<'_, '_>) {
            let (width, channels) = (call.output.len(), call.channels);
            let (mut from, mut phase) = (0, 0);
            // What passes the caches by has to lie on a boundary of vectors.
            let beyond = tapwise::alignment::<#lanes>(Some(&call.output));
            if call.stream && beyond > 0 {
                let length = width.min(#lanes - beyond);
                #begin
                from = length;
                phase = tapwise::turned(phase, length, channels);
            }
            #cover
        }
    }
}

/// A tile of the pass along the rows, with what happens to its sums before they are stored.
fn along_tile(isa: &Isa, tile: Tile, weights: Weights) -> TokenStream {
    let features = isa::features(isa);
    let Tile { vectors, lanes, .. } = tile;
    let pixels = tile.pixels();
    let [x, y, bias, more, slopes] = ["x", "y", "bias", "more", "slopes"].map(ident);
    let sums: Vec<Ident> = tile.sums().map(|(row, vector)| Tile::sum(row, vector)).collect();
    let biases = (0..tile.count()).map(|vector| tile.part(&bias, vector));
    let find_output = tile.find_output(&y, &quote!(from));
    let find = tile.find(&x, &quote!(at));
    let products = sums.iter().enumerate().map(|(vector, sum)| {
        let load = tile.load(&x, vector);
        match weights {
            Weights::One => quote! { #sum = simd::mul_add(#load, w, #sum); },
            Weights::Each => {
                let w = tile.part(&ident("w"), vector);
                quote! { #sum = simd::mul_add(#load, simd::load(#w), #sum); }
            }
        }
    });
    let weight = match weights {
        Weights::One => quote! {
            let Some(w) = call.weights.get(tap) else { return };
            let w = simd::splat(*w);
        },
        Weights::Each => tile.weights(&ident("w"), &quote!(tap)),
    };
    let find_more = if vectors == 0 {
        quote! { let more = (!call.residual.is_empty()).then(|| tapwise::run(call.residual, from, length)); }
    } else {
        quote! { let more = tapwise::window::<#pixels>(call.residual, from); }
    };
    let added = sums.iter().enumerate().map(|(vector, sum)| {
        let load = tile.load(&more, vector);
        quote! { #sum = simd::add(#sum, #load); }
    });
    let leaking = sums.iter().enumerate().map(|(vector, sum)| {
        let slope = tile.part(&slopes, vector);
        quote! { #sum = simd::leak(simd::load(#slope), #sum); }
    });
    let stores = |verb: &str| -> TokenStream {
        let store = |(vector, sum): (usize, &Ident)| {
            tile.store(&y, vector, &quote!(simd::min(ceiling, simd::max(floor, #sum))), verb)
        };
        sums.iter().enumerate().map(store).collect()
    };
    let (store, stream) = (stores("store"), stores("stream"));
    let name = tile.name("across", weights);
    let documentation = match vectors {
        0 => format!(" The first of {lanes} numbers."),
        _ => format!(" {vectors} vectors of {lanes} numbers."),
    };
    quote! {
        #[doc = #documentation]
        #[allow(unused_variables)]
        #[inline]
        #features
        fn #name(call: &mut tapwise::RowSums<'_, '_>, from: usize, length: usize, phase: usize) {
            let y = &mut *call.output;
            #find_output
            let Some(bias) = tapwise::window::<#pixels>(call.bias, phase) else { return };
            #find_more
            let slopes = tapwise::window::<#pixels>(call.slopes, phase);
            #(let mut #sums = simd::load(#biases);)*
            let mut tap = 0;
            for x in call.inputs {
                let mut at = from;
                for _ in 0..call.taps {
                    let x = *x;
                    #find
                    #weight
                    #(#products)*
                    at += call.step;
                    tap += 1;
                }
            }
            if let Some(more) = more {
                #(#added)*
            }
            if let Some(slopes) = slopes {
                #(#leaking)*
            }
            let (floor, ceiling) = (simd::splat(call.floor), simd::splat(call.ceiling));
            if call.stream { #stream } else { #store }
        }
    }
}
