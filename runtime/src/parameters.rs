//! Exact parameter counts of every step from the dense layer to the convolution.
//!
//! "From fully connected layers to convolutions" (Zhang et al., *Dive into Deep Learning*, 7.1):
//! a dense layer has one weight for every pair of pixels; translation invariance leaves one for
//! every offset; locality leaves the offsets up to Δ; channels multiply what is left. Counts are
//! exact; one that does not fit `u128` saturates at `u128::MAX`. They are of weights; biases, one for
//! each hidden unit of a dense layer and one for each channel of a convolution, are [`biases`].
//!
//! | form, on a megapixel | function | weights |
//! |---|---|--:|
//! | dense, to 1000 hidden units | [`dense_to_hidden`] | 1,000,000,000 |
//! | (1) dense | [`dense`], with channels [`dense_pictures`] | 1,000,000,000,000 |
//! | (2) re-indexed | [`offsets`] | 1,000,000,000,000 |
//! | (3) translation invariant | [`translation_invariant`] | 3,996,001 |
//! | (4) local, Δ = 10 | [`local`] | 441 |
//! | (8) with channels, 3 to 16 | [`channels`], any layer [`conv2d`] | 21,168 |
//! | (9) in time, 3 frames of 16 numbers to 8 | [`conv1d`] | 384 |

use crate::ConvSpec;

/// Weights of a dense layer from a picture of `[h, w]` to `hidden` units: `h·w·hidden`.
///
/// ```
/// // A one-megapixel picture into a thousand hidden units: 10^9.
/// assert_eq!(tapwise::parameters::dense_to_hidden([1000, 1000], 1000), 1_000_000_000);
/// ```
#[must_use]
pub fn dense_to_hidden(input: [usize; 2], hidden: usize) -> u128 {
    product(&[input[0], input[1], hidden])
}

/// Weights of `H[i,j] = U[i,j] + Σ_k Σ_l W[i,j,k,l] X[k,l]`: one for every pair of pixels.
///
/// ```
/// // A megapixel to a megapixel: 10^12.
/// assert_eq!(tapwise::parameters::dense([1000, 1000], [1000, 1000]), 1_000_000_000_000);
/// ```
#[must_use]
pub fn dense(input: [usize; 2], output: [usize; 2]) -> u128 {
    product(&[input[0], input[1], output[0], output[1]])
}

/// Weights of a dense layer from pictures `[H, W, C]` to hidden pictures `[H', W', D]`.
///
/// ```
/// // A colour photograph of one megapixel to 16 feature maps of its size.
/// let weights = tapwise::parameters::dense_pictures([1000, 1000, 3], [1000, 1000, 16]);
/// assert_eq!(weights, 48_000_000_000_000);
/// ```
#[must_use]
pub fn dense_pictures(input: [usize; 3], output: [usize; 3]) -> u128 {
    product(&[input, output].concat())
}

/// Weights of the re-indexed layer, `V[i,j,a,b] = W[i,j,i+a,j+b]`: those of [`dense`], by other names.
///
/// Offset `(a, b)` is seen from `(h - |a|)·(w - |b|)` places; the sum over all offsets is `h²·w²`.
///
/// ```
/// use tapwise::parameters::{dense, offsets};
/// assert_eq!(offsets([1000, 1000]), dense([1000, 1000], [1000, 1000]));
/// ```
#[must_use]
pub fn offsets(input: [usize; 2]) -> u128 {
    // Σ_a (n - |a|) over -(n - 1) ..= n - 1 is twice 1 + 2 + .. + n, less the middle once.
    let places = |length: usize| {
        let length = length as u128;
        length.saturating_mul(length.saturating_add(1)).saturating_sub(length)
    };
    places(input[0]).saturating_mul(places(input[1]))
}

/// Weights that translation invariance leaves: `V[a,b]` for every offset, `(2h - 1)·(2w - 1)`.
///
/// The book rounds this to 4·10^6 for a megapixel; exactly it is 1999².
///
/// ```
/// assert_eq!(tapwise::parameters::translation_invariant([1000, 1000]), 3_996_001);
/// ```
#[must_use]
pub fn translation_invariant(input: [usize; 2]) -> u128 {
    let offsets = |length: usize| (2 * length as u128).saturating_sub(1);
    offsets(input[0]).saturating_mul(offsets(input[1]))
}

