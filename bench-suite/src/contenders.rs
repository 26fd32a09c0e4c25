//! Who competes: one row for each strategy. A new strategy is a row here and nothing else.

use tapwise::Strategy;

/// A way of computing a problem.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contender {
    /// What the library is asked for.
    pub strategy: Strategy,
    /// The name in plots.
    pub label: &'static str,
    /// What it is, in a few words.
    pub what: &'static str,
}

/// The planner's own choice.
pub const AUTO: Contender =
    Contender { strategy: Strategy::Auto, label: "auto", what: "what the planner chooses" };

/// Fast Fourier transforms, which compete where filters are large.
pub const FFT: Contender = Contender {
    strategy: Strategy::Fft,
    label: "FFT",
    what: "rows transformed, spectra summed down the columns, transformed back",
};

/// Every strategy, the simplest first.
pub const ALL: [Contender; 5] = [
    Contender {
        strategy: Strategy::Naive,
        label: "naive",
        what: "the loops of the definition, summed in f64",
    },
    Contender {
        strategy: Strategy::Im2colGemm,
        label: "im2col + GEMM",
        what: "patches copied into a matrix, multiplied by a library",
    },
    Contender {
        strategy: Strategy::Direct,
        label: "direct",
        what: "register-tiled kernels, channel counts known at run time",
    },
    Contender {
        strategy: Strategy::Specialized,
        label: "specialized",
        what: "kernels generated while compiling for exactly this shape",
    },
    Contender {
        strategy: Strategy::Winograd,
        label: "Winograd",
        what: "tiles of outputs by fewer products, with transforms before and after",
    },
];

/// Those that compete for the shares of the peak.
pub const FAST: [Strategy; 2] = [Strategy::Specialized, Strategy::Direct];

/// The row of a strategy.
#[must_use]
pub fn of(strategy: Strategy) -> Option<&'static Contender> {
    ALL.iter().find(|contender| contender.strategy == strategy)
}
