//! The colours of charts: told apart by any eye, seen on light and on dark paper alike.

use plotters::style::RGBColor;

/// Stands for the colour of the page's text in what plotters writes.
pub(super) const INK: RGBColor = RGBColor(1, 1, 1);

/// After Okabe and Ito; where one of theirs is too light for white paper, darker.
pub(super) mod colour {
    use plotters::style::RGBColor;

    pub(in super::super) const VERMILLION: RGBColor = RGBColor(0xd5, 0x5e, 0x00);
    pub(in super::super) const BLUE: RGBColor = RGBColor(0x00, 0x78, 0xbe);
    pub(in super::super) const GREEN: RGBColor = RGBColor(0x00, 0x9e, 0x73);
    pub(in super::super) const PURPLE: RGBColor = RGBColor(0xc2, 0x66, 0x99);
    pub(in super::super) const ORANGE: RGBColor = RGBColor(0xc0, 0x83, 0x00);
    pub(in super::super) const GREY: RGBColor = RGBColor(0x85, 0x85, 0x85);
    pub(in super::super) const BROWN: RGBColor = RGBColor(0x8b, 0x6e, 0x50);
}

/// The relative luminance of WCAG 2.2.
fn luminance(RGBColor(red, green, blue): RGBColor) -> f64 {
    let linear = |part: u8| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

/// The contrast ratio of WCAG 2.2, from 1 to 21.
pub(super) fn contrast(a: RGBColor, b: RGBColor) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// What is legible on a colour: white, or nearly black.
pub(super) fn on(colour: RGBColor) -> RGBColor {
    // Not black itself, which stands for the ink of the page elsewhere.
    [RGBColor(255, 255, 255), RGBColor(8, 8, 8)]
        .into_iter()
        .max_by(|a, b| contrast(*a, colour).total_cmp(&contrast(*b, colour)))
        .unwrap_or(colour)
}

/// Every colour of a mark.
#[cfg(test)]
pub(super) const MARKS: [RGBColor; 7] = [
    colour::VERMILLION,
    colour::BLUE,
    colour::GREEN,
    colour::PURPLE,
    colour::ORANGE,
    colour::GREY,
    colour::BROWN,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_that_of_the_guidelines() {
        let [black, white, grey] = [0, 255, 0x77].map(|level| RGBColor(level, level, level));
        assert!((contrast(black, white) - 21.0).abs() < 1e-9);
        assert!((contrast(grey, white) - 4.48).abs() < 0.01);
    }

    #[test]
    fn texts_are_legible_on_every_mark() {
        for mark in MARKS {
            assert!(contrast(on(mark), mark) >= 4.5, "{mark:?}: {:.2}", contrast(on(mark), mark));
        }
    }
}
