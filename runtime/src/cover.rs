//! How register tiles cover a row of pixels.

use crate::kernel::{MOST_TILES, Panels, Tile};

/// How often each tile runs so that `width` pixels are covered at the least predicted cost. The
/// last tiles may overlap: what is computed twice is computed alike.
pub(crate) fn cover(width: usize, tiles: &[Tile]) -> [usize; MOST_TILES] {
    // Beyond a few tiles the cheapest one for each pixel does the bulk.
    const EXACT: usize = 96;
    let mut counts = [0; MOST_TILES];
    let cheapest = tiles
        .iter()
        .enumerate()
        .filter(|(_, tile)| tile.pixels <= width)
        .min_by(|(_, a), (_, b)| (a.cycles / a.pixels as f32).total_cmp(&(b.cycles / b.pixels as f32)));
    let Some((bulk, tile)) = cheapest else { return counts };
    let in_bulk = width.saturating_sub(EXACT) / tile.pixels;
    counts[bulk] = in_bulk;
    let rest = width - in_bulk * tile.pixels;

    // best[n]: the least cost of covering n pixels, and the tile that comes last. No tile of a row is
    // wider than that leaves room for.
    let mut best = [(0.0f32, 0usize); 2 * EXACT];
    debug_assert!(rest < best.len(), "a tile of {} pixels", tile.pixels);
    let rest = rest.min(best.len() - 1);
    for pixels in 1..=rest {
        best[pixels] = tiles
            .iter()
            .enumerate()
            .filter(|(_, tile)| tile.pixels <= width)
            .map(|(index, tile)| (best[pixels.saturating_sub(tile.pixels)].0 + tile.cycles, index))
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .unwrap_or_default();
    }
    let mut left = rest;
    while left > 0 {
        let (_, index) = best[left];
        counts[index] += 1;
        left = left.saturating_sub(tiles[index].pixels);
    }
    counts
}

/// Predicted cycles, for one tap of one input channel, of a row of `width` pixels in all panels:
/// `counts` says how many there are of each kind.
pub(crate) fn cost(width: usize, panels: &[Panels], counts: &[usize]) -> f64 {
    let kinds = panels.iter().zip(counts).map(|(panels, count)| {
        let tiling = cover(width, panels.tiles);
        let tiles = tiling.iter().zip(panels.tiles);
        *count as f64 * tiles.map(|(n, tile)| *n as f64 * f64::from(tile.cycles)).sum::<f64>()
    });
    kinds.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TILES: [Tile; 4] = [
        Tile { pixels: 8, rows: 1, cycles: 8.5 },
        Tile { pixels: 7, rows: 1, cycles: 7.5 },
        Tile { pixels: 4, rows: 1, cycles: 5.0 },
        Tile { pixels: 1, rows: 1, cycles: 4.0 },
    ];

    #[test]
    fn tiles_cover_every_width_and_none_is_wider_than_the_row() {
        for width in 1..600 {
            let counts = cover(width, &TILES);
            let covered: usize = counts.iter().zip(TILES).map(|(count, tile)| count * tile.pixels).sum();
            assert!(covered >= width, "{width}: {counts:?}");
            for (count, tile) in counts.iter().zip(TILES) {
                assert!(*count == 0 || tile.pixels <= width, "{width}: {counts:?}");
            }
        }
    }

    #[test]
    fn widths_that_tiles_divide_are_covered_exactly() {
        assert_eq!(cover(56, &TILES), [7, 0, 0, 0, 0]);
        assert_eq!(cover(14, &TILES), [0, 2, 0, 0, 0]);
        assert_eq!(cover(15, &TILES), [1, 1, 0, 0, 0]);
    }

    #[test]
    fn panels_cost_what_their_tiles_cost() {
        let panels = [Panels { vectors: 1, count: Some(3), tiles: &TILES }];
        assert_eq!(cost(15, &panels, &[3, 0]), 48.0);
    }
}
