//! Linear combinations of single numbers with constant weights as expressions.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// Numbers whose weights are of one size.
struct Group<'a> {
    size: f64,
    /// What is added before what is subtracted.
    members: Vec<&'a (TokenStream, f64)>,
}

impl Group<'_> {
    /// Whether the first is added.
    fn adds(&self) -> bool {
        self.members.first().is_some_and(|(_, weight)| *weight > 0.0)
    }

    /// The members, with the sign of the first, by two verbs.
    fn sum(&self, add: &TokenStream, subtract: &TokenStream) -> TokenStream {
        let mut members = self.members.iter();
        let first = members.next().map(|(value, _)| quote!(#value)).unwrap_or_default();
        members.fold(first, |sum, (value, weight)| {
            let verb = if (*weight > 0.0) == self.adds() { add } else { subtract };
            quote!(#verb(#sum, #value))
        })
    }
}

fn groups(taps: &[(TokenStream, f64)]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for tap in taps.iter().filter(|(_, weight)| *weight != 0.0) {
        match groups.iter_mut().find(|group| group.size == tap.1.abs()) {
            Some(group) => group.members.push(tap),
            None => groups.push(Group { size: tap.1.abs(), members: vec![tap] }),
        }
    }
    for group in &mut groups {
        group.members.sort_by_key(|(_, weight)| *weight < 0.0);
    }
    groups
}

/// A sum modulo 2¹⁶, of whole weights: inputs of one size of weight are added before they are multiplied.
pub(super) fn whole(taps: &[(TokenStream, f64)]) -> TokenStream {
    let (add, subtract) = (quote!(u16::wrapping_add), quote!(u16::wrapping_sub));
    let mut groups = groups(taps);
    // Those that are only subtracted come last.
    groups.sort_by_key(|group| !group.adds());
    let mut sum: Option<TokenStream> = None;
    for group in &groups {
        let mut part = group.sum(&add, &subtract);
        if group.size != 1.0 {
            let size = Literal::i64_unsuffixed(group.size as i64);
            part = quote!(u16::wrapping_mul(#part, #size));
        }
        sum = Some(match (sum, group.adds()) {
            (None, true) => part,
            (None, false) => quote!(u16::wrapping_sub(0, #part)),
            (Some(sum), true) => quote!(u16::wrapping_add(#sum, #part)),
            (Some(sum), false) => quote!(u16::wrapping_sub(#sum, #part)),
        });
    }
    sum.unwrap_or_else(|| quote!(0u16))
}

/// A sum of 32 bits of groups of numbers of 16 bits whose own sums fit those.
pub(super) fn wide(groups: impl Iterator<Item = Vec<TokenStream>>) -> TokenStream {
    let sums = groups
        .filter_map(|group| group.into_iter().reduce(|sum, number| quote!(u16::wrapping_add(#sum, #number))));
    let sum =
        sums.map(|sum| quote!(u32::from(#sum))).reduce(|sum, part| quote!(u32::wrapping_add(#sum, #part)));
    // A number of 31 bits: not every instruction set makes `f32` of those without a sign.
    sum.map_or_else(|| quote!(0i32), |sum| quote!((#sum).cast_signed()))
}

/// A sum of `f32`, with the operations of vectors in their order (`combination.rs`), products `fused` with
/// additions where the instruction set does so.
pub(super) fn float(taps: &[(TokenStream, f64)], fused: bool) -> TokenStream {
    let mut groups = groups(taps);
    // A sum that begins with a product needs no addition; what is only added comes after.
    groups.sort_by_key(|group| group.size == 1.0);
    let literal = |weight: f64| {
        let size = Literal::f32_suffixed(weight.abs() as f32);
        if weight < 0.0 { quote!((-#size)) } else { quote!(#size) }
    };
    let mut sum: Option<TokenStream> = None;
    for group in &groups {
        if group.size == 1.0 {
            for (value, weight) in &group.members {
                sum = Some(match (sum, *weight > 0.0) {
                    (None, true) => quote!(#value),
                    (None, false) => quote!((-1.0f32 * #value)),
                    (Some(sum), true) => quote!((#sum + #value)),
                    (Some(sum), false) => quote!((#sum - #value)),
                });
            }
            continue;
        }
        let part = group.sum(&quote!(::core::ops::Add::add), &quote!(::core::ops::Sub::sub));
        let weight = literal(if group.adds() { group.size } else { -group.size });
        sum = Some(match sum {
            None => quote!((#weight * #part)),
            Some(sum) if fused => quote!(f32::mul_add(#weight, #part, #sum)),
            Some(sum) => quote!((#weight * #part + #sum)),
        });
    }
    sum.unwrap_or_else(|| quote!(0.0f32))
}
