//! What a template looks like when it is there (copies), and what only has its colours (decoys).

use ndarray::{Array3, s};

use crate::reference::Noise;

/// What happens to a copy of a template on its way into a picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alteration {
    /// Pixels down and to the right, parts of a pixel included.
    pub shift: [f32; 2],
    /// How many times larger it appears.
    pub zoom: f32,
    /// Levels are multiplied by this …
    pub gain: f32,
    /// … and raised by this many grey levels.
    pub offset: f32,
    /// Standard deviation of normal noise, in grey levels.
    pub noise: f32,
    /// What hides a part of it.
    pub cover: Option<Cover>,
}

/// A side of a picture under something of one colour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cover {
    /// Part of the picture, from 0 to 1.
    pub share: f32,
    /// From above, below, the left or the right.
    pub side: Side,
    /// Red, green and blue, in grey levels.
    pub colour: [f32; 3],
}

/// A side of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The upper rows.
    Top,
    /// The lower rows.
    Bottom,
    /// The left columns.
    Left,
    /// The right columns.
    Right,
}

impl Side {
    /// Every side.
    pub const ALL: [Side; 4] = [Side::Top, Side::Bottom, Side::Left, Side::Right];

    /// Whether a pixel at these parts of the height and the width is within `share` of this side.
    fn hides(self, share: f32, [down, across]: [f32; 2]) -> bool {
        match self {
            Side::Top => down < share,
            Side::Bottom => down >= 1.0 - share,
            Side::Left => across < share,
            Side::Right => across >= 1.0 - share,
        }
    }
}

impl Default for Alteration {
    fn default() -> Self {
        Alteration { shift: [0.0; 2], zoom: 1.0, gain: 1.0, offset: 0.0, noise: 0.0, cover: None }
    }
}

/// A cover of some colour.
#[must_use]
pub fn cover(share: f32, side: Side, noise: &mut Noise) -> Cover {
    Cover { share, side, colour: [0; 3].map(|_| (127.0 + 60.0 * normal(noise)).clamp(0.0, 255.0)) }
}

/// A copy of a picture `[h, w, 3]` with `margin` pixels around it, the edge repeated where nothing
/// else is known.
#[must_use]
pub fn altered(picture: &Array3<f32>, change: &Alteration, margin: usize, noise: &mut Noise) -> Array3<f32> {
    let (height, width, _) = picture.dim();
    let centre = [height, width].map(|length| (length as f32 - 1.0) / 2.0);
    Array3::from_shape_fn((height + 2 * margin, width + 2 * margin, 3), |(i, j, c)| {
        let at = [i as f32 - margin as f32, j as f32 - margin as f32];
        let from =
            [0, 1].map(|axis| (at[axis] - change.shift[axis] - centre[axis]) / change.zoom + centre[axis]);
        let parts = [(at[0] + 0.5) / height as f32, (at[1] + 0.5) / width as f32];
        let level = match change.cover {
            Some(cover) if cover.side.hides(cover.share, parts) => cover.colour[c],
            _ => change.gain * between(picture, from, c) + change.offset,
        };
        let grain = if change.noise > 0.0 { change.noise * normal(noise) } else { 0.0 };
        (level + grain).clamp(0.0, 255.0)
    })
}

/// The level at a position between pixels, on straight lines from one to the next.
fn between(picture: &Array3<f32>, at: [f32; 2], channel: usize) -> f32 {
    let (height, width, _) = picture.dim();
    let [(up, down, low), (left, right, far)] = [(at[0], height), (at[1], width)].map(|(at, length)| {
        let at = at.clamp(0.0, length as f32 - 1.0);
        let before = at as usize;
        (before, (before + 1).min(length - 1), at - before as f32)
    });
    let row = |row: usize| picture[[row, left, channel]] * (1.0 - far) + picture[[row, right, channel]] * far;
    row(up) * (1.0 - low) + row(down) * low
}

/// A number of a distribution that is nearly normal: the sum of four even ones, of variance 1.
pub fn normal(noise: &mut Noise) -> f32 {
    let sum: f32 = (0..4).map(|_| noise.unit()).sum();
    sum * 0.75f32.sqrt()
}

/// A number from `low` to `high`.
pub fn within(low: f32, high: f32, noise: &mut Noise) -> f32 {
    low + (noise.unit() + 1.0) / 2.0 * (high - low)
}

/// How a decoy is made of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoy {
    /// Left and right change places.
    Mirrored,
    /// Top and bottom change places.
    Flipped,
    /// By half a turn.
    Turned,
    /// Rows become columns; what is not square is drawn out to fit.
    Transposed,
    /// Cut into so many blocks down and across, each of which goes elsewhere.
    Shuffled(usize),
    /// Red, green and blue change places: this many steps along, and mirrored or not.
    Recoloured(usize, bool),
}

impl Decoy {
    /// Every kind.
    pub const ALL: [Decoy; 7] = [
        Decoy::Mirrored,
        Decoy::Flipped,
        Decoy::Turned,
        Decoy::Transposed,
        Decoy::Shuffled(2),
        Decoy::Shuffled(3),
        Decoy::Shuffled(4),
    ];

