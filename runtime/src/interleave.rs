//! Rows of pixels to rows of planes, and back: what a picture of interleaved channels goes through
//! on its way to kernels of planar memory.

/// Parts a row of pixels into planes: plane `c` gets number `c` of every pixel, from number `from` of
/// its row on. Rows of planes lie `pitch` numbers apart.
pub(crate) fn split(row: &[f32], channels: usize, planes: &mut [f32], pitch: usize, from: usize) {
    match channels {
        2 => split_by::<2>(row, planes, pitch, from),
        3 => split_by::<3>(row, planes, pitch, from),
        4 => split_by::<4>(row, planes, pitch, from),
        8 => split_by::<8>(row, planes, pitch, from),
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

/// Pixels of a block that is turned at once.
const BLOCK: usize = 4;

fn split_by<const C: usize>(row: &[f32], planes: &mut [f32], pitch: usize, from: usize) {
    let mut planes = planes.chunks_mut(pitch.max(1));
    let mut targets: [&mut [f32]; C] =
        std::array::from_fn(|_| planes.next().and_then(|plane| plane.get_mut(from..)).unwrap_or_default());
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

/// Joins planes to a row of pixels of `channels` numbers, whose numbers from `first` on they become.
pub(crate) fn join(planes: &[f32], pitch: usize, channels: usize, first: usize, row: &mut [f32]) {
    match (channels, first) {
        _ if planes.len() < channels * pitch => join_some(planes, pitch, channels, first, row),
        (2, 0) => join_by::<2>(planes, pitch, row),
        (3, 0) => join_by::<3>(planes, pitch, row),
        (4, 0) => join_by::<4>(planes, pitch, row),
        (8, 0) => join_by::<8>(planes, pitch, row),
        _ => join_some(planes, pitch, channels, first, row),
    }
}

fn join_some(planes: &[f32], pitch: usize, channels: usize, first: usize, row: &mut [f32]) {
    for (c, plane) in planes.chunks(pitch.max(1)).take(channels.saturating_sub(first)).enumerate() {
        for (pixel, number) in row.chunks_exact_mut(channels.max(1)).zip(plane) {
            pixel[first + c] = *number;
        }
    }
}

fn join_by<const C: usize>(planes: &[f32], pitch: usize, row: &mut [f32]) {
    let (pixels, _) = row.as_chunks_mut::<C>();
    let mut planes = planes.chunks(pitch.max(1));
    let planes: [&[f32]; C] = std::array::from_fn(|_| {
        planes.next().and_then(|plane| plane.get(..pixels.len())).unwrap_or_default()
    });
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

    #[test]
    fn rows_come_back_as_they_were() {
        for channels in 1..=20 {
            for width in [1, 2, 15, 16, 17, 40] {
                let row: Vec<f32> = (0..width * channels).map(|number| number as f32).collect();
                let (pitch, from) = (width + 5, 3);
                let mut planes = vec![-1.0; pitch * channels];
                split(&row, channels, &mut planes, pitch, from);
                for (c, plane) in planes.chunks(pitch).enumerate() {
                    let wanted: Vec<f32> = (0..width).map(|pixel| (pixel * channels + c) as f32).collect();
                    assert_eq!(plane[from..from + width], wanted, "{channels} channels, {width} pixels");
                    assert!(plane[..from].iter().chain(&plane[from + width..]).all(|number| *number == -1.0));
                }
                let mut back = vec![0.0; row.len()];
                let shifted: Vec<f32> = planes[from..].iter().copied().chain([0.0; 3]).collect();
                join(&shifted, pitch, channels, 0, &mut back);
                assert_eq!(back, row, "{channels} channels, {width} pixels");
            }
        }
    }
}
