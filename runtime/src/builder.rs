//! How a layer is described: every option has a default, and everything is checked at once.

use ndarray::{ArrayView1, ArrayView4, Axis};

use crate::epilogue::{Activation, Epilogue};
use crate::error::Error;
use crate::isa::Isa;
use crate::kernel::Family;
use crate::kernel::Geometry;
use crate::layer::Conv2d;
use crate::planner::Planner;
use crate::spec::{Border, ConvSpec, Padding};
use crate::strategy::Strategy;
use crate::tuning::Model;

/// Describes a layer; [`Conv2dBuilder::build`] checks everything at once and packs the weights.
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct Conv2dBuilder<'a> {
    filter: ArrayView4<'a, f32>,
    bias: Option<ArrayView1<'a, f32>>,
    stride: [usize; 2],
    dilation: [usize; 2],
    groups: usize,
    padding: Padding,
    border: Border,
    activation: Activation,
    flip: bool,
    planner: Planner,
    isa: Option<Isa>,
    bound: Option<Geometry>,
}

/// The builder behind an annotated struct: `Name::layer(filter)`.
#[doc(hidden)]
pub fn bound<'a>(filter: ArrayView4<'a, f32>, geometry: &Geometry) -> Conv2dBuilder<'a> {
    Conv2dBuilder {
        stride: geometry.stride,
        dilation: geometry.dilation,
        groups: geometry.groups,
        bound: Some(*geometry),
        ..Conv2d::builder(filter)
    }
}

impl<'a> Conv2dBuilder<'a> {
    /// One number for each output channel, added to the sum. None by default.
    pub fn bias(mut self, bias: ArrayView1<'a, f32>) -> Self {
        self.bias = Some(bias);
        self
    }

    /// Pixels between two outputs, down and across; `[1, 1]` by default.
    pub fn stride(mut self, stride: [usize; 2]) -> Self {
        self.stride = stride;
        self
    }

    /// Pixels between two taps, down and across; `[1, 1]` by default.
    pub fn dilation(mut self, dilation: [usize; 2]) -> Self {
        self.dilation = dilation;
        self
    }

    /// Groups of channels that do not see each other; 1 by default. The filter then has
    /// `C_in / groups` input channels, and output channels `g·C_out/groups ..` belong to group `g`.
    pub fn groups(mut self, groups: usize) -> Self {
        self.groups = groups;
        self
    }

    /// How far the picture is extended; [`Padding::Same`] by default.
    pub fn padding(mut self, padding: Padding) -> Self {
        self.padding = padding;
        self
    }

    /// What it is extended by; [`Border::Zero`] by default.
    pub fn border(mut self, border: Border) -> Self {
        self.border = border;
        self
    }

    /// Stride, dilation, groups, padding and border of a spec at once. Its kernel and channels
    /// are those of the filter and are not read.
    pub fn spec(mut self, spec: &ConvSpec) -> Self {
        self.stride = spec.stride;
        self.dilation = spec.dilation;
        self.groups = spec.groups;
        self.padding = spec.padding;
        self.border = spec.border;
        self
    }

    /// The nonlinearity, fused into the store; [`Activation::Identity`] by default. With
    /// [`Activation::Crelu`] the answer has `2·C_out` channels.
    pub fn activation(mut self, activation: Activation) -> Self {
        self.activation = activation;
        self
    }

    /// Turns the filter by 180 degrees, so that the layer is the mathematical convolution
    /// `Σ_a Σ_b V[a,b] · X[i−a, j−b]` instead of the cross-correlation. Off by default.
    pub fn flip(mut self, flip: bool) -> Self {
        self.flip = flip;
        self
    }

