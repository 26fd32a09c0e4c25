//! The loops along a row that part pixels into planes and join them again, the same for every
//! instruction set that has fast permutations.

/// Defines `split` and `join` for blocks of `$lanes` pixels, by `part` and `merge` of the same file.
macro_rules! turns {
    ($lanes:literal, $feature:literal) => {
        /// Parts a row of pixels into planes as long as it, and says whether it did: rows shorter than
        /// a block are left alone. What lies `ahead` numbers further is asked for, unless that is 0.
        #[target_feature(enable = $feature)]
        pub(crate) fn split<const C: usize>(row: &[f32], planes: &mut [&mut [f32]; C], ahead: usize) -> bool {
            let width = planes.iter().map(|plane| plane.len()).fold(row.len() / C, usize::min);
            let Some(last) = width.checked_sub($lanes) else { return false };
            // The last block overlaps the one before it where the width is ragged.
            for at in (0..last).step_by($lanes).chain([last]) {
                let Some((block, _)) = row.get(at * C..).map(<[f32]>::as_chunks::<$lanes>) else { break };
                let Some(block) = block.first_chunk::<C>() else { break };
                if ahead > 0 {
                    prefetch::<C>(row, at * C + ahead);
                }
                let mut vectors = [splat(0.0); C];
                for (vector, numbers) in vectors.iter_mut().zip(block) {
                    *vector = load(numbers);
                }
                part(&mut vectors);
                for (plane, vector) in planes.iter_mut().zip(vectors) {
                    if let Some(plane) = crate::kernel::window_mut(plane, at) {
                        store(vector, plane);
                    }
                }
            }
            true
        }

        /// Joins planes to a row of pixels, and says whether it did: rows shorter than a block are left
        /// alone. The row passes the caches by where `PAST`.
        #[target_feature(enable = $feature)]
        pub(crate) fn join<const C: usize, const PAST: bool>(planes: &[&[f32]; C], row: &mut [f32]) -> bool {
            let width = planes.iter().map(|plane| plane.len()).fold(row.len() / C, usize::min);
            let Some(last) = width.checked_sub($lanes) else { return false };
            // Blocks that begin on a boundary can pass the caches by; the first overlaps the second then.
            let begin = if PAST { boundary(row, C, $lanes) } else { 0 };
            let before = 0..usize::from(begin > 0);
            for at in before.chain((begin..last).step_by($lanes)).chain([last]) {
                let Some((block, _)) = row.get_mut(at * C..).map(<[f32]>::as_chunks_mut::<$lanes>) else {
                    break;
                };
                let Some(block) = block.first_chunk_mut::<C>() else { break };
                let mut vectors = [splat(0.0); C];
                for (vector, plane) in vectors.iter_mut().zip(planes) {
                    if let Some(numbers) = crate::kernel::window(plane, at) {
                        *vector = load(numbers);
                    }
                }
                merge(&mut vectors);
                for (vector, numbers) in vectors.into_iter().zip(block) {
                    if PAST {
                        stream(vector, numbers);
                    } else {
                        store(vector, numbers);
                    }
                }
            }
            true
        }
    };
}

/// The first pixel of a row of `channels` numbers each that begins where addresses are a multiple of
/// `lanes` numbers; 0 where none of the first `lanes` does.
pub(super) fn boundary(row: &[f32], channels: usize, lanes: usize) -> usize {
    let start = row.as_ptr().addr() / size_of::<f32>();
    (0..lanes).find(|pixel| (start + pixel * channels).is_multiple_of(lanes)).unwrap_or(0)
}

pub(crate) use turns;
