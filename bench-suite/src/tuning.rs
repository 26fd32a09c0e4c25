//! What the planner predicts, held against what is measured: samples of every candidate on many
//! layers, the fit of the planner's costs to them, and the time that its choices lose (regret).

pub mod command;
pub mod fit;
pub mod regret;
pub mod sample;
pub mod shapes;
