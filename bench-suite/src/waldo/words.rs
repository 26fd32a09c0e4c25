//! What a search found, as text.

use super::learn::{Learnt, Quality};
use super::places::Place;
use super::scene::Scene;
use super::search::{MOST, Outcome};
use super::threshold::Threshold;

/// Where Waldo is, or that he is nowhere; a table of the best `top` places, and why the threshold is
/// where it is.
#[must_use]
pub fn found(outcome: &Outcome, top: usize) -> String {
    let Outcome { places, next, threshold, .. } = outcome;
    let limit = digits(threshold.value);
    let mut text = match (places.len(), next) {
        (0, Some(next)) => format!(
            "No Waldo here: the best place scores {} (x {}, y {}, {} × {} pixels), below the threshold {limit}.\n",
            digits(f64::from(next.score)),
            next.area.x,
            next.area.y,
            next.area.width,
            next.area.height
        ),
        (0, None) => {
            format!("No Waldo here: no place scores above 0, and the threshold is {limit}.\n")
        }
        (1, _) => "Waldo is here:\n".to_owned(),
        (MOST, _) => format!("Waldo is at {MOST} places and perhaps more; the rest is left out:\n"),
        (count, _) => format!("Waldo is at {count} places:\n"),
    };
    if !places.is_empty() {
        text.push_str(&table(&places[..top.min(places.len())]));
        if places.len() > top {
            text.push_str(&format!("… and {} more (--top)\n", places.len() - top));
        }
        if let Some(next) = next {
            text.push_str(&format!(
                "The next best place scores {} (x {}, y {}).\n",
                digits(f64::from(next.score)),
                next.area.x,
                next.area.y
            ));
        }
    }
    text.push_str(&reasons(threshold));
    text
}

/// Places as rows: rank, score, upper left corner, size and scale.
#[must_use]
pub fn table(places: &[Place]) -> String {
    let mut text = format!(
        "{:>4}  {:>5}  {:>5}  {:>5}  {:>14}  {:>5}\n",
        "rank", "score", "x", "y", "width × height", "scale"
    );
    for (index, place) in places.iter().enumerate() {
        let size = format!("{} × {}", place.area.width, place.area.height);
        text.push_str(&format!(
            "{:>4}  {:>5}  {:>5}  {:>5}  {size:>14}  {:>5}\n",
            index + 1,
            digits(f64::from(place.score)),
            place.area.x,
            place.area.y,
            place.scale
        ));
    }
    text
}

/// Why the threshold is where it is, in a few sentences.
#[must_use]
pub fn reasons(threshold: &Threshold) -> String {
    let Threshold { value, calibration, chance, .. } = threshold;
    let [value, copy, decoy, reaches] =
        [*value, calibration.copy, calibration.decoy, chance.reaches].map(digits);
    if threshold.given {
        return format!("The threshold {value} was asked for.\n");
    }
    let mut text = format!(
        "The threshold is {value}: copies of the template that are noisy, brighter, shifted by half a pixel or a quarter \
         covered score {copy} or more, decoys made of its own pieces up to {decoy}, and chance reaches {reaches} in this \
         scene."
    );
    if threshold.raised() {
        text.push_str(" Chance decides here.");
    }
    if calibration.alike == calibration.decoys {
        text.push_str(" Mirrored, turned or shuffled, the template is the same again: no decoy counts.");
    } else if calibration.alike > 0 {
        text.push_str(&format!(
            " {} of {} decoys are the template again and do not count.",
            calibration.alike, calibration.decoys
        ));
    }
    if threshold.misses() {
        text.push_str(" Some altered copies score less and are missed.");
    }
    text.push('\n');
    text
}

/// What was scored, and in which time.
#[must_use]
pub fn work(scene: &Scene, outcome: &Outcome) -> String {
    let [height, width] = scene.size();
    let mut text: String = outcome.skipped.iter().map(|skipped| format!("{skipped}\n")).collect();
    let scales = outcome.sizes.len();
    text.push_str(&format!(
        "scored {scales} scale{} of {} megapixels in {:.2} s\n",
        if scales == 1 { "" } else { "s" },
        megapixels(height * width),
        outcome.seconds
    ));
    text
}

