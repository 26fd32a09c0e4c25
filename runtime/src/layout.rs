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
/// channel of its own: `[c][section][b][a in the section][channel]`. A section is some neighbouring rows
/// of the filter, at most `window`; they are as even as possible, the longest first.
#[must_use]
pub const fn planar(
    [rows, columns]: [usize; 2],
    (window, width): (usize, usize),
    [a, b, c]: [usize; 3],
    channel: usize,
) -> usize {
    let sections = rows.div_ceil(window);
    let (least, longer) = (rows / sections, rows % sections);
    let (size, begin) = if a < longer * (least + 1) {
        (least + 1, a - a % (least + 1))
    } else {
        let after = a - longer * (least + 1);
        (least, a - after % least)
    };
    ((c * rows + begin) * columns + b * size + a - begin) * width + channel
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

    #[test]
    fn every_tap_of_a_row_kernel_has_its_own_place_and_sections_are_whole() {
        let (columns, channels, width) = (3, 2, 2);
        for rows in 1..34 {
            for window in [1, 3, 8, rows] {
                let at = |tap, channel| planar([rows, columns], (window, width), tap, channel);
                let mut seen = vec![false; rows * columns * channels * width];
                for (a, b, c, channel) in (0..rows).flat_map(|a| {
                    (0..columns).flat_map(move |b| {
                        (0..channels).flat_map(move |c| (0..width).map(move |channel| (a, b, c, channel)))
                    })
                }) {
                    assert!(!std::mem::replace(&mut seen[at([a, b, c], channel)], true));
                }
                // Sections as the kernels are written for: as even as rows divide, the longest first.
                let sections = split(rows, window);
                let mut begin = 0;
                for Width { vectors: size, count } in sections {
                    for _ in 0..count {
                        assert!(size <= window);
                        assert_eq!(at([begin, 0, 0], 0), begin * columns * width);
                        assert_eq!(at([begin + size - 1, 1, 0], 0), (begin * columns + 2 * size - 1) * width);
                        begin += size;
                    }
                }
                assert_eq!(begin, rows);
            }
        }
    }
}
