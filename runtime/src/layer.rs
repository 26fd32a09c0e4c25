//! What a user holds: [`Conv2d`] and its builder.

use std::sync::{Arc, Mutex, PoisonError};

use aligned_vec::AVec;
use ndarray::parallel::prelude::*;
use ndarray::{
    Array, Array3, Array4, ArrayView, ArrayView1, ArrayView3, ArrayView4, ArrayViewMut3, ArrayViewMut4, Axis,
    Dimension, s,
};

use crate::channels_out::Fit;
use crate::epilogue::{Activation, Epilogue};
use crate::error::Error;
use crate::frame::Frame;
use crate::isa::Isa;
use crate::kernel::Geometry;
use crate::machine::Machine;
use crate::planner::{Explanation, Planner};
use crate::spec::{Border, ConvSpec, Padding, Shape};
use crate::strategy::direct::Direct;
use crate::strategy::im2col_gemm::Im2colGemm;
use crate::strategy::naive::{self, Naive};
use crate::strategy::specialized::Specialized;
use crate::strategy::{Band, Path, Strategy};
use crate::workspace::{Pool, Scratch};

/// A convolution layer: built once, run often, from any thread.
///
/// It owns its filter, packed for every strategy that the planner may choose, and the memory that
/// its calls need, so that [`Conv2d::forward_into`] allocates nothing after its first call of a
/// size.
///
/// ```
/// use ndarray::{Array3, Array4, array};
/// use tapwise::{Activation, Conv2d, Strategy};
///
/// let filter = Array4::<f32>::ones((3, 3, 2, 4));
/// let bias = array![0.0, 1.0, 2.0, -100.0];
/// let layer = Conv2d::builder(filter.view())
///     .bias(bias.view())
///     .activation(Activation::Relu)
///     .build()?;
/// let hidden = layer.forward(Array3::ones((5, 6, 2)).view())?;
/// assert_eq!(hidden.dim(), (5, 6, 4));
/// assert_eq!(hidden[[2, 2, 0]], 18.0); // nine taps of two channels
/// assert_eq!(hidden[[0, 0, 1]], 9.0); // four of them inside the picture, and the bias
/// assert_eq!(hidden[[2, 2, 3]], 0.0); // 18 - 100, under ReLU
/// assert_ne!(layer.explain([5, 6]).strategy(), Strategy::Auto);
/// # Ok::<(), tapwise::Error>(())
/// ```
#[derive(Debug)]
pub struct Conv2d {
    spec: ConvSpec,
    filter: Array4<f32>,
    epilogue: Epilogue,
    planner: Planner,
    isa: Isa,
    paths: Vec<Box<dyn Path>>,
    plans: Mutex<Vec<Arc<Plan>>>,
    pool: Pool,
}

/// What was decided for one size of input on one number of threads.
#[derive(Debug)]
struct Plan {
    key: ([usize; 2], usize),
    frame: Frame,
    /// Index into the paths of the layer.
    path: usize,
    bands: usize,
    fit: Fit,
}

/// Sizes whose plans a layer remembers.
const PLANS: usize = 64;

/// Describes a layer; [`Conv2dBuilder::build`] checks everything at once and packs the weights.
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct Conv2dBuilder<'a> {
    filter: ArrayView4<'a, f32>,
    bias: Option<ArrayView1<'a, f32>>,
    stride: [usize; 2],
    dilation: [usize; 2],
    groups: usize,
    padding: Padding,
    border: Border,
    activation: Activation,
    flip: bool,
    planner: Planner,
    isa: Option<Isa>,
    bound: Option<Geometry>,
}

/// The builder behind an annotated struct: `Name::layer(filter)`.
#[doc(hidden)]
pub fn bound<'a>(filter: ArrayView4<'a, f32>, geometry: &Geometry) -> Conv2dBuilder<'a> {
    Conv2dBuilder {
        stride: geometry.stride,
        dilation: geometry.dilation,
        groups: geometry.groups,
        bound: Some(*geometry),
        ..Conv2d::builder(filter)
    }
}

