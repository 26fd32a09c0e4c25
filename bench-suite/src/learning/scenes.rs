//! Scenes made from photographs: a striped pattern, or a decoy of the same pixels, in one half.

use ndarray::{Array3, Array4, Axis, s};
use tapwise::Error;

use super::trainer::{Examples, Goal, shuffle};
use crate::reference::Noise;

/// Rows and columns of a scene in pixels.
pub const SCENE: [usize; 2] = [20, 40];

/// Side of the pattern in pixels, and of the filters that look for it.
pub const PATTERN: usize = 7;

/// Columns between a place in the left half and the same place in the right half.
pub const ACROSS: usize = 14;

/// Where the left edge of the pattern may be in the left half. From 6 on, so that every window of
/// the filter that touches the pattern lies inside the scene, and a filter meets the same windows
/// wherever the pattern stands: the border does not tell it which half it looks at.
const LEFT: std::ops::Range<usize> = PATTERN - 1..PATTERN - 1 + 8;

/// Rows and columns of the places at which a filter fits: what a convolution puts out.
pub const PLACES: [usize; 2] = [SCENE[0] - PATTERN + 1, SCENE[1] - PATTERN + 1];

/// The half that a pattern stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// Columns 6 to 19.
    Left,
    /// Columns 20 to 33.
    Right,
}

/// Which part of the photographs a scene is cut from. The two share no pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What is learnt from.
    Training,
    /// What is asked after.
    HeldOut,
}

/// Photographs to cut scenes from.
#[derive(Debug, Clone)]
pub struct Album {
    training: Vec<Array3<f32>>,
    held_out: Vec<Array3<f32>>,
}

impl Album {
    /// An album of photographs `[H, W, 3]` with values from 0 to 1. The upper three fifths of each
    /// are for training, the rest is held out.
    ///
    /// # Errors
    /// [`Error::Empty`] without photographs, [`Error::Length`] for one without three channels,
    /// [`Error::Parameter`] for one from whose parts no scene can be cut.
    pub fn new(photographs: &[Array3<f32>]) -> Result<Self, Error> {
        if photographs.is_empty() {
            return Err(Error::Empty { array: "album", axis: "photographs" });
        }
        let mut album = Album { training: Vec::new(), held_out: Vec::new() };
        for photograph in photographs {
            let (height, width, found) = photograph.dim();
            if found != 3 {
                return Err(Error::Length { array: "photograph", axis: "C", found, wanted: 3 });
            }
            let upper = height * 3 / 5;
            if height - upper < SCENE[0] || width < SCENE[1] {
                // The lower part is the smaller one.
                let found = format!("{} x {width} pixels below its upper three fifths", height - upper);
                let wanted = format!("at least {} x {}", SCENE[0], SCENE[1]);
                return Err(Error::Parameter { parameter: "photograph", found, wanted });
            }
            album.training.push(photograph.slice(s![..upper, .., ..]).to_owned());
            album.held_out.push(photograph.slice(s![upper.., .., ..]).to_owned());
        }
        Ok(album)
    }

    /// A piece of a photograph, at random, with values from -1 to 1.
    fn cut(&self, part: Part, noise: &mut Noise) -> Array3<f32> {
        let photographs = match part {
            Part::Training => &self.training,
            Part::HeldOut => &self.held_out,
        };
        // There is one at least, and a scene fits into each.
        let photograph = &photographs[noise.below(photographs.len())];
        let (height, width, _) = photograph.dim();
        let (i, j) = (noise.below(height - SCENE[0] + 1), noise.below(width - SCENE[1] + 1));
        photograph.slice(s![i..i + SCENE[0], j..j + SCENE[1], ..]).mapv(|value| 2.0 * value - 1.0)
    }

    /// "Is the pattern anywhere?" Scenes with the pattern (class 1) and with a decoy (class 0), by
    /// turns, all of them in one half.
    #[must_use]
    pub fn presence(&self, part: Part, half: Half, count: usize, noise: &mut Noise) -> Examples {
        let scenes = (0..count).map(|index| {
            let mut scene = self.cut(part, noise);
            let stamp = if index % 2 == 1 { pattern(noise) } else { decoy(noise) };
            paste(&mut scene, &stamp, place(half, noise));
            (scene, index % 2)
        });
        examples(scenes.collect(), Goal::Classes)
    }

