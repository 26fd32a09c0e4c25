//! Rows of pixels to rows of planes, and back: what a picture of interleaved channels goes through
//! on its way to kernels of planar memory.

use crate::Isa;
use crate::kernel::Ready;
#[cfg(target_arch = "x86_64")]
use crate::simd::{turns256, turns512};

/// Turns pixels to planes and back by an instruction set that this machine has: possessing one proves
/// that it has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Interleave {
    isa: Isa,
    /// Whether pixels are written past the caches.
    past: bool,
    /// How many numbers ahead pixels are asked for before they are parted; 0 for none.
    ahead: usize,
}

impl Interleave {
    /// By the instruction set of a kernel.
    pub(crate) fn of(kernel: &Ready) -> Self {
        Interleave { isa: kernel.description().isa, past: false, ahead: 0 }
    }

    /// The same for a picture and an output that the caches do not hold: pixels are written past them
    /// where `past`, and asked for so many numbers before they are parted.
    pub(crate) fn beyond_caches(self, past: bool, ahead: usize) -> Self {
        Interleave { past, ahead, ..self }
    }

    /// Parts a row of pixels into planes: plane `c` gets number `c` of every pixel, from number `from`
    /// of its row on. Rows of planes lie `pitch` numbers apart.
    pub(crate) fn split(self, row: &[f32], channels: usize, planes: &mut [f32], pitch: usize, from: usize) {
        match channels {
            2 => self.split_by::<2>(row, planes, pitch, from),
            3 => self.split_by::<3>(row, planes, pitch, from),
            4 => self.split_by::<4>(row, planes, pitch, from),
            8 => self.split_by::<8>(row, planes, pitch, from),
            _ => {
                for (c, plane) in planes.chunks_mut(pitch.max(1)).take(channels).enumerate() {
                    let plane = plane.get_mut(from..).unwrap_or_default();
                    for (number, pixel) in plane.iter_mut().zip(row.chunks_exact(channels.max(1))) {
                        *number = pixel[c];
                    }
                }
            }
        }
    }

