//! What a row of the instruction sets turns into.

use proc_macro2::TokenStream;
use quote::quote;

use super::ident;
use crate::isa::{ALL, Isa};

/// The `#[cfg]` under which code for this set exists.
pub(super) fn gate(isa: &Isa) -> TokenStream {
    match isa.arch {
        Some(arch) => quote! { #[cfg(target_arch = #arch)] },
        None => TokenStream::new(),
    }
}

/// The `#[target_feature]` of functions made of its verbs.
pub(super) fn features(isa: &Isa) -> TokenStream {
    let (list, arch) = (isa.compiled, "x86_64");
    match isa.arch {
        Some(_) => quote! { #[target_feature(enable = #list)] },
        None => quote! { #[cfg_attr(target_arch = #arch, target_feature(enable = #list))] },
    }
}

/// The `#[target_feature]` of functions that the compiler may put into any of its instructions.
pub(super) fn all_features(isa: &Isa) -> TokenStream {
    if isa.features.is_empty() {
        return TokenStream::new();
    }
    let list = isa.features.join(",");
    quote! { #[target_feature(enable = #list)] }
}

/// The enumeration of instruction sets, with their names and their run-time tests.
pub(crate) fn instruction_sets() -> TokenStream {
    let variants = ALL.iter().map(|isa| {
        let (variant, what) = (ident(isa.variant), format!(" {}.", capital(isa.what)));
        quote! { #[doc = #what] #variant, }
    });
    let all = ALL.iter().map(|isa| {
        let variant = ident(isa.variant);
        quote! { Isa::#variant, }
    });
    let names = ALL.iter().map(|isa| {
        let (variant, name) = (ident(isa.variant), isa.name);
        quote! { Isa::#variant => #name, }
    });
    let lanes = ALL.iter().map(|isa| {
        let (variant, lanes) = (ident(isa.variant), isa.lanes);
        quote! { Isa::#variant => #lanes, }
    });
    let tests = ALL.iter().map(|isa| {
        let (variant, features) = (ident(isa.variant), isa.features);
        match isa.arch {
            None => quote! { Isa::#variant => true, },
            Some(arch) => {
                let detect = match arch {
                    "aarch64" => quote! { ::std::arch::is_aarch64_feature_detected },
                    _ => quote! { ::std::arch::is_x86_feature_detected },
                };
                quote! {
                    #[cfg(target_arch = #arch)]
                    Isa::#variant => #(#detect!(#features))&&*,
                    #[cfg(not(target_arch = #arch))]
                    Isa::#variant => false,
                }
            }
        }
    });
    quote! {
        /// The instruction sets that kernels are generated for, best first.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Isa { #(#variants)* }

        impl Isa {
            /// Every set that kernels are generated for, best first.
            pub const ALL: &'static [Isa] = &[#(#all)*];

            /// The name that `TAPWISE_ISA` takes.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { #(#names)* }
            }

            /// Numbers of f32 in a vector.
            #[must_use]
            pub fn lanes(self) -> usize {
                match self { #(#lanes)* }
            }

            /// Whether this machine has it.
            #[must_use]
            pub fn is_available(self) -> bool {
                match self { #(#tests)* }
            }
        }
    }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + characters.as_str())
}
