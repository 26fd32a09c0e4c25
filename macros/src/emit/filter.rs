//! Constant filters: sums down the columns and along the rows, as straight-line code with the weights in
//! it.

mod as_they_are;
mod byte_windows;
mod bytes;
mod combination;
mod dense;
mod down;
mod one_pass;
mod passes;
mod scalars;
mod shifts;

use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

use self::bytes::Bytes;
use super::tile::index;
use super::{ident, isa};
use crate::filter::{Failure, Item, Request};
use crate::fold::one_pass::Tile;
use crate::fold::{self, ByteWindow, Factors, Form, Integers, Shared, Terms, Weights, unit};
use crate::isa::{ALL, Isa};

/// A filter, or several over one picture, ready to be written.
struct Program<'a> {
    filters: &'a [Weights],
    bank: bool,
    form: Form<Shared>,
    findings: Vec<String>,
    /// How far the weights of the form are from those asked for.
    error: f64,
    /// Predicted cycles for a vector of outputs.
    cycles: f64,
    /// How bytes are filtered to bytes, where 16-bit integers do.
    integers: Option<Integers>,
    /// How bytes are filtered to bytes, where their sums run down the columns of a window.
    window: Option<ByteWindow>,
}

impl<'a> Program<'a> {
    /// The cheapest way of one filter.
    fn of_one(filter: &'a [Weights; 1], tolerance: f64) -> Self {
        let fold = fold::fold(&filter[0], tolerance);
        let form = match fold.form {
            Form::Sums(Factors { columns, rows }) => Form::Sums(Shared { columns, rows: vec![rows] }),
            Form::Window(weight) => Form::Window(weight),
            Form::Layer => Form::Layer,
        };
        let (error, cycles, mut findings) = (fold.error, fold.cycles, fold.findings);
        let integers = fold::integers(&filter[0]);
        let straight = integers.as_ref().map_or(f64::INFINITY, |integers| integers.cycles);
        let window = fold::byte_window(&filter[0])
            .filter(|window| window.cycles < straight && (window.exact || integers.is_none()));
        let integers = integers.filter(|_| window.is_none());
        findings.extend(integers.as_ref().map(fold::finding_of_integers));
        findings.extend(window.as_ref().map(fold::finding_of_a_byte_window));
        Program { filters: filter, bank: false, form, findings, error, cycles, integers, window }
    }

