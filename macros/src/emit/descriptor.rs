//! What a kernel says of itself to the library.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::ident;
use crate::geometry::Geometry;
use crate::schedule::{Family, MAX_KINDS, PHASES, Schedule, Target, depthwise, phases};

/// The descriptor of the kernel: an expression of type `Kernel`.
pub(super) fn descriptor(schedule: &Schedule) -> TokenStream {
    let name = schedule.name();
    let reason = &schedule.reason;
    let variant = ident(schedule.isa.variant);
    let module = ident(&schedule.module());
    let family = ident(schedule.family.variant());
    let fmas = schedule.fmas();
    let (window, lanes) = (schedule.window, schedule.isa.lanes);
    let geometry = match &schedule.target {
        Target::Fixed(geometry) => {
            let numbers = numbers(geometry);
            quote! { Some(#numbers) }
        }
        Target::RunTime => quote! { None },
    };
    let row_stride = match schedule.row_stride {
        Some(stride) => quote!(Some(#stride)),
        None => quote!(None),
    };
    let reads_pixels = schedule.family == Family::AlongRow
        && match &schedule.target {
            Target::Fixed(geometry) => phases(geometry, &schedule.isa).is_some(),
            Target::RunTime => true,
        };
    let phases = if reads_pixels { PHASES } else { 0 };
    let beside = match &schedule.target {
        Target::Fixed(geometry) => schedule.family == Family::Depthwise && depthwise::beside(geometry),
        Target::RunTime => false,
    };
    assert!(schedule.panels.len() <= MAX_KINDS, "a schedule has at most {MAX_KINDS} kinds of panels");
    let panels = schedule.panels.iter().map(|panels| {
        let vectors = panels.vectors;
        let count = match panels.count {
            Some(count) => quote!(Some(#count)),
            None => quote!(None),
        };
        let tiles = panels.tiles.iter().map(|tile| {
            let (pixels, rows) = (tile.pixels, tile.rows);
            // Sixteenths are precise enough, and none looks like a rounded π to a lint.
            let cycles = Literal::f32_suffixed(((tile.cycles * 16.0).round() / 16.0) as f32);
            quote! { ::tapwise::__private::Tile { pixels: #pixels, rows: #rows, cycles: #cycles } }
        });
        quote! {
            ::tapwise::__private::Panels { vectors: #vectors, count: #count, tiles: &[#(#tiles),*] }
        }
    });
    quote! {
        // SAFETY: the function was compiled for the features of the instruction set named beside
        // it, and reads weights by the packing named beside it.
        unsafe {
            ::tapwise::__private::Kernel::new(
                ::tapwise::__private::Description {
                    name: #name,
                    reason: #reason,
                    family: ::tapwise::__private::Family::#family,
                    isa: ::tapwise::Isa::#variant,
                    geometry: #geometry,
                    lanes: #lanes,
                    window: #window,
                    row_stride: #row_stride,
                    phases: #phases,
                    beside: #beside,
                    panels: &[#(#panels),*],
                    fmas: #fmas,
                },
                #module::run,
            )
        }
    }
}

/// The numbers of a geometry as the library's own `Geometry`.
pub(super) fn numbers(geometry: &Geometry) -> TokenStream {
    let Geometry { kernel: [kh, kw], stride: [sh, sw], dilation: [dh, dw], groups, c_in, c_out } = geometry;
    quote! {
        ::tapwise::__private::Geometry {
            kernel: [#kh, #kw],
            stride: [#sh, #sw],
            dilation: [#dh, #dw],
            groups: #groups,
            c_in: #c_in,
            c_out: #c_out,
        }
    }
}
