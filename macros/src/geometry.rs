//! The numbers of a convolution that are known while compiling, and what follows from them.

/// Kernel, stride, dilation, groups and channels: numbers only.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Geometry {
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: [usize; 2],
    pub(crate) dilation: [usize; 2],
    pub(crate) groups: usize,
    pub(crate) c_in: usize,
    pub(crate) c_out: usize,
}

impl Geometry {
    /// Input channels of one group.
    pub(crate) fn c_in_group(&self) -> usize {
        self.c_in / self.groups
    }

    /// Output channels of one group.
    pub(crate) fn c_out_group(&self) -> usize {
        self.c_out / self.groups
    }

    /// Products that are summed for one output.
    pub(crate) fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1] * self.c_in_group()
    }

    /// Input rows from the first to the last that one output row reads.
    pub(crate) fn rows(&self) -> usize {
        (self.kernel[0] - 1) * self.dilation[0] + 1
    }

    /// The name of the shape in kernel names: `3x3s1c3x16`, with dilation and groups where they
    /// are not 1.
    pub(crate) fn name(&self) -> String {
        let [height, width] = self.kernel;
        let [down, across] = self.stride;
        let stride = if down == across { format!("s{down}") } else { format!("s{down}x{across}") };
        let [d_down, d_across] = self.dilation;
        let dilation = match (d_down, d_across) {
            (1, 1) => String::new(),
            (down, across) if down == across => format!("d{down}"),
            (down, across) => format!("d{down}x{across}"),
        };
        let groups = if self.groups == 1 { String::new() } else { format!("g{}", self.groups) };
        format!("{height}x{width}{stride}{dilation}{groups}c{}x{}", self.c_in, self.c_out)
    }
}
