//! The section on other libraries: a dot plot for each family of layers, and the ratios.

use plotters::style::RGBColor;

use super::document::{Block, Cell, Section, cell, judged, table};
use super::dots::{Contender, Dot, Dots, Scale};
use super::evidence::Evidence;
use super::plot::{Drawn, Marker, colour};
use super::{Findings, words};
use crate::Error;
use crate::peers::ratio::{Row, Summary, rows, summary};
use crate::problems::{self, group};
use crate::records::Record;

/// The names of the charts' files, one for each family and one for what the user asked for.
const CHARTS: [&str; 5] = ["peers-filters", "peers-first", "peers-middle", "peers-other", "peers-asked"];

/// The colour and marker of a contender, the same in every chart.
pub(super) fn look(name: &str) -> (RGBColor, Marker) {
    match name {
        "tapwise" => (colour::VERMILLION, Marker::Circle),
        "PyTorch" => (colour::BLUE, Marker::Square),
        "ONNX Runtime" => (colour::GREEN, Marker::Triangle),
        "OpenVINO" => (colour::PURPLE, Marker::Diamond),
        "ncnn" => (colour::ORANGE, Marker::Square),
        "MNN" => (colour::BLUE, Marker::Triangle),
        "LiteRT" => (colour::GREEN, Marker::Square),
        "OpenCV" => (colour::PURPLE, Marker::Circle),
        "Halide" => (colour::ORANGE, Marker::Diamond),
        "SciPy" => (colour::BLUE, Marker::Diamond),
        "candle" => (colour::GREY, Marker::Circle),
        "tract" => (colour::GREY, Marker::Square),
        "burn" => (colour::GREY, Marker::Triangle),
        _ => (colour::GREY, Marker::Diamond),
    }
}

/// The names of everybody in these rows, tapwise last so that it lies on top.
pub(super) fn names<'a>(rows: &[Row<'a>]) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for record in rows.iter().flat_map(|row| &row.peers) {
        if !names.contains(&record.contender.as_str()) {
            names.push(&record.contender);
        }
    }
    names.sort_unstable_by_key(|name| name.to_lowercase());
    names.reverse();
    names.push("tapwise");
    names
}

/// The section; none where nobody was measured.
pub(super) fn section(findings: &Findings) -> Result<Option<Section>, Error> {
    let Some(found) = &findings.peers else { return Ok(None) };
    let single = rows(&findings.records, group::PEERS, 1);
    if single.is_empty() {
        return Ok(None);
    }
    let present: Vec<String> =
        found.present.iter().map(|peer| format!("{} {}", peer.name, peer.version)).collect();
    let mut blocks = vec![Block::Text(format!(
        "The same pictures and filters through tapwise and through {}, in the same rounds on the same core: ordinary \
         arrays in and out, weights packed before, memory kept. Of a library that runs in several ways the fastest \
         counts. Shares are of the direct sum's operations, so that algorithms with fewer of them can pass 1. Tapwise \
         runs what its planner chooses.",
        if present.is_empty() { "no other library".to_owned() } else { present.join(", ") }
    ))];
    blocks.push(Block::Plots(charts(&single)?));
    blocks.extend(ratios(&single));
    blocks.push(ratio_table(&single));
    let several: Vec<usize> = findings
        .records
        .iter()
        .filter(|r| r.group == group::PEERS && r.threads > 1)
        .map(|r| r.threads)
        .collect();
    if let Some(&threads) = several.first() {
        let many = rows(&findings.records, group::PEERS, threads);
        blocks
            .push(Block::Text(format!("The same on {threads} threads, shares of {threads} times the peak.")));
        blocks.extend(ratios(&many));
        blocks.push(ratio_table(&many));
    }
    blocks.extend(calls(&findings.records));
    let missing: Vec<String> = found
        .absent
        .iter()
        .filter(|absent| absent.shape.is_empty())
        .map(|absent| format!("{} ({})", absent.strategy, absent.reason))
        .collect();
    if !missing.is_empty() {
        blocks.push(Block::Text(format!("Not here: {}.", missing.join("; "))));
    }
    if !found.failed.is_empty() {
        let failed = found.failed.iter().filter(|failed| single.iter().any(|row| row.shape == failed.shape));
        let failed: Vec<Vec<Cell>> = failed
            .map(|failed| {
                vec![
                    cell(words::shape(&failed.shape)),
                    cell(failed.strategy.clone()),
                    cell(failed.reason.clone()),
                ]
            })
            .collect();
        if !failed.is_empty() {
            blocks.push(Block::Text("Refused before they were timed, or failed:".to_owned()));
            blocks.push(table(&["layer", "library", "why"], failed));
        }
    }
    Ok(Some(Section { id: "peers", title: "Beside other libraries", blocks }))
}

