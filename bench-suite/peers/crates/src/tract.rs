//! tract: an optimised model of one node, planar and with channels last.

use std::cell::RefCell;
use std::rc::Rc;

use tract_core::internal::*;
use tract_core::ops::cnn::{Conv, KernelFormat, PaddingSpec, PoolSpec};
use tract_core::ops::nn::DataFormat;

use crate::task::{Failure, Form, Task};

fn failed(error: TractError) -> Failure {
    Failure::Failed(format!("{error:#}"))
}

pub(crate) fn prepare(task: Task) -> Result<Vec<Form>, Failure> {
    let mut forms = Vec::new();
    for (name, last) in [("NCHW", false), ("NHWC", true)] {
        forms.push(form(&task, name, last).map_err(failed)?);
    }
    Ok(forms)
}

fn form(task: &Task, name: &'static str, last: bool) -> TractResult<Form> {
    let shape = task.shape.clone();
    let [top, left, bottom, right] = shape.pads;
    let pictures = if last { task.pictures.clone() } else { task.planar() };
    let sides: TVec<usize> = pictures.shape().into();
    let pictures: Tensor = tract_core::internal::Tensor::from_shape(
        &sides,
        pictures.as_slice().context("an array in order")?,
    )?;
    let weights = task.oihw();
    let weights = Tensor::from_shape(weights.shape(), weights.as_slice().context("an array in order")?)?;
    let mut model = TypedModel::default();
    let x = model.add_source("x", f32::fact(&*sides))?;
    let w = model.add_const("w", weights)?;
    let bias = model.add_const("b", tensor0(0f32))?;
    let conv = Conv {
        pool_spec: PoolSpec {
            data_format: if last { DataFormat::NHWC } else { DataFormat::NCHW },
            kernel_shape: shape.kernel.into_iter().collect(),
            padding: PaddingSpec::Explicit(tvec!(top, left), tvec!(bottom, right)),
            dilations: Some(shape.dilation.into_iter().collect()),
            strides: Some(shape.stride.into_iter().collect()),
            input_channels: shape.c_in,
            output_channels: shape.c_out,
        },
        kernel_fmt: KernelFormat::OIHW,
        group: shape.groups,
        q_params: None,
    };
    let y = model.wire_node("conv", conv, &[x, w, bias])?;
    model.select_output_outlets(&y)?;
    let plan = model.into_optimized()?.into_runnable()?;
    let input: TValue = pictures.into_tvalue();
    let output = Rc::new(RefCell::new(None));
    let result = Rc::clone(&output);
    let run = move || -> Result<(), Failure> {
        let mut outputs = plan.run(tvec!(input.clone())).map_err(failed)?;
        *result.borrow_mut() = outputs.pop();
        Ok(())
    };
    let again = run.clone();
    let answer = move || -> Result<Vec<f32>, Failure> {
        again()?;
        let output = output.borrow();
        let tensor = output.as_ref().ok_or_else(|| Failure::Failed("it gave no output".to_owned()))?;
        let view = tensor.to_plain_array_view::<f32>().map_err(failed)?;
        let values: Vec<f32> = view.iter().copied().collect();
        if last { Ok(values) } else { shape.last(values) }
    };
    Ok(Form { name, run: Box::new(run), answer: Box::new(answer) })
}
