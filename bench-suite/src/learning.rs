//! Enough of a trainer to learn filters from data, and no framework.

pub mod experiment;
pub mod loss;
pub mod network;
pub mod optimiser;
pub mod pictures;
pub mod scenes;
pub mod stage;
pub mod tasks;
pub mod trainer;
