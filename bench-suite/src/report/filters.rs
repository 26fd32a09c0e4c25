//! The section on filters whose weights are known while compiling: a gallery, a chart and the tables.

use super::document::{Block, Cell, Gallery, Section, cell, judged, table};
use super::dots::{Contender, Dot, Dots, Scale};
use super::evidence::Evidence;
use super::peers::{all, look};
use super::plot::{Drawn, Marker, colour};
use super::{Findings, words};
use crate::Error;
use crate::filters::contest::{COPY, descriptor};
use crate::filters::gallery::Folded;
use crate::filters::list::{ALL, Row};
use crate::filters::picture::{KINDS, Kind, Numbers};
use crate::peers::ratio::{self, summary};
use crate::photograph::Picture;
use crate::problems::group;
use crate::records::Record;

/// The names of the charts' files, one for each of [`KINDS`].
const CHARTS: [&str; 4] = ["filters-grey-f32", "filters-grey-u8", "filters-colour-f32", "filters-colour-u8"];

/// A filter on a kind of pictures, as it was measured on so many threads.
struct Measured<'a> {
    row: &'static Row,
    copy: &'a Record,
    beside: ratio::Row<'a>,
}

impl Measured<'_> {
    /// What a contender takes, in copies of the picture.
    fn copies(&self, seconds: f64) -> f64 {
        seconds / self.copy.median_s
    }
}

/// The filters that were measured on a kind of pictures.
fn measured(records: &[Record], kind: Kind, threads: usize) -> Vec<Measured<'_>> {
    let mut rows = Vec::new();
    for mut beside in ratio::rows(records, group::FILTERS, threads) {
        let Some(row) = ALL.iter().find(|row| descriptor(row, kind) == beside.shape) else { continue };
        let Some(at) = beside.peers.iter().position(|record| record.contender == COPY) else { continue };
        let copy = beside.peers.remove(at);
        rows.push(Measured { row, copy, beside });
    }
    rows
}

fn said(kind: Kind) -> &'static str {
    match (kind.channels, kind.numbers) {
        (1, Numbers::F32) => "grey pictures of `f32`",
        (1, Numbers::U8) => "grey pictures of `u8`",
        (_, Numbers::F32) => "colour pictures of `f32`, channels last",
        (_, Numbers::U8) => "colour pictures of `u8`, channels last",
    }
}

/// The section; none where nothing was measured.
pub(super) fn section(findings: &Findings) -> Result<Option<Section>, Error> {
    let records = &findings.records;
    if !records.iter().any(|record| record.group == group::FILTERS) {
        return Ok(None);
    }
    let mut blocks = vec![Block::Text(
        "`#[tapwise::filter2d]` on a constant folds its weights while compiling. What comes out, on a part of the \
         photograph: orange above zero, blue below; of a gradient the length as brightness and the direction as hue. \
         Below each: what it takes on a grey picture of 1080 × 1920 `f32` on one thread, and what was folded."
            .to_owned(),
    )];
    let grey = measured(records, KINDS[0], 1);
    let pictures: Vec<Picture> = findings
        .filters
        .exhibits
        .iter()
        .map(|exhibit| {
            let folded = findings.filters.folded(&exhibit.filter);
            let caption = Row::named(&exhibit.filter).map(|row| caption(row, folded, &grey));
            Picture { caption: caption.unwrap_or_default(), ..exhibit.picture.clone() }
        })
        .collect();
    if !pictures.is_empty() {
        blocks.push(Block::Pictures(Gallery { pictures, overview: findings.filters.overview.clone() }));
    }
    blocks.push(Block::Text(format!(
        "A plain copy of the picture is measured in the same rounds, and times are compared with it. {} Beyond its edges \
         a picture repeats its last pixels, for everybody. Every answer is compared with double precision before it is \
         timed; one of `u8` may be a level off where weights are no sums of powers of two, and directions of other \
         libraries' gradients the 0.3 degrees that OpenCV promises.",
        others(findings)
    )));
    let plots = KINDS.iter().zip(CHARTS).map(|(kind, name)| chart(name, *kind, &measured(records, *kind, 1)));
    let plots = plots.collect::<Result<Vec<_>, _>>()?;
    blocks.push(Block::Plots(plots.into_iter().flatten().collect()));
    for kind in KINDS {
        blocks.extend(tables(findings, kind));
    }
    blocks.extend(refused(findings));
    Ok(Some(Section { id: "filters", title: "Filters known while compiling", blocks }))
}

