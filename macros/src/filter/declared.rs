//! The type that a filter is declared with, and whether its value agrees.

use quote::ToTokens;
use syn::{Expr, Type};

use super::matrix::length;
use super::text::written;
use crate::parse::Mistakes;

const EXAMPLES: &str = "write `[[f32; W]; H]`, `[[[f32; W]; H]; N]`, `Filter2d`, `FilterBank` or `_`";

/// What the type says.
pub(super) enum Declared {
    /// `_`: nothing.
    Open,
    /// `Filter2d`: one filter of any size.
    One,
    /// `FilterBank`: several.
    Bank,
    /// An array, two or three deep.
    Array(Vec<Length>),
}

/// A length in an array type, the outermost first.
pub(super) struct Length {
    tokens: Expr,
    /// The number, unless it is `_`.
    number: Option<usize>,
}

impl Declared {
    /// Whether a bank is declared, if that is said.
    pub(super) fn bank(&self) -> Option<bool> {
        match self {
            Declared::Open => None,
            Declared::One => Some(false),
            Declared::Bank => Some(true),
            Declared::Array(lengths) => Some(lengths.len() == 3),
        }
    }

    /// The length of a row, where it is said.
    pub(super) fn width(&self) -> Option<usize> {
        match self {
            Declared::Array(lengths) => lengths.last()?.number,
            _ => None,
        }
    }

    /// Complains of the lengths that the value does not have; `found` is the outermost first.
    pub(super) fn check(&self, found: &[usize], mistakes: &mut Mistakes) {
        let Declared::Array(lengths) = self else {
            return;
        };
        let names: &[&str] =
            if lengths.len() == 3 { &["filters", "rows", "columns"] } else { &["rows", "columns"] };
        for ((length, found), name) in lengths.iter().zip(found).zip(names) {
            if let Some(wanted) = length.number.filter(|wanted| wanted != found) {
                let complaint = format!("the type has {wanted} {name}, the value {found}: write `{found}`");
                mistakes.push(syn::Error::new_spanned(&length.tokens, complaint));
            }
        }
    }
}

/// Reads a type; nothing where it is none that a filter has.
pub(super) fn declared(ty: &Type, mistakes: &mut Mistakes) -> Option<Declared> {
    match bare(ty) {
        Type::Infer(_) => Some(Declared::Open),
        Type::Array(_) => {
            let mut lengths = Vec::new();
            element(ty, &mut lengths, mistakes).then_some(Declared::Array(lengths))
        }
        Type::Path(path) => {
            let last = path.path.segments.last().filter(|last| last.arguments.is_empty());
            match last.map(|last| last.ident.to_string()).as_deref() {
                Some("Filter2d") => Some(Declared::One),
                Some("FilterBank") => Some(Declared::Bank),
                _ => wrong(ty, format!("`{}` is no type of a filter: {EXAMPLES}", written(ty)), mistakes),
            }
        }
        _ => wrong(ty, format!("`{}` is no type of a filter: {EXAMPLES}", written(ty)), mistakes),
    }
}

/// Collects the lengths of an array type down to its element, and whether all of it is sound.
fn element(ty: &Type, lengths: &mut Vec<Length>, mistakes: &mut Mistakes) -> bool {
    if let Type::Array(array) = bare(ty) {
        let number = length(&array.len);
        let sound = number.is_some() || matches!(array.len, Expr::Infer(_));
        if !sound {
            let complaint = format!(
                "`{}` is no length that the macro can see: write the whole number, or `_`",
                written(&array.len)
            );
            mistakes.push(syn::Error::new_spanned(&array.len, complaint));
        }
        lengths.push(Length { tokens: array.len.clone(), number });
        return element(&array.elem, lengths, mistakes) && sound;
    }
    let is_f32 = matches!(bare(ty), Type::Path(path) if path.path.is_ident("f32"))
        || matches!(bare(ty), Type::Infer(_));
    let complaint = match lengths.len() {
        _ if !is_f32 => format!("the weights of a filter are f32, not `{}`: write `f32`", written(ty)),
        1 => "a filter has rows and columns: write `[[f32; W]; H]`".to_owned(),
        2 | 3 => return true,
        depth => format!("a filter is an array in an array, and a bank one more: these are {depth}"),
    };
    wrong::<()>(ty, complaint, mistakes);
    false
}

fn wrong<T>(tokens: &impl ToTokens, complaint: String, mistakes: &mut Mistakes) -> Option<T> {
    mistakes.push(syn::Error::new_spanned(tokens, complaint));
    None
}

fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Paren(inner) => bare(&inner.elem),
        Type::Group(inner) => bare(&inner.elem),
        other => other,
    }
}
