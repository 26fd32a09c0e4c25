//! Where the keys of a legend go: side by side above a chart, in as many rows as they need.

use super::drawn::WIDTH;

/// Pixels from one row to the next.
pub(super) const ROW: i32 = 46;

/// Pixels between two keys, and before the first.
const GAP: i32 = 30;
const MARGIN: i32 = 8;

/// For each name the left edge of its key in pixels, and its row; `sign` is what stands before the name.
pub(super) fn places<'a>(names: impl IntoIterator<Item = &'a str>, font: u32, sign: i32) -> Vec<(i32, i32)> {
    let (mut column, mut row) = (MARGIN, 0);
    let place = |name: &str| {
        let width = sign + width(name, font);
        if column > MARGIN && column + width > WIDTH as i32 - MARGIN {
            (column, row) = (MARGIN, row + 1);
        }
        let at = (column, row);
        column += width + GAP;
        at
    };
    names.into_iter().map(place).collect()
}

/// Pixels of rows above a chart.
pub(super) fn height(places: &[(i32, i32)]) -> i32 {
    places.last().map_or(0, |(_, row)| row + 1) * ROW
}

/// About as many pixels as a text is wide, a little more in most typefaces.
pub(super) fn width(text: &str, font: u32) -> i32 {
    let letter = |letter: char| match letter {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | '(' | ')' | ' ' | '\u{a0}' | '|' | 'f' | 't' | 'r' => 0.36,
        '0'..='9' => 0.64,
        'm' | 'w' | 'M' | 'W' | '→' | '×' => 0.84,
        'A'..='Z' | '+' | 'Δ' => 0.7,
        _ => 0.62,
    };
    // What plotters takes as the size of a font is the height of its lines.
    (text.chars().map(letter).sum::<f64>() * f64::from(font) / 1.24).ceil() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stay_on_the_canvas_and_apart() {
        let names = ["specialized", "Winograd", "im2col + GEMM", "direct", "naive", "FMA peak of the core"];
        let places = places(names, 36, 70);
        for (name, (left, _)) in names.iter().zip(&places) {
            assert!(*left >= MARGIN && left + 70 + width(name, 36) <= WIDTH as i32, "{name}");
        }
        for (index, pair) in places.windows(2).enumerate() {
            let apart = pair[1].0 >= pair[0].0 + 70 + width(names[index], 36) + GAP;
            assert!(if pair[0].1 == pair[1].1 { apart } else { pair[1].0 == MARGIN }, "{index}");
        }
        assert_eq!(height(&places), (places[5].1 + 1) * ROW);
        assert!(places[5].1 >= 1);
        assert_eq!(height(&[]), 0);
    }
}
