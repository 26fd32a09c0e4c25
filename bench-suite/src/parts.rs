//! What a report is made of, part by part: each can be had alone.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// A part of a report that can be measured alone, in the order in which they are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// A photograph and its feature maps.
    Photograph,
    /// Throughput over the side of the picture, Δ and channels.
    Sweeps,
    /// Time over batches and threads.
    Batch,
    /// Time over the side of a filter of one channel.
    Sides,
    /// Layers that have a share of the peak to reach.
    Targets,
    /// Layers and their gradients.
    Gradients,
    /// Winograd's tiles beside the direct sum.
    Tiles,
    /// Dense layers beside the convolutions that they equal.
    Dense,
    /// The layers of --shapes.
    Shapes,
    /// Memory by strategy.
    Memory,
    /// Templates found in scenes.
    Waldo,
    /// What dense networks and convolutions learn from the same scenes.
    Learning,
    /// How well the planner chooses.
    Regret,
    /// What an annotation costs while compiling.
    Builds,
    /// Every convolution of a few networks; beside other libraries with --peers.
    Nets,
    /// Layers beside other libraries.
    Peers,
    /// Filters that are known while compiling; beside other libraries with --peers.
    Filters,
}

impl Part {
    /// Every part.
    #[must_use]
    pub fn all() -> &'static [Part] {
        Part::value_variants()
    }

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// The command that measures nothing but this part.
    #[must_use]
    pub fn command(self) -> String {
        let file = if self == Part::Shapes { " --shapes FILE" } else { "" };
        format!("tapwise report --only {}{file}", self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_named_as_it_is_typed() {
        for part in Part::all() {
            assert_eq!(Part::from_str(&part.name(), false).as_ref(), Ok(part));
            assert!(part.command().starts_with(&format!("tapwise report --only {}", part.name())));
        }
    }
}
