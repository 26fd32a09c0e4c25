//! Numbers that are known without running the network: sizes that it computes from sizes.

use super::message::Node;
use super::tensor::{Tensor, axis};

/// The constant that a node makes of constants, where it is one.
pub(super) fn fold(node: &Node, inputs: &[&Tensor]) -> Option<Tensor> {
    let first = inputs.first();
    match node.op_type.as_str() {
        "Constant" => constant(node),
        "ConstantOfShape" => {
            let sizes = first?.integers()?.into_iter().map(|size| usize::try_from(size).ok());
            let sizes: Vec<usize> = sizes.collect::<Option<_>>()?;
            let length = sizes.iter().try_fold(1usize, |all, &size| all.checked_mul(size))?;
            let given =
                node.attribute("value").and_then(|attribute| attribute.t.as_ref()).map(Tensor::constant);
            let integer = given.as_ref().is_some_and(|given| given.integer);
            let value = match given {
                Some(given) => given.numbers.and_then(|numbers| numbers.first().copied()),
                None => Some(0.0),
            };
            let numbers = value.filter(|_| length <= 64).map(|value| vec![value; length]);
            Some(Tensor { numbers, integer, ..Tensor::of(sizes.into_iter().map(Some).collect()) })
        }
        "Shape" => {
            let sizes = first?.sizes.as_ref()?;
            let bound = |value: i64| {
                let from_end = if value < 0 { value.saturating_add(sizes.len() as i64) } else { value };
                from_end.clamp(0, sizes.len() as i64) as usize
            };
            let [start, end] =
                [node.int("start").unwrap_or(0), node.int("end").unwrap_or(i64::MAX)].map(bound);
            let kept = sizes.get(start..end.max(start))?;
            let numbers: Option<Vec<f64>> = kept.iter().map(|size| size.map(|size| size as f64)).collect();
            Some(Tensor { numbers, integer: true, ..Tensor::of(vec![Some(kept.len())]) })
        }
        "Size" => {
            let all = first?.whole()?.into_iter().try_fold(1usize, usize::checked_mul)?;
            Some(Tensor { numbers: Some(vec![all as f64]), integer: true, ..Tensor::of(Vec::new()) })
        }
        "Gather" => gather(node, first?, inputs.get(1)?),
        "Concat" => {
            let lists: Option<Vec<&Vec<f64>>> = inputs.iter().map(|input| listed(input)).collect();
            let integer = inputs.iter().all(|input| input.integer);
            Some(Tensor::list(lists?.into_iter().flatten().copied().collect(), integer))
        }
        "Slice" => {
            let numbers = listed(first?)?;
            let cut = super::operators::cuts(node, inputs, 1)?;
            let &(_, start, end, step) = cut.first()?;
            let kept = super::operators::kept(numbers.len(), start, end, step);
            let place =
                |at: usize| usize::try_from(kept.first.checked_add(step.checked_mul(at as i64)?)?).ok();
            let kept: Option<Vec<f64>> = (0..kept.count).map(|at| numbers.get(place(at)?).copied()).collect();
            Some(Tensor::list(kept?, first?.integer))
        }
        "Unsqueeze" | "Squeeze" | "Reshape" | "Identity" | "Cast" => {
            let numbers = first?.numbers.clone()?;
            let sizes = match node.op_type.as_str() {
                "Unsqueeze" if numbers.len() == 1 => vec![Some(1)],
                "Squeeze" if numbers.len() == 1 => Vec::new(),
                "Identity" | "Cast" => first?.sizes.clone()?,
                "Reshape" => vec![Some(numbers.len())],
                _ => return None,
            };
            // The types of integers.
            let cast = (node.op_type == "Cast").then(|| matches!(node.int("to"), Some(2..=7 | 12 | 13)));
            let integer = cast.unwrap_or(first?.integer);
            let numbers =
                numbers.into_iter().map(|number| if integer { number.trunc() } else { number }).collect();
            Some(Tensor { numbers: Some(numbers), integer, ..Tensor::of(sizes) })
        }
        "Floor" => each(first?, f64::floor),
        "Ceil" => each(first?, f64::ceil),
        "Neg" => each(first?, |number| -number),
        "Add" => both(inputs, |a, b| a + b),
        "Sub" => both(inputs, |a, b| a - b),
        "Mul" => both(inputs, |a, b| a * b),
        "Div" if inputs.iter().all(|input| input.integer) => both(inputs, |a, b| (a / b).trunc()),
        "Div" => both(inputs, |a, b| a / b),
        _ => None,
    }
}

fn constant(node: &Node) -> Option<Tensor> {
    if let Some(tensor) = node.attribute("value").and_then(|attribute| attribute.t.as_ref()) {
        return Some(Tensor::constant(tensor));
    }
    let scalar =
        |number: f64, integer| Tensor { numbers: Some(vec![number]), integer, ..Tensor::of(Vec::new()) };
    if let Some(attribute) = node.attribute("value_int") {
        return Some(scalar(attribute.i as f64, true));
    }
    if let Some(attribute) = node.attribute("value_float") {
        return Some(scalar(f64::from(attribute.f), false));
    }
    if let Some(ints) = node.ints("value_ints") {
        return Some(Tensor::list(ints.iter().map(|&int| int as f64).collect(), true));
    }
    let floats = &node.attribute("value_floats")?.floats;
    Some(Tensor::list(floats.iter().map(|&float| f64::from(float)).collect(), false))
}

/// The numbers of a constant of at most one axis.
fn listed(tensor: &Tensor) -> Option<&Vec<f64>> {
    let flat = tensor.sizes.as_ref().is_none_or(|sizes| sizes.len() <= 1);
    tensor.numbers.as_ref().filter(|_| flat)
}

/// Picks numbers of a list, of which some may not be known: the sizes of a tensor, for instance.
fn gather(node: &Node, from: &Tensor, at: &Tensor) -> Option<Tensor> {
    if node.int("axis").unwrap_or(0) != 0 {
        return None;
    }
    let numbers = listed(from)?;
    let places = at.integers()?;
    let picked: Option<Vec<f64>> =
        places.into_iter().map(|place| numbers.get(axis(place, numbers.len())?).copied()).collect();
    Some(Tensor { numbers: Some(picked?), integer: from.integer, ..Tensor::of(at.sizes.clone()?) })
}

fn each(tensor: &Tensor, number: impl Fn(f64) -> f64) -> Option<Tensor> {
    let numbers = tensor.numbers.as_ref()?.iter().map(|&own| number(own)).collect();
    Some(Tensor { numbers: Some(numbers), ..tensor.clone() })
}

fn both(inputs: &[&Tensor], number: impl Fn(f64, f64) -> f64) -> Option<Tensor> {
    let [first, second] = inputs else { return None };
    let (left, right) = (first.numbers.as_ref()?, second.numbers.as_ref()?);
    let (numbers, of): (Vec<f64>, _) = match (left.as_slice(), right.as_slice()) {
        (left, right) if left.len() == right.len() => {
            (left.iter().zip(right).map(|(&a, &b)| number(a, b)).collect(), first)
        }
        (left, &[b]) => (left.iter().map(|&a| number(a, b)).collect(), first),
        (&[a], right) => (right.iter().map(|&b| number(a, b)).collect(), second),
        _ => return None,
    };
    let integer = first.integer && second.integer;
    Some(Tensor { numbers: Some(numbers), integer, sizes: of.sizes.clone(), lost: None })
}
