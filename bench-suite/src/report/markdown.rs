//! The report as Markdown, with its plots and pictures beside it.

use super::block::{Block, Document, Figure, FirstScreen, Gallery, Table};
use crate::photograph::Picture;

/// The whole page.
pub(super) fn page(document: &Document) -> String {
    let mut text = format!("# {}\n\n{}\n\n{}\n", document.title, document.subtitle, document.lead);
    text.push_str(&first(&document.first));
    for section in &document.sections {
        text.push_str(&format!("\n## {}\n", section.title));
        for block in &section.blocks {
            text.push('\n');
            match block {
                Block::Text(paragraph) => text.push_str(&format!("{paragraph}\n")),
                Block::Equations(lines) => text.push_str(&format!("```text\n{}\n```\n", lines.join("\n"))),
                Block::Terms(terms) => {
                    for (term, what) in terms {
                        text.push_str(&format!("- **{term}**: {what}\n"));
                    }
                }
                Block::Table(own) => text.push_str(&table(own)),
                Block::Pictures(Gallery { pictures, overview: Some(overview) }) => {
                    let captions: Vec<&str> =
                        pictures.iter().map(|picture| picture.caption.as_str()).collect();
                    text.push_str(&format!(
                        "![{}](pictures/{})\n\nIn reading order: {}.\n",
                        overview.caption,
                        overview.file,
                        captions.join("; ")
                    ));
                }
                Block::Pictures(Gallery { pictures, overview: None }) => {
                    for Picture { caption, file, .. } in pictures {
                        text.push_str(&format!("![{caption}](pictures/{file})\n\n{caption}.\n\n"));
                    }
                }
                Block::Plots(plots) => {
                    for (plot, caption) in plots {
                        text.push_str(&format!(
                            "![{}](plots/{}.svg)\n\n{caption} {}\n\n",
                            plot.alternative,
                            plot.name,
                            plot.evidence()
                        ));
                    }
                }
            }
        }
    }
    text
}

/// A table, its columns to the right but the first.
pub(super) fn table(table: &Table) -> String {
    let head: Vec<String> = table.head.iter().map(|cell| escape(cell)).collect();
    let mut text =
        format!("| {} |\n|---|{}\n", head.join(" | "), "--:|".repeat(head.len().saturating_sub(1)));
    for row in &table.rows {
        let row: Vec<String> = row.iter().map(|cell| escape(&cell.text)).collect();
        text.push_str(&format!("| {} |\n", row.join(" | ")));
    }
    text
}

/// A figure of the first screen.
pub(super) fn sentence(figure: &Figure) -> String {
    let Figure { value, unit, label, explanation, .. } = figure;
    let value = value.as_ref().map_or("–".to_owned(), |value| format!("{value} {unit}"));
    format!("**{label}: {}.** {explanation}\n", value.trim_end())
}

/// The first screen; nothing where it is empty.
fn first(first: &FirstScreen) -> String {
    let mut text: String = first.figures.iter().map(|figure| format!("\n{}", sentence(figure))).collect();
    if let Some(plot) = &first.plot {
        text.push_str(&format!(
            "\n![{}](plots/{}.svg)\n\n{}\n",
            plot.alternative,
            plot.name,
            plot.evidence()
        ));
    }
    if !first.facts.is_empty() {
        text.push('\n');
        first.facts.iter().for_each(|(label, fact)| text.push_str(&format!("- {label}: {fact}\n")));
    }
    text
}

/// A cell of a table.
fn escape(text: &str) -> String {
    text.replace('|', "\\|")
}
