//! Layers that a user brings: read from a list of descriptors, from JSON or from an ONNX file, measured, and
//! weighed by the time that they take in their networks.

pub mod advice;
pub mod block;
mod json;
mod list;
pub mod measure;
mod onnx;

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tapwise::{ConvSpec, Padding, Shape};

use crate::Error;

pub use measure::Findings;

/// Convolutions of one shape in a network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// The name of the first of them, as its file has it.
    pub name: String,
    /// The network.
    pub net: String,
    /// What they compute.
    #[serde(with = "descriptor")]
    pub shape: Shape,
    /// How many of them there are.
    pub count: usize,
}

/// A layer that is not served, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unserved {
    /// Its name, as its file has it.
    pub name: String,
    /// The network.
    pub net: String,
    /// What it is.
    pub what: String,
    /// Why it is not served.
    pub reason: String,
    /// How many of them there are.
    pub count: usize,
}

/// What a file of layers says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Listing {
    /// The layers, each shape once for each network.
    pub layers: Vec<Layer>,
    /// Those that are not served.
    pub unserved: Vec<Unserved>,
}

impl Listing {
    /// Every shape once, in the order of the layers.
    #[must_use]
    pub fn shapes(&self) -> Vec<Shape> {
        distinct(&self.layers)
    }
}

/// Every shape of some layers once, in their order.
#[must_use]
pub fn distinct(layers: &[Layer]) -> Vec<Shape> {
    let mut seen = std::collections::HashSet::new();
    layers.iter().map(|layer| layer.shape).filter(|shape| seen.insert(*shape)).collect()
}

/// Height and width of a picture, for networks that leave them open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl std::str::FromStr for Input {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let side = |text: &str| text.trim().parse().ok().filter(|side| (1..=1 << 20).contains(side));
        let sides = text.split_once('x').and_then(|(height, width)| Some((side(height)?, side(width)?)));
        let (height, width) = sides.ok_or("wanted height and width in pixels, such as 480x640")?;
        Ok(Input { height, width })
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.height, self.width)
    }
}

/// Reads the layers of a file: an ONNX network, JSON, or a list of descriptors, one a line. What it is is
/// told by its extension, else by its contents. `input` is for networks that leave the size of their pictures
/// open.
///
/// # Errors
/// [`Error::Read`]; [`Error::ShapesLine`] for a line that is no descriptor, or of a layer that nobody can have;
/// [`Error::LayerEntry`] and [`Error::LayersJson`] for JSON; [`Error::Network`] and [`Error::NetworkInput`] for ONNX;
/// [`Error::InputUnused`] where nothing leaves its size open; [`Error::NoShapes`] for a file without a layer.
pub fn read(path: &Path, input: Option<Input>) -> Result<Listing, Error> {
    let bytes = std::fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    let net = path.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let source = Source { path, net: &net };
    let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
    let extension = extension.as_ref().and_then(|extension| extension.to_str());
    let text = if extension == Some("onnx") { None } else { std::str::from_utf8(&bytes).ok() };
    let listing = match text {
        None => onnx::read(&source, bytes.into(), input)?,
        Some(_) if input.is_some() => return Err(Error::InputUnused { path: path.to_owned() }),
        Some(text) if extension == Some("json") || text.trim_start().starts_with(['[', '{']) => {
            json::read(&source, text)?
        }
        Some(text) => list::read(&source, text)?,
    };
    if listing.layers.is_empty() && listing.unserved.is_empty() {
        return Err(Error::NoShapes { path: path.to_owned() });
    }
    Ok(grouped(listing))
}

/// Reads descriptors, one a line.
pub(crate) fn descriptors(text: &str, path: &Path) -> Result<Vec<Shape>, Error> {
    let listing = list::read(&Source { path, net: "" }, text)?;
    Ok(listing.layers.into_iter().map(|layer| layer.shape).collect())
}