    /// "Where is the pattern?" Scenes with the pattern and a decoy, both in one half and apart; the
    /// answer is the place of the pattern, counted along the rows of [`PLACES`].
    #[must_use]
    pub fn search(&self, part: Part, half: Half, count: usize, noise: &mut Noise) -> Examples {
        let scenes = (0..count).map(|_| {
            let mut scene = self.cut(part, noise);
            let (at, other) = loop {
                let (at, other) = (place(half, noise), place(half, noise));
                if at[0].abs_diff(other[0]).max(at[1].abs_diff(other[1])) >= PATTERN {
                    break (at, other);
                }
            };
            paste(&mut scene, &decoy(noise), other);
            paste(&mut scene, &pattern(noise), at);
            (scene, at[0] * PLACES[1] + at[1])
        });
        examples(scenes.collect(), Goal::HeatMap)
    }

    /// "Which half is the pattern in?" Pairs of scenes that differ in nothing else: the same piece
    /// of a photograph with the same pattern in the same row, left (class 0) and right (class 1).
    #[must_use]
    pub fn halves(&self, part: Part, count: usize, noise: &mut Noise) -> Examples {
        let mut scenes = Vec::with_capacity(count);
        for _ in 0..count / 2 {
            let (background, stamp, [i, j]) =
                (self.cut(part, noise), pattern(noise), place(Half::Left, noise));
            for (class, at) in [[i, j], [i, j + ACROSS]].into_iter().enumerate() {
                let mut scene = background.clone();
                paste(&mut scene, &stamp, at);
                scenes.push((scene, class));
            }
        }
        examples(scenes, Goal::Classes)
    }
}

/// A place in a half, at random: the upper left corner of the pattern.
fn place(half: Half, noise: &mut Noise) -> [usize; 2] {
    let row = noise.below(PLACES[0]);
    let column = LEFT.start + noise.below(LEFT.len());
    [row, column + if half == Half::Right { ACROSS } else { 0 }]
}

/// Red and white stripes, one pixel each, lighter or darker as a whole and with noise on every
/// value; from -1 to 1.
fn pattern(noise: &mut Noise) -> Array3<f32> {
    let light = 0.8 + 0.2 * noise.unit();
    Array3::from_shape_fn((PATTERN, PATTERN, 3), |(i, _, c)| {
        let colour = if i % 2 == 0 { [0.85, 0.15, 0.15] } else { [0.95, 0.95, 0.9] };
        (2.0 * (light * colour[c] + 0.1 * noise.unit()) - 1.0).clamp(-1.0, 1.0)
    })
}

/// The pixels of a pattern in another order: of the same colours, and without its stripes.
fn decoy(noise: &mut Noise) -> Array3<f32> {
    let stripes = pattern(noise);
    let mut order: Vec<usize> = (0..PATTERN * PATTERN).collect();
    shuffle(&mut order, noise);
    Array3::from_shape_fn(stripes.raw_dim(), |(i, j, c)| {
        let from = order[i * PATTERN + j];
        stripes[[from / PATTERN, from % PATTERN, c]]
    })
}

fn paste(scene: &mut Array3<f32>, stamp: &Array3<f32>, [i, j]: [usize; 2]) {
    scene.slice_mut(s![i..i + PATTERN, j..j + PATTERN, ..]).assign(stamp);
}

