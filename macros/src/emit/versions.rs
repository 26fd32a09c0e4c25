//! Plain functions compiled once for each instruction set: the compiler makes vectors of their loops.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, FnArg, Ident, Path, Signature, Token, Visibility};

use super::{ident, isa};
use crate::isa::ALL;

/// `/// docs` `pub(crate) struct Name of path { fn a(x: &[f32]); .. }`.
pub(crate) struct Versions {
    attributes: Vec<Attribute>,
    visibility: Visibility,
    name: Ident,
    module: Path,
    functions: Vec<(Vec<Attribute>, Signature)>,
}

impl Parse for Versions {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        input.parse::<Token![struct]>()?;
        let name = input.parse()?;
        input.parse::<Token![in]>()?;
        let module = input.call(Path::parse_mod_style)?;
        let body;
        syn::braced!(body in input);
        let mut functions = Vec::new();
        while !body.is_empty() {
            functions.push((body.call(Attribute::parse_outer)?, body.parse()?));
            body.parse::<Token![;]>()?;
        }
        Ok(Versions { attributes, visibility, name, module, functions })
    }
}

/// A struct of pointers to the functions as they were compiled for one instruction set.
pub(crate) fn versions(versions: &Versions) -> TokenStream {
    let Versions { attributes, visibility, name, module, functions } = versions;
    let names: Vec<_> = functions.iter().map(|(_, signature)| &signature.ident).collect();
    let modules = ALL.iter().map(|isa| {
        let (gate, set, features) = (isa::gate(isa), ident(isa.name), isa::all_features(isa));
        let wrappers = functions.iter().map(|(_, signature)| {
            let (name, arguments) = (&signature.ident, arguments(signature));
            quote! {
                #features
                pub(super) #signature { super::#module::#name(#(#arguments),*) }
            }
        });
        quote! {
            #gate
            mod #set { #(#wrappers)* }
        }
    });
    let rows = ALL.iter().map(|isa| {
        let (gate, set, variant) = (isa::gate(isa), ident(isa.name), ident(isa.variant));
        quote! { #gate crate::Isa::#variant => #name { #(#names: #set::#names),* }, }
    });
    let fields = functions.iter().map(|(_, signature)| {
        let (name, inputs, output) = (&signature.ident, &signature.inputs, &signature.output);
        quote! { #name: unsafe fn(#inputs) #output }
    });
    let methods = functions.iter().map(|(documentation, signature)| {
        let Signature { ident: name, inputs, output, .. } = signature;
        let arguments = arguments(signature);
        quote! {
            #(#documentation)*
            #visibility fn #name(&self, #inputs) #output {
                // SAFETY: it was compiled for an instruction set that this machine has, or there would be no
                // such struct.
                unsafe { (self.#name)(#(#arguments),*) }
            }
        }
    });
    quote! {
        #(#modules)*

        #(#attributes)*
        #[derive(Debug, Clone, Copy)]
        #visibility struct #name { #(#fields),* }

        impl #name {
            /// As they were compiled for an instruction set, or nothing where this machine lacks it.
            #visibility fn of(isa: crate::Isa) -> Option<Self> {
                if !isa.is_available() {
                    return None;
                }
                Some(match isa {
                    #(#rows)*
                    // A set of another architecture.
                    _ => return None,
                })
            }

            #(#methods)*
        }
    }
}

fn arguments(signature: &Signature) -> Vec<&syn::Pat> {
    let typed = signature.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(typed) => Some(&*typed.pat),
        FnArg::Receiver(_) => None,
    });
    typed.collect()
}
