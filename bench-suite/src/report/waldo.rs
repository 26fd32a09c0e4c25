//! The section on finding Waldo.

use super::document::{Block, Cell, Gallery, Section, cell, judged, table};
use super::words;
use crate::waldo::gallery::{Findings, Lesson, Row, Score};

/// The section; none where nothing was searched.
pub(super) fn section(findings: &Findings) -> Option<Section> {
    if findings.rows.is_empty() {
        return None;
    }
    let ([width, height], [columns, rows]) = (findings.scene, findings.template);
    let scales: Vec<String> = findings.scales.iter().map(f64::to_string).collect();
    let mut blocks = vec![
        Block::Text(
            "A template is a filter. `tapwise waldo` scores every patch X of a scene with the template T:"
                .to_owned(),
        ),
        Block::equations(&["(15)  S[i,j] = Σ (T − T̄)(X − X̄) / (‖T − T̄‖ · ‖X − X̄‖)"]),
        Block::Text(format!(
            "The sum above is one convolution; the means of each channel and the norms over all three make light and \
             contrast drop out. The scales {} of a megapixel took {} with {columns} × {rows} pixels of template on {} \
             thread{}.",
            scales.join(", "),
            words::time(findings.megapixel),
            findings.threads,
            if findings.threads == 1 { "" } else { "s" },
        )),
        Block::Pictures(Gallery { pictures: findings.pictures.clone(), overview: None }),
        Block::Text(format!(
            "Scenes of {width} × {height} pixels are composed of two photographs: copies of the template that are dimmed, \
             noisy, covered or scaled, and decoys made of its own pieces, mirrored, turned and shuffled. From the \
             threshold on, a place is Waldo: it lies between what altered copies and decoys of the template score, and \
             above what chance reaches in the scene. A copy is found where a box overlaps it by more than half. The \
             table says how many of the copies, how many false places, and the best score / the threshold."
        )),
    ];
    let mut subjects: Vec<&str> = findings.rows.iter().map(|row| row.subject.as_str()).collect();
    subjects.dedup();
    for subject in subjects {
        let own: Vec<&Row> = findings.rows.iter().filter(|row| row.subject == subject).collect();
        let learns = own.iter().any(|row| row.learnt.is_some());
        let mut head = vec![subject, "the template", "best / threshold"];
        head.extend(learns.then_some(["the learnt filter", "best / threshold"]).into_iter().flatten());
        head.push("time");
        blocks.push(table(&head, own.into_iter().map(row).collect()));
    }
    blocks.push(Block::Text(
        "The learnt filter began as the template and was trained by the layer's own gradient (13), in one scene that is \
         not among these. What it changed, in scores of examples that it did not see; below a margin of 0, no threshold \
         parts the lowest copy from everything else."
            .to_owned(),
    ));
    blocks.push(table(
        &[
            "what is looked for, by what",
            "copies, mean",
            "lowest",
            "decoys, mean",
            "highest",
            "scene, highest",
            "margin",
        ],
        findings.lessons.iter().flat_map(lesson).collect(),
    ));
    Some(Section { id: "waldo", title: "Where is Waldo", blocks })
}

fn row(row: &Row) -> Vec<Cell> {
    let mut cells = vec![cell(row.case.clone())];
    for score in std::iter::once(&row.template).chain(&row.learnt) {
        cells.push(found(score));
        cells.push(cell(format!("{:.2} / {:.2}", score.best, score.threshold)));
    }
    cells.push(cell(words::time(row.template.seconds)));
    cells
}

fn found(score: &Score) -> Cell {
    let Score { found, missed, false_places, .. } = *score;
    let mut text =
        if found + missed == 0 { "no Waldo".to_owned() } else { format!("{found} of {}", found + missed) };
    match (found + missed, false_places) {
        (_, 0) => {}
        (0, _) => text = format!("{false_places} false"),
        _ => text.push_str(&format!(" + {false_places} false")),
    }
    let good = missed == 0 && false_places == 0;
    judged(format!("{text} {}", if good { "✓" } else { "✗" }), good)
}

fn lesson(lesson: &Lesson) -> [Vec<Cell>; 2] {
    [("the template", &lesson.before), ("learnt", &lesson.after)].map(|(filter, quality)| {
        let digits = [
            quality.copies,
            quality.lowest_copy,
            quality.decoys,
            quality.highest_decoy,
            quality.highest_piece,
            quality.margin(),
        ];
        let mut cells = vec![cell(format!("{}: {filter}", lesson.subject))];
        cells.extend(
            digits.map(|score| cell(format!("{score:.2}").replace("-0.00", "0.00").replace('-', "−"))),
        );
        cells
    })
}
