//! The two passes of a constant filter over bytes, in 16-bit integers or in `f32`: plain loops over tiles, which
//! the compiler makes vectors of for each instruction set.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

use super::scalars;
use crate::emit::tile::index;
use crate::emit::{ident, isa};
use crate::fold::{Division, Form, Integers, Shared, unit};
use crate::isa::{ALL, Isa};

/// Numbers of a tile.
pub(super) const TILE: usize = 64;

/// Most rows of a filter of bytes in `f32` by these passes. Bytes become `f32` once for every two rows of output:
/// taller filters read rows that became so once for all.
const MOST_ROWS: usize = 7;

/// Most taps along a row of a filter of bytes in `f32` by these passes.
const MOST_TAPS: usize = 32;

/// A filter of bytes.
pub(super) struct Bytes {
    /// Weights down the columns, `[T][K_h]`.
    columns: Vec<Vec<f64>>,
    /// Weights along the rows, `[T][K_w]`.
    rows: Vec<Vec<f64>>,
    numbers: Numbers,
    /// Predicted cycles for 16 outputs.
    cycles: f64,
}

/// What a filter of bytes is computed in.
#[derive(Clone, Copy)]
enum Numbers {
    Whole { signed: bool, divisor: u16, division: Division },
    Float,
}

impl Bytes {
    /// In integers where they are exact, else in `f32` where the filter has few rows and sums of them.
    pub(super) fn of(integers: Option<&Integers>, form: &Form<Shared>, cycles: f64) -> Option<Bytes> {
        if let Some(Integers { columns, rows, signed, divisor, division, cycles }) = integers {
            let floats = |vectors: &[Vec<i32>]| -> Vec<Vec<f64>> {
                vectors
                    .iter()
                    .map(|vector| vector.iter().map(|weight| f64::from(*weight)).collect())
                    .collect()
            };
            let numbers = Numbers::Whole { signed: *signed, divisor: *divisor, division: *division };
            return Some(Bytes { columns: floats(columns), rows: floats(rows), numbers, cycles: *cycles });
        }
        let Form::Sums(Shared { columns, rows }) = form else { return None };
        let [rows] = &rows[..] else { return None };
        let taps = rows.iter().flatten().filter(|weight| **weight != 0.0).count();
        let few = columns.first()?.len() <= MOST_ROWS && taps <= MOST_TAPS;
        // Filters whose terms are rows of the picture read them in place.
        let summed = columns.iter().any(|column| unit(column).is_none());
        (few && summed).then(|| Bytes {
            columns: columns.clone(),
            rows: rows.clone(),
            numbers: Numbers::Float,
            cycles,
        })
    }

    /// The type of sums.
    fn number(&self) -> Ident {
        ident(match self.numbers {
            Numbers::Whole { .. } => "u16",
            Numbers::Float => "f32",
        })
    }

    /// A sum of numbers times weights.
    fn sum(&self, isa: &Isa, taps: &[(TokenStream, f64)]) -> TokenStream {
        match self.numbers {
            Numbers::Whole { .. } => scalars::whole(taps),
            Numbers::Float => scalars::float(taps, !isa.features.is_empty()),
        }
    }

