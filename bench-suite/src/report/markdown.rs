//! The report as Markdown, with its plots and pictures beside it.

use super::document::{Block, Document, Gallery};
use crate::photograph::Picture;

/// The whole page.
pub(super) fn page(document: &Document) -> String {
    let mut text = format!("# {}\n\n{}\n\n{}\n", document.title, document.subtitle, document.lead);
    for section in &document.sections {
        text.push_str(&format!("\n## {}\n", section.title));
        for block in &section.blocks {
            text.push('\n');
            match block {
                Block::Text(paragraph) => text.push_str(&format!("{paragraph}\n")),
                Block::Equations(lines) => text.push_str(&format!("```text\n{}\n```\n", lines.join("\n"))),
                Block::Table(table) => {
                    let head: Vec<String> = table.head.iter().map(|cell| escape(cell)).collect();
                    text.push_str(&format!(
                        "| {} |\n|---|{}\n",
                        head.join(" | "),
                        "--:|".repeat(head.len().saturating_sub(1))
                    ));
                    for row in &table.rows {
                        let row: Vec<String> = row.iter().map(|cell| escape(&cell.text)).collect();
                        text.push_str(&format!("| {} |\n", row.join(" | ")));
                    }
                }
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
                            "![{}](plots/{}.svg)\n\n{caption}\n\n",
                            plot.alternative, plot.name
                        ));
                    }
                }
            }
        }
    }
    text
}

/// A cell of a table.
fn escape(text: &str) -> String {
    text.replace('|', "\\|")
}
