//! How rows of output are cut into runs.

use std::ops::Range;

/// Parts of `size` numbers of so many; one that would be short is part of the one before.
pub(super) fn parts(length: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    let count = (length / size).max(1);
    (0..count).map(move |at| at * size..if at + 1 == count { length } else { (at + 1) * size })
}

/// A run of numbers of a row of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// Where it begins.
    pub(super) from: usize,
    pub(super) length: usize,
    /// Whether terms that are rows of the picture read padded copies of them.
    pub(super) padded: bool,
}

/// How rows of output are cut: runs at both ends that see what is beyond the picture, and strips between
/// them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    /// Numbers of the first run, or none.
    pub(super) left: usize,
    /// Numbers of the last run, or none.
    pub(super) right: usize,
    /// Numbers of a strip.
    pub(super) strip: usize,
    /// Numbers that are computed: more than the output has where that is narrower than a tile.
    pub(super) length: usize,
}

impl Cut {
    /// Strips between the ends.
    pub(super) fn strips(self) -> usize {
        parts(self.length - self.left - self.right, self.strip).count()
    }

    pub(super) fn runs(self) -> impl Iterator<Item = Run> {
        let Cut { left, right, strip, length } = self;
        let end = length - right;
        let strips = parts(end - left, strip).map(move |part| {
            let padded = left == 0 && right == 0 && length == end;
            Run { from: left + part.start, length: part.len(), padded }
        });
        let first = Run { from: 0, length: left, padded: true };
        let last = Run { from: end, length: right, padded: true };
        std::iter::once(first).chain(strips).chain([last]).filter(|run| run.length > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_follow_one_another_and_none_is_short() {
        for (length, size) in [(1, 4), (4, 4), (7, 4), (8, 4), (1000, 64)] {
            let parts: Vec<_> = parts(length, size).collect();
            assert_eq!((parts[0].start, parts.last().unwrap().end), (0, length));
            assert!(parts.windows(2).all(|pair| pair[0].end == pair[1].start));
            assert!(parts.iter().all(|part| part.len() >= size.min(length) && part.len() < 2 * size));
        }
    }
}
