//! What a filter is trained on and judged by: copies, decoys and pieces of the scene.

use ndarray::Array3;

use super::scene::Scene;
use super::score;
use super::template::{Filter, Template};
use super::threshold::{ALIKE, Calibration, WORKING};
use super::variants::{Alteration, Decoy, Side, altered, cover, within};
use crate::reference::Noise;

/// Part of what altered copies score from which a piece of the scene may be Waldo: such pieces are
/// no examples of anything.
const DOUBTFUL: f64 = 0.75;

/// Draws examples; what is drawn depends on the noise alone.
#[derive(Debug)]
pub(super) struct Examples<'s> {
    /// The template at the working size.
    small: Template,
    /// The template's own filter.
    plain: Filter,
    scene: &'s Scene,
    /// Rows and columns of the template in the scene.
    size: [usize; 2],
    /// Kinds of decoys that are not the template again.
    decoys: Vec<Decoy>,
    /// Pieces of the scene that score more are left out.
    doubtful: f64,
}

impl<'s> Examples<'s> {
    pub(super) fn new(template: &Template, scene: &'s Scene, calibration: &Calibration) -> Self {
        let small = template.shrunk(WORKING);
        let plain = small.filter(small.size(), 1.0);
        let mut noise = Noise::new(11);
        let mut decoys = Decoy::ALL.to_vec();
        decoys.retain(|decoy| score::of_patch(&plain, &decoy.of(small.values(), &mut noise)) < ALIKE);
        Examples { small, plain, scene, size: template.size(), decoys, doubtful: DOUBTFUL * calibration.copy }
    }

    /// The template at the working size.
    pub(super) fn template(&self) -> &Template {
        &self.small
    }

    /// Whether there is any kind of decoy.
    pub(super) fn has_decoys(&self) -> bool {
        !self.decoys.is_empty()
    }

    /// A copy: a little off its place and size, in another light, noisy, and often partly covered.
    pub(super) fn copy(&self, margin: usize, noise: &mut Noise) -> Array3<f32> {
        let side = Side::ALL[noise.below(Side::ALL.len())];
        let cover = cover(within(0.05, 0.3, noise), side, noise);
        let change = Alteration {
            shift: [within(-0.6, 0.6, noise), within(-0.6, 0.6, noise)],
            zoom: within(0.95, 1.05, noise),
            gain: within(0.7, 1.3, noise),
            offset: within(-30.0, 30.0, noise),
            noise: within(0.0, 0.3, noise) * self.small.contrast() as f32,
            cover: (noise.below(2) == 0).then_some(cover),
        };
        altered(self.small.values(), &change, margin, noise)
    }

    /// A decoy of some kind, off its place and size and noisy; the scene where there is none.
    pub(super) fn decoy(&self, margin: usize, noise: &mut Noise) -> Array3<f32> {
        if self.decoys.is_empty() {
            return self.piece(margin, noise);
        }
        let decoy = self.decoys[noise.below(self.decoys.len())].of(self.small.values(), noise);
        let change = Alteration {
            shift: self.small.size().map(|length| within(-0.15, 0.15, noise) * length as f32),
            zoom: within(0.85, 1.2, noise),
            noise: within(0.0, 0.3, noise) * self.small.contrast() as f32,
            ..Alteration::default()
        };
        altered(&decoy, &change, margin, noise)
    }

    /// A piece of the scene that is hardly Waldo.
    pub(super) fn piece(&self, margin: usize, noise: &mut Noise) -> Array3<f32> {
        let [rows, columns] = self.small.size();
        let [height, width] = self.scene.size();
        let picture = self.scene.picture();
        let mut piece = Array3::zeros((rows + 2 * margin, columns + 2 * margin, 3));
        for _ in 0..20 {
            let top = noise.below(height.saturating_sub(self.size[0]) + 1);
            let left = noise.below(width.saturating_sub(self.size[1]) + 1);
            let at = |first: usize, pixel: usize, size: usize, working: usize, length: usize| {
                let inside = pixel.saturating_sub(margin) * size / working;
                (first + inside).min(length - 1) as u32
            };
            for ((i, j, c), level) in piece.indexed_iter_mut() {
                let (y, x) =
                    (at(top, i, self.size[0], rows, height), at(left, j, self.size[1], columns, width));
                *level = f32::from(picture.get_pixel(x, y)[c]);
            }
            if super::threshold::best(&self.plain, &piece) < self.doubtful {
                break;
            }
        }
        piece
    }
}
