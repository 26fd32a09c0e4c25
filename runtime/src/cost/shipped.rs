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
        Term::Calls            => [    51.6,     50.0,     50.0,     50.0],
        Term::ChannelsOut      => [   0.229,    0.280,    0.280,    0.280],
        Term::ChannelsOutFixed => [   0.226,    0.280,    0.280,    0.280],
        Term::Depthwise        => [   0.345,    0.280,    0.280,    0.280],
        Term::DepthwiseFixed   => [   0.310,    0.280,    0.280,    0.280],
        Term::AlongRow         => [   0.208,    0.280,    0.280,    0.280],
        Term::AlongRowFixed    => [   0.210,    0.280,    0.280,    0.280],
        Term::ChannelsOutTiles => [    11.4,     8.00,     8.00,     8.00],
        Term::ChannelsOutRuns  => [    1.45,    0.800,    0.800,    0.800],
        Term::DepthwiseTiles   => [    18.7,     8.00,     8.00,     8.00],
        Term::DepthwiseRuns    => [     0.0,    0.800,    0.800,    0.800],
        Term::AlongRowTiles    => [    19.9,     8.00,     8.00,     8.00],
        Term::AlongRowRuns     => [   0.583,    0.800,    0.800,    0.800],
        Term::AlongRowL2       => [ 0.00916,  0.00500,  0.00500,  0.00500],
        Term::Kernels          => [    17.1,     30.0,     30.0,     30.0],
        Term::Rows             => [    10.8,     3.00,     3.00,     3.00],
        Term::StagedRows       => [    3.16,     5.00,     5.00,     5.00],
        Term::StagedNumbers    => [  0.0331,   0.0300,   0.0300,   0.0300],
        Term::Repeated         => [  0.0800,   0.0800,   0.0800,   0.0800],
        Term::Turned           => [  0.0333,   0.0450,    0.130,    0.130],
        Term::TurnedSingly     => [   0.205,    0.260,    0.260,    0.260],
        Term::Entries          => [    2.59,     2.00,     2.00,     2.00],
        Term::WeightsL2        => [0.000270,  0.00200,  0.00200,  0.00200],
        Term::WeightsL3        => [ 0.00174,   0.0200,   0.0200,   0.0200],
        Term::L3Bytes          => [ 0.00184,   0.0100,   0.0100,   0.0100],
        Term::MemoryBytes      => [  0.0409,   0.0500,   0.0500,   0.0500],
        Term::SharedMemory     => [  0.0504,   0.0500,   0.0500,   0.0500],
        Term::WinogradProducts => [   0.230,    0.280,    0.280,    0.280],
        Term::WinogradInstructions => [   0.140,    0.140,    0.140,    0.140],
        Term::WinogradMoved    => [   0.210,    0.210,    0.210,    0.210],
        Term::WinogradPasses   => [    3.40,     3.40,     3.40,     3.40],
        Term::Fft              => [   0.280,    0.280,    0.280,    0.280],
        Term::Product          => [ 0.00811,   0.0110,   0.0300,   0.0900],
        Term::ProductCalls     => [    54.5,    500.0,    500.0,    500.0],
        Term::ProductPatches   => [  0.0406,    0.100,    0.100,    0.100],
        Term::ProductWeights   => [     0.0,    0.100,    0.100,    0.100],
        Term::Patches          => [  0.0481,    0.100,    0.100,    0.100],
        Term::PatchRuns        => [    2.51,     1.00,     1.00,     1.00],
        Term::Finished         => [   0.448,    0.100,    0.100,    0.100],
        Term::FinishedPixels   => [    1.75,     1.00,     1.00,     1.00],
        Term::NaiveProducts    => [   0.513,     1.40,     1.40,     1.40],
        Term::NaiveOutputs     => [    14.1,     3.00,     3.00,     3.00],
        Term::HandOvers        => [     0.0,   8000.0,   8000.0,   8000.0],
        Term::Bands            => [  2400.6,    500.0,    500.0,    500.0],
    }
}