    /// The strategy; [`Strategy::Auto`] by default. One that is forced and cannot serve is an
    /// error: nothing else runs in its place.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.planner.strategy = strategy;
        self
    }

    /// The largest error, over the root mean square of the output, that `Auto` may accept by its
    /// own bounds; 5e-5 by default. The bounds are those of data whose products do not cancel.
    pub fn tolerance(mut self, tolerance: f32) -> Self {
        self.planner.tolerance = tolerance;
        self
    }

    /// The family that kernels are taken from, where there are several for a shape; by default the one
    /// that is predicted to be the fastest for the size of each picture.
    pub fn family(mut self, family: Family) -> Self {
        self.planner.family = Some(family);
        self
    }

    /// The outputs of a tile of [`Strategy::Winograd`], down and across: 2, 4 or 6 for three taps, 2 or 4
    /// for five, 2 for seven, 1 for one. By default those that are predicted to be the fastest for the
    /// size of each picture, among those as exact as the tolerance wants.
    pub fn tile(mut self, tile: [usize; 2]) -> Self {
        self.planner.tile = Some(tile);
        self
    }

    /// Whether the sum is taken in two passes, down the columns and along the rows: `true` and nothing else,
    /// `false` and never. By default `Auto` decides for each size of picture, where the weights allow it; a
    /// forced strategy sums as it stands.
    ///
    /// Two passes serve one filter for each channel with stride 1, of 25 taps and more: the singular values
    /// of every channel's filter are looked at when the layer is built, and up to three products of a column
    /// and a row serve that come closer to it than half the [`tolerance`](Conv2dBuilder::tolerance) needs.
    ///
    /// ```
    /// use ndarray::{Array3, Array4};
    /// use tapwise::{Conv2d, Error};
    ///
    /// let binomial = [1.0, 4.0, 6.0, 4.0, 1.0];
    /// let blur = Array4::from_shape_fn((5, 5, 1, 1), |(a, b, _, _)| binomial[a] * binomial[b] / 256.0);
    /// let layer = Conv2d::builder(blur.view()).two_passes(true).build()?;
    /// assert_eq!(layer.explain([480, 640]).chosen().and_then(|chosen| chosen.rank), Some(1));
    /// let answer = layer.forward(Array3::<f32>::ones((20, 30, 1)).view())?;
    /// assert!((answer[[9, 9, 0]] - 1.0).abs() < 1e-6);
    ///
    /// let spiral = Array4::from_shape_fn((5, 5, 1, 1), |(a, b, _, _)| ((a * a + 3 * b + a * b) % 7) as f32);
    /// let refused = Conv2d::builder(spiral.view()).two_passes(true).build();
    /// assert!(matches!(refused, Err(Error::Unsupported { .. })));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn two_passes(mut self, wanted: bool) -> Self {
        self.planner.two_passes = Some(wanted);
        self
    }

    /// The instruction set; by default what `TAPWISE_ISA` names, or the best of this machine.
    pub fn isa(mut self, isa: Isa) -> Self {
        self.isa = Some(isa);
        self
    }

    /// Checks the description and packs the weights.
    ///
    /// # Errors
    /// [`Error::Empty`] and [`Error::Length`] for a filter, bias or slopes of the wrong shape,
    /// [`Error::Parameter`] for a value that no layer can have, [`Error::TooLarge`] for a filter
    /// beyond memory, [`Error::InstructionSet`] for a set that the machine lacks, and
    /// [`Error::Unsupported`] for a forced strategy that cannot serve.
    pub fn build(self) -> Result<Conv2d, Error> {
        let spec = self.checked_spec()?;
        let tolerance = self.planner.tolerance;
        if tolerance.is_nan() || tolerance <= 0.0 {
            return Err(Error::Parameter {
                parameter: "tolerance",
                found: tolerance.to_string(),
                wanted: "a number above 0".to_owned(),
            });
        }
        let isa = match self.isa {
            Some(isa) => isa.or_unavailable()?,
            None => Isa::selected()?,
        };
        let mut filter = self.filter;
        if self.flip {
            filter.invert_axis(Axis(0));
            filter.invert_axis(Axis(1));
        }
        let filter = filter.as_standard_layout().into_owned();
        let epilogue = Epilogue::new(self.bias, spec.c_out, self.activation);
        Conv2d::assemble(spec, filter, epilogue, self.planner, isa)
    }

    fn checked_spec(&self) -> Result<ConvSpec, Error> {
        let (rows, columns, channels, c_out) = self.filter.dim();
        let axes = [("K_h", rows), ("K_w", columns), ("C_in / groups", channels), ("C_out", c_out)];
        for (axis, length) in axes {
            if length == 0 {
                return Err(Error::Empty { array: "filter", axis });
            }
        }
        if let Some(geometry) = &self.bound {
            let wanted =
                [geometry.kernel[0], geometry.kernel[1], geometry.c_in / geometry.groups, geometry.c_out];
            for ((axis, found), wanted) in axes.into_iter().zip(wanted) {
                if found != wanted {
                    return Err(Error::Length { array: "filter", axis, found, wanted });
                }
            }
            let pairs = [
                ("stride", self.stride, geometry.stride),
                ("dilation", self.dilation, geometry.dilation),
                ("groups", [self.groups; 2], [geometry.groups; 2]),
            ];
            for (parameter, found, wanted) in pairs {
                if found != wanted {
                    return Err(Error::Parameter {
                        parameter,
                        found: format!("{found:?}"),
                        wanted: format!("{wanted:?}, as the annotation of this layer says"),
                    });
                }
            }
        }
        let c_in = channels.checked_mul(self.groups).ok_or(Error::TooLarge {
            what: "the input's channels",
            found: channels as u128 * self.groups as u128,
            limit: usize::MAX as u128,
        })?;
        let spec = ConvSpec {
            stride: self.stride,
            dilation: self.dilation,
            groups: self.groups,
            padding: self.padding,
            border: self.border,
            ..ConvSpec::new([rows, columns], c_in, c_out)
        };
        spec.validate()?;
        if let Some(bias) = self.bias {
            check_bias(&bias, c_out)?;
        }
        self.activation.check(c_out)?;
        Ok(spec)
    }
}

impl Conv2d {
    /// Begins a layer with a filter of `[K_h, K_w, C_in / groups, C_out]`.
    pub fn builder(filter: ArrayView4<'_, f32>) -> Conv2dBuilder<'_> {
        Conv2dBuilder {
            filter,
            bias: None,
            stride: [1, 1],
            dilation: [1, 1],
            groups: 1,
            padding: Padding::default(),
            border: Border::default(),
            activation: Activation::default(),
            flip: false,
            planner: Planner { model: Model::current(), ..Planner::default() },
            isa: None,
            bound: None,
        }
    }
}

/// Refuses a bias that has not one number for each output channel.
pub(crate) fn check_bias(bias: &ArrayView1<'_, f32>, c_out: usize) -> Result<(), Error> {
    if bias.len() == c_out {
        Ok(())
    } else {
        Err(Error::Length { array: "bias", axis: "C_out", found: bias.len(), wanted: c_out })
    }
}
