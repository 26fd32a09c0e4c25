//! Convolution as mathematics has it: of functions (5), of sequences (6), of two-dimensional tensors
//! (7); and cross-correlation, which the layers compute, beside it.
//!
//! - (5) `(f * g)(x) = ∫ f(z) g(x − z) dz`: [`Samples::convolve`]
//! - (6) `(f * g)(i) = Σ_a f(a) g(i − a)`: [`convolve_1d`]
//! - (7) `(f * g)(i, j) = Σ_a Σ_b f(a, b) g(i − a, j − b)`: [`convolve_2d`]
//!
//! Cross-correlation has a plus sign: `(f ⋆ g)(i) = Σ_a f(a) g(i + a)`. The two differ by a flip, f
//! turned by 180 degrees ([`flipped_1d`], [`flipped_2d`]), and are equal for an f that the flip does
//! not change. Convolution is commutative and associative; cross-correlation is neither, `g ⋆ f` is
//! `f ⋆ g` read backwards. A network that learns its filter learns the flipped one as well, which is
//! why layers may leave the flip out (Zhang et al., *Dive into Deep Learning*, 7.1.3 and 7.2.4).
//!
//! Everything here is full: f and g are zero outside what is given, and the answer holds every index
//! where the sum is not empty, `m + n − 1` of them. It is computed by [`Conv2d`](crate::Conv2d), with
//! [`flip(true)`](crate::Conv2dBuilder::flip) for convolution and with f as the filter: the cost is
//! that of sliding f over g and its padding, least where f is the shorter.
//!
//! ```
//! use ndarray::array;
//! use tapwise::convolution::{convolve_1d, correlate_1d, flipped_1d};
//!
//! let (f, g) = (array![1.0, 2.0], array![1.0, 10.0, 100.0]);
//! // The product of the polynomials 1 + 2x and 1 + 10x + 100x².
//! assert_eq!(convolve_1d(f.view(), g.view())?, array![1.0, 12.0, 120.0, 200.0]);
//! assert_eq!(convolve_1d(g.view(), f.view())?, array![1.0, 12.0, 120.0, 200.0]);
//! assert_eq!(correlate_1d(f.view(), g.view())?, array![2.0, 21.0, 210.0, 100.0]);
//! assert_eq!(correlate_1d(g.view(), f.view())?, array![100.0, 210.0, 21.0, 2.0]);
//! assert_eq!(convolve_1d(flipped_1d(f.view()), g.view())?, correlate_1d(f.view(), g.view())?);
//! # Ok::<(), tapwise::Error>(())
//! ```

mod discrete;
mod functions;

pub use discrete::{convolve_1d, convolve_2d, correlate_1d, correlate_2d, flipped_1d, flipped_2d};
pub use functions::Samples;
