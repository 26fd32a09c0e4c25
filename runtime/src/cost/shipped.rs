//! The coefficients that ship: nanoseconds for one of each term, by instruction set.
//!
//! The first column was fitted by `tapwise tune` on a Zen 5 server. The others are that column, with what
//! depends on the width of vectors or on another library's kernels scaled: cycles of tiles are counted by
//! the schedule of each set already. A machine whose best set is another is best tuned.

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
        Term::Calls                => [    49.0,     49.0,     49.0,     49.0],
        Term::ChannelsOut          => [   0.230,    0.230,    0.230,    0.230],
        Term::ChannelsOutFixed     => [   0.229,    0.229,    0.229,    0.229],
        Term::Depthwise            => [   0.370,    0.370,    0.370,    0.370],
        Term::DepthwiseFixed       => [  0.0891,   0.0891,   0.0891,   0.0891],
        Term::AlongRow             => [   0.239,    0.239,    0.239,    0.239],
        Term::AlongRowFixed        => [   0.209,    0.209,    0.209,    0.209],
        Term::ChannelsOutTiles     => [    9.64,     9.64,     9.64,     9.64],
        Term::ChannelsOutRuns      => [  0.0177,   0.0177,   0.0177,   0.0177],
        Term::DepthwiseTiles       => [    12.3,     12.3,     12.3,     12.3],
        Term::DepthwiseRuns        => [     0.0,      0.0,      0.0,      0.0],
        Term::AlongRowTiles        => [    20.2,     20.2,     20.2,     20.2],
        Term::AlongRowRuns         => [   0.208,    0.208,    0.208,    0.208],
        Term::AlongRowL2           => [ 0.00462,  0.00462,  0.00462,  0.00462],
        Term::Kernels              => [    14.5,     14.5,     14.5,     14.5],
        Term::Rows                 => [    5.42,     5.42,     5.42,     5.42],
        Term::StagedRows           => [    2.44,     2.44,     2.44,     2.44],
        Term::StagedNumbers        => [  0.0382,   0.0497,   0.0764,   0.0764],
        Term::Repeated             => [  0.0800,    0.104,    0.160,    0.160],
        Term::Turned               => [  0.0186,   0.0223,   0.0744,   0.0744],
        Term::TurnedSingly         => [   0.203,    0.203,    0.203,    0.203],
        Term::Entries              => [    3.33,     3.33,     3.33,     3.33],
        Term::WeightsL2            => [0.000233, 0.000233, 0.000233, 0.000233],
        Term::WeightsL3            => [0.000194, 0.000194, 0.000194, 0.000194],
        Term::L3Bytes              => [ 0.00386,  0.00386,  0.00386,  0.00386],
        Term::MemoryBytes          => [  0.0412,   0.0412,   0.0412,   0.0412],
        Term::SharedMemory         => [  0.0121,   0.0121,   0.0121,   0.0121],
        Term::WinogradProducts     => [   0.248,    0.248,    0.248,    0.248],
        Term::WinogradInstructions => [   0.247,    0.247,    0.247,    0.247],
        Term::WinogradMoved        => [   0.134,    0.134,    0.134,    0.134],
        Term::WinogradPasses       => [    16.4,     16.4,     16.4,     16.4],
        Term::WinogradWeights      => [ 0.00523,  0.00523,  0.00523,  0.00523],
        Term::WinogradWeightsAgain => [ 0.00571,  0.00571,  0.00571,  0.00571],
        Term::Fft                  => [   0.315,    0.315,    0.400,    0.315],
        Term::TwoPass              => [   0.240,    0.240,    0.240,    0.260],
        Term::Product              => [ 0.00773,   0.0155,   0.0464,    0.124],
        Term::ProductRagged        => [   0.550,    0.825,     1.10,     1.65],
        Term::ProductCalls         => [    17.6,     17.6,     17.6,     17.6],
        Term::ProductPatches       => [  0.0524,   0.0786,    0.105,    0.157],
        Term::ProductWeights       => [     0.0,      0.0,      0.0,      0.0],
        Term::Patches              => [  0.0414,   0.0497,   0.0621,   0.0621],
        Term::PatchRuns            => [    2.62,     2.62,     2.62,     2.62],
        Term::Finished             => [   0.433,    0.520,    0.649,    0.649],
        Term::FinishedPixels       => [    1.09,     1.09,     1.09,     1.09],
        Term::NaiveProducts        => [   0.479,    0.479,    0.479,    0.479],
        Term::NaiveOutputs         => [    13.9,     13.9,     13.9,     13.9],
        Term::HandOvers            => [     0.0,      0.0,      0.0,      0.0],
        Term::Bands                => [  2120.9,   2120.9,   2120.9,   2120.9],
    }
}
