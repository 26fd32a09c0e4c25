//! A `Conv` node as a layer.

use tapwise::{ConvSpec, Shape};

use super::message::Node;
use super::tensor::Tensor;
use super::window;
use crate::layers::padding;

/// What became of a convolution.
pub(super) enum Found {
    /// A layer that is served.
    Layer(Shape),
    /// One that is not, and why.
    Not { what: String, reason: String },
    /// Its picture has a size that is not known.
    Open { what: String, lost: Option<String> },
}

/// The layer of a node over its input, with weights `[C_out, C_in / groups, K..]`.
pub(super) fn layer(node: &Node, input: &Tensor, weights: &Tensor) -> Found {
    let what = describe(node, weights);
    let not = |reason: String| Found::Not { what: what.clone(), reason };
    let Some(sizes) = weights.whole().filter(|sizes| sizes.len() >= 3) else {
        return not("the file does not say the sizes of its weights".to_owned());
    };
    let (c_out, c_in_group, kernel) = (sizes[0], sizes[1], &sizes[2..]);
    if kernel.len() > 2 {
        return not(format!("its pictures have {} axes, wanted one or two", kernel.len()));
    }
    let groups = node.int("group").unwrap_or(1);
    let Some(groups) = usize::try_from(groups).ok().filter(|groups| *groups > 0) else {
        return not(format!("group is {groups}, wanted a whole number from 1 on"));
    };
    let Some(own) = &input.sizes else { return Found::Open { what, lost: input.lost.clone() } };
    if own.len() != kernel.len() + 2 {
        return not(format!("its input has {} axes, wanted {}", own.len(), kernel.len() + 2));
    }
    let Some(pixels) = own[2..].iter().copied().collect::<Option<Vec<usize>>>() else {
        return Found::Open { what, lost: input.lost.clone() };
    };
    let c_in = c_in_group.saturating_mul(groups);
    if let Some(found) = own[1].filter(|found| *found != c_in) {
        return not(format!("its input has {found} channels, wanted {c_in}, which its weights have"));
    }
    let sides = match window::sides(node, kernel, &own[2..]) {
        Ok(sides) => sides,
        Err(reason) => return not(reason),
    };
    // Sequences are pictures of one row.
    let both = |first: usize, of: &dyn Fn(&window::Side) -> usize| match &sides[..] {
        [down, across] => [of(down), of(across)],
        [only] => [first, of(only)],
        _ => [first, first],
    };
    let mut spec = ConvSpec::new(both(1, &|side| side.kernel), c_in, c_out);
    spec.stride = both(1, &|side| side.stride);
    spec.dilation = both(1, &|side| side.dilation);
    spec.groups = groups;
    let [top, left] = both(0, &|side| side.pads[0]);
    let [bottom, right] = both(0, &|side| side.pads[1]);
    if let Err(error) = spec.validate() {
        return not(error.to_string());
    }
    spec.padding = padding(&spec, [top, left, bottom, right]);
    let size = match pixels[..] {
        [height, width] => [height, width],
        [width] => [1, width],
        _ => return not("it has no pixels".to_owned()),
    };
    let shape = Shape { batch: own[0].unwrap_or(1), ..Shape::new(size, spec) };
    match shape.output() {
        Ok(_) => Found::Layer(shape),
        Err(error) => not(error.to_string()),
    }
}

/// A node that holds weights, in a few words.
pub(super) fn describe(node: &Node, weights: &Tensor) -> String {
    let mut what = node.op_type.clone();
    let Some(sizes) = weights.whole().filter(|sizes| sizes.len() >= 3) else { return what };
    let kernel: Vec<String> = sizes[2..].iter().map(usize::to_string).collect();
    what += &format!(" {}", kernel.join(" × "));
    let groups = node.int("group").and_then(|groups| usize::try_from(groups).ok()).unwrap_or(1);
    let (first, second) = (sizes[0], sizes[1].saturating_mul(groups));
    let [inputs, outputs] = if node.op_type == "ConvTranspose" { [first, second] } else { [second, first] };
    what += &format!(", {inputs} → {outputs} channels");
    what
}
