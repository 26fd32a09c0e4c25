//! The coefficients that ship: nanoseconds for one of each term, by instruction set and maker of the processor.
//!
//! The columns of Zen 5 and of Emerald Rapids were fitted by `tapwise tune` on a server of each, in a guest of
//! two cores; what no sample counts (`two-pass`, `repeated`) is scaled from the first, and so are the hand-overs
//! of the second's AVX2, which were fitted on one thread. The other columns are the first, with what depends on
//! the width of vectors or on another library's kernels scaled: cycles of tiles are counted by the schedule of
//! each set already. A machine that is none of those is best tuned.

use super::{Costs, Term};
use crate::isa::Isa;
use crate::processor::Maker;

/// The coefficients for an instruction set on processors of a maker.
pub(super) fn costs(isa: Isa, maker: Maker) -> Costs {
    let column = match (isa.name(), maker) {
        ("avx512", Maker::Intel) => 1,
        ("avx512", _) => 0,
        ("avx2", Maker::Intel) => 3,
        ("avx2", _) => 2,
        ("neon", _) => 4,
        _ => 5,
    };
    Costs::new(|term| row(term)[column])
}

/// A row of the table: AVX-512 of Zen 5 and of Emerald Rapids, AVX2 scaled from the first and of Emerald Rapids,
/// NEON and portable.
#[rustfmt::skip]
fn row(term: Term) -> [f64; 6] {
    match term {
        Term::Calls                => [    49.0,     62.8,     49.0,     48.4,     49.0,     49.0],
        Term::ChannelsOut          => [   0.230,    0.337,    0.230,    0.321,    0.230,    0.230],
        Term::ChannelsOutFixed     => [   0.229,    0.339,    0.229,    0.296,    0.229,    0.229],
        Term::Depthwise            => [   0.370,    0.493,    0.370,     0.18,    0.370,    0.370],
        Term::DepthwiseFixed       => [  0.0891,    0.228,   0.0891,  0.00534,   0.0891,   0.0891],
        Term::AlongRow             => [   0.239,    0.353,    0.239,    0.334,    0.239,    0.239],
        Term::AlongRowFixed        => [   0.209,    0.272,    0.209,    0.291,    0.209,    0.209],
        Term::ChannelsOutTiles     => [    9.64,     14.7,     9.64,     5.65,     9.64,     9.64],
        Term::ChannelsOutRuns      => [  0.0177,    0.447,   0.0177,      0.0,   0.0177,   0.0177],
        Term::DepthwiseTiles       => [    12.3,     18.3,     12.3,     10.4,     12.3,     12.3],
        Term::DepthwiseRuns        => [     0.0,      0.0,      0.0,     1.74,      0.0,      0.0],
        Term::AlongRowTiles        => [    20.2,     18.3,     20.2,     1.93,     20.2,     20.2],
        Term::AlongRowRuns         => [   0.208,     1.24,    0.208,    0.783,    0.208,    0.208],
        Term::AlongRowL2           => [ 0.00462,  0.00578,  0.00462,  0.00474,  0.00462,  0.00462],
        Term::Kernels              => [    14.5,     46.6,     14.5,     92.5,     14.5,     14.5],
        Term::Rows                 => [    5.42,     14.7,     5.42,      0.0,     5.42,     5.42],
        Term::StagedRows           => [    2.44,     2.16,     2.44,     1.66,     2.44,     2.44],
        Term::StagedNumbers        => [  0.0382,     0.11,   0.0497,   0.0934,   0.0764,   0.0764],
        Term::Repeated             => [  0.0800,     0.16,    0.104,     0.16,    0.160,    0.160],
        Term::Turned               => [  0.0186,    0.128,   0.0223,   0.0474,   0.0744,   0.0744],
        Term::TurnedSingly         => [   0.203,    0.553,    0.203,    0.594,    0.203,    0.203],
        Term::Entries              => [    3.33,     3.86,     3.33,     11.2,     3.33,     3.33],
        Term::WeightsL2            => [0.000233, 0.000109, 0.000233,  0.00424, 0.000233, 0.000233],
        Term::WeightsL3            => [0.000194,   0.0387, 0.000194,  0.00854, 0.000194, 0.000194],
        Term::L3Bytes              => [ 0.00386,   0.0123,  0.00386,   0.0146,  0.00386,  0.00386],
        Term::MemoryBytes          => [  0.0412,   0.0405,   0.0412,   0.0324,   0.0412,   0.0412],
        Term::SharedMemory         => [  0.0121,   0.0311,   0.0121,    0.031,   0.0121,   0.0121],
        Term::WinogradProducts     => [   0.248,     0.41,    0.248,    0.381,    0.248,    0.248],
        Term::WinogradInstructions => [   0.247,    0.429,    0.247,    0.358,    0.247,    0.247],
        Term::WinogradMoved        => [   0.134,   0.0652,    0.134,      0.0,    0.134,    0.134],
        Term::WinogradPasses       => [    16.4,     31.4,     16.4,     36.9,     16.4,     16.4],
        Term::WinogradWeights      => [ 0.00523,   0.0443,  0.00523,   0.0736,  0.00523,  0.00523],
        Term::WinogradWeightsAgain => [ 0.00571,    0.043,  0.00571,   0.0286,  0.00571,  0.00571],
        Term::Fft                  => [   0.315,    0.541,    0.315,    0.542,    0.400,    0.315],
        Term::TwoPass              => [   0.240,     0.38,    0.240,     0.38,    0.240,    0.260],
        Term::Product              => [ 0.00773,   0.0114,   0.0155,   0.0115,   0.0464,    0.124],
        Term::ProductRagged        => [   0.550,   0.0744,    0.825,     0.18,     1.10,     1.65],
        Term::ProductCalls         => [    17.6,     56.3,     17.6,      0.0,     17.6,     17.6],
        Term::ProductPatches       => [  0.0524,   0.0855,   0.0786,   0.0699,    0.105,    0.157],
        Term::ProductWeights       => [     0.0,      0.0,      0.0,      0.0,      0.0,      0.0],
        Term::Patches              => [  0.0414,    0.145,   0.0497,    0.196,   0.0621,   0.0621],
        Term::PatchRuns            => [    2.62,     4.51,     2.62,     5.35,     2.62,     2.62],
        Term::Finished             => [   0.433,    0.194,    0.520,    0.205,    0.649,    0.649],
        Term::FinishedPixels       => [    1.09,     2.46,     1.09,      1.1,     1.09,     1.09],
        Term::NaiveProducts        => [   0.479,    0.983,    0.479,     1.06,    0.479,    0.479],
        Term::NaiveOutputs         => [    13.9,     20.5,     13.9,     28.9,     13.9,     13.9],
        Term::HandOvers            => [     0.0,      0.0,      0.0,      0.0,      0.0,      0.0],
        Term::Bands                => [  2120.9,   2444.8,   2120.9,   2440.0,   2120.9,   2120.9],
    }
}
