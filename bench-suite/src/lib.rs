//! The bench suite of tapwise: what is measured, how it is measured, and the report that shows it.
//!
//! Data goes one way: [`problems`] × [`contenders`] through [`measurement`] become [`records`],
//! and [`report`] turns records into plots and pages without measuring anything itself.

pub mod builds;
pub mod clock;
pub mod compare;
pub mod contenders;
pub mod dense_layer;
pub mod error;
pub mod export;
pub mod filters;
pub mod gradients;
pub mod journal;
pub mod layers;
pub mod learning;
pub mod machine;
pub mod measurement;
pub mod memory;
pub mod parts;
pub mod peers;
pub mod photograph;
pub mod problems;
pub mod progress;
pub mod readme;
pub mod records;
pub mod reference;
pub mod report;
pub mod rows;
pub mod self_check;
pub mod session;
pub mod statistics;
pub mod tiles;
pub mod tuning;
pub mod waldo;

pub use error::Error;
