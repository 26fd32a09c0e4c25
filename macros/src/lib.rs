//! The macros of `tapwise`, which re-exports them; see their documentation there.
//!
//! Each entry point is the same road: parse the tokens, check the request, choose a schedule, emit.

mod check;
mod cook_toom;
mod emit;
mod filter;
mod fold;
mod geometry;
mod isa;
mod parse;
mod schedule;
#[cfg(test)]
mod snapshots;
mod straight_line;

use proc_macro::TokenStream;

/// Generates the kernels of one convolution; documented where `tapwise` re-exports it.
#[proc_macro_attribute]
pub fn conv2d(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let (request, errors) = parse::attribute(arguments.into());
    let (item, errors) = parse::unit_struct(item.into(), errors);
    match check::one(&request, errors) {
        Ok(geometry) => emit::annotated(&item, &geometry),
        Err(errors) => emit::stub(&item, errors),
    }
    .into()
}

/// Generates kernels for sets of shapes; documented where `tapwise` re-exports it.
#[proc_macro]
pub fn specialize(sets: TokenStream) -> TokenStream {
    let (requests, errors) = parse::sets(sets.into());
    match check::every(&requests, errors) {
        Ok(geometries) => emit::specialized(&geometries),
        Err(errors) => errors.to_compile_error(),
    }
    .into()
}

/// Generates an image filter of a constant; documented where `tapwise` re-exports it.
#[proc_macro_attribute]
pub fn filter2d(arguments: TokenStream, item: TokenStream) -> TokenStream {
    match filter::attribute(arguments.into(), item.into()) {
        Ok(request) => emit::filter::annotated(&request),
        Err(failure) => emit::filter::stub(&failure),
    }
    .into()
}

/// Generates an image filter as an expression; documented where `tapwise` re-exports it.
#[proc_macro]
pub fn filter(tokens: TokenStream) -> TokenStream {
    match filter::expression(tokens.into()) {
        Ok((filters, bank, tolerance)) => emit::filter::unnamed(&filters, bank, tolerance),
        Err(errors) => {
            // What follows is an expression.
            let errors = errors.into_compile_error();
            quote::quote!({ #errors })
        }
    }
    .into()
}

/// The instruction sets, for the library itself.
#[doc(hidden)]
#[proc_macro]
pub fn instruction_sets(_: TokenStream) -> TokenStream {
    emit::instruction_sets().into()
}

/// The kernels whose sizes arrive with the call, for the library itself.
#[doc(hidden)]
#[proc_macro]
pub fn run_time_kernels(_: TokenStream) -> TokenStream {
    emit::run_time().into()
}

/// The transforms of Winograd's algorithms, for the library itself.
#[doc(hidden)]
#[proc_macro]
pub fn winograd_transforms(_: TokenStream) -> TokenStream {
    emit::transforms().into()
}

/// Plain functions compiled for each instruction set, for the library itself.
#[doc(hidden)]
#[proc_macro]
pub fn versions(functions: TokenStream) -> TokenStream {
    match syn::parse::<emit::Versions>(functions) {
        Ok(functions) => emit::versions(&functions),
        Err(error) => error.to_compile_error(),
    }
    .into()
}

/// The passes of filters that are sums of few products, for the library itself.
#[doc(hidden)]
#[proc_macro]
pub fn two_pass_kernels(_: TokenStream) -> TokenStream {
    emit::passes().into()
}

/// The factors of filters of low rank: the text of a file of this crate, which the library compiles too.
#[doc(hidden)]
#[proc_macro]
pub fn fold_module(_: TokenStream) -> TokenStream {
    // Documentation of a module cannot stand amid its items.
    let text = include_str!("fold/low_rank.rs");
    let items: String =
        text.lines().skip_while(|line| line.starts_with("//!")).map(|line| format!("{line}\n")).collect();
    match items.parse() {
        Ok(items) => items,
        Err(error) => {
            let message = format!("the text of a file that compiled is no code: {error}");
            syn::Error::new(proc_macro2::Span::call_site(), message).to_compile_error().into()
        }
    }
}
