//! The report as one page that opens from disk, with its pictures beside it: no script, light and dark.

use super::document::{Block, Document, Gallery, Table, Tone};
use crate::photograph::Picture;

const STYLE: &str = include_str!("page.css");

/// The whole page.
pub(super) fn page(document: &Document) -> String {
    let mut body = String::new();
    let title = escape(&document.title);
    body.push_str(&format!(
        "<header>\n<h1>{title}</h1>\n<p class=\"subtitle\">{}</p>\n",
        escape(&document.subtitle)
    ));
    body.push_str(&format!("<p class=\"lead\">{}</p>\n<nav>", prose(&document.lead)));
    for section in &document.sections {
        body.push_str(&format!("<a href=\"#{}\">{}</a> ", section.id, escape(section.title)));
    }
    body.push_str("</nav>\n</header>\n");
    for section in &document.sections {
        body.push_str(&format!("<section id=\"{}\">\n<h2>{}</h2>\n", section.id, escape(section.title)));
        for block in &section.blocks {
            match block {
                Block::Text(text) => body.push_str(&format!("<p>{}</p>\n", prose(text))),
                Block::Equations(lines) => {
                    body.push_str(&format!("<pre>{}</pre>\n", escape(&lines.join("\n"))));
                }
                Block::Table(table) => body.push_str(&rows(table)),
                Block::Pictures(gallery) => body.push_str(&figures(gallery)),
                Block::Plots(plots) => {
                    body.push_str("<div class=\"plots\">\n");
                    for (plot, caption) in plots {
                        let caption = prose(caption);
                        body.push_str(&format!(
                            "<figure>{}<figcaption>{caption}</figcaption></figure>\n",
                            plot.inline()
                        ));
                    }
                    body.push_str("</div>\n");
                }
            }
        }
        body.push_str("</section>\n");
    }
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )
}

fn rows(table: &Table) -> String {
    let mut text = "<div class=\"wide\"><table>\n<thead><tr>".to_owned();
    for head in &table.head {
        text.push_str(&format!("<th scope=\"col\">{}</th>", prose(head)));
    }
    text.push_str("</tr></thead>\n<tbody>\n");
    for row in &table.rows {
        text.push_str("<tr>");
        for (index, cell) in row.iter().enumerate() {
            let class = match cell.tone {
                Tone::Plain => "",
                Tone::Good => " class=\"good\"",
                Tone::Bad => " class=\"bad\"",
            };
            let tag = if index == 0 { "th scope=\"row\"" } else { "td" };
            let end = if index == 0 { "th" } else { "td" };
            text.push_str(&format!("<{tag}{class}>{}</{end}>", prose(&cell.text)));
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody>\n</table></div>\n");
    text
}

fn figures(gallery: &Gallery) -> String {
    let mut text = "<div class=\"gallery\">\n".to_owned();
    for Picture { caption, size: [width, height], file, .. } in &gallery.pictures {
        let caption = escape(caption);
        text.push_str(&format!(
            "<figure><img width=\"{width}\" height=\"{height}\" alt=\"{caption}\" src=\"pictures/{file}\">\
             <figcaption>{caption}</figcaption></figure>\n"
        ));
    }
    text.push_str("</div>\n");
    text
}

/// Text with the characters of markup taken literally.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Escaped text, with code where backticks say so.
fn prose(text: &str) -> String {
    let mut html = String::new();
    for (index, piece) in text.split('`').enumerate() {
        if index % 2 == 1 {
            html.push_str(&format!("<code>{}</code>", escape(piece)));
        } else {
            html.push_str(&escape(piece));
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_taken_literally() {
        assert_eq!(prose("a < `b & c`"), "a &lt; <code>b &amp; c</code>");
    }
}
