//! Snapshots of what is decided and of what is written: a change to a schedule or to an expansion
//! shows itself here, to be looked at.

use proc_macro2::TokenStream;
use quote::quote;

use crate::schedule::{Body, Schedule};
use crate::{check, emit, isa, parse};

/// Everything that an annotation with these arguments expands to, as formatted source; what is
/// written for one instruction set only, where one is named.
fn expansion(arguments: TokenStream, only: Option<&str>) -> String {
    let (request, mistakes) = parse::attribute(arguments);
    let (item, mistakes) = parse::unit_struct(quote! { pub struct Layer; }, mistakes);
    let geometry = check::one(&request, mistakes).expect("a sound annotation");
    let tokens = emit::annotated(&item, &geometry);
    let mut file: syn::File = syn::parse2(tokens).expect("the expansion is a file");
    let Some(only) = only else { return prettyplease::unparse(&file) };
    let module =
        modules(&file).into_iter().find(|module| module.ident == only).expect("a module for each set");
    file.attrs = Vec::new();
    file.items = vec![syn::Item::Mod(module)];
    prettyplease::unparse(&file)
}

/// The modules of kernels inside the expansion's anonymous constant.
fn modules(file: &syn::File) -> Vec<syn::ItemMod> {
    let blocks = file.items.iter().filter_map(|item| match item {
        syn::Item::Const(constant) => match &*constant.expr {
            syn::Expr::Block(block) => Some(&block.block.stmts),
            _ => None,
        },
        _ => None,
    });
    blocks
        .flatten()
        .filter_map(|statement| match statement {
            syn::Stmt::Item(syn::Item::Mod(module)) => Some(module.clone()),
            _ => None,
        })
        .collect()
}

#[test]
fn the_expansion_of_an_unrolled_shape() {
    // 1x1, so that all of it can be read.
    insta::assert_snapshot!(expansion(quote! { delta = 0, c_in = 2, c_out = 16 }, Some("avx512")));
}

#[test]
fn the_expansion_of_a_looped_shape() {
    insta::assert_snapshot!(expansion(quote! { delta = 1, c_in = 64, c_out = 64 }, Some("avx2")));
}

#[test]
fn the_expansion_of_a_ragged_shape_with_groups() {
    insta::assert_snapshot!(expansion(
        quote! { kernel = [3, 1], stride = [1, 2], groups = 2, c_in = 8, c_out = 6 },
        Some("neon")
    ));
}

#[test]
fn the_expansion_of_a_depthwise_shape() {
    // 24 channels: the second vector overlaps the first.
    insta::assert_snapshot!(expansion(
        quote! { kernel = [2, 3], stride = 2, groups = 24, c_in = 24, c_out = 24 },
        Some("avx512")
    ));
}

#[test]
fn the_expansion_of_a_shape_along_the_row() {
    insta::assert_snapshot!(expansion(
        quote! { kernel = [2, 2], c_in = 2, c_out = 1 },
        Some("along_row_avx512")
    ));
}

/// What surrounds the kernels: the struct, the statics, `layer` and its documentation.
#[test]
fn the_expansion_around_the_kernels() {
    let whole = expansion(quote! { delta = 1, c_in = 3, c_out = 16 }, None);
    let mut file: syn::File = syn::parse_file(&whole).expect("formatted source is a file");
    for item in &mut file.items {
        if let syn::Item::Const(constant) = item
            && let syn::Expr::Block(block) = &mut *constant.expr
        {
            for statement in &mut block.block.stmts {
                if let syn::Stmt::Item(syn::Item::Mod(module)) = statement {
                    module.content = Some((syn::token::Brace::default(), Vec::new()));
                }
            }
        }
    }
    insta::assert_snapshot!(prettyplease::unparse(&file));
}