/// Weights that locality leaves: `(2Δ + 1)²`, offsets from -Δ to Δ.
///
/// The book writes 4Δ², the leading term of `(2Δ + 1)² = 4Δ² + 4Δ + 1`: it counts the four quadrants
/// of Δ by Δ offsets, and leaves out the row and the column through the middle, `2·(2Δ + 1) - 1 =
/// 4Δ + 1` of them. For Δ = 10 that is 400 and 441; for Δ = 0, a single pixel, it is 0 and 1.
///
/// ```
/// assert_eq!(tapwise::parameters::local(10), 441);
/// ```
#[must_use]
pub fn local(delta: usize) -> u128 {
    let side = (2 * delta as u128).saturating_add(1);
    side.saturating_mul(side)
}

/// Weights of `H[i,j,d] = Σ_a Σ_b Σ_c V[a,b,c,d] X[i+a,j+b,c]`: `(2Δ + 1)²·c_in·c_out`.
///
/// ```
/// assert_eq!(tapwise::parameters::channels(1, 3, 16), 432);
/// ```
#[must_use]
pub fn channels(delta: usize, c_in: usize, c_out: usize) -> u128 {
    local(delta).saturating_mul(product(&[c_in, c_out]))
}

/// Weights of a convolution: `K_h·K_w·(C_in / groups)·C_out`.
///
/// Stride, dilation, padding and border cost none.
///
/// ```
/// use tapwise::{ConvSpec, parameters::conv2d};
/// assert_eq!(conv2d(&ConvSpec::new([3, 3], 64, 128)), 73_728);
/// assert_eq!(conv2d(&ConvSpec { groups: 64, ..ConvSpec::new([3, 3], 64, 128) }), 1_152);
/// ```
#[must_use]
pub fn conv2d(spec: &ConvSpec) -> u128 {
    product(&[spec.kernel[0], spec.kernel[1], spec.c_in_group(), spec.c_out])
}

/// Weights of a convolution in time, `H[t,d] = u[d] + Σ_a Σ_c V[a,c,d] · X[t + a·δ, c]`:
/// `kernel·(c_in / groups)·c_out`.
///
/// ```
/// // The first layer of the time-delay network: 3 frames of 16 mel coefficients to 8 units.
/// assert_eq!(tapwise::parameters::conv1d(3, 16, 8, 1), 384);
/// ```
#[must_use]
pub fn conv1d(kernel: usize, c_in: usize, c_out: usize, groups: usize) -> u128 {
    product(&[kernel, c_in / groups.max(1), c_out])
}

/// Biases of a layer to hidden pictures `[H', W', D]`: dense, one for each number of the picture,
/// `H'·W'·D`; translation invariant, and so in every convolution, one for each channel, `D`.
///
/// ```
/// use tapwise::parameters::biases;
/// assert_eq!(biases([1000, 1000, 16], false), 16_000_000);
/// assert_eq!(biases([1000, 1000, 16], true), 16);
/// ```
#[must_use]
pub fn biases(output: [usize; 3], invariant: bool) -> u128 {
    if invariant { output[2] as u128 } else { product(&output) }
}

/// A count as a person would say it: `4.0 million`, `441`, `1.0 trillion`.
///
/// ```
/// use tapwise::parameters::{spoken, translation_invariant};
/// assert_eq!(spoken(translation_invariant([1000, 1000])), "4.0 million");
/// assert_eq!(spoken(441), "441");
/// assert_eq!(spoken(12_345), "12,345");
/// assert_eq!(spoken(1_000_000_000_000), "1.0 trillion");
/// assert_eq!(spoken(10u128.pow(18)), "1.0·10^18");
/// ```
#[must_use]
pub fn spoken(count: u128) -> String {
    const WORDS: [(u128, &str); 3] =
        [(1_000_000_000_000, "trillion"), (1_000_000_000, "billion"), (1_000_000, "million")];
    if count >= 1_000 * WORDS[0].0 {
        let rounded = format!("{:.1e}", count as f64);
        return rounded.replace('e', "·10^");
    }
    for (unit, word) in WORDS {
        // From 0.99995 of a word on: a tenth of the word below would round to a thousand of it.
        if count >= unit - unit / 20_000 {
            let tenths = (count + unit / 20) / (unit / 10);
            return format!("{}.{} {word}", tenths / 10, tenths % 10);
        }
    }
    grouped(count)
}

