//! The one home of the packed-weight index formula. Generated code asserts while compiling that it
//! reads weights where this puts them.
//!
//! A group of output channels is cut into panels of a few vectors. A panel lies in memory as its
//! *steps*, in the order `[a][b / window][c]`; a step as `[b % window][vector][lane]`. Channels
//! beyond the last are zeros.

/// The step of a panel, and the tap within the step, that hold the weights of `[a, b, c]`.
#[must_use]
pub const fn step(
    kernel_columns: usize,
    window: usize,
    channels: usize,
    [a, b, c]: [usize; 3],
) -> (usize, usize) {
    (((a * (kernel_columns / window)) + b / window) * channels + c, b % window)
}

/// Where a panel of `width` channels of the along-the-row family has the weight of `[a, b, c]` and a
/// channel of its own: `[c][a / window][b][a % window][channel]`, where a window is as many rows of
/// the filter as a step takes.
#[must_use]
pub const fn planar(
    [rows, columns]: [usize; 2],
    (window, width): (usize, usize),
    [a, b, c]: [usize; 3],
    channel: usize,
) -> usize {
    let step = (c * (rows / window) + a / window) * columns + b;
    (step * window + a % window) * width + channel
}

/// Panels of one width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Width {
    /// Vectors of a panel.
    pub(crate) vectors: usize,
    /// Panels of this width in one group.
    pub(crate) count: usize,
}

/// `vectors` as panels of at most `widest`, as even as possible, widest first.
pub(crate) fn split(vectors: usize, widest: usize) -> [Width; 2] {
    let panels = vectors.div_ceil(widest);
    let (width, wider) = (vectors / panels, vectors % panels);
    [Width { vectors: width + 1, count: wider }, Width { vectors: width, count: panels - wider }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tap_has_its_own_place() {
        let (rows, columns, channels) = (3, 6, 4);
        for window in [1, 2, 3, 6] {
            let mut seen = std::collections::HashSet::new();
            for a in 0..rows {
                for b in 0..columns {
                    for c in 0..channels {
                        let (step, tap) = step(columns, window, channels, [a, b, c]);
                        assert!(tap < window && step < rows * columns * channels / window);
                        assert!(seen.insert((step, tap)));
                    }
                }
            }
        }
    }
}
