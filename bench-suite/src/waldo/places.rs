//! Where the scores peak, and which peaks are the same thing.

use ndarray::Array2;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Two boxes are one thing where what they share exceeds this part of what they cover together …
const SHARED_OF_BOTH: f64 = 0.25;

/// … or this part of the smaller one, which may lie inside the other.
const SHARED_OF_SMALLER: f64 = 0.6;

/// A box of pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Area {
    /// The left column.
    pub x: usize,
    /// The upper row.
    pub y: usize,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

/// A place that looks like the template.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// The score, from −1 to 1.
    pub score: f32,
    /// The patch.
    #[serde(flatten)]
    pub area: Area,
    /// The scale of the template that fits best.
    pub scale: f64,
}

impl Area {
    /// Pixels in both boxes.
    fn shared(&self, other: &Area) -> f64 {
        let along = |a: usize, length: usize, b: usize, other: usize| {
            (a + length).min(b + other).saturating_sub(a.max(b)) as f64
        };
        along(self.x, self.width, other.x, other.width) * along(self.y, self.height, other.y, other.height)
    }

    fn pixels(&self) -> f64 {
        self.width as f64 * self.height as f64
    }

    /// Intersection over union, from 0 to 1.
    ///
    /// ```
    /// use tapwise_bench::waldo::Area;
    /// let left = Area { x: 0, y: 0, width: 4, height: 4 };
    /// let right = Area { x: 2, y: 0, width: 4, height: 4 };
    /// assert_eq!(left.overlap(&right), 8.0 / 24.0);
    /// ```
    #[must_use]
    pub fn overlap(&self, other: &Area) -> f64 {
        let shared = self.shared(other);
        let both = self.pixels() + other.pixels() - shared;
        if both > 0.0 { shared / both } else { 0.0 }
    }

    /// Whether the two boxes are to be merged.
    fn same_as(&self, other: &Area) -> bool {
        let smaller = self.pixels().min(other.pixels()).max(1.0);
        self.overlap(other) > SHARED_OF_BOTH || self.shared(other) / smaller > SHARED_OF_SMALLER
    }
}

/// The places of a map that score above zero and no less than their eight neighbours.
///
/// `scores` is `[H − h + 1, W − w + 1]` for a filter of `size` rows and columns.
#[must_use]
pub fn peaks(scores: &Array2<f32>, size: [usize; 2], scale: f64) -> Vec<Place> {
    let (rows, columns) = scores.dim();
    let row_peaks = |row: usize| {
        let near = row.saturating_sub(1)..(row + 2).min(rows);
        (0..columns).filter_map(move |column| {
            let score = scores[[row, column]];
            let beside = column.saturating_sub(1)..(column + 2).min(columns);
            let peak = score > 0.0 && near.clone().all(|i| beside.clone().all(|j| scores[[i, j]] <= score));
            let area = Area { x: column, y: row, width: size[1], height: size[0] };
            peak.then_some(Place { score, area, scale })
        })
    };
    (0..rows).into_par_iter().flat_map_iter(row_peaks).collect()
}

/// Merges boxes that overlap into the best of each, best first: every one from `threshold` on, at
/// most `most`, and then the best of those below.
#[must_use]
pub fn merge(mut peaks: Vec<Place>, threshold: f32, most: usize) -> (Vec<Place>, Option<Place>) {
    peaks.par_sort_by(|a, b| {
        let place = |place: &Place| (place.area.y, place.area.x, place.area.height);
        b.score.total_cmp(&a.score).then(place(a).cmp(&place(b)))
    });
    let mut kept: Vec<Place> = Vec::new();
    for peak in peaks {
        if kept.iter().any(|place| place.area.same_as(&peak.area)) {
            continue;
        }
        if peak.score < threshold || kept.len() == most {
            return (kept, Some(peak));
        }
        kept.push(peak);
    }
    (kept, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(score: f32, x: usize, width: usize) -> Place {
        Place { score, area: Area { x, y: 0, width, height: width }, scale: 1.0 }
    }

    #[test]
    fn boxes_that_overlap_are_one() {
        let peaks = vec![place(0.7, 3, 20), place(0.9, 0, 20), place(0.8, 40, 20), place(0.3, 100, 20)];
        let (kept, next) = merge(peaks, 0.5, 10);
        assert_eq!(kept.iter().map(|place| place.area.x).collect::<Vec<_>>(), [0, 40]);
        assert_eq!(next.map(|place| place.area.x), Some(100));
    }

    #[test]
    fn a_box_inside_another_is_the_same_thing() {
        let (kept, next) = merge(vec![place(0.9, 0, 40), place(0.8, 10, 8)], 0.5, 10);
        assert_eq!((kept.len(), next), (1, None));
    }

    #[test]
    fn neighbours_are_two() {
        assert_eq!(merge(vec![place(0.9, 0, 20), place(0.8, 19, 20)], 0.5, 10).0.len(), 2);
        assert_eq!(merge(vec![place(0.9, 0, 20), place(0.8, 19, 20)], 0.5, 1).0.len(), 1);
    }

    #[test]
    fn peaks_are_above_their_neighbours() {
        let scores = ndarray::array![[0.1, 0.2, 0.1], [0.0, 0.1, 0.0], [0.5, -0.1, -0.2]];
        let found = peaks(&scores, [2, 2], 1.0);
        assert_eq!(found.iter().map(|p| (p.area.x, p.area.y)).collect::<Vec<_>>(), [(1, 0), (0, 2)]);
    }
}