/// What other libraries failed at: a row for each way of each library, with the first of its reasons.
fn refused(findings: &Findings) -> Vec<Block> {
    struct Refused<'a> {
        library: &'a str,
        way: &'a str,
        reason: &'a str,
        filters: Vec<String>,
    }
    let mut all: Vec<Refused<'_>> = Vec::new();
    for failed in findings.peers.iter().flat_map(|peers| &peers.failed) {
        let Some((row, kind)) = named(&failed.shape) else { continue };
        let (way, reason) = failed.reason.split_once(": ").unwrap_or(("", &failed.reason));
        let colour = if kind.channels == 1 { "grey" } else { "colour" };
        let filter = format!("{}, {colour} {}", row.label, kind.numbers.name());
        match all.iter_mut().find(|other| other.library == failed.strategy && other.way == way) {
            Some(other) if other.filters.contains(&filter) => {}
            Some(other) => other.filters.push(filter),
            None => all.push(Refused { library: &failed.strategy, way, reason, filters: vec![filter] }),
        }
    }
    if all.is_empty() {
        return Vec::new();
    }
    let mut blocks = vec![Block::Text("Refused before they were timed, or failed:".to_owned())];
    for Refused { library, way, reason, filters } in all {
        let way = if way.is_empty() { String::new() } else { format!(", `{way}`") };
        blocks.push(Block::Text(format!("{library}{way}: {reason} ({}).", filters.join("; "))));
    }
    blocks
}

/// The filter and the kind of pictures that a record is of.
fn named(shape: &str) -> Option<(&'static Row, Kind)> {
    let (name, _) = shape.split_once(' ')?;
    let row = Row::named(name)?;
    KINDS.into_iter().find(|kind| descriptor(row, *kind) == shape).map(|kind| (row, kind))
}

/// Who else was measured.
fn others(findings: &Findings) -> String {
    let own = findings.records.iter().filter(|record| record.group == group::FILTERS);
    let mut names: Vec<&str> = own
        .map(|record| record.contender.as_str())
        .filter(|name| *name != COPY && *name != "tapwise")
        .collect();
    names.sort_unstable();
    names.dedup();
    let version = |name: &str| {
        let mut present = findings.peers.iter().flat_map(|peers| &peers.present);
        present
            .find(|peer| peer.name == name)
            .map_or(name.to_owned(), |peer| format!("{name} {}", peer.version))
    };
    let names: Vec<String> = names.into_iter().map(version).collect();
    match names.is_empty() {
        true => "Other libraries were not asked; `--peers` asks them.".to_owned(),
        false => format!(
            "Beside it run {}, each by the function that it has for the filter, as two passes where the filter is a \
             product, and by the whole sum; the fastest counts.",
            names.join(", ")
        ),
    }
}

/// What stands below a picture.
fn caption(row: &Row, folded: Option<&Folded>, grey: &[Measured<'_>]) -> String {
    let mut parts = vec![row.label.to_owned()];
    if let Some(found) = grey.iter().find(|found| found.row.name == row.name) {
        let seconds = found.beside.tapwise.median_s;
        let mut time = format!("{}, {} copies", words::time(seconds), words::three(found.copies(seconds)));
        if let (Some(best), Some(ratio)) = (found.beside.peers.first(), found.beside.ratio()) {
            time.push_str(&format!(", {} × as fast as {}", words::share(ratio), best.contender));
        }
        parts.push(time);
    }
    parts.extend(folded.map(|folded| folded.findings.join("; ")));
    parts.retain(|part| !part.is_empty());
    parts.join(". ")
}

/// Time over that of a copy; none where nothing was measured.
fn chart(name: &'static str, kind: Kind, rows: &[Measured<'_>]) -> Result<Option<(Drawn, String)>, Error> {
    if rows.is_empty() {
        return Ok(None);
    }
    let besides: Vec<ratio::Row<'_>> = rows.iter().map(|row| row.beside.clone()).collect();
    let contenders = super::peers::names(&besides).into_iter().map(|name| {
        let (colour, marker) = match name {
            "imageproc" => (colour::GREY, Marker::Triangle),
            "libblur" => (colour::GREEN, Marker::Triangle),
            _ => look(name),
        };
        let value = |(index, row): (usize, &Measured<'_>)| {
            let record = all(&row.beside).find(|record| record.contender == name)?;
            Some(Dot::of(index, row.copies(record.median_s), record))
        };
        Contender {
            label: name.to_owned(),
            colour,
            marker,
            values: rows.iter().enumerate().filter_map(value).collect(),
        }
    });
    let chart = Dots {
        name,
        alternative: format!("Time of every filter over that of a copy, {}", said(kind).replace('`', "")),
        title: "time over that of a copy".to_owned(),
        scale: Scale::Logarithmic,
        rows: rows.iter().map(|row| row.row.label.to_owned()).collect(),
        contenders: contenders.collect(),
        evidence: Evidence::of(&besides.iter().flat_map(all).collect::<Vec<_>>(), "filters"),
    };
    Ok(Some((chart.draw()?, format!("On {}, one thread; further left is faster.", said(kind)))))
}

