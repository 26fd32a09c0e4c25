//! What stands in the parentheses of a named filter: `key = value`, each judged on its token.

use std::collections::HashMap;

use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{Expr, Lit, Path, Token};

use super::constant;
use super::matrix::{bare, length};
use super::number::Number;
use super::text::written;
use crate::parse::Mistakes;

/// What a parameter takes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    Number { least: f64, most: f64 },
    Whole { least: usize, most: usize },
    Word(&'static [&'static str]),
}

/// One parameter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parameter {
    pub(super) key: &'static str,
    pub(super) form: Form,
    /// What to write for it, if it has no default.
    pub(super) example: Option<&'static str>,
}

/// What is wrong with the values together, and the key to say it of.
#[derive(Debug)]
pub(super) struct Complaint {
    pub(super) key: &'static str,
    pub(super) complaint: String,
}

#[derive(Debug, Clone, Copy)]
enum Value {
    Number(Number),
    Whole(usize),
    Word(&'static str),
}

/// The values that are given, each with its tokens.
pub(super) struct Arguments(HashMap<&'static str, (Value, Expr)>);

impl Arguments {
    pub(super) fn number(&self, key: &str) -> Option<Number> {
        match self.0.get(key) {
            Some((Value::Number(number), _)) => Some(*number),
            _ => None,
        }
    }

    /// A number that the filter cannot do without.
    pub(super) fn wanted(&self, key: &'static str) -> Result<f64, Complaint> {
        let complaint = || Complaint { key, complaint: format!("`{key}` is missing: write `{key} = 1.5`") };
        self.number(key).map(|number| number.near).ok_or_else(complaint)
    }

    pub(super) fn whole(&self, key: &str) -> Option<usize> {
        match self.0.get(key) {
            Some((Value::Whole(number), _)) => Some(*number),
            _ => None,
        }
    }

    /// Whether the word is this one.
    pub(super) fn is(&self, key: &str, wanted: &str) -> bool {
        matches!(self.0.get(key), Some((Value::Word(word), _)) if *word == wanted)
    }

    /// An error on the value of a key, or on the filter's name where it was not given.
    pub(super) fn error(&self, path: &Path, key: &str, complaint: String) -> syn::Error {
        match self.0.get(key) {
            Some((_, tokens)) => syn::Error::new_spanned(tokens, complaint),
            None => syn::Error::new_spanned(path, complaint),
        }
    }
}

/// The arguments of a filter; nothing where one of them is wrong.
pub(super) fn read(
    path: &Path,
    name: &str,
    parameters: &[Parameter],
    unnamed: &[&[&'static str]],
    arguments: Option<&Punctuated<Expr, Token![,]>>,
    mistakes: &mut Mistakes,
) -> Option<Arguments> {
    let mut values = HashMap::new();
    let mut seen: Vec<String> = Vec::new();
    let mut sound = true;
    let arguments: Vec<&Expr> = arguments.into_iter().flatten().collect();
    let bare_values = arguments.iter().filter(|argument| !matches!(argument, Expr::Assign(_))).count();
    let order = unnamed.iter().find(|keys| keys.len() == bare_values && bare_values == arguments.len());
    for (at, argument) in arguments.into_iter().enumerate() {
        let (key, value) = match (argument, order) {
            (Expr::Assign(assign), _) => (written(&assign.left), &*assign.right),
            (value, Some(keys)) => (keys[at].to_owned(), value),
            (value, None) => {
                mistakes.push(syn::Error::new_spanned(value, nameless(name, value, parameters)));
                return None;
            }
        };
        let Some(parameter) = parameters.iter().find(|parameter| parameter.key == key) else {
            let known: Vec<String> =
                parameters.iter().map(|parameter| format!("`{}`", parameter.key)).collect();
            let complaint = match known.is_empty() {
                true => format!("`{name}` has no parameters: write `{name}`"),
                false => format!("`{name}` has no `{key}`: its parameters are {}", known.join(", ")),
            };
            mistakes.push(syn::Error::new_spanned(argument, complaint));
            sound = false;
            continue;
        };
        if seen.contains(&key) {
            let complaint = format!("`{key}` is given twice: leave one of them out");
            mistakes.push(syn::Error::new_spanned(argument, complaint));
            sound = false;
            continue;
        }
        seen.push(key);
        match judged(parameter, value, mistakes) {
            Some(found) => {
                values.insert(parameter.key, (found, value.clone()));
            }
            None => sound = false,
        }
    }
    let misspelt = !sound;
    for parameter in parameters {
        // A key that was misspelt has been complained about: it is not missing as well.
        if let Some(example) =
            parameter.example.filter(|_| !misspelt && !seen.iter().any(|key| key == parameter.key))
        {
            let Parameter { key, .. } = parameter;
            let complaint = format!("`{name}` wants `{key}`: write `{name}({key} = {example})`");
            mistakes.push(syn::Error::new_spanned(path, complaint));
            sound = false;
        }
    }
    sound.then_some(Arguments(values))
}

fn nameless(name: &str, value: &Expr, parameters: &[Parameter]) -> String {
    match parameters.first() {
        None => format!("`{name}` has no parameters: write `{name}`"),
        Some(first) => {
            format!("the parameters of `{name}` have names: write `{} = {}`", first.key, written(value))
        }
    }
}

/// The value of a parameter, if it is one.
fn judged(parameter: &Parameter, value: &Expr, mistakes: &mut Mistakes) -> Option<Value> {
    let Parameter { key, form, .. } = parameter;
    let complaint = match form {
        Form::Number { least, most } => {
            let number = constant::number(value, mistakes)?;
            if (*least..=*most).contains(&number.near) {
                return Some(Value::Number(number));
            }
            format!("`{key}` is {}: write a number from {least} to {most}", number.near)
        }
        Form::Whole { least, most } => {
            let wanted = format!("write a whole number from {least} to {most}");
            match length(value) {
                Some(number) if (*least..=*most).contains(&number) => return Some(Value::Whole(number)),
                _ => format!("`{key}` is {}: {wanted}", written(value)),
            }
        }
        Form::Word(words) => {
            let found = match bare(value) {
                Expr::Path(path) => path.path.get_ident().map(|name| name.to_string()),
                Expr::Lit(literal) => match &literal.lit {
                    Lit::Bool(flag) => Some(flag.value.to_string()),
                    _ => None,
                },
                _ => None,
            };
            if let Some(word) = words.iter().find(|word| Some(**word) == found.as_deref()) {
                return Some(Value::Word(word));
            }
            let choices: Vec<String> = words.iter().map(|word| format!("`{key} = {word}`")).collect();
            format!("`{key}` is `{}`: write {}", value.to_token_stream(), choices.join(" or "))
        }
    };
    mistakes.push(syn::Error::new_spanned(value, complaint));
    None
}
