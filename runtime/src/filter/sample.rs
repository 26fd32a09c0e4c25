//! The numbers that pictures are made of: `f32` and `u8`.

use ndarray::{ArrayView1, ArrayView3, ArrayViewMut1, ArrayViewMut3, ArrayViewMut4, Zip};

use super::passes::Passes;

/// A number of a picture: `f32`, or `u8` from 0 to 255.
pub trait Sample: Copy + Default + Send + Sync + 'static + sealed::Sealed {
    /// The row itself, where it is numbers side by side that filters can read.
    #[doc(hidden)]
    fn in_place(row: ArrayView1<'_, Self>) -> Option<&[f32]>;
    /// The row itself, where filters can write to it.
    #[doc(hidden)]
    fn in_place_mut(row: ArrayViewMut1<'_, Self>) -> Option<&mut [f32]>;
    /// The picture itself, where a layer can read it.
    #[doc(hidden)]
    fn picture(picture: ArrayView3<'_, Self>) -> Option<ArrayView3<'_, f32>>;
    /// The answer itself, where a layer can write to it.
    #[doc(hidden)]
    fn answer(answer: ArrayViewMut3<'_, Self>) -> Option<ArrayViewMut3<'_, f32>>;
    /// The picture itself, where it is one of bytes.
    #[doc(hidden)]
    fn bytes(picture: ArrayView3<'_, Self>) -> Option<ArrayView3<'_, u8>>;
    /// The answer itself, where it is one of bytes.
    #[doc(hidden)]
    fn bytes_mut<'y>(answer: &'y mut ArrayViewMut4<'_, Self>) -> Option<ArrayViewMut4<'y, u8>>;
    /// Reads a row into numbers.
    #[doc(hidden)]
    fn read(passes: &Passes, row: ArrayView1<'_, Self>, to: &mut [f32]);
    /// Writes a row of numbers.
    #[doc(hidden)]
    fn write(passes: &Passes, from: &[f32], row: ArrayViewMut1<'_, Self>);
}

/// What a picture of these numbers may be filtered to: `f32` to `f32`, `u8` to `u8` (rounded to the
/// nearest, ties to even, and kept within 0 and 255; NaN is 0) or to `f32`. Where [`explain`] says so the sums of
/// `u8` to `u8` are integers, so that what is rounded is the sum of the weights as they were written, fractions
/// such as a ninth included; else it is the answer in `f32`.
///
/// [`explain`]: super::Filter2d::explain
pub trait Filters<O: Sample>: Sample {}

impl Filters<f32> for f32 {}
impl Filters<f32> for u8 {}
impl Filters<u8> for u8 {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for u8 {}
}

impl Sample for f32 {
    fn in_place(row: ArrayView1<'_, Self>) -> Option<&[f32]> {
        row.to_slice()
    }

    fn in_place_mut(row: ArrayViewMut1<'_, Self>) -> Option<&mut [f32]> {
        row.into_slice()
    }

    fn picture(picture: ArrayView3<'_, Self>) -> Option<ArrayView3<'_, f32>> {
        Some(picture)
    }

    fn answer(answer: ArrayViewMut3<'_, Self>) -> Option<ArrayViewMut3<'_, f32>> {
        Some(answer)
    }

    fn bytes(_: ArrayView3<'_, Self>) -> Option<ArrayView3<'_, u8>> {
        None
    }

    fn bytes_mut<'y>(_: &'y mut ArrayViewMut4<'_, Self>) -> Option<ArrayViewMut4<'y, u8>> {
        None
    }

    fn read(_: &Passes, row: ArrayView1<'_, Self>, to: &mut [f32]) {
        if let Some(row) = row.to_slice()
            && let Some(to) = to.get_mut(..row.len())
        {
            return to.copy_from_slice(row);
        }
        for (to, from) in to.iter_mut().zip(row) {
            *to = *from;
        }
    }

    fn write(_: &Passes, from: &[f32], mut row: ArrayViewMut1<'_, Self>) {
        if let Some(row) = row.as_slice_mut()
            && let Some(from) = from.get(..row.len())
        {
            return row.copy_from_slice(from);
        }
        for (to, from) in row.into_iter().zip(from) {
            *to = *from;
        }
    }
}

impl Sample for u8 {
    fn in_place(_: ArrayView1<'_, Self>) -> Option<&[f32]> {
        None
    }

    fn in_place_mut(_: ArrayViewMut1<'_, Self>) -> Option<&mut [f32]> {
        None
    }

    fn picture(_: ArrayView3<'_, Self>) -> Option<ArrayView3<'_, f32>> {
        None
    }

    fn answer(_: ArrayViewMut3<'_, Self>) -> Option<ArrayViewMut3<'_, f32>> {
        None
    }

    fn bytes(picture: ArrayView3<'_, Self>) -> Option<ArrayView3<'_, u8>> {
        Some(picture)
    }

    fn bytes_mut<'y>(answer: &'y mut ArrayViewMut4<'_, Self>) -> Option<ArrayViewMut4<'y, u8>> {
        Some(answer.view_mut())
    }

    fn read(passes: &Passes, row: ArrayView1<'_, Self>, to: &mut [f32]) {
        match row.as_slice() {
            Some(row) => passes.widen(row, to),
            None => Zip::from(row).and(&mut to[..row.len()]).for_each(|from, to| *to = f32::from(*from)),
        }
    }

    fn write(passes: &Passes, from: &[f32], mut row: ArrayViewMut1<'_, Self>) {
        match row.as_slice_mut() {
            Some(row) => passes.narrow(from, row),
            None => {
                for (to, from) in row.iter_mut().zip(from) {
                    passes.narrow(std::slice::from_ref(from), std::slice::from_mut(to));
                }
            }
        }
    }
}
