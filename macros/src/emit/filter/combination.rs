//! Linear combinations with constant weights as statements.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

use crate::emit::ident;

/// The statements of several vectors, in turns: each waits for its own sums only, and addresses that they
/// share are looked up once.
pub(super) fn interleaved(bodies: Vec<Vec<TokenStream>>) -> TokenStream {
    let longest = bodies.iter().map(Vec::len).max().unwrap_or(0);
    let statements = (0..longest).flat_map(|at| bodies.iter().filter_map(move |body| body.get(at)));
    quote! { #(#statements)* }
}

/// The statements of a linear combination that is called `sum`: inputs of one size of weight are summed
/// before they are multiplied, and those of 1 are not multiplied.
pub(super) fn combination(
    sum: &Ident,
    taps: &[(TokenStream, f32)],
    constants: &mut Constants,
) -> Vec<TokenStream> {
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

/// A sum to which a number times a weight is added, or with which it begins.
pub(super) fn added(
    sum: &Ident,
    begun: bool,
    weight: f32,
    number: &TokenStream,
    constants: &mut Constants,
) -> TokenStream {
    match (begun, weight) {
        (false, 1.0) => number.clone(),
        (true, 1.0) => quote!(simd::add(#sum, #number)),
        (true, -1.0) => quote!(simd::subtract(#sum, #number)),
        (begun, weight) => {
            let weight = constants.name(weight);
            match begun {
                true => quote!(simd::mul_add(#weight, #number, #sum)),
                false => quote!(simd::multiply(#weight, #number)),
            }
        }
    }
}

/// Weights in registers, each once.
#[derive(Default)]
pub(super) struct Constants {
    values: Vec<f32>,
}

impl Constants {
    pub(super) fn name(&mut self, value: f32) -> Ident {
        let at = self.values.iter().position(|known| known.to_bits() == value.to_bits());
        let at = at.unwrap_or_else(|| {
            self.values.push(value);
            self.values.len() - 1
        });
        ident(&format!("k{at}"))
    }

    /// The weight with its place among those that [`Constants::table`] lists.
    pub(super) fn place(&mut self, value: f32) -> (Ident, usize) {
        let name = self.name(value);
        let at = self.values.iter().position(|known| known.to_bits() == value.to_bits());
        (name, at.unwrap_or_default())
    }

    /// The weights as an array, for code that has more of them than registers.
    pub(super) fn table(&self) -> TokenStream {
        let (count, values) =
            (self.values.len(), self.values.iter().map(|value| Literal::f32_suffixed(*value)));
        quote! { static WEIGHTS: [f32; #count] = [#(#values),*]; }
    }

    pub(super) fn declared(&self) -> TokenStream {
        let constants = self.values.iter().enumerate().map(|(at, value)| {
            let (name, value) = (ident(&format!("k{at}")), Literal::f32_suffixed(*value));
            quote! { let #name = simd::splat(#value); }
        });
        quote! { #(#constants)* }
    }
}
