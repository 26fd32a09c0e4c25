//! Convolutions of an ONNX network: the graph is walked from its inputs, sizes are worked out on the way.

mod constants;
mod convolution;
mod graph;
mod message;
mod operators;
mod tensor;
mod window;

use bytes::Bytes;
use prost::Message;

use super::{Input, Listing, Source};
use crate::Error;
use message::Model;

/// Reads a network; `input` is the size of pictures that it leaves open.
pub(super) fn read(source: &Source<'_>, bytes: Bytes, input: Option<Input>) -> Result<Listing, Error> {
    let fail = |problem: String| Error::Network { path: source.path.to_owned(), problem };
    let model = Model::decode(bytes).map_err(|error| fail(format!("is no ONNX network: {error}")))?;
    let graph = model.graph.ok_or_else(|| fail("is no ONNX network: it has no graph".to_owned()))?;
    let found = graph::walk(&graph, source.net, input);
    if !found.open.is_empty() && (found.needed || found.listing.layers.is_empty()) && input.is_none() {
        return Err(Error::NetworkInput { path: source.path.to_owned(), inputs: found.open.join(", ") });
    }
    if input.is_some() && found.open.is_empty() {
        return Err(Error::InputUnused { path: source.path.to_owned() });
    }
    Ok(found.listing)
}

#[cfg(test)]
mod tests;
