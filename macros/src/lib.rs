//! The macros of `tapwise`, which re-exports them; see their documentation there.
//!
//! Each entry point is the same road: parse the tokens, check the request, choose a schedule, emit.

mod check;
mod cook_toom;
mod emit;
#[allow(dead_code, reason = "what constant filters are emitted from")]
mod filter;
#[allow(dead_code, unused_imports, reason = "what constant filters are emitted from")]
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

/// TEMPORARY
#[proc_macro]
pub fn filter_try(tokens: TokenStream) -> TokenStream {
    let text = tokens.to_string();
    let mut filters = Vec::new();
    for filter in text.split(';') {
        let rows: Vec<Vec<f64>> = filter.split('|').map(|row| row.replace("- ", "-").split_whitespace().map(|n| n.parse::<f64>().unwrap() as f32 as f64).collect()).collect();
        filters.push(fold::Weights { height: rows.len(), width: rows[0].len(), values: rows.concat(), factors: None });
    }
    match <&[fold::Weights; 1]>::try_from(&filters[..]) {
        Ok(one) => emit::filter::expression(&emit::filter::Program::of_one(one, 1e-6)),
        Err(_) => emit::filter::expression(&emit::filter::Program::of_several(&filters, 1e-6)),
    }.into()
}
