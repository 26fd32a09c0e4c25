//! What a crate is asked for where it filters images.

use std::fs;

use serde::Deserialize;

use crate::task::Failure;

/// An image filter, in the words of the protocol.
#[derive(Clone, Deserialize)]
pub(crate) struct FilterRequest {
    operation: String,
    sigma: Option<f64>,
    picture: [usize; 3],
    numbers: String,
    pub(crate) output: String,
    size: [usize; 2],
    filters: usize,
    input: String,
    weights: String,
}

/// An image filter with its numbers.
#[derive(Clone)]
pub(crate) struct FilterTask {
    pub(crate) operation: String,
    /// The width of a Gaussian.
    pub(crate) sigma: Option<f64>,
    /// Rows, columns and channels.
    pub(crate) picture: [usize; 3],
    /// `f32` or `u8`.
    pub(crate) numbers: String,
    /// Rows and columns of the filter.
    pub(crate) size: [usize; 2],
    pub(crate) filters: usize,
    /// `[H, W, C]` in order, whatever its numbers are.
    pub(crate) values: Vec<f32>,
    /// `[N, K_h, K_w]` in order.
    pub(crate) weights: Vec<f32>,
}

impl FilterTask {
    pub(crate) fn read(request: FilterRequest) -> Result<Self, Failure> {
        let FilterRequest { operation, sigma, picture, numbers, size, filters, input, weights, .. } = request;
        let floats =
            |bytes: Vec<u8>| bytes.as_chunks().0.iter().map(|four| f32::from_ne_bytes(*four)).collect();
        let bytes = fs::read(input)?;
        let values: Vec<f32> =
            if numbers == "u8" { bytes.into_iter().map(f32::from).collect() } else { floats(bytes) };
        let weights: Vec<f32> = floats(fs::read(weights)?);
        let right =
            values.len() == picture.iter().product::<usize>() && weights.len() == filters * size[0] * size[1];
        match right {
            true => Ok(FilterTask { operation, sigma, picture, numbers, size, filters, values, weights }),
            false => Err(Failure::Failed("the numbers are not as many as their sides say".to_owned())),
        }
    }

    /// A column and a row whose product the filter is; nothing where it is no product.
    pub(crate) fn factors(&self) -> Option<(Vec<f32>, Vec<f32>)> {
        let [_, width] = self.size;
        let rows: Vec<&[f32]> = self.weights.chunks(width).collect();
        let large = |values: &[f32]| values.iter().fold(0f32, |most, value| most.max(value.abs()));
        let row = *rows.iter().max_by(|a, b| large(a).total_cmp(&large(b)))?;
        let (tap, most) = row.iter().enumerate().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))?;
        let column: Vec<f32> = rows.iter().map(|other| other[tap] / most).collect();
        let near = rows.iter().zip(&column).all(|(other, factor)| {
            other.iter().zip(row).all(|(weight, value)| (weight - factor * value).abs() < 1e-6 * most.abs())
        });
        near.then(|| (column, row.to_vec()))
    }
}