impl<'a> Conv2dBuilder<'a> {
    /// One number for each output channel, added to the sum. None by default.
    pub fn bias(mut self, bias: ArrayView1<'a, f32>) -> Self {
        self.bias = Some(bias);
        self
    }

    /// Pixels between two outputs, down and across; `[1, 1]` by default.
    pub fn stride(mut self, stride: [usize; 2]) -> Self {
        self.stride = stride;
        self
    }

    /// Pixels between two taps, down and across; `[1, 1]` by default.
    pub fn dilation(mut self, dilation: [usize; 2]) -> Self {
        self.dilation = dilation;
        self
    }

    /// Groups of channels that do not see each other; 1 by default. The filter then has
    /// `C_in / groups` input channels, and output channels `g·C_out/groups ..` belong to group `g`.
    pub fn groups(mut self, groups: usize) -> Self {
        self.groups = groups;
        self
    }

    /// How far the picture is extended; [`Padding::Same`] by default.
    pub fn padding(mut self, padding: Padding) -> Self {
        self.padding = padding;
        self
    }

    /// What it is extended by; [`Border::Zero`] by default.
    pub fn border(mut self, border: Border) -> Self {
        self.border = border;
        self
    }

    /// Stride, dilation, groups, padding and border of a spec at once. Its kernel and channels
    /// are those of the filter and are not read.
    pub fn spec(mut self, spec: &ConvSpec) -> Self {
        self.stride = spec.stride;
        self.dilation = spec.dilation;
        self.groups = spec.groups;
        self.padding = spec.padding;
        self.border = spec.border;
        self
    }

    /// The nonlinearity, fused into the store; [`Activation::Identity`] by default.
    pub fn activation(mut self, activation: Activation) -> Self {
        self.activation = activation;
        self
    }

    /// Turns the filter by 180 degrees, so that the layer is the mathematical convolution
    /// `Σ_a Σ_b V[a,b] · X[i−a, j−b]` instead of the cross-correlation. Off by default.
    pub fn flip(mut self, flip: bool) -> Self {
        self.flip = flip;
        self
    }

