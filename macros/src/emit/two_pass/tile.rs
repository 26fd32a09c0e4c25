//! Tiles of rows by vectors, and how a row is covered with them.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::Weights;
use crate::emit::ident;
use crate::emit::tile::index;

/// A tile of rows by vectors; no vectors are the first numbers of one.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    pub(super) rows: usize,
    pub(super) vectors: usize,
    pub(super) lanes: usize,
}

impl Tile {
    pub(super) fn pixels(self) -> usize {
        self.vectors.max(1) * self.lanes
    }

    pub(super) fn count(self) -> usize {
        self.vectors.max(1)
    }

    pub(super) fn name(self, pass: &str, weights: Weights) -> Ident {
        let size = if self.vectors == 0 { "head".to_owned() } else { self.vectors.to_string() };
        weights.name(&format!("tile_{pass}_{}x{size}", self.rows))
    }

    pub(super) fn sum(row: usize, vector: usize) -> Ident {
        ident(&format!("sum{row}_{vector}"))
    }

    pub(super) fn sums(self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.rows).flat_map(move |row| (0..self.count()).map(move |vector| (row, vector)))
    }

    /// Looks up what a tile reads of row `x`, from `from` on.
    pub(super) fn find(self, x: &Ident, from: &TokenStream) -> TokenStream {
        let pixels = self.pixels();
        if self.vectors == 0 {
            quote! { let #x = tapwise::run(#x, #from, length); }
        } else {
            quote! { let Some(#x) = tapwise::window::<#pixels>(#x, #from) else { return }; }
        }
    }

    /// As [`Tile::find`], of a row that is written.
    pub(super) fn find_output(self, y: &Ident, from: &TokenStream) -> TokenStream {
        let pixels = self.pixels();
        if self.vectors == 0 {
            quote! { let #y = tapwise::run_mut(#y, #from, length); }
        } else {
            quote! { let Some(#y) = tapwise::window_mut::<#pixels>(#y, #from) else { return }; }
        }
    }

    /// A vector of what was found.
    pub(super) fn load(self, x: &Ident, vector: usize) -> TokenStream {
        if self.vectors == 0 {
            return quote! { simd::load_head(#x) };
        }
        let part = self.part(x, vector);
        quote! { simd::load(#part) }
    }

    /// A vector of a window of whole vectors.
    pub(super) fn part(self, x: &Ident, vector: usize) -> TokenStream {
        let (at, lanes, pixels) = (index(vector * self.lanes), self.lanes, self.pixels());
        quote! { tapwise::part::<#at, #lanes, #pixels>(#x) }
    }

    /// Stores `value` as a vector of row `y`.
    pub(super) fn store(self, y: &Ident, vector: usize, value: &TokenStream, verb: &str) -> TokenStream {
        let (at, lanes, verb) = (index(vector * self.lanes), self.lanes, ident(verb));
        if self.vectors == 0 {
            return quote! { simd::store_head(#value, #y); };
        }
        quote! {
            if let Some(target) = tapwise::window_mut::<#lanes>(#y, #at) { simd::#verb(#value, target); }
        }
    }

    /// Looks up the weights of tap `tap` where each channel has its own.
    pub(super) fn weights(self, name: &Ident, tap: &TokenStream) -> TokenStream {
        let pixels = self.pixels();
        quote! {
            let Some(#name) = tapwise::window::<#pixels>(call.weights, (#tap) * call.period + phase) else { return };
        }
    }
}

/// The tiles of a row from left to right: the widest while they fit, then narrower ones, then what is left
/// of a vector. `phase` is the channel of a tile's first number.
pub(super) fn cover(tiles: &[Tile], call: impl Fn(&Tile) -> TokenStream) -> TokenStream {
    let loops = tiles.iter().map(|tile| {
        let (pixels, run) = (tile.pixels(), call(tile));
        if tile.vectors == 0 {
            quote! { if from < width { let length = width - from; #run } }
        } else {
            quote! {
                while width - from >= #pixels {
                    let length = #pixels;
                    #run
                    from += #pixels;
                    phase = tapwise::turned(phase, #pixels, channels);
                }
            }
        }
    });
    quote! { #(#loops)* }
}
