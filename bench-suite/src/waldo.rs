//! Where is Waldo: every patch of a scene is scored with a template as the filter.
//!
//! The score is equation (15), `S[i,j] = Σ (T − T̄)(X − X̄) / (‖T − T̄‖ · ‖X − X̄‖)` over the patch at
//! `(i, j)`, with means per channel and norms over all three. Its numerator is a convolution.
//!
//! A [`Scene`] and a [`Template`] go through [`score`] into maps, [`places`] finds the peaks of the
//! maps, [`threshold`] says which of them count, and [`learn`] makes a better filter out of the
//! template. [`compose`] makes scenes with known answers; [`gallery`] runs them for the report.

pub mod command;
pub mod compose;
mod examples;
pub mod gallery;
pub mod learn;
pub mod pictures;
pub mod places;
pub mod scene;
pub mod score;
pub mod search;
pub mod spread;
pub mod template;
pub mod threshold;
pub mod variants;
pub mod words;

pub use places::{Area, Place};
pub use scene::Scene;
pub use search::{Detector, Options, Outcome, search};
pub use template::Template;
pub use threshold::Threshold;
