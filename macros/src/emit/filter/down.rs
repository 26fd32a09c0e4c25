//! The second pass of a filter whose first goes along the rows: sums down the columns of those sums, for some rows of
//! output at once.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::combination::{Constants, added};
use crate::emit::tile::index;
use crate::emit::{ident, isa};
use crate::fold::Shared;
use crate::fold::one_pass::Tile;
use crate::isa::Isa;

/// The sums along a row of the picture, one for each term.
pub(super) fn along(terms: &Shared) -> Shared {
    let rows = terms.rows.iter().flatten().map(|row| vec![row.clone()]).collect();
    Shared { columns: vec![vec![1.0]], rows }
}

/// The sums down the columns of every term, whose rows come one term after another.
pub(super) fn down(isa: &Isa, terms: &Shared, Tile { vectors, rows: together }: Tile) -> TokenStream {
    let (features, lanes, tile) = (isa::features(isa), index(isa.lanes), index(vectors));
    let height = terms.columns.iter().map(Vec::len).max().unwrap_or(0);
    let seen = height + together - 1;
    let target = |output: usize, vector: usize| ident(&format!("sum{output}_{vector}"));
    let mut constants = Constants::default();
    let mut begun = vec![false; together];
    let mut steps = Vec::new();
    for (term, column) in terms.columns.iter().enumerate() {
        for row in 0..seen {
            let weight =
                |output: usize| column.get(row.checked_sub(output)?).filter(|weight| **weight != 0.0);
            let uses: Vec<(usize, f32)> =
                (0..together).filter_map(|output| Some((output, *weight(output)? as f32))).collect();
            if uses.is_empty() {
                continue;
            }
            let place = index(term * seen + row);
            steps.push(quote! { let [x] = seen.row::<#place>(); });
            let numbers: Vec<Ident> = (0..vectors).map(|vector| ident(&format!("v{vector}"))).collect();
            for (vector, number) in numbers.iter().enumerate() {
                let lane = index(vector);
                steps.push(quote! { let #number = simd::load(&x[#lane]); });
            }
            for (output, weight) in uses {
                let begun = std::mem::replace(&mut begun[output], true);
                for (vector, number) in numbers.iter().enumerate() {
                    let target = target(output, vector);
                    let next = added(&target, begun, weight, &quote!(#number), &mut constants);
                    steps.push(quote! { let #target = #next; });
                }
            }
        }
    }
    let stores = (0..together).flat_map(|output| {
        (0..vectors).map(move |vector| {
            let (sum, row, lane) = (target(output, vector), index(output), index(vector));
            quote! {
                if stream {
                    simd::stream(#sum, &mut written.row::<#row>()[#lane]);
                } else {
                    simd::store(#sum, &mut written.row::<#row>()[#lane]);
                }
            }
        })
    });
    let (declared, all, outputs) = (constants.declared(), index(terms.columns.len() * seen), index(together));
    let documentation =
        format!(" Sums down the columns of {} terms, for {together} rows of output.", terms.columns.len());
    quote! {
        #[doc = #documentation]
        #features
        pub(super) fn down(call: &mut tapwise::filter::Rows<'_, '_, '_>) {
            #declared
            let stream = call.stream;
            let Some(first) = call.outputs.first().and_then(|row| row.get(call.at..)) else { return };
            let mut tiles = tapwise::Tiles::aligned(first, call.length, #tile * #lanes);
            let sources = tapwise::Sources::<#all, 1, #lanes>::new(call.sources, call.from, call.step, call.length);
            let targets = tapwise::Targets::<#outputs, #lanes>::new(call.outputs, call.at, call.length);
            let (Some(sources), Some(mut targets)) = (sources, targets) else { return };
            while let Some(at) = tiles.next() {
                let (Some(seen), Some(mut written)) = (sources.tile::<#tile>(at), targets.tile::<#tile>(at)) else {
                    return;
                };
                #(#steps)*
                #(#stores)*
            }
        }
    }
}