#[test]
fn every_expansion_is_a_file_with_a_module_for_each_instruction_set() {
    for arguments in [
        quote! { delta = 1, c_in = 3, c_out = 16 },
        quote! { delta = 3, c_in = 512, c_out = 512, stride = 2 },
        quote! { kernel = [1, 127], c_in = 1, c_out = 1, dilation = 3 },
        quote! { kernel = [2, 5], c_in = 40, c_out = 120, groups = 40 },
    ] {
        let whole = expansion(arguments, None);
        let file = syn::parse_file(&whole).expect("formatted source is a file");
        let names: Vec<String> = modules(&file).iter().map(|module| module.ident.to_string()).collect();
        let (along, names): (Vec<_>, Vec<_>) =
            names.into_iter().partition(|name| name.starts_with("along_row_"));
        // Which sets have one more depends on their lanes.
        let of_a_set = |name: &String| isa::ALL.iter().any(|isa| *name == format!("along_row_{}", isa.name));
        assert!(along.iter().all(of_a_set), "{along:?}");
        assert_eq!(names, isa::ALL.iter().map(|isa| isa.name).collect::<Vec<_>>());
    }
}

/// Schedules of shapes that matter, one line for each panel: tiles with how they are written.
#[test]
fn schedules() {
    let shapes = [
        quote! { delta = 1, c_in = 3, c_out = 16 },
        quote! { delta = 1, c_in = 3, c_out = 28 },
        quote! { delta = 1, c_in = 16, c_out = 16 },
        quote! { delta = 1, c_in = 64, c_out = 64 },
        quote! { delta = 1, c_in = 256, c_out = 256 },
        quote! { delta = 2, c_in = 24, c_out = 24 },
        quote! { kernel = [7, 7], stride = 2, c_in = 3, c_out = 64 },
        quote! { delta = 0, c_in = 64, c_out = 256 },
        quote! { delta = 1, dilation = 2, c_in = 32, c_out = 40 },
        quote! { delta = 1, groups = 32, c_in = 32, c_out = 32 },
        quote! { delta = 1, groups = 512, c_in = 512, c_out = 512 },
        quote! { delta = 2, groups = 120, c_in = 120, c_out = 120 },
        quote! { delta = 1, groups = 20, c_in = 20, c_out = 40 },
        quote! { delta = 1, groups = 32, c_in = 128, c_out = 128 },
        quote! { delta = 1, c_in = 1, c_out = 1 },
        quote! { delta = 1, c_in = 3, c_out = 4 },
        quote! { delta = 1, groups = 3, c_in = 3, c_out = 3 },
    ];
    let mut text = String::new();
    for shape in shapes {
        let (request, mistakes) = parse::attribute(shape);
        let geometry = check::one(&request, mistakes).expect("a sound annotation");
        text += &format!("{}\n", geometry.name());
        for isa in isa::ALL {
            for schedule in Schedule::all(&geometry, isa) {
                text += &format!(
                    "  {:<9} {:?}, window {}, {} multiply-adds in all\n",
                    isa.name,
                    schedule.family,
                    schedule.window,
                    schedule.fmas()
                );
                for panels in &schedule.panels {
                    let tiles: Vec<String> = panels
                        .tiles
                        .iter()
                        .map(|tile| match tile.body {
                            Body::Unrolled { fmas } if tile.rows > 1 => {
                                format!("{} rows by {} unrolled to {fmas}", tile.rows, tile.pixels)
                            }
                            Body::Unrolled { fmas } => format!("{} unrolled to {fmas}", tile.pixels),
                            Body::Loops { steps, .. } if tile.rows > 1 => {
                                format!("{} rows by {} in loops of {steps}", tile.rows, tile.pixels)
                            }
                            Body::Loops { steps, .. } => format!("{} in loops of {steps}", tile.pixels),
                        })
                        .collect();
                    let count = panels.count.unwrap_or(0);
                    text +=
                        &format!("    {count} panels of {} vectors: {}\n", panels.vectors, tiles.join("; "));
                }
            }
        }
    }
    insta::assert_snapshot!(text);
}