    /// The strategy; [`Strategy::Auto`] by default. One that is forced and cannot serve is an
    /// error: nothing else runs in its place.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.planner.strategy = strategy;
        self
    }

    /// The largest error, over the root mean square of the output, that `Auto` may accept by its
    /// own bounds; 5e-5 by default. The bounds are those of data whose products do not cancel.
    pub fn tolerance(mut self, tolerance: f32) -> Self {
        self.planner.tolerance = tolerance;
        self
    }

    /// The instruction set; by default what `TAPWISE_ISA` names, or the best of this machine.
    pub fn isa(mut self, isa: Isa) -> Self {
        self.isa = Some(isa);
        self
    }

    /// Checks the description and packs the weights.
    ///
    /// # Errors
    /// [`Error::Empty`] and [`Error::Length`] for a filter or bias of the wrong shape,
    /// [`Error::Parameter`] for a value that no layer can have, [`Error::TooLarge`] for a filter
    /// beyond memory, [`Error::InstructionSet`] for a set that the machine lacks, and
    /// [`Error::Unsupported`] for a forced strategy that cannot serve.
    pub fn build(self) -> Result<Conv2d, Error> {
        let spec = self.checked_spec()?;
        let tolerance = self.planner.tolerance;
        if tolerance.is_nan() || tolerance <= 0.0 {
            return Err(Error::Parameter {
                parameter: "tolerance",
                found: tolerance.to_string(),
                wanted: "a number above 0".to_owned(),
            });
        }
        let isa = match self.isa {
            Some(isa) => isa.or_unavailable()?,
            None => Isa::selected()?,
        };
        let mut filter = self.filter;
        if self.flip {
            filter.invert_axis(Axis(0));
            filter.invert_axis(Axis(1));
        }
        let filter = filter.as_standard_layout().into_owned();
        let bias = match self.bias {
            Some(bias) => AVec::from_iter(64, bias.iter().copied()),
            None => AVec::from_iter(64, std::iter::repeat_n(0.0, spec.c_out)),
        };
        let epilogue = Epilogue { bias, floor: self.activation.floor() };

        let contenders = self.planner.contenders(&spec, &Machine::detect(isa));
        let mut paths: Vec<Box<dyn Path>> = Vec::with_capacity(contenders.len());
        for strategy in contenders {
            let unsupported =
                |reason: String| Error::Unsupported { strategy, layer: spec.to_string(), reason };
            paths.push(match strategy {
                Strategy::Naive | Strategy::Auto => Box::new(Naive { filter: filter.clone() }),
                Strategy::Im2colGemm => Box::new(Im2colGemm { filter: filter.clone() }),
                Strategy::Direct => Box::new(
                    Direct::new(isa, &spec, &filter, &epilogue)
                        .ok_or_else(|| unsupported(format!("no kernels for {isa} in this build")))?,
                ),
                Strategy::Specialized => {
                    crate::strategy::specialized::kernel(isa, &spec).map_err(&unsupported)?;
                    Box::new(
                        Specialized::new(isa, &spec, &filter, &epilogue)
                            .ok_or_else(|| unsupported(format!("this machine has no {isa}")))?,
                    )
                }
            });
        }
        Ok(Conv2d {
            spec,
            filter,
            epilogue,
            planner: self.planner,
            isa,
            paths,
            plans: Mutex::new(Vec::new()),
            pool: Pool::default(),
        })
    }

    fn checked_spec(&self) -> Result<ConvSpec, Error> {
        let (rows, columns, channels, c_out) = self.filter.dim();
        let axes = [("K_h", rows), ("K_w", columns), ("C_in / groups", channels), ("C_out", c_out)];
        for (axis, length) in axes {
            if length == 0 {
                return Err(Error::Empty { array: "filter", axis });
            }
        }
        if let Some(geometry) = &self.bound {
            let wanted =
                [geometry.kernel[0], geometry.kernel[1], geometry.c_in / geometry.groups, geometry.c_out];
            for ((axis, found), wanted) in axes.into_iter().zip(wanted) {
                if found != wanted {
                    return Err(Error::Length { array: "filter", axis, found, wanted });
                }
            }
            let pairs = [
                ("stride", self.stride, geometry.stride),
                ("dilation", self.dilation, geometry.dilation),
                ("groups", [self.groups; 2], [geometry.groups; 2]),
            ];
            for (parameter, found, wanted) in pairs {
                if found != wanted {
                    return Err(Error::Parameter {
                        parameter,
                        found: format!("{found:?}"),
                        wanted: format!("{wanted:?}, as the annotation of this layer says"),
                    });
                }
            }
        }
        let c_in = channels.checked_mul(self.groups).ok_or(Error::TooLarge {
            what: "the input's channels",
            found: channels as u128 * self.groups as u128,
            limit: usize::MAX as u128,
        })?;
        let spec = ConvSpec {
            stride: self.stride,
            dilation: self.dilation,
            groups: self.groups,
            padding: self.padding,
            border: self.border,
            ..ConvSpec::new([rows, columns], c_in, c_out)
        };
        spec.validate()?;
        if let Some(bias) = self.bias
            && bias.len() != c_out
        {
            return Err(Error::Length { array: "bias", axis: "C_out", found: bias.len(), wanted: c_out });
        }
        Ok(spec)
    }
}

impl Conv2d {
    /// Begins a layer with a filter of `[K_h, K_w, C_in / groups, C_out]`.
    pub fn builder(filter: ArrayView4<'_, f32>) -> Conv2dBuilder<'_> {
        Conv2dBuilder {
            filter,
            bias: None,
            stride: [1, 1],
            dilation: [1, 1],
            groups: 1,
            padding: Padding::default(),
            border: Border::default(),
            activation: Activation::default(),
            flip: false,
            planner: Planner::default(),
            isa: None,
            bound: None,
        }
    }

    /// What the layer computes.
    #[must_use]
    pub fn spec(&self) -> &ConvSpec {
        &self.spec
    }

    /// The filter as it is correlated, after any flip: `[K_h, K_w, C_in / groups, C_out]`.
    #[must_use]
    pub fn filter(&self) -> ArrayView4<'_, f32> {
        self.filter.view()
    }

