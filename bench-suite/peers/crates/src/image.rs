//! imageproc: one channel. Its border repeats the last pixel, so that it is given a picture with
//! the zeros around it. Image filters on one channel or three, with the border that it has.

use std::cell::RefCell;
use std::rc::Rc;

use imageproc::definitions::Image;
use imageproc::filter::{filter, filter_parallel, separable_filter};
use imageproc::image::{Luma, Pixel, Rgb};
use imageproc::kernel::Kernel;

use crate::filter::FilterTask;
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

/// The most taps of a filter that is no product: more take it seconds.
const TAPS: usize = 121;

pub(crate) fn image_filter(task: FilterTask) -> Result<Vec<Form>, Failure> {
    require(task.filters == 1, "it has no direction of a gradient")?;
    let [height, width] = [task.picture[0] as u32, task.picture[1] as u32];
    let failed = || Failure::Failed("a picture of other sides".to_owned());
    let bytes = || task.values.iter().map(|value| *value as u8).collect::<Vec<u8>>();
    match (task.numbers.as_str(), task.picture[2]) {
        ("f32", 1) => Ok(float_forms::<Luma<f32>>(
            &task,
            Image::from_raw(width, height, task.values.clone()).ok_or_else(failed)?,
        )?),
        ("f32", 3) => Ok(float_forms::<Rgb<f32>>(
            &task,
            Image::from_raw(width, height, task.values.clone()).ok_or_else(failed)?,
        )?),
        ("u8", 1) => {
            Ok(byte_forms::<Luma<u8>>(&task, Image::from_raw(width, height, bytes()).ok_or_else(failed)?)?)
        }
        ("u8", 3) => {
            Ok(byte_forms::<Rgb<u8>>(&task, Image::from_raw(width, height, bytes()).ok_or_else(failed)?)?)
        }
        _ => Err(Failure::Cannot("it is for one channel or three".to_owned())),
    }
}

fn float_forms<P>(task: &FilterTask, picture: Image<P>) -> Result<Vec<Form>, Failure>
where
    P: Pixel<Subpixel = f32> + Send + Sync + 'static,
{
    let weights = task.weights.clone();
    if let Some((column, row)) = task.factors().filter(|_| task.size[0] == task.size[1]) {
        let run = move || separable_filter(&picture, &row, &column);
        return Ok(vec![form("separable_filter", run)]);
    }
    require(weights.len() <= TAPS, "it takes seconds for so many taps")?;
    let [rows, columns] = task.size.map(|side| side as u32);
    let run = move || -> Image<P> {
        let kernel = Kernel::new(&weights, columns, rows);
        match rayon::current_num_threads() {
            1 => filter(&picture, kernel, |sum: f32| sum),
            _ => filter_parallel(&picture, kernel, |sum: f32| sum),
        }
    };
    Ok(vec![form("filter", run)])
}

fn byte_forms<P>(task: &FilterTask, picture: Image<P>) -> Result<Vec<Form>, Failure>
where
    P: Pixel<Subpixel = u8> + Send + Sync + 'static,
{
    let weights = task.weights.clone();
    require(weights.len() <= TAPS, "it takes seconds for so many taps")?;
    let [rows, columns] = task.size.map(|side| side as u32);
    let level = |sum: f32| sum.round().clamp(0.0, 255.0) as u8;
    let run = move || -> Image<P> {
        let kernel = Kernel::new(&weights, columns, rows);
        match rayon::current_num_threads() {
            1 => filter(&picture, kernel, level),
            _ => filter_parallel(&picture, kernel, level),
        }
    };
    Ok(vec![form("filter", run)])
}

fn form<P>(name: &'static str, filtered: impl Fn() -> Image<P> + 'static) -> Form
where
    P: Pixel + 'static,
    P::Subpixel: Into<f32>,
{
    let output: Rc<RefCell<Option<Image<P>>>> = Rc::new(RefCell::new(None));
    let result = Rc::clone(&output);
    let run = Rc::new(move || *result.borrow_mut() = Some(filtered()));
    let again = Rc::clone(&run);
    let answer = move || -> Result<Vec<f32>, Failure> {
        again();
        let y = output.borrow();
        let y = y.as_ref().ok_or_else(|| Failure::Failed("it did not run".to_owned()))?;
        Ok(y.as_raw().iter().map(|value| (*value).into()).collect())
    };
    let run = move || -> Result<(), Failure> {
        run();
        Ok(())
    };
    Form { name, run: Box::new(run), answer: Box::new(answer) }
}
