//! Deeper layers: convolutions and nonlinearities, one after another.

use std::fmt::Write;

use ndarray::{Array3, Array4, ArrayView3, ArrayView4, Axis};

use crate::epilogue::Activation;
use crate::error::Error;
use crate::layer::Conv2d;
use crate::pooling::Pooling;
use crate::receptive::ReceptiveField;

/// A step of a [`Sequential`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Layer {
    /// A convolution, with its own activation.
    Conv2d(Box<Conv2d>),
    /// A nonlinearity by itself.
    Activation(Activation),
    /// Global pooling to a picture of one pixel.
    Pooling(Pooling),
}

impl From<Conv2d> for Layer {
    fn from(layer: Conv2d) -> Self {
        Layer::Conv2d(Box::new(layer))
    }
}

impl From<Activation> for Layer {
    fn from(activation: Activation) -> Self {
        Layer::Activation(activation)
    }
}

impl From<Pooling> for Layer {
    fn from(pooling: Pooling) -> Self {
        Layer::Pooling(pooling)
    }
}

impl Layer {
    fn forward(&self, input: Array3<f32>) -> Result<Array3<f32>, Error> {
        match self {
            Layer::Conv2d(layer) => layer.forward(input.view()),
            Layer::Activation(activation) => activation.apply(input),
            Layer::Pooling(pooling) => {
                Ok(pooling.of(input.view())?.insert_axis(Axis(0)).insert_axis(Axis(0)))
            }
        }
    }

    /// What its units see, given what those of the layer before see.
    fn field(&self, before: ReceptiveField) -> Result<ReceptiveField, Error> {
        match self {
            Layer::Conv2d(layer) => before.through(layer.spec()),
            Layer::Activation(_) => Ok(before),
            Layer::Pooling(_) => Ok(before.pooled()),
        }
    }

    fn name(&self) -> String {
        match self {
            Layer::Conv2d(layer) => {
                let activation = match layer.activation() {
                    Activation::Identity => String::new(),
                    other => format!(", {}", other.name()),
                };
                format!("{}{activation}", layer.spec())
            }
            Layer::Activation(activation) => activation.name().to_owned(),
            Layer::Pooling(pooling) => pooling.name().to_owned(),
        }
    }
}

/// Layers one after another: the answer of each is the input of the next.
///
/// "Is there a Waldo anywhere?": a layer that looks for his parts, one that puts them together, and
/// the largest answer of all places, equation (11).
///
/// ```
/// use ndarray::{Array3, Array4};
/// use tapwise::{Activation, Conv2d, Pooling, Sequential};
///
/// let parts = Conv2d::builder(Array4::from_elem((3, 3, 3, 8), 0.1).view())
///     .activation(Activation::Relu)
///     .build()?;
/// let whole = Conv2d::builder(Array4::from_elem((5, 5, 8, 1), 0.1).view()).stride([2, 2]).build()?;
/// let network = Sequential::new([parts.into(), whole.into(), Pooling::Max.into()])?;
///
/// let answer = network.forward(Array3::ones((20, 30, 3)).view())?;
/// assert_eq!(answer.dim(), (1, 1, 1));
/// assert_eq!(network.parameters(), (3 * 3 * 3 * 8 + 8) + (5 * 5 * 8 + 1));
/// let fields = network.receptive_fields([20, 30])?;
/// assert_eq!(fields[1].size, [7, 7]);
/// assert_eq!(fields[1].stride, [2, 2]);
/// println!("{}", network.draw([20, 30])?);
/// # Ok::<(), tapwise::Error>(())
/// ```
#[derive(Debug)]
pub struct Sequential {
    layers: Vec<Layer>,
}

impl Sequential {
    /// Puts layers one after another.
    ///
    /// # Errors
    /// [`Error::Length`] where a convolution does not take the channels that the one before gives.
    pub fn new(layers: impl IntoIterator<Item = Layer>) -> Result<Self, Error> {
        let layers: Vec<Layer> = layers.into_iter().collect();
        let mut channels = None;
        for layer in &layers {
            match layer {
                Layer::Conv2d(layer) => {
                    let wanted = layer.spec().c_in;
                    if let Some(found) = channels.replace(layer.channels())
                        && found != wanted
                    {
                        return Err(Error::Length { array: "input", axis: "C_in", found, wanted });
                    }
                }
                Layer::Activation(activation) => {
                    channels = channels.map(|channels| activation.channels(channels));
                }
                Layer::Pooling(_) => {}
            }
        }
        Ok(Sequential { layers })
    }

