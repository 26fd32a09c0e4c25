//! The walk over a graph.

use std::collections::HashMap;

use super::convolution::{self, Found};
use super::message::{Graph, Node};
use super::operators;
use super::tensor::{Sizes, Tensor};
use crate::layers::{Input, Layer, Listing, Unserved};

/// What a walk has found.
pub(super) struct Walked {
    pub(super) listing: Listing,
    /// Inputs whose height or width the file leaves open.
    pub(super) open: Vec<String>,
    /// Whether a convolution's size depends on them.
    pub(super) needed: bool,
}

/// Operators that convolve and are not served, and why.
const UNSERVED: [(&str, &str); 5] = [
    ("ConvTranspose", "transposed convolutions are not served"),
    ("ConvInteger", "it computes in integers"),
    ("QLinearConv", "it computes in integers"),
    ("DeformConv", "its taps are moved by its input"),
    ("NhwcConv", "it is an operator of one runtime alone"),
];

/// Walks a graph from its inputs.
pub(super) fn walk(graph: &Graph, net: &str, input: Option<Input>) -> Walked {
    let mut tensors: HashMap<&str, Tensor> = HashMap::new();
    for tensor in &graph.initializer {
        tensors.insert(&tensor.name, Tensor::constant(tensor));
    }
    let mut open = Vec::new();
    for own in &graph.input {
        if tensors.contains_key(own.name.as_str()) {
            continue;
        }
        let mut tensor = Tensor { sizes: own.sizes(), ..Tensor::default() };
        if let Some(sizes) = &mut tensor.sizes
            && close(sizes, input)
        {
            open.push(format!("`{}`", own.name));
        }
        tensors.insert(&own.name, tensor);
    }
    let said = graph.value_info.iter().chain(&graph.output);
    let said: HashMap<&str, Sizes> =
        said.filter_map(|info| Some((info.name.as_str(), info.sizes()?))).collect();
    let mut walked = Walked { listing: Listing::default(), open, needed: false };
    for node in &graph.node {
        let none = Tensor::default();
        let inputs: Vec<&Tensor> =
            node.input.iter().map(|name| tensors.get(name.as_str()).unwrap_or(&none)).collect();
        walked.visit(node, &inputs, net);
        let mut outputs = operators::outputs(node, &inputs);
        outputs.resize(node.output.len(), Tensor::default());
        let lost = inputs.iter().find_map(|input| input.lost.clone());
        let mut given = node.input.iter().zip(&inputs).filter(|(name, _)| !name.is_empty());
        let inherited = given.any(|(_, input)| input.numbers.is_none() && input.whole().is_none());
        for (name, output) in node.output.iter().zip(&mut outputs) {
            fill(output, said.get(name.as_str()));
            if output.whole().is_none() {
                // An operator that is understood says nothing new about what was lost before it.
                let here = || format!("{} `{}`", node.op_type, node.label());
                output.lost = if inherited { lost.clone() } else { Some(here()) };
            }
        }
        tensors.extend(node.output.iter().map(String::as_str).zip(outputs));
    }
    walked
}

/// Closes what an input leaves open: the first axis is 1, height and width are those of `input`. Whether it
/// leaves height or width open.
fn close(sizes: &mut Sizes, input: Option<Input>) -> bool {
    // Channels are last where the last axis is known to be few and the two before it are not known.
    let last = matches!(sizes[..], [_, None, None, Some(1..=4)]);
    let axes: &[usize] = match sizes.len() {
        4 if last => &[1, 2],
        4 => &[2, 3],
        3 => &[2],
        _ => &[],
    };
    let mut open = false;
    for (place, &axis) in axes.iter().enumerate() {
        if let Some(size @ None) = sizes.get_mut(axis) {
            open = true;
            *size = input
                .map(|Input { height, width }| if axes.len() > 1 && place == 0 { height } else { width });
        }
    }
    if let Some(batch @ None) = sizes.first_mut() {
        *batch = Some(1);
    }
    open
}

/// What the walk does not know is taken from what the file says.
fn fill(output: &mut Tensor, said: Option<&Sizes>) {
    let Some(said) = said else { return };
    match &mut output.sizes {
        None => output.sizes = Some(said.clone()),
        Some(sizes) if sizes.len() == said.len() => {
            for (size, said) in sizes.iter_mut().zip(said) {
                *size = size.or(*said);
            }
        }
        Some(_) => {}
    }
}

impl Walked {
    /// Keeps what convolves.
    fn visit(&mut self, node: &Node, inputs: &[&Tensor], net: &str) {
        let none = Tensor::default();
        let of = |at: usize| inputs.get(at).copied().unwrap_or(&none);
        let (what, reason) = match node.op_type.as_str() {
            "Conv" | "FusedConv" => match convolution::layer(node, of(0), of(1)) {
                Found::Layer(shape) => {
                    let name = node.label().to_owned();
                    self.listing.layers.push(Layer { name, net: net.to_owned(), shape, count: 1 });
                    return;
                }
                Found::Not { what, reason } => (what, reason),
                Found::Open { what, lost } => {
                    self.needed |= lost.is_none();
                    let after = lost.map_or_else(String::new, |node| format!(": it is lost after {node}"));
                    (what, format!("the size of its input is not known{after}"))
                }
            },
            op => match UNSERVED.iter().find(|(own, _)| *own == op) {
                // Integers have their weights in another place.
                Some((own, reason)) => {
                    let weights = if *own == "QLinearConv" { of(3) } else { of(1) };
                    (convolution::describe(node, weights), (*reason).to_owned())
                }
                None => {
                    for inner in node.attribute.iter().filter_map(|attribute| attribute.g.as_ref()) {
                        self.inside(inner, node, net);
                    }
                    return;
                }
            },
        };
        self.listing.unserved.push(Unserved {
            name: node.label().to_owned(),
            net: net.to_owned(),
            what,
            reason,
            count: 1,
        });
    }

    /// Lists what convolves inside of a branch or a loop, however deep.
    fn inside(&mut self, graph: &Graph, outer: &Node, net: &str) {
        for node in &graph.node {
            if node.op_type.contains("Conv") {
                self.listing.unserved.push(Unserved {
                    name: node.label().to_owned(),
                    net: net.to_owned(),
                    what: node.op_type.clone(),
                    reason: format!(
                        "it is inside of {} `{}`, where sizes are not worked out",
                        outer.op_type,
                        outer.label()
                    ),
                    count: 1,
                });
            }
            for inner in node.attribute.iter().filter_map(|attribute| attribute.g.as_ref()) {
                self.inside(inner, node, net);
            }
        }
    }
}
