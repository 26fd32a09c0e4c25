//! The road from the dense layer to the convolution, step by step, each step a type that runs.
//!
//! | equation | form | type | weights on a megapixel |
//! |---|---|---|--:|
//! | (1) | `H[i,j] = U[i,j] + Σ_k Σ_l W[i,j,k,l] · X[k,l]` | [`Dense`] | 1,000,000,000,000 |
//! | (2) | `H[i,j] = U[i,j] + Σ_a Σ_b V[i,j,a,b] · X[i+a, j+b]` | [`Offsets`] | 1,000,000,000,000 |
//! | (3) | `H[i,j] = u + Σ_a Σ_b V[a,b] · X[i+a, j+b]`, every offset | [`Invariant`] | 3,996,001 |
//! | (4) | as (3), `\|a\| ≤ Δ` and `\|b\| ≤ Δ` | [`Local`], which [`Conv2d`](crate::Conv2d) runs | 441 for Δ = 10 |
//!
//! (Zhang et al., *Dive into Deep Learning*, 7.1.) Every type here carries channels as well, so that
//! what comes out at the end of the road is (8), `H[i,j,d] = u[d] + Σ_a Σ_b Σ_c V[a,b,c,d] ·
//! X[i+a, j+b, c]`, the layer `Conv2d`.
//!
//! Downhill, from a convolution to a dense layer, everything always goes: [`Dense::from_conv`],
//! [`Invariant::from_local`], [`Invariant::offsets`], [`Invariant::dense`], [`Offsets::dense`].
//! Uphill a form has to *be* what the next one assumes, and where it is not, a [`Departure`] says
//! which weight stands against it: [`Offsets::invariant`], [`Invariant::local`], or both at once,
//! [`Dense::to_conv`].
//!
//! ```
//! use ndarray::array;
//! use tapwise::Conv2d;
//! use tapwise::dense::Dense;
//!
//! // Down: the dense layer that computes what this convolution does on pictures of 6x7 pixels.
//! let sobel = array![[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]];
//! let layer = Conv2d::builder(sobel.to_shape((3, 3, 1, 1)).unwrap().view()).build()?;
//! let dense = Dense::from_conv(&layer, [6, 7])?;
//! assert_eq!(dense.parameters(), 42 * 42 + 42);
//!
//! // And up again: the filter is found in the weights.
//! let found = dense.to_conv(0.0, 3).unwrap();
//! assert_eq!(found.delta(), [1, 1]);
//! assert_eq!(found.layer()?.filter(), layer.filter());
//! # Ok::<(), tapwise::Error>(())
//! ```
//!
//! `docs/derivation.md` in the repository walks the whole road, equation by equation, in prose.

mod departure;
mod from_conv;
mod gradients;
mod invariant;
mod layer;
mod local;
mod offsets;
mod product;

pub use departure::Departure;
pub use gradients::DenseGradients;
pub use invariant::Invariant;
pub use layer::Dense;
pub use local::Local;
pub use offsets::Offsets;
