//! Several filters over one picture: sums down the columns that several of them take are taken once.

use super::cost::{LONGEST, of_a_layer, operations};
use super::{Candidate, Factors, Form, Weights, candidates, cheapest, cost, findings};

/// Filters of one size as sums: the terms of all of them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shared {
    /// Weights down the columns, `[T][K_h]`, no two alike.
    pub(crate) columns: Vec<Vec<f64>>,
    /// Weights along the rows, `[filter][T][K_w]`; none where a filter has no part in a term.
    pub(crate) rows: Vec<Vec<Vec<f64>>>,
}

/// How filters of one size are computed together.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bank {
    /// Sums, or a layer.
    pub(crate) form: Form<Shared>,
    /// The largest error of a filter: roots of sums of squares, over that of its weights.
    pub(crate) error: f64,
    /// Weights of all filters that are not zero.
    pub(crate) taps: usize,
    /// Predicted cycles for a vector of outputs of every filter.
    pub(crate) cycles: f64,
    /// What was found and what it saves, a sentence each.
    pub(crate) findings: Vec<String>,
}

/// One form for several filters over one picture: the terms of all of them, equal columns once; or a layer,
/// as for one filter.
pub(crate) fn bank(filters: &[Weights], tolerance: f64) -> Bank {
    let taps = filters.iter().map(Weights::taps).sum();
    let folded: Vec<Candidate> = filters.iter().map(|one| cheapest(candidates(one, tolerance))).collect();
    // Filters as they stand read the picture's rows where they lie, all of them the same.
    let plain: Vec<Candidate> =
        filters.iter().map(|one| Candidate::new(one.as_it_stands(), one, Vec::new())).collect();
    // Few terms share columns where those that are cheapest alone do not.
    let fewest =
        |one: &Weights| candidates(one, tolerance).into_iter().min_by_key(|way| way.factors.columns.len());
    let few: Vec<Candidate> = filters.iter().filter_map(fewest).collect();
    let ways = [folded, plain, few].map(|chosen| {
        let shared = joined(&chosen);
        (cost(&shared), shared, chosen)
    });
    let [first, others @ ..] = ways;
    let (cycles, shared, chosen) =
        others.into_iter().fold(first, |best, other| if other.0 < best.0 { other } else { best });
    let mut findings = Vec::new();
    for (index, one) in chosen.iter().enumerate() {
        findings.extend(one.findings.iter().map(|finding| format!("filter {index}: {finding}")));
    }
    let terms: usize = chosen.iter().map(|one| one.factors.columns.len()).sum();
    if shared.columns.len() < terms {
        findings.push(match shared.columns.len() {
            1 => format!("1 sum down the columns serves {terms} terms"),
            sums => format!("{sums} sums down the columns serve {terms} terms"),
        });
    }
    findings.extend(findings::of_passes(&shared));
    let error = chosen.iter().fold(0.0, |most: f64, one| most.max(one.error));
    let first = filters.first().map_or([0; 2], |one| [one.height, one.width]);
    let layer = filters.len() as f64 * of_a_layer(first[0], first[1]);
    let operations = shared.operations();
    if operations > LONGEST || layer < cycles {
        let findings = vec![findings::of_a_layer(operations, cycles, layer)];
        return Bank { form: Form::Layer, error: 0.0, taps, cycles: layer, findings };
    }
    Bank { form: Form::Sums(shared), error, taps, cycles, findings }
}

/// The terms of all filters, columns that are alike but for their sign once.
fn joined(filters: &[Candidate]) -> Shared {
    let mut joined = Shared { columns: Vec::new(), rows: vec![Vec::new(); filters.len()] };
    for (filter, candidate) in filters.iter().enumerate() {
        for (column, row) in candidate.factors.columns.iter().zip(&candidate.factors.rows) {
            let opposite: Vec<f64> = column.iter().map(|weight| 0.0 - weight).collect();
            let place = joined.columns.iter().enumerate().find_map(|(term, earlier)| {
                let sign = if earlier == column { 1.0 } else { -1.0 };
                (earlier == column || *earlier == opposite).then_some((term, sign))
            });
            let (term, sign) = place.unwrap_or_else(|| {
                joined.columns.push(column.clone());
                joined.rows.iter_mut().for_each(|rows| rows.push(Vec::new()));
                (joined.columns.len() - 1, 1.0)
            });
            let sums = &mut joined.rows[filter][term];
            sums.resize(row.len().max(sums.len()), 0.0);
            sums.iter_mut().zip(row).for_each(|(sum, weight)| *sum += sign * weight);
        }
    }
    joined
}

impl Shared {
    /// The first stage, and the second of each filter, as factors of their own.
    fn stages(&self) -> (Factors, impl Iterator<Item = Factors>) {
        let first = Factors { columns: self.columns.clone(), rows: Vec::new() };
        let second = self.rows.iter().map(|rows| Factors { columns: Vec::new(), rows: rows.clone() });
        (first, second)
    }

    fn operations(&self) -> usize {
        let (first, second) = self.stages();
        operations(&first) + second.map(|one| operations(&one)).sum::<usize>()
    }
}
