//! Layers as JSON: a list of objects, or an object of networks whose values are such lists.

use serde_json::{Map, Value};
use tapwise::{ConvSpec, Shape};

use super::{Layer, Listing, Source, Unserved, padding};
use crate::Error;

/// Reads entries with a descriptor in `shape`, or with the numbers `h_in, w_in, c_in, c_out, kh, kw` and, where
/// they are not at their default, `n`, `stride` `[h, w]`, `pad` `[top, left, bottom, right]`, `dilation` `[h, w]`,
/// `groups`; with `net`, `layer`, `op` and `count`. Fields of other names are passed over.
pub(super) fn read(source: &Source<'_>, text: &str) -> Result<Listing, Error> {
    let value: Value = serde_json::from_str(text)
        .map_err(|problem| Error::LayersJson { path: source.path.to_owned(), source: problem })?;
    let mut listing = Listing::default();
    let mut number = 0;
    match &value {
        Value::Array(entries) => list(source, entries, source.net, &mut number, &mut listing)?,
        Value::Object(nets) => {
            for (index, (net, entries)) in nets.iter().enumerate() {
                let entries = entries.as_array().or_else(|| entries.get("layers").and_then(Value::as_array));
                let Some(entries) = entries else {
                    return Err(Error::LayerEntry {
                        path: source.path.to_owned(),
                        entry: index + 1,
                        name: net.clone(),
                        field: "layers".to_owned(),
                        problem: "is missing, wanted a list of layers".to_owned(),
                    });
                };
                list(source, entries, net, &mut number, &mut listing)?;
            }
        }
        _ => {
            return Err(Error::LayerEntry {
                path: source.path.to_owned(),
                entry: 1,
                name: String::new(),
                field: "layers".to_owned(),
                problem: "is missing, wanted a list of layers".to_owned(),
            });
        }
    }
    Ok(listing)
}

fn list(
    source: &Source<'_>,
    entries: &[Value],
    net: &str,
    number: &mut usize,
    listing: &mut Listing,
) -> Result<(), Error> {
    for value in entries {
        *number += 1;
        let name = ["layer", "name"].iter().find_map(|key| value.get(key).and_then(Value::as_str));
        let fail = |Problem { field, problem }| Error::LayerEntry {
            path: source.path.to_owned(),
            entry: *number,
            name: name.unwrap_or_default().to_owned(),
            field,
            problem,
        };
        let Value::Object(fields) = value else {
            return Err(fail(Problem::new("layer", "is not an object with fields".to_owned())));
        };
        let entry = Entry { fields };
        let net = entry.text("net").map_err(fail)?.unwrap_or(net).to_owned();
        let count = match entry.number("count").map_err(fail)?.unwrap_or(1) {
            0 => return Err(fail(Problem::new("count", "is 0, wanted a whole number from 1 on".to_owned()))),
            count => count,
        };
        let named = |shape: &dyn std::fmt::Display| name.map_or_else(|| shape.to_string(), str::to_owned);
        match entry.read().map_err(fail)? {
            Read::Served(shape) => listing.layers.push(Layer { name: named(&shape), net, shape, count }),
            Read::Not { what, reason } => {
                listing.unserved.push(Unserved { name: named(&what), net, what, reason, count });
            }
        }
    }
    Ok(())
}

/// What is wrong with which field.
struct Problem {
    field: String,
    problem: String,
}

impl Problem {
    fn new(field: &str, problem: String) -> Self {
        Problem { field: field.to_owned(), problem }
    }
}

/// What an entry says.
enum Read {
    Served(Shape),
    Not { what: String, reason: String },
}

/// Operations that are convolutions, as frameworks name them.
const CONVOLUTIONS: [&str; 7] =
    ["conv", "conv1d", "conv2d", "convolution", "depthwise", "dwconv", "depthwise_conv"];

struct Entry<'a> {
    fields: &'a Map<String, Value>,
}

