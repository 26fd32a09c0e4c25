//! The one pass of a filter that sums rows of the picture as they are, for some rows of output at once.

use std::collections::BTreeSet;

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::combination::Constants;
use crate::emit::tile::index;
use crate::emit::{ident, isa};
use crate::fold::one_pass::RESIDENT;
use crate::fold::{Shared, unit};
use crate::isa::Isa;

/// Weights of different values, but for ones.
fn distinct(terms: &Shared) -> usize {
    let weights = terms.rows.iter().flatten().flatten().map(|weight| *weight as f32);
    let weights = weights.filter(|weight| *weight != 0.0 && weight.abs() != 1.0);
    weights.map(f32::to_bits).collect::<BTreeSet<_>>().len()
}

/// Whether the weights of filters stay in registers.
pub(super) fn resident(terms: &Shared) -> bool {
    distinct(terms) <= RESIDENT
}

/// The sums of filters all of whose terms are rows of the picture, for `together` rows of output: each number
/// is read once for all of them.
pub(super) fn rows(isa: &Isa, terms: &Shared, tile: usize, together: usize) -> TokenStream {
    let (features, lanes) = (isa::features(isa), index(isa.lanes));
    let height = terms.columns.first().map_or(0, Vec::len);
    let width = terms.rows.iter().flatten().map(Vec::len).max().unwrap_or(0);
    // The weight of a tap of a filter: of the term that reads this row.
    let weight = |filter: usize, row: usize, tap: usize| -> f64 {
        let term = terms.columns.iter().position(|column| unit(column) == Some(row));
        term.and_then(|term| terms.rows[filter][term].get(tap)).copied().unwrap_or(0.0)
    };
    let filters = terms.rows.len();
    let outputs = together * filters;
    // What a row of output sees is a row further down than what the one before it does.
    let weight_of = |output: usize, row: usize, tap: usize| match row.checked_sub(output / filters) {
        Some(row) => weight(output % filters, row, tap),
        None => 0.0,
    };
    let name = |row: usize, tap: usize| ident(&format!("x{row}_{tap}"));
    let read =
        |row: usize, tap: usize| (0..together * filters).any(|output| weight_of(output, row, tap) != 0.0);
    let seen = height + together - 1;
    let mut constants = Constants::default();
    // Where weights do not stay in registers, each is read from memory for all that it is a weight of.
    let resident = resident(terms);
    let mut before: Vec<Ident> = Vec::new();
    let mut begun = vec![false; together * filters];
    let mut steps = Vec::new();
    for row in 0..seen {
        let names = (0..width).map(|tap| {
            let name = name(row, tap);
            if read(row, tap) { quote!(#name) } else { quote!(_) }
        });
        let place = index(row);
        steps.push(quote! { let [#(#names),*] = seen.row::<#place>(); });
        for tap in (0..width).filter(|tap| read(row, *tap)) {
            let name = name(row, tap);
            let values: Vec<Ident> = (0..tile).map(|vector| ident(&format!("v{vector}"))).collect();
            let lanes = (0..tile).map(index);
            // Else the compiler would read weights and numbers ahead of their use, and put them onto the stack.
            for sum in before.drain(..).filter(|_| !resident) {
                steps.push(quote! { let (#name, weights, #sum) = simd::barrier(#name, weights, #sum); });
            }
            steps.push(quote! { #(let #values = simd::load(&#name[#lanes]);)* });
            for (output, begun) in begun.iter_mut().enumerate() {
                let weight = weight_of(output, row, tap) as f32;
                if weight == 0.0 {
                    continue;
                }
                if !resident && (weight.abs() != 1.0 || !*begun && weight < 0.0) {
                    let (name, place) = constants.place(weight);
                    let place = index(place);
                    steps.push(quote! { let #name = simd::splat(weights[#place]); });
                }
                for (vector, value) in values.iter().enumerate() {
                    let sum = ident(&format!("sum{output}_{vector}"));
                    let next = match (*begun, weight) {
                        (false, 1.0) => quote!(#value),
                        (true, 1.0) => quote!(simd::add(#sum, #value)),
                        (true, -1.0) => quote!(simd::subtract(#sum, #value)),
                        (false, weight) => {
                            let weight = constants.name(weight);
                            quote!(simd::multiply(#weight, #value))
                        }
                        (true, weight) => {
                            let weight = constants.name(weight);
                            quote!(simd::mul_add(#weight, #value, #sum))
                        }
                    };
                    steps.push(quote! { let #sum = #next; });
                    before.push(sum);
                }
                *begun = true;
            }
        }
    }
    let stores = (0..outputs).flat_map(|output| {
        (0..tile).map(move |vector| {
            let (sum, row, lane) = (ident(&format!("sum{output}_{vector}")), index(output), index(vector));
            quote! {
                if stream {
                    simd::stream(#sum, &mut written.row::<#row>()[#lane]);
                } else {
                    simd::store(#sum, &mut written.row::<#row>()[#lane]);
                }
            }
        })
    });
    let declared = match (resident, constants.table()) {
        (true, _) => constants.declared(),
        (false, table) => quote! { #table let weights = &WEIGHTS; },
    };
    let (tile, width) = (index(tile), index(width));
    let (seen, outputs) = (index(seen), index(outputs));
    let ahead: Vec<Ident> = (0..together).map(|row| ident(&format!("ahead{row}"))).collect();
    let documentation = format!(" Sums of {height} rows as they are, for {together} rows of output.");
    quote! {
        #[doc = #documentation]
        #features
        pub(super) fn rows(call: &mut tapwise::filter::Rows<'_, '_, '_>) {
            #declared
            let stream = call.stream;
            let &[#(#ahead),*] = call.ahead else { return };
            let Some(first) = call.outputs.first().and_then(|row| row.get(call.at..)) else { return };
            let mut tiles = tapwise::Tiles::aligned(first, call.length, #tile * #lanes);
            // What can fail is looked up before the first sum: else the compiler moves sums behind it.
            let sources = tapwise::Sources::<#seen, #width, #lanes>::new(call.sources, call.from, call.step, call.length);
            let targets = tapwise::Targets::<#outputs, #lanes>::new(call.outputs, call.at, call.length);
            let (Some(sources), Some(mut targets)) = (sources, targets) else { return };
            while let Some(at) = tiles.next() {
                let (Some(seen), Some(mut written)) = (sources.tile::<#tile>(at), targets.tile::<#tile>(at)) else {
                    return;
                };
                #(simd::prefetch_near::<#tile>(#ahead, call.at + at);)*
                #(#steps)*
                #(#stores)*
            }
        }
    }
}
