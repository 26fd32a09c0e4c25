//! Sizes that operators make of sizes. What an operator does not say is left open.

use super::constants;
use super::message::Node;
use super::tensor::{Sizes, Tensor, axis, broadcast};
use super::window;

/// Operators whose outputs have the sizes of their first input.
const ALIKE: [&str; 49] = [
    "Relu",
    "LeakyRelu",
    "PRelu",
    "Clip",
    "Sigmoid",
    "HardSigmoid",
    "HardSwish",
    "Tanh",
    "Elu",
    "Selu",
    "Celu",
    "Softplus",
    "Softsign",
    "Gelu",
    "Mish",
    "Swish",
    "QuickGelu",
    "ThresholdedRelu",
    "Erf",
    "Exp",
    "Log",
    "Sqrt",
    "Neg",
    "Abs",
    "Floor",
    "Ceil",
    "Round",
    "Reciprocal",
    "Sign",
    "Not",
    "Sin",
    "Cos",
    "Identity",
    "Dropout",
    "Cast",
    "CastLike",
    "BatchNormalization",
    "InstanceNormalization",
    "LayerNormalization",
    "GroupNormalization",
    "LpNormalization",
    "LRN",
    "MeanVarianceNormalization",
    "Softmax",
    "LogSoftmax",
    "Hardmax",
    "QuantizeLinear",
    "DequantizeLinear",
    "Shrink",
];

/// Operators that combine their inputs number by number.
const COMBINE: [&str; 17] = [
    "Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Sum", "Mean", "Mod", "Where", "Equal", "Greater",
    "Less", "And", "Or", "Xor",
];

/// What is known of the outputs of a node; fewer than it has where nothing is known of the others.
pub(super) fn outputs(node: &Node, inputs: &[&Tensor]) -> Vec<Tensor> {
    if let Some(folded) = constants::fold(node, inputs) {
        return vec![folded];
    }
    let op = node.op_type.as_str();
    if op == "Split" {
        return split(node, inputs).unwrap_or_default();
    }
    sizes(op, node, inputs).map(Tensor::of).into_iter().collect()
}

