//! Arithmetic of literals, while compiling: what a weight or a parameter may be written as.

use quote::ToTokens;
use syn::{BinOp, Expr, Lit, Type, UnOp};

use super::number::{Exact, Number};
use super::text::written;
use crate::parse::Mistakes;

/// A weight: a number that f32 has room for. A literal that stands alone is rounded as the compiler does.
pub(super) fn weight(expr: &Expr, mistakes: &mut Mistakes) -> Option<Number> {
    let number = number(expr, mistakes)?;
    let near = single(expr).unwrap_or(number.near as f32);
    let complaint = if !near.is_finite() {
        BEYOND
    } else if !number.is_zero() && near == 0.0 {
        VANISHES
    } else {
        return Some(Number { near: single(expr).map_or(number.near, f64::from), ..number });
    };
    mistakes.push(syn::Error::new_spanned(expr, complaint));
    None
}

const BEYOND: &str = "this is beyond f32, whose largest number is 3.4e38: write a smaller one";
const VANISHES: &str = "this is not zero, but f32 has no number as small (the smallest is 1.4e-45): write 0.0, or scale the filter";
const ALLOWED: &str = "write the number, or + - * / of numbers";

/// A number: literals, a sign, `+ - * /`, parentheses and `as f32`; in rationals as long as they fit.
pub(super) fn number(expr: &Expr, mistakes: &mut Mistakes) -> Option<Number> {
    match evaluate(expr, mistakes)? {
        number if number.near.is_finite() => Some(number),
        _ => {
            mistakes.push(syn::Error::new_spanned(expr, BEYOND));
            None
        }
    }
}

fn evaluate(expr: &Expr, mistakes: &mut Mistakes) -> Option<Number> {
    let complaint = match expr {
        Expr::Paren(inner) => return evaluate(&inner.expr, mistakes),
        Expr::Group(inner) => return evaluate(&inner.expr, mistakes),
        Expr::Lit(literal) => match read(&literal.lit) {
            Ok(number) => return Some(number),
            Err(complaint) => complaint,
        },
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => {
            return number(&unary.expr, mistakes).map(|number| -number);
        }
        Expr::Binary(binary) => {
            let left = number(&binary.left, mistakes);
            let right = number(&binary.right, mistakes);
            return operate(left?, &binary.op, right?, &binary.right, mistakes);
        }
        Expr::Cast(cast) => {
            let is_f32 = matches!(&*cast.ty, Type::Path(path) if path.path.is_ident("f32"));
            if is_f32 {
                return evaluate(&cast.expr, mistakes);
            }
            mistakes
                .push(syn::Error::new_spanned(&cast.ty, "a weight is an f32: write `as f32`, or no `as`"));
            return None;
        }
        Expr::Path(path) => match path.path.segments.last().map(|segment| segment.ident.to_string()) {
            Some(name) if ["NAN", "INFINITY", "NEG_INFINITY"].contains(&name.as_str()) => {
                format!("`{}` is not finite: write a finite number", written(expr))
            }
            _ => format!("`{}` is no constant that the macro can see: write the number", written(expr)),
        },
        Expr::Array(_) | Expr::Repeat(_) => {
            "a list stands where a number is wanted: write the number".to_owned()
        }
        _ => format!("`{}` is no constant that the macro can see: {ALLOWED}", written(expr)),
    };
    mistakes.push(syn::Error::new_spanned(expr, complaint));
    None
}

fn operate(
    left: Number,
    op: &BinOp,
    right: Number,
    divisor: &Expr,
    mistakes: &mut Mistakes,
) -> Option<Number> {
    let result = match op {
        BinOp::Add(_) => left + right,
        BinOp::Sub(_) => left - right,
        BinOp::Mul(_) => left * right,
        BinOp::Div(_) if right.is_zero() => {
            let complaint = "this divides by zero: write a divisor that is not 0";
            mistakes.push(syn::Error::new_spanned(divisor, complaint));
            return None;
        }
        BinOp::Div(_) => left / right,
        other => {
            let complaint = format!("the macro does not compute `{}`: {ALLOWED}", other.to_token_stream());
            mistakes.push(syn::Error::new_spanned(other, complaint));
            return None;
        }
    };
    // What the f64 has lost beside zero must not pass for a zero.
    let vanished = match op {
        BinOp::Mul(_) => !left.is_zero() && !right.is_zero(),
        BinOp::Div(_) => !left.is_zero(),
        _ => false,
    } && result.near == 0.0;
    if vanished {
        mistakes.push(syn::Error::new_spanned(divisor, VANISHES));
        return None;
    }
    Some(result)
}