fn charts(rows: &[Row<'_>]) -> Result<Vec<(Drawn, String)>, Error> {
    let families = problems::beside()?;
    let family_of = |shape: &str| {
        families
            .iter()
            .find(|(_, own)| own.to_string() == shape)
            .map_or("The shapes asked for", |(family, _)| family)
    };
    let mut titles: Vec<&str> = Vec::new();
    for row in rows {
        if !titles.contains(&family_of(row.shape)) {
            titles.push(family_of(row.shape));
        }
    }
    let mut charts = Vec::new();
    for title in titles {
        let own: Vec<Row<'_>> = rows.iter().filter(|row| family_of(row.shape) == title).cloned().collect();
        let place = problems::BESIDE.iter().position(|(family, _)| *family == title).unwrap_or(4);
        let contenders = names(&own).into_iter().map(|name| {
            let (colour, marker) = look(name);
            let value = |(index, row): (usize, &Row<'_>)| {
                let record = all(row).find(|record| record.contender == name)?;
                Some(Dot::of(index, record.fraction_of_peak, record))
            };
            Contender {
                label: name.to_owned(),
                colour,
                marker,
                values: own.iter().enumerate().filter_map(value).collect(),
            }
        });
        let chart = Dots {
            name: CHARTS[place],
            alternative: format!("{title}: the share of the peak that tapwise and other libraries reach"),
            title: "share of the FMA peak".to_owned(),
            scale: Scale::Linear,
            rows: own.iter().map(|row| words::short_shape(row.shape)).collect(),
            contenders: contenders.collect(),
            evidence: Evidence::of(&own.iter().flat_map(all).collect::<Vec<_>>(), "peers"),
        };
        charts.push((chart.draw()?, format!("{title}, one thread.")));
    }
    Ok(charts)
}

/// Everybody's record of a row.
pub(super) fn all<'a>(row: &Row<'a>) -> impl Iterator<Item = &'a Record> {
    row.peers.clone().into_iter().chain([row.tapwise])
}

/// What the rows come to, in one sentence.
pub(super) fn said(summary: &Summary) -> String {
    let Summary { rows, won, mean, worst: (shape, ratio) } = summary;
    format!(
        "Tapwise over the best of the others: {} × in the geometric mean of {rows} layer{}, at least as fast in {won}; \
         the worst is {} × on {}.",
        words::three(*mean),
        if *rows == 1 { "" } else { "s" },
        words::share(*ratio),
        words::shape(shape)
    )
}

fn ratios(rows: &[Row<'_>]) -> Option<Block> {
    summary(rows).map(|summary| Block::Text(said(&summary)))
}

fn ratio_table(rows: &[Row<'_>]) -> Block {
    let lines = rows.iter().map(|row| {
        let mut cells = vec![cell(words::shape(row.shape)), words::took(row.tapwise)];
        cells.push(cell(words::share(row.tapwise.fraction_of_peak)));
        match (row.peers.first(), row.ratio()) {
            (Some(best), Some(ratio)) => {
                cells.push(cell(format!("{} ({})", best.contender, best.strategy)));
                cells.push(words::took(best));
                cells.push(cell(words::share(best.fraction_of_peak)));
                let good = ratio >= 1.0;
                cells.push(judged(format!("{} {}", words::share(ratio), if good { "✓" } else { "✗" }), good));
            }
            _ => cells.extend(["–", "–", "–", "–"].map(cell)),
        }
        cells
    });
    let head = ["layer", "tapwise", "share", "best of the others", "time", "share", "ratio"];
    table(&head, lines.collect())
}

/// What a call costs.
fn calls(records: &[Record]) -> Vec<Block> {
    let rows = rows(records, group::CALLS, 1);
    let Some(row) = rows.first() else { return Vec::new() };
    let all = [row.tapwise].into_iter().chain(row.peers.iter().copied());
    let texts: Vec<String> =
        all.map(|record| format!("{} {}", record.contender, words::time(record.median_s))).collect();
    vec![Block::Text(format!(
        "What a call costs, the language it is made from included, by a layer of 1280 multiply-adds: {}. Times above \
         contain it.",
        texts.join(", ")
    ))]
}