impl<'a> Entry<'a> {
    fn read(&self) -> Result<Read, Problem> {
        let op = self.text("op")?.unwrap_or("conv");
        let sides = |name: &str| self.fields.get(name).and_then(Value::as_array).map_or(0, Vec::len);
        let three = ["d_in", "kd"].iter().any(|name| self.fields.contains_key(*name))
            || sides("stride") == 3
            || sides("dilation") == 3
            || sides("pad") == 6;
        let reason = if !CONVOLUTIONS.contains(&op.to_lowercase().as_str()) {
            Some(match op.to_lowercase().contains("transpose") {
                true => "transposed convolutions are not served".to_owned(),
                false => format!("`{op}` is no convolution that is served"),
            })
        } else if three {
            Some("its pictures have three axes".to_owned())
        } else {
            None
        };
        if let Some(reason) = reason {
            return Ok(Read::Not { what: self.what(op), reason });
        }
        let shape = match self.text("shape")? {
            Some(descriptor) => descriptor
                .parse()
                .map_err(|error: tapwise::Error| Problem::new("shape", error.to_string()))?,
            None => self.shape()?,
        };
        let output =
            shape.output().map_err(|error| Problem::new("shape", format!("of `{shape}`: {error}")))?;
        for (field, made) in ["h_out", "w_out"].into_iter().zip(output) {
            if let Some(said) = self.number(field)?
                && said != made
            {
                let problem = format!("is {said}, wanted {made}, which the other fields make ({shape})");
                return Err(Problem::new(field, problem));
            }
        }
        Ok(Read::Served(shape))
    }

    fn shape(&self) -> Result<Shape, Problem> {
        let wanted = |field: &str| {
            self.number(field)?
                .ok_or_else(|| Problem::new(field, "is missing, wanted a whole number".to_owned()))
        };
        let input = [wanted("h_in")?, wanted("w_in")?];
        let mut spec = ConvSpec::new([wanted("kh")?, wanted("kw")?], wanted("c_in")?, wanted("c_out")?);
        spec.stride = self.pair("stride")?;
        spec.dilation = self.pair("dilation")?;
        spec.groups = self.number("groups")?.unwrap_or(1);
        spec.padding = match self.numbers("pad")?.as_deref() {
            None | Some([]) => padding(&spec, [0; 4]),
            Some(&[all]) => padding(&spec, [all; 4]),
            Some(&[rows, columns]) => padding(&spec, [rows, columns, rows, columns]),
            Some(&[top, left, bottom, right]) => padding(&spec, [top, left, bottom, right]),
            Some(other) => {
                let problem = format!("has {} numbers, wanted [top, left, bottom, right]", other.len());
                return Err(Problem::new("pad", problem));
            }
        };
        let batch = self.number("n")?.unwrap_or(1);
        Ok(Shape { batch, ..Shape::new(input, spec) })
    }

    /// An entry that is not served, in a few words.
    fn what(&self, op: &str) -> String {
        let side = |name: &str| self.fields.get(name).and_then(Value::as_u64);
        let mut what = op.to_owned();
        if let (Some(rows), Some(columns)) = (side("kh"), side("kw")) {
            what += &format!(" {rows} × {columns}");
        }
        if let (Some(inputs), Some(outputs)) = (side("c_in"), side("c_out")) {
            what += &format!(", {inputs} → {outputs} channels");
        }
        if let (Some(height), Some(width)) = (side("h_in"), side("w_in")) {
            what += &format!(", {height} × {width}");
        }
        what
    }

    fn text(&self, field: &str) -> Result<Option<&'a str>, Problem> {
        match self.fields.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(Problem::new(field, format!("is {other}, wanted a text"))),
        }
    }

    fn number(&self, field: &str) -> Result<Option<usize>, Problem> {
        match self.fields.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => whole(field, value).map(Some),
        }
    }

    fn numbers(&self, field: &str) -> Result<Option<Vec<usize>>, Problem> {
        match self.fields.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(values)) => {
                values.iter().map(|value| whole(field, value)).collect::<Result<_, _>>().map(Some)
            }
            Some(value) => whole(field, value).map(|number| Some(vec![number])),
        }
    }

    /// `[h, w]`, or one number for both; 1 where nothing is said.
    fn pair(&self, field: &str) -> Result<[usize; 2], Problem> {
        match self.numbers(field)?.as_deref() {
            None | Some([]) => Ok([1, 1]),
            Some(&[both]) => Ok([both, both]),
            Some(&[down, across]) => Ok([down, across]),
            Some(other) => Err(Problem::new(field, format!("has {} numbers, wanted [h, w]", other.len()))),
        }
    }
}

