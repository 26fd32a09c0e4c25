//! What im2col and a library's product do to a picture, and what the plain loops do.

use super::tiled::add_data;
use super::{Features, Term, beyond};
use crate::frame::Frame;
use crate::machine::Machine;
use crate::strategy::im2col_gemm::{self, Im2colGemm};

/// Rows and columns of the register tile that a library's product is rounded up to.
const TILE: [usize; 2] = [8, 16];

/// Patches, product and epilogue.
pub(crate) fn im2col(frame: &Frame, machine: &Machine) -> Features {
    let spec = &frame.spec;
    let [height, width] = frame.output;
    let pixels = height * width;
    let outputs = (pixels * spec.c_out) as f64;
    let weights = (size_of::<f32>() * spec.taps() * spec.c_out) as f64;
    let [rows, columns] = im2col_gemm::at_once(frame, height);
    let calls = height.div_ceil(rows) * width.div_ceil(columns) * spec.groups;
    let of_call = (rows * columns).min(pixels);
    let rounded =
        of_call.next_multiple_of(TILE[0]) as f64 * spec.c_out_group().next_multiple_of(TILE[1]) as f64;
    let whole = pixels as f64 / of_call as f64 * spec.groups as f64;
    let mut features = Features::default();
    features.add(Term::Product, whole * rounded * spec.taps() as f64);
    features.add(Term::ProductCalls, calls as f64);
    let patches = (pixels * spec.taps() * spec.groups) as f64;
    features.add(Term::ProductPatches, patches);
    features.add(Term::ProductWeights, whole * (spec.taps() * spec.c_out_group()) as f64);
    if Im2colGemm::is_product(frame) {
        features.add(Term::L3Bytes, patches * size_of::<f32>() as f64 * beyond(patches * 4.0, machine.l2));
    } else {
        let run =
            if spec.dilation[1] == 1 && spec.groups == 1 { spec.kernel[1] } else { 1 } * spec.c_in_group();
        features.add(Term::Patches, patches);
        features.add(Term::PatchRuns, patches / run as f64);
        if frame.pads_columns() {
            features.add(Term::StagedRows, frame.input[0] as f64);
            features.add(Term::StagedNumbers, (frame.input[0] * frame.reach() * spec.c_in) as f64);
        }
    }
    features.add(Term::Finished, outputs);
    features.add(Term::FinishedPixels, pixels as f64);
    features.add(Term::WeightsL3, calls as f64 * weights * beyond(weights, machine.l2));
    features.add(Term::Calls, 1.0);
    let data =
        (size_of::<f32>() * (frame.input[0] * frame.input[1] * spec.c_in + pixels * spec.c_out)) as f64;
    add_data(&mut features, data, weights, machine);
    features
}

/// The plain loops.
pub(crate) fn naive(frame: &Frame) -> Features {
    let mut features = Features::default();
    features.add(Term::Calls, 1.0);
    features.add(Term::NaiveProducts, frame.macs(frame.output[0]));
    features
        .add(Term::NaiveOutputs, frame.output[0] as f64 * frame.output[1] as f64 * frame.spec.c_out as f64);
    features
}
