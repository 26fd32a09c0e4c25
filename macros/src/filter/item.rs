//! The tokens of an annotation and of its item, and those of an expression; nothing is judged but syntax.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Expr, Token, Type, Visibility};

use super::constant;
use crate::parse::Mistakes;

/// What every item begins with.
pub(super) struct Head {
    pub(super) attributes: Vec<Attribute>,
    pub(super) visibility: Visibility,
    pub(super) name: Ident,
}

/// What follows it in a constant.
pub(super) struct Body {
    pub(super) ty: Type,
    pub(super) value: Expr,
}

const ITEM: &str = "`filter2d` goes on a constant: write `pub const BLUR: _ = gaussian(sigma = 1.5);`";

/// The item under the annotation, as far as it could be read.
pub(super) fn item(tokens: TokenStream, mistakes: &mut Mistakes) -> (Option<Head>, Option<Body>) {
    let mut head = None;
    let mut wrong = None;
    let parser = |input: ParseStream<'_>| {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility: Visibility = input.parse()?;
        if input.peek(Token![const]) {
            input.parse::<Token![const]>()?;
        } else if input.peek(Token![static]) {
            let token: Token![static] = input.parse()?;
            let _: Option<Token![mut]> = input.parse()?;
            let complaint = "a filter is a constant: write `const` instead of `static`";
            wrong = Some(syn::Error::new_spanned(token, complaint));
        } else {
            let error = syn::Error::new(input.span(), ITEM);
            input.parse::<TokenStream>()?;
            return Err(error);
        }
        if input.peek(Token![fn])
            || input.peek(Token![unsafe])
            || input.peek(Token![extern])
            || input.peek(Token![async])
        {
            let error = syn::Error::new(input.span(), ITEM);
            input.parse::<TokenStream>()?;
            return Err(error);
        }
        if input.peek(Token![_]) {
            return Err(input.error("a filter is used by its name: write one instead of `_`"));
        }
        head = Some(Head { attributes, visibility, name: input.parse()? });
        if input.peek(Token![<]) {
            return Err(input.error("a filter has no parameters: write its type after a `:`"));
        }
        input.parse::<Token![:]>()?;
        let ty = input.parse()?;
        if input.peek(Token![;]) {
            return Err(input.error("a filter wants its weights: write `= [[1.0, 2.0, 1.0]];`"));
        }
        input.parse::<Token![=]>()?;
        let value = input.parse()?;
        input.parse::<Token![;]>()?;
        Ok(Body { ty, value })
    };
    let body = parser.parse2(speakable(tokens));
    wrong.into_iter().for_each(|wrong| mistakes.push(wrong));
    (head, body.map_err(|error| mistakes.push(error)).ok())
}

/// The arguments of the attribute: `tolerance = 1e-6`, or nothing.
pub(super) fn arguments(tokens: TokenStream, mistakes: &mut Mistakes) -> f64 {
    let parsed = (|input: ParseStream<'_>| tolerance(input, "#[filter2d(tolerance = 1e-6)]")).parse2(tokens);
    let parsed = parsed.map_err(|error| mistakes.push(error)).ok().flatten();
    parsed.and_then(|value| allowed(&value, mistakes)).unwrap_or(0.0)
}

/// `filter`, or `filter, tolerance = 1e-6`.
pub(super) fn expression(tokens: TokenStream, mistakes: &mut Mistakes) -> Option<(Expr, f64)> {
    let parser = |input: ParseStream<'_>| {
        if input.is_empty() {
            return Err(syn::Error::new(
                Span::call_site(),
                "a filter is missing: write `filter!(gaussian(sigma = 1.5))`",
            ));
        }
        let value: Expr = input.parse()?;
        if input.is_empty() {
            return Ok((value, None));
        }
        if input.peek(Token![;]) {
            input.parse::<Token![;]>()?;
        } else {
            input.parse::<Token![,]>()?;
        }
        Ok((value, tolerance(input, "filter!(gaussian(sigma = 1.5), tolerance = 1e-6)")?))
    };
    let (value, tolerance) = parser.parse2(speakable(tokens)).map_err(|error| mistakes.push(error)).ok()?;
    Some((value, tolerance.and_then(|value| allowed(&value, mistakes)).unwrap_or(0.0)))
}

fn tolerance(input: ParseStream<'_>, example: &str) -> syn::Result<Option<Expr>> {
    if input.is_empty() {
        return Ok(None);
    }
    let key: Ident =
        input.parse().map_err(|error| syn::Error::new(error.span(), format!("write `{example}`")))?;
    if key != "tolerance" {
        let complaint = format!("there is no key `{key}`: the only one is `tolerance`, as in `{example}`");
        return Err(syn::Error::new(key.span(), complaint));
    }
    if !input.peek(Token![=]) {
        return Err(syn::Error::new(key.span(), format!("`tolerance` wants a value: write `{example}`")));
    }
    input.parse::<Token![=]>()?;
    if input.is_empty() {
        return Err(syn::Error::new(key.span(), format!("`tolerance` wants a value: write `{example}`")));
    }
    let value = input.parse()?;
    let _: Option<Token![,]> = input.parse()?;
    if let Ok(key) = input.parse::<Ident>() {
        let complaint = match key == "tolerance" {
            true => "`tolerance` is given twice: leave one of them out".to_owned(),
            false => format!("there is no key `{key}`: the only one is `tolerance`"),
        };
        return Err(syn::Error::new(key.span(), complaint));
    }
    Ok(Some(value))
}

/// The tolerance, a share of the weights; from a tenth on it would be another filter.
fn allowed(value: &Expr, mistakes: &mut Mistakes) -> Option<f64> {
    let number = constant::number(value, mistakes)?.near;
    if (0.0..0.1).contains(&number) {
        return Some(number);
    }
    let complaint =
        format!("`tolerance` is {number}: write a number from 0.0 to below 0.1, a share of the weights");
    mistakes.push(syn::Error::new_spanned(value, complaint));
    None
}

/// `box` is a word of the language, which no expression begins with: it is made a name here.
fn speakable(tokens: TokenStream) -> TokenStream {
    let each = tokens.into_iter().map(|token| match token {
        TokenTree::Ident(word) if word == "box" => Ident::new_raw("box", word.span()).into(),
        TokenTree::Group(group) => {
            let mut inner = Group::new(group.delimiter(), speakable(group.stream()));
            inner.set_span(group.span());
            inner.into()
        }
        other => other,
    });
    each.collect()
}
