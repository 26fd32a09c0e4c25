//! Constant filters: sums down the columns and along the rows, as straight-line code with the weights in
//! it.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

use super::tile::index;
use super::{ident, isa};
use crate::filter::{Failure, Item, Request};
use crate::fold::{self, Form, Weights};
use crate::isa::{ALL, Isa};

/// The terms of one filter, or of several over one picture.
struct Terms {
    /// Weights down the columns, `[T][K_h]`.
    columns: Vec<Vec<f64>>,
    /// Weights along the rows, `[N][T][K_w]`; none where a filter has no part in a term.
    rows: Vec<Vec<Vec<f64>>>,
}

/// How filters are computed.
enum Way {
    /// By sums down the columns and along the rows.
    Sums(Terms),
    /// By sums of a window, all of whose weights are this.
    Window(f64),
    /// As a layer.
    Layer,
}

/// A filter, or several over one picture, ready to be written.
struct Program<'a> {
    filters: &'a [Weights],
    bank: bool,
    way: Way,
    findings: Vec<String>,
    /// How far the weights of the form are from those asked for.
    error: f64,
    /// Predicted cycles for a vector of outputs.
    cycles: f64,
}

impl<'a> Program<'a> {
    /// The cheapest way of one filter.
    fn of_one(filter: &'a [Weights; 1], tolerance: f64) -> Self {
        let fold = fold::fold(&filter[0], tolerance);
        let way = match fold.form {
            Form::Sums(sums) => Way::Sums(Terms { columns: sums.columns, rows: vec![sums.rows] }),
            Form::Window(weight) => Way::Window(weight),
            Form::Layer => Way::Layer,
        };
        let (error, cycles) = (fold.error, fold.cycles);
        Program { filters: filter, bank: false, way, findings: fold.findings, error, cycles }
    }

    /// The cheapest way of several.
    fn of_several(filters: &'a [Weights], tolerance: f64) -> Self {
        let fold::Bank { columns, rows, error, cycles, findings, .. } = fold::bank(filters, tolerance);
        let way = Way::Sums(Terms { columns, rows });
        Program { filters, bank: true, way, findings, error, cycles }
    }
}

/// What one annotation or one expression asks for, in the cheapest way.
fn planned(filters: &[Weights], bank: bool, tolerance: f64) -> Program<'_> {
    match <&[Weights; 1]>::try_from(filters) {
        Ok(one) if !bank => Program::of_one(one, tolerance),
        _ => Program::of_several(filters, tolerance),
    }
}

