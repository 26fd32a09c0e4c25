//! The filters that are measured, one row each.

use tapwise::{Filter2d, FilterBank, FilterExplanation};

/// What a row is computed by.
#[derive(Debug, Clone, Copy)]
pub enum Constant {
    /// One filter.
    Filter(Filter2d),
    /// Length and direction of the gradient that a pair of filters gives.
    Gradient(FilterBank),
}

/// What other libraries call it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Operation {
    /// The Sobel derivative along a row.
    Sobel,
    /// Length and direction of the gradient of both Sobel derivatives.
    Gradient,
    /// The Scharr derivative along a row.
    Scharr,
    /// The Laplacian of four neighbours.
    Laplacian,
    /// A Gaussian.
    Gaussian {
        /// Its width, in pixels.
        sigma: f64,
    },
    /// A mean.
    Mean,
    /// Nothing but its weights.
    Correlation,
}

impl Operation {
    /// Its name, as other libraries are asked for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Operation::Sobel => "sobel",
            Operation::Gradient => "gradient",
            Operation::Scharr => "scharr",
            Operation::Laplacian => "laplacian",
            Operation::Gaussian { .. } => "gaussian",
            Operation::Mean => "mean",
            Operation::Correlation => "correlation",
        }
    }
}

/// A filter that is measured.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Its name in records.
    pub name: &'static str,
    /// Its name in the report.
    pub label: &'static str,
    /// What it is computed by.
    pub constant: Constant,
    /// What other libraries call it.
    pub operation: Operation,
    /// Whether it is measured on colour pictures as well.
    pub colour: bool,
    /// What it may take at most, in copies of a grey picture of `f32`; none where nothing is promised.
    pub wanted: Option<f64>,
}

impl Row {
    const fn of(name: &'static str, label: &'static str, filter: Filter2d, operation: Operation) -> Self {
        let constant = Constant::Filter(filter);
        Row { name, label, constant, operation, colour: false, wanted: None }
    }

    const fn in_colour(self) -> Self {
        Row { colour: true, ..self }
    }

    const fn within(self, copies: f64) -> Self {
        Row { wanted: Some(copies), ..self }
    }

    /// What the analysis found, and how the filter is computed.
    #[must_use]
    pub fn explain(&self) -> FilterExplanation {
        match self.constant {
            Constant::Filter(filter) => filter.explain(),
            Constant::Gradient(pair) => pair.explain(),
        }
    }

    /// Rows and columns of the filter, and how many filters there are.
    #[must_use]
    pub fn size(&self) -> ([usize; 2], usize) {
        let FilterExplanation { size, filters, .. } = self.explain();
        (size, filters)
    }

    /// The weights, `[N, K_h, K_w]` in order.
    #[must_use]
    pub fn weights(&self) -> Vec<f32> {
        match self.constant {
            Constant::Filter(filter) => filter.weights().iter().copied().collect(),
            Constant::Gradient(pair) => pair.weights().iter().copied().collect(),
        }
    }

    /// The row with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Row> {
        ALL.iter().find(|row| row.name == name)
    }
}

#[tapwise::filter2d]
const SOBEL_X: _ = sobel_x;

#[tapwise::filter2d]
const SCHARR_X: _ = scharr_x;

#[tapwise::filter2d]
const LAPLACIAN: _ = laplacian;

#[tapwise::filter2d]
const SHARPEN: _ = sharpen;

#[tapwise::filter2d]
const EMBOSS: _ = emboss;

#[tapwise::filter2d]
const GAUSSIAN_3: _ = gaussian(sigma = 0.8, radius = 1);

#[tapwise::filter2d]
const GAUSSIAN_5: _ = gaussian(sigma = 1.1, radius = 2);

#[tapwise::filter2d]
const GAUSSIAN_7: _ = gaussian(sigma = 1.4, radius = 3);

#[tapwise::filter2d]
const GAUSSIAN_15: _ = gaussian(sigma = 2.6, radius = 7);

#[tapwise::filter2d]
const GAUSSIAN_31: _ = gaussian(sigma = 5.0, radius = 15);

#[tapwise::filter2d]
const LOG_9: _ = log(sigma = 1.4, radius = 4);

#[tapwise::filter2d]
const MEAN_3: _ = mean(3);

#[tapwise::filter2d]
const MEAN_9: _ = mean(9);

#[tapwise::filter2d]
const MEAN_31: _ = mean(31);

#[tapwise::filter2d]
const GABOR_21: _ = gabor(sigma = 4.0, theta = 0.785398, wavelength = 8.0, radius = 10);

/// Derivatives along a row and down the columns.
#[tapwise::filter2d]
const SOBEL: _ = [sobel_x, sobel_y];