/// Where layers are read from.
struct Source<'a> {
    path: &'a Path,
    /// The network of layers that do not name one.
    net: &'a str,
}

/// Layers of one shape in one network become one.
fn grouped(listing: Listing) -> Listing {
    let mut layers: Vec<Layer> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for layer in listing.layers {
        let place = *places.entry((layer.net.clone(), layer.shape)).or_insert(layers.len());
        match layers.get_mut(place) {
            Some(first) => first.count += layer.count,
            None => layers.push(layer),
        }
    }
    Listing { layers, ..listing }
}

/// Padding by its sides, said in the one way that is the same for all sizes: what `Same` is at stride 1 is
/// `Same`, nothing is `Valid`.
fn padding(spec: &ConvSpec, [top, left, bottom, right]: [usize; 4]) -> Padding {
    let extent = spec.extent();
    let same = |axis: usize, before: usize, after: usize| {
        let total = extent[axis] - 1;
        spec.stride[axis] == 1 && before == total / 2 && after == total - total / 2
    };
    if same(0, top, bottom) && same(1, left, right) {
        Padding::Same
    } else if [top, left, bottom, right] == [0; 4] {
        Padding::Valid
    } else {
        Padding::Explicit { top, bottom, left, right }
    }
}

/// Shapes in files are descriptors.
mod descriptor {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};
    use tapwise::Shape;

    pub(super) fn serialize<S: Serializer>(shape: &Shape, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(shape)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Shape, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_paddings_are_written_alike() {
        let stem = ConvSpec { stride: [2, 2], ..ConvSpec::new([7, 7], 3, 64) };
        assert_eq!(padding(&stem, [3; 4]), Padding::Explicit { top: 3, bottom: 3, left: 3, right: 3 });
        assert_eq!(padding(&stem, [0; 4]), Padding::Valid);
        let even = ConvSpec { dilation: [1, 3], ..ConvSpec::new([2, 2], 3, 64) };
        assert_eq!(padding(&even, [0, 1, 1, 2]), Padding::Same);
        assert_eq!(padding(&even, [1, 2, 0, 1]), Padding::Explicit { top: 1, bottom: 0, left: 2, right: 1 });
        assert_eq!(padding(&ConvSpec::new([1, 1], 3, 64), [0; 4]), Padding::Same);
    }

    #[test]
    fn layers_of_one_shape_are_counted_under_the_first_name() {
        let layer = |name: &str, net: &str, shape: &str, count| Layer {
            name: name.to_owned(),
            net: net.to_owned(),
            shape: shape.parse().unwrap(),
            count,
        };
        let layers = vec![
            layer("a", "one", "h8w8 c1x1 k3", 1),
            layer("b", "one", "h8w8 c1x1 k1", 1),
            layer("c", "one", "h8w8 c1x1 k3 s1", 3),
            layer("a", "two", "h8w8 c1x1 k3", 1),
        ];
        let listing = grouped(Listing { layers, unserved: Vec::new() });
        let found: Vec<_> = listing.layers.iter().map(|layer| (layer.name.as_str(), layer.count)).collect();
        assert_eq!(found, [("a", 4), ("b", 1), ("a", 1)]);
        assert_eq!(listing.shapes().len(), 2);
    }

    #[test]
    fn layers_come_back_from_json() {
        let text = r#"{"name":"a","net":"b","shape":"n2 h8w9 c3x4 k3x3 s2x2","count":3}"#;
        let layer: Layer = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&layer).unwrap(), text);
        assert!(serde_json::from_str::<Layer>(&text.replace("h8w9", "h8")).is_err());
    }

    #[test]
    fn an_input_is_height_and_width() {
        assert_eq!("480x640".parse(), Ok(Input { height: 480, width: 640 }));
        for wrong in ["480", "0x8", "8x", "axb", "8x8x8", "9999999x1"] {
            assert!(wrong.parse::<Input>().is_err(), "{wrong}");
        }
    }
}