fn sizes(op: &str, node: &Node, inputs: &[&Tensor]) -> Option<Sizes> {
    if ALIKE.contains(&op) {
        return inputs.first()?.sizes.clone();
    }
    if COMBINE.contains(&op) {
        let mut all = inputs.iter().map(|input| input.sizes.clone());
        let first = all.next()??;
        return all.try_fold(first, |joined, own| Some(broadcast(&joined, &own?)));
    }
    let own = inputs.first()?.sizes.as_ref()?;
    match op {
        "Conv" | "FusedConv" => {
            let weights = inputs.get(1)?.whole()?;
            slid(node, own, weights.get(2..)?, Some(*weights.first()?))
        }
        "MaxPool" | "AveragePool" | "LpPool" => {
            let kernel: Option<Vec<usize>> =
                node.ints("kernel_shape")?.iter().map(|&side| usize::try_from(side).ok()).collect();
            slid(node, own, &kernel?, *own.get(1)?)
        }
        "ConvTranspose" => transposed(node, own, &inputs.get(1)?.whole()?),
        "GlobalAveragePool" | "GlobalMaxPool" | "GlobalLpPool" => {
            Some(own.iter().enumerate().map(|(axis, &size)| if axis < 2 { size } else { Some(1) }).collect())
        }
        "Concat" => concat(node, inputs),
        "Pad" => pad(node, own, inputs),
        "Resize" | "Upsample" => resize(node, own, inputs),
        "DepthToSpace" | "SpaceToDepth" => blocks(op, node, own),
        "Transpose" => {
            let reversed: Vec<i64> = (0..own.len() as i64).rev().collect();
            let order = node.ints("perm").filter(|order| order.len() == own.len()).unwrap_or(&reversed);
            order.iter().map(|&from| own.get(axis(from, own.len())?).copied()).collect()
        }
        "Reshape" => reshape(node, own, inputs),
        "Flatten" => {
            let at = node.int("axis").unwrap_or(1);
            let at = if at == own.len() as i64 { own.len() } else { axis(at, own.len())? };
            Some(vec![product(&own[..at]), product(&own[at..])])
        }
        "Slice" => slice(node, own, inputs),
        "Squeeze" => {
            let axes = axes(node, inputs, 1, own.len());
            let kept = own.iter().enumerate().filter(|&(at, size)| match &axes {
                Some(axes) => !axes.contains(&at),
                None => *size != Some(1),
            });
            Some(kept.map(|(_, size)| *size).collect())
        }
        "Unsqueeze" => {
            let count = numbers(node, inputs, "axes", 1)?.len();
            let axes = axes(node, inputs, 1, own.len() + count)?;
            let mut rest = own.iter();
            let size = |at| if axes.contains(&at) { Some(Some(1)) } else { rest.next().copied() };
            (0..own.len() + count).map(size).collect()
        }
        "Expand" => {
            let wanted = inputs.get(1)?.integers()?;
            let wanted: Sizes = wanted.into_iter().map(|size| usize::try_from(size).ok()).collect();
            Some(broadcast(own, &wanted))
        }
        "ReduceMean" | "ReduceSum" | "ReduceMax" | "ReduceMin" | "ReduceL2" => {
            let all: Vec<usize> = (0..own.len()).collect();
            let axes = axes(node, inputs, 1, own.len()).filter(|axes| !axes.is_empty()).unwrap_or(all);
            let keeps = node.int("keepdims").unwrap_or(1) != 0;
            let reduced =
                own.iter().enumerate().filter_map(|(at, &size)| match (axes.contains(&at), keeps) {
                    (false, _) => Some(size),
                    (true, true) => Some(Some(1)),
                    (true, false) => None,
                });
            Some(reduced.collect())
        }
        "Gemm" => {
            let weights = inputs.get(1)?.sizes.as_ref()?;
            let flipped = |name: &str| node.int(name).unwrap_or(0) != 0;
            let rows = own.get(usize::from(flipped("transA")))?;
            let columns = weights.get(usize::from(!flipped("transB")))?;
            Some(vec![*rows, *columns])
        }
        "MatMul" => {
            let weights = inputs.get(1)?.sizes.as_ref().filter(|sizes| sizes.len() >= 2)?;
            let before = own.len().checked_sub(2)?;
            let mut sizes = broadcast(&own[..before], &weights[..weights.len() - 2]);
            sizes.extend([own[before], weights[weights.len() - 1]]);
            Some(sizes)
        }
        _ => None,
    }
}

fn product(sizes: &[Option<usize>]) -> Option<usize> {
    sizes.iter().try_fold(1usize, |all, size| all.checked_mul((*size)?))
}

/// Numbers of an attribute, or of an input in newer networks.
fn numbers(node: &Node, inputs: &[&Tensor], name: &str, at: usize) -> Option<Vec<i64>> {
    node.ints(name).map(<[i64]>::to_vec).or_else(|| inputs.get(at)?.integers())
}

fn axes(node: &Node, inputs: &[&Tensor], at: usize, count: usize) -> Option<Vec<usize>> {
    numbers(node, inputs, "axes", at)?.into_iter().map(|own| axis(own, count)).collect()
}

/// Windows that slide over the pixels.
fn slid(node: &Node, own: &Sizes, kernel: &[usize], channels: Option<usize>) -> Option<Sizes> {
    let pixels = own.get(2..).filter(|pixels| pixels.len() == kernel.len())?;
    let mut sizes = vec![own[0], channels];
    match window::sides(node, kernel, pixels) {
        Ok(sides) => sizes.extend(sides.iter().zip(pixels).map(|(side, pixels)| side.outputs((*pixels)?))),
        Err(_) => sizes.extend(pixels.iter().map(|_| None)),
    }
    Some(sizes)
}

