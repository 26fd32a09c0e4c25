//! How parameters follow their gradients: stochastic gradient descent with momentum, and Adam.

use tapwise::Error;

/// A rule that moves parameters against their gradient.
///
/// A rule is numbers only. What it remembers between steps is a [`Memory`], one for each slice of
/// parameters, so that one rule serves every filter and bias of a network.
pub trait Optimiser {
    /// Moves `parameters` one step against `gradient`, the derivative of the loss by each of them.
    ///
    /// # Errors
    /// [`Error::Length`] where the gradient, or the memory from an earlier step, belongs to another
    /// number of parameters.
    fn step(&self, memory: &mut Memory, parameters: &mut [f32], gradient: &[f32]) -> Result<(), Error>;
}

/// What a rule remembers of one slice of parameters; empty before the first step.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Memory {
    steps: i32,
    /// The velocity of momentum, the first moment of Adam.
    first: Vec<f32>,
    /// The second moment of Adam.
    second: Vec<f32>,
}

impl Memory {
    fn begin(&mut self, parameters: usize, gradient: usize) -> Result<(), Error> {
        let wrong =
            |array, found| Err(Error::Length { array, axis: "parameters", found, wanted: parameters });
        if gradient != parameters {
            return wrong("gradient", gradient);
        }
        if self.steps == 0 {
            self.first = vec![0.0; parameters];
            self.second = vec![0.0; parameters];
        } else if self.first.len() != parameters {
            return wrong("memory", self.first.len());
        }
        self.steps = self.steps.saturating_add(1);
        Ok(())
    }
}

/// Stochastic gradient descent with momentum (Polyak 1964; in this form Sutskever et al. 2013):
/// `v ← momentum · v − rate · g`, `θ ← θ + v`.
///
/// ```
/// use tapwise_bench::learning::optimiser::{Memory, Optimiser, Sgd};
///
/// let descent = Sgd { rate: 0.1, momentum: 0.5 };
/// let (mut memory, mut parameters) = (Memory::default(), [1.0]);
/// descent.step(&mut memory, &mut parameters, &[2.0])?; // v = -0.2
/// descent.step(&mut memory, &mut parameters, &[2.0])?; // v = -0.1 - 0.2
/// assert!((parameters[0] - 0.5_f32).abs() < 1e-6);
/// # Ok::<(), tapwise::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sgd {
    /// The length of a step.
    pub rate: f32,
    /// The share of the last step that is taken again; 0 for plain descent.
    pub momentum: f32,
}

impl Optimiser for Sgd {
    fn step(&self, memory: &mut Memory, parameters: &mut [f32], gradient: &[f32]) -> Result<(), Error> {
        memory.begin(parameters.len(), gradient.len())?;
        for ((parameter, slope), velocity) in parameters.iter_mut().zip(gradient).zip(&mut memory.first) {
            *velocity = self.momentum * *velocity - self.rate * slope;
            *parameter += *velocity;
        }
        Ok(())
    }
}

/// Adam (Kingma and Ba 2015, algorithm 1): `m ← β₁ m + (1 − β₁) g`, `s ← β₂ s + (1 − β₂) g²`,
/// `θ ← θ − rate · m̂ / (√ŝ + ε)` with `m̂ = m / (1 − β₁ᵗ)` and `ŝ = s / (1 − β₂ᵗ)`.
///
/// ```
/// use tapwise_bench::learning::optimiser::{Adam, Memory, Optimiser};
///
/// let (mut memory, mut parameters) = (Memory::default(), [1.0, -3.0]);
/// Adam::new(0.01).step(&mut memory, &mut parameters, &[250.0, -0.5])?;
/// // The first step is as long as the rate, whatever the gradient's size.
/// assert!((parameters[0] - 0.99_f32).abs() < 1e-6 && (parameters[1] + 2.99_f32).abs() < 1e-6);
/// # Ok::<(), tapwise::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adam {
    /// The length of a step where the gradient is steady.
    pub rate: f32,
    /// How slowly the mean of the gradient is forgotten.
    pub beta1: f32,
    /// How slowly the mean of its square is forgotten.
    pub beta2: f32,
    /// Keeps the quotient finite.
    pub epsilon: f32,
}

