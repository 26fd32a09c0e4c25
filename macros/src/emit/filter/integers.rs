//! The two passes of a constant filter over bytes in 16-bit integers: plain loops over tiles, which the
//! compiler makes vectors of for each instruction set.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

use crate::emit::tile::index;
use crate::emit::{ident, isa};
use crate::fold::{Division, Integers};
use crate::isa::{ALL, Isa};

/// Numbers of a tile.
const TILE: usize = 64;

/// A module for each instruction set, and what the program says of them.
pub(super) fn integers(integers: Option<&Integers>) -> (TokenStream, TokenStream) {
    let Some(integers) = integers else { return (TokenStream::new(), quote!(None)) };
    let mut modules = TokenStream::new();
    let mut kernels = TokenStream::new();
    for isa in ALL {
        let (gate, name, variant) =
            (isa::gate(isa), ident(&format!("integers_{}", isa.name)), ident(isa.variant));
        let documentation = format!(" Passes over bytes in {}.", isa.what);
        let (columns, rows) = (columns(isa, integers), rows(isa, integers));
        modules.extend(quote! {
            #[doc = #documentation]
            #gate
            #[allow(clippy::all)]
            mod #name {
                use ::tapwise::__private as tapwise;

                #columns
                #rows
            }
        });
        kernels.extend(quote! {
            #gate
            // SAFETY: the functions were compiled for the features of the instruction set named beside them.
            unsafe {
                ::tapwise::__private::filter::IntegerKernel::new(
                    ::tapwise::Isa::#variant,
                    #name::columns,
                    #name::rows,
                )
            },
        });
    }
    let (terms, cycles) = (index(integers.columns.len()), Literal::f64_unsuffixed(integers.cycles));
    let program = quote! {
        Some(::tapwise::__private::filter::Integers { terms: #terms, cycles: #cycles, kernels: &[#kernels] })
    };
    (modules, program)
}

/// Sums down the columns, for two rows of output.
fn columns(isa: &Isa, integers: &Integers) -> TokenStream {
    let features = isa::features(isa);
    let height = integers.columns.first().map_or(0, Vec::len);
    let rows: Vec<Ident> = (0..=height).map(|row| ident(&format!("x{row}"))).collect();
    let read = |row: usize| {
        let of = |row: usize| integers.columns.iter().any(|column| column.get(row).is_some_and(|w| *w != 0));
        of(row) || row > 0 && of(row - 1)
    };
    let read: Vec<&Ident> = (0..=height).filter(|row| read(*row)).map(|row| &rows[row]).collect();
    let outputs: Vec<(usize, &Vec<i32>)> =
        (0..2).flat_map(|row| integers.columns.iter().map(move |column| (row, column))).collect();
    let targets: Vec<Ident> = (0..outputs.len()).map(|target| ident(&format!("t{target}"))).collect();
    let sums = outputs.iter().map(|(first, column)| {
        let taps = column.iter().enumerate().filter(|(_, weight)| **weight != 0);
        let mut taps: Vec<(usize, i32)> = taps.map(|(row, weight)| (first + row, *weight)).collect();
        // Sums begin with what both rows of output read, so that it is added once where weights are alike.
        taps.sort_by_key(|(row, _)| (*row == 0, *row));
        let taps: Vec<_> = taps
            .into_iter()
            .map(|(row, weight)| {
                let row = &rows[row];
                (quote!(u16::from(#row[i])), weight)
            })
            .collect();
        sum(&taps)
    });
    let (count, count_of_targets, tile) = (index(height + 1), index(targets.len()), index(TILE));
    let names = rows.iter().map(|row| if read.contains(&row) { quote!([#row]) } else { quote!(_) });
    quote! {
        #[inline(always)]
        fn sums<const N: usize>(#(#read: &[u8; N],)* #(#targets: &mut [u16; N],)*) {
            for i in 0..N {
                #(#targets[i] = #sums;)*
            }
        }

        #[inline(always)]
        fn columns_by<const N: usize>(call: &mut tapwise::filter::IntegerColumns<'_, '_>) {
            let strips = tapwise::Strips::<#count, N, u8>::new(call.rows, 0, call.length);
            let target =
                tapwise::StripsMut::<#count_of_targets, N, u16>::new(call.target, call.plane, call.at, call.length);
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
        pub(super) fn columns(call: &mut tapwise::filter::IntegerColumns<'_, '_>) {
            if call.length < #tile {
                columns_by::<1>(call);
            } else {
                columns_by::<#tile>(call);
            }
        }
    }
}

/// Sums along a row of output, and the bytes nearest to them.
fn rows(isa: &Isa, integers: &Integers) -> TokenStream {
    let features = isa::features(isa);
    let width = integers.rows.first().map_or(0, Vec::len);
    let sources: Vec<Ident> = (0..integers.rows.len()).map(|term| ident(&format!("s{term}"))).collect();
    let name = |term: usize, tap: usize| ident(&format!("x{term}_{tap}"));
    let mut taps = Vec::new();
    let mut read = Vec::new();
    for (term, weights) in integers.rows.iter().enumerate() {
        for (tap, weight) in weights.iter().enumerate().filter(|(_, weight)| **weight != 0) {
            let name = name(term, tap);
            taps.push((quote!(#name[i]), *weight));
            read.push(name);
        }
    }
    let patterns = integers.rows.iter().enumerate().map(|(term, weights)| {
        let names = weights.iter().enumerate().map(|(tap, weight)| {
            let name = name(term, tap);
            if *weight == 0 { quote!(_) } else { quote!([#name]) }
        });
        quote!([#(#names),*])
    });
    let (sum, width, tile) = (sum(&taps), index(width), index(TILE));
    let terms = (0..sources.len()).map(index);
    let Division { factor, shift } = integers.division;
    let (signed, divisor) = (integers.signed, Literal::u16_unsuffixed(integers.divisor));
    let (factor, shift) = (Literal::u16_unsuffixed(factor), Literal::u32_unsuffixed(shift));
    quote! {
        #[inline(always)]
        fn bytes<const N: usize>(#(#read: &[u16; N],)* y: &mut [u8; N]) {
            for i in 0..N {
                y[i] = tapwise::filter::nearest::<#signed, #divisor, #factor, #shift>(#sum);
            }
        }

        #[inline(always)]
        fn rows_by<const N: usize>(call: &mut tapwise::filter::IntegerRows<'_>) {
            #(
                let Some(#sources) = call.term(#terms) else { return };
                let Some(#sources) = tapwise::Taps::<#width, N, u16>::new(#sources, call.from, call.step, call.length)
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
        pub(super) fn rows(call: &mut tapwise::filter::IntegerRows<'_>) {
            if call.length < #tile {
                rows_by::<1>(call);
            } else {
                rows_by::<#tile>(call);
            }
        }
    }
}

/// A sum modulo 2¹⁶: inputs of one size of weight are added before they are multiplied.
fn sum(taps: &[(TokenStream, i32)]) -> TokenStream {
    let mut groups: Vec<(i32, Vec<&(TokenStream, i32)>)> = Vec::new();
    for tap in taps {
        match groups.iter_mut().find(|(size, _)| *size == tap.1.abs()) {
            Some((_, members)) => members.push(tap),
            None => groups.push((tap.1.abs(), vec![tap])),
        }
    }
    for (_, members) in &mut groups {
        members.sort_by_key(|(_, weight)| *weight < 0);
    }
    // Those that are only subtracted come last.
    groups.sort_by_key(|(_, members)| members.iter().all(|(_, weight)| *weight < 0));
    let mut sum: Option<TokenStream> = None;
    for (size, members) in groups {
        let Some(((first, sign), more)) =
            members.split_first().map(|((first, sign), more)| ((first, sign), more))
        else {
            continue;
        };
        let mut group = quote!(#first);
        for (value, weight) in more {
            group = if (*weight > 0) == (*sign > 0) {
                quote!(#group.wrapping_add(#value))
            } else {
                quote!(#group.wrapping_sub(#value))
            };
        }
        if size != 1 {
            let size = Literal::i32_unsuffixed(size);
            group = quote!(#group.wrapping_mul(#size));
        }
        sum = Some(match (sum, *sign > 0) {
            (None, true) => group,
            (None, false) => quote!(0u16.wrapping_sub(#group)),
            (Some(sum), true) => quote!(#sum.wrapping_add(#group)),
            (Some(sum), false) => quote!(#sum.wrapping_sub(#group)),
        });
    }
    sum.unwrap_or_else(|| quote!(0u16))
}
