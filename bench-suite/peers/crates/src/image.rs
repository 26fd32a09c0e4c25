//! imageproc: one channel. Its border repeats the last pixel, so that it is given a picture with
//! the zeros around it.

use std::cell::RefCell;
use std::rc::Rc;

use imageproc::definitions::Image;
use imageproc::filter::{filter, filter_parallel};
use imageproc::image::Luma;
use imageproc::kernel::Kernel;

use crate::task::{Failure, Form, Task, require};

pub(crate) fn prepare(task: Task) -> Result<Vec<Form>, Failure> {
    require(task.is_image_filter(), "it is for one channel")?;
    let [height, width] = task.shape.input;
    let [rows, columns] = task.shape.kernel;
    let (above, left) = (rows / 2, columns / 2);
    let mut picture: Image<Luma<f32>> = Image::new((width + 2 * left) as u32, (height + 2 * above) as u32);
    for ((_, i, j, _), value) in task.pictures.indexed_iter() {
        picture.put_pixel((j + left) as u32, (i + above) as u32, Luma([*value]));
    }
    let weights: Vec<f32> = task.filter.iter().copied().collect();
    let output: Rc<RefCell<Option<Image<Luma<f32>>>>> = Rc::new(RefCell::new(None));
    let result = Rc::clone(&output);
    let run = move || -> Result<(), Failure> {
        let kernel = Kernel::new(&weights, columns as u32, rows as u32);
        let y = match rayon::current_num_threads() {
            1 => filter(&picture, kernel, |sum: f32| sum),
            _ => filter_parallel(&picture, kernel, |sum: f32| sum),
        };
        *result.borrow_mut() = Some(y);
        Ok(())
    };
    run()?;
    let answer = move || -> Result<Vec<f32>, Failure> {
        let y = output.borrow();
        let y = y.as_ref().ok_or_else(|| Failure::Failed("it did not run".to_owned()))?;
        let at = |i: usize, j: usize| y.get_pixel((j + left) as u32, (i + above) as u32).0[0];
        Ok((0..height * width).map(|index| at(index / width, index % width)).collect())
    };
    Ok(vec![Form { name: "filter", run: Box::new(run), answer: Box::new(answer) }])
}
