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
        Term::Calls            => [    23.1,     50.0,     50.0,     50.0],
        Term::ChannelsOut      => [   0.226,    0.280,    0.280,    0.280],
        Term::ChannelsOutFixed => [   0.223,    0.280,    0.280,    0.280],
        Term::Depthwise        => [   0.379,    0.280,    0.280,    0.280],
        Term::DepthwiseFixed   => [   0.109,    0.280,    0.280,    0.280],
        Term::AlongRow         => [   0.243,    0.280,    0.280,    0.280],
        Term::AlongRowFixed    => [   0.224,    0.280,    0.280,    0.280],
        Term::ChannelsOutTiles => [    8.60,     8.00,     8.00,     8.00],
        Term::ChannelsOutRuns  => [     0.0,    0.800,    0.800,    0.800],
        Term::DepthwiseTiles   => [    11.2,     8.00,     8.00,     8.00],
        Term::DepthwiseRuns    => [     0.0,    0.800,    0.800,    0.800],
        Term::AlongRowTiles    => [    29.4,     8.00,     8.00,     8.00],
        Term::AlongRowRuns     => [     0.0,    0.800,    0.800,    0.800],
        Term::AlongRowL2       => [ 0.00765,  0.00500,  0.00500,  0.00500],
        Term::Kernels          => [    17.1,     30.0,     30.0,     30.0],
        Term::Rows             => [    6.40,     3.00,     3.00,     3.00],
        Term::StagedRows       => [    4.24,     5.00,     5.00,     5.00],
        Term::StagedNumbers    => [  0.0372,   0.0300,   0.0300,   0.0300],
        Term::Repeated         => [  0.0800,   0.0800,   0.0800,   0.0800],
        Term::Turned           => [     0.0,   0.0450,    0.130,    0.130],
        Term::TurnedSingly     => [   0.231,    0.260,    0.260,    0.260],
        Term::Entries          => [    1.65,     2.00,     2.00,     2.00],
        Term::WeightsL2        => [0.000186,  0.00200,  0.00200,  0.00200],
        Term::WeightsL3        => [ 0.00262,   0.0200,   0.0200,   0.0200],
        Term::L3Bytes          => [ 0.00459,   0.0100,   0.0100,   0.0100],
        Term::MemoryBytes      => [  0.0475,   0.0500,   0.0500,   0.0500],
        Term::SharedMemory     => [  0.0363,   0.0500,   0.0500,   0.0500],
        Term::WinogradProducts => [   0.269,    0.280,    0.280,    0.280],
        Term::WinogradInstructions => [   0.310,    0.140,    0.140,    0.140],
        Term::WinogradMoved    => [     0.0,    0.210,    0.210,    0.210],
        Term::WinogradPasses   => [    19.7,     3.40,     3.40,     3.40],
        Term::WinogradWeights  => [  0.0080,   0.0080,   0.0080,   0.0080],
        Term::WinogradWeightsAgain => [  0.0080,   0.0080,   0.0080,   0.0080],
        Term::Fft              => [   0.711,    0.280,    0.280,    0.280],
        Term::Product          => [ 0.00720,   0.0110,   0.0300,   0.0900],
        Term::ProductRagged    => [     1.0,      1.0,      1.0,      1.0],
        Term::ProductCalls     => [     0.0,    500.0,    500.0,    500.0],
        Term::ProductPatches   => [  0.0670,    0.100,    0.100,    0.100],
        Term::ProductWeights   => [     0.0,    0.100,    0.100,    0.100],
        Term::Patches          => [  0.0983,    0.100,    0.100,    0.100],
        Term::PatchRuns        => [    2.22,     1.00,     1.00,     1.00],
        Term::Finished         => [   0.444,    0.100,    0.100,    0.100],
        Term::FinishedPixels   => [   0.344,     1.00,     1.00,     1.00],
        Term::NaiveProducts    => [   0.221,     1.40,     1.40,     1.40],
        Term::NaiveOutputs     => [    29.4,     3.00,     3.00,     3.00],
        Term::HandOvers        => [     0.0,   8000.0,   8000.0,   8000.0],
        Term::Bands            => [   969.3,    500.0,    500.0,    500.0],
    }
}
