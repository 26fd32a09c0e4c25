//! Tapwise over the best of the others: rows, the geometric mean, the worst.

use crate::records::Record;

/// One problem: tapwise, everybody else, and who of them is best.
#[derive(Debug, Clone, PartialEq)]
pub struct Row<'a> {
    /// The descriptor.
    pub shape: &'a str,
    /// Tapwise.
    pub tapwise: &'a Record,
    /// Every peer in its fastest form, the fastest first.
    pub peers: Vec<&'a Record>,
}

impl Row<'_> {
    /// How many times as fast as the best peer tapwise is; none where no peer took part.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        self.peers.first().map(|best| best.median_s / self.tapwise.median_s)
    }
}

/// The problems of a group on so many threads, in the order in which they were measured.
#[must_use]
pub fn rows<'a>(records: &'a [Record], group: &str, threads: usize) -> Vec<Row<'a>> {
    let mut rows: Vec<Row<'a>> = Vec::new();
    let own = || records.iter().filter(|record| record.group == group && record.threads == threads);
    for tapwise in own().filter(|record| record.contender == "tapwise") {
        let mut peers: Vec<&Record> =
            own().filter(|record| record.contender != "tapwise" && record.shape == tapwise.shape).collect();
        peers.sort_by(|a, b| a.median_s.total_cmp(&b.median_s));
        let mut names: Vec<&str> = Vec::new();
        peers.retain(|record| {
            let first = !names.contains(&record.contender.as_str());
            names.push(&record.contender);
            first
        });
        rows.push(Row { shape: &tapwise.shape, tapwise, peers });
    }
    rows
}

/// What many ratios come to.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Rows with a peer.
    pub rows: usize,
    /// Rows in which tapwise is at least as fast.
    pub won: usize,
    /// The geometric mean of the ratios.
    pub mean: f64,
    /// The lowest ratio and its problem.
    pub worst: (String, f64),
}

/// The summary; none of no rows.
#[must_use]
pub fn summary(rows: &[Row<'_>]) -> Option<Summary> {
    let ratios: Vec<(&str, f64)> =
        rows.iter().filter_map(|row| row.ratio().map(|ratio| (row.shape, ratio))).collect();
    let worst = ratios.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
    let logarithms: f64 = ratios.iter().map(|(_, ratio)| ratio.ln()).sum();
    Some(Summary {
        rows: ratios.len(),
        won: ratios.iter().filter(|(_, ratio)| *ratio >= 1.0).count(),
        mean: (logarithms / ratios.len() as f64).exp(),
        worst: (worst.0.to_owned(), worst.1),
    })
}

/// How the multiply-adds of a net are spread over shares of the peak: from the fastest layer on,
/// the share of the peak and the part of the net that runs at least that fast.
///
/// Each layer is its share and its multiply-adds; the first point is at the fastest layer, the last
/// at part 1.
#[must_use]
pub fn distribution(layers: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut sorted = layers.to_vec();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let whole: f64 = sorted.iter().map(|(_, macs)| macs).sum();
    let mut below = 0.0;
    let mut points = Vec::with_capacity(2 * sorted.len());
    for (share, macs) in sorted {
        // A step: the part rises where the share is reached.
        points.push((share, below / whole));
        below += macs;
        points.push((share, below / whole));
    }
    points
}
