//! Filters that are layers: too long for straight-line code, or cheaper by the ways of a layer, FFT among
//! them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ndarray::{Array4, ArrayView3, ArrayViewMut3, ArrayViewMut4, Axis};

use super::Handle;
use super::apply::POOL;
use super::passes::Passes;
use super::sample::{Filters, Sample};
use crate::memory;
use crate::{Border, Conv2d, Error, Isa, Padding};

/// What a layer was built for: a program by its place in memory, channels, and how it is laid over
/// pictures.
type Key = (usize, usize, Padding, Border, bool, Isa);

/// Filters a picture `[H, W, C]` to `[H', W', C, N]` by a layer that is built once for each number of
/// channels, padding and border.
pub(super) fn run<I, O>(
    handle: &Handle,
    isa: Isa,
    passes: &Passes,
    picture: ArrayView3<'_, I>,
    mut answer: ArrayViewMut4<'_, O>,
) -> Result<(), Error>
where
    I: Filters<O>,
    O: Sample,
{
    let layer = layer(handle, isa, picture.len_of(Axis(2)))?;
    if handle.program.filters == 1
        && let Some(picture) = I::picture(picture)
        && let Some(answer) = O::answer(answer.view_mut().index_axis_move(Axis(3), 0))
    {
        return layer.forward_into(picture, answer);
    }
    let (height, width, channels) = picture.dim();
    let (rows, columns, _, filters) = answer.dim();
    memory::room("input as f32", &[height, width, channels])?;
    memory::room("output as f32", &[rows, columns, channels, filters])?;
    POOL.with(1, |scratches| {
        let Some(scratch) = scratches.first_mut() else { return Ok(()) };
        let lengths = [height * width * channels, rows * columns * channels * filters];
        let [numbers, sums] = scratch.parts(lengths);
        // Planes, whose rows are numbers side by side.
        for (row, to) in
            picture.permuted_axes([2, 0, 1]).rows().into_iter().zip(numbers.chunks_exact_mut(width))
        {
            I::read(passes, row, to);
        }
        layer.forward_into(
            ArrayView3::from_shape((channels, height, width), numbers)
                .map_err(impossible)?
                .permuted_axes([1, 2, 0]),
            ArrayViewMut3::from_shape((channels * filters, rows, columns), &mut *sums)
                .map_err(impossible)?
                .permuted_axes([1, 2, 0]),
        )?;
        let mut planes = answer.permuted_axes([2, 3, 0, 1]);
        for (row, from) in planes.rows_mut().into_iter().zip(sums.chunks_exact(columns)) {
            O::write(passes, from, row);
        }
        Ok(())
    })
}

/// The error for memory that has not the size that was asked for.
fn impossible(error: ndarray::ShapeError) -> Error {
    Error::Parameter {
        parameter: "scratch",
        found: error.to_string(),
        wanted: "as many numbers as a picture".to_owned(),
    }
}

fn layer(handle: &Handle, isa: Isa, channels: usize) -> Result<Arc<Conv2d>, Error> {
    static LAYERS: OnceLock<Mutex<HashMap<Key, Arc<Conv2d>>>> = OnceLock::new();
    let Handle { program, padding, border, flipped, .. } = *handle;
    let key = (std::ptr::from_ref(program).addr(), channels, padding, border, flipped, isa);
    let layers = LAYERS.get_or_init(Mutex::default);
    if let Some(layer) = layers.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Ok(Arc::clone(layer));
    }
    let ([height, width], filters) = (program.size, program.filters);
    let filter = Array4::from_shape_fn((height, width, 1, channels * filters), |(a, b, _, channel)| {
        program.weights[(channel % filters * height + a) * width + b]
    });
    let layer = Conv2d::builder(filter.view())
        .groups(channels)
        .padding(padding)
        .border(border)
        .flip(flipped)
        .isa(isa)
        .build()?;
    let layer = Arc::new(layer);
    layers.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&layer));
    Ok(layer)
}
