//! Every convolution of a few networks, beside the peers: how much of a net runs how fast.

use serde::Deserialize;
use tapwise::Shape;

use crate::Error;
use crate::measurement::Pace;
use crate::problems::Effort;

/// Layers of one shape in a network.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Layer {
    /// The network.
    pub net: String,
    /// The first layer with this shape, as its framework names it.
    pub layer: String,
    /// The descriptor.
    pub shape: String,
    /// Layers with this shape.
    pub count: u32,
    /// Multiply-adds of one of them.
    pub macs: u64,
}

/// The layers of every network, those of one network together.
///
/// # Errors
/// [`Error::Json`], which a test rules out.
pub fn layers() -> Result<Vec<Layer>, Error> {
    const TEXT: &str = include_str!("../../data/nets.json");
    serde_json::from_str(TEXT).map_err(|source| Error::Json { what: "data/nets.json", source })
}

/// Multiply-adds above which a layer is left out: those of a report must end in a reasonable time.
fn limit(effort: Effort, beside: bool) -> u64 {
    match (effort, beside) {
        (Effort::Quick, false) => 1_000_000_000,
        (Effort::Quick, true) => 8_000_000_000,
        (Effort::Full, _) => u64::MAX,
    }
}

/// How long to look at a layer.
pub(super) fn pace(effort: Effort) -> Pace {
    match effort {
        Effort::Quick => Pace { rounds: 5, sample: 1e-3, budget: 0.05 },
        Effort::Full => Pace { rounds: 31, sample: 2e-3, budget: 0.5 },
    }
}

/// Every shape once, however many networks have it; and the layers that are left out, which are fewer
/// `beside` other libraries.
///
/// # Errors
/// As [`layers`].
pub fn shapes(effort: Effort, beside: bool) -> Result<(Vec<Shape>, Vec<String>), Error> {
    let (mut shapes, mut skipped): (Vec<Shape>, Vec<String>) = (Vec::new(), Vec::new());
    for layer in layers()? {
        if layer.macs > limit(effort, beside) {
            skipped.push(format!("{} {}: {}", layer.net, layer.layer, layer.shape));
            continue;
        }
        let shape: Shape = layer.shape.parse()?;
        if !shapes.contains(&shape) {
            shapes.push(shape);
        }
    }
    Ok((shapes, skipped))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layer_is_a_shape_of_as_many_multiply_adds() {
        let layers = layers().unwrap();
        assert_eq!(
            layers.iter().filter(|layer| layer.net == "ResNet-50").map(|layer| layer.count).sum::<u32>(),
            53
        );
        for Layer { shape, macs, .. } in layers {
            assert_eq!(shape.parse::<Shape>().unwrap().macs().unwrap(), u128::from(macs), "{shape}");
        }
    }
}
