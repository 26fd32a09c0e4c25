//! Memory by strategy: what a layer packs when it is built, and what a call keeps in scratch.

use ndarray::Array4;
use serde::{Deserialize, Serialize};
use tapwise::{Conv2d, Isa, Shape, Strategy};

use crate::Error;

/// Layers whose memory is shown: a filter, a first layer, layers in the middle of networks, and a depthwise one.
pub const LAYERS: [&str; 6] = [
    "h1080w1920 c1x1 k31",
    "h224w224 c3x64 k7 s2 p3",
    "h224w224 c64x64 k3",
    "h56w56 c64x64 k3",
    "h14w14 c256x256 k3",
    "h56w56 c128x128 k3 g128",
];

/// What one strategy takes for one layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The descriptor.
    pub shape: String,
    /// The strategy.
    pub strategy: String,
    /// The kernel that it would run by.
    pub kernel: String,
    /// Bytes of the picture that goes in.
    pub input: u64,
    /// Bytes of what comes out.
    pub output: u64,
    /// Bytes of the filter as it is given.
    pub filter: u64,
    /// Bytes of packed weights, which the layer keeps for as long as it is there.
    pub weights: u64,
    /// Bytes of scratch of one call, at most.
    pub scratch: u64,
}

/// What every strategy that serves it takes for each of [`LAYERS`], on the calling thread's pool.
///
/// # Errors
/// What the library refuses for another reason than that it does not serve.
pub fn count(isa: Isa) -> Result<Vec<Row>, Error> {
    let mut rows = Vec::new();
    for descriptor in LAYERS {
        rows.extend(layer(descriptor.parse()?, isa)?);
    }
    Ok(rows)
}

fn layer(shape: Shape, isa: Isa) -> Result<Vec<Row>, Error> {
    let Shape { input, spec, .. } = shape;
    let [height, width] = shape.output()?;
    let filter = Array4::<f32>::zeros((spec.kernel[0], spec.kernel[1], spec.c_in_group(), spec.c_out));
    let bytes = |numbers: usize| (numbers * size_of::<f32>()) as u64;
    let mut rows = Vec::new();
    for strategy in Strategy::ALL {
        let layer = match Conv2d::builder(filter.view()).spec(&spec).strategy(strategy).isa(isa).build() {
            Ok(layer) => layer,
            Err(tapwise::Error::Unsupported { .. }) => continue,
            Err(error) => return Err(error.into()),
        };
        let plan = layer.explain(input);
        let Some(chosen) = plan.chosen() else { continue };
        rows.push(Row {
            shape: shape.to_string(),
            strategy: strategy.to_string(),
            kernel: chosen.kernel.clone(),
            input: bytes(input[0] * input[1] * spec.c_in),
            output: bytes(height * width * spec.c_out),
            filter: bytes(filter.len()),
            weights: chosen.workspace_bytes.weights as u64,
            scratch: chosen.workspace_bytes.scratch as u64,
        });
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strategies_take_what_they_must() {
        let rows = layer("h56w56 c64x64 k3".parse().unwrap(), Isa::Portable).unwrap();
        let of = |name: &str| rows.iter().find(|row| row.strategy == name).unwrap();
        assert!(of("winograd").weights > of("direct").weights);
        assert!(of("im2col-gemm").scratch > of("direct").scratch);
        assert_eq!(of("direct").input, 56 * 56 * 64 * 4);
        assert!(rows.iter().all(|row| row.weights >= row.filter || row.strategy == "naive"), "{rows:?}");
    }
}
