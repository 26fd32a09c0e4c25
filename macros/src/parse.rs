//! Tokens to requests, with the span of every part kept. Nothing is judged here but syntax.

use proc_macro2::{Ident, Span, TokenStream};
use quote::format_ident;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Expr, Token, braced, token};

/// Mistakes found so far.
#[derive(Debug, Default)]
pub(crate) struct Mistakes(Option<syn::Error>);

impl Mistakes {
    pub(crate) fn add(&mut self, span: Span, message: impl std::fmt::Display) {
        self.push(syn::Error::new(span, message));
    }

    pub(crate) fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(first) => first.combine(error),
            none => *none = Some(error),
        }
    }

    pub(crate) fn into_result(self) -> Result<(), syn::Error> {
        self.0.map_or(Ok(()), Err)
    }

    #[cfg(test)]
    pub(crate) fn messages(self) -> Vec<String> {
        self.0.map_or_else(Vec::new, |error| error.into_iter().map(|error| error.to_string()).collect())
    }
}

/// `key = value` or `key: value`.
pub(crate) struct Field {
    pub(crate) key: Ident,
    pub(crate) value: Expr,
}

/// The fields of one annotation or of one set.
pub(crate) struct Request {
    pub(crate) fields: Vec<Field>,
    /// Where to say that something is missing.
    pub(crate) span: Span,
    /// Whether lists multiply out.
    pub(crate) lists: bool,
    /// Whether the syntax was sound, so that what is missing may be complained about.
    pub(crate) sound: bool,
}

impl Field {
    fn of_set(input: ParseStream<'_>) -> syn::Result<Field> {
        Field::parse(input, true)
    }

    fn of_attribute(input: ParseStream<'_>) -> syn::Result<Field> {
        Field::parse(input, false)
    }

    fn parse(input: ParseStream<'_>, set: bool) -> syn::Result<Field> {
        let key: Ident =
            input.parse().map_err(|error| syn::Error::new(error.span(), "expected a key such as `c_in`"))?;
        let separator = if set { ":" } else { "=" };
        let found = if input.peek(Token![=]) && !input.peek(Token![==]) {
            input.parse::<Token![=]>().map(|token| ("=", token.span()))
        } else if input.peek(Token![:]) {
            input.parse::<Token![:]>().map(|token| (":", token.span()))
        } else {
            let span = if input.is_empty() { key.span() } else { input.span() };
            return Err(syn::Error::new(
                span,
                format!("`{key}` wants a value: write `{key} {separator} ...`"),
            ));
        };
        let (written, span) = found?;
        if written != separator {
            return Err(syn::Error::new(span, format!("write `{separator}` here instead of `{written}`")));
        }
        if input.is_empty() || input.peek(Token![,]) {
            return Err(syn::Error::new(
                span,
                format!("`{key}` has no value: write a whole number after it"),
            ));
        }
        let value = input.parse()?;
        Ok(Field { key, value })
    }
}

/// The arguments of `#[conv2d(..)]`.
pub(crate) fn attribute(arguments: TokenStream) -> (Request, Mistakes) {
    let span = Span::call_site();
    let mut mistakes = Mistakes::default();
    let fields = fields(arguments, false, &mut mistakes);
    let sound = fields.is_some();
    (Request { fields: fields.unwrap_or_default(), span, lists: false, sound }, mistakes)
}

fn fields(tokens: TokenStream, set: bool, mistakes: &mut Mistakes) -> Option<Vec<Field>> {
    let parser = |input: ParseStream<'_>| {
        if set {
            Punctuated::<Field, Token![,]>::parse_terminated_with(input, Field::of_set)
        } else {
            Punctuated::<Field, Token![,]>::parse_terminated_with(input, Field::of_attribute)
        }
    };
    match parser.parse2(tokens) {
        Ok(fields) => Some(fields.into_iter().collect()),
        Err(error) => {
            mistakes.push(error);
            None
        }
    }
}

/// The sets of `specialize! { {..} {..} }`.
pub(crate) fn sets(tokens: TokenStream) -> (Vec<Request>, Mistakes) {
    struct Set(token::Brace, TokenStream);
    impl Parse for Set {
        fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
            if !input.peek(token::Brace) {
                return Err(input
                    .error("expected a set in braces, such as `{ delta: 1, c_in: 16, c_out: [16, 32] }`"));
            }
            let inner;
            let brace = braced!(inner in input);
            let set = Set(brace, inner.parse()?);
            let _: Option<Token![,]> = input.parse()?;
            Ok(set)
        }
    }
    let mut mistakes = Mistakes::default();
    let parser = |input: ParseStream<'_>| {
        let mut sets = Vec::new();
        while !input.is_empty() {
            sets.push(input.parse::<Set>()?);
        }
        Ok(sets)
    };
    let sets = parser.parse2(tokens).unwrap_or_else(|error| {
        mistakes.push(error);
        Vec::new()
    });
    let requests = sets
        .into_iter()
        .map(|Set(brace, inner)| {
            let fields = fields(inner, true, &mut mistakes);
            let sound = fields.is_some();
            Request { fields: fields.unwrap_or_default(), span: brace.span.open(), lists: true, sound }
        })
        .collect();
    (requests, mistakes)
}

/// The annotated item, which must be a unit struct without parameters. What is not becomes a
/// mistake, and the item goes on as well as it can so that its name exists.
pub(crate) fn unit_struct(item: TokenStream, mut mistakes: Mistakes) -> (Item, Mistakes) {
    let tokens = item.clone();
    let parsed: syn::Item = match syn::parse2(item) {
        Ok(item) => item,
        Err(error) => {
            mistakes.push(error);
            return (Item { tokens, parsed: None }, mistakes);
        }
    };
    let syn::Item::Struct(parsed) = parsed else {
        mistakes.add(first_token(&parsed), "`conv2d` goes on a unit struct: write `pub struct Stem;`");
        return (Item { tokens, parsed: None }, mistakes);
    };
    if !matches!(parsed.fields, syn::Fields::Unit) {
        mistakes.add(
            parsed.fields.span(),
            format!("a layer's shape has no fields: write `struct {};`", parsed.ident),
        );
    }
    if !parsed.generics.params.is_empty() {
        mistakes.add(
            parsed.generics.span(),
            format!("a layer's shape has no parameters: write `struct {};`", parsed.ident),
        );
    }
    (Item { tokens, parsed: Some(parsed) }, mistakes)
}

/// The item under an annotation.
pub(crate) struct Item {
    /// As it was written.
    pub(crate) tokens: TokenStream,
    /// As a struct, where it is one.
    pub(crate) parsed: Option<syn::ItemStruct>,
}

impl Item {
    /// The name and visibility of the struct; of a struct that nobody can name where it is none.
    pub(crate) fn name(&self) -> (Ident, syn::Visibility) {
        match &self.parsed {
            Some(item) => (item.ident.clone(), item.vis.clone()),
            None => (format_ident!("NotAStruct"), syn::Visibility::Inherited),
        }
    }
}

fn first_token(item: &syn::Item) -> Span {
    use quote::ToTokens;
    item.to_token_stream().into_iter().next().map_or_else(Span::call_site, |token| token.span())
}
