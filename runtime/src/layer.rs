//! What a user holds: [`Conv2d`], a layer that was built and runs.

mod plan;
mod run;
mod tune;

use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use ndarray::{
    Array, Array3, Array4, ArrayView, ArrayView1, ArrayView3, ArrayView4, ArrayViewMut3, ArrayViewMut4, Axis,
    Dimension, s,
};

use crate::builder::check_bias;
use crate::epilogue::{Activation, Epilogue};
use crate::error::Error;
use crate::gradient::{Transposed, Workplaces};
use crate::isa::Isa;
use crate::machine::Machine;
use crate::memory;
use crate::planner::{Explanation, Planner};
use crate::spec::{ConvSpec, Padding, Shape};
use crate::strategy::{self, Path, naive};
use crate::workspace::Pool;
use plan::{Plan, Plans};
use run::Call;

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
    pub(crate) planner: Planner,
    isa: Isa,
    /// The strategies whose weights are packed.
    paths: RwLock<Vec<Arc<dyn Path>>>,
    plans: Mutex<Plans>,
    pool: Pool,
    /// The layers of the transposed convolution, packed when it is first asked for.
    pub(crate) transposed: OnceLock<Transposed>,
    /// Memory of the filter's gradient.
    pub(crate) workplaces: Workplaces,
}

