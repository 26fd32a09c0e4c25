//! The pass along the row of a window of bytes that are weighted alike. What runs down the columns has no weights in
//! it: the library has that.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::bytes::{TILE, program};
use super::{number, scalars};
use crate::emit::tile::index;
use crate::emit::{ident, isa};
use crate::fold::{ByteWindow, Part, Scaling};
use crate::isa::Isa;

/// A module for each instruction set, and what the program says of them.
pub(super) fn byte_window(window: &ByteWindow) -> (TokenStream, TokenStream) {
    let kind = ident("Windows");
    program(&kind, window.powers, window.cycles, |isa| rows(isa, window))
}

fn name(part: &Part) -> Ident {
    ident(&format!("x{}_{}", part.power, part.column))
}

/// The parts of a window added along a row of output, and the bytes nearest to the sums.
fn rows(isa: &Isa, window: &ByteWindow) -> TokenStream {
    let features = isa::features(isa);
    let parts: Vec<Ident> = window.groups.iter().flatten().map(name).collect();
    let powers = window.groups.iter().flatten().map(|part| index(part.power));
    let columns = window.groups.iter().flatten().map(|part| index(part.column));
    let sum = scalars::wide(window.groups.iter().map(|group| {
        let numbers = group.iter().map(name).map(|name| quote!(#name[i]));
        numbers.collect()
    }));
    let Scaling { before, factor } = window.scaling;
    let (factor, tile) = (number(f64::from(factor)), index(TILE));
    let mut sum = quote!(#sum as f32);
    if before != 1.0 {
        let before = number(f64::from(before));
        sum = quote!((#before * #sum));
    }
    quote! {
        /// Nothing: the library keeps sums that run down the columns.
        pub(super) fn columns(_: &mut tapwise::filter::ByteColumns<'_, '_, u16>) {}

        #[inline(always)]
        fn bytes<const N: usize>(#(#parts: &[u16; N],)* y: &mut [u8; N]) {
            for i in 0..N {
                y[i] = tapwise::filter::rounded(#factor * #sum);
            }
        }

        #[inline(always)]
        fn rows_by<const N: usize>(call: &mut tapwise::filter::ByteRows<'_, u16>) {
            #(
                let Some(#parts) = call.part::<N>(#powers, #columns) else { return };
            )*
            let mut tiles = tapwise::Tiles::of(call.length, N);
            while let Some(at) = tiles.next() {
                let Some([y]) = tapwise::tile_mut::<u8, N, 1>(call.output, at) else { return };
                #(
                    let Some([[#parts]]) = #parts.tile::<1>(at) else { return };
                )*
                bytes(#(#parts,)* y);
            }
        }

        /// Sums along a row of output, and the bytes nearest to them.
        #features
        pub(super) fn rows(call: &mut tapwise::filter::ByteRows<'_, u16>) {
            if call.length < #tile {
                rows_by::<1>(call);
            } else {
                rows_by::<#tile>(call);
            }
        }
    }
}
