//! Enough of a trainer to learn filters from data, and no framework.

pub mod loss;
pub mod network;
pub mod optimiser;
pub mod stage;
pub mod trainer;
