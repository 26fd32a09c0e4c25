//! Filters that are layers: too long for straight-line code, or cheaper by the ways of a layer, FFT among
//! them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ndarray::{Array3, Array4, ArrayView3, ArrayViewMut4, Axis};

use super::Handle;
use super::passes::Passes;
use super::sample::{Filters, Sample};
use crate::memory;
use crate::{Border, Conv2d, Error, Padding};

/// What a layer was built for: a program by its place in memory, and how it is laid over pictures.
type Key = (usize, usize, Padding, Border, bool);

/// Filters a picture `[H, W, C]` to `[H', W', C, N]` by a layer that is built once for each number of
/// channels, padding and border.
pub(super) fn run<I, O>(
    handle: &Handle,
    passes: &Passes,
    picture: ArrayView3<'_, I>,
    mut answer: ArrayViewMut4<'_, O>,
) -> Result<(), Error>
where
    I: Filters<O>,
    O: Sample,
{
    let channels = picture.len_of(Axis(2));
    let layer = layer(handle, channels)?;
    let (height, width, _) = picture.dim();
    memory::room("input as f32", &[height, width, channels])?;
    let mut numbers = Array3::zeros((height, width, channels));
    for (row, mut numbers) in picture.outer_iter().zip(numbers.outer_iter_mut()) {
        for (channel, mut numbers) in row.axis_iter(Axis(1)).zip(numbers.axis_iter_mut(Axis(1))) {
            let mut line = vec![0.0; width];
            I::read(passes, channel, &mut line);
            numbers.iter_mut().zip(line).for_each(|(to, from)| *to = from);
        }
    }
    let sums = layer.forward(numbers.view())?;
    let filters = handle.program.filters;
    for (at, mut plane) in answer.axis_iter_mut(Axis(3)).enumerate() {
        for (channel, plane) in plane.axis_iter_mut(Axis(2)).enumerate() {
            let sums = sums.index_axis(Axis(2), channel * filters + at);
            for (row, sums) in plane.into_outer_iter_mut().zip(sums.outer_iter()) {
                O::write(passes, &sums.to_vec(), row);
            }
        }
    }
    Ok(())
}

fn layer(handle: &Handle, channels: usize) -> Result<Arc<Conv2d>, Error> {
    static LAYERS: OnceLock<Mutex<HashMap<Key, Arc<Conv2d>>>> = OnceLock::new();
    let Handle { program, padding, border, flipped } = *handle;
    let key = (std::ptr::from_ref(program).addr(), channels, padding, border, flipped);
    let layers = LAYERS.get_or_init(Mutex::default);
    let known = || layers.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
    if let Some(layer) = known() {
        return Ok(layer);
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
        .build()?;
    let layer = Arc::new(layer);
    layers.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&layer));
    Ok(layer)
}
