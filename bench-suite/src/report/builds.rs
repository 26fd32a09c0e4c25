//! The section on what an annotation costs while compiling.

use super::document::{Block, Section, cell, judged, table};
use super::words;
use crate::records::Builds;

/// The section; none where builds were not measured.
pub(super) fn section(builds: &Builds) -> Option<Section> {
    let blocks = match builds {
        Builds::Impossible(reason) => vec![Block::Text(format!("Not measured: {reason}."))],
        Builds::Measured(costs) if costs.is_empty() => return None,
        Builds::Measured(costs) => {
            let rows = costs.iter().map(|cost| {
                // What is computed by code of the library has no kernel of its own.
                let count = |count: usize| cell(if count > 0 { count.to_string() } else { "–".to_owned() });
                vec![
                    cell(words::shape(&cost.shape)),
                    count(cost.kernels),
                    judged(format!("{} s", words::three(cost.seconds)), cost.seconds < 0.5),
                    cell(words::bytes(cost.code_bytes)),
                    count(cost.fmas),
                ]
            });
            vec![
                Block::Text(
                    "What one more annotation adds to a release build. It generates a kernel for every instruction set \
                     of the architecture; a dash is none, or not counted."
                        .to_owned(),
                ),
                table(&["annotated shape or filter", "kernels", "build time", "code", "FMAs unrolled"], rows.collect()),
            ]
        }
    };
    Some(Section { id: "builds", title: "What an annotation costs while compiling", blocks })
}
