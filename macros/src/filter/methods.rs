//! Filters made of filters: one after another, turned, scaled, added.

use syn::{Expr, ExprMethodCall};

use super::number::Number;
use super::weights::{Filter, MOST_SIDE};
use super::{combine, constant, value};
use crate::parse::Mistakes;

const METHODS: &str =
    "`.then(filter)`, `.flipped()`, `.scaled(number)`, `.plus(filter)` and `.minus(filter)`";

/// A method on a filter.
pub(super) fn call(call: &ExprMethodCall, mistakes: &mut Mistakes) -> Option<Filter> {
    let method = call.method.to_string();
    let wanted = match method.as_str() {
        "then" | "plus" | "minus" | "scaled" => 1,
        "flipped" => 0,
        _ => {
            let complaint = format!("a filter has no `.{method}`: its methods are {METHODS}");
            mistakes.add(call.method.span(), complaint);
            return None;
        }
    };
    let receiver = value::filter(&call.receiver, None, mistakes);
    if call.args.len() != wanted {
        let complaint = match method.as_str() {
            "flipped" => "`.flipped` takes nothing: write `.flipped()`".to_owned(),
            "scaled" => "`.scaled` takes one number: write `.scaled(0.5)`".to_owned(),
            _ => format!("`.{method}` takes one filter: write `.{method}(laplacian)`"),
        };
        mistakes.add(call.method.span(), complaint);
        return None;
    }
    let Some(argument) = call.args.first() else {
        return receiver.map(|filter| combine::flipped(&filter));
    };
    if method == "scaled" {
        let factor = constant::number(argument, mistakes);
        return Some(combine::scaled(&receiver?, factor?));
    }
    let (receiver, other) = (receiver, value::filter(argument, None, mistakes));
    let (receiver, other) = (receiver?, other?);
    match method.as_str() {
        "then" => then(call, &receiver, &other, mistakes),
        "minus" => plus(argument, &receiver, &combine::scaled(&other, -Number::ONE), mistakes),
        _ => plus(argument, &receiver, &other, mistakes),
    }
}

fn then(call: &ExprMethodCall, first: &Filter, second: &Filter, mistakes: &mut Mistakes) -> Option<Filter> {
    let (height, width) = (first.height + second.height - 1, first.width + second.width - 1);
    if height.max(width) > MOST_SIDE {
        let complaint = format!(
            "{}x{} then {}x{} is {height}x{width}, beyond {MOST_SIDE} rows or columns: write two filters, and apply \
             one after the other",
            first.height, first.width, second.height, second.width
        );
        mistakes.add(call.method.span(), complaint);
        return None;
    }
    Some(combine::then(first, second))
}

fn plus(argument: &Expr, first: &Filter, second: &Filter, mistakes: &mut Mistakes) -> Option<Filter> {
    if (first.height, first.width) != (second.height, second.width) {
        let complaint = format!(
            "this filter is {}x{}, and the one before it {}x{}: write filters of one size",
            second.height, second.width, first.height, first.width
        );
        mistakes.push(syn::Error::new_spanned(argument, complaint));
        return None;
    }
    Some(combine::plus(first, second))
}
