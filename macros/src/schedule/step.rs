//! What one step of a tile touches and costs.

use crate::geometry::Geometry;
use crate::isa::Isa;

/// Cycles from a multiply-add to the next one that needs its sum.
pub(super) const LATENCY: f64 = 4.0;

/// Bytes of weights that arrive from the second-level cache in a cycle.
const WEIGHT_BYTES: f64 = 40.0;

/// One step of one tile, and what it costs.
pub(super) struct Step {
    pub(super) pixels: usize,
    pub(super) vectors: usize,
    pub(super) window: usize,
    pub(super) positions: usize,
    pub(super) lanes: usize,
}

impl Step {
    pub(super) fn of(geometry: &Geometry, isa: &Isa, pixels: usize, vectors: usize, window: usize) -> Step {
        let positions = positions(geometry.stride[1], geometry.dilation[1], pixels, window).len();
        Step { pixels, vectors, window, positions, lanes: isa.lanes }
    }

    pub(super) fn fmas(&self) -> usize {
        self.pixels * self.vectors * self.window
    }

    /// Two multiply-adds and two loads a cycle; sums that wait for one another; weights that
    /// stream from the second-level cache; and a little for everything that is issued.
    pub(super) fn cycles(&self) -> f64 {
        let weights = (self.window * self.vectors) as f64;
        let loads = weights + self.positions as f64;
        let arithmetic = self.fmas() as f64 / 2.0;
        // A sum that takes several taps in a step waits for itself between them; what else there is
        // to do meanwhile has to fit the processor's window.
        let waiting = LATENCY * if self.window == 1 { 1.0 } else { 1.6 * self.window as f64 };
        let streaming = weights * self.lanes as f64 * 4.0 / WEIGHT_BYTES;
        arithmetic.max(loads / 2.0).max(waiting).max(streaming) + 0.04 * loads + 0.5
    }
}

/// The input columns that a step touches, each with the `(pixel, tap)` pairs that it serves:
/// `pixel * stride + tap * dilation`.
pub(crate) fn positions(
    stride: usize,
    dilation: usize,
    pixels: usize,
    window: usize,
) -> Vec<(usize, Vec<(usize, usize)>)> {
    let mut served = std::collections::BTreeMap::<usize, Vec<(usize, usize)>>::new();
    for tap in 0..window {
        for pixel in 0..pixels {
            served.entry(pixel * stride + tap * dilation).or_default().push((pixel, tap));
        }
    }
    served.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_share_columns_where_taps_overlap() {
        assert_eq!(positions(1, 1, 8, 3).len(), 10);
        assert_eq!(positions(2, 1, 8, 3).len(), 17);
        assert_eq!(positions(1, 2, 8, 3).len(), 12);
        assert_eq!(positions(3, 1, 4, 3).len(), 12);
        let pairs: usize = positions(2, 3, 5, 4).iter().map(|(_, served)| served.len()).sum();
        assert_eq!(pairs, 20);
    }
}