    /// The byte nearest to a sum.
    fn nearest(&self, sum: &TokenStream) -> TokenStream {
        match self.numbers {
            Numbers::Whole { signed, divisor, division: Division { factor, shift } } => {
                let (divisor, factor) = (Literal::u16_unsuffixed(divisor), Literal::u16_unsuffixed(factor));
                let shift = Literal::u32_unsuffixed(shift);
                quote!(tapwise::filter::nearest::<#signed, #divisor, #factor, #shift>(#sum))
            }
            Numbers::Float => quote!(tapwise::filter::rounded(#sum)),
        }
    }
}

/// A module for each instruction set, and what the program says of them.
pub(super) fn bytes(bytes: Option<&Bytes>) -> (TokenStream, TokenStream) {
    let Some(bytes) = bytes else { return (TokenStream::new(), quote!(None)) };
    let kind = ident(match bytes.numbers {
        Numbers::Whole { .. } => "Integers",
        Numbers::Float => "Floats",
    });
    program(&kind, bytes.columns.len(), bytes.cycles, |isa| {
        let (columns, rows) = (columns(isa, bytes), rows(isa, bytes));
        quote! { #columns #rows }
    })
}

/// A module with the passes for each instruction set, and what the program says of them: their `kind`, terms and
/// predicted cycles for 16 outputs.
pub(super) fn program(
    kind: &Ident,
    terms: usize,
    cycles: f64,
    passes: impl Fn(&Isa) -> TokenStream,
) -> (TokenStream, TokenStream) {
    let mut modules = TokenStream::new();
    let mut kernels = TokenStream::new();
    for isa in ALL {
        let (gate, name, variant) =
            (isa::gate(isa), ident(&format!("bytes_{}", isa.name)), ident(isa.variant));
        let documentation = format!(" Passes over bytes in {}.", isa.what);
        let passes = passes(isa);
        modules.extend(quote! {
            #[doc = #documentation]
            #gate
            #[allow(clippy::all)]
            mod #name {
                use ::tapwise::__private as tapwise;

                #passes
            }
        });
        kernels.extend(quote! {
            #gate
            // SAFETY: the functions were compiled for the features of the instruction set named beside them.
            unsafe {
                ::tapwise::__private::filter::ByteKernel::new(
                    ::tapwise::Isa::#variant,
                    #name::columns,
                    #name::rows,
                )
            },
        });
    }
    let (terms, cycles) = (index(terms), Literal::f64_unsuffixed(cycles));
    let program = quote! {
        Some(::tapwise::__private::filter::Bytes::#kind(::tapwise::__private::filter::BytePasses {
            terms: #terms,
            cycles: #cycles,
            kernels: &[#kernels],
        }))
    };
    (modules, program)
}

/// Sums down the columns, for two rows of output.
fn columns(isa: &Isa, bytes: &Bytes) -> TokenStream {
    let (features, number) = (isa::features(isa), bytes.number());
    let height = bytes.columns.first().map_or(0, Vec::len);
    let rows: Vec<Ident> = (0..=height).map(|row| ident(&format!("x{row}"))).collect();
    let read = |row: usize| {
        let of = |row: usize| bytes.columns.iter().any(|column| column.get(row).is_some_and(|w| *w != 0.0));
        of(row) || row > 0 && of(row - 1)
    };
    let read: Vec<&Ident> = (0..=height).filter(|row| read(*row)).map(|row| &rows[row]).collect();
    let outputs: Vec<(usize, &Vec<f64>)> =
        (0..2).flat_map(|row| bytes.columns.iter().map(move |column| (row, column))).collect();
    let targets: Vec<Ident> = (0..outputs.len()).map(|target| ident(&format!("t{target}"))).collect();
    let sums = outputs.iter().map(|(first, column)| {
        let taps = column.iter().enumerate().filter(|(_, weight)| **weight != 0.0);
        let mut taps: Vec<(usize, f64)> = taps.map(|(row, weight)| (first + row, *weight)).collect();
        // Whole sums begin with what both rows of output read, so that it is added once where weights are
        // alike; others are added in one order everywhere.
        if let Numbers::Whole { .. } = bytes.numbers {
            taps.sort_by_key(|(row, _)| (*row == 0, *row));
        }
        let taps: Vec<_> = taps
            .into_iter()
            .map(|(row, weight)| {
                let row = &rows[row];
                (quote!(#number::from(#row[i])), weight)
            })
            .collect();
        bytes.sum(isa, &taps)
    });
    let (count, count_of_targets, tile) = (index(height + 1), index(targets.len()), index(TILE));
    let names = rows.iter().map(|row| if read.contains(&row) { quote!([#row]) } else { quote!(_) });
    quote! {
        #[inline(always)]
        fn sums<const N: usize>(#(#read: &[u8; N],)* #(#targets: &mut [#number; N],)*) {
            for i in 0..N {
                #(#targets[i] = #sums;)*
            }
        }

        #[inline(always)]
        fn columns_by<const N: usize>(call: &mut tapwise::filter::ByteColumns<'_, '_, #number>) {
            let strips = tapwise::Strips::<#count, N, u8>::new(call.rows, 0, call.length);
            let target =
                tapwise::StripsMut::<#count_of_targets, N, #number>::new(call.target, call.plane, call.at, call.length);
            let (Some(strips), Some(mut target)) = (strips, target) else { return };
            let mut tiles = tapwise::Tiles::of(call.length, N);
            while let Some(at) = tiles.next() {
                let (Some([#(#names),*]), Some([#([#targets]),*])) =
                    (strips.tile::<1>(at), target.tile::<1>(at))
                else {
                    return;
                };
                sums(#(#read,)* #(#targets,)*);
            }
        }

        /// Sums down the columns for two rows of output.
        #features
        pub(super) fn columns(call: &mut tapwise::filter::ByteColumns<'_, '_, #number>) {
            if call.length < #tile {
                columns_by::<1>(call);
            } else {
                columns_by::<#tile>(call);
            }
        }
    }
}

/// Sums along a row of output, and the bytes nearest to them.
fn rows(isa: &Isa, bytes: &Bytes) -> TokenStream {
    let (features, number) = (isa::features(isa), bytes.number());
    let width = bytes.rows.first().map_or(0, Vec::len);
    let sources: Vec<Ident> = (0..bytes.rows.len()).map(|term| ident(&format!("s{term}"))).collect();
    let name = |term: usize, tap: usize| ident(&format!("x{term}_{tap}"));
    let mut taps = Vec::new();
    let mut read = Vec::new();
    for (term, weights) in bytes.rows.iter().enumerate() {
        for (tap, weight) in weights.iter().enumerate().filter(|(_, weight)| **weight != 0.0) {
            let name = name(term, tap);
            taps.push((quote!(#name[i]), *weight));
            read.push(name);
        }
    }
    let patterns = bytes.rows.iter().enumerate().map(|(term, weights)| {
        let names = weights.iter().enumerate().map(|(tap, weight)| {
            let name = name(term, tap);
            if *weight == 0.0 { quote!(_) } else { quote!([#name]) }
        });
        quote!([#(#names),*])
    });
    let nearest = bytes.nearest(&bytes.sum(isa, &taps));
    let (width, tile) = (index(width), index(TILE));
    let terms = (0..sources.len()).map(index);
    quote! {
        #[inline(always)]
        fn bytes<const N: usize>(#(#read: &[#number; N],)* y: &mut [u8; N]) {
            for i in 0..N {
                y[i] = #nearest;
            }
        }

        #[inline(always)]
        fn rows_by<const N: usize>(call: &mut tapwise::filter::ByteRows<'_, #number>) {
            #(
                let Some(#sources) = call.term(#terms) else { return };
                let Some(#sources) = tapwise::Taps::<#width, N, #number>::new(#sources, call.from, call.step, call.length)
                else {
                    return;
                };
            )*
            let mut tiles = tapwise::Tiles::of(call.length, N);
            while let Some(at) = tiles.next() {
                let Some([y]) = tapwise::tile_mut::<u8, N, 1>(call.output, at) else { return };
                #(
                    let Some(#patterns) = #sources.tile::<1>(at) else { return };
                )*
                bytes(#(#read,)* y);
            }
        }

        /// Sums along a row of output, and the bytes nearest to them.
        #features
        pub(super) fn rows(call: &mut tapwise::filter::ByteRows<'_, #number>) {
            if call.length < #tile {
                rows_by::<1>(call);
            } else {
                rows_by::<#tile>(call);
            }
        }
    }
}
