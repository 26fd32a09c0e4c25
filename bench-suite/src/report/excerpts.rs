//! Tables and sentences of a report for another text, such as a README: the same figures, from the same records.

use super::block::{Block, Section, Table, cell, judged};
use super::{Findings, builds, choices, filters, first, markdown, nets, peers, targets, words};
use crate::Error;
use crate::peers::ratio::{Row, rows, summary};
use crate::problems::group;

type Excerpt = fn(&Findings) -> Result<Option<String>, Error>;

/// Every excerpt, by its name.
const EXCERPTS: [(&str, Excerpt); 7] = [
    ("figures", |findings| Ok(Some(first::sentences(findings)?))),
    ("targets", |findings| Ok(table_of(targets::section(&findings.machine, &findings.records)))),
    ("peers", |findings| Ok(beside(findings))),
    ("nets", |findings| Ok(table_of(nets::section(findings)?))),
    ("filters", |findings| Ok(filters::summaries(findings))),
    ("choices", |findings| Ok(table_of(choices::section(findings.choices.as_ref())?))),
    ("builds", |findings| Ok(table_of(builds::section(&findings.builds)))),
];

/// The names of all excerpts.
pub fn names() -> impl Iterator<Item = &'static str> {
    EXCERPTS.into_iter().map(|(name, _)| name)
}

/// An excerpt as Markdown, without an empty line around it; none where the report did not measure it, or for a name
/// that is not in [`names`].
///
/// # Errors
/// [`Error::Plot`], which is not known to happen.
pub fn excerpt(name: &str, findings: &Findings) -> Result<Option<String>, Error> {
    let Some((_, write)) = EXCERPTS.into_iter().find(|(own, _)| *own == name) else { return Ok(None) };
    Ok(write(findings)?.map(|text| text.trim().to_owned()))
}

/// The first table of a section.
fn table_of(section: Option<Section>) -> Option<String> {
    section?.blocks.iter().find_map(|block| match block {
        Block::Table(table) => Some(markdown::table(table)),
        _ => None,
    })
}

/// What stands beside other libraries: the sentence for each number of threads, and the layers of the first picture.
fn beside(findings: &Findings) -> Option<String> {
    let mut text = String::new();
    let mut threads: Vec<usize> = findings.records.iter().map(|record| record.threads).collect();
    threads.sort_unstable();
    threads.dedup();
    for threads in threads {
        if let Some(found) = summary(&rows(&findings.records, group::PEERS, threads)) {
            let on = if threads == 1 { "On one thread".to_owned() } else { format!("On {threads} threads") };
            text.push_str(&format!("{on}: {}\n\n", peers::said(&found)));
        }
    }
    let single = rows(&findings.records, group::PEERS, 1);
    let shown = single.iter().filter(|row| first::LAYERS.contains(&row.shape));
    let line = |row: &Row<'_>| {
        let (best, ratio) = (row.peers.first()?, row.ratio()?);
        let text = format!("{} {}", words::share(ratio), if ratio >= 1.0 { "✓" } else { "✗" });
        Some(vec![
            cell(words::shape(row.shape)),
            words::took(row.tapwise),
            cell(format!("{} {}", best.contender, words::took(best).text)),
            judged(text, ratio >= 1.0),
        ])
    };
    let lines: Vec<_> = shown.filter_map(line).collect();
    if lines.is_empty() {
        return None;
    }
    let head = ["layer", "tapwise", "best of the others", "ratio"].map(str::to_owned).to_vec();
    Some(text + &markdown::table(&Table { head, rows: lines }))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{findings, measured_choices, record};
    use super::*;
    use crate::records::Record;

    #[test]
    fn excerpts_are_those_of_the_report() {
        let mut found = findings();
        found.choices = Some(measured_choices());
        let shape = first::LAYERS[5];
        let own = record(shape, group::PEERS, "auto", "avx512", 1);
        let other = Record { contender: "PyTorch".to_owned(), median_s: 2.0 * own.median_s, ..own.clone() };
        found.records.extend([own, other]);
        let text = |name: &str| excerpt(name, &found).unwrap().unwrap();
        assert!(
            text("targets").starts_with("| set, picture and layer | wanted | specialized | direct |\n|---|")
        );
        assert!(
            text("choices").contains("| 1 thread | 2 | 22.5 % | 1.50 × | 1 of 2 |"),
            "{}",
            text("choices")
        );
        assert!(text("builds").ends_with("| 900 |"));
        let beside = text("peers");
        assert!(beside.starts_with("On one thread: Tapwise over the best of the others: 2.00 ×"), "{beside}");
        assert!(beside.ends_with("| 125 µs | PyTorch 250 µs | 2.00 ✓ |"), "{beside}");
        assert!(text("figures").contains("**as fast as the best other library: 2.00 ×.**"));
        // Filters and networks were not measured; and there is nothing of another name.
        for name in ["filters", "nets", "riddles"] {
            assert_eq!(excerpt(name, &found).unwrap(), None, "{name}");
        }
        assert_eq!(names().count(), EXCERPTS.len());
    }
}
