//! Enough of a trainer to learn filters from data, and no framework.

pub mod loss;
pub mod optimiser;
