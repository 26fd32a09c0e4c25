//! Requests to geometries: every mistake at once, each on its token, with what to write instead.

use std::collections::HashMap;

use proc_macro2::{Ident, Span};
use syn::spanned::Spanned;
use syn::{Expr, Lit, UnOp};

use crate::geometry::Geometry;
use crate::parse::{Mistakes, Request};

/// Shapes that one `specialize!` may multiply out to: about half a minute of compiling.
const MOST_SHAPES: usize = 128;

/// Weights of the largest filter that a kernel is generated for.
const MOST_WEIGHTS: usize = 1 << 27;

/// What a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A number.
    Number,
    /// `[down, across]`.
    Pair,
    /// A number for both, or `[down, across]`.
    NumberOrPair,
}

/// One key of the grammar.
struct Key {
    name: &'static str,
    form: Form,
    least: usize,
    most: usize,
}

const KEYS: &[Key] = &[
    Key { name: "delta", form: Form::Number, least: 0, most: 63 },
    Key { name: "kernel", form: Form::Pair, least: 1, most: 127 },
    Key { name: "stride", form: Form::NumberOrPair, least: 1, most: 64 },
    Key { name: "dilation", form: Form::NumberOrPair, least: 1, most: 1024 },
    Key { name: "groups", form: Form::Number, least: 1, most: 65_536 },
    Key { name: "c_in", form: Form::Number, least: 1, most: 65_536 },
    Key { name: "c_out", form: Form::Number, least: 1, most: 65_536 },
];

/// One value of a field, with the token that it came from.
#[derive(Debug, Clone, Copy)]
struct Value {
    sides: [usize; 2],
    span: Span,
}

/// The geometry of an annotation.
pub(crate) fn one(request: &Request, mut mistakes: Mistakes) -> Result<Geometry, syn::Error> {
    let mut geometries = multiply_out(request, &mut mistakes);
    mistakes.into_result()?;
    geometries.pop().ok_or_else(|| syn::Error::new(request.span, "no shape was given"))
}

/// The geometries of a list of sets, each once.
pub(crate) fn every(requests: &[Request], mut mistakes: Mistakes) -> Result<Vec<Geometry>, syn::Error> {
    let mut geometries: Vec<Geometry> = Vec::new();
    let mut seen = HashMap::new();
    for request in requests {
        for geometry in multiply_out(request, &mut mistakes) {
            if seen.insert(geometry.clone(), ()).is_some() {
                mistakes.add(
                    request.span,
                    format!("shape {} is in these sets twice: leave one out", geometry.name()),
                );
            } else {
                geometries.push(geometry);
            }
        }
    }
    if geometries.len() > MOST_SHAPES {
        mistakes.add(
            requests.first().map_or_else(Span::call_site, |request| request.span),
            format!(
                "these sets multiply out to {} shapes, beyond the budget of {MOST_SHAPES} for one `specialize!`: list \
                 only the shapes that your layers have",
                geometries.len()
            ),
        );
    }
    mistakes.into_result()?;
    Ok(geometries)
}

