//! The transforms of Winograd's algorithms: passes over one dimension, from which those over two are
//! made. Each takes as many vectors as an algorithm has products or outputs through straight-line code.

use std::collections::BTreeMap;

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::{ident, isa};
use crate::cook_toom::{ALGORITHMS, Algorithm, Matrices, Rational, to_f64};
use crate::isa::{ALL, Isa};
use crate::straight_line::{Program, Step, Value};

/// Bytes of a cache line.
const LINE: usize = 64;

/// The transforms of every algorithm for every instruction set, and a table of them.
pub(crate) fn transforms() -> TokenStream {
    let modules = ALL.iter().map(|isa| {
        let (gate, name) = (isa::gate(isa), ident(isa.name));
        let documentation = format!(" Passes in {}.", isa.what);
        let mut inputs = BTreeMap::new();
        let mut outputs = TokenStream::new();
        for algorithm in ALGORITHMS {
            let Matrices { input, output, .. } = algorithm.matrices();
            inputs
                .entry(algorithm.points)
                .or_insert_with(|| input_passes(isa, algorithm, &Program::of(&input)));
            outputs.extend(output_passes(isa, algorithm, &Program::of(&output)));
        }
        let inputs = inputs.values();
        quote! {
            #[doc = #documentation]
            #gate
            #[allow(clippy::all)]
            mod #name {
                use ::tapwise::__private as tapwise;
                use ::tapwise::__private::simd::#name as simd;

                #(#inputs)*
                #outputs
            }
        }
    });
    let entries = ALL.iter().flat_map(|isa| {
        ALGORITHMS.iter().map(move |algorithm| {
            let (gate, entry) = (isa::gate(isa), entry(isa, algorithm));
            quote! { #gate #entry, }
        })
    });
    quote! {
        #(#modules)*

        /// Every algorithm for every instruction set that this target can have.
        pub(crate) static TRANSFORMS: &[::tapwise::__private::Transform] = &[#(#entries)*];
    }
}

/// What an algorithm says of itself to the library.
fn entry(isa: &Isa, algorithm: &Algorithm) -> TokenStream {
    let (module, variant) = (ident(isa.name), ident(isa.variant));
    let Matrices { input, filter, output } = algorithm.matrices();
    let filter = filter.iter().flatten().map(|factor| Literal::f64_suffixed(to_f64(factor)));
    let (outputs, taps, lanes) = (algorithm.outputs, algorithm.taps, isa.lanes);
    let amplification = Literal::f64_suffixed(algorithm.amplification());
    let worst = Literal::f64_suffixed(to_f64(&algorithm.worst()));
    let [ins, outs] = [&input, &output].map(|matrix| Program::of(matrix).instructions());
    let [across, down] = input_names(algorithm);
    let [gather, finish] = output_names(algorithm);
    quote! {
        // SAFETY: the functions were compiled for the features of the instruction set named beside them.
        unsafe {
            ::tapwise::__private::Transform::new(
                ::tapwise::__private::Algorithm {
                    outputs: #outputs,
                    taps: #taps,
                    isa: ::tapwise::Isa::#variant,
                    lanes: #lanes,
                    filter: &[#(#filter),*],
                    amplification: #amplification,
                    worst: #worst,
                    instructions: [#ins, #outs],
                },
                #module::#across,
                #module::#down,
                #module::#gather,
                #module::#finish,
            )
        }
    }
}

/// Algorithms of the same points share the passes over inputs.
fn input_names(algorithm: &Algorithm) -> [proc_macro2::Ident; 2] {
    ["across", "down"].map(|pass| ident(&format!("{pass}_{}", algorithm.products())))
}

fn output_names(algorithm: &Algorithm) -> [proc_macro2::Ident; 2] {
    ["gather", "finish"].map(|pass| ident(&format!("{pass}_{}_{}", algorithm.outputs, algorithm.taps)))
}

/// The passes over inputs: across the pixels of rows, and down what that made.
fn input_passes(isa: &Isa, algorithm: &Algorithm, program: &Program) -> TokenStream {
    let (features, lanes, products) = (isa::features(isa), isa.lanes, algorithm.products());
    let [across, down] = input_names(algorithm);
    let Code { constants, steps } = code(program);
    let (loads, stores) = (loads(program), stores(program));
    let documentation = format!(
        " The inputs of {products} products, pixels of a row: {} instructions a vector.",
        program.instructions()
    );
    let down = down_pass(isa, program, &down, " The same, down the columns.");
    quote! {
        #[doc = #documentation]
        #features
        pub(super) fn #across(call: &mut tapwise::Across<'_, '_>) {
            #constants
            let mut at = call.at;
            for index in 0..call.count {
                let Some(row) = call.rows.get(index * call.row_step) else { return };
                let source = tapwise::Windows::<#products, #lanes>::new(row, call.from, call.step, call.vectors);
                let target =
                    tapwise::WindowsMut::<#products, #lanes>::new(call.target, at, call.plane, call.vectors);
                let (Some(source), Some(mut target)) = (source, target) else { return };
                for vector in 0..call.vectors {
                    #loads
                    #steps
                    #stores
                }
                at += #products * call.plane;
            }
        }

        #down
    }
}

/// A pass down columns of vectors, as many out as the program says.
fn down_pass(isa: &Isa, program: &Program, name: &proc_macro2::Ident, documentation: &str) -> TokenStream {
    let (features, lanes) = (isa::features(isa), isa.lanes);
    let Code { constants, steps } = code(program);
    let (loads, stores) = (loads(program), stores(program));
    let (inputs, outputs) = (program.inputs, program.outputs.len());
    quote! {
        #[doc = #documentation]
        #features
        pub(super) fn #name(call: &mut tapwise::Down<'_>) {
            #constants
            let (column_from, column_to) = (call.count * call.source_plane, call.count * call.plane);
            for column in 0..call.count {
                let (from, to) = (call.from + column * call.source_plane, call.at + column * call.plane);
                let source =
                    tapwise::Windows::<#inputs, #lanes>::new(call.source, from, column_from, call.vectors);
                let target =
                    tapwise::WindowsMut::<#outputs, #lanes>::new(call.target, to, column_to, call.vectors);
                let (Some(source), Some(mut target)) = (source, target) else { return };
                for vector in 0..call.vectors {
                    #loads
                    #steps
                    #stores
                }
            }
        }
    }
}

/// The passes over products: down the columns, and across them to pixels of the output.
fn output_passes(isa: &Isa, algorithm: &Algorithm, program: &Program) -> TokenStream {
    let (features, lanes, products) = (isa::features(isa), isa.lanes, algorithm.products());
    let [gather, finish] = output_names(algorithm);
    let Code { constants, steps } = code(program);
    let loads = loads(program);
    let pixels = algorithm.outputs;
    let names: Vec<_> = (0..pixels).map(|pixel| ident(&format!("y{pixel}"))).collect();
    let more: Vec<_> = (0..pixels).map(|pixel| ident(&format!("more{pixel}"))).collect();
    let sums = program.outputs.iter().map(|value| name(*value));
    let at: Vec<_> = (0..pixels).collect();
    let store = quote! { #(simd::store(#names, #more);)* };
    // Half a line past the caches costs more than a line through them.
    let store = if lanes * size_of::<f32>() == LINE {
        quote! { if call.stream { #(simd::stream(#names, #more);)* } else { #store } }
    } else {
        store
    };
    let documentation = format!(
        " {} outputs of {products} products, pixels of a row: {} instructions a vector.",
        algorithm.outputs,
        program.instructions()
    );
    let gather = down_pass(isa, program, &gather, &format!(" {} rows of {products}.", algorithm.outputs));
    quote! {
        #gather

        #[doc = #documentation]
        #features
        pub(super) fn #finish(call: &mut tapwise::Finishing<'_, '_, '_>) {
            #constants
            let (floor, ceiling) = (simd::splat(call.floor), simd::splat(call.ceiling));
            for row in 0..call.count {
                let at = call.first + row * call.row_step;
                let Some(output) = call.outputs.get_mut(at) else { return };
                let residual = call.residuals.get(at).copied();
                let from = call.from + row * #products * call.plane;
                let source = tapwise::Windows::<#products, #lanes>::new(call.source, from, call.plane, call.vectors);
                let Some(source) = source else { return };
                for vector in 0..call.vectors {
                    let channel = vector * #lanes;
                    let (Some(bias), slopes) = (
                        tapwise::window::<#lanes>(call.bias, channel),
                        tapwise::window::<#lanes>(call.slopes, channel),
                    ) else { return };
                    let to = call.at + channel;
                    let lanes = if vector + 1 == call.vectors { call.lanes } else { #lanes };
                    #loads
                    #steps
                    let bias = simd::load(bias);
                    #(let mut #names = simd::add(#sums, bias);)*
                    let whole = lanes == #lanes && call.columns == #pixels;
                    if let Some(residual) = residual {
                        let windows = tapwise::Windows::<#pixels, #lanes>::new(residual, to, call.step, 1);
                        match windows.and_then(|windows| windows.vectors(0)) {
                            Some([#(#more),*]) if whole => {
                                #(#names = simd::add(#names, simd::load(#more));)*
                            }
                            _ => {
                                #(
                                    let more = tapwise::run(residual, to + #at * call.step, lanes);
                                    #names = simd::add(#names, simd::load_head(more));
                                )*
                            }
                        }
                    }
                    if let Some(slopes) = slopes {
                        let slopes = simd::load(slopes);
                        #(#names = simd::leak(slopes, #names);)*
                    }
                    #(let #names = simd::min(ceiling, simd::max(floor, #names));)*
                    let windows = if whole {
                        tapwise::WindowsMut::<#pixels, #lanes>::new(output, to, call.step, 1)
                    } else {
                        None
                    };
                    if let Some(mut windows) = windows {
                        if let Some([#(#more),*]) = windows.vectors(0) {
                            #store
                        }
                    } else {
                        #(
                            if #at < call.columns {
                                let target = tapwise::run_mut(output, to + #at * call.step, lanes);
                                simd::store_head(#names, target);
                            }
                        )*
                    }
                }
            }
        }
    }
}

/// Loads the inputs of a program from a vector of each window of `source`.
fn loads(program: &Program) -> TokenStream {
    let names: Vec<_> = (0..program.inputs).map(|at| name(Value::Input(at))).collect();
    quote! {
        let Some([#(#names),*]) = source.vectors(vector) else { return };
        #(let #names = simd::load(#names);)*
    }
}

/// Stores the outputs of a program to a vector of each window of `target`.
fn stores(program: &Program) -> TokenStream {
    let targets: Vec<_> = (0..program.outputs.len()).map(|at| ident(&format!("to{at}"))).collect();
    let values = program.outputs.iter().map(|value| name(*value));
    quote! {
        let Some([#(#targets),*]) = target.vectors(vector) else { return };
        #(simd::store(#values, #targets);)*
    }
}

/// A program as text: its constants, which stay in registers, and its steps.
struct Code {
    constants: TokenStream,
    steps: TokenStream,
}

fn code(program: &Program) -> Code {
    let mut constants: Vec<Rational> = Vec::new();
    let mut constant = |factor: &Rational| {
        let at = constants.iter().position(|known| known == factor).unwrap_or_else(|| {
            constants.push(*factor);
            constants.len() - 1
        });
        ident(&format!("k{at}"))
    };
    let steps: Vec<TokenStream> = program
        .steps
        .iter()
        .enumerate()
        .map(|(at, step)| {
            let result = name(Value::Step(at));
            let value = match step {
                Step::Add(a, b) => {
                    let (a, b) = (name(*a), name(*b));
                    quote!(simd::add(#a, #b))
                }
                Step::Subtract(a, b) => {
                    let (a, b) = (name(*a), name(*b));
                    quote!(simd::subtract(#a, #b))
                }
                Step::Multiply(factor, a) => {
                    let (factor, a) = (constant(factor), name(*a));
                    quote!(simd::multiply(#factor, #a))
                }
                Step::MultiplyAdd(factor, a, b) => {
                    let (factor, a, b) = (constant(factor), name(*a), name(*b));
                    quote!(simd::mul_add(#factor, #a, #b))
                }
            };
            quote! { let #result = #value; }
        })
        .collect();
    let constants = constants.iter().enumerate().map(|(at, factor)| {
        let (name, value) = (ident(&format!("k{at}")), Literal::f32_suffixed(to_f64(factor) as f32));
        quote! { let #name = simd::splat(#value); }
    });
    Code { constants: quote! { #(#constants)* }, steps: quote! { #(#steps)* } }
}

fn name(value: Value) -> proc_macro2::Ident {
    match value {
        Value::Input(at) => ident(&format!("x{at}")),
        Value::Step(at) => ident(&format!("t{at}")),
    }
}