fn whole(field: &str, value: &Value) -> Result<usize, Problem> {
    let number =
        value.as_u64().filter(|number| *number < 1 << 31).and_then(|number| usize::try_from(number).ok());
    number.ok_or_else(|| Problem::new(field, format!("is {value}, wanted a whole number from 0 on")))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn parse(text: &str) -> Result<Listing, Error> {
        read(&Source { path: Path::new("net.json"), net: "net" }, text)
    }

    const CONV: &str = r#""h_in": 8, "w_in": 9, "c_in": 4, "c_out": 6, "kh": 3, "kw": 5"#;

    #[test]
    fn numbers_and_descriptors_are_layers() {
        let text = format!(
            r#"[{{"net": "a", "layer": "stem", "op": "conv", "n": 2, {CONV}, "stride": [2, 1], "pad": [1, 2, 0, 3],
                 "dilation": 1, "groups": 2, "count": 3, "h_out": 4, "w_out": 10, "act": ["relu"]}},
                {{"shape": "h8w8 c1x1 k3"}}]"#
        );
        let layers = parse(&text).unwrap().layers;
        let found: Vec<_> =
            layers.iter().map(|own| (&*own.net, &*own.name, own.count, own.shape.to_string())).collect();
        assert_eq!(
            found,
            [
                ("a", "stem", 3, "n2 h8w9 c4x6 k3x5 s2x1 p1,0,2,3 g2".to_owned()),
                ("net", "h8w8 c1x1 k3x3", 1, "h8w8 c1x1 k3x3".to_owned())
            ]
        );
    }

    #[test]
    fn networks_may_be_the_fields_of_an_object() {
        let text = r#"{"a": [{"shape": "h8w8 c1x1 k3"}], "b": {"layers": [{"shape": "h8w8 c1x1 k1"}]}}"#;
        let nets: Vec<String> = parse(text).unwrap().layers.into_iter().map(|layer| layer.net).collect();
        assert_eq!(nets, ["a", "b"]);
    }

    #[test]
    fn what_is_not_served_is_listed() {
        let text = format!(r#"[{{"layer": "up", "op": "conv_transpose", {CONV}}}, {{"kd": 3, "count": 2}}]"#);
        let unserved = parse(&text).unwrap().unserved;
        assert_eq!(unserved[0].what, "conv_transpose 3 × 5, 4 → 6 channels, 8 × 9");
        assert!(unserved[0].reason.contains("transposed") && unserved[1].reason.contains("three axes"));
        assert_eq!((unserved[0].name.as_str(), unserved[1].count), ("up", 2));
    }

    #[test]
    fn a_mistake_is_named_by_its_entry_and_field() {
        let fine = format!("{{{CONV}}}");
        for (text, wanted) in [
            (format!(r#"[{fine}, {{"layer": "b", "h_in": 8}}]"#), "net.json: entry 2 (b): `w_in` is missing"),
            (format!(r#"[{{{CONV}, "stride": -1}}]"#), "net.json: entry 1: `stride` is -1, wanted a whole"),
            (format!(r#"[{{{CONV}, "pad": [1, 2, 3]}}]"#), "net.json: entry 1: `pad` has 3 numbers"),
            (format!(r#"[{{{CONV}, "count": 0}}]"#), "net.json: entry 1: `count` is 0, wanted a whole"),
            (format!(r#"[{{{CONV}, "groups": 3}}]"#), "net.json: entry 1: `shape` of `h8w9"),
            (format!(r#"[{{{CONV}, "h_out": 5}}]"#), "net.json: entry 1: `h_out` is 5, wanted 6"),
            (r#"[{"shape": "h8"}]"#.to_owned(), "net.json: entry 1: `shape`"),
            ("[3]".to_owned(), "net.json: entry 1: `layer` is not an object"),
            (r#"{"a": {"input": [1, 3, 8, 8]}}"#.to_owned(), "net.json: entry 1 (a): `layers` is missing"),
            ("3".to_owned(), "net.json: entry 1: `layers` is missing"),
            ("[{".to_owned(), "net.json: "),
        ] {
            let error = parse(&text).unwrap_err().to_string();
            assert!(error.starts_with(wanted), "{error}");
        }
    }

    #[test]
    fn the_networks_that_ship_are_read() {
        let layers = parse(include_str!("../../data/nets.json")).unwrap().layers;
        assert_eq!(layers.len(), crate::peers::nets::layers().unwrap().len());
    }
}
