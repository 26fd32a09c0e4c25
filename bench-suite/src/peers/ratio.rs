//! Tapwise over the best of the others: rows, the geometric mean, the worst.

use crate::records::Record;
use crate::statistics::geometric_mean;

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
    Some(Summary {
        rows: ratios.len(),
        won: ratios.iter().filter(|(_, ratio)| *ratio >= 1.0).count(),
        mean: geometric_mean(ratios.iter().map(|(_, ratio)| *ratio))?,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn record(shape: &str, contender: &str, form: &str, seconds: f64, threads: usize) -> Record {
        Record {
            shape: shape.to_owned(),
            group: "peers".to_owned(),
            contender: contender.to_owned(),
            strategy: form.to_owned(),
            kernel: String::new(),
            isa: "portable".to_owned(),
            threads,
            median_s: seconds,
            min_s: seconds,
            samples: 3,
            rounds: Vec::new(),
            gflops: 1.0 / seconds,
            peak_gflops: 10.0,
            fraction_of_peak: 0.1 / seconds,
            max_error: 0.0,
            checked: "all".to_owned(),
            slowed: false,
            command: "test".to_owned(),
        }
    }

    #[test]
    fn the_better_form_counts_and_the_fastest_peer_is_first() {
        let records = [
            record("a", "tapwise", "auto", 2.0, 1),
            record("a", "slow", "NCHW", 9.0, 1),
            record("a", "quick", "NCHW", 5.0, 1),
            record("a", "quick", "NHWC", 1.0, 1),
            record("b", "tapwise", "auto", 1.0, 1),
            record("b", "slow", "NCHW", 8.0, 1),
            record("c", "tapwise", "auto", 1.0, 1),
            record("b", "quick", "NCHW", 0.1, 2),
        ];
        let rows = rows(&records, "peers", 1);
        assert_eq!(rows.len(), 3);
        let names: Vec<(&str, &str)> =
            rows[0].peers.iter().map(|peer| (peer.contender.as_str(), peer.strategy.as_str())).collect();
        assert_eq!(names, [("quick", "NHWC"), ("slow", "NCHW")]);
        let ratios: Vec<Option<f64>> = rows.iter().map(Row::ratio).collect();
        assert_eq!(ratios, [Some(0.5), Some(8.0), None]);
        let summary = summary(&rows).unwrap();
        assert_eq!((summary.rows, summary.won, summary.worst), (2, 1, ("a".to_owned(), 0.5)));
        assert!((summary.mean - 2.0).abs() < 1e-12, "{}", summary.mean);
    }

    #[test]
    fn no_rows_have_no_summary() {
        assert_eq!(summary(&[]), None);
        let alone = [record("a", "tapwise", "auto", 2.0, 1)];
        assert_eq!(summary(&rows(&alone, "peers", 1)), None);
    }

    #[test]
    fn a_distribution_ends_at_the_whole() {
        let points = distribution(&[(0.5, 1.0), (0.9, 3.0)]);
        assert_eq!(points, [(0.9, 0.0), (0.9, 0.75), (0.5, 0.75), (0.5, 1.0)]);
        assert!(distribution(&[]).is_empty());
    }
}
