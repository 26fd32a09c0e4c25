//! What is seen before anything is scrolled: large figures, one plot, and the facts.

use super::super::block::{Figure, FirstScreen, Tone};
use super::{escape, figures, prose};

/// The first screen; nothing where it is empty.
pub(super) fn screen(first: &FirstScreen) -> String {
    let mut text = String::new();
    if !first.figures.is_empty() {
        text.push_str("<ul class=\"large\">\n");
        first.figures.iter().for_each(|figure| text.push_str(&large(figure)));
        text.push_str("</ul>\n");
    }
    if first.plot.is_none() && first.facts.is_empty() {
        return text;
    }
    text.push_str("<div class=\"first\">\n");
    if let Some(plot) = &first.plot {
        text.push_str(&figures::plot(plot, &format!("{}.", plot.alternative)));
    }
    if !first.facts.is_empty() {
        text.push_str("<dl>\n");
        for (label, fact) in &first.facts {
            text.push_str(&format!("<div><dt>{}</dt><dd>{}</dd></div>\n", escape(label), prose(fact)));
        }
        text.push_str("</dl>\n");
    }
    text + "</div>\n"
}

fn large(figure: &Figure) -> String {
    let Figure { value, unit, label, explanation, tone } = figure;
    let class = match (value, tone) {
        (None, _) => " class=\"none\"",
        (_, Tone::Plain) => "",
        (_, Tone::Good) => " class=\"good\"",
        (_, Tone::Bad) => " class=\"bad\"",
    };
    let value = match value {
        Some(value) => format!("{} <small>{}</small>", escape(value), escape(unit)),
        None => "–".to_owned(),
    };
    format!(
        "<li{class}><p class=\"label\">{}</p><p class=\"value\">{value}</p><p>{}</p></li>\n",
        escape(label),
        prose(explanation)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_without_a_value_says_why() {
        let figure = |value: Option<&str>| Figure {
            value: value.map(str::to_owned),
            unit: "×",
            label: "beside the best library".to_owned(),
            explanation: "`--peers` was not given.".to_owned(),
            tone: Tone::Good,
        };
        let first = FirstScreen {
            facts: vec![("version", "0.1 <dev>".to_owned())],
            figures: vec![figure(Some("2.31")), figure(None)],
            plot: None,
        };
        let html = screen(&first);
        assert!(html.contains("<li class=\"good\"><p class=\"label\">beside the best library</p>"));
        assert!(html.contains("<p class=\"value\">2.31 <small>×</small></p>"));
        assert!(
            html.contains("<li class=\"none\">") && html.contains("<p class=\"value\">–</p><p><code>--peers")
        );
        assert!(html.contains("<dt>version</dt><dd>0.1 &lt;dev&gt;</dd>"));
        assert_eq!(screen(&FirstScreen::default()), "");
    }
}
