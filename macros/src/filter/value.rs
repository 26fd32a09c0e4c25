//! Expressions to filters: lists of weights, named filters, and methods on either.

use syn::Expr;

use super::declared::Declared;
use super::matrix::{self, bare, is_number};
use super::text::written;
use super::weights::Filter;
use super::{methods, named};
use crate::fold::Weights;
use crate::parse::Mistakes;

/// Filters that a bank may hold.
const MOST_FILTERS: usize = 16;

/// What an expression says of itself before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    One,
    Bank,
}

impl Kind {
    /// A list of lists of lists, or of filters, is a bank; anything else is a filter, or meant as one.
    pub(super) fn of(expr: &Expr) -> Kind {
        let first = |expr: &'_ Expr| match bare(expr) {
            Expr::Array(array) => array.elems.first().cloned(),
            Expr::Repeat(repeat) => Some((*repeat.expr).clone()),
            _ => None,
        };
        let Some(element) = first(expr) else {
            return Kind::One;
        };
        let is_list = |expr: &Expr| matches!(bare(expr), Expr::Array(_) | Expr::Repeat(_));
        let bank = match first(&element) {
            Some(inner) => is_list(&inner),
            None => !is_number(&element) && !is_list(&element),
        };
        if bank { Kind::Bank } else { Kind::One }
    }
}

/// The filters of an annotation, all of one size, and whether they are a bank.
pub(super) fn filters(
    expr: &Expr,
    declared: &Declared,
    mistakes: &mut Mistakes,
) -> Option<(Vec<Weights>, bool)> {
    let kind = Kind::of(expr);
    let bank = declared.bank().unwrap_or(kind == Kind::Bank);
    if bank != (kind == Kind::Bank) {
        let complaint = match kind {
            Kind::One => {
                "the type is that of a bank, and this is one filter: write a list of filters, `[..]`"
            }
            Kind::Bank => {
                "the type is that of one filter, and this is a bank: write the type `FilterBank`, \
                 `[[[f32; W]; H]; N]` or `_`"
            }
        };
        mistakes.push(syn::Error::new_spanned(expr, complaint));
        return None;
    }
    if !bank {
        let weights = checked(expr, declared, mistakes)?;
        declared.check(&[weights.height, weights.width], mistakes);
        return Some((vec![weights], false));
    }
    let list = matrix::list(expr, ("filter", "filters"), MOST_FILTERS, mistakes)?;
    let filters: Vec<Option<Weights>> =
        list.elements.iter().map(|element| checked(element, declared, mistakes)).collect();
    let mut sizes = filters.iter().flatten().map(|filter| [filter.height, filter.width]);
    let first = sizes.next();
    for (element, filter) in list.elements.iter().zip(&filters) {
        if let (Some(filter), Some([height, width])) = (filter, first)
            && [filter.height, filter.width] != [height, width]
        {
            let complaint = format!(
                "this filter is {}x{}, and the first of its bank {height}x{width}: write filters of one size",
                filter.height, filter.width
            );
            mistakes.push(syn::Error::new_spanned(element, complaint));
        }
    }
    let filters: Vec<Weights> = filters.into_iter().collect::<Option<_>>()?;
    let [height, width] = first?;
    declared.check(&[list.len(), height, width], mistakes);
    Some((vec![filters; list.times].concat(), true))
}

/// The weights of a filter, unless something is wrong with them.
fn checked(expr: &Expr, declared: &Declared, mistakes: &mut Mistakes) -> Option<Weights> {
    let filter = filter(expr, declared.width(), mistakes)?;
    filter.weights().map_err(|complaint| mistakes.push(syn::Error::new_spanned(expr, complaint))).ok()
}

/// One filter. `width` is how long its rows should be, if that is said.
pub(super) fn filter(expr: &Expr, width: Option<usize>, mistakes: &mut Mistakes) -> Option<Filter> {
    match bare(expr) {
        Expr::Array(_) | Expr::Repeat(_) => matrix::rows(expr, width, mistakes),
        Expr::MethodCall(call) => methods::call(call, mistakes),
        Expr::Path(path) => named::filter(&path.path, None, mistakes),
        Expr::Call(call) => match bare(&call.func) {
            Expr::Path(path) => named::filter(&path.path, Some(&call.args), mistakes),
            _ => unknown(expr, mistakes),
        },
        _ => unknown(expr, mistakes),
    }
}

fn unknown<T>(expr: &Expr, mistakes: &mut Mistakes) -> Option<T> {
    let complaint = format!(
        "`{}` is no filter that the macro can see: write rows of weights, `[[1.0, 2.0, 1.0]]`, or a named filter, \
         `gaussian(sigma = 1.5)`",
        written(expr)
    );
    mistakes.push(syn::Error::new_spanned(expr, complaint));
    None
}