/// What learning changed, in scores of examples that it did not see.
#[must_use]
pub fn learnt(learnt: &Learnt) -> String {
    let Learnt { before, after, .. } = learnt;
    let mut text = format!(
        "learnt a filter in {:.1} s; scores of copies, decoys and pieces of the scene that it did not see:\n\
         {:<26}  {:>12}  {:>12}\n",
        learnt.seconds, "", "the template", "learnt"
    );
    let row = |name: &str, [before, after]: [f64; 2]| {
        format!("{name:<26}  {:>12}  {:>12}\n", digits(before), digits(after))
    };
    let both = |of: fn(&Quality) -> f64| [of(before), of(after)];
    text.push_str(&row("copies, mean", both(|quality| quality.copies)));
    text.push_str(&row("copies, lowest", both(|quality| quality.lowest_copy)));
    text.push_str(&row("decoys, mean", both(|quality| quality.decoys)));
    text.push_str(&row("decoys, highest", both(|quality| quality.highest_decoy)));
    text.push_str(&row("scene, mean", both(|quality| quality.pieces)));
    text.push_str(&row("scene, highest", both(|quality| quality.highest_piece)));
    text.push_str(&row("margin", both(Quality::margin)));
    text.push_str(
        "The margin is the lowest copy less the highest of the rest; below 0, no threshold parts them all.\n",
    );
    let verdict = match (before.highest_decoy - after.highest_decoy, learnt.decoys) {
        (_, false) => "All decoys of this template are the template again: it learnt from the scene alone.",
        (fall, _) if fall > 0.005 => "The score at the best decoy fell.",
        (fall, _) if fall < -0.005 => {
            "The score at the best decoy rose: learning did not help against decoys here."
        }
        _ => "The score at the best decoy stayed.",
    };
    text.push_str(&format!("{verdict}\n"));
    text
}

fn megapixels(pixels: usize) -> String {
    let millions = pixels as f64 / 1e6;
    if millions < 0.1 { format!("{millions:.3}") } else { format!("{millions:.2}") }
}

/// A score: two digits behind the point, and a minus that is one only where a digit is not 0.
fn digits(score: f64) -> String {
    let text = format!("{score:.2}");
    if text == "-0.00" { "0.00".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::waldo::places::Area;
    use crate::waldo::threshold::{Calibration, Chance};

    fn outcome(scores: &[f32]) -> Outcome {
        let place = |(index, &score): (usize, &f32)| Place {
            score,
            area: Area { x: 10 * index, y: 7, width: 31, height: 25 },
            scale: 0.8,
        };
        let (high, low): (Vec<Place>, Vec<Place>) =
            scores.iter().enumerate().map(place).partition(|place| place.score >= 0.6);
        let calibration = Calibration { copy: 0.7, decoy: 0.45, alike: 0, decoys: 22 };
        let chance = Chance { spread: 0.1, patches: 100.0, reaches: 0.4 };
        let threshold = Threshold::weigh(calibration, chance, None);
        let heat = ndarray::Array2::zeros((1, 1));
        let sizes = vec![[25, 31]];
        Outcome {
            places: high,
            next: low.first().copied(),
            threshold,
            heat,
            sizes,
            skipped: vec![],
            seconds: 0.1,
        }
    }

    #[test]
    fn the_table_has_a_row_for_each_place() {
        let text = found(&outcome(&[0.91, 0.8, 0.31]), 10);
        let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows[1], ["rank", "score", "x", "y", "width", "×", "height", "scale"]);
        assert_eq!(rows[2], ["1", "0.91", "0", "7", "31", "×", "25", "0.8"]);
        assert_eq!(rows[3], ["2", "0.80", "10", "7", "31", "×", "25", "0.8"]);
        assert!(text.contains("next best place scores 0.31"), "{text}");
        // 0.45 and three fifths of the way to 0.7.
        assert!(text.contains("threshold is 0.60"), "{text}");
    }

    #[test]
    fn top_limits_the_rows_aloud() {
        let text = found(&outcome(&[0.91, 0.8, 0.7]), 1);
        assert!(text.contains("at 3 places") && text.contains("and 2 more"), "{text}");
        assert!(!text.contains("0.80"), "{text}");
    }

    #[test]
    fn no_waldo_is_an_answer() {
        let text = found(&outcome(&[0.31]), 10);
        assert!(text.starts_with("No Waldo here: the best place scores 0.31 (x 0, y 7"), "{text}");
        assert!(found(&outcome(&[]), 10).starts_with("No Waldo here"), "nothing at all");
    }
}
