//! A small matrix as straight-line code: zeros are dropped, ones are not multiplied by, and what the
//! rows or columns of two points ±p share is computed once. Plain data.

use crate::cook_toom::{Matrix, Rational};

/// A number that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    /// One of the inputs.
    Input(usize),
    /// The result of a step.
    Step(usize),
}

/// One instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Add(Value, Value),
    Subtract(Value, Value),
    Multiply(Rational, Value),
    /// The factor times the first and the second added.
    MultiplyAdd(Rational, Value, Value),
}

/// The product of a matrix and a vector, step by step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) inputs: usize,
    pub(crate) steps: Vec<Step>,
    /// One for each row.
    pub(crate) outputs: Vec<Value>,
}

/// Terms of a sum.
type Terms = Vec<(Rational, Value)>;

impl Program {
    /// The product with a matrix none of whose rows are zero.
    pub(crate) fn of(matrix: &Matrix) -> Program {
        let inputs = matrix.first().map_or(0, Vec::len);
        let mut program = Program { inputs, steps: Vec::new(), outputs: Vec::new() };
        let columns = program.paired_columns(matrix);
        let rows: Vec<Terms> = (0..matrix.len())
            .map(|row| {
                let terms = columns.iter().map(|(factors, value)| (factors[row], *value));
                terms.filter(|(factor, _)| *factor != zero()).collect()
            })
            .collect();
        let mut outputs = vec![None; rows.len()];
        for row in 0..rows.len() {
            if outputs[row].is_some() {
                continue;
            }
            let partner = (row + 1..rows.len())
                .find(|&other| outputs[other].is_none() && mirrored(&rows[row], &rows[other]));
            match partner {
                Some(other) => {
                    let [first, second] = program.pair(&rows[row], &rows[other]);
                    outputs[row] = Some(first);
                    outputs[other] = Some(second);
                }
                None => outputs[row] = Some(program.sum(&rows[row])),
            }
        }
        program.outputs = outputs.into_iter().flatten().collect();
        program
    }

    /// Multiplications and additions.
    pub(crate) fn instructions(&self) -> usize {
        self.steps.len()
    }

    /// A value for each column, or for the sum and the difference of two columns that are alike but for
    /// signs: each with its factor for every row.
    fn paired_columns(&mut self, matrix: &Matrix) -> Vec<(Vec<Rational>, Value)> {
        let column = |at: usize| -> Vec<Rational> { matrix.iter().map(|row| row[at]).collect() };
        let half = Rational::new(1, 2);
        let mut taken = vec![false; self.inputs];
        let mut columns = Vec::new();
        for at in 0..self.inputs {
            if taken[at] {
                continue;
            }
            let factors = column(at);
            let alike = |other: &usize| {
                let others = column(*other);
                let same = factors.iter().zip(&others).all(|(a, b)| a == b || *a == -b);
                // Worth it where sum and difference are used more than once in all.
                same && factors.iter().filter(|factor| **factor != zero()).count() > 1 && factors != others
            };
            let partner = (at + 1..self.inputs).filter(|&other| !taken[other]).find(alike);
            let Some(other) = partner else {
                columns.push((factors, Value::Input(at)));
                continue;
            };
            taken[other] = true;
            let others = column(other);
            let sum = self.step(Step::Add(Value::Input(at), Value::Input(other)));
            let difference = self.step(Step::Subtract(Value::Input(at), Value::Input(other)));
            let of = |sign: i64| -> Vec<Rational> {
                factors.iter().zip(&others).map(|(a, b)| (a + b * Rational::from(sign)) * half).collect()
            };
            columns.push((of(1), sum));
            columns.push((of(-1), difference));
        }
        columns
    }

    /// Two sums whose terms are alike but for the signs of some: what is alike, and then the rest added
    /// and taken away.
    fn pair(&mut self, first: &Terms, second: &Terms) -> [Value; 2] {
        let (mut even, mut odd) = (Terms::new(), Terms::new());
        for (a, b) in first.iter().zip(second) {
            if a.0 == b.0 { even.push(*a) } else { odd.push(*a) }
        }
        let even = self.sum(&even);
        // The factor of the highest term is taken out, and put into the last step of both.
        let factor = odd.last().map_or(one(), |(factor, _)| *factor);
        let odd: Terms = odd.into_iter().map(|(f, value)| (f / factor, value)).collect();
        let odd = self.sum(&odd);
        [factor, -factor].map(|factor| self.add(even, factor, odd))
    }