fn multiply_out(request: &Request, mistakes: &mut Mistakes) -> Vec<Geometry> {
    let mut values: HashMap<&'static str, Option<Vec<Value>>> = HashMap::new();
    let mut keys: HashMap<&'static str, Ident> = HashMap::new();
    let mut meant: Vec<&'static str> = Vec::new();
    for field in &request.fields {
        let written = field.key.to_string();
        let Some(key) = KEYS.iter().find(|key| key.name == written) else {
            mistakes.add(field.key.span(), unknown(&written));
            meant.extend(guess(&written));
            continue;
        };
        if keys.contains_key(key.name) {
            mistakes.add(field.key.span(), format!("`{written}` is given twice: leave one of them out"));
            continue;
        }
        keys.insert(key.name, field.key.clone());
        values.insert(key.name, read(key, &field.value, request.lists, mistakes));
    }

    let separator = if request.lists { ":" } else { " =" };
    if let (Some(first), Some(second)) = (keys.get("delta"), keys.get("kernel")) {
        let later =
            request.fields.iter().rev().map(|field| &field.key).find(|key| *key == first || *key == second);
        mistakes.add(
            later.map_or_else(|| second.span(), Ident::span),
            "`delta` and `kernel` both say how large the filter is: keep one of them",
        );
        return Vec::new();
    }
    if request.sound {
        // A key that was misspelt has been complained about: it is not missing as well.
        let given = |key: &str| keys.contains_key(key) || meant.contains(&key);
        if !given("delta") && !given("kernel") {
            mistakes.add(
                request.span,
                format!("the filter's size is missing: add `delta{separator} 1` (3x3) or `kernel{separator} [3, 5]`"),
            );
        }
        for (key, example) in [("c_in", 3), ("c_out", 16)] {
            if !given(key) {
                mistakes.add(request.span, format!("`{key}` is missing: add `{key}{separator} {example}`"));
            }
        }
    }

    // A field that is wrong has been complained about; nothing more can be said of the whole.
    let all = |key: &str, default: Option<usize>| -> Option<Vec<Value>> {
        match values.get(key) {
            Some(values) => values.clone(),
            None => default.map(|number| vec![Value { sides: [number; 2], span: request.span }]),
        }
    };
    let kernels = match all("delta", None) {
        Some(deltas) => Some(
            deltas
                .into_iter()
                .map(|delta| Value { sides: delta.sides.map(|d| 2 * d + 1), ..delta })
                .collect(),
        ),
        None => all("kernel", None),
    };
    let (Some(kernels), Some(strides), Some(dilations), Some(groups), Some(c_in), Some(c_out)) = (
        kernels,
        all("stride", Some(1)),
        all("dilation", Some(1)),
        all("groups", Some(1)),
        all("c_in", None),
        all("c_out", None),
    ) else {
        return Vec::new();
    };
    let shapes = [&kernels, &strides, &dilations, &groups, &c_in, &c_out]
        .iter()
        .fold(1usize, |product, list| product.saturating_mul(list.len()));
    if shapes > MOST_SHAPES {
        mistakes.add(
            request.span,
            format!(
                "this set multiplies out to {shapes} shapes, beyond the budget of {MOST_SHAPES} for one \
                 `specialize!`: list only the shapes that your layers have"
            ),
        );
        return Vec::new();
    }

    let mut geometries = Vec::new();
    let indivisible = divisible(&groups, &[("c_in", &c_in), ("c_out", &c_out)], mistakes);
    if indivisible {
        return geometries;
    }
    for kernel in &kernels {
        for stride in &strides {
            for dilation in &dilations {
                for group in &groups {
                    for inputs in &c_in {
                        for outputs in &c_out {
                            let geometry = Geometry {
                                kernel: kernel.sides,
                                stride: stride.sides,
                                dilation: dilation.sides,
                                groups: group.sides[0],
                                c_in: inputs.sides[0],
                                c_out: outputs.sides[0],
                            };
                            let weights = geometry.taps().saturating_mul(geometry.c_out);
                            if weights > MOST_WEIGHTS {
                                mistakes.add(
                                    outputs.span,
                                    format!(
                                        "{} has {weights} weights, beyond the {MOST_WEIGHTS} that a kernel is \
                                         generated for: build this layer with `Conv2d::builder`",
                                        geometry.name()
                                    ),
                                );
                                return geometries;
                            }
                            geometries.push(geometry);
                        }
                    }
                }
            }
        }
    }
    geometries
}

/// Complains once for each list of channels that a number of groups does not divide.
fn divisible(groups: &[Value], channels: &[(&str, &Vec<Value>)], mistakes: &mut Mistakes) -> bool {
    let mut found = false;
    for (key, list) in channels {
        for group in groups {
            let number = group.sides[0];
            if let Some(bad) = list.iter().find(|value| !value.sides[0].is_multiple_of(number)) {
                let channels = bad.sides[0];
                let largest = (1..=number).rev().find(|n| channels.is_multiple_of(*n)).unwrap_or(1);
                mistakes.add(
                    group.span,
                    format!(
                        "{number} groups do not divide the {channels} channels of `{key}`: write `{largest}` here, or a \
                         multiple of {number} there"
                    ),
                );
                found = true;
                break;
            }
        }
    }
    found
}

/// The values of a field, or nothing where one of them is wrong (and has been complained about).
fn read(key: &Key, value: &Expr, lists: bool, mistakes: &mut Mistakes) -> Option<Vec<Value>> {
    let Expr::Array(array) = value else {
        if key.form == Form::Pair {
            let example = match number_of(value) {
                Some(number) => format!("[{number}, {number}]"),
                None => "[3, 5]".to_owned(),
            };
            mistakes.add(value.span(), format!("`{}` wants rows and columns: write `{example}`", key.name));
            return None;
        }
        return number(key, value, mistakes)
            .map(|number| vec![Value { sides: [number; 2], span: value.span() }]);
    };
    if array.elems.is_empty() {
        mistakes.add(array.span(), format!("`{}` has an empty list: write at least one value", key.name));
        return None;
    }
    let nested = array.elems.iter().any(|element| matches!(element, Expr::Array(_)));
    if key.form != Form::Number && !nested {
        return pair(key, array, mistakes).map(|value| vec![value]);
    }
    if !lists {
        let example = match array.elems.first() {
            Some(Expr::Array(pair)) => {
                let sides: Vec<String> =
                    pair.elems.iter().filter_map(number_of).map(|n| n.to_string()).collect();
                format!("[{}]", sides.join(", "))
            }
            other => other.and_then(number_of).unwrap_or(1).to_string(),
        };
        mistakes.add(
            array.span(),
            format!("`{}` takes one value here: write `{example}`; lists are for `specialize!`", key.name),
        );
        return None;
    }
    // Every element is read, so that every mistake is found, before one of them spoils the list.
    let values: Vec<Option<Value>> = array
        .elems
        .iter()
        .map(|element| match element {
            Expr::Array(inner) if key.form != Form::Number => pair(key, inner, mistakes),
            other => {
                if key.form == Form::Pair {
                    mistakes
                        .add(other.span(), format!("`{}` wants rows and columns: write `[3, 5]`", key.name));
                    return None;
                }
                number(key, other, mistakes).map(|number| Value { sides: [number; 2], span: other.span() })
            }
        })
        .collect();
    values.into_iter().collect()
}