    fn split_by<const C: usize>(self, row: &[f32], planes: &mut [f32], pitch: usize, from: usize) {
        let mut planes = planes.chunks_mut(pitch.max(1));
        #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut, reason = "nothing turns them here"))]
        let mut targets: [&mut [f32]; C] = std::array::from_fn(|_| {
            planes.next().and_then(|plane| plane.get_mut(from..)).unwrap_or_default()
        });
        let done = match self.isa {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: it needs a feature of the instruction set, which the machine has.
            Isa::Avx512 => unsafe { turns512::split(row, &mut targets, self.ahead) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Isa::Avx2 => unsafe { turns256::split(row, &mut targets, self.ahead) },
            _ => false,
        };
        if !done {
            split_plainly(row, targets);
        }
    }

    /// Joins planes to a row of pixels of `channels` numbers, whose numbers from `first` on they become.
    pub(crate) fn join(self, planes: &[f32], pitch: usize, channels: usize, first: usize, row: &mut [f32]) {
        match (channels, first) {
            _ if planes.len() < channels * pitch => join_some(planes, pitch, channels, first, row),
            (2, 0) => self.join_by::<2>(planes, pitch, row),
            (3, 0) => self.join_by::<3>(planes, pitch, row),
            (4, 0) => self.join_by::<4>(planes, pitch, row),
            (8, 0) => self.join_by::<8>(planes, pitch, row),
            _ => join_some(planes, pitch, channels, first, row),
        }
    }

    fn join_by<const C: usize>(self, planes: &[f32], pitch: usize, row: &mut [f32]) {
        let pixels = row.len() / C;
        let mut planes = planes.chunks(pitch.max(1));
        let planes: [&[f32]; C] =
            std::array::from_fn(|_| planes.next().and_then(|plane| plane.get(..pixels)).unwrap_or_default());
        let done = match (self.isa, self.past) {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: it needs a feature of the instruction set, which the machine has.
            (Isa::Avx512, false) => unsafe { turns512::join::<C, false>(&planes, row) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            (Isa::Avx512, true) => unsafe { turns512::join::<C, true>(&planes, row) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            (Isa::Avx2, false) => unsafe { turns256::join::<C, false>(&planes, row) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            (Isa::Avx2, true) => unsafe { turns256::join::<C, true>(&planes, row) },
            _ => false,
        };
        if !done {
            join_plainly(planes, row);
        }
    }
}

/// Pixels of a block that is turned at once.
const BLOCK: usize = 4;

fn split_plainly<const C: usize>(row: &[f32], mut targets: [&mut [f32]; C]) {
    let (pixels, _) = row.as_chunks::<C>();
    let pixels = &pixels[..targets.iter().map(|target| target.len()).fold(pixels.len(), usize::min)];
    let (blocks, rest) = pixels.as_chunks::<BLOCK>();
    for (c, target) in targets.iter_mut().enumerate() {
        for (target, block) in target.as_chunks_mut::<BLOCK>().0.iter_mut().zip(blocks) {
            *target = std::array::from_fn(|pixel| block[pixel][c]);
        }
        for (number, pixel) in target.iter_mut().skip(blocks.len() * BLOCK).zip(rest) {
            *number = pixel[c];
        }
    }
}

fn join_some(planes: &[f32], pitch: usize, channels: usize, first: usize, row: &mut [f32]) {
    for (c, plane) in planes.chunks(pitch.max(1)).take(channels.saturating_sub(first)).enumerate() {
        for (pixel, number) in row.chunks_exact_mut(channels.max(1)).zip(plane) {
            pixel[first + c] = *number;
        }
    }
}

fn join_plainly<const C: usize>(planes: [&[f32]; C], row: &mut [f32]) {
    let (pixels, _) = row.as_chunks_mut::<C>();
    let (blocks, rest) = pixels.as_chunks_mut::<BLOCK>();
    let whole = blocks.len();
    for (at, block) in blocks.iter_mut().enumerate() {
        let numbers: [&[f32; BLOCK]; C] =
            std::array::from_fn(|c| planes[c].as_chunks::<BLOCK>().0.get(at).unwrap_or(&[0.0; BLOCK]));
        *block = std::array::from_fn(|pixel| std::array::from_fn(|c| numbers[c][pixel]));
    }
    for (pixel, numbers) in rest.iter_mut().enumerate() {
        *numbers = std::array::from_fn(|c| planes[c].get(whole * BLOCK + pixel).copied().unwrap_or(0.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns() -> impl Iterator<Item = Interleave> {
        let within = Isa::available().map(|isa| Interleave { isa, past: false, ahead: 0 });
        within.flat_map(|turn| [turn, turn.beyond_caches(true, 50)])
    }

    #[test]
    fn rows_come_back_as_they_were() {
        let widths = [1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 40, 131];
        for turn in turns() {
            for (channels, width) in (1..=20).flat_map(|channels| widths.map(|width| (channels, width))) {
                let what = format!("{}, {channels} channels, {width} pixels", turn.isa);
                let row: Vec<f32> = (0..width * channels).map(|number| number as f32).collect();
                let (pitch, from) = (width + 5, 3);
                let mut planes = vec![-1.0; pitch * channels];
                turn.split(&row, channels, &mut planes, pitch, from);
                for (c, plane) in planes.chunks(pitch).enumerate() {
                    let wanted: Vec<f32> = (0..width).map(|pixel| (pixel * channels + c) as f32).collect();
                    assert_eq!(plane[from..from + width], wanted, "{what}");
                    assert!(
                        plane[..from].iter().chain(&plane[from + width..]).all(|number| *number == -1.0),
                        "{what}: beside the row"
                    );
                }
                let shifted: Vec<f32> = planes[from..].iter().copied().chain([0.0; 3]).collect();
                // Wherever the row begins among the lines of the caches.
                for begin in 0..16 {
                    let mut back = vec![-1.0; begin + row.len() + 1];
                    turn.join(&shifted, pitch, channels, 0, &mut back[begin..begin + row.len()]);
                    assert_eq!(back[begin..begin + row.len()], row, "{what}");
                    assert!(back[..begin].iter().chain(back.last()).all(|number| *number == -1.0), "{what}");
                }
            }
        }
    }

    #[test]
    fn what_is_not_a_number_keeps_its_bits() {
        for turn in turns() {
            for channels in [2, 3, 4, 8] {
                let bits = |row: &[f32]| row.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
                let row: Vec<f32> =
                    (0..37 * channels).map(|number| f32::from_bits(0x7f80_0001 + number as u32)).collect();
                let (mut planes, mut back) = (vec![0.0; row.len()], vec![0.0; row.len()]);
                turn.split(&row, channels, &mut planes, 37, 0);
                turn.join(&planes, 37, channels, 0, &mut back);
                assert_eq!(bits(&back), bits(&row), "{}, {channels} channels", turn.isa);
            }
        }
    }
}
