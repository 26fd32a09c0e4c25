//! ndarray-conv: one channel, the direct sum and the one by transforms.

use std::cell::RefCell;
use std::rc::Rc;

use ndarray::Array2;
use ndarray_conv::{ConvExt, ConvFFTExt, ConvMode, PaddingMode, ReverseKernel};

use crate::task::{Failure, Form, Task, require};

pub(crate) fn prepare(task: Task) -> Result<Vec<Form>, Failure> {
    require(task.is_image_filter(), "it is for one channel")?;
    let mut forms = Vec::new();
    for (name, transform) in [("conv", false), ("conv_fft", true)] {
        let picture = task.pictures.index_axis(ndarray::Axis(0), 0).index_axis_move(ndarray::Axis(2), 0).to_owned();
        let filter: Array2<f32> =
            task.filter.index_axis(ndarray::Axis(3), 0).index_axis_move(ndarray::Axis(2), 0).to_owned();
        let output = Rc::new(RefCell::new(None));
        let result = Rc::clone(&output);
        let run = move || -> Result<(), Failure> {
            let kernel = filter.no_reverse();
            let y = if transform {
                picture.conv_fft(kernel, ConvMode::Same, PaddingMode::Zeros)
            } else {
                picture.conv(kernel, ConvMode::Same, PaddingMode::Zeros)
            };
            *result.borrow_mut() = Some(y.map_err(|error| Failure::Failed(format!("{error:?}")))?);
            Ok(())
        };
        run()?;
        let answer = move || -> Result<Vec<f32>, Failure> {
            let y = output.borrow();
            let y: &Array2<f32> = y.as_ref().ok_or_else(|| Failure::Failed("it did not run".to_owned()))?;
            Ok(y.iter().copied().collect())
        };
        forms.push(Form { name, run: Box::new(run), answer: Box::new(answer) });
    }
    Ok(forms)
}
