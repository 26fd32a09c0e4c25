//! What the weights of a filter allow: a filter as few sums down its columns and along its rows.
//!
//! Every form is a product of two small matrices, `V = U · R`: the rows of a picture are summed down
//! the columns with the weights of a column of `U`, once for each of its `T` terms, and those sums along
//! the rows with the weights of a row of `R`. One term is a separable filter; a term for each row of the
//! filter is the filter as it stands. Plain code without tokens; `low_rank.rs` serves the library too.

mod alike;
mod bank;
mod byte_windows;
mod cost;
mod findings;
mod integers;
mod low_rank;
pub(crate) mod one_pass;
#[cfg(test)]
mod tests;

pub(crate) use bank::{Shared, bank};
pub(crate) use byte_windows::{ByteWindow, Part, Scaling, byte_window, finding as finding_of_a_byte_window};
use cost::cost;
pub(crate) use cost::{ANEW, TOGETHER, Terms, WIDEST_WINDOW, along_first, takes_one_pass, unit};
pub(crate) use integers::{Division, Integers, finding as finding_of_integers, integers};
pub(crate) use low_rank::Factors;

/// Most products that singular values are asked for.
const MOST: usize = 3;

/// The weights of a filter, and what is known of them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Weights {
    /// Rows, `K_h`.
    pub(crate) height: usize,
    /// Columns, `K_w`.
    pub(crate) width: usize,
    /// Row after row; each is an `f32`.
    pub(crate) values: Vec<f64>,
    /// The same as the fewest products, where they are known exactly.
    pub(crate) factors: Option<Factors>,
    /// The same as whole numbers, where those are known exactly, and are few enough for 16 bits or all alike.
    pub(crate) whole: Option<Whole>,
}

/// Weights that are whole numbers over a common denominator.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Whole {
    /// Row after row.
    pub(crate) numerators: Vec<i32>,
    /// At least 1.
    pub(crate) denominator: u32,
    /// The numerators as the fewest products, where there are few.
    pub(crate) factors: Option<Factors>,
}

impl Weights {
    /// Weights that are not zero.
    fn taps(&self) -> usize {
        self.values.iter().filter(|weight| **weight != 0.0).count()
    }

    /// The filter as it stands: a term for each row that is not zero, whose column is a single 1.
    fn as_it_stands(&self) -> Factors {
        let mut factors = Factors { columns: Vec::new(), rows: Vec::new() };
        for (index, row) in self.values.chunks(self.width.max(1)).enumerate() {
            if row.iter().any(|weight| *weight != 0.0) {
                factors.columns.push((0..self.height).map(|at| f64::from(u8::from(at == index))).collect());
                factors.rows.push(row.to_vec());
            }
        }
        factors
    }
}

/// How a filter is computed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Form<S> {
    /// Sums down the columns, and along the rows. No terms where every weight is zero.
    Sums(S),
    /// All weights are this one: sums of a window, which do not grow with it.
    Window(f64),
    /// As a layer, whose planner knows larger filters' ways, FFT among them.
    Layer,
}

/// A form, and how it was found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fold {
    /// The cheapest form.
    pub(crate) form: Form<Factors>,
    /// The root of the squares of what the form's weights differ by, over that of the weights.
    pub(crate) error: f64,
    /// Weights that are not zero.
    pub(crate) taps: usize,
    /// Predicted cycles for a vector of outputs, see [`cost`].
    pub(crate) cycles: f64,
    /// What was found and what it saves, a sentence each.
    pub(crate) findings: Vec<String>,
}

/// Sums that a filter may be computed by.
#[derive(Debug, Clone, PartialEq)]
struct Candidate {
    factors: Factors,
    error: f64,
    findings: Vec<String>,
}

impl Candidate {
    fn new(factors: Factors, weights: &Weights, findings: Vec<String>) -> Self {
        let error = factors.error(&weights.values, weights.width);
        Candidate { factors, error, findings }
    }
}

/// The cheapest form of these weights whose error is at most `tolerance` (0: exact only).
///
/// Weights whose factors are known come from exact numbers that f32 rounds: those factors count as exact,
/// and the error says what the two roundings differ by.
pub(crate) fn fold(weights: &Weights, tolerance: f64) -> Fold {
    let taps = weights.taps();
    let candidates = candidates(weights, tolerance);
    let mut findings = findings::of_weights(weights, taps);
    let layer = cost::of_a_layer(weights.height, weights.width);
    let window = cost::of_a_window(weights);
    let sums = cheapest(candidates);
    let straight = cost(&sums.factors);
    let operations = cost::operations(&sums.factors);
    if let Some((weight, cycles)) = window.filter(|(_, cycles)| *cycles < straight.min(layer)) {
        findings.push(findings::of_a_window(weights, cost::passes(weights.width)));
        return Fold { form: Form::Window(weight), error: 0.0, taps, cycles, findings };
    }
    if operations > cost::LONGEST || layer < straight {
        findings.push(findings::of_a_layer(operations, straight, layer));
        return Fold { form: Form::Layer, error: 0.0, taps, cycles: layer, findings };
    }
    findings.extend(sums.findings);
    findings.extend(findings::of_passes(&sums.factors));
    findings.extend(findings::of_sums(&sums.factors, taps));
    if tolerance.is_nan() || tolerance <= 0.0 {
        findings.extend(findings::of_a_wish(weights, &sums.factors));
    }
    Fold { form: Form::Sums(sums.factors), error: sums.error, taps, cycles: straight, findings }
}

/// Every way to write a filter as sums that errs by at most `tolerance`, plainest first.
fn candidates(weights: &Weights, tolerance: f64) -> Vec<Candidate> {
    let mut candidates = vec![Candidate::new(weights.as_it_stands(), weights, Vec::new())];
    if let Some((factors, findings)) = alike::alike(weights) {
        let candidate = Candidate::new(factors, weights, findings);
        candidates.extend((candidate.error == 0.0).then_some(candidate));
    }
    if let Some(factors) = &weights.factors {
        let findings = vec![findings::of_terms(factors, weights)];
        candidates.push(Candidate::new(factors.clone(), weights, findings));
    }
    if tolerance > 0.0 {
        let all = low_rank::singular(&weights.values, weights.width, MOST);
        for rank in 1..=all.columns.len() {
            let factors = Factors { columns: all.columns[..rank].to_vec(), rows: all.rows[..rank].to_vec() };
            let mut candidate = Candidate::new(factors, weights, Vec::new());
            if candidate.error <= tolerance {
                candidate.findings.push(findings::of_terms(&candidate.factors, weights));
                candidate.findings.push(findings::of_singular_values(rank, candidate.error, tolerance));
                candidates.push(candidate);
                break;
            }
        }
    }
    candidates
}

/// The candidate that costs least, the first of several.
fn cheapest(candidates: Vec<Candidate>) -> Candidate {
    let none = Candidate {
        factors: Factors { columns: Vec::new(), rows: Vec::new() },
        error: 0.0,
        findings: Vec::new(),
    };
    candidates.into_iter().min_by(|a, b| cost(&a.factors).total_cmp(&cost(&b.factors))).unwrap_or(none)
}
