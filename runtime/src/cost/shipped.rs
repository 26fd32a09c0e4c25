//! The coefficients that ship: nanoseconds for one of each term, by instruction set.

use super::{Costs, Term};
use crate::isa::Isa;

/// The coefficients for an instruction set.
pub(super) fn costs(isa: Isa) -> Costs {
    let column = match isa.name() {
        "avx512" => 0,
        "avx2" => 1,
        "neon" => 2,
        _ => 3,
    };
    Costs::new(|term| row(term)[column])
}

/// A row of the table: AVX-512, AVX2, NEON and portable.
#[rustfmt::skip]
fn row(term: Term) -> [f64; 4] {
    match term {
        Term::Calls            => [ 50.0,   50.0,   50.0,   50.0  ],
        Term::ChannelsOut      => [  0.28,   0.28,   0.28,   0.28 ],
        Term::ChannelsOutFixed => [  0.28,   0.28,   0.28,   0.28 ],
        Term::Depthwise        => [  0.28,   0.28,   0.28,   0.28 ],
        Term::DepthwiseFixed   => [  0.28,   0.28,   0.28,   0.28 ],
        Term::AlongRow         => [  0.28,   0.28,   0.28,   0.28 ],
        Term::AlongRowFixed    => [  0.28,   0.28,   0.28,   0.28 ],
        Term::ChannelsOutTiles => [  8.0,    8.0,    8.0,    8.0  ],
        Term::ChannelsOutRuns  => [  0.8,    0.8,    0.8,    0.8  ],
        Term::DepthwiseTiles   => [  8.0,    8.0,    8.0,    8.0  ],
        Term::DepthwiseRuns    => [  0.8,    0.8,    0.8,    0.8  ],
        Term::AlongRowTiles    => [  8.0,    8.0,    8.0,    8.0  ],
        Term::AlongRowRuns     => [  0.8,    0.8,    0.8,    0.8  ],
        Term::AlongRowL2       => [  0.005,  0.005,  0.005,  0.005],
        Term::Kernels          => [ 30.0,   30.0,   30.0,   30.0  ],
        Term::Rows             => [  3.0,    3.0,    3.0,    3.0  ],
        Term::StagedRows       => [  5.0,    5.0,    5.0,    5.0  ],
        Term::StagedNumbers    => [  0.03,   0.03,   0.03,   0.03 ],
        Term::Repeated         => [  0.08,   0.08,   0.08,   0.08 ],
        Term::Turned           => [  0.045,  0.045,  0.13,   0.13 ],
        Term::TurnedSingly     => [  0.26,   0.26,   0.26,   0.26 ],
        Term::Entries          => [  2.0,    2.0,    2.0,    2.0  ],
        Term::WeightsL2        => [  0.002,  0.002,  0.002,  0.002],
        Term::WeightsL3        => [  0.02,   0.02,   0.02,   0.02 ],
        Term::L3Bytes          => [  0.01,   0.01,   0.01,   0.01 ],
        Term::MemoryBytes      => [  0.05,   0.05,   0.05,   0.05 ],
        Term::SharedMemory     => [  0.05,   0.05,   0.05,   0.05 ],
        Term::Product          => [  0.0055, 0.011,  0.03,   0.09 ],
        Term::ProductCalls     => [500.0,  500.0,  500.0,  500.0  ],
        Term::ProductPatches   => [  0.1,    0.1,    0.1,    0.1  ],
        Term::ProductWeights   => [  0.1,    0.1,    0.1,    0.1  ],
        Term::Patches          => [  0.1,    0.1,    0.1,    0.1  ],
        Term::PatchRuns        => [  1.0,    1.0,    1.0,    1.0  ],
        Term::Finished         => [  0.1,    0.1,    0.1,    0.1  ],
        Term::FinishedPixels   => [  1.0,    1.0,    1.0,    1.0  ],
        Term::NaiveProducts    => [  1.4,    1.4,    1.4,    1.4  ],
        Term::NaiveOutputs     => [  3.0,    3.0,    3.0,    3.0  ],
        Term::HandOvers        => [8000.0, 8000.0, 8000.0, 8000.0 ],
        Term::Bands            => [500.0,  500.0,  500.0,  500.0  ],
    }
}
