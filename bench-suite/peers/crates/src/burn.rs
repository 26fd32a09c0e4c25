//! burn on its backend for processors, flex, planar.

use std::cell::RefCell;
use std::rc::Rc;

use burn_backend::ops::{ConvOptions, FloatTensorOps, ModuleOps};
use burn_backend::{TensorData, read_sync};
use burn_flex::{Flex, FlexDevice, FlexTensor};

use crate::task::{Failure, Form, Task};

pub(crate) fn prepare(task: Task) -> Result<Vec<Form>, Failure> {
    let shape = task.shape.clone();
    let [top, left, bottom, right] = shape.pads;
    let tensor = |array: ndarray::Array4<f32>| -> FlexTensor {
        let sides = array.shape().to_vec();
        Flex::float_from_data(TensorData::new(array.into_raw_vec_and_offset().0, sides), &FlexDevice)
    };
    let (x, w) = (tensor(task.planar()), tensor(task.oihw()));
    let options = ConvOptions {
        stride: shape.stride,
        padding: [(top, bottom), (left, right)],
        dilation: shape.dilation,
        groups: shape.groups,
    };
    let output = Rc::new(RefCell::new(None));
    let result = Rc::clone(&output);
    let run = move || -> Result<(), Failure> {
        *result.borrow_mut() = Some(Flex::conv2d(x.clone(), w.clone(), None, options.clone()));
        Ok(())
    };
    run()?;
    let answer = move || -> Result<Vec<f32>, Failure> {
        let y = output.borrow().clone().ok_or_else(|| Failure::Failed("it did not run".to_owned()))?;
        let data = read_sync(Flex::float_into_data(y)).map_err(|error| Failure::Failed(format!("{error:?}")))?;
        let values = data.try_to_vec_as::<f32>().map_err(|error| Failure::Failed(format!("{error:?}")))?;
        shape.last(values)
    };
    Ok(vec![Form { name: "NCHW", run: Box::new(run), answer: Box::new(answer) }])
}
