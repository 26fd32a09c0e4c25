//! Everything that can go wrong, each with the value found and the value wanted.

use crate::{Isa, Strategy};

/// What a fallible call of this crate answers.
///
/// Every message names the argument and the axis, the value that was found and the value that was
/// wanted. Sizes are in elements unless the message says bytes.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An array does not have the length that the layer needs along one axis.
    #[error("{array}: axis {axis} has length {found}, wanted {wanted}")]
    Length {
        /// The argument: `input`, `output`, `filter` or `bias`.
        array: &'static str,
        /// The axis by name, such as `C_in`.
        axis: &'static str,
        /// The length found.
        found: usize,
        /// The length wanted.
        wanted: usize,
    },
    /// An array has an axis of length zero.
    #[error("{array}: axis {axis} is empty (length 0), wanted at least 1")]
    Empty {
        /// The argument.
        array: &'static str,
        /// The axis by name.
        axis: &'static str,
    },
    /// A parameter of the layer has a value that no layer can have.
    #[error("{parameter} is {found}, wanted {wanted}")]
    Parameter {
        /// The parameter by name, such as `stride[0]`.
        parameter: &'static str,
        /// The value found.
        found: String,
        /// The values that would do.
        wanted: String,
    },
    /// The filter, dilated, is larger than the picture with its padding.
    #[error(
        "{axis}: the filter reaches over {extent} pixels (dilation included) but the padded input has \
         {padded}; wanted a filter extent of at most {padded}, or more padding"
    )]
    FilterExceedsInput {
        /// `height` or `width`.
        axis: &'static str,
        /// The extent of the dilated filter in pixels.
        extent: usize,
        /// The length of the input with its padding in pixels.
        padded: usize,
    },
    /// A size is larger than memory can address.
    #[error("{what} would need {found} elements, wanted at most {limit}")]
    TooLarge {
        /// What would be too large.
        what: &'static str,
        /// The number of elements asked for (saturated at `u128::MAX`).
        found: u128,
        /// The largest number that is served.
        limit: u128,
    },
    /// An array is larger than the memory that is free.
    #[error("{}", crate::memory::sentence(what, *bytes, *available))]
    Memory {
        /// What would be too large.
        what: &'static str,
        /// The bytes that it would need (saturated at `u128::MAX`).
        bytes: u128,
        /// The bytes that are free; `None` where the system refused without telling.
        available: Option<u128>,
    },
    /// A strategy was forced and cannot serve this layer, or none is exact enough.
    #[error("strategy {strategy} cannot serve {layer}: {reason}")]
    Unsupported {
        /// The strategy that was asked for.
        strategy: Strategy,
        /// The layer as a descriptor.
        layer: String,
        /// Why, and what would help.
        reason: String,
    },
    /// An instruction set was asked for that this machine does not have, or that does not exist.
    #[error("instruction set {found:?} is not available here; this machine has: {}", names(available))]
    InstructionSet {
        /// The name asked for, by the builder or by `TAPWISE_ISA`.
        found: String,
        /// The sets that this machine has, best first.
        available: Vec<Isa>,
    },
    /// A tuning file cannot be used: see [`crate::tuning`].
    #[error("tuning file {file}: {reason}")]
    Tuning {
        /// The file.
        file: String,
        /// Why, and what was wanted.
        reason: String,
    },
    /// A shape descriptor could not be read.
    #[error("descriptor {descriptor:?}: {part:?} {problem}")]
    Descriptor {
        /// The whole text.
        descriptor: String,
        /// The part that could not be read.
        part: String,
        /// What is wrong with it, and what was wanted.
        problem: String,
    },
}

fn names(sets: &[Isa]) -> String {
    let names: Vec<_> = sets.iter().map(|isa| isa.name()).collect();
    names.join(", ")
}