fn examples(scenes: Vec<(Array3<f32>, usize)>, goal: Goal) -> Examples {
    let mut pictures = Array4::zeros((scenes.len(), SCENE[0], SCENE[1], 3));
    let mut answers = Vec::with_capacity(scenes.len());
    for ((scene, answer), mut picture) in scenes.into_iter().zip(pictures.axis_iter_mut(Axis(0))) {
        picture.assign(&scene);
        answers.push(answer);
    }
    Examples { pictures, answers, goal }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learning::network::Network;
    use crate::learning::stage::Stage;

    /// A photograph that is dark above and light below its upper three fifths.
    fn album() -> Album {
        let photograph = Array3::from_shape_fn((60, 50, 3), |(i, _, _)| if i < 36 { 0.0 } else { 1.0 });
        Album::new(&[photograph]).unwrap()
    }

    #[test]
    fn held_out_scenes_share_no_pixel_with_training_scenes() {
        let mut noise = Noise::new(1);
        let dark = album().search(Part::Training, Half::Left, 30, &mut noise);
        let light = album().search(Part::HeldOut, Half::Right, 30, &mut noise);
        // Nothing is pasted into the outermost columns.
        for column in [0, 1, SCENE[1] - 1] {
            assert!(dark.pictures.index_axis(Axis(2), column).iter().all(|&value| value == -1.0));
            assert!(light.pictures.index_axis(Axis(2), column).iter().all(|&value| value == 1.0));
        }
    }

    #[test]
    fn what_is_pasted_stays_in_its_half() {
        let mut noise = Noise::new(2);
        for (half, columns) in [(Half::Left, 6..20), (Half::Right, 20..34)] {
            let scenes = album().presence(Part::Training, half, 60, &mut noise);
            assert_eq!(scenes.answers.iter().sum::<usize>(), 30);
            let pasted: Vec<bool> = (0..SCENE[1])
                .map(|column| scenes.pictures.index_axis(Axis(2), column).iter().any(|&value| value != -1.0))
                .collect();
            for (column, pasted) in pasted.into_iter().enumerate() {
                assert_eq!(pasted, columns.contains(&column), "{half:?} {column}");
            }
        }
    }

    #[test]
    fn a_decoy_has_the_colours_of_the_pattern_and_not_its_stripes() {
        let mut noise = Noise::new(3);
        let mut facts = |stamp: fn(&mut Noise) -> Array3<f32>| {
            let (mut mean, mut stripes) = (0.0, 0.0);
            for _ in 0..200 {
                let stamp = stamp(&mut noise);
                mean += stamp.mean().unwrap_or_default() / 200.0;
                let green = |row: usize| stamp.slice(s![row, .., 1]).mean().unwrap_or_default();
                stripes += (green(1) - green(0)) / 200.0;
            }
            (mean, stripes)
        };
        let ((mean, stripes), (other, none)) = (facts(pattern), facts(decoy));
        assert!((mean - other).abs() < 0.04, "{mean} {other}");
        assert!(stripes > 1.0 && none.abs() < 0.1, "{stripes} {none}");
    }

    #[test]
    fn a_filter_and_a_maximum_cannot_tell_the_halves_apart() {
        let stages = [Stage::Convolution { kernel: [PATTERN; 2], channels: 6, relu: true }, Stage::GlobalMax];
        let network = Network::new([SCENE[0], SCENE[1], 3], &stages, 7).unwrap();
        // On a background of one colour nothing but the place differs, and the answers are the same bits.
        let pairs = album().halves(Part::Training, 40, &mut Noise::new(4));
        let answers = network.forward(pairs.pictures.view()).unwrap().scores().unwrap();
        for pair in 0..20 {
            assert_eq!(pairs.answers[2 * pair..2 * pair + 2], [0, 1]);
            assert_eq!(answers.row(2 * pair), answers.row(2 * pair + 1));
        }
        assert_ne!(answers.row(0), answers.row(2));
    }

    #[test]
    fn the_answer_of_a_search_is_the_place_of_the_pattern() {
        let scenes = album().search(Part::Training, Half::Right, 20, &mut Noise::new(5));
        for (picture, &answer) in scenes.pictures.axis_iter(Axis(0)).zip(&scenes.answers) {
            let (i, j) = (answer / PLACES[1], answer % PLACES[1]);
            let green = |row: usize| picture.slice(s![i + row, j..j + PATTERN, 1]).mean().unwrap_or_default();
            assert!((0..6).all(|row| (green(row) < green(row + 1)) == (row % 2 == 0)), "{i} {j}");
        }
    }

    #[test]
    fn photographs_that_do_not_do_are_named() {
        let says = |photographs: &[Array3<f32>]| Album::new(photographs).unwrap_err().to_string();
        assert!(says(&[]).contains("album: axis photographs is empty"));
        assert!(says(&[Array3::zeros((60, 50, 1))]).contains("photograph: axis C has length 1, wanted 3"));
        assert!(says(&[Array3::zeros((47, 50, 3))]).contains("19 x 50 pixels below its upper three fifths"));
        assert!(says(&[Array3::zeros((48, 39, 3))]).contains("wanted at least 20 x 40"));
        assert!(Album::new(&[Array3::zeros((48, 40, 3))]).is_ok());
    }
}
