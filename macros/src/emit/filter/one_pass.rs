//! The one pass of a filter whose terms are sums of rows: each row of the picture is summed along once, and its sums
//! are added to every row of output that sees it.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::combination::{Constants, added, combination};
use crate::emit::tile::index;
use crate::emit::{ident, isa};
use crate::fold::Shared;
use crate::fold::one_pass::Tile;
use crate::isa::Isa;

/// What is made of a row of the picture: a sum along it, and the outputs that it is added to.
struct Sum<'a> {
    along: &'a [f64],
    /// Which output, and what the sum is multiplied by.
    outputs: Vec<(usize, f32)>,
}

impl Sum<'_> {
    fn reads(&self, tap: usize) -> bool {
        self.along.get(tap).is_some_and(|weight| *weight != 0.0)
    }
}

/// The sums of a row of the picture that rows of output see, which follow one another and see a row further down each;
/// those of one row of output come one after another, filter by filter.
fn sums(terms: &Shared, row: usize, together: usize) -> Vec<Sum<'_>> {
    let filters = terms.rows.len();
    let mut sums = Vec::new();
    for (term, column) in terms.columns.iter().enumerate() {
        let weights =
            (0..together).filter_map(|output| Some((output, *column.get(row.checked_sub(output)?)?)));
        let weights: Vec<(usize, f64)> = weights.filter(|(_, weight)| *weight != 0.0).collect();
        for (filter, rows) in terms.rows.iter().enumerate() {
            let along = rows[term].as_slice();
            let outputs = weights.iter().map(|(output, weight)| (output * filters + filter, *weight as f32));
            let sum = Sum { along, outputs: outputs.collect() };
            if !sum.outputs.is_empty() && along.iter().any(|weight| *weight != 0.0) {
                sums.push(sum);
            }
        }
    }
    sums
}

/// The sums of filters, for some rows of output at once, in registers from the picture to the answer.
pub(super) fn rows(isa: &Isa, terms: &Shared, Tile { vectors, rows: together }: Tile) -> TokenStream {
    let (features, lanes) = (isa::features(isa), index(isa.lanes));
    let height = terms.columns.iter().map(Vec::len).max().unwrap_or(0);
    let width = terms.rows.iter().flatten().map(Vec::len).max().unwrap_or(0);
    let outputs = together * terms.rows.len();
    let target = |output: usize, vector: usize| ident(&format!("sum{output}_{vector}"));
    let seen = height + together - 1;
    let mut constants = Constants::default();
    let mut begun = vec![vec![false; vectors]; outputs];
    let mut steps = Vec::new();
    let tile = index(vectors);
    for row in 0..seen {
        let sums = sums(terms, row, together);
        let name = |tap: usize| ident(&format!("x{row}_{tap}"));
        let readers = |tap: usize| sums.iter().filter(|sum| sum.reads(tap)).count();
        let names = (0..width).map(|tap| {
            let name = name(tap);
            if readers(tap) > 0 { quote!(#name) } else { quote!(_) }
        });
        let place = index(row);
        steps.push(quote! { let [#(#names),*] = seen.row::<#place>(); });
        for vector in 0..vectors {
            let lane = index(vector);
            let value = |tap: usize| ident(&format!("v{tap}"));
            let load = |tap: usize| {
                let name = name(tap);
                quote!(simd::load(&#name[#lane]))
            };
            // A number that several sums read is loaded once for all of them.
            for tap in (0..width).filter(|tap| readers(*tap) > 1) {
                let (value, load) = (value(tap), load(tap));
                steps.push(quote! { let #value = #load; });
            }
            for sum in &sums {
                let taps = (0..width).filter(|tap| sum.reads(*tap)).map(|tap| {
                    let value = value(tap);
                    (if readers(tap) > 1 { quote!(#value) } else { load(tap) }, sum.along[tap] as f32)
                });
                steps.extend(combination(&ident("along"), &taps.collect::<Vec<_>>(), &mut constants));
                for (output, weight) in &sum.outputs {
                    let target = target(*output, vector);
                    let begun = std::mem::replace(&mut begun[*output][vector], true);
                    let next = added(&target, begun, *weight, &quote!(along), &mut constants);
                    steps.push(quote! { let #target = #next; });
                }
            }
        }
    }
    let stores = (0..outputs).flat_map(|output| {
        let begun = &begun;
        (0..vectors).map(move |vector| {
            let (sum, row, lane) = (target(output, vector), index(output), index(vector));
            let sum = if begun[output][vector] { quote!(#sum) } else { quote!(simd::splat(0.0)) };
            quote! {
                if stream {
                    simd::stream(#sum, &mut written.row::<#row>()[#lane]);
                } else {
                    simd::store(#sum, &mut written.row::<#row>()[#lane]);
                }
            }
        })
    });
    let (declared, width) = (constants.declared(), index(width));
    let (seen, outputs) = (index(seen), index(outputs));
    let ahead: Vec<Ident> = (0..together).map(|row| ident(&format!("ahead{row}"))).collect();
    let documentation = format!(
        " Sums of {} terms along the rows and down the columns, for {together} rows of output.",
        terms.columns.len()
    );
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