    /// The bias, one number for each output channel; zeros where the layer has none.
    #[must_use]
    pub fn bias(&self) -> ArrayView1<'_, f32> {
        ArrayView1::from(&self.epilogue.bias[..])
    }

    /// Whether nothing but sums stands between input and output.
    pub(crate) fn is_linear(&self) -> bool {
        self.epilogue.floor == f32::NEG_INFINITY
    }

    /// The instruction set of its kernels.
    #[must_use]
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// How the layer runs on pictures of `[height, width]` in the caller's rayon pool: which
    /// strategy, at what predicted cost, and why every other one was refused.
    #[must_use]
    pub fn explain(&self, input: [usize; 2]) -> Explanation {
        let machine = Machine::detect(self.isa);
        self.planner
            .choose(&self.spec, input, &machine)
            .unwrap_or_else(|error| Explanation::of_error(Shape::new(input, self.spec), machine, error))
    }

    /// Runs the layer on a picture `[H, W, C_in]`; the answer `[H', W', C_out]` has the picture's
    /// memory order.
    ///
    /// # Errors
    /// [`Error::Length`] and [`Error::Empty`] for a picture of the wrong shape,
    /// [`Error::FilterExceedsInput`] where the filter does not fit the padded picture,
    /// [`Error::TooLarge`] where the answer would not fit memory.
    pub fn forward(&self, input: ArrayView3<'_, f32>) -> Result<Array3<f32>, Error> {
        let plan = self.plan(&input)?;
        let [height, width] = plan.frame.output;
        let shape = [height, width, self.spec.c_out];
        room_for_output(&shape)?;
        let mut output = zeros_like(&input, ndarray::Dim(shape));
        self.run(&plan, &input, output.view_mut());
        Ok(output)
    }

    /// As [`Conv2d::forward`], into memory that the caller has: any view of `[H', W', C_out]`.
    /// Allocates nothing after its first call of a size.
    ///
    /// # Errors
    /// As [`Conv2d::forward`], and [`Error::Length`] for an output of another shape.
    pub fn forward_into(
        &self,
        input: ArrayView3<'_, f32>,
        output: ArrayViewMut3<'_, f32>,
    ) -> Result<(), Error> {
        let plan = self.plan(&input)?;
        self.check_output(&plan, &output)?;
        self.run(&plan, &input, output);
        Ok(())
    }

    /// Runs the layer on every picture of a batch `[N, H, W, C_in]`.
    ///
    /// # Errors
    /// As [`Conv2d::forward`].
    pub fn forward_batch(&self, inputs: ArrayView4<'_, f32>) -> Result<Array4<f32>, Error> {
        let plan = self.batch_plan(&inputs)?;
        let [height, width] = plan.frame.output;
        let shape = [inputs.len_of(Axis(0)), height, width, self.spec.c_out];
        room_for_output(&shape)?;
        let mut outputs = zeros_like(&inputs, ndarray::Dim(shape));
        self.run_batch(&plan, &inputs, outputs.view_mut());
        Ok(outputs)
    }

    /// As [`Conv2d::forward_batch`], into memory that the caller has.
    ///
    /// # Errors
    /// As [`Conv2d::forward_into`].
    pub fn forward_batch_into(
        &self,
        inputs: ArrayView4<'_, f32>,
        outputs: ArrayViewMut4<'_, f32>,
    ) -> Result<(), Error> {
        let plan = self.batch_plan(&inputs)?;
        let [found, wanted] = [outputs.len_of(Axis(0)), inputs.len_of(Axis(0))];
        if found != wanted {
            return Err(Error::Length { array: "output", axis: "N", found, wanted });
        }
        self.check_output(&plan, &outputs.slice(s![0, .., .., ..]))?;
        self.run_batch(&plan, &inputs, outputs);
        Ok(())
    }

    /// The layer's answer in f64, by the sum as the textbook writes it: what every strategy is
    /// judged by. Slow.
    ///
    /// # Errors
    /// As [`Conv2d::forward`].
    pub fn reference(&self, input: ArrayView3<'_, f32>) -> Result<Array3<f64>, Error> {
        let plan = self.plan(&input)?;
        let [height, width] = plan.frame.output;
        let floor = f64::from(self.epilogue.floor);
        Ok(Array3::from_shape_fn((height, width, self.spec.c_out), |(row, column, channel)| {
            let sum = naive::sum(&plan.frame, &self.filter, &input, [row, column, channel]);
            crate::epilogue::at_least(floor, sum + f64::from(self.epilogue.bias[channel]))
        }))
    }

    /// The plan for a picture, remembered from the last call of its size.
    fn plan(&self, input: &ArrayView3<'_, f32>) -> Result<Arc<Plan>, Error> {
        let (height, width, channels) = input.dim();
        if channels != self.spec.c_in {
            return Err(Error::Length {
                array: "input",
                axis: "C_in",
                found: channels,
                wanted: self.spec.c_in,
            });
        }
        let key = ([height, width], rayon::current_num_threads());
        {
            let plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(plan) = plans.iter().find(|plan| plan.key == key) {
                return Ok(Arc::clone(plan));
            }
        }
        let machine = Machine::detect(self.isa);
        let frame = Frame::new(self.spec, [height, width])?;
        let explanation = self.planner.choose(&self.spec, [height, width], &machine)?;
        let chosen = explanation.strategy();
        let Some(path) = self.paths.iter().position(|path| path.strategy() == chosen) else {
            return Err(Error::Unsupported {
                strategy: chosen,
                layer: self.spec.to_string(),
                reason: "its weights were not packed when the layer was built".to_owned(),
            });
        };
        let fit = self.paths[path].fit(&frame, machine.l2);
        let plan = Arc::new(Plan { key, frame, path, bands: explanation.bands, fit });
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        if plans.len() == PLANS {
            plans.remove(0);
        }
        plans.push(Arc::clone(&plan));
        Ok(plan)
    }

    fn batch_plan(&self, inputs: &ArrayView4<'_, f32>) -> Result<Arc<Plan>, Error> {
        if inputs.len_of(Axis(0)) == 0 {
            return Err(Error::Empty { array: "input", axis: "N" });
        }
        self.plan(&inputs.slice(s![0, .., .., ..]))
    }

    fn check_output<S>(&self, plan: &Plan, output: &ndarray::ArrayBase<S, ndarray::Ix3>) -> Result<(), Error>
    where
        S: ndarray::RawData,
    {
        let (height, width, channels) = output.dim();
        let [rows, columns] = plan.frame.output;
        let axes = [("H", height, rows), ("W", width, columns), ("C_out", channels, self.spec.c_out)];
        for (axis, found, wanted) in axes {
            if found != wanted {
                return Err(Error::Length { array: "output", axis, found, wanted });
            }
        }
        Ok(())
    }

    fn run(&self, plan: &Plan, input: &ArrayView3<'_, f32>, mut output: ArrayViewMut3<'_, f32>) {
        let rows = plan.frame.output[0].div_ceil(plan.bands);
        let bands = plan.frame.output[0].div_ceil(rows);
        self.pool.with(bands, |scratches| {
            if let [scratch] = scratches {
                self.run_band(plan, input, output, 0, scratch);
            } else {
                output
                    .axis_chunks_iter_mut(Axis(0), rows)
                    .into_par_iter()
                    .zip(scratches)
                    .enumerate()
                    .with_max_len(1)
                    .for_each(|(band, (output, scratch))| {
                        self.run_band(plan, input, output, band * rows, scratch);
                    });
            }
        });
    }

    fn run_batch(&self, plan: &Plan, inputs: &ArrayView4<'_, f32>, mut outputs: ArrayViewMut4<'_, f32>) {
        let count = inputs.len_of(Axis(0));
        let threads = rayon::current_num_threads();
        // Too few pictures to go round: the threads share each picture instead.
        if threads > 1 && count < 2 * threads && plan.bands > 1 {
            for (input, output) in inputs.axis_iter(Axis(0)).zip(outputs.axis_iter_mut(Axis(0))) {
                self.run(plan, &input, output);
            }
            return;
        }
        let worth_splitting = threads > 1 && count > 1 && self.batch_is_large(plan, count);
        let share = if worth_splitting { count.div_ceil(4 * threads) } else { count };
        let work =
            |inputs: ArrayView4<'_, f32>, mut outputs: ArrayViewMut4<'_, f32>, scratch: &mut Scratch| {
                for (input, output) in inputs.axis_iter(Axis(0)).zip(outputs.axis_iter_mut(Axis(0))) {
                    self.run_band(plan, &input, output, 0, scratch);
                }
            };
        self.pool.with(count.div_ceil(share), |scratches| {
            if let [scratch] = scratches {
                work(inputs.view(), outputs, scratch);
            } else {
                inputs
                    .axis_chunks_iter(Axis(0), share)
                    .into_par_iter()
                    .zip(outputs.axis_chunks_iter_mut(Axis(0), share))
                    .zip(scratches)
                    .with_max_len(1)
                    .for_each(|((inputs, outputs), scratch)| work(inputs, outputs, scratch));
            }
        });
    }

    /// Whether a batch is enough work to hand over to other threads.
    fn batch_is_large(&self, plan: &Plan, count: usize) -> bool {
        // A few thousand multiply-adds take a microsecond; a hand-over takes ten.
        plan.frame.macs(plan.frame.output[0]) * count as f64 > 2e6
    }

    fn run_band(
        &self,
        plan: &Plan,
        input: &ArrayView3<'_, f32>,
        output: ArrayViewMut3<'_, f32>,
        first: usize,
        scratch: &mut Scratch,
    ) {
        let band = Band { frame: &plan.frame, epilogue: &self.epilogue, input: input.view(), output, first };
        self.paths[plan.path].band(band, &plan.fit, scratch);
    }
}

