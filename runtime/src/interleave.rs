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

fn split_by<const C: usize>(row: &[f32], planes: &mut [f32], pitch: usize, from: usize) {
    let pixels = row.as_chunks::<C>().0;
    for (c, plane) in planes.chunks_mut(pitch.max(1)).take(C).enumerate() {
        let plane = plane.get_mut(from..).unwrap_or_default();
        for (number, pixel) in plane.iter_mut().zip(pixels) {
            *number = pixel[c];
        }
    }
}

/// Joins planes to a row of pixels of `channels` numbers, whose numbers from `first` on they become.
pub(crate) fn join(planes: &[f32], pitch: usize, channels: usize, first: usize, row: &mut [f32]) {
    for (c, plane) in planes.chunks(pitch.max(1)).take(channels.saturating_sub(first)).enumerate() {
        for (pixel, number) in row.chunks_exact_mut(channels.max(1)).zip(plane) {
            pixel[first + c] = *number;
        }
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
                join(&planes[from..], pitch, channels, 0, &mut back);
                assert_eq!(back, row, "{channels} channels, {width} pixels");
            }
        }
    }
}