fn tables(findings: &Findings, kind: Kind) -> Vec<Block> {
    let records = &findings.records;
    let single = measured(records, kind, 1);
    if single.is_empty() {
        return Vec::new();
    }
    let threads = records
        .iter()
        .filter(|record| record.group == group::FILTERS)
        .map(|record| record.threads)
        .max()
        .unwrap_or(1);
    let many = if threads > 1 { measured(records, kind, threads) } else { Vec::new() };
    let peers = single.iter().any(|row| !row.beside.peers.is_empty());
    let mut head =
        vec!["filter".to_owned(), "computed by".to_owned(), "time".to_owned(), "copies".to_owned()];
    if !many.is_empty() {
        head.push(format!("{threads} threads"));
    }
    if peers {
        head.extend(["best of the others", "time", "ratio"].map(str::to_owned));
        if !many.is_empty() {
            head.push(format!("ratio, {threads} threads"));
        }
    }
    let lines = single.iter().map(|row| {
        let seconds = row.beside.tapwise.median_s;
        let copies = row.copies(seconds);
        let way = findings.filters.folded(row.row.name).map_or("–".to_owned(), way);
        let mut cells = vec![
            cell(row.row.label),
            cell(way),
            words::took(row.beside.tapwise),
            match row.row.wanted.filter(|_| kind == KINDS[0]) {
                Some(wanted) if copies <= wanted => judged(format!("{} ✓", words::three(copies)), true),
                Some(wanted) => judged(format!("{} ✗ (wanted {wanted})", words::three(copies)), false),
                None => cell(words::three(copies)),
            },
        ];
        let other = many.iter().find(|other| other.row.name == row.row.name);
        if !many.is_empty() {
            cells.push(other.map_or(cell("–"), |other| words::took(other.beside.tapwise)));
        }
        if peers {
            match row.beside.peers.first() {
                Some(best) => {
                    cells.push(cell(format!("{} ({})", best.contender, best.strategy)));
                    cells.push(words::took(best));
                }
                None => cells.extend(["–", "–"].map(cell)),
            }
            cells.push(against(row.beside.ratio()));
            if !many.is_empty() {
                cells.push(against(other.and_then(|other| other.beside.ratio())));
            }
        }
        cells
    });
    let rows: Vec<Vec<Cell>> = lines.collect();
    let mut text = format!(
        "On {}. A copy takes {}.",
        said(kind),
        words::time(single.iter().map(|row| row.copy.median_s).sum::<f64>() / single.len() as f64)
    );
    if kind == KINDS[0] {
        text.push_str(" ✓ is within the copies that are wanted, ✗ beyond.");
    }
    if let Some(found) = over_the_best(single) {
        text.push_str(&format!(" {found}"));
    }
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    vec![Block::Text(text), table(&head, rows)]
}

/// The sentence on other libraries; none where none was measured.
fn over_the_best(measured: Vec<Measured<'_>>) -> Option<String> {
    let besides: Vec<ratio::Row<'_>> = measured.into_iter().map(|row| row.beside).collect();
    let found = summary(&besides)?;
    Some(format!(
        "Over the best of the others: {} × in the geometric mean of {} filters, at least as fast in {}; the worst is {} × \
         on {}.",
        words::three(found.mean),
        found.rows,
        found.won,
        words::share(found.worst.1),
        named(&found.worst.0).map_or(found.worst.0.as_str(), |(row, _)| row.label)
    ))
}

/// How filters stand beside other libraries on each kind of pictures, a line of a list each, on one thread; none where
/// no other library was measured.
pub(super) fn summaries(findings: &Findings) -> Option<String> {
    let line = |kind: Kind| {
        let found = over_the_best(measured(&findings.records, kind, 1))?;
        Some(format!("- On {}. {found}\n", said(kind)))
    };
    let lines: String = KINDS.into_iter().filter_map(line).collect();
    (!lines.is_empty()).then_some(lines)
}

fn against(ratio: Option<f64>) -> Cell {
    match ratio {
        Some(ratio) => {
            let good = ratio >= 1.0;
            judged(format!("{} {}", words::share(ratio), if good { "✓" } else { "✗" }), good)
        }
        None => cell("–"),
    }
}

/// How a filter is computed, in a few words.
fn way(folded: &Folded) -> String {
    match (folded.form.as_str(), folded.terms) {
        ("sums", 1) => "sums of 1 term".to_owned(),
        ("sums", terms) => format!("sums of {terms} terms"),
        ("window", _) => "running sums".to_owned(),
        _ => "a layer".to_owned(),
    }
}
