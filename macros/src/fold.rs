//! What the weights of a filter allow: a filter as few sums down its columns and along its rows.
//!
//! Every form is a product of two small matrices, `V = U · R`: the rows of a picture are summed down
//! the columns with the weights of a column of `U`, once for each of its `T` terms, and those sums along
//! the rows with the weights of a row of `R`. One term is a separable filter; a term for each row of the
//! filter is the filter as it stands. Plain code without tokens, which the library reads too.

/// A filter as a sum of products of a column and a row: `V[a][b] = Σ_t columns[t][a] · rows[t][b]`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Factors {
    /// Weights down the columns, `[T][K_h]`.
    pub(crate) columns: Vec<Vec<f64>>,
    /// Weights along the rows, `[T][K_w]`.
    pub(crate) rows: Vec<Vec<f64>>,
}

/// The weights of a filter, and what is known of them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Weights {
    /// Rows, `K_h`.
    pub(crate) height: usize,
    /// Columns, `K_w`.
    pub(crate) width: usize,
    /// Row after row; each is an `f32`.
    pub(crate) values: Vec<f64>,
    /// The same as the fewest products, where they are known exactly.
    pub(crate) factors: Option<Factors>,
}

/// How a filter is computed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Form {
    /// Sums down the columns, and along the rows.
    Sums(Factors),
    /// All weights are this one: sums of a window, which do not grow with it.
    Window(f64),
    /// As a layer, whose planner knows larger filters' ways, FFT among them.
    Layer,
}

/// A form, and how it was found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fold {
    /// The cheapest form.
    pub(crate) form: Form,
    /// The root of the squares of what the form's weights differ by, over that of the weights.
    pub(crate) error: f64,
    /// Weights that are not zero.
    pub(crate) taps: usize,
    /// Predicted cycles for a vector of outputs, see [`cost`].
    pub(crate) cycles: f64,
    /// What was found and what it saves, a sentence each.
    pub(crate) findings: Vec<String>,
}
