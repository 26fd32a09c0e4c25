//! The gradient of a depthwise filter: each channel of the picture meets its own of the gradients.
//!
//! `∂L/∂V[a,b,c] = Σ_(i,j) X[i·s + a·δ − p, j·s + b·δ − p, c] · G[i,j,c]` is a depthwise convolution
//! itself: the gradients are its filter, the layer's stride its dilation, and the dilation its stride.

use ndarray::{Array2, Axis, s};

use super::filter::{Given, Task, Workplace};
use crate::epilogue::Epilogue;
use crate::error::Error;
use crate::kernel::{Family, Ready};
use crate::spec::{ConvSpec, Padding};
use crate::strategy::direct;
use crate::tiled::Tiled;

impl Given<'_> {
    pub(super) fn depthwise(&self, task: &mut Task<'_>, workplace: &mut Workplace) -> Result<(), Error> {
        let kernel = direct::kernel(self.isa, &self.frame.spec);
        let kernel = kernel.filter(|kernel| kernel.description().family == Family::Depthwise);
        match kernel.and_then(|kernel| kernel.ready()) {
            Some(kernel) => self.depthwise_by_kernel(kernel, task, workplace),
            None => self.depthwise_by_loops(task, workplace),
        }
    }

    fn depthwise_by_kernel(
        &self,
        kernel: Ready,
        task: &mut Task<'_>,
        workplace: &mut Workplace,
    ) -> Result<(), Error> {
        let (spec, [_, width]) = (&self.frame.spec, self.frame.output);
        let [rows, columns] = spec.kernel;
        let epilogue = Epilogue::linear(spec.c_out);
        let Workplace { patches: found, staged, .. } = workplace;
        found.resize(rows * columns * spec.c_out, 0.0);
        self.each_rows(&task.rows, staged, |picture, outputs, table| {
            let exchanged = ConvSpec {
                kernel: [outputs.len(), width],
                stride: spec.dilation,
                dilation: spec.stride,
                padding: Padding::Valid,
                ..*spec
            };
            let filter = self.gradients.slice(s![picture, outputs, .., ..]).insert_axis(Axis(2));
            let layer = Tiled::new(kernel, &exchanged, filter, &epilogue);
            let mut lines: Vec<&mut [f32]> = found.chunks_exact_mut(columns * spec.c_out).collect();
            layer.run_rows(table, &mut lines, columns);
            for (sum, value) in task.sums.iter_mut().zip(&*found) {
                *sum += value;
            }
            Ok(())
        })
    }

    /// The same by plain loops, for fewer channels than a vector has lanes.
    fn depthwise_by_loops(&self, task: &mut Task<'_>, workplace: &mut Workplace) -> Result<(), Error> {
        let spec = &self.frame.spec;
        let (width, channels) = (self.frame.output[1], spec.c_out);
        let mut answers = Array2::<f32>::zeros((width, channels));
        self.each_rows(&task.rows, &mut workplace.staged, |picture, rows, table| {
            for (index, row) in rows.enumerate() {
                answers.assign(&self.gradients.slice(s![picture, row, .., ..]));
                for (tap, mut sums) in task.sums.outer_iter_mut().enumerate() {
                    let mut sums = sums.index_axis_mut(Axis(0), 0);
                    let Some(sums) = sums.as_slice_mut() else { continue };
                    let (a, b) = (tap / spec.kernel[1], tap % spec.kernel[1]);
                    let source = table[index * spec.stride[0] + a * spec.dilation[0]];
                    for (column, answers) in answers.outer_iter().enumerate() {
                        let at = (column * spec.stride[1] + b * spec.dilation[1]) * channels;
                        if let (Some(pixel), Some(answers)) =
                            (source.get(at..at + channels), answers.to_slice())
                        {
                            for ((sum, value), answer) in sums.iter_mut().zip(pixel).zip(answers) {
                                *sum += value * answer;
                            }
                        }
                    }
                }
            }
            Ok(())
        })
    }
}
