//! Which tiles ask for weights ahead of their use, and the code that does.

use proc_macro2::TokenStream;
use quote::quote;

use crate::schedule::{Body, Panels, Schedule, Target, Tile};

/// Bytes of weights from which kernels of fixed shapes ask for them ahead: fewer stay in the second-level cache.
const FAR: usize = 1 << 20;

/// Whether a tile asks for weights of the next panel, which may be far, while it multiplies by those of its own:
/// where weights may be many, and where it makes so many multiply-adds that it has loads to spare.
pub(super) fn fetches_ahead(schedule: &Schedule, panels: &Panels, tile: &Tile) -> bool {
    let many = match &schedule.target {
        Target::Fixed(geometry) => size_of::<f32>() * geometry.taps() * geometry.c_out > FAR,
        Target::RunTime => true,
    };
    let looped = matches!(tile.body, Body::Loops { .. });
    many && looped && schedule.isa.unroll > 0 && panels.vectors >= 2 && tile.pixels >= 4
}

/// What a tile that asks for weights ahead has besides: an argument, what precedes its loops, and what each step
/// begins with.
pub(super) fn ahead(schedule: &Schedule, panels: &Panels, tile: &Tile) -> [TokenStream; 3] {
    if !fetches_ahead(schedule, panels, tile) {
        return Default::default();
    }
    [
        quote!(ahead: tapwise::Ahead<'_>,),
        quote!(let mut soon = ahead.from;),
        quote! {
            simd::prefetch::<1>(ahead.weights, soon);
            soon += ahead.step;
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Geometry;
    use crate::isa::ALL;

    /// Pixels of the tiles that ask for weights, of a 3x3 layer of so many channels.
    fn asking(channels: usize, isa: &str) -> Vec<usize> {
        let isa = ALL.iter().find(|known| known.name == isa).unwrap();
        let geometry = Geometry {
            kernel: [3, 3],
            stride: [1, 1],
            dilation: [1, 1],
            groups: 1,
            c_in: channels,
            c_out: channels,
        };
        let schedule = Schedule::choose(&geometry, isa);
        let panels = schedule.panels.iter();
        let tiles = panels.flat_map(|panels| panels.tiles.iter().map(move |tile| (panels, tile)));
        tiles
            .filter(|(panels, tile)| fetches_ahead(&schedule, panels, tile))
            .map(|(_, tile)| tile.pixels)
            .collect()
    }

    #[test]
    fn tiles_with_loads_to_spare_ask_where_weights_are_many() {
        assert_eq!(asking(512, "avx512"), [12, 8, 7, 4]);
        assert!(!asking(512, "avx2").is_empty());
        assert!(asking(64, "avx512").is_empty());
        assert!(asking(512, "portable").is_empty());
    }
}
