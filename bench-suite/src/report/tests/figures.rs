//! What every figure of a page has beside it.

use super::*;

/// What stands between each `start` and the next `end`.
fn between<'t>(text: &'t str, start: &str, end: &'t str) -> Vec<&'t str> {
    text.split(start).skip(1).map(|rest| rest.split(end).next().unwrap_or_default()).collect()
}

#[test]
fn every_figure_has_words_numbers_and_what_it_rests_on() {
    let html = text(&files(&beside()).unwrap(), "index.html");
    let charts = between(&html, "<figure><svg ", "</figure>");
    assert!(charts.len() > 20, "{}", charts.len());
    for chart in charts {
        let label = between(chart, "aria-label=\"", "\"")[0];
        assert!(!label.is_empty() && chart.starts_with("viewBox"));
        let evidence = between(chart, "<p class=\"evidence\">", "</p>");
        assert_eq!(evidence.len(), 1, "{label}");
        let measured = evidence[0].contains("Again by <code>tapwise report --only ");
        assert!(measured != evidence[0].contains("Computed, not measured"), "{label}: {}", evidence[0]);
        assert_eq!(between(chart, "<details><summary>as a table", "</details>").len(), 1, "{label}");
        assert!(between(chart, "<tbody>", "</tbody>")[0].contains("<td"), "{label}");
    }
    for head in between(&html, "<thead>", "</thead>") {
        assert_eq!(head.matches("<th ").count(), head.matches("<th scope=\"col\"").count(), "{head}");
        assert!(!head.contains("<th>"));
    }
    for picture in between(&html, "<img ", ">") {
        assert!(!between(picture, "alt=\"", "\"")[0].is_empty(), "{picture}");
    }
}

#[test]
fn points_tell_the_record_behind_them() {
    let html = text(&files(&beside()).unwrap(), "index.html");
    for told in [
        "specialized · a_kernel\n56\u{a0}×\u{a0}56, 32\u{a0}→\u{a0}32 channels, 3\u{a0}×\u{a0}3\n\
         95.0 GFLOP/s, 0.95 of the peak, 125 µs\n15 samples, 1.5\u{a0}% between quartiles</title>",
        "<title>PyTorch · NHWC · a_kernel\n",
    ] {
        assert!(html.contains(told), "{told}");
    }
    assert_eq!(html.matches("<title>").count() - 1, html.matches("</title></circle>").count());
}
