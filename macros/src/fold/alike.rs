//! Rows of a filter that are multiples of one row share its sums: rows of a symmetric filter are added
//! before they are multiplied, those of an antisymmetric one subtracted. All of it is exact.

use super::low_rank::{exact, primitive, scaled};
use super::{Factors, Weights};

/// The rows of a filter that are multiples of one row.
struct Group {
    /// That row, the shortest one in whole numbers.
    row: Vec<f64>,
    /// Indices of rows, and how often they hold it.
    members: Vec<(usize, f64)>,
}

/// A term for each kind of rows, and sentences about rows that share one; `None` where no two do.
pub(super) fn alike(weights: &Weights) -> Option<(Factors, Vec<String>)> {
    if let Some(factors) = exact(&weights.values, weights.width) {
        let finding = super::findings::of_terms(&factors, weights);
        let several = factors.columns.iter().any(|column| super::cost::taps(column) > 1);
        return several.then(|| (factors, vec![finding]));
    }
    let mut groups: Vec<Group> = Vec::new();
    let rows = weights.values.chunks(weights.width.max(1)).enumerate();
    for (index, row) in rows.filter(|(_, row)| row.iter().any(|weight| *weight != 0.0)) {
        let (row, content) = primitive(row)?;
        match groups.iter_mut().find(|group| group.row == row) {
            Some(group) => group.members.push((index, content)),
            None => groups.push(Group { row, members: vec![(index, content)] }),
        }
    }
    if groups.iter().all(|group| group.members.len() == 1) {
        return None;
    }
    let (mut columns, mut shared) = (Vec::new(), Vec::new());
    let mut findings = Vec::new();
    for group in &groups {
        let contents: Vec<f64> = group.members.iter().map(|(_, content)| *content).collect();
        let (often, unit) = match contents[..] {
            [content] => (vec![1.0], content),
            _ => scaled(primitive(&contents)?),
        };
        let mut column = vec![0.0; weights.height];
        for ((index, _), often) in group.members.iter().zip(&often) {
            column[*index] = *often;
        }
        // A zero times a negative unit is a zero without a sign.
        let row: Vec<f64> = group.row.iter().map(|weight| weight * unit + 0.0).collect();
        if !column.iter().chain(&row).all(|weight| f64::from(*weight as f32) == *weight) {
            return None;
        }
        findings.extend(sentence(group, &often));
        columns.push(column);
        shared.push(row);
    }
    Some((Factors { columns, rows: shared }, findings))
}

fn sentence(group: &Group, often: &[f64]) -> Option<String> {
    let rows: Vec<String> = group.members.iter().map(|(index, _)| index.to_string()).collect();
    let (last, others) = rows.split_last().filter(|(_, others)| !others.is_empty())?;
    let rows = format!("rows {} and {last}", others.join(", "));
    Some(if often.iter().all(|often| *often == 1.0) {
        format!("{rows} are alike: summed before multiplying")
    } else if often.iter().all(|often| often.abs() == 1.0) {
        format!("{rows} are alike but for signs: subtracted before multiplying")
    } else {
        format!("{rows} are multiples of one row: summed before multiplying")
    })
}
