//! Plots with what they rest on and their numbers, and pictures.

use super::super::block::Gallery;
use super::super::drawn::Drawn;
use super::{escape, prose, tables};
use crate::photograph::Picture;

/// A plot, its caption, what it rests on, and its numbers as a table.
pub(super) fn plot(plot: &Drawn, caption: &str) -> String {
    format!(
        "<figure>{}\n<figcaption>{}</figcaption>\n<p class=\"evidence\">{}</p>\n\
         <details><summary>as a table: {}</summary>\n{}</details></figure>\n",
        plot.inline(),
        prose(caption),
        prose(&plot.evidence()),
        escape(&plot.shown),
        tables::table(&plot.table, &format!("{}, as a table", plot.alternative))
    )
}

pub(super) fn pictures(gallery: &Gallery) -> String {
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