impl Conv2d {
    /// Packs the weights for every strategy that may be chosen.
    pub(crate) fn assemble(
        spec: ConvSpec,
        filter: Array4<f32>,
        epilogue: Epilogue,
        planner: Planner,
        isa: Isa,
    ) -> Result<Self, Error> {
        let planner = Planner { doubles: epilogue.doubles(), ..planner.with_weights(&spec, &filter)? };
        let paths = planner
            .contenders(&spec, &Machine::detect(isa))
            .into_iter()
            .map(|strategy| strategy::pack(strategy, isa, &spec, &filter, &epilogue, &planner))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Conv2d {
            spec,
            filter,
            epilogue,
            planner,
            isa,
            paths: RwLock::new(paths),
            plans: Mutex::default(),
            pool: Pool::default(),
            transposed: OnceLock::new(),
            workplaces: Workplaces::default(),
        })
    }

    /// What the layer computes.
    #[must_use]
    pub fn spec(&self) -> &ConvSpec {
        &self.spec
    }

    /// Its filter `[K_h, K_w, C_in / groups, C_out]` as it is correlated: turned already, where the
    /// layer was built with [`flip`](crate::Conv2dBuilder::flip).
    #[must_use]
    pub fn filter(&self) -> ArrayView4<'_, f32> {
        self.filter.view()
    }

    /// Its bias `[C_out]`; zeros where it was built without one.
    #[must_use]
    pub fn bias(&self) -> ArrayView1<'_, f32> {
        ArrayView1::from(&self.epilogue.bias[..])
    }

    /// The nonlinearity that follows the sum.
    #[must_use]
    pub fn activation(&self) -> &Activation {
        &self.epilogue.activation
    }

    /// Channels of the answer: `C_out` of the filter, or twice as many with
    /// [`Activation::Crelu`].
    #[must_use]
    pub fn channels(&self) -> usize {
        self.epilogue.channels()
    }

    /// Takes another filter and bias of the same shapes, as a step of training does. The filter is
    /// packed again; what was planned or tuned for known sizes of pictures stays, unless the new filter
    /// allows two passes where the old one did not, or of another rank, or the other way round.
    ///
    /// # Errors
    /// [`Error::Length`] for a filter or bias of another shape; [`Error::Unsupported`] where the layer asks
    /// for two passes and the filter allows none.
    pub fn replace_filter(
        &mut self,
        filter: ArrayView4<'_, f32>,
        bias: ArrayView1<'_, f32>,
    ) -> Result<(), Error> {
        let axes = ["K_h", "K_w", "C_in / groups", "C_out"];
        for ((axis, &found), &wanted) in axes.into_iter().zip(filter.shape()).zip(self.filter.shape()) {
            if found != wanted {
                return Err(Error::Length { array: "filter", axis, found, wanted });
            }
        }
        check_bias(&bias, self.spec.c_out)?;
        let filter = filter.as_standard_layout().into_owned();
        let planner = self.planner.clone().with_weights(&self.spec, &filter)?;
        let ranks = [&self.planner, &planner].map(|planner| planner.separability.rank());
        if ranks[0] != ranks[1] {
            *self.plans.get_mut().unwrap_or_else(PoisonError::into_inner) = Plans::default();
        }
        (self.planner, self.filter) = (planner, filter);
        self.epilogue = Epilogue::new(Some(bias), self.spec.c_out, self.epilogue.activation.clone());
        let mut paths = Vec::new();
        for path in self.paths.read().unwrap_or_else(PoisonError::into_inner).iter() {
            let Conv2d { isa, spec, filter, epilogue, planner, .. } = &*self;
            paths.push(strategy::pack(path.strategy(), *isa, spec, filter, epilogue, planner)?);
        }
        let machine = Machine::detect(self.isa);
        self.plans.get_mut().unwrap_or_else(PoisonError::into_inner).replace_paths(&paths, &machine);
        self.paths = RwLock::new(paths);
        self.transposed = OnceLock::new();
        Ok(())
    }

    /// The instruction set of its kernels.
    #[must_use]
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Bytes of scratch that calls took so far.
    #[cfg(test)]
    pub(crate) fn scratch_bytes(&self) -> usize {
        self.pool.bytes()
    }

    /// Bytes of packed weights, biases and slopes.
    #[cfg(test)]
    pub(crate) fn packed_bytes(&self) -> usize {
        let paths = self.paths.read().unwrap_or_else(PoisonError::into_inner);
        paths.iter().map(|path| path.packed_bytes()).sum()
    }

    /// How the layer runs on pictures of `[height, width]` in the caller's rayon pool: which
    /// strategy, at what cost, and why every other one was refused. Costs are predicted, unless
    /// [`Conv2d::tune`] measured them for this size and as many threads.
    #[must_use]
    pub fn explain(&self, input: [usize; 2]) -> Explanation {
        let machine = Machine::detect(self.isa);
        self.explanation(&self.spec, input, &machine)
            .unwrap_or_else(|error| Explanation::of_error(Shape::new(input, self.spec), machine, error))
    }

    /// Runs the layer on a picture `[H, W, C_in]`; the answer `[H', W', C_out]` has the picture's
    /// memory order.
    ///
    /// # Errors
    /// [`Error::Length`] and [`Error::Empty`] for a picture of the wrong shape,
    /// [`Error::FilterExceedsInput`] where the filter does not fit the padded picture,
    /// [`Error::Memory`] where this machine has no room for the answer.
    pub fn forward(&self, input: ArrayView3<'_, f32>) -> Result<Array3<f32>, Error> {
        let plan = self.plan(&input)?;
        self.answer(&plan, &input, None)
    }

    /// As [`Conv2d::forward`] with a residual `[H', W', C_out]` that is added to the sums before the
    /// activation, as in a residual network (He et al., "Deep residual learning", 2016):
    /// `f(V ∗ X + u + R)`.
    ///
    /// ```
    /// use ndarray::{Array3, Array4};
    /// use tapwise::{Activation, Conv2d};
    ///
    /// let layer = Conv2d::builder(Array4::<f32>::ones((1, 1, 2, 2)).view())
    ///     .activation(Activation::Relu)
    ///     .build()?;
    /// let x = Array3::<f32>::ones((4, 5, 2));
    /// let answer = layer.forward_add(x.view(), Array3::from_elem((4, 5, 2), -1.5).view())?;
    /// assert_eq!(answer[[0, 0, 0]], 0.5);
    /// # Ok::<(), tapwise::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Conv2d::forward`], and [`Error::Length`] for a residual of another shape.
    pub fn forward_add(
        &self,
        input: ArrayView3<'_, f32>,
        residual: ArrayView3<'_, f32>,
    ) -> Result<Array3<f32>, Error> {
        let plan = self.plan(&input)?;
        self.check_shape("residual", &plan, &residual, self.spec.c_out)?;
        self.answer(&plan, &input, Some(residual))
    }

    /// As [`Conv2d::forward_add`], into memory that the caller has.
    ///
    /// # Errors
    /// As [`Conv2d::forward_add`] and [`Conv2d::forward_into`].
    pub fn forward_add_into(
        &self,
        input: ArrayView3<'_, f32>,
        residual: ArrayView3<'_, f32>,
        output: ArrayViewMut3<'_, f32>,
    ) -> Result<(), Error> {
        let plan = self.plan(&input)?;
        self.check_shape("residual", &plan, &residual, self.spec.c_out)?;
        self.check_output(&plan, &output)?;
        self.run(&Call { plan: &plan, epilogue: &self.epilogue, residual: Some(residual) }, &input, output);
        Ok(())
    }

    fn answer(
        &self,
        plan: &Plan,
        input: &ArrayView3<'_, f32>,
        residual: Option<ArrayView3<'_, f32>>,
    ) -> Result<Array3<f32>, Error> {
        let [height, width] = plan.frame.output;
        let shape = [height, width, self.channels()];
        memory::room("the output", &shape)?;
        let mut output = zeros_like(input, ndarray::Dim(shape));
        self.run(&Call { plan, epilogue: &self.epilogue, residual }, input, output.view_mut());
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
        self.run(&Call { plan: &plan, epilogue: &self.epilogue, residual: None }, &input, output);
        Ok(())
    }

    /// Runs the layer on every picture of a batch `[N, H, W, C_in]`.
    ///
    /// # Errors
    /// As [`Conv2d::forward`].
    pub fn forward_batch(&self, inputs: ArrayView4<'_, f32>) -> Result<Array4<f32>, Error> {
        self.answers(inputs, &self.epilogue)
    }

    /// The sums of a batch before the activation.
    pub(crate) fn sums_batch(&self, inputs: ArrayView4<'_, f32>) -> Result<Array4<f32>, Error> {
        self.answers(inputs, &Epilogue::new(Some(self.bias()), self.spec.c_out, Activation::Identity))
    }

    fn answers(&self, inputs: ArrayView4<'_, f32>, epilogue: &Epilogue) -> Result<Array4<f32>, Error> {
        let plan = self.batch_plan(&inputs)?;
        let [height, width] = plan.frame.output;
        let shape = [inputs.len_of(Axis(0)), height, width, epilogue.channels()];
        memory::room("the output", &shape)?;
        let mut outputs = zeros_like(&inputs, ndarray::Dim(shape));
        self.run_batch(&Call { plan: &plan, epilogue, residual: None }, &inputs, outputs.view_mut());
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
        self.run_batch(&Call { plan: &plan, epilogue: &self.epilogue, residual: None }, &inputs, outputs);
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
        Ok(Array3::from_shape_fn((height, width, self.channels()), |(row, column, channel)| {
            naive::answer(&plan.frame, &self.filter, &self.epilogue, &input, |_| 0.0, [row, column, channel])
        }))
    }

    /// As [`Conv2d::forward_into`] with another padding than the layer's own, for a picture that is
    /// computed part by part: an inner part takes its neighbours' pixels instead of padding.
    ///
    /// ```
    /// use ndarray::{Array3, Array4, s};
    /// use tapwise::{Conv2d, Padding};
    ///
    /// let layer = Conv2d::builder(Array4::<f32>::ones((3, 3, 1, 1)).view()).build()?;
    /// let picture = Array3::from_shape_fn((8, 5, 1), |(i, j, _)| (i * j) as f32);
    /// let whole = layer.forward(picture.view())?;
    ///
    /// // Rows 4 to 7 alone: the row above them is in the picture, the one below is not.
    /// let padding = Padding::Explicit { top: 0, bottom: 1, left: 1, right: 1 };
    /// let mut lower = Array3::zeros((4, 5, 1));
    /// layer.forward_padded_into(padding, picture.slice(s![3.., .., ..]), lower.view_mut())?;
    /// assert_eq!(lower, whole.slice(s![4.., .., ..]));
    /// # Ok::<(), tapwise::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Conv2d::forward_into`].
    pub fn forward_padded_into(
        &self,
        padding: Padding,
        input: ArrayView3<'_, f32>,
        output: ArrayViewMut3<'_, f32>,
    ) -> Result<(), Error> {
        let plan = self.plan_padded(padding, &input)?;
        self.check_output(&plan, &output)?;
        self.run(&Call { plan: &plan, epilogue: &self.epilogue, residual: None }, &input, output);
        Ok(())
    }

    /// As [`Conv2d::forward_padded_into`] for a batch.
    pub(crate) fn forward_padded_batch_into(
        &self,
        padding: Padding,
        inputs: &ArrayView4<'_, f32>,
        outputs: ArrayViewMut4<'_, f32>,
    ) -> Result<(), Error> {
        if inputs.is_empty() {
            return Err(Error::Empty { array: "input", axis: "N" });
        }
        let plan = self.plan_padded(padding, &inputs.index_axis(Axis(0), 0))?;
        self.check_output(&plan, &outputs.index_axis(Axis(0), 0))?;
        self.run_batch(&Call { plan: &plan, epilogue: &self.epilogue, residual: None }, inputs, outputs);
        Ok(())
    }

    fn check_output<S>(&self, plan: &Plan, output: &ndarray::ArrayBase<S, ndarray::Ix3>) -> Result<(), Error>
    where
        S: ndarray::RawData,
    {
        self.check_shape("output", plan, output, self.channels())
    }

    fn check_shape<S>(
        &self,
        array: &'static str,
        plan: &Plan,
        found: &ndarray::ArrayBase<S, ndarray::Ix3>,
        wanted: usize,
    ) -> Result<(), Error>
    where
        S: ndarray::RawData,
    {
        let (height, width, channels) = found.dim();
        let [rows, columns] = plan.frame.output;
        let axes = [("H", height, rows), ("W", width, columns), ("C_out", channels, wanted)];
        for (axis, found, wanted) in axes {
            if found != wanted {
                return Err(Error::Length { array, axis, found, wanted });
            }
        }
        Ok(())
    }
}

/// An array of zeros whose axes lie in memory in the order of those of `model`.
pub(crate) fn zeros_like<D: Dimension>(model: &ArrayView<'_, f32, D>, shape: D) -> Array<f32, D> {
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
