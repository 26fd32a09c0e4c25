//! The two passes of a filter that is a sum of few products: sums down the columns of a picture, and along
//! the rows of what those leave. Lanes are neighbouring numbers of a row, whatever its channels; a weight
//! serves all of them, or each channel has its own.

mod along;
mod down;
mod tile;

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use self::along::along;
use self::down::{block, down};
use super::{ident, isa};
use crate::isa::ALL;

/// The passes for every instruction set, and a table of them.
pub(crate) fn passes() -> TokenStream {
    let modules = ALL.iter().map(|isa| {
        let (gate, name) = (isa::gate(isa), ident(isa.name));
        let documentation = format!(" Passes in {}.", isa.what);
        let passes = [Weights::One, Weights::Each].map(|weights| {
            let (down, along) = (down(isa, weights), along(isa, weights));
            quote! { #down #along }
        });
        quote! {
            #[doc = #documentation]
            #gate
            #[allow(clippy::all)]
            mod #name {
                use ::tapwise::__private as tapwise;
                use ::tapwise::__private::simd::#name as simd;

                #(#passes)*
            }
        }
    });
    let entries = ALL.iter().map(|isa| {
        let (gate, module, variant) = (isa::gate(isa), ident(isa.name), ident(isa.variant));
        let [one, each] = [Weights::One, Weights::Each].map(|weights| {
            [weights.name("down"), weights.name("across")].map(|name| quote! { #module::#name })
        });
        let ([down, along], [down_each, along_each]) = (one, each);
        let rows = block(isa).rows;
        quote! {
            #gate
            // SAFETY: the functions were compiled for the features of the instruction set named beside them.
            unsafe {
                ::tapwise::__private::Passes::new(
                    ::tapwise::Isa::#variant,
                    #rows,
                    [#down, #down_each],
                    [#along, #along_each],
                )
            },
        }
    });
    quote! {
        #(#modules)*

        /// The passes of every instruction set that this target can have.
        pub(crate) static PASSES: &[::tapwise::__private::Passes] = &[#(#entries)*];
    }
}

/// Whether a tap has one weight for all channels, or one for each.
#[derive(Clone, Copy, PartialEq)]
enum Weights {
    One,
    Each,
}

impl Weights {
    fn name(self, pass: &str) -> Ident {
        ident(&format!("{pass}_{}", if self == Weights::One { "one" } else { "each" }))
    }
}
