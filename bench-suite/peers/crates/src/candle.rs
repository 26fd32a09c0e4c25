//! candle: tensors on the processor, planar.

use std::cell::RefCell;
use std::rc::Rc;

use candle_core::{Device, Tensor};

use crate::task::{Failure, Form, Task, require};

pub(crate) fn prepare(task: Task) -> Result<Vec<Form>, Failure> {
    let shape = task.shape.clone();
    let [top, left, bottom, right] = shape.pads;
    let one_dimension = shape.kernel[0] == 1 && shape.input[0] == 1;
    if one_dimension {
        require(left == right, "it pads both sides alike")?;
    } else {
        require(top == left && left == bottom && bottom == right, "it pads all sides alike")?;
        require(shape.stride[0] == shape.stride[1], "it has one stride")?;
        require(shape.dilation[0] == shape.dilation[1], "it has one dilation")?;
    }
    let tensor = |array: ndarray::Array4<f32>| {
        let sides = array.dim();
        Tensor::from_vec(array.into_raw_vec_and_offset().0, sides, &Device::Cpu)
    };
    let (mut x, mut w) = (tensor(task.planar())?, tensor(task.oihw())?);
    if one_dimension {
        (x, w) = (x.squeeze(2)?, w.squeeze(2)?);
    }
    let [stride, dilation] = [shape.stride[1], shape.dilation[1]];
    let groups = shape.groups;
    let output = Rc::new(RefCell::new(None));
    let result = Rc::clone(&output);
    let run = move || -> Result<(), Failure> {
        let y = if one_dimension {
            x.conv1d(&w, left, stride, dilation, groups)?
        } else {
            x.conv2d(&w, left, stride, dilation, groups)?
        };
        *result.borrow_mut() = Some(y);
        Ok(())
    };
    run()?;
    let answer = move || -> Result<Vec<f32>, Failure> {
        let y: Tensor = output.borrow().clone().ok_or_else(|| Failure::Failed("it did not run".to_owned()))?;
        shape.last(y.flatten_all()?.to_vec1()?)
    };
    Ok(vec![Form { name: "NCHW", run: Box::new(run), answer: Box::new(answer) }])
}
