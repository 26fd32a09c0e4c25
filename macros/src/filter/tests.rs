//! Whole annotations: their weights, their factors and their complaints.

mod any_input;
mod complaints;
mod values;

use proc_macro2::TokenStream;

use super::{attribute, expression};
use crate::fold::{Factors, Weights};

fn one(tokens: TokenStream) -> Weights {
    let text = tokens.to_string();
    let (mut filters, bank, tolerance) = expression(tokens).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert!(!bank && filters.len() == 1 && tolerance == 0.0, "{text}");
    let weights = filters.remove(0);
    if let Some(factors) = &weights.factors {
        let largest = weights.values.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
        for (product, value) in product(factors).into_iter().zip(&weights.values) {
            let zero = *value == 0.0 && product.abs() <= 1e-15 * largest;
            assert!(zero || f64::from(product as f32) == *value, "{text}: {product} for {value}");
        }
    }
    weights
}

fn product(factors: &Factors) -> Vec<f64> {
    let (height, width) = (factors.columns[0].len(), factors.rows[0].len());
    let mut values = vec![0.0; height * width];
    for (column, row) in factors.columns.iter().zip(&factors.rows) {
        for (at, value) in values.iter_mut().enumerate() {
            *value += column[at / width] * row[at % width];
        }
    }
    values
}

fn terms(weights: &Weights) -> usize {
    weights.factors.as_ref().map_or(0, |factors| factors.rows.len())
}
