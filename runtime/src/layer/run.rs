//! Running a plan: bands of one picture, or pictures of a batch, over the threads of the pool.

use ndarray::parallel::prelude::*;
use ndarray::{ArrayView3, ArrayView4, ArrayViewMut3, ArrayViewMut4, Axis, s};

use super::{Conv2d, Plan};
use crate::epilogue::{Epilogue, residual_rows};
use crate::split::SERIAL;
use crate::strategy::{Band, Batch};
use crate::workspace::Scratch;

/// What a run is of, but for its pictures.
pub(super) struct Call<'a> {
    pub(super) plan: &'a Plan,
    pub(super) epilogue: &'a Epilogue,
    /// What is added to the sums of the picture, `[H', W', C_out]`.
    pub(super) residual: Option<ArrayView3<'a, f32>>,
}

impl Conv2d {
    pub(super) fn run(
        &self,
        call: &Call<'_>,
        input: &ArrayView3<'_, f32>,
        mut output: ArrayViewMut3<'_, f32>,
    ) {
        let plan = call.plan;
        if !plan.parts.is_empty() {
            return self.run_parts(call, input, output);
        }
        if plan.shares > 1 {
            return self.run_shares(call, input, output);
        }
        let grain = plan.path.grain(&plan.fit);
        let rows = plan.frame.output[0].div_ceil(plan.bands).next_multiple_of(grain);
        let bands = plan.frame.output[0].div_ceil(rows);
        self.pool.with(bands, |scratches| {
            if let [scratch] = scratches {
                run_band(call, input, output, 0, scratch);
            } else {
                output
                    .axis_chunks_iter_mut(Axis(0), rows)
                    .into_par_iter()
                    .zip(scratches)
                    .enumerate()
                    .with_max_len(1)
                    .for_each(|(band, (output, scratch))| {
                        run_band(call, input, output, band * rows, scratch);
                    });
            }
        });
    }

    /// Runs the parts of the columns, each as a picture of its own.
    fn run_parts(&self, call: &Call<'_>, input: &ArrayView3<'_, f32>, mut output: ArrayViewMut3<'_, f32>) {
        let Call { plan, epilogue, residual } = *call;
        self.pool.with(plan.parts.len(), |scratches| {
            output
                .axis_chunks_iter_mut(Axis(1), plan.columns)
                .into_par_iter()
                .zip(&plan.parts)
                .zip(scratches)
                .enumerate()
                .with_max_len(1)
                .for_each(|(index, ((output, (part, fit)), scratch))| {
                    let first = index * plan.columns;
                    let columns = first..first + output.len_of(Axis(1));
                    let input = input.slice(s![.., part.inputs.clone(), ..]);
                    let residual = residual.map(|residual| residual.slice_move(s![.., columns, ..]));
                    let band = Band { frame: &part.frame, epilogue, input, output, residual, first: 0 };
                    plan.path.band(band, fit, scratch);
                });
        });
    }

    /// Runs the shares of the output channels.
    fn run_shares(&self, call: &Call<'_>, input: &ArrayView3<'_, f32>, mut output: ArrayViewMut3<'_, f32>) {
        let Call { plan, epilogue, residual } = *call;
        self.pool.with(plan.shares, |scratches| {
            output
                .axis_chunks_iter_mut(Axis(2), plan.channels)
                .into_par_iter()
                .zip(scratches)
                .enumerate()
                .with_max_len(1)
                .for_each(|(index, (output, scratch))| {
                    let first = index * plan.channels;
                    let channels = first..first + output.len_of(Axis(2));
                    let input = input.view();
                    let band = Band { frame: &plan.frame, epilogue, input, output, residual, first: 0 };
                    plan.path.channels(band, channels, &plan.fit, scratch);
                });
        });
    }

    pub(super) fn run_batch(
        &self,
        call: &Call<'_>,
        inputs: &ArrayView4<'_, f32>,
        mut outputs: ArrayViewMut4<'_, f32>,
    ) {
        let plan = call.plan;
        let count = inputs.len_of(Axis(0));
        let threads = rayon::current_num_threads();
        // Too few pictures to go round: the threads share each picture instead.
        if threads > 1 && count < 2 * threads && plan.divides() {
            for (input, output) in inputs.axis_iter(Axis(0)).zip(outputs.axis_iter_mut(Axis(0))) {
                self.run(call, &input, output);
            }
            return;
        }
        let worth_splitting = threads > 1 && count > 1 && plan.seconds * count as f64 > SERIAL;
        let share = if worth_splitting { count.div_ceil(4 * threads) } else { count };
        let work =
            |inputs: ArrayView4<'_, f32>, mut outputs: ArrayViewMut4<'_, f32>, scratch: &mut Scratch| {
                let (frame, epilogue) = (&plan.frame, call.epilogue);
                let batch = Batch { frame, epilogue, inputs: inputs.view(), outputs: outputs.view_mut() };
                if inputs.len_of(Axis(0)) > 1 && plan.path.batch(batch, &plan.fit, scratch) {
                    return;
                }
                for (input, output) in inputs.axis_iter(Axis(0)).zip(outputs.axis_iter_mut(Axis(0))) {
                    run_band(call, &input, output, 0, scratch);
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
}

fn run_band(
    call: &Call<'_>,
    input: &ArrayView3<'_, f32>,
    output: ArrayViewMut3<'_, f32>,
    first: usize,
    scratch: &mut Scratch,
) {
    let Call { plan, epilogue, residual } = *call;
    let residual = residual_rows(residual, first, output.len_of(Axis(0)));
    let band = Band { frame: &plan.frame, epilogue, input: input.view(), output, residual, first };
    plan.path.band(band, &plan.fit, scratch);
}
