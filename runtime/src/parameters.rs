//! Exact parameter counts of every step from the dense layer to the convolution.
//!
//! "From fully connected layers to convolutions" (Zhang et al., *Dive into Deep Learning*, 7.1):
//! a dense layer has one weight for every pair of pixels; translation invariance leaves one for
//! every offset; locality leaves the offsets up to Δ; channels multiply what is left. Counts are
//! exact; one that does not fit `u128` saturates at `u128::MAX`.

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
/// The book writes 4Δ², the leading term; the difference, 4Δ + 1, is the centre row and column.
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
