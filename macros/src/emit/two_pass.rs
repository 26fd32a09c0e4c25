//! The two passes of a filter that is a sum of few products: sums down the columns of a picture, and along
//! the rows of what those leave. Lanes are neighbouring numbers of a row, whatever its channels; a weight
//! serves all of them, or each channel has its own.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::{ident, isa, tile::index};
use crate::isa::{ALL, Isa};

/// Vectors of a tile of the pass along the rows, widest first.
const ALONG: [usize; 3] = [8, 4, 1];

/// The passes for every instruction set, and a table of them.
pub(crate) fn passes() -> TokenStream {
    let modules = ALL.iter().map(|isa| {
        let (gate, name) = (isa::gate(isa), ident(isa.name));
        let documentation = format!(" Passes in {}.", isa.what);
        let passes = [Weights::One, Weights::Each].map(|weights| {
            let (down, along) = (down(isa, weights), along(isa, weights));
            quote! { #down #along }
        });
        quote! {
            #[doc = #documentation]
            #gate
            #[allow(clippy::all)]
            mod #name {
                use ::tapwise::__private as tapwise;
                use ::tapwise::__private::simd::#name as simd;

                #(#passes)*
            }
        }
    });
    let entries = ALL.iter().map(|isa| {
        let (gate, module, variant) = (isa::gate(isa), ident(isa.name), ident(isa.variant));
        let [one, each] = [Weights::One, Weights::Each].map(|weights| {
            [weights.name("down"), weights.name("across")].map(|name| quote! { #module::#name })
        });
        let ([down, along], [down_each, along_each]) = (one, each);
        let rows = block(isa).rows;
        quote! {
            #gate
            // SAFETY: the functions were compiled for the features of the instruction set named beside them.
            unsafe {
                ::tapwise::__private::Passes::new(
                    ::tapwise::Isa::#variant,
                    #rows,
                    [#down, #down_each],
                    [#along, #along_each],
                )
            },
        }
    });
    quote! {
        #(#modules)*

        /// The passes of every instruction set that this target can have.
        pub(crate) static PASSES: &[::tapwise::__private::Passes] = &[#(#entries)*];
    }
}

/// Whether a tap has one weight for all channels, or one for each.
#[derive(Clone, Copy, PartialEq)]
enum Weights {
    One,
    Each,
}

impl Weights {
    fn name(self, pass: &str) -> Ident {
        ident(&format!("{pass}_{}", if self == Weights::One { "one" } else { "each" }))
    }
}

/// A tile of rows by vectors; no vectors are the first numbers of one.
#[derive(Clone, Copy)]
struct Tile {
    rows: usize,
    vectors: usize,
    lanes: usize,
}

/// The widest tile of the pass down the columns: rows that share the loads of a picture's row.
fn block(isa: &Isa) -> Tile {
    let vectors = if isa.registers >= 32 { 4 } else { 2 };
    Tile { rows: 4, vectors, lanes: isa.lanes }
}

impl Tile {
    fn pixels(self) -> usize {
        self.vectors.max(1) * self.lanes
    }

    fn count(self) -> usize {
        self.vectors.max(1)
    }

    fn name(self, pass: &str, weights: Weights) -> Ident {
        let size = if self.vectors == 0 { "head".to_owned() } else { self.vectors.to_string() };
        weights.name(&format!("tile_{pass}_{}x{size}", self.rows))
    }

    fn sum(row: usize, vector: usize) -> Ident {
        ident(&format!("sum{row}_{vector}"))
    }

    fn sums(self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.rows).flat_map(move |row| (0..self.count()).map(move |vector| (row, vector)))
    }

    /// Looks up what a tile reads of row `x`, from `from` on.
    fn find(self, x: &Ident, from: &TokenStream) -> TokenStream {
        let pixels = self.pixels();
        if self.vectors == 0 {
            quote! { let #x = tapwise::run(#x, #from, length); }
        } else {
            quote! { let Some(#x) = tapwise::window::<#pixels>(#x, #from) else { return }; }
        }
    }

    /// As [`Tile::find`], of a row that is written.
    fn find_output(self, y: &Ident, from: &TokenStream) -> TokenStream {
        let pixels = self.pixels();
        if self.vectors == 0 {
            quote! { let #y = tapwise::run_mut(#y, #from, length); }
        } else {
            quote! { let Some(#y) = tapwise::window_mut::<#pixels>(#y, #from) else { return }; }
        }
    }

    /// A vector of what was found.
    fn load(self, x: &Ident, vector: usize) -> TokenStream {
        if self.vectors == 0 {
            return quote! { simd::load_head(#x) };
        }
        let part = self.part(x, vector);
        quote! { simd::load(#part) }
    }

    /// A vector of a window of whole vectors.
    fn part(self, x: &Ident, vector: usize) -> TokenStream {
        let (at, lanes, pixels) = (index(vector * self.lanes), self.lanes, self.pixels());
        quote! { tapwise::part::<#at, #lanes, #pixels>(#x) }
    }

    /// Stores `value` as a vector of row `y`.
    fn store(self, y: &Ident, vector: usize, value: &TokenStream, verb: &str) -> TokenStream {
        let (at, lanes, verb) = (index(vector * self.lanes), self.lanes, ident(verb));
        if self.vectors == 0 {
            return quote! { simd::store_head(#value, #y); };
        }
        quote! {
            if let Some(target) = tapwise::window_mut::<#lanes>(#y, #at) { simd::#verb(#value, target); }
        }
    }

    /// Looks up the weights of tap `tap` where each channel has its own.
    fn weights(self, name: &Ident, tap: &TokenStream) -> TokenStream {
        let pixels = self.pixels();
        quote! {
            let Some(#name) = tapwise::window::<#pixels>(call.weights, (#tap) * call.period + phase) else { return };
        }
    }
}

/// The pass down the columns.
fn down(isa: &Isa, weights: Weights) -> TokenStream {
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

/// The tiles of a row from left to right: the widest while they fit, then narrower ones, then what is left
/// of a vector. `phase` is the channel of a tile's first number.
fn cover(tiles: &[Tile], call: impl Fn(&Tile) -> TokenStream) -> TokenStream {
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

/// The pass along the rows.
fn along(isa: &Isa, weights: Weights) -> TokenStream {
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