/// A literal as a number.
fn read(literal: &Lit) -> Result<Number, String> {
    let (digits, suffix) = match literal {
        Lit::Int(int) => (int.base10_digits(), int.suffix()),
        Lit::Float(float) => (float.base10_digits(), float.suffix()),
        other => return Err(format!("`{}` is not a number: {ALLOWED}", other.to_token_stream())),
    };
    if !matches!(suffix, "" | "f32" | "f64") {
        return Err(format!("a weight is an f32: write `{digits}` without `{suffix}`"));
    }
    let near: f64 = digits.parse().map_err(|_| format!("`{digits}` is not a number: {ALLOWED}"))?;
    let nonzero =
        digits.split(['e', 'E']).next().is_some_and(|digits| digits.contains(|c| matches!(c, '1'..='9')));
    if nonzero && near == 0.0 {
        return Err(VANISHES.to_owned());
    }
    Ok(Number { exact: decimal(digits), near })
}

/// `12.5e-1` as a rational, where it fits.
fn decimal(digits: &str) -> Option<Exact> {
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (digits, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    let numerator: i128 = match format!("{whole}{fraction}").trim_start_matches('0') {
        "" => return Some(Exact::from(0)),
        digits => digits.parse().ok()?,
    };
    let exponent = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let power = 10i128.checked_pow(exponent.unsigned_abs())?;
    match exponent {
        0.. => numerator.checked_mul(power).map(Exact::from),
        _ => Some(Exact::new(numerator, power)),
    }
}

/// The f32 that the compiler makes of a literal, if the expression is one with no more than a sign.
fn single(expr: &Expr) -> Option<f32> {
    match expr {
        Expr::Paren(inner) => single(&inner.expr),
        Expr::Group(inner) => single(&inner.expr),
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => single(&unary.expr).map(|value| -value),
        Expr::Lit(literal) => match &literal.lit {
            Lit::Float(float) if float.suffix() != "f64" => float.base10_digits().parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    fn value(tokens: proc_macro2::TokenStream) -> Result<Number, Vec<String>> {
        let mut mistakes = Mistakes::default();
        let expr = syn::parse2(tokens).unwrap();
        weight(&expr, &mut mistakes).ok_or_else(|| mistakes.messages())
    }

    fn exact(tokens: proc_macro2::TokenStream) -> (i128, i128) {
        let exact = value(tokens).unwrap().exact.unwrap();
        (*exact.numer(), *exact.denom())
    }

    #[test]
    fn arithmetic_of_literals_is_exact() {
        assert_eq!(exact(quote!(1.0 / 16.0)), (1, 16));
        assert_eq!(exact(quote!(1 / 3 - 0.25 * (2 + 2f32))), (-2, 3));
        assert_eq!(exact(quote!(-(0.1 + 0.2) as f32)), (-3, 10));
        assert_eq!(exact(quote!(1_250e-2)), (25, 2));
        assert_eq!(exact(quote!(0x10)), (16, 1));
        assert_eq!(exact(quote!(0.0e99)), (0, 1));
    }

    #[test]
    fn beyond_rationals_a_number_is_an_f64() {
        let number = value(quote!(1e-40 * 1e30)).unwrap();
        assert_eq!(number.exact, None);
        assert!((number.near / 1e-10 - 1.0).abs() < 1e-15);
    }

    #[test]
    fn a_literal_is_rounded_once() {
        // Above the middle between two f32 by less than an f64 resolves: rounding twice goes down.
        let literal = "1.00000005960464477539062500000000001";
        let number = value(literal.parse().unwrap()).unwrap();
        assert_eq!(number.near, f64::from(1.0 + f32::EPSILON));
        assert_eq!(literal.parse::<f64>().unwrap() as f32, 1.0);
        assert_eq!(value(quote!(0.1)).unwrap().near, f64::from(0.1f32));
    }

    #[test]
    fn what_is_no_number_says_so() {
        let complaint = |tokens| value(tokens).unwrap_err().join("; ");
        assert!(complaint(quote!(SIGMA)).starts_with("`SIGMA` is no constant that the macro can see"));
        assert!(complaint(quote!(f32::NAN)).starts_with("`f32::NAN` is not finite"));
        assert!(complaint(quote!(2f32.sqrt())).contains("is no constant that the macro can see"));
        assert!(complaint(quote!(1.0 / (0.5 - 0.5))).starts_with("this divides by zero"));
        assert!(complaint(quote!(7 % 2)).starts_with("the macro does not compute `%`"));
        assert!(complaint(quote!(1u8)).ends_with("write `1` without `u8`"));
        assert!(complaint(quote!(1.0 as f64)).ends_with("write `as f32`, or no `as`"));
        assert!(complaint(quote!("1")).contains("is not a number"));
        for beyond in [quote!(3.5e38), quote!(1e400), quote!(-1e200 * 1e200), quote!(1e200 * 1e200 / 1e200)] {
            assert!(complaint(beyond).starts_with("this is beyond f32"));
        }
        for small in [quote!(1e-46), quote!(1e-500), quote!(1e-200 * 1e-200), quote!(1e-200 / 1e200)] {
            assert!(complaint(small).starts_with("this is not zero"));
        }
    }

    #[test]
    fn every_mistake_is_found() {
        assert_eq!(value(quote!(A + B / 0)).unwrap_err().len(), 2);
    }
}
