//! The report as one page that opens from disk, with its pictures beside it: light, dark and on paper. It
//! reads without its script, which sorts and folds tables and tells what stands behind points.

mod figures;
mod first;
mod tables;

use super::block::{Block, Document, Section};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The whole page.
pub(super) fn page(document: &Document) -> String {
    let title = escape(&document.title);
    let mut body = format!(
        "<a class=\"skip\" href=\"#content\">Skip to the content</a>\n<header>\n<h1>{title}</h1>\n\
         <p class=\"subtitle\">{}</p>\n<p class=\"lead\">{}</p>\n{}</header>\n{}<main id=\"content\">\n",
        escape(&document.subtitle),
        prose(&document.lead),
        first::screen(&document.first),
        contents(&document.sections),
    );
    for section in &document.sections {
        body.push_str(&part(section));
    }
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n{body}</main>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n"
    )
}

/// The sections, numbered as their headings are.
fn contents(sections: &[Section]) -> String {
    let mut list = "<nav aria-labelledby=\"contents\">\n<h2 id=\"contents\">Contents</h2>\n<ol>\n".to_owned();
    for Section { id, title, .. } in sections {
        list.push_str(&format!("<li><a href=\"#{id}\">{}</a></li>\n", escape(title)));
    }
    list + "</ol>\n</nav>\n"
}

fn part(section: &Section) -> String {
    let Section { id, title, .. } = section;
    let title = escape(title);
    let mut text = format!(
        "<section id=\"{id}\" aria-labelledby=\"h-{id}\">\n<h2 id=\"h-{id}\">{title}&nbsp;\
         <a class=\"anchor\" href=\"#{id}\" aria-label=\"Link to this section\">#</a></h2>\n"
    );
    let mut table_count = 0;
    for block in &section.blocks {
        match block {
            Block::Text(paragraph) => text.push_str(&format!("<p>{}</p>\n", prose(paragraph))),
            Block::Equations(lines) => text.push_str(&format!(
                "<pre tabindex=\"0\" role=\"region\" aria-label=\"Equations\">{}</pre>\n",
                escape(&lines.join("\n"))
            )),
            Block::Terms(terms) => {
                text.push_str("<dl class=\"terms\">\n");
                for (term, what) in terms {
                    text.push_str(&format!("<dt>{}</dt><dd>{}</dd>\n", escape(term), prose(what)));
                }
                text.push_str("</dl>\n");
            }
            Block::Table(table) => {
                table_count += 1;
                text.push_str(&tables::table(table, &format!("{title}, table {table_count}")));
            }
            Block::Pictures(gallery) => text.push_str(&figures::pictures(gallery)),
            Block::Plots(plots) => {
                let wide = if plots.iter().any(|(plot, _)| plot.wide) { " wider" } else { "" };
                text.push_str(&format!("<div class=\"plots{wide}\">\n"));
                plots.iter().for_each(|(plot, caption)| text.push_str(&figures::plot(plot, caption)));
                text.push_str("</div>\n");
            }
        }
    }
    text + "</section>\n"
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
    use plotters::style::RGBColor;

    use super::super::palette::{MARKS, contrast};
    use super::*;

    #[test]
    fn markup_is_taken_literally() {
        assert_eq!(prose("a < `b & c`"), "a &lt; <code>b &amp; c</code>");
    }

    /// A colour of the style sheet, on light and on dark paper.
    fn colours(name: &str) -> [RGBColor; 2] {
        let start = format!("--{name}: light-dark(#");
        let values = STYLE.split_once(&start).and_then(|(_, rest)| rest.split_once(')')).unwrap().0;
        let (light, dark) = values.split_once(", #").unwrap();
        [light, dark].map(|digits| {
            let value = u32::from_str_radix(digits, 16).unwrap();
            let [_, red, green, blue] = value.to_be_bytes();
            RGBColor(red, green, blue)
        })
    }

    #[test]
    fn texts_and_marks_are_seen_on_either_paper() {
        for paper in ["paper", "panel"].map(colours) {
            for name in ["ink", "soft", "link", "good", "bad"] {
                for (text, paper) in colours(name).into_iter().zip(paper) {
                    assert!(contrast(text, paper) >= 4.5, "{name}: {:.2}", contrast(text, paper));
                }
            }
            for mark in MARKS {
                let least = paper.map(|paper| contrast(mark, paper)).into_iter().fold(21.0, f64::min);
                assert!(least >= 3.0, "{mark:?}: {least:.2}");
            }
        }
    }
}
