//! What was found in weights, a sentence each.

use super::cost::{ANEW, LONGEST, Terms, along_first, cost, is_unit, takes_one_pass};
use super::{Factors, MOST, Weights, low_rank};

/// The largest error that is still worth a word when no tolerance was given.
const WORTH_A_WORD: f64 = 1e-4;

/// Zeros, ones and powers of two.
pub(super) fn of_weights(weights: &Weights, taps: usize) -> Vec<String> {
    let all = weights.values.len();
    let mut findings = Vec::new();
    match taps {
        0 => findings.push("every weight is zero".to_owned()),
        _ if taps < all => findings.push(format!("{taps} of {all} taps are not zero")),
        _ => {}
    }
    let ones = weights.values.iter().filter(|weight| weight.abs() == 1.0).count();
    let powers = weights.values.iter().filter(|weight| is_power(**weight)).count() - ones;
    let (one, more) = (format!("{ones} of {taps} weights are 1 or -1"), if ones > 0 { "other " } else { "" });
    match (ones, powers) {
        (0, 0) => {}
        (_, 0) => findings.push(one),
        (0, _) => findings.push(format!("{powers} of {taps} weights are powers of two")),
        _ => findings.push(format!("{one}, {powers} are {more}powers of two")),
    }
    findings
}

/// The terms of a filter of low rank.
pub(super) fn of_terms(factors: &Factors, weights: &Weights) -> String {
    let taps = weights.taps();
    let passes: Vec<[usize; 2]> = factors
        .columns
        .iter()
        .zip(&factors.rows)
        .map(|(down, along)| [down, along].map(|w| super::cost::taps(w)))
        .collect();
    let pairs: Vec<String> = passes.iter().map(|[down, along]| format!("{down} + {along}")).collect();
    match &pairs[..] {
        [pair] => format!("rank 1: two passes of {pair} taps instead of {taps}"),
        pairs => format!("rank {}: passes of {} taps instead of {taps}", pairs.len(), pairs.join(" and ")),
    }
}

/// Terms that singular values found.
pub(super) fn of_singular_values(rank: usize, error: f64, tolerance: f64) -> String {
    format!("singular values: rank {rank} within {error:.1e} (tolerance {tolerance:.0e})")
}

/// Sums of a window.
pub(super) fn of_a_window(weights: &Weights, passes: u32) -> String {
    let down = if weights.height > 1 {
        format!("running sums down the columns, begun anew every {ANEW} rows, then ")
    } else {
        String::new()
    };
    let plural = if passes == 1 { "" } else { "es" };
    format!(
        "all {} weights are alike: {down}{passes} pass{plural} of additions along the row and one multiplication",
        weights.values.len()
    )
}

/// Why a layer serves.
pub(super) fn of_a_layer(operations: usize, sums: f64, layer: f64) -> String {
    if operations > LONGEST {
        format!("a layer runs it: {operations} operations are more than the {LONGEST} that are written out")
    } else {
        format!("a layer runs it: {layer:.0} cycles for a vector of outputs, where sums take {sums:.0}")
    }
}

/// Multiplications that remain where weights of one size in a pass share theirs, and ±1 needs none.
pub(super) fn of_sums(factors: &Factors, taps: usize) -> Option<String> {
    let columns = factors.columns.iter().filter(|column| !is_unit(column));
    // After the sums along the rows each weight of a column meets sums of its own.
    let terms: Terms<'_> = factors.into();
    let of_columns: usize = match takes_one_pass(&terms) || along_first(&terms) {
        true => columns.flatten().filter(|weight| **weight != 0.0 && weight.abs() != 1.0).count(),
        false => columns.map(|column| multiplications(column)).sum(),
    };
    let remaining = of_columns + factors.rows.iter().map(|row| multiplications(row)).sum::<usize>();
    (remaining < taps).then(|| match remaining {
        0 => "no multiplication remains".to_owned(),
        1 => "1 multiplication remains for each output".to_owned(),
        _ => format!("{remaining} multiplications remain for each output"),
    })
}

/// The order of passes, where they are one or those along the rows come first.
pub(super) fn of_passes<'a>(terms: impl Into<Terms<'a>>) -> Option<String> {
    let terms = terms.into();
    let summed = terms.columns.iter().any(|column| !is_unit(column));
    if summed && takes_one_pass(&terms) {
        let both =
            "both passes at once: sums along a row stay in registers for all rows of output that see it";
        return Some(both.to_owned());
    }
    along_first(&terms)
        .then(|| "sums along the rows first, down the columns for some rows of output at once".to_owned())
}

/// What a tolerance would allow that is cheaper, where there is none.
pub(super) fn of_a_wish(weights: &Weights, chosen: &Factors) -> Option<String> {
    let all = low_rank::singular(&weights.values, weights.width, MOST);
    (1..=all.columns.len()).find_map(|rank| {
        let factors = Factors { columns: all.columns[..rank].to_vec(), rows: all.rows[..rank].to_vec() };
        let error = factors.error(&weights.values, weights.width);
        let better = error > 0.0 && error < WORTH_A_WORD && cost(&factors) < cost(chosen);
        better.then(|| {
            format!("singular values: rank {rank} within {error:.1e}, which a tolerance would allow")
        })
    })
}

/// Multiplications of a pass.
fn multiplications(weights: &[f64]) -> usize {
    let mut sizes: Vec<f64> =
        weights.iter().map(|weight| weight.abs()).filter(|size| *size != 0.0 && *size != 1.0).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    sizes.len()
}

fn is_power(weight: f64) -> bool {
    weight.is_normal() && weight.to_bits() & ((1 << 52) - 1) == 0
}
