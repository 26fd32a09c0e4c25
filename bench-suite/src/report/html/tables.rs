//! Tables, in boxes of their own that scroll where a page is narrow.

use super::super::block::{Cell, Table, Tone};
use super::{escape, prose};

/// Tables of more rows than this show [`SHOWN`] of them, and the rest when asked.
const LONG: usize = 25;
const SHOWN: usize = 15;

/// Letters from which on a text may take several lines.
const SENTENCE: usize = 40;

/// A table with a name for those who cannot see where it stands.
pub(super) fn table(table: &Table, name: &str) -> String {
    let fold = if table.rows.len() > LONG { format!(" data-fold=\"{SHOWN}\"") } else { String::new() };
    let mut text = format!(
        "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"{}\"><table{fold}>\n<thead><tr>",
        escape(name)
    );
    let kinds: Vec<&str> = (0..table.head.len()).map(|column| kind(table, column)).collect();
    for (head, kind) in table.head.iter().zip(&kinds) {
        text.push_str(&format!("<th scope=\"col\"{}>{}</th>", class(&[kind]), prose(head)));
    }
    text.push_str("</tr></thead>\n<tbody>\n");
    for row in &table.rows {
        text.push_str("<tr>");
        for (index, cell) in row.iter().enumerate() {
            text.push_str(&written(cell, index == 0, kinds.get(index).copied().unwrap_or_default()));
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody>\n</table></div>\n");
    text
}

/// The class of a column: of numbers, of words, or of sentences. The first names the rows.
fn kind(table: &Table, column: usize) -> &'static str {
    let texts = || table.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.text.as_str());
    let told = texts().filter(|text| *text != "–").count();
    // A layer begins with a digit too, and is no number.
    let number = |text: &&str| {
        text.starts_with(|sign: char| sign.is_ascii_digit() || sign == '−') && !text.contains('→')
    };
    let numbers = texts().filter(number);
    if column == 0 || told == 0 || 2 * numbers.count() >= told {
        ""
    } else if texts().any(|text| text.chars().count() > SENTENCE) {
        "t s"
    } else {
        "t"
    }
}

fn class(names: &[&str]) -> String {
    let names: Vec<&str> = names.iter().copied().filter(|name| !name.is_empty()).collect();
    if names.is_empty() { String::new() } else { format!(" class=\"{}\"", names.join(" ")) }
}

fn written(cell: &Cell, first: bool, kind: &str) -> String {
    let tone = match cell.tone {
        Tone::Plain => "",
        Tone::Good => "good",
        Tone::Bad => "bad",
    };
    let class = class(&[tone, kind]);
    // A number that its text tells exactly needs no key.
    let key = match cell.key.filter(|key| key.to_string() != cell.text) {
        Some(key) if key.is_finite() => format!(" data-key=\"{}\"", short(key)),
        _ => String::new(),
    };
    let (tag, end) = if first { ("th scope=\"row\"", "th") } else { ("td", "td") };
    format!("<{tag}{class}{key}>{}</{end}>", prose(&cell.text))
}

/// Five digits, which are enough to sort by.
fn short(key: f64) -> String {
    let rounded: f64 = format!("{key:.4e}").parse().unwrap_or(key);
    let (plain, scientific) = (rounded.to_string(), format!("{rounded:e}"));
    if plain.len() <= scientific.len() { plain } else { scientific }
}

#[cfg(test)]
mod tests {
    use super::super::super::block::{cell, judged, number};
    use super::*;

    fn of(rows: Vec<Vec<Cell>>) -> String {
        table(&Table { head: vec!["time".to_owned()], rows }, "Times & \"more\"")
    }

    #[test]
    fn cells_say_what_they_are_and_what_they_are_sorted_by() {
        let html = of(vec![vec![
            cell("a < b"),
            number("1.25 µs", 1.25e-6),
            number("7", 7.0),
            number("–", f64::NAN),
            Cell { key: Some(1.0 / 3.0), ..judged("0.94 ✓".to_owned(), true) },
        ]]);
        assert!(html.contains(
            "<tr><th scope=\"row\">a &lt; b</th><td data-key=\"1.25e-6\">1.25 µs</td><td>7</td><td>–</td>\
             <td class=\"good\" data-key=\"0.33333\">0.94 ✓</td></tr>"
        ));
        assert!(
            html.contains("aria-label=\"Times &amp; &quot;more&quot;\"") && html.contains("tabindex=\"0\"")
        );
    }

    #[test]
    fn words_and_numbers_stand_differently() {
        let rows = [["a", "0.9 ✓", "PyTorch", "refused, since its largest error was above what is wanted"]];
        let rows = rows.map(|row| row.map(cell).to_vec()).to_vec();
        let html = table(&Table { head: ["a", "b", "c", "d"].map(str::to_owned).to_vec(), rows }, "");
        assert!(html.contains("<th scope=\"row\">a</th><td>0.9 ✓</td><td class=\"t\">PyTorch</td>"));
        assert!(
            html.contains("<th scope=\"col\" class=\"t s\">d</th>")
                && html.contains("<td class=\"t s\">refused")
        );
    }

    #[test]
    fn long_tables_fold() {
        let rows = |count| (0..count).map(|row: usize| vec![cell(row.to_string())]).collect();
        assert!(!of(rows(LONG)).contains("data-fold"));
        assert!(of(rows(LONG + 1)).contains("<table data-fold=\"15\">"));
    }
}