fn transposed(node: &Node, own: &Sizes, weights: &[usize]) -> Option<Sizes> {
    let kernel = weights.get(2..)?;
    let pixels = own.get(2..).filter(|pixels| pixels.len() == kernel.len())?;
    let groups = usize::try_from(node.int("group").unwrap_or(1)).ok()?;
    let mut sizes = vec![own[0], weights[1].checked_mul(groups)];
    let wanted = node.ints("output_shape").filter(|wanted| wanted.len() == kernel.len());
    let sides = window::sides(node, kernel, pixels).ok();
    let same = node.text("auto_pad").is_some_and(|auto| auto.starts_with("SAME"));
    for (at, pixels) in pixels.iter().enumerate() {
        let more = node.ints("output_padding").and_then(|more| more.get(at)).copied().unwrap_or(0);
        sizes.push(match (wanted, &sides, pixels) {
            (Some(wanted), _, _) => usize::try_from(wanted[at]).ok(),
            (None, Some(sides), Some(pixels)) if same => pixels.checked_mul(sides[at].stride),
            (None, Some(sides), Some(pixels)) => {
                let side = sides[at];
                let reach = (pixels.checked_sub(1)?).checked_mul(side.stride)?.checked_add(side.extent())?;
                reach.checked_add(usize::try_from(more).ok()?)?.checked_sub(side.pads[0] + side.pads[1])
            }
            _ => None,
        });
    }
    Some(sizes)
}

fn concat(node: &Node, inputs: &[&Tensor]) -> Option<Sizes> {
    let all: Option<Vec<&Sizes>> = inputs.iter().map(|input| input.sizes.as_ref()).collect();
    let all = all?;
    let first = *all.first()?;
    let along = axis(node.int("axis").unwrap_or(1), first.len())?;
    let size = |at: usize| {
        let mut own = all.iter().map(|sizes| sizes.get(at).copied().flatten());
        if at == along {
            own.try_fold(0usize, |sum, size| sum.checked_add(size?))
        } else {
            own.find_map(|size| size)
        }
    };
    Some((0..first.len()).map(size).collect())
}

fn split(node: &Node, inputs: &[&Tensor]) -> Option<Vec<Tensor>> {
    let own = inputs.first()?.sizes.as_ref()?;
    let along = axis(node.int("axis").unwrap_or(0), own.len())?;
    let parts = node.output.len();
    let lengths: Vec<Option<usize>> = match numbers(node, inputs, "split", 1) {
        Some(lengths) => lengths.into_iter().map(|length| usize::try_from(length).ok()).collect(),
        None => {
            let each = own[along].map(|size| (size, size.div_ceil(parts.max(1))));
            let length = |part: usize| {
                each.map(|(size, each)| each.min(size.saturating_sub(part.saturating_mul(each))))
            };
            (0..parts).map(length).collect()
        }
    };
    let part = |length: Option<usize>| {
        let mut sizes = own.clone();
        sizes[along] = length;
        Tensor::of(sizes)
    };
    Some(lengths.into_iter().map(part).collect())
}

fn pad(node: &Node, own: &Sizes, inputs: &[&Tensor]) -> Option<Sizes> {
    let pads = numbers(node, inputs, "pads", 1)?;
    let axes = match inputs.get(3).and_then(|axes| axes.integers()) {
        Some(named) => named.into_iter().map(|at| axis(at, own.len())).collect::<Option<Vec<_>>>()?,
        None => (0..own.len()).collect(),
    };
    if pads.len() != 2 * axes.len() {
        return None;
    }
    let mut sizes = own.clone();
    for (place, &at) in axes.iter().enumerate() {
        let more = pads[place].checked_add(pads[place + axes.len()])?;
        sizes[at] = own[at].and_then(|size| size.checked_add_signed(isize::try_from(more).ok()?));
    }
    Some(sizes)
}

fn resize(node: &Node, own: &Sizes, inputs: &[&Tensor]) -> Option<Sizes> {
    // Scales are the second input of Upsample and of the first Resize, the third of later ones; sizes the fourth.
    let given = |at: usize| {
        inputs.get(at).and_then(|input| input.numbers.as_ref()).filter(|numbers| !numbers.is_empty())
    };
    let axes = match node.ints("axes") {
        Some(named) => named.iter().map(|&at| axis(at, own.len())).collect::<Option<Vec<_>>>()?,
        None => (0..own.len()).collect(),
    };
    let mut sizes = own.clone();
    if let Some(wanted) = given(3).filter(|wanted| wanted.len() == axes.len()) {
        for (&at, &size) in axes.iter().zip(wanted) {
            sizes[at] = (1.0..1e9).contains(&size).then_some(size as usize);
        }
        return Some(sizes);
    }
    let old: Option<Vec<f64>> =
        node.attribute("scales").map(|scales| scales.floats.iter().map(|&s| s.into()).collect());
    let scales = old.as_ref().or_else(|| given(2)).or_else(|| given(1))?;
    if scales.len() != axes.len() {
        return None;
    }
    for (&at, &scale) in axes.iter().zip(scales) {
        let size = own[at].map(|size| (size as f64 * scale).floor());
        sizes[at] = size.filter(|size| (1.0..1e9).contains(size)).map(|size| size as usize);
    }
    Some(sizes)
}

