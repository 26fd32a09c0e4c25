//! What a constant filter is computed by, as data and as text.

use std::fmt;

use super::program::{Form, Program};

/// How a constant filter is computed and why: see [`super::Filter2d::explain`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct FilterExplanation {
    /// Rows and columns.
    pub size: [usize; 2],
    /// Filters that read pictures together.
    pub filters: usize,
    /// Weights that are not zero.
    pub taps: usize,
    /// `sums`: sums down the columns and along the rows; `window`: running sums of a window; `layer`: a
    /// layer's ways, FFT among them.
    pub form: &'static str,
    /// Terms of sums: products of a column and a row.
    pub terms: usize,
    /// How far the weights that are computed with are from those of the annotation: the root of the mean
    /// square of the differences over that of the weights. 0 unless a tolerance was given.
    pub error: f64,
    /// Predicted cycles for a vector of outputs.
    pub cycles: f64,
    /// What was found, a sentence each.
    pub findings: &'static [&'static str],
}

impl FilterExplanation {
    pub(super) fn of(program: &Program) -> Self {
        let (form, terms) = match program.form {
            Form::Sums(terms) => ("sums", terms.len()),
            Form::Window { .. } => ("window", 1),
            Form::Layer => ("layer", 0),
        };
        FilterExplanation {
            size: program.size,
            filters: program.filters,
            taps: program.weights.iter().filter(|weight| **weight != 0.0).count(),
            form,
            terms,
            error: program.error,
            cycles: program.cycles,
            findings: program.findings,
        }
    }
}

impl fmt::Display for FilterExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [height, width] = self.size;
        let all = height * width * self.filters;
        write!(f, "{height}x{width}")?;
        if self.filters > 1 {
            write!(f, ", {} filters", self.filters)?;
        }
        write!(f, ": {} of {all} taps; ", self.taps)?;
        match self.form {
            "sums" => write!(f, "sums of {} term{}", self.terms, if self.terms == 1 { "" } else { "s" })?,
            "window" => f.write_str("running sums of a window")?,
            _ => f.write_str("run as a layer")?,
        }
        writeln!(f, ", about {:.1} cycles for a vector of outputs", self.cycles)?;
        for finding in self.findings {
            writeln!(f, "  {finding}")?;
        }
        if self.error > 0.0 {
            writeln!(f, "  weights are approximated: {:.1e} of their root mean square", self.error)?;
        }
        Ok(())
    }
}
