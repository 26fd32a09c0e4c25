//! Several filters over one picture: sums down the columns that several of them take are taken once.

use super::{Candidate, Factors, Weights, candidates, cheapest, cost};

/// Filters of one size as sums: the terms of all of them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bank {
    /// Weights down the columns, `[T][K_h]`, no two alike.
    pub(crate) columns: Vec<Vec<f64>>,
    /// Weights along the rows, `[filter][T][K_w]`; none where a filter has no part in a term.
    pub(crate) rows: Vec<Vec<Vec<f64>>>,
    /// The largest error of a filter: roots of sums of squares, over that of its weights.
    pub(crate) error: f64,
    /// Weights of all filters that are not zero.
    pub(crate) taps: usize,
    /// Predicted cycles for a vector of outputs of every filter.
    pub(crate) cycles: f64,
    /// What was found and what it saves, a sentence each.
    pub(crate) findings: Vec<String>,
}

/// One form for several filters over one picture: the terms of all of them, equal columns once;
/// `rows[filter][term]` (empty where a filter has no part in a term).
///
/// Always sums: what [`cost`] says of them may exceed what a layer for each filter costs.
pub(crate) fn bank(filters: &[Weights], tolerance: f64) -> Bank {
    let taps = filters.iter().map(Weights::taps).sum();
    let folded: Vec<Candidate> = filters.iter().map(|one| cheapest(candidates(one, tolerance))).collect();
    // Filters as they stand read the picture's rows where they lie, all of them the same.
    let plain: Vec<Candidate> =
        filters.iter().map(|one| Candidate::new(one.as_it_stands(), one, Vec::new())).collect();
    let ways = [joined(&folded), joined(&plain)];
    let [cycles, as_they_stand] = [&ways[0], &ways[1]].map(cycles);
    let [shared, rows] = ways;
    let (shared, cycles, chosen) =
        if cycles <= as_they_stand { (shared, cycles, folded) } else { (rows, as_they_stand, plain) };
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
    let error = chosen.iter().fold(0.0, |most: f64, one| most.max(one.error));
    Bank { columns: shared.columns, rows: shared.rows, error, taps, cycles, findings }
}

struct Joined {
    columns: Vec<Vec<f64>>,
    rows: Vec<Vec<Vec<f64>>>,
}

/// The terms of all filters, columns that are alike but for their sign once.
fn joined(filters: &[Candidate]) -> Joined {
    let mut joined = Joined { columns: Vec::new(), rows: vec![Vec::new(); filters.len()] };
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

/// The first stage once, the second for each filter.
fn cycles(joined: &Joined) -> f64 {
    let none = Vec::new();
    let down = cost(&Factors { columns: joined.columns.clone(), rows: none.clone() });
    let of_output = cost(&Factors { columns: none.clone(), rows: none.clone() });
    let along = |rows: &Vec<Vec<f64>>| cost(&Factors { columns: none.clone(), rows: rows.clone() });
    down - of_output + joined.rows.iter().map(along).sum::<f64>()
}