    /// Its layers.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Weights and biases of all its convolutions.
    #[must_use]
    pub fn parameters(&self) -> u128 {
        let count = |layer: &Layer| match layer {
            Layer::Conv2d(layer) => (layer.filter().len() + layer.bias().len()) as u128,
            _ => 0,
        };
        self.layers.iter().map(count).sum()
    }

    /// Runs every layer on a picture `[H, W, C_in]`.
    ///
    /// # Errors
    /// As [`Conv2d::forward`] and [`Pooling::of`].
    pub fn forward(&self, input: ArrayView3<'_, f32>) -> Result<Array3<f32>, Error> {
        let mut layers = self.layers.iter();
        // A first convolution reads the caller's memory in place.
        let first = match layers.as_slice().first() {
            Some(Layer::Conv2d(layer)) => {
                layers.next();
                layer.forward(input)?
            }
            _ => input.to_owned(),
        };
        layers.try_fold(first, |hidden, layer| layer.forward(hidden))
    }

    /// Runs every layer on every picture of a batch `[N, H, W, C_in]`.
    ///
    /// # Errors
    /// As [`Sequential::forward`]; [`Error::Empty`] for a batch without pictures.
    pub fn forward_batch(&self, inputs: ArrayView4<'_, f32>) -> Result<Array4<f32>, Error> {
        let mut answers: Option<Array4<f32>> = None;
        let pictures = inputs.len_of(Axis(0));
        for (index, input) in inputs.outer_iter().enumerate() {
            let answer = self.forward(input)?;
            let (height, width, channels) = answer.dim();
            let answers = answers.get_or_insert_with(|| Array4::zeros((pictures, height, width, channels)));
            answers.index_axis_mut(Axis(0), index).assign(&answer);
        }
        answers.ok_or(Error::Empty { array: "input", axis: "N" })
    }

    /// What the units of each layer see of pictures of `input` rows and columns, equation (10).
    ///
    /// # Errors
    /// As [`ReceptiveField::through`].
    pub fn receptive_fields(&self, input: [usize; 2]) -> Result<Vec<ReceptiveField>, Error> {
        let mut field = ReceptiveField::pixel(input);
        self.layers
            .iter()
            .map(|layer| {
                field = layer.field(field)?;
                Ok(field)
            })
            .collect()
    }

    /// What the units of the last layer see.
    ///
    /// # Errors
    /// As [`Sequential::receptive_fields`].
    pub fn receptive_field(&self, input: [usize; 2]) -> Result<ReceptiveField, Error> {
        let pixel = ReceptiveField::pixel(input);
        Ok(self.receptive_fields(input)?.last().copied().unwrap_or(pixel))
    }

    /// Draws for a terminal what the middle unit of each layer sees of one row of pixels: a line for
    /// each layer, `█` for what is seen, `·` for the rest of the picture, brackets for its edges. A
    /// picture wider than 60 pixels is drawn smaller.
    ///
    /// # Errors
    /// As [`Sequential::receptive_fields`].
    pub fn draw(&self, input: [usize; 2]) -> Result<String, Error> {
        const WIDEST: usize = 60;
        let fields = self.receptive_fields(input)?;
        let names: Vec<String> = self.layers.iter().map(Layer::name).collect();
        let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(5);
        let scale = input[1].div_ceil(WIDEST).max(1);
        let mut text = String::new();
        let mut line = |name: &str, field: &ReceptiveField| {
            let [_, columns] = field.window(field.units.map(|units| units / 2));
            let seen: String = (0..input[1].div_ceil(scale))
                .map(|at| {
                    let pixels = (at * scale) as isize..((at + 1) * scale) as isize;
                    if pixels.start < columns.end && columns.start < pixels.end { '█' } else { '·' }
                })
                .collect();
            let [rows, columns] = field.size;
            let [high, wide] = field.units;
            let size = format!("{rows}x{columns}");
            let units = format!("{high}x{wide}");
            // Writing to a string does not fail.
            let _ = writeln!(text, "{name:longest$}  {units:>9}  {size:>9}  [{seen}]");
        };
        line("input", &ReceptiveField::pixel(input));
        for (name, field) in names.iter().zip(&fields) {
            line(name, field);
        }
        let head =
            format!("{:longest$}  {:>9}  {:>9}  one row of {} pixels", "layer", "units", "sees", input[1]);
        let note = if scale > 1 { format!(", {scale} to a mark") } else { String::new() };
        Ok(format!("{head}{note}\n{text}"))
    }
}
