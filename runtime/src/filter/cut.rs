//! How rows of output are cut into runs.

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
    /// Strips between the ends; one that would be short is part of the one before.
    pub(super) fn strips(self) -> usize {
        ((self.length - self.left - self.right) / self.strip).max(1)
    }

    pub(super) fn runs(self) -> impl Iterator<Item = Run> {
        let Cut { left, right, strip, length } = self;
        let (end, strips) = (length - right, self.strips());
        let strips = (0..strips).map(move |at| {
            let from = left + at * strip;
            let to = if at + 1 == strips { end } else { from + strip };
            Run { from, length: to - from, padded: left == 0 && right == 0 && length == end }
        });
        let first = Run { from: 0, length: left, padded: true };
        let last = Run { from: end, length: right, padded: true };
        std::iter::once(first).chain(strips).chain([last]).filter(|run| run.length > 0)
    }
}
