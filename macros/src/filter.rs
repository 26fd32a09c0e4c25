//! The front end of constant filters: what an annotation asks for, as weights that are known while compiling.
//!
//! Tokens become expressions (`item.rs`), those become filters (`value.rs`): lists of weights (`matrix.rs`,
//! of arithmetic in `constant.rs`), named filters (`named.rs`, by `formulas.rs`) and methods on either
//! (`methods.rs`, by `combine.rs`). Weights are rationals as long as they fit, so that factors are found
//! exactly (`exact.rs`), and are rounded to f32 last.

mod arguments;
mod combine;
mod constant;
mod declared;
mod exact;
mod formulas;
mod item;
mod matrix;
mod methods;
mod named;
mod number;
#[cfg(test)]
mod tests;
mod text;
mod value;
mod weights;

use proc_macro2::{Ident, TokenStream};

use crate::fold;
use crate::parse::Mistakes;
use declared::Declared;

/// What one annotation asks for.
pub(crate) struct Request {
    /// The user's, documentation among them.
    pub(crate) attributes: Vec<syn::Attribute>,
    pub(crate) visibility: syn::Visibility,
    pub(crate) name: Ident,
    /// The type of the constant as it was written, where that is the type it will have.
    pub(crate) ty: Option<syn::Type>,
    /// One, or those of a bank, which are all of one size.
    pub(crate) filters: Vec<fold::Weights>,
    /// Whether it is a bank, which may be one of a single filter.
    pub(crate) bank: bool,
    /// How far folded weights may be from these, relative to them; 0 unless it is given.
    pub(crate) tolerance: f64,
}

/// What is wrong with an annotation.
pub(crate) struct Failure {
    pub(crate) errors: syn::Error,
    /// What stands in for the constant, where its name could be read.
    pub(crate) item: Option<Item>,
}

/// The constant that could not be made.
pub(crate) struct Item {
    pub(crate) attributes: Vec<syn::Attribute>,
    pub(crate) visibility: syn::Visibility,
    pub(crate) name: Ident,
    /// Whether a bank was meant.
    pub(crate) bank: bool,
}

/// `#[filter2d(..)] pub const NAME: TYPE = FILTER;`.
pub(crate) fn attribute(arguments: TokenStream, tokens: TokenStream) -> Result<Request, Failure> {
    let mut mistakes = Mistakes::default();
    let tolerance = item::arguments(arguments, &mut mistakes);
    let (head, body) = item::item(tokens, &mut mistakes);
    let mut bank = false;
    let mut filters = Vec::new();
    let mut kept = None;
    if let Some(item::Body { ty, value }) = &body {
        let declared = declared::declared(ty, &mut mistakes);
        let meant = declared.as_ref().and_then(Declared::bank);
        bank = meant.unwrap_or(value::Kind::of(value) == value::Kind::Bank);
        kept = matches!(declared, Some(Declared::One | Declared::Bank)).then(|| ty.clone());
        // A wrong type has been complained about: the value is read as if there were none.
        let declared = declared.unwrap_or(Declared::Open);
        if let Some((found, _)) = value::filters(value, &declared, &mut mistakes) {
            filters = found;
        }
    }
    match (head, mistakes.into_result()) {
        (Some(item::Head { attributes, visibility, name }), Ok(())) => {
            Ok(Request { attributes, visibility, name, ty: kept, filters, bank, tolerance })
        }
        (head, errors) => Err(Failure {
            errors: errors
                .err()
                .unwrap_or_else(|| syn::Error::new(proc_macro2::Span::call_site(), "no filter was given")),
            item: head.map(|item::Head { attributes, visibility, name }| Item {
                attributes,
                visibility,
                name,
                bank,
            }),
        }),
    }
}

/// `filter!(gaussian(sigma = 1.5))`, or `filter!(.., tolerance = 1e-6)`: the filters, whether they are a bank,
/// and the tolerance.
pub(crate) fn expression(tokens: TokenStream) -> Result<(Vec<fold::Weights>, bool, f64), syn::Error> {
    let mut mistakes = Mistakes::default();
    let parsed = item::expression(tokens, &mut mistakes);
    let found = parsed.and_then(|(value, tolerance)| {
        let (filters, bank) = value::filters(&value, &Declared::Open, &mut mistakes)?;
        Some((filters, bank, tolerance))
    });
    mistakes.into_result()?;
    found.ok_or_else(|| syn::Error::new(proc_macro2::Span::call_site(), "no filter was given"))
}
