//! The section on the photograph and its feature maps.

use super::document::{Block, Gallery, Section, cell, of, table};
use super::{Findings, words};
use crate::contenders;
use crate::photograph::Picture;
use crate::problems::group;

/// The section; none where the photograph was not measured.
pub(super) fn section(findings: &Findings) -> Option<Section> {
    let pictures = &findings.pictures;
    pictures.photograph.as_ref()?;
    let shown: Vec<Picture> = pictures.photograph.iter().chain(&pictures.maps).cloned().collect();
    let mut blocks = vec![Block::Text(format!(
        "One layer looks at the photograph through {} filters at once. Each picture is one channel of its answer: \
         orange where the filter agrees, blue where its negative does, black where neither does.",
        pictures.maps.len()
    ))];
    blocks.push(Block::Pictures(Gallery { pictures: shown, overview: pictures.overview.clone() }));
    let mut rows = Vec::new();
    for contender in &contenders::ALL {
        for record in of(&findings.records, group::PHOTOGRAPH, contender.strategy.name()) {
            rows.push(vec![
                cell(contender.label),
                words::took(record),
                cell(words::three(record.gflops)),
                cell(words::error(record.max_error)),
            ]);
        }
    }
    if !rows.is_empty() {
        let what: Vec<String> = contenders::ALL
            .iter()
            .map(|contender| format!("{} ({})", contender.label, contender.what))
            .collect();
        blocks.push(Block::Text(format!(
            "Every strategy computes the same layer: {}. The last column is the largest difference from double precision, \
             as a share of the root mean square of the answer.",
            what.join(", ")
        )));
        blocks.push(table(&["strategy", "time", "GFLOP/s", "largest difference"], rows));
    }
    Some(Section { id: "photograph", title: "A photograph and its feature maps", blocks })
}
