//! Lists of descriptors, one a line.

use tapwise::Shape;

use super::{Layer, Listing, Source};
use crate::Error;

/// Reads lines such as `stem: 2 x h224w224 c3x64 k7 s2 p3 # a comment`; name and count may be left out.
pub(super) fn read(source: &Source<'_>, text: &str) -> Result<Listing, Error> {
    let mut layers = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let (name, rest) = match line.split_once(':') {
            Some((name, rest)) => (Some(name.trim()), rest.trim()),
            None => (None, line),
        };
        let counted = rest.split_once(" x ").and_then(|(count, rest)| {
            let count = count.trim().parse().ok().filter(|count| *count > 0);
            Some((count?, rest))
        });
        let (count, descriptor) = counted.unwrap_or((1, rest));
        let fail =
            |problem| Error::ShapesLine { path: source.path.to_owned(), line: index + 1, source: problem };
        let shape: Shape = descriptor.trim().parse().map_err(fail)?;
        shape.output().map_err(fail)?;
        let name = name.map_or_else(|| shape.to_string(), str::to_owned);
        layers.push(Layer { name, net: source.net.to_owned(), shape, count });
    }
    Ok(Listing { layers, unserved: Vec::new() })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn parse(text: &str) -> Result<Listing, Error> {
        read(&Source { path: Path::new("list"), net: "list" }, text)
    }

    #[test]
    fn a_file_of_shapes_may_have_comments() {
        let text = "# two\nh8w8 c1x1 k3\n\n  h9w9 c3x8 k5 s2 # the stem\r\n";
        let shapes = parse(text).unwrap().shapes();
        assert_eq!(shapes.len(), 2);
        assert_eq!(shapes[1].to_string(), "h9w9 c3x8 k5x5 s2x2");
    }

    #[test]
    fn a_line_may_name_its_layer_and_say_how_many_there_are() {
        let layers = parse("stem: h8w8 c1x1 k3\nbody 1: 3 x h9w9 c3x8 k5\n2 x h8w8 c1x1 k1").unwrap().layers;
        let found: Vec<_> = layers.iter().map(|layer| (layer.name.as_str(), layer.count)).collect();
        assert_eq!(found, [("stem", 1), ("body 1", 3), ("h8w8 c1x1 k1x1", 2)]);
    }

    #[test]
    fn a_bad_line_is_named_by_its_number() {
        for (text, wanted) in [
            ("h8w8 c1x1 k3\n# fine\nh8w8 c1x1", "list: line 3: "),
            ("h8w8 c3x3 k3 g2", "list: line 1: "),
            ("\nh2w2 c1x1 k5 p0", "list: line 2: "),
            ("hello", "list: line 1: "),
            ("many x h8w8 c1x1 k3", "list: line 1: "),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.starts_with(wanted), "{error}");
        }
    }
}
