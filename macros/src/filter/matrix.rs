//! Lists of weights: rows, repeats, and rows that are not as long as the others.

use syn::Expr;

use super::constant;
use super::number::Number;
use super::text::written;
use super::weights::{Filter, MOST_SIDE};
use crate::parse::Mistakes;

/// A list as it is written: its elements, which stand there so many times.
pub(super) struct List<'a> {
    pub(super) elements: Vec<&'a Expr>,
    pub(super) times: usize,
}

impl List<'_> {
    pub(super) fn len(&self) -> usize {
        self.elements.len() * self.times
    }
}

/// An expression without the parentheses and invisible groups around it.
pub(super) fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(inner) => bare(&inner.expr),
        Expr::Group(inner) => bare(&inner.expr),
        other => other,
    }
}

/// `[a, b, c]` or `[a; 3]`, of 1 to `most` elements; nothing where it is no list, or a wrong one.
pub(super) fn list<'a>(
    expr: &'a Expr,
    (one, many): (&str, &str),
    most: usize,
    mistakes: &mut Mistakes,
) -> Option<List<'a>> {
    let list = match bare(expr) {
        Expr::Array(array) => List { elements: array.elems.iter().collect(), times: 1 },
        Expr::Repeat(repeat) => {
            List { elements: vec![&repeat.expr], times: count(&repeat.len, most, mistakes)? }
        }
        _ => return None,
    };
    let complaint = match list.len() {
        0 => format!("this list is empty: write at least one {one}"),
        length if length > most => format!("this list has {length} {many}: write {most} at most"),
        _ => return Some(list),
    };
    mistakes.push(syn::Error::new_spanned(expr, complaint));
    None
}

/// The length of a repeat.
fn count(expr: &Expr, most: usize, mistakes: &mut Mistakes) -> Option<usize> {
    let complaint = match length(expr) {
        Some(length) if (1..=most).contains(&length) => return Some(length),
        Some(length) => format!("this list has {length} elements: write a whole number from 1 to {most}"),
        None => format!("`{}` is no length that the macro can see: write the whole number", written(expr)),
    };
    mistakes.push(syn::Error::new_spanned(expr, complaint));
    None
}

/// A length that is written as a number.
pub(super) fn length(expr: &Expr) -> Option<usize> {
    match bare(expr) {
        Expr::Lit(syn::ExprLit { lit: syn::Lit::Int(int), .. }) if matches!(int.suffix(), "" | "usize") => {
            int.base10_parse().ok()
        }
        _ => None,
    }
}

/// Rows of weights. `width` is how long they should be, if that is said.
pub(super) fn rows(expr: &Expr, width: Option<usize>, mistakes: &mut Mistakes) -> Option<Filter> {
    let outer = list(expr, ("row", "rows"), MOST_SIDE, mistakes)?;
    if let Some(number) = outer.elements.first().filter(|element| is_number(element)) {
        let example = match bare(expr) {
            Expr::Array(_) => format!("[{}]", written(expr)),
            _ => format!("[[{}; {}]]", written(number), outer.times),
        };
        let complaint = format!("a filter is a list of rows: write `{example}` for a filter of one row");
        mistakes.push(syn::Error::new_spanned(expr, complaint));
        return None;
    }
    let rows: Vec<Option<Vec<Number>>> =
        outer.elements.iter().map(|element| row(element, mistakes)).collect();
    let lengths: Vec<Option<usize>> = outer.elements.iter().map(|element| row_length(element)).collect();
    let wanted = usual(&lengths, width)?;
    let mut ragged = false;
    for (at, (element, length)) in outer.elements.iter().zip(&lengths).enumerate() {
        if let Some(length) = length.filter(|length| *length != wanted && *length > 0) {
            let weights =
                |count: usize| if count == 1 { "1 weight".to_owned() } else { format!("{count} weights") };
            let others = if outer.len() == 2 { "the other" } else { "the others" };
            let complaint =
                format!("row {at} has {}, {others} {wanted}: write {}", weights(length), weights(wanted));
            mistakes.push(syn::Error::new_spanned(element, complaint));
            ragged = true;
        }
    }
    let rows: Vec<Vec<Number>> = rows.into_iter().collect::<Option<_>>()?;
    if ragged {
        return None;
    }
    let once = rows.concat();
    Some(Filter::new(wanted, once.repeat(outer.times)))
}

/// The length that a row should have: the one that is asked for, if any row has it; else the most common.
fn usual(lengths: &[Option<usize>], asked: Option<usize>) -> Option<usize> {
    // An empty row has been complained about.
    let found: Vec<usize> = lengths.iter().copied().flatten().filter(|length| *length > 0).collect();
    let count = |length: usize| found.iter().filter(|other| **other == length).count();
    let most = found.iter().map(|length| count(*length)).max()?;
    asked
        .filter(|asked| found.contains(asked))
        .or(found.iter().copied().find(|length| count(*length) == most))
}

/// The length of a row, whatever its weights are.
fn row_length(expr: &Expr) -> Option<usize> {
    match bare(expr) {
        Expr::Array(array) => Some(array.elems.len()),
        Expr::Repeat(repeat) => length(&repeat.len),
        _ => None,
    }
}

/// The weights of a row.
fn row(expr: &Expr, mistakes: &mut Mistakes) -> Option<Vec<Number>> {
    if !matches!(bare(expr), Expr::Array(_) | Expr::Repeat(_)) {
        let complaint =
            format!("`{}` is no row that the macro can see: write `[1.0, 2.0, 1.0]`", written(expr));
        mistakes.push(syn::Error::new_spanned(expr, complaint));
        return None;
    }
    let list = list(expr, ("weight", "weights"), MOST_SIDE, mistakes)?;
    // Every weight is read, so that every mistake is found.
    let numbers: Vec<Option<Number>> =
        list.elements.iter().map(|element| constant::weight(element, mistakes)).collect();
    let numbers: Vec<Number> = numbers.into_iter().collect::<Option<_>>()?;
    Some(numbers.repeat(list.times))
}

/// Whether an expression is written like a number.
pub(super) fn is_number(expr: &Expr) -> bool {
    matches!(bare(expr), Expr::Lit(_) | Expr::Unary(_) | Expr::Binary(_) | Expr::Cast(_))
}