/// A count with its digits in groups of three: `3,996,001`.
///
/// ```
/// assert_eq!(tapwise::parameters::grouped(3_996_001), "3,996,001");
/// ```
#[must_use]
pub fn grouped(count: u128) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn product(factors: &[usize]) -> u128 {
    factors.iter().fold(1u128, |product, &factor| product.saturating_mul(factor as u128))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_textbook_figures() {
        assert_eq!(dense_to_hidden([1000, 1000], 1000), 10u128.pow(9));
        assert_eq!(dense([1000, 1000], [1000, 1000]), 10u128.pow(12));
        assert_eq!(translation_invariant([1000, 1000]), 1999 * 1999);
        for delta in 0..50u128 {
            assert_eq!(local(delta as usize) - 4 * delta * delta, 4 * delta + 1);
        }
        // "4·10^6": what the book leaves out is less than a part in a thousand.
        let exact = translation_invariant([1000, 1000]);
        assert_eq!(4_000_000 - exact, 3_999);
    }

    #[test]
    fn counts_are_those_of_what_is_counted() {
        for height in 1..6usize {
            for width in 1..6usize {
                let mut seen = 0u128;
                let mut places = std::collections::HashSet::new();
                for (i, j, k, l) in ndarray::indices((height, width, height, width)) {
                    seen += 1;
                    places.insert((k as isize - i as isize, l as isize - j as isize));
                }
                let size = [height, width];
                assert_eq!(dense(size, size), seen);
                assert_eq!(offsets(size), seen);
                assert_eq!(translation_invariant(size), places.len() as u128);
                let delta = height.max(width) - 1;
                let near = places.iter().filter(|(a, b)| a.unsigned_abs().max(b.unsigned_abs()) <= delta);
                assert_eq!(near.count(), places.len());
                if height == width {
                    assert_eq!(local(delta), places.len() as u128);
                }
            }
        }
        let spec = ConvSpec { groups: 4, stride: [2, 3], ..ConvSpec::new([5, 7], 8, 12) };
        assert_eq!(conv2d(&spec), ndarray::Array4::<f32>::zeros((5, 7, 8 / 4, 12)).len() as u128);
        assert_eq!(conv2d(&ConvSpec::new([1, 7], 8, 12)), conv1d(7, 8, 12, 1));
        assert_eq!(conv1d(7, 8, 12, 4), 168);
        assert_eq!(channels(2, 3, 4), conv2d(&ConvSpec::new([5, 5], 3, 4)));
        assert_eq!(dense_pictures([4, 5, 1], [6, 7, 1]), dense([4, 5], [6, 7]));
        assert_eq!(dense_pictures([4, 5, 2], [1, 1, 9]), dense_to_hidden([4, 5], 18));
    }

    #[test]
    fn what_does_not_fit_saturates() {
        let most = usize::MAX;
        assert_eq!(dense_pictures([most; 3], [most; 3]), u128::MAX);
        assert_eq!(offsets([most; 2]), u128::MAX);
        assert_eq!(local(most), u128::MAX);
    }

    #[test]
    fn a_count_is_never_said_with_a_thousand_of_a_word() {
        assert_eq!(spoken(999_949_999), "999.9 million");
        assert_eq!(spoken(999_950_000), "1.0 billion");
        assert_eq!(spoken(999_999), "1.0 million");
        assert_eq!(spoken(949_999), "949,999");
        assert_eq!(spoken(1_000_000_000_000_000), "1.0·10^15");
        assert_eq!(spoken(u128::MAX), "3.4·10^38");
    }
}
