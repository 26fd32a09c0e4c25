//! A small network: stages one after the other, forwards and backwards.

use ndarray::{Array2, Array4, ArrayView4};
use tapwise::Error;

use super::optimiser::{Memory, Optimiser};
use super::stage::{Body, Change, Slopes, Stage, flat};
use crate::reference::Noise;

/// Stages one after the other, with their parameters.
///
/// The same seed gives the same parameters, and the same batches the same bits, whatever the number
/// of threads; another instruction set sums in another order.
///
/// ```
/// use ndarray::Array4;
/// use tapwise_bench::learning::network::Network;
/// use tapwise_bench::learning::stage::Stage;
///
/// let convolution =
///     Stage::Convolution { kernel: [7, 7], channels: 8, relu: true };
/// let classes = Stage::Dense { units: 2, relu: false };
/// let network = Network::new([20, 40, 3], &[convolution, Stage::GlobalMax, classes], 1)?;
/// assert_eq!(network.parameters(), 7 * 7 * 3 * 8 + 8 + 8 * 2 + 2);
/// let trace = network.forward(Array4::zeros((5, 20, 40, 3)).view())?;
/// assert_eq!(trace.output().dim(), (5, 1, 1, 2));
/// # Ok::<(), tapwise::Error>(())
/// ```
#[derive(Debug)]
pub struct Network {
    input: [usize; 3],
    stages: Vec<Body>,
    /// For weights and bias of every stage.
    memories: Vec<[Memory; 2]>,
}

/// A run that remembers what every stage put out.
#[derive(Debug, Clone)]
pub struct Trace {
    input: Array4<f32>,
    outputs: Vec<Array4<f32>>,
}

impl Trace {
    /// What the last stage put out.
    #[must_use]
    pub fn output(&self) -> ArrayView4<'_, f32> {
        self.after(self.outputs.len())
    }

    /// What the last stage put out, every picture's numbers in one row: `[N, H · W · C]`.
    ///
    /// # Errors
    /// None is known to happen.
    pub fn scores(&self) -> Result<Array2<f32>, Error> {
        Ok(flat(&self.output())?.into_owned())
    }

    /// What came out of the first `stages` stages.
    fn after(&self, stages: usize) -> ArrayView4<'_, f32> {
        let last = stages.checked_sub(1).and_then(|last| self.outputs.get(last));
        last.unwrap_or(&self.input).view()
    }
}

impl Network {
    /// A network for pictures `[H, W, C]`, its weights drawn at random from a seed: uniform, with
    /// the variance of He et al. (2015) before a ReLU, of Glorot and Bengio (2010) otherwise.
    ///
    /// # Errors
    /// What the layers refuse: a filter larger than what it looks at, an axis of length zero.
    pub fn new(input: [usize; 3], stages: &[Stage], seed: u64) -> Result<Self, Error> {
        let mut noise = Noise::new(seed);
        let mut size = input;
        let mut bodies = Vec::with_capacity(stages.len());
        for stage in stages {
            let (body, output) = Body::new(*stage, size, &mut noise)?;
            bodies.push(body);
            size = output;
        }
        let memories = bodies.iter().map(|_| Default::default()).collect();
        Ok(Network { input, stages: bodies, memories })
    }