impl Adam {
    /// Adam with the paper's `β₁ = 0.9`, `β₂ = 0.999`, `ε = 10⁻⁸`.
    #[must_use]
    pub fn new(rate: f32) -> Self {
        Adam { rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }
}

impl Optimiser for Adam {
    fn step(&self, memory: &mut Memory, parameters: &mut [f32], gradient: &[f32]) -> Result<(), Error> {
        memory.begin(parameters.len(), gradient.len())?;
        // In f64, where 1 - 0.999 keeps its digits.
        let unbias = |beta: f32| (1.0 / (1.0 - f64::from(beta).powi(memory.steps))) as f32;
        let (unbias1, unbias2) = (unbias(self.beta1), unbias(self.beta2));
        let moments = memory.first.iter_mut().zip(&mut memory.second);
        for ((parameter, slope), (first, second)) in parameters.iter_mut().zip(gradient).zip(moments) {
            *first = self.beta1 * *first + (1.0 - self.beta1) * slope;
            *second = self.beta2 * *second + (1.0 - self.beta2) * slope * slope;
            *parameter -= self.rate * (*first * unbias1) / ((*second * unbias2).sqrt() + self.epsilon);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adam_takes_the_steps_of_the_paper() {
        // By hand for g = 2, then g = -1, with β₁ = 0.5, β₂ = 0.75, rate 0.1, ε = 0:
        // m = 1, s = 1, m̂ = 2, ŝ = 4: a step of 0.1. Then m = 0, s = 1: no step at all.
        // Then g = 3: m = 1.5, s = 3, m̂ = 1.5 / 0.875, ŝ = 3 / 0.578125.
        let adam = Adam { rate: 0.1, beta1: 0.5, beta2: 0.75, epsilon: 0.0 };
        let (mut memory, mut parameters) = (Memory::default(), [0.0]);
        let mut wanted = 0.0;
        for (slope, step) in
            [(2.0, 0.1), (-1.0, 0.0), (3.0, 0.1 * (1.5 / 0.875) / (3.0f32 / 0.578_125).sqrt())]
        {
            adam.step(&mut memory, &mut parameters, &[slope]).unwrap();
            wanted -= step;
            assert!((parameters[0] - wanted).abs() < 1e-6, "{slope}: {} {wanted}", parameters[0]);
        }
    }

    /// `(x - 3)² / 2 + 25 (y + 1)² / 2`: fifty times as steep one way as the other is flat.
    fn descend(rule: &impl Optimiser, steps: usize) -> [f32; 2] {
        let (mut memory, mut at) = (Memory::default(), [0.0, 0.0]);
        for _ in 0..steps {
            let slope = [at[0] - 3.0, 25.0 * (at[1] + 1.0)];
            rule.step(&mut memory, &mut at, &slope).unwrap();
        }
        at
    }

    #[test]
    fn both_rules_find_the_bottom_of_a_bowl() {
        let close = |at: [f32; 2]| (at[0] - 3.0).abs() < 1e-3 && (at[1] + 1.0).abs() < 1e-3;
        assert!(close(descend(&Sgd { rate: 0.02, momentum: 0.9 }, 300)));
        assert!(close(descend(&Adam::new(0.05), 1500)));
        // Without momentum the flat direction is not there yet: the momentum is what does it.
        assert!(!close(descend(&Sgd { rate: 0.02, momentum: 0.0 }, 300)));
    }

    #[test]
    fn a_gradient_of_another_length_is_refused() {
        let mut memory = Memory::default();
        let adam = Adam::new(0.1);
        let wrong = adam.step(&mut memory, &mut [0.0; 3], &[0.0; 2]);
        assert_eq!(wrong, Err(Error::Length { array: "gradient", axis: "parameters", found: 2, wanted: 3 }));
        adam.step(&mut memory, &mut [0.0; 3], &[0.0; 3]).unwrap();
        let wrong = adam.step(&mut memory, &mut [0.0; 2], &[0.0; 2]);
        assert_eq!(wrong, Err(Error::Length { array: "memory", axis: "parameters", found: 3, wanted: 2 }));
    }
}