fn blocks(op: &str, node: &Node, own: &Sizes) -> Option<Sizes> {
    let block =
        node.int("blocksize").and_then(|block| usize::try_from(block).ok()).filter(|block| *block > 0)?;
    let &[batch, channels, height, width] = own.as_slice() else { return None };
    let times = |size: Option<usize>| size?.checked_mul(block);
    let over = |size: Option<usize>| Some(size? / block);
    Some(match op {
        "DepthToSpace" => vec![batch, over(over(channels)), times(height), times(width)],
        _ => vec![batch, times(times(channels)), over(height), over(width)],
    })
}

fn reshape(node: &Node, own: &Sizes, inputs: &[&Tensor]) -> Option<Sizes> {
    let wanted = numbers(node, inputs, "shape", 1)?;
    let copies = node.int("allowzero").unwrap_or(0) == 0;
    let mut sizes: Sizes = Vec::with_capacity(wanted.len());
    for (at, &size) in wanted.iter().enumerate() {
        sizes.push(match size {
            0 if copies => own.get(at).copied().flatten(),
            _ => usize::try_from(size).ok(),
        });
    }
    if let Some(at) = wanted.iter().position(|&size| size == -1) {
        let rest = sizes.iter().enumerate().filter(|(other, _)| *other != at);
        let rest = rest.map(|(_, size)| *size).collect::<Vec<_>>();
        sizes[at] = match (product(own), product(&rest)) {
            (Some(all), Some(rest)) if rest > 0 => Some(all / rest),
            _ => None,
        };
    }
    Some(sizes)
}

/// Axis, start, end and step of every cut of a `Slice`.
pub(super) fn cuts(node: &Node, inputs: &[&Tensor], count: usize) -> Option<Vec<(usize, i64, i64, i64)>> {
    let starts = numbers(node, inputs, "starts", 1)?;
    let ends = numbers(node, inputs, "ends", 2)?;
    let named = numbers(node, inputs, "axes", 3).unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = inputs.get(4).and_then(|steps| steps.integers()).unwrap_or_else(|| vec![1; starts.len()]);
    if ends.len() != starts.len() || named.len() != starts.len() || steps.len() != starts.len() {
        return None;
    }
    let cut =
        |at: usize| Some((axis(named[at], count)?, starts[at], ends[at], steps[at])).filter(|cut| cut.3 != 0);
    (0..starts.len()).map(cut).collect()
}

/// What a cut keeps.
pub(super) struct Kept {
    /// The first place.
    pub(super) first: i64,
    /// How many there are, each a step further.
    pub(super) count: usize,
}

/// What a cut keeps of so many places.
pub(super) fn kept(size: usize, start: i64, end: i64, step: i64) -> Kept {
    let Some(size) = i64::try_from(size).ok().filter(|size| *size > 0) else {
        return Kept { first: 0, count: 0 };
    };
    let from_end = |place: i64| if place < 0 { place.saturating_add(size) } else { place };
    let (low, high) = if step > 0 { (0, size) } else { (-1, size - 1) };
    let (first, last) = (from_end(start).clamp(low.max(0), high), from_end(end).clamp(low, high));
    let reach = if step > 0 { last - first } else { first - last };
    let count = u64::try_from(reach).map_or(0, |reach| reach.div_ceil(step.unsigned_abs().max(1)));
    Kept { first, count: count as usize }
}

fn slice(node: &Node, own: &Sizes, inputs: &[&Tensor]) -> Option<Sizes> {
    let mut sizes = own.clone();
    for (at, start, end, step) in cuts(node, inputs, own.len())? {
        sizes[at] = own[at].map(|size| kept(size, start, end, step).count);
    }
    Some(sizes)
}
