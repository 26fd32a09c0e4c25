//! Tokens, one file per kernel family. Nothing is decided here: a schedule says what to write.

mod along_row;
mod channels_out;
mod depthwise;
mod descriptor;
pub(crate) mod filter;
mod isa;
mod tile;
mod two_pass;
mod versions;
mod winograd;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use crate::geometry::Geometry;
use crate::isa::ALL;
use crate::parse::Item;
use crate::schedule::{Family, Schedule, Target};

pub(crate) use isa::instruction_sets;
pub(crate) use two_pass::passes;
pub(crate) use versions::{Versions, versions};
pub(crate) use winograd::transforms;

/// The kernels of one geometry for every instruction set, as modules and a list of descriptors.
pub(crate) struct Kernels {
    /// A module for each instruction set.
    pub(crate) modules: TokenStream,
    /// Attributes and expression of each kernel's descriptor.
    pub(crate) descriptors: Vec<(TokenStream, TokenStream)>,
}

/// Emits one geometry, or the run-time kernels, for every instruction set.
pub(crate) fn kernels(target: &Target) -> Kernels {
    let mut modules = TokenStream::new();
    let mut descriptors = Vec::new();
    let schedules = ALL.iter().flat_map(|isa| match target {
        Target::Fixed(geometry) => Schedule::all(geometry, isa),
        Target::RunTime => Schedule::run_time(isa),
    });
    for schedule in schedules {
        let gate = isa::gate(&schedule.isa);
        let module = ident(&schedule.module());
        let body = match schedule.family {
            Family::ChannelsOut => channels_out::module(&schedule),
            Family::Depthwise => depthwise::module(&schedule),
            Family::AlongRow => along_row::module(&schedule),
        };
        let documentation = format!(" `{}`: {}.", schedule.name(), schedule.reason);
        modules.extend(quote! {
            #[doc = #documentation]
            #gate
            #[allow(clippy::all)]
            mod #module { #body }
        });
        descriptors.push((gate, descriptor::descriptor(&schedule)));
    }
    Kernels { modules, descriptors }
}

/// The registration of every kernel of a geometry in the table that layers search.
pub(crate) fn registered(geometry: &Geometry) -> TokenStream {
    let Kernels { modules, descriptors } = kernels(&Target::Fixed(geometry.clone()));
    let statics = descriptors.iter().enumerate().map(|(index, (gate, descriptor))| {
        let name = ident(&format!("KERNEL_{index}"));
        quote! {
            #gate
            #[::tapwise::__private::linkme::distributed_slice(::tapwise::__private::KERNELS)]
            #[linkme(crate = ::tapwise::__private::linkme)]
            static #name: ::tapwise::__private::Kernel = #descriptor;
        }
    });
    quote! {
        #modules
        #(#statics)*
    }
}

/// `#[conv2d]`: the struct, its kernels, and what ties a layer to them.
pub(crate) fn annotated(item: &Item, geometry: &Geometry) -> TokenStream {
    let (name, visibility) = item.name();
    let item = &item.tokens;
    let registered = registered(geometry);
    let Geometry { kernel: [kh, kw], c_out, .. } = geometry;
    let spec = descriptor::numbers(geometry);
    let summary = format!(
        " A layer of this shape, `{}`: the filter is `[{kh}, {kw}, {}, {c_out}]` (rows, columns, input \
         channels of a group, output channels).",
        geometry.name(),
        geometry.c_in_group(),
    );
    let schedules: Vec<String> = ALL
        .iter()
        .flat_map(|isa| Schedule::all(geometry, isa))
        .map(|schedule| format!(" - `{}`: {}.", schedule.name(), schedule.reason))
        .collect();
    quote! {
        #item

        const _: () = {
            #registered

            impl #name {
                #[doc = #summary]
                #[doc = ""]
                #[doc = " The layer runs by the kernels generated here:"]
                #(#[doc = #schedules])*
                #visibility fn layer(
                    filter: ::tapwise::__private::ndarray::ArrayView4<'_, f32>,
                ) -> ::tapwise::Conv2dBuilder<'_> {
                    ::tapwise::__private::bound(filter, &#spec)
                }
            }
        };
    }
}

/// The errors, and the struct with a `layer` that stands in for the one that could not be made, so
/// that its uses are no errors of their own.
pub(crate) fn stub(item: &Item, errors: syn::Error) -> TokenStream {
    let errors = errors.to_compile_error();
    let tokens = &item.tokens;
    let Some(parsed) = &item.parsed else {
        return quote! { #errors #tokens };
    };
    let (name, visibility) = item.name();
    let (parameters, arguments, bounds) = parsed.generics.split_for_impl();
    quote! {
        #errors
        #tokens
        impl #parameters #name #arguments #bounds {
            #[allow(missing_docs, dead_code)]
            #visibility fn layer(
                filter: ::tapwise::__private::ndarray::ArrayView4<'_, f32>,
            ) -> ::tapwise::Conv2dBuilder<'_> {
                ::tapwise::Conv2d::builder(filter)
            }
        }
    }
}

/// `specialize!`: kernels without a name.
pub(crate) fn specialized(geometries: &[Geometry]) -> TokenStream {
    let registered = geometries.iter().map(|geometry| {
        let registered = registered(geometry);
        quote! { const _: () = { #registered }; }
    });
    quote! { #(#registered)* }
}

/// The run-time kernels of the library itself: a table of descriptors called `KERNELS`.
pub(crate) fn run_time() -> TokenStream {
    let Kernels { modules, descriptors } = kernels(&Target::RunTime);
    let entries = descriptors.iter().map(|(gate, descriptor)| quote! { #gate #descriptor, });
    quote! {
        #modules

        /// The run-time kernels of each instruction set that this target can have, one for each family.
        pub(crate) static KERNELS: &[::tapwise::__private::Kernel] = &[#(#entries)*];
    }
}

fn ident(name: &str) -> Ident {
    Ident::new(name, Span::call_site())
}