/// Drawn at random.
#[tapwise::filter2d]
#[rustfmt::skip]
const RANDOM_3: [[f32; 3]; 3] = [
    [0.912, 0.896, -0.887],
    [-0.830, 0.671, 0.472],
    [0.339, -0.384, 0.212],
];

/// Drawn at random.
#[tapwise::filter2d]
#[rustfmt::skip]
const RANDOM_5: [[f32; 5]; 5] = [
    [0.214, 0.162, -0.683, -0.139, -0.213],
    [0.446, 0.990, 0.899, 0.088, -0.110],
    [-0.464, -0.928, -0.945, -0.070, -0.363],
    [-0.240, 0.784, 0.052, 0.121, -0.528],
    [-0.952, -0.350, -0.727, 0.020, 0.997],
];

/// Drawn at random.
#[tapwise::filter2d]
#[rustfmt::skip]
const RANDOM_7: [[f32; 7]; 7] = [
    [0.349, -0.636, 0.787, 0.594, 0.469, 0.813, 0.526],
    [0.579, -0.292, 0.962, 0.924, -0.678, 0.508, 0.430],
    [-0.077, 0.061, -0.020, 0.850, 0.002, 0.663, -0.292],
    [0.766, 0.799, -0.078, 0.135, 0.841, 0.448, -0.027],
    [-0.556, -0.351, 0.399, -0.668, 0.816, -0.464, 0.823],
    [-0.381, 0.915, 0.412, 0.008, 0.035, 0.303, 0.176],
    [-0.376, -0.584, 0.024, 0.868, 0.247, -0.849, 0.641],
];

/// Every filter. Gaussians have the width that OpenCV gives to a filter of their size.
pub const ALL: [Row; 19] = [
    Row::of("sobel-x", "Sobel x", SOBEL_X, Operation::Sobel).in_colour().within(1.3),
    Row {
        name: "gradient",
        label: "Sobel gradient",
        constant: Constant::Gradient(SOBEL),
        operation: Operation::Gradient,
        colour: false,
        wanted: None,
    },
    Row::of("scharr-x", "Scharr x", SCHARR_X, Operation::Scharr),
    Row::of("laplacian", "Laplacian", LAPLACIAN, Operation::Laplacian).within(1.3),
    Row::of("sharpen", "sharpen", SHARPEN, Operation::Correlation).in_colour(),
    Row::of("emboss", "emboss", EMBOSS, Operation::Correlation),
    Row::of("gaussian-3", "Gaussian 3 × 3", GAUSSIAN_3, Operation::Gaussian { sigma: 0.8 }),
    Row::of("gaussian-5", "Gaussian 5 × 5", GAUSSIAN_5, Operation::Gaussian { sigma: 1.1 })
        .in_colour()
        .within(1.8),
    Row::of("gaussian-7", "Gaussian 7 × 7", GAUSSIAN_7, Operation::Gaussian { sigma: 1.4 }),
    Row::of("gaussian-15", "Gaussian 15 × 15", GAUSSIAN_15, Operation::Gaussian { sigma: 2.6 }).in_colour(),
    Row::of("gaussian-31", "Gaussian 31 × 31", GAUSSIAN_31, Operation::Gaussian { sigma: 5.0 }),
    Row::of("log-9", "Laplacian of Gaussian 9 × 9", LOG_9, Operation::Correlation),
    Row::of("mean-3", "mean 3 × 3", MEAN_3, Operation::Mean),
    Row::of("mean-9", "mean 9 × 9", MEAN_9, Operation::Mean).in_colour(),
    Row::of("mean-31", "mean 31 × 31", MEAN_31, Operation::Mean),
    Row::of("gabor-21", "Gabor 21 × 21", GABOR_21, Operation::Correlation),
    Row::of("random-3", "random 3 × 3", RANDOM_3, Operation::Correlation),
    Row::of("random-5", "random 5 × 5", RANDOM_5, Operation::Correlation).in_colour(),
    Row::of("random-7", "random 7 × 7", RANDOM_7, Operation::Correlation),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        for (index, row) in ALL.iter().enumerate() {
            assert!(ALL[..index].iter().all(|other| other.name != row.name && other.label != row.label));
            assert!(!row.name.contains(' '), "{}", row.name);
        }
    }

    #[test]
    fn what_has_structure_is_folded_and_what_has_none_is_not() {
        let terms = |name| Row::named(name).map(|row| (row.explain().form, row.explain().terms));
        assert_eq!(terms("gaussian-15"), Some(("sums", 1)));
        assert_eq!(terms("random-7").map(|(form, terms)| form == "sums" && terms < 7), Some(false));
    }
}