    /// How many different ones there are, as far as `most`.
    #[must_use]
    pub(super) fn draws(self, most: usize) -> usize {
        if matches!(self, Decoy::Shuffled(_)) { most } else { 1 }
    }

    /// The decoy of a picture `[h, w, 3]`, of the same size.
    #[must_use]
    pub fn of(self, picture: &Array3<f32>, noise: &mut Noise) -> Array3<f32> {
        let (height, width, _) = picture.dim();
        match self {
            Decoy::Mirrored => picture.slice(s![.., ..;-1, ..]).to_owned(),
            Decoy::Flipped => picture.slice(s![..;-1, .., ..]).to_owned(),
            Decoy::Turned => picture.slice(s![..;-1, ..;-1, ..]).to_owned(),
            Decoy::Transposed => Array3::from_shape_fn((height, width, 3), |(i, j, c)| {
                picture[[j * height / width, i * width / height, c]]
            }),
            Decoy::Shuffled(blocks) => shuffled(picture, blocks, noise),
            Decoy::Recoloured(steps, mirrored) => Array3::from_shape_fn((height, width, 3), |(i, j, c)| {
                picture[[i, j, (if mirrored { 2 - c } else { c } + steps) % 3]]
            }),
        }
    }
}

/// Blocks of a picture change places along one cycle, so that none stays (Sattolo 1986); rows and
/// columns that no whole block has stay.
fn shuffled(picture: &Array3<f32>, blocks: usize, noise: &mut Noise) -> Array3<f32> {
    let (height, width, _) = picture.dim();
    let (blocks_down, blocks_across) = (blocks.clamp(1, height), blocks.clamp(1, width));
    let (rows, columns) = (height / blocks_down, width / blocks_across);
    let mut order: Vec<usize> = (0..blocks_down * blocks_across).collect();
    for last in (1..order.len()).rev() {
        order.swap(last, noise.below(last));
    }
    let mut decoy = picture.clone();
    for (to, &from) in order.iter().enumerate() {
        let block = |index: usize| {
            let (top, left) = (index / blocks_across * rows, index % blocks_across * columns);
            s![top..top + rows, left..left + columns, ..]
        };
        decoy.slice_mut(block(to)).assign(&picture.slice(block(from)));
    }
    decoy
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp() -> Array3<f32> {
        Array3::from_shape_fn((6, 8, 3), |(i, j, c)| (20 * i + 3 * j + 40 * c) as f32)
    }

    #[test]
    fn nothing_changed_is_the_picture() {
        let copy = altered(&ramp(), &Alteration::default(), 0, &mut Noise::new(1));
        assert_eq!(copy, ramp());
        let wide = altered(&ramp(), &Alteration::default(), 2, &mut Noise::new(1));
        assert_eq!(wide.slice(s![2..8, 2..10, ..]), ramp());
    }

    #[test]
    fn a_shift_of_half_a_pixel_is_between_two() {
        let change = Alteration { shift: [0.0, 0.5], ..Alteration::default() };
        let copy = altered(&ramp(), &change, 0, &mut Noise::new(1));
        assert!((copy[[2, 3, 1]] - (ramp()[[2, 3, 1]] - 1.5)).abs() < 1e-3);
    }

    #[test]
    fn a_cover_hides_its_share() {
        let cover = Cover { share: 0.25, side: Side::Left, colour: [255.0; 3] };
        let change = Alteration { cover: Some(cover), ..Alteration::default() };
        let copy = altered(&ramp(), &change, 0, &mut Noise::new(1));
        assert!(copy.slice(s![.., ..2, ..]).iter().all(|&level| level == 255.0));
        assert_eq!(copy.slice(s![.., 2.., ..]), ramp().slice(s![.., 2.., ..]));
    }

    #[test]
    fn decoys_have_the_same_levels_and_another_order() {
        let picture =
            Array3::from_shape_fn((8, 8, 3), |(i, j, c)| ((i * 37 + j * 11 + c * 101) % 251) as f32);
        let sorted = |picture: &Array3<f32>| {
            let mut levels = picture.iter().copied().collect::<Vec<_>>();
            levels.sort_by(f32::total_cmp);
            levels
        };
        for decoy in Decoy::ALL {
            let made = decoy.of(&picture, &mut Noise::new(3));
            assert_eq!(sorted(&made), sorted(&picture), "{decoy:?}");
            assert_ne!(made, picture, "{decoy:?}");
        }
    }

    #[test]
    fn noise_is_nearly_normal() {
        let mut noise = Noise::new(5);
        let numbers: Vec<f64> = (0..20_000).map(|_| f64::from(normal(&mut noise))).collect();
        let mean = numbers.iter().sum::<f64>() / 20_000.0;
        let spread = numbers.iter().map(|x| x * x).sum::<f64>() / 20_000.0;
        let beyond = numbers.iter().filter(|x| x.abs() > 2.0).count() as f64 / 20_000.0;
        assert!(mean.abs() < 0.03 && (spread - 1.0).abs() < 0.05 && (beyond - 0.0455).abs() < 0.01);
    }
}
