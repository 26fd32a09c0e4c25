//! libblur: image filters by name, as two passes and as the whole sum, on grey pictures and in colour.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt::Debug;
use std::num::NonZeroUsize;
use std::rc::Rc;

use libblur::{
    BlurError, BlurImage, BlurImageMut, BoxBlurParameters, ConvolutionMode, EdgeMode, EdgeMode2D,
    FastBlurChannels, GaussianBlurParams, IeeeBinaryConvolutionMode, KernelShape, Scalar, ThreadingPolicy,
    box_blur, box_blur_f32, filter_1d_exact, filter_2d, gaussian_blur, gaussian_blur_f32,
};

use crate::filter::FilterTask;
use crate::task::{Failure, Form, require};

const EDGE: EdgeMode2D = EdgeMode2D::new(EdgeMode::Clamp);
const NOTHING: Scalar = Scalar { v0: 0.0, v1: 0.0, v2: 0.0, v3: 0.0 };

/// A way from a picture to its answer.
type Way<T> = Box<dyn Fn(&BlurImage<T>, &mut BlurImageMut<T>) -> Result<(), BlurError>>;

fn policy() -> ThreadingPolicy {
    match NonZeroUsize::new(rayon::current_num_threads()) {
        Some(count) if count.get() > 1 => ThreadingPolicy::Fixed(count),
        _ => ThreadingPolicy::Single,
    }
}

pub(crate) fn prepare(task: FilterTask) -> Result<Vec<Form>, Failure> {
    require(task.filters == 1, "it has no direction of a gradient")?;
    let channels = match task.picture[2] {
        1 => FastBlurChannels::Plane,
        3 => FastBlurChannels::Channels3,
        _ => return Err(Failure::Cannot("it is for one channel or three".to_owned())),
    };
    match task.numbers.as_str() {
        "u8" => {
            let bytes = task.values.iter().map(|value| *value as u8).collect();
            Ok(forms(&task, bytes, channels, bytes_ways(&task)))
        }
        _ => Ok(forms(&task, task.values.clone(), channels, float_ways(&task))),
    }
}

fn gaussian(task: &FilterTask) -> Option<GaussianBlurParams> {
    let sigma = task.sigma.filter(|_| task.operation == "gaussian")?;
    Some(GaussianBlurParams::new(task.size[0] as u32, sigma))
}

fn mean(task: &FilterTask) -> Option<u32> {
    (task.operation == "mean").then_some(task.size[0] as u32)
}

fn float_ways(task: &FilterTask) -> Vec<(&'static str, Way<f32>)> {
    let mut ways: Vec<(&'static str, Way<f32>)> = Vec::new();
    if gaussian(task).is_some() {
        let task = task.clone();
        ways.push((
            "gaussian_blur_f32",
            Box::new(move |from, to| match gaussian(&task) {
                Some(params) => {
                    gaussian_blur_f32(from, to, params, EDGE, policy(), IeeeBinaryConvolutionMode::Normal)
                }
                None => Ok(()),
            }),
        ));
    }
    if let Some(side) = mean(task) {
        ways.push((
            "box_blur_f32",
            Box::new(move |from, to| box_blur_f32(from, to, BoxBlurParameters::new(side), policy())),
        ));
    }
    if let Some((column, row)) = task.factors() {
        let three = task.picture[2] == 3;
        ways.push((
            "filter_1d_exact",
            Box::new(move |from, to| match three {
                false => filter_1d_exact::<f32, f32, 1>(from, to, &row, &column, EDGE, NOTHING, policy()),
                true => filter_1d_exact::<f32, f32, 3>(from, to, &row, &column, EDGE, NOTHING, policy()),
            }),
        ));
    } else {
        let (weights, [height, width]) = (task.weights.clone(), task.size);
        ways.push((
            "filter_2d",
            Box::new(move |from, to| {
                filter_2d::<f32, f32>(
                    from,
                    to,
                    &weights,
                    KernelShape::new(width, height),
                    EDGE,
                    NOTHING,
                    policy(),
                )
            }),
        ));
    }
    ways
}

fn bytes_ways(task: &FilterTask) -> Vec<(&'static str, Way<u8>)> {
    let mut ways: Vec<(&'static str, Way<u8>)> = Vec::new();
    if gaussian(task).is_some() {
        for (name, exact) in [("gaussian_blur, fixed point", false), ("gaussian_blur, exact", true)] {
            let task = task.clone();
            let way: Way<u8> = Box::new(move |from, to| {
                let mode = if exact { ConvolutionMode::Exact } else { ConvolutionMode::FixedPoint };
                match gaussian(&task) {
                    Some(params) => gaussian_blur(from, to, params, EDGE, policy(), mode),
                    None => Ok(()),
                }
            });
            ways.push((name, way));
        }
    }
    if let Some(side) = mean(task) {
        ways.push((
            "box_blur",
            Box::new(move |from, to| box_blur(from, to, BoxBlurParameters::new(side), policy())),
        ));
    }
    // Between its two passes it keeps levels: a derivative would lose its sign there.
    if ways.is_empty() {
        ways.push(sum_of_bytes(task));
    }
    ways
}

fn sum_of_bytes(task: &FilterTask) -> (&'static str, Way<u8>) {
    let (weights, [height, width]) = (task.weights.clone(), task.size);
    let run = move |from: &BlurImage<u8>, to: &mut BlurImageMut<u8>| {
        filter_2d::<u8, f32>(from, to, &weights, KernelShape::new(width, height), EDGE, NOTHING, policy())
    };
    ("filter_2d", Box::new(run))
}

fn forms<T>(
    task: &FilterTask,
    values: Vec<T>,
    channels: FastBlurChannels,
    ways: Vec<(&'static str, Way<T>)>,
) -> Vec<Form>
where
    T: Copy + Default + Debug + Into<f32> + 'static,
{
    let [height, width, _] = task.picture.map(|side| side as u32);
    let (values, mut forms) = (Rc::new(values), Vec::new());
    for (name, way) in ways {
        let output = Rc::new(RefCell::new(BlurImageMut::<T>::alloc(width, height, channels)));
        let (source, result) = (Rc::clone(&values), Rc::clone(&output));
        let run = move || -> Result<(), Failure> {
            let from = BlurImage { data: Cow::Borrowed(&source[..]), width, height, stride: 0, channels };
            way(&from, &mut result.borrow_mut()).map_err(|error| Failure::Failed(format!("{error:?}")))
        };
        let run = Rc::new(run);
        let again = Rc::clone(&run);
        let answer = move || -> Result<Vec<f32>, Failure> {
            again()?;
            Ok(output.borrow().data.borrow().iter().map(|value| (*value).into()).collect())
        };
        forms.push(Form { name, run: Box::new(move || run()), answer: Box::new(answer) });
    }
    forms
}