    /// The cheapest way of several.
    fn of_several(filters: &'a [Weights], tolerance: f64) -> Self {
        let bank = fold::bank(filters, tolerance);
        let (error, cycles) = (bank.error, bank.cycles);
        let (form, findings) = (bank.form, bank.findings);
        Program { filters, bank: true, form, findings, error, cycles, integers: None, window: None }
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
    let identity = Weights { height: 1, width: 1, values: vec![1.0], factors: None, whole: None };
    let (filters, form) = ([identity], Form::Layer);
    let program = Program {
        filters: &filters,
        bank: *bank,
        form,
        findings: Vec::new(),
        error: 0.0,
        cycles: 1.0,
        integers: None,
        window: None,
    };
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
    let (form, modules, kernels) = match &program.form {
        Form::Sums(terms) => sums(terms),
        Form::Window(weight) => window(*weight, first.width),
        Form::Layer => (quote!(Layer), TokenStream::new(), TokenStream::new()),
    };
    let (of_bytes, bytes) = match &program.window {
        Some(window) => byte_windows::byte_window(window),
        None => bytes::bytes(Bytes::of(program.integers.as_ref(), &program.form, program.cycles).as_ref()),
    };
    let handle = handle(program.bank);
    quote! {{
        #modules
        #of_bytes
        static PROGRAM: ::tapwise::__private::filter::Program = ::tapwise::__private::filter::Program {
            size: [#height, #width],
            filters: #count,
            weights: &[#(#weights),*],
            form: ::tapwise::__private::filter::Form::#form,
            error: #error,
            cycles: #cycles,
            findings: &[#(#findings),*],
            kernels: &[#kernels],
            bytes: #bytes,
        };
        ::tapwise::#handle::generated(&PROGRAM)
    }}
}

/// The form of sums as the library knows it, a module for each instruction set, and the descriptors.
fn sums(terms: &Shared) -> (TokenStream, TokenStream, TokenStream) {
    // A term whose column is a single 1 reads its row of the picture in place.
    let sources = terms.columns.iter().map(|column| match unit(column) {
        Some(row) => {
            let row = index(row);
            quote!(Some(#row))
        }
        None => quote!(None),
    });
    let form = quote!(Sums(&[#(#sources),*]));
    let (modules, kernels) = passes(terms, |isa| way(isa, terms));
    (form, modules, kernels)
}

/// The form of a window, and the pass along the row of one that is not wide.
fn window(weight: f64, width: usize) -> (TokenStream, TokenStream, TokenStream) {
    let terms = Shared { columns: vec![vec![1.0]], rows: vec![vec![vec![weight; width]]] };
    let (modules, kernels) = match width {
        0..=fold::WIDEST_WINDOW => passes(&terms, |_| Way::Along { vectors: 4 }),
        _ => Default::default(),
    };
    let (weight, anew) = (number(weight), index(fold::ANEW));
    (quote!(Window { weight: #weight, anew: #anew }), modules, kernels)
}

/// A module for each instruction set, and the descriptors.
fn passes(terms: &Shared, way: impl Fn(&Isa) -> Way) -> (TokenStream, TokenStream) {
    let mut modules = TokenStream::new();
    let mut kernels = TokenStream::new();
    for isa in ALL {
        let (gate, name, variant) = (isa::gate(isa), ident(isa.name), ident(isa.variant));
        let documentation = format!(" Passes in {}.", isa.what);
        let way = way(isa);
        let (tile, together) = match way {
            Way::OnePass(Tile { vectors, rows }) => (vectors, rows),
            Way::TwoPasses { vectors } => (vectors, 2),
            Way::AlongFirst(Tile { vectors, rows }) => (vectors, rows),
            Way::Along { vectors } => (vectors, 1),
        };
        let as_they_are = terms.columns.iter().all(|column| unit(column).is_some());
        let (columns, rows) = match way {
            Way::OnePass(tile) if !as_they_are => (None, one_pass::rows(isa, terms, tile)),
            Way::OnePass(_) => match dense::dense(terms) {
                Some(weights) => (None, dense::rows(isa, &weights, tile, together)),
                None => (None, as_they_are::rows(isa, terms, tile, together)),
            },
            Way::TwoPasses { vectors } => {
                (Some(passes::columns(isa, terms, vectors)), passes::rows(isa, terms, vectors, &[1]))
            }
            Way::AlongFirst(tile) => (
                Some(down::down(isa, terms, tile)),
                passes::rows(isa, &down::along(terms), tile.vectors, &[1, 3]),
            ),
            Way::Along { vectors } => (None, passes::rows(isa, terms, vectors, &[1])),
        };
        let columns_by = match way {
            Way::OnePass(_) | Way::Along { .. } => quote!(None),
            Way::TwoPasses { .. } => quote!(First(#name::columns)),
            Way::AlongFirst(_) => quote!(Last(#name::down)),
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
        let (floats, together) = (index(tile * isa.lanes), index(together));
        kernels.extend(quote! {
            #gate
            // SAFETY: the functions were compiled for the features of the instruction set named beside them.
            unsafe {
                ::tapwise::__private::filter::Kernel::new(
                    ::tapwise::Isa::#variant,
                    #floats,
                    #together,
                    ::tapwise::__private::filter::Down::#columns_by,
                    #name::rows,
                )
            },
        });
    }
    (modules, kernels)
}

/// The passes of a filter for an instruction set.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// Sums along the rows and down the columns in one pass, of rows of the picture where they lie.
    OnePass(Tile),
    /// Sums down the columns, of two rows of output at once, then along the rows, of so many vectors at once: enough
    /// that addresses are looked up seldom and sums wait for nothing, few enough that the code stays short.
    TwoPasses { vectors: usize },
    /// Sums along the rows of the picture, then down the columns of those, for some rows of output at once.
    AlongFirst(Tile),
    /// Sums along the rows alone.
    Along { vectors: usize },
}

/// One pass where that is cheaper and registers suffice.
fn way(isa: &Isa, terms: &Shared) -> Way {
    let known = Terms::from(terms);
    let one_pass =
        fold::takes_one_pass(&known).then(|| fold::one_pass::tile(&known, isa.registers)).flatten();
    if let Some(tile) = one_pass {
        return Way::OnePass(tile);
    }
    if fold::along_first(&known) {
        return Way::AlongFirst(Tile {
            vectors: 4,
            rows: if isa.registers >= 32 { fold::TOGETHER } else { 2 },
        });
    }
    let taps: usize = terms.rows.iter().flatten().flatten().filter(|weight| **weight != 0.0).count();
    let summed = terms.columns.iter().filter(|column| unit(column).is_none()).count();
    let sums = terms.rows.len().max(summed);
    let vectors = match taps {
        _ if sums > 4 => 1,
        0..=64 if sums <= 2 => 4,
        _ => 2,
    };
    Way::TwoPasses { vectors }
}

fn number(weight: f64) -> TokenStream {
    let magnitude = Literal::f32_suffixed(weight.abs() as f32);
    if weight < 0.0 { quote!(-#magnitude) } else { quote!(#magnitude) }
}