/// `#[filter2d]`: the constant, whose documentation says how it is computed.
pub(crate) fn annotated(request: &Request) -> TokenStream {
    let Request { attributes, visibility, name, ty, filters, bank, tolerance } = request;
    let program = planned(filters, *bank, *tolerance);
    let (handle, value) = (handle(*bank), expression(&program));
    let ty = ty.as_ref().map_or_else(|| quote!(::tapwise::#handle), |ty| quote!(#ty));
    let findings = program.findings.iter().map(|finding| format!(" - {finding}"));
    let cycles = format!(" Computed in about {:.1} cycles for a vector of outputs:", program.cycles);
    quote! {
        #(#attributes)*
        #[doc = ""]
        #[doc = #cycles]
        #(#[doc = #findings])*
        #visibility const #name: #ty = #value;
    }
}

/// `filter!`: a filter, or a bank, as an expression.
pub(crate) fn unnamed(filters: &[Weights], bank: bool, tolerance: f64) -> TokenStream {
    expression(&planned(filters, bank, tolerance))
}

/// The errors, and a constant in the place of the one that could not be made, so that its uses are no
/// errors of their own.
pub(crate) fn stub(failure: &Failure) -> TokenStream {
    let errors = failure.errors.to_compile_error();
    let Some(Item { attributes, visibility, name, bank }) = &failure.item else { return errors };
    let identity = Weights { height: 1, width: 1, values: vec![1.0], factors: None };
    let (filters, way) = ([identity], Way::Layer);
    let program =
        Program { filters: &filters, bank: *bank, way, findings: Vec::new(), error: 0.0, cycles: 1.0 };
    let (handle, value) = (handle(*bank), expression(&program));
    quote! {
        #errors
        #(#attributes)*
        #visibility const #name: ::tapwise::#handle = #value;
    }
}

fn handle(bank: bool) -> Ident {
    ident(if bank { "FilterBank" } else { "Filter2d" })
}

/// The expression of a filter or of a bank of them: a block with its kernels.
fn expression(program: &Program<'_>) -> TokenStream {
    let Some(first) = program.filters.first() else { return TokenStream::new() };
    let (height, width, count) = (index(first.height), index(first.width), index(program.filters.len()));
    let weights = program.filters.iter().flat_map(|filter| &filter.values).map(|weight| number(*weight));
    let (error, cycles) = (Literal::f64_unsuffixed(program.error), Literal::f64_unsuffixed(program.cycles));
    let findings = &program.findings;
    let (form, modules, kernels) = match &program.way {
        Way::Sums(terms) => sums(terms),
        Way::Window(weight) => {
            let weight = number(*weight);
            (quote!(Window(#weight)), TokenStream::new(), TokenStream::new())
        }
        Way::Layer => (quote!(Layer), TokenStream::new(), TokenStream::new()),
    };
    let handle = handle(program.bank);
    quote! {{
        #modules
        static PROGRAM: ::tapwise::__private::filter::Program = ::tapwise::__private::filter::Program {
            size: [#height, #width],
            filters: #count,
            weights: &[#(#weights),*],
            form: ::tapwise::__private::filter::Form::#form,
            error: #error,
            cycles: #cycles,
            findings: &[#(#findings),*],
            kernels: &[#kernels],
        };
        ::tapwise::#handle::generated(&PROGRAM)
    }}
}

/// The form of sums as the library knows it, a module for each instruction set, and the descriptors.
fn sums(terms: &Terms) -> (TokenStream, TokenStream, TokenStream) {
    // A term whose column is a single 1 reads its row of the picture in place.
    let sources = terms.columns.iter().map(|column| match lone(column) {
        Some(row) => {
            let row = index(row);
            quote!(Some(#row))
        }
        None => quote!(None),
    });
    let form = quote!(Sums(&[#(#sources),*]));
    let mut modules = TokenStream::new();
    let mut kernels = TokenStream::new();
    for isa in ALL {
        let (gate, name, variant) = (isa::gate(isa), ident(isa.name), ident(isa.variant));
        let documentation = format!(" Passes in {}.", isa.what);
        let tile = tile(isa, terms);
        let columns = columns(isa, terms, tile);
        let rows = match terms.columns.iter().all(|column| lone(column).is_some()) {
            true => pairs(isa, terms, tile),
            false => rows(isa, terms, tile),
        };
        modules.extend(quote! {
            #[doc = #documentation]
            #gate
            #[allow(clippy::all)]
            mod #name {
                use ::tapwise::__private as tapwise;
                use ::tapwise::__private::simd::#name as simd;

                #columns
                #rows
            }
        });
        let floats = index(tile * isa.lanes);
        kernels.extend(quote! {
            #gate
            // SAFETY: the functions were compiled for the features of the instruction set named beside them.
            unsafe {
                ::tapwise::__private::filter::Kernel::new(
                    ::tapwise::Isa::#variant,
                    #floats,
                    #name::columns,
                    #name::rows,
                )
            },
        });
    }
    (form, modules, kernels)
}

/// The row of a column that is a single 1.
fn lone(column: &[f64]) -> Option<usize> {
    let mut taps = column.iter().enumerate().filter(|(_, weight)| **weight != 0.0);
    match (taps.next(), taps.next()) {
        (Some((row, weight)), None) if *weight == 1.0 => Some(row),
        _ => None,
    }
}

/// Vectors that are computed at once: enough that addresses are looked up seldom and sums wait for
/// nothing, few enough that the code stays short.
fn tile(isa: &Isa, terms: &Terms) -> usize {
    let taps: usize = terms.rows.iter().flatten().flatten().filter(|weight| **weight != 0.0).count();
    let summed = terms.columns.iter().filter(|column| lone(column).is_none()).count();
    if summed == 0 {
        // Sums of two rows of output, and what they share.
        return if isa.registers < 32 || terms.rows.len() > 2 { 1 } else { 2 };
    }
    let sums = terms.rows.len().max(summed);
    match taps {
        _ if sums > 4 => 1,
        0..=64 if sums <= 2 => 4,
        _ => 2,
    }
}

/// The sums down the columns, for every term that needs them.
fn columns(isa: &Isa, terms: &Terms, tile: usize) -> TokenStream {
    let (features, lanes) = (isa::features(isa), index(isa.lanes));
    let summed: Vec<&Vec<f64>> = terms.columns.iter().filter(|column| lone(column).is_none()).collect();
    if summed.is_empty() {
        return quote! {
            #[doc = " Nothing: every term reads rows of the picture in place."]
            #features
            pub(super) fn columns(_: &mut tapwise::filter::Columns<'_, '_>) {}
        };
    }
    let height = summed.first().map_or(0, |column| column.len());
    // Two rows of output see one row of the picture more than one does.
    let count = index(height + 1);
    let used = |row: usize| summed.iter().any(|column| column.get(row).is_some_and(|weight| *weight != 0.0));
    let read: Vec<bool> = (0..=height).map(|row| used(row) || row > 0 && used(row - 1)).collect();
    let strips: Vec<TokenStream> = (0..=height)
        .map(|row| {
            let name = ident(&format!("x{row}"));
            if read[row] { quote!(#name) } else { quote!(_) }
        })
        .collect();
    let outputs: Vec<(usize, &Vec<f64>)> =
        (0..2).flat_map(|row| summed.iter().map(move |column| (row, *column))).collect();
    let targets: Vec<Ident> = (0..outputs.len()).map(|target| ident(&format!("t{target}"))).collect();
    let mut constants = Constants::default();
    let bodies = (0..tile).map(|vector| {
        let (lane, mut body) = (index(vector), Vec::new());
        for ((first, column), target) in outputs.iter().zip(&targets) {
            let taps =
                column.iter().enumerate().filter(|(_, weight)| **weight != 0.0).map(|(row, weight)| {
                    let name = ident(&format!("x{}", first + row));
                    (quote!(simd::load(&#name[#lane])), *weight as f32)
                });
            let sum = ident(&format!("sum_{target}_{vector}"));
            body.extend(combination(&sum, &taps.collect::<Vec<_>>(), &mut constants));
            body.push(quote! { simd::store(#sum, &mut #target[#lane]); });
        }
        body
    });
    let body = interleaved(bodies.collect());
    let (tile, constants) = (index(tile), constants.declared());
    let count_of_targets = index(targets.len());
    let documentation = format!(
        " Sums of {} rows, {} for each column of two rows of output.",
        read.iter().filter(|read| **read).count(),
        targets.len()
    );
    quote! {
        #[doc = #documentation]
        #features
        pub(super) fn columns(call: &mut tapwise::filter::Columns<'_, '_>) {
            #constants
            let strips = tapwise::Strips::<#count, #lanes>::new(call.rows, call.from, call.length);
            let target = tapwise::StripsMut::<#count_of_targets, #lanes>::new(call.target, call.plane, call.at, call.length);
            let (Some(strips), Some(mut target)) = (strips, target) else { return };
            let mut tiles = tapwise::Tiles::of(call.length, #tile * #lanes);
            while let Some(at) = tiles.next() {
                let (Some([#(#strips),*]), Some([#(#targets),*])) =
                    (strips.tile::<#tile>(at), target.tile::<#tile>(at))
                else {
                    return;
                };
                #body
            }
        }
    }
}

/// The sums along the rows, one for each filter.
fn rows(isa: &Isa, terms: &Terms, tile: usize) -> TokenStream {
    let (features, lanes) = (isa::features(isa), index(isa.lanes));
    let width = terms.rows.iter().flatten().map(Vec::len).max().unwrap_or(0);
    let read = |term: usize, tap: usize| {
        terms.rows.iter().any(|terms| terms[term].get(tap).is_some_and(|weight| *weight != 0.0))
    };
    let sources: Vec<Ident> = (0..terms.columns.len()).map(|term| ident(&format!("s{term}"))).collect();
    let outputs: Vec<Ident> = (0..terms.rows.len()).map(|filter| ident(&format!("y{filter}"))).collect();
    let name = |term: usize, tap: usize| ident(&format!("x{term}_{tap}"));
    let patterns: Vec<TokenStream> = (0..sources.len())
        .map(|term| {
            let names = (0..width).map(|tap| {
                let name = name(term, tap);
                if read(term, tap) { quote!(#name) } else { quote!(_) }
            });
            quote!([#(#names),*])
        })
        .collect();
    let mut constants = Constants::default();
    let bodies = (0..tile).map(|vector| {
        let (lane, mut body) = (index(vector), Vec::new());
        for (terms, output) in terms.rows.iter().zip(&outputs) {
            let taps = terms.iter().enumerate().flat_map(|(term, row)| {
                let taps = row.iter().enumerate().filter(|(_, weight)| **weight != 0.0);
                taps.map(move |(tap, weight)| (name(term, tap), *weight as f32))
            });
            let taps: Vec<_> =
                taps.map(|(name, weight)| (quote!(simd::load(&#name[#lane])), weight)).collect();
            let sum = ident(&format!("sum_{output}_{vector}"));
            body.extend(combination(&sum, &taps, &mut constants));
            body.push(quote! {
                if call.stream {
                    simd::stream(#sum, &mut #output[#lane]);
                } else {
                    simd::store(#sum, &mut #output[#lane]);
                }
            });
        }
        body
    });
    let body = interleaved(bodies.collect());
    let (tile, constants) = (index(tile), constants.declared());
    let width = index(width);
    let first = outputs.first();
    let documentation = format!(" Sums along the rows of {} terms.", sources.len());
    quote! {
        #[doc = #documentation]
        #features
        pub(super) fn rows(call: &mut tapwise::filter::Rows<'_, '_, '_>) {
            #constants
            let ([#(#sources),*], [#(#outputs),*]) = (call.sources, &mut *call.outputs) else { return };
            #(
                let Some(#sources) = tapwise::Taps::<#width, #lanes>::new(#sources, call.from, call.step, call.length)
                else {
                    return;
                };
            )*
            let Some(first) = #first.get(call.at..) else { return };
            let mut tiles = tapwise::Tiles::aligned(first, call.length, #tile * #lanes);
            while let Some(at) = tiles.next() {
                #(
                    let Some(#outputs) = tapwise::tile_mut::<#lanes, #tile>(#outputs, call.at + at) else { return };
                )*
                #(
                    let Some(#patterns) = #sources.tile::<#tile>(at) else { return };
                )*
                #body
            }
        }
    }
}

/// The sums of filters all of whose terms are rows of the picture, for two rows of output: each number is
/// read once for both.
fn pairs(isa: &Isa, terms: &Terms, tile: usize) -> TokenStream {
    let (features, lanes) = (isa::features(isa), index(isa.lanes));
    let height = terms.columns.first().map_or(0, Vec::len);
    let width = terms.rows.iter().flatten().map(Vec::len).max().unwrap_or(0);
    // The weight of a tap of a filter: of the term that reads this row.
    let weight = |filter: usize, row: usize, tap: usize| -> f64 {
        let term = terms.columns.iter().position(|column| lone(column) == Some(row));
        term.and_then(|term| terms.rows[filter][term].get(tap)).copied().unwrap_or(0.0)
    };
    let filters = terms.rows.len();
    let outputs: Vec<Ident> = (0..2 * filters).map(|output| ident(&format!("y{output}"))).collect();
    // What the second row of output sees is a row further down.
    let weight_of = |output: usize, row: usize, tap: usize| match row.checked_sub(output / filters) {
        Some(row) => weight(output % filters, row, tap),
        None => 0.0,
    };
    let name = |row: usize, tap: usize| ident(&format!("x{row}_{tap}"));
    let read = |row: usize, tap: usize| (0..2 * filters).any(|output| weight_of(output, row, tap) != 0.0);
    let sources: Vec<Ident> = (0..=height).map(|row| ident(&format!("s{row}"))).collect();
    let mut constants = Constants::default();
    let mut begun = vec![false; 2 * filters];
    let mut steps = Vec::new();
    for (row, source) in sources.iter().enumerate() {
        let names = (0..width).map(|tap| {
            let name = name(row, tap);
            if read(row, tap) { quote!(#name) } else { quote!(_) }
        });
        steps.push(quote! { let Some([#(#names),*]) = #source.tile::<#tile>(at) else { return }; });
        for tap in (0..width).filter(|tap| read(row, *tap)) {
            let name = name(row, tap);
            let values: Vec<Ident> = (0..tile).map(|vector| ident(&format!("v{vector}"))).collect();
            let lanes = (0..tile).map(index);
            steps.push(quote! { #(let #values = simd::load(&#name[#lanes]);)* });
            for (output, begun) in begun.iter_mut().enumerate() {
                let weight = weight_of(output, row, tap) as f32;
                if weight == 0.0 {
                    continue;
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
                }
                *begun = true;
            }
        }
    }
    let stores = outputs.iter().enumerate().flat_map(|(output, target)| {
        (0..tile).map(move |vector| {
            let (sum, vector) = (ident(&format!("sum{output}_{vector}")), index(vector));
            quote! {
                if call.stream {
                    simd::stream(#sum, &mut #target[#vector]);
                } else {
                    simd::store(#sum, &mut #target[#vector]);
                }
            }
        })
    });
    let (tile, constants, width) = (index(tile), constants.declared(), index(width));
    let first = outputs.first();
    let documentation = format!(" Sums of {height} rows as they are, for two rows of output.");
    quote! {
        #[doc = #documentation]
        #features
        pub(super) fn rows(call: &mut tapwise::filter::Rows<'_, '_, '_>) {
            #constants
            let ([#(#sources),*], [#(#outputs),*]) = (call.sources, &mut *call.outputs) else { return };
            #(
                let Some(#sources) = tapwise::Taps::<#width, #lanes>::new(#sources, call.from, call.step, call.length)
                else {
                    return;
                };
            )*
            let Some(first) = #first.get(call.at..) else { return };
            let mut tiles = tapwise::Tiles::aligned(first, call.length, #tile * #lanes);
            while let Some(at) = tiles.next() {
                #(
                    let Some(#outputs) = tapwise::tile_mut::<#lanes, #tile>(#outputs, call.at + at) else { return };
                )*
                #(#steps)*
                #(#stores)*
            }
        }
    }
}

/// The statements of several vectors, in turns: each waits for its own sums only, and addresses that they
/// share are looked up once.
fn interleaved(bodies: Vec<Vec<TokenStream>>) -> TokenStream {
    let longest = bodies.iter().map(Vec::len).max().unwrap_or(0);
    let statements = (0..longest).flat_map(|at| bodies.iter().filter_map(move |body| body.get(at)));
    quote! { #(#statements)* }
}

/// The statements of a linear combination that is called `sum`: inputs of one size of weight are summed
/// before they are multiplied, and those of 1 are not multiplied.
fn combination(sum: &Ident, taps: &[(TokenStream, f32)], constants: &mut Constants) -> Vec<TokenStream> {
    let mut groups: Vec<(f32, Vec<&(TokenStream, f32)>)> = Vec::new();
    for tap in taps {
        let size = tap.1.abs();
        match groups.iter_mut().find(|(known, _)| *known == size) {
            Some((_, members)) => members.push(tap),
            None => groups.push((size, vec![tap])),
        }
    }
    // A sum that begins with a product needs no addition; what is only added comes after.
    groups.sort_by_key(|(size, _)| *size == 1.0);
    let mut statements = Vec::new();
    for (number, (size, mut members)) in groups.into_iter().enumerate() {
        // What is added before what is subtracted.
        members.sort_by_key(|(_, weight)| *weight < 0.0);
        let mut begun = number > 0;
        if size == 1.0 {
            for (value, weight) in members {
                let next = match (begun, *weight > 0.0) {
                    (false, true) => value.clone(),
                    (false, false) => {
                        let minus = constants.name(-1.0);
                        quote!(simd::multiply(#minus, #value))
                    }
                    (true, true) => quote!(simd::add(#sum, #value)),
                    (true, false) => quote!(simd::subtract(#sum, #value)),
                };
                statements.push(quote! { let #sum = #next; });
                begun = true;
            }
            continue;
        }
        let Some(((first, weight), more)) = members.split_first().map(|(first, more)| (*first, more)) else {
            continue;
        };
        let mut group = first.clone();
        if !more.is_empty() {
            let name = ident(&format!("group_{sum}"));
            statements.push(quote! { let #name = #group; });
            for (value, other) in more {
                let next = match (*other > 0.0) == (*weight > 0.0) {
                    true => quote!(simd::add(#name, #value)),
                    false => quote!(simd::subtract(#name, #value)),
                };
                statements.push(quote! { let #name = #next; });
            }
            group = quote!(#name);
        }
        let weight = constants.name(*weight);
        statements.push(match begun {
            false => quote! { let #sum = simd::multiply(#weight, #group); },
            true => quote! { let #sum = simd::mul_add(#weight, #group, #sum); },
        });
    }
    if statements.is_empty() {
        statements.push(quote! { let #sum = simd::splat(0.0); });
    }
    statements
}

/// Weights in registers, each once.
#[derive(Default)]
struct Constants {
    values: Vec<f32>,
}

impl Constants {
    fn name(&mut self, value: f32) -> Ident {
        let at = self.values.iter().position(|known| known.to_bits() == value.to_bits());
        let at = at.unwrap_or_else(|| {
            self.values.push(value);
            self.values.len() - 1
        });
        ident(&format!("k{at}"))
    }

    fn declared(&self) -> TokenStream {
        let constants = self.values.iter().enumerate().map(|(at, value)| {
            let (name, value) = (ident(&format!("k{at}")), Literal::f32_suffixed(*value));
            quote! { let #name = simd::splat(#value); }
        });
        quote! { #(#constants)* }
    }
}

fn number(weight: f64) -> TokenStream {
    let magnitude = Literal::f32_suffixed(weight.abs() as f32);
    if weight < 0.0 { quote!(-#magnitude) } else { quote!(#magnitude) }
}