fn pair(key: &Key, array: &syn::ExprArray, mistakes: &mut Mistakes) -> Option<Value> {
    if array.elems.len() != 2 {
        mistakes.add(
            array.span(),
            format!("`{}` has {} sides: write two, `[down, across]`", key.name, array.elems.len()),
        );
        return None;
    }
    let sides: Vec<Option<usize>> =
        array.elems.iter().map(|element| number(key, element, mistakes)).collect();
    match sides[..] {
        [Some(down), Some(across)] => Some(Value { sides: [down, across], span: array.span() }),
        _ => None,
    }
}

fn number_of(value: &Expr) -> Option<usize> {
    match value {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(int) => int.base10_parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

fn number(key: &Key, value: &Expr, mistakes: &mut Mistakes) -> Option<usize> {
    let Key { name, least, most, .. } = key;
    let wanted = format!("write a whole number from {least} to {most}");
    let complaint = match value {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(int) if !int.suffix().is_empty() && int.suffix() != "usize" => {
                format!(
                    "`{name}` is a plain number: write `{}` without `{}`",
                    int.base10_digits(),
                    int.suffix()
                )
            }
            Lit::Int(int) => match int.base10_parse::<usize>() {
                Ok(number) if (*least..=*most).contains(&number) => return Some(number),
                Ok(number) => format!("`{name}` is {number}: {wanted}"),
                Err(_) => format!("`{name}` is {}: {wanted}", int.base10_digits()),
            },
            Lit::Float(float) => {
                format!("`{name}` is {}, which is not whole: {wanted}", float.base10_digits())
            }
            _ => format!("`{name}` is not a number: {wanted}"),
        },
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => format!("`{name}` is negative: {wanted}"),
        Expr::Array(_) => format!("`{name}` has a list too deep: {wanted}"),
        _ => format!("`{name}` is not a literal, and a macro cannot evaluate it: {wanted}"),
    };
    mistakes.add(value.span(), complaint);
    None
}

/// What is said of a key that does not exist.
fn unknown(written: &str) -> String {
    let on_the_layer = match written {
        "padding" | "border" | "activation" | "bias" | "flip" | "strategy" => format!("{written}(..)"),
        "relu" => "activation(Activation::Relu)".to_owned(),
        _ => String::new(),
    };
    if !on_the_layer.is_empty() {
        return format!(
            "`{written}` is not part of a kernel: set it on the layer, `Name::layer(filter).{on_the_layer}`"
        );
    }
    match guess(written) {
        Some(name) => format!("there is no key `{written}`: did you mean `{name}`?"),
        None => {
            let names: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
            format!("there is no key `{written}`: the keys are {}", names.join(", "))
        }
    }
}

/// The key that was probably meant.
fn guess(written: &str) -> Option<&'static str> {
    match written {
        "strides" => Some("stride"),
        "kernel_size" | "k" | "size" | "filter" => Some("kernel"),
        "in_channels" | "cin" | "channels_in" | "inputs" => Some("c_in"),
        "out_channels" | "cout" | "channels_out" | "outputs" => Some("c_out"),
        "radius" => Some("delta"),
        _ => KEYS.iter().map(|key| key.name).find(|name| distance(name, written) <= 2),
    }
}

/// Levenshtein's distance.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let changed = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;
    use crate::parse;

    fn mistakes(tokens: proc_macro2::TokenStream) -> Vec<String> {
        let (requests, mut mistakes) = parse::sets(tokens);
        for request in &requests {
            multiply_out(request, &mut mistakes);
        }
        mistakes.messages()
    }

    #[test]
    fn lists_multiply_out() {
        let (requests, errors) = parse::sets(quote! {
            { delta: [1, 2], c_in: [16, 32], c_out: [16, 32] }
            { kernel: [3, 3], stride: 2, c_in: 3, c_out: 32 }
            { kernel: [[1, 3], [3, 1]], dilation: [[1, 2], [2, 1]], c_in: 4, c_out: 4, groups: [1, 2, 4] }
        });
        let geometries = every(&requests, errors).unwrap();
        assert_eq!(geometries.len(), 8 + 1 + 12);
        assert_eq!(geometries[8].name(), "3x3s2c3x32");
        assert_eq!(geometries[8 + 1 + 11].name(), "3x1s1d2x1g4c4x4");
    }

    #[test]
    fn three_mistakes_are_three_errors() {
        let found = mistakes(quote! { { delta: 0.5, c_in: 0, cout: 3, c_out: 4 } });
        assert_eq!(found.len(), 3, "{found:?}");
    }

    #[test]
    fn a_wrong_value_is_not_complained_about_again_by_the_rules_across_fields() {
        let found = mistakes(quote! { { delta: 1, c_in: -3, c_out: 4, groups: 3 } });
        assert_eq!(found.len(), 1, "{found:?}");
    }
}