    /// Parameters that are learnt.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.stages.iter().map(Body::parameters).sum()
    }

    /// Runs a batch `[N, H, W, C]`.
    ///
    /// # Errors
    /// [`Error::Length`] and [`Error::Empty`] for pictures of another size than the network's.
    pub fn forward(&self, inputs: ArrayView4<'_, f32>) -> Result<Trace, Error> {
        let (count, height, width, channels) = inputs.dim();
        if count == 0 {
            return Err(Error::Empty { array: "input", axis: "N" });
        }
        let [rows, columns, depth] = self.input;
        for (axis, found, wanted) in [("H", height, rows), ("W", width, columns), ("C", channels, depth)] {
            if found != wanted {
                return Err(Error::Length { array: "input", axis, found, wanted });
            }
        }
        let mut trace = Trace { input: inputs.to_owned(), outputs: Vec::with_capacity(self.stages.len()) };
        for stage in &self.stages {
            let output = stage.forward(trace.output())?;
            trace.outputs.push(output);
        }
        Ok(trace)
    }

    /// The derivatives by the parameters of every stage, from the one by the output of a run: the
    /// chain of (12), with (13) and (14) at each convolution.
    ///
    /// # Errors
    /// [`Error::Length`] where the gradient, or the run, is not of this network's size.
    pub fn backward(&self, trace: &Trace, gradients: ArrayView4<'_, f32>) -> Result<Vec<Slopes>, Error> {
        let mut gradients = gradients.to_owned();
        let mut slopes = Vec::with_capacity(self.stages.len());
        for (index, stage) in self.stages.iter().enumerate().rev() {
            let output = trace.after(index + 1);
            let axes = ["N", "H", "W", "C"].into_iter().zip(gradients.shape()).zip(output.shape());
            for ((axis, &found), &wanted) in axes {
                if found != wanted {
                    return Err(Error::Length { array: "gradient", axis, found, wanted });
                }
            }
            let (inputs, own) = stage.backward(trace.after(index), output, gradients.view(), index == 0)?;
            gradients = inputs;
            slopes.push(own);
        }
        slopes.reverse();
        Ok(slopes)
    }

    /// Moves every parameter one step against its derivative.
    ///
    /// # Errors
    /// [`Error::Length`] for the derivatives of another network.
    pub fn step(&mut self, rule: &dyn Optimiser, slopes: &[Slopes]) -> Result<(), Error> {
        let (found, wanted) = (slopes.len(), self.stages.len());
        if found != wanted {
            return Err(Error::Length { array: "gradient", axis: "stages", found, wanted });
        }
        for ((stage, own), [first, second]) in self.stages.iter_mut().zip(slopes).zip(&mut self.memories) {
            stage.change(&mut |weights, bias| {
                rule.step(first, weights, &own.weights)?;
                rule.step(second, bias, &own.bias)
            })?;
        }
        Ok(())
    }

    /// Changes the parameters of one stage, weights and bias, in place. A stage without any, or one
    /// that is not there, is left alone.
    ///
    /// # Errors
    /// What `change` refuses.
    pub fn change(&mut self, stage: usize, change: &mut Change<'_>) -> Result<(), Error> {
        self.stages.get_mut(stage).map_or(Ok(()), |stage| stage.change(change))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learning::loss::cross_entropy;
    use ndarray::Axis;

    const CLASSES: [usize; 3] = [1, 0, 1];

    fn small() -> (Network, Array4<f32>) {
        let stages = [
            Stage::Convolution { kernel: [3, 2], channels: 4, relu: true },
            Stage::Convolution { kernel: [2, 3], channels: 3, relu: false },
            Stage::GlobalMax,
            Stage::Dense { units: 5, relu: true },
            Stage::Dense { units: 2, relu: false },
        ];
        let mut noise = Noise::new(5);
        let pictures = Array4::from_shape_simple_fn((3, 6, 7, 2), || noise.unit());
        (Network::new([6, 7, 2], &stages, 3).unwrap(), pictures)
    }

    fn loss(network: &Network, pictures: &Array4<f32>) -> f64 {
        let trace = network.forward(pictures.view()).unwrap();
        cross_entropy(trace.scores().unwrap().view(), &CLASSES).unwrap().value
    }

    fn gradients(network: &Network, pictures: &Array4<f32>) -> Vec<Slopes> {
        let trace = network.forward(pictures.view()).unwrap();
        let own = cross_entropy(trace.scores().unwrap().view(), &CLASSES).unwrap().gradient;
        network.backward(&trace, own.insert_axis(Axis(1)).insert_axis(Axis(1)).view()).unwrap()
    }

    #[test]
    fn the_gradient_agrees_with_differences_in_every_parameter() {
        let (mut network, pictures) = small();
        let slopes = gradients(&network, &pictures);
        let mut checked = 0;
        for (stage, own) in slopes.iter().enumerate() {
            for (part, wanted) in [&own.weights, &own.bias].into_iter().enumerate() {
                for (index, wanted) in wanted.iter().enumerate() {
                    let mut moved = |by: f32| {
                        let mut change = |weights: &mut [f32], bias: &mut [f32]| {
                            [weights, bias][part][index] += by;
                            Ok(())
                        };
                        network.change(stage, &mut change).unwrap();
                        loss(&network, &pictures)
                    };
                    // Small steps: the maxima and the ReLUs have kinks.
                    let (up, down) = (moved(1e-3), moved(-2e-3));
                    moved(1e-3);
                    let found = ((up - down) / 2e-3) as f32;
                    assert!((found - wanted).abs() < 2e-3, "{stage} {part} {index}: {found} {wanted}");
                    checked += 1;
                }
            }
        }
        assert_eq!(checked, network.parameters());
        let largest = slopes[0].weights.iter().fold(0f32, |most, slope| most.max(slope.abs()));
        assert!(largest > 0.02, "the check has nothing to check: {largest}");
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let (mut network, pictures) = small();
        let error = network.forward(Array4::zeros((1, 6, 8, 2)).view()).unwrap_err();
        assert_eq!(error, Error::Length { array: "input", axis: "W", found: 8, wanted: 7 });
        let trace = network.forward(pictures.view()).unwrap();
        let error = network.backward(&trace, Array4::zeros((3, 1, 1, 3)).view()).unwrap_err();
        assert_eq!(error, Error::Length { array: "gradient", axis: "C", found: 3, wanted: 2 });
        assert!(network.step(&crate::learning::optimiser::Adam::new(0.1), &[]).is_err());
        let stage = Stage::Convolution { kernel: [7, 7], channels: 1, relu: false };
        assert!(Network::new([6, 7, 2], &[stage], 1).is_err());
    }
}