/// Refuses an output that the machine has no memory for, where asking is cheap beside the work.
fn room_for_output(shape: &[usize]) -> Result<(), Error> {
    const LARGE: usize = 1 << 28;
    let found = shape.iter().fold(1u128, |product, &length| product.saturating_mul(length as u128));
    let elements = usize::try_from(found).unwrap_or(usize::MAX);
    let fits = |elements: usize| Vec::<f32>::new().try_reserve_exact(elements).is_ok();
    if elements < LARGE || fits(elements) {
        return Ok(());
    }
    let mut limit = elements / 2;
    while limit > 0 && !fits(limit) {
        limit /= 2;
    }
    Err(Error::TooLarge { what: "the output", found, limit: limit as u128 })
}

/// An array of zeros whose axes lie in memory in the order of those of `model`.
fn zeros_like<D: Dimension>(model: &ArrayView<'_, f32, D>, shape: D) -> Array<f32, D> {
    let mut order: Vec<usize> = (0..shape.ndim()).collect();
    if !model.is_standard_layout() {
        // Axes of length one lie anywhere: they stay where they are among their neighbours.
        let stride = |axis: usize| model.strides()[axis].unsigned_abs();
        order.sort_by_key(|&axis| std::cmp::Reverse(stride(axis)));
    }
    let mut lengths = shape.clone();
    for (place, &axis) in order.iter().enumerate() {
        lengths[place] = shape[axis];
    }
    let mut back = shape.clone();
    for (place, &axis) in order.iter().enumerate() {
        back[axis] = place;
    }
    Array::zeros(lengths).permuted_axes(back)
}