    /// `Σ factor · value`, from a term without a factor where there is one.
    fn sum(&mut self, terms: &Terms) -> Value {
        let start = terms.iter().position(|(factor, _)| *factor == one()).unwrap_or(0);
        let (factor, value) = terms[start];
        let begin = if factor == one() { value } else { self.step(Step::Multiply(factor, value)) };
        let rest = terms.iter().enumerate().filter(|(at, _)| *at != start);
        rest.fold(begin, |sum, (_, &(factor, value))| self.add(sum, factor, value))
    }

    fn add(&mut self, sum: Value, factor: Rational, value: Value) -> Value {
        self.step(if factor == one() {
            Step::Add(sum, value)
        } else if factor == -one() {
            Step::Subtract(sum, value)
        } else {
            Step::MultiplyAdd(factor, value, sum)
        })
    }

    /// A step, or the same one made before.
    fn step(&mut self, step: Step) -> Value {
        let known = self.steps.iter().position(|known| *known == step);
        Value::Step(known.unwrap_or_else(|| {
            self.steps.push(step);
            self.steps.len() - 1
        }))
    }
}

/// Whether two sums have the same terms but for signs, some alike and some not.
fn mirrored(first: &Terms, second: &Terms) -> bool {
    let alike = |(a, b): (&(Rational, Value), &(Rational, Value))| a.1 == b.1 && (a.0 == b.0 || a.0 == -b.0);
    let same = first.iter().zip(second).filter(|(a, b)| a.0 == b.0).count();
    first.len() == second.len() && first.iter().zip(second).all(alike) && same > 0 && same < first.len()
}

fn one() -> Rational {
    Rational::from(1)
}

fn zero() -> Rational {
    Rational::from(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cook_toom::ALGORITHMS;

    fn run(program: &Program, inputs: &[Rational]) -> Vec<Rational> {
        let mut results: Vec<Rational> = Vec::new();
        let get = |results: &[Rational], value: Value| match value {
            Value::Input(at) => inputs[at],
            Value::Step(at) => results[at],
        };
        for step in &program.steps {
            let result = match *step {
                Step::Add(a, b) => get(&results, a) + get(&results, b),
                Step::Subtract(a, b) => get(&results, a) - get(&results, b),
                Step::Multiply(factor, a) => factor * get(&results, a),
                Step::MultiplyAdd(factor, a, b) => factor * get(&results, a) + get(&results, b),
            };
            results.push(result);
        }
        program.outputs.iter().map(|&value| get(&results, value)).collect()
    }

    #[test]
    fn programs_are_their_matrices() {
        for algorithm in ALGORITHMS {
            let matrices = algorithm.matrices();
            for matrix in [&matrices.input, &matrices.output] {
                let program = Program::of(matrix);
                for unit in 0..program.inputs {
                    let inputs: Vec<_> =
                        (0..program.inputs).map(|at| Rational::from(i64::from(at == unit))).collect();
                    let column: Vec<_> = matrix.iter().map(|row| row[unit]).collect();
                    assert_eq!(run(&program, &inputs), column, "{algorithm:?}: {program:?}");
                }
            }
        }
    }

    #[test]
    fn pairs_are_shared() {
        let count = |outputs: usize, taps: usize| {
            let algorithm = ALGORITHMS.iter().find(|one| (one.outputs, one.taps) == (outputs, taps)).unwrap();
            let matrices = algorithm.matrices();
            [&matrices.input, &matrices.output].map(|matrix| Program::of(matrix).instructions())
        };
        assert_eq!(count(1, 1), [0, 0]);
        assert_eq!(count(2, 3), [4, 4]);
        assert_eq!(count(4, 3), [12, 12]);
        assert!(count(6, 3)[0] <= 28 && count(6, 3)[1] <= 30, "{:?}", count(6, 3));
    }
}
