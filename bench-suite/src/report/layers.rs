//! The section on a user's own layers: where their time goes, and what would make it less.

mod faster;

use tapwise::Strategy;

use super::charts::look;
use super::document::{Block, Cell, Section, cell, judged, table};
use super::dots::{Contender, Dot, Dots, Scale};
use super::drawn::Drawn;
use super::evidence::Evidence;
use super::{Findings, words};
use crate::Error;
use crate::contenders;
use crate::layers::advice::{self, NOISE, Net, Row};
use crate::layers::measure::Plan;
use crate::machine::Machine;

/// The files of the charts, one for each of the first networks of a file.
const CHARTS: [&str; 8] =
    ["layers-1", "layers-2", "layers-3", "layers-4", "layers-5", "layers-6", "layers-7", "layers-8"];

/// Rows of a chart; what is beyond is one row.
const ROWS: usize = 25;

/// Letters of a layer's name in a chart.
const LETTERS: usize = 22;

/// The section; none where no layers were asked for.
pub(super) fn section(findings: &Findings) -> Result<Option<Section>, Error> {
    let Some(own) = &findings.layers else { return Ok(None) };
    let noise = noise(&findings.machine);
    let nets = advice::nets(own, &findings.records);
    let mut blocks = vec![Block::Text(format!(
        "The convolutions of `{}`, each shape measured once on one thread and counted as often as there are layers of it. \
         Its other operators are not in these times.",
        own.file
    ))];
    let mut charts = CHARTS.iter();
    for net in &nets {
        if let Some(text) = headline(net) {
            blocks.push(Block::Text(text));
        }
        if net.rows.len() > 1
            && let Some(name) = charts.next()
        {
            blocks.push(Block::Plots(vec![(chart(net, name)?, caption(net))]));
        }
        if !net.rows.is_empty() {
            blocks.push(layers(net, noise));
        }
    }
    blocks.extend(left_out(&nets));
    blocks.extend(unserved(&nets));
    blocks.extend(faster::blocks(&nets, own.threads, noise));
    Ok(Some(Section { id: "shapes", title: "The layers asked for", blocks }))
}

/// What the terminal says of them: each network in a line, and what would make it faster.
pub(super) fn terminal(findings: &Findings) -> String {
    let Some(own) = &findings.layers else { return String::new() };
    let nets = advice::nets(own, &findings.records);
    let mut text = String::new();
    for line in nets.iter().filter_map(headline) {
        text.push_str(&faster::wrapped(&line));
    }
    for own in nets.iter().flat_map(|net| &net.unserved) {
        text.push_str(&faster::wrapped(&format!(
            "not measured: {} ({}): {}",
            own.name, own.what, own.reason
        )));
    }
    text.push_str(&faster::terminal(&nets, own.threads, noise(&findings.machine)));
    text.replace('\u{a0}', " ") + "\n"
}

/// The smallest difference that is believed of this machine.
fn noise(machine: &Machine) -> f64 {
    let own = machine.noise.iter().find(|noise| noise.threads == 1).map(|noise| noise.believed);
    own.filter(|believed| believed.is_finite()).unwrap_or(NOISE)
}

/// The whole network in a sentence; none where nothing of it was measured.
fn headline(net: &Net<'_>) -> Option<String> {
    let first = net.rows.first()?;
    let (layers, shapes) = (net.layers(), net.rows.len());
    let shapes = match shapes {
        own if own == layers => String::new(),
        1 => " of one shape".to_owned(),
        own => format!(" of {own} shapes"),
    };
    let heaviest = match first.layer.count {
        _ if net.rows.len() == 1 => String::new(),
        1 => format!("; `{}` alone takes {} of it", first.layer.name, words::percent(first.share)),
        count => format!(
            "; `{}` and {} like it take {} of it",
            first.layer.name,
            count - 1,
            words::percent(first.share)
        ),
    };
    Some(format!(
        "{}: {layers} convolution{}{shapes} take{} {} on one thread, at {} of the FMA peak{heaviest}.",
        net.name,
        if layers == 1 { "" } else { "s" },
        if layers == 1 { "s" } else { "" },
        words::time(net.seconds),
        words::share(net.of_peak),
    ))
}

fn caption(net: &Net<'_>) -> String {
    format!(
        "{}: the part of the time that the layers of each shape take, and by which strategy they run.",
        net.name
    )
}

/// A name that fits beside a chart.
fn short(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    // The end of a path tells layers apart, not its beginning.
    let tail = letters.len().saturating_sub(LETTERS - 1);
    if letters.len() <= LETTERS {
        name.to_owned()
    } else {
        format!("…{}", letters.iter().skip(tail).collect::<String>())
    }
}

fn chart(net: &Net<'_>, name: &'static str) -> Result<Drawn, Error> {
    let (shown, rest) = net.rows.split_at(net.rows.len().min(ROWS));
    let title = |row: &Row<'_>| match row.layer.count {
        1 => short(&row.layer.name),
        count => format!("{} ×{count}", short(&row.layer.name)),
    };
    let mut rows: Vec<String> = shown.iter().map(title).collect();
    let mut contenders: Vec<Contender> = Vec::new();
    for strategy in Strategy::ALL {
        let own = shown.iter().enumerate().filter(|(_, row)| row.plan.strategy == strategy.name());
        let values: Vec<Dot> = own.map(|(at, row)| Dot::of(at, 100.0 * row.share, row.auto)).collect();
        if !values.is_empty() {
            let (colour, marker) = look(strategy);
            contenders.push(Contender { label: words::strategy(strategy.name()), colour, marker, values });
        }
    }
    if !rest.is_empty() {
        let share: f64 = rest.iter().map(|row| row.share).sum();
        let label = format!("{} other shapes", rest.len());
        let text = format!("{label}\n{} of the time", words::percent(share));
        let (colour, marker) = look(Strategy::Auto);
        let values = vec![Dot { row: rows.len(), value: 100.0 * share, text }];
        rows.push(label.clone());
        contenders.push(Contender { label, colour, marker, values });
    }
    let records: Vec<_> = net.rows.iter().map(|row| row.auto).collect();
    Dots {
        name,
        alternative: format!("The part of the time of {} that each of its layers takes", net.name),
        title: "part of the time, %".to_owned(),
        scale: Scale::Linear,
        rows,
        contenders,
        evidence: Evidence::of(&records, "shapes --shapes FILE"),
    }
    .draw()
}

/// A row for each shape.
fn layers(net: &Net<'_>, noise: f64) -> Block {
    let head = [
        "layer",
        "computes",
        "layers",
        "of the time",
        "time of one",
        "runs by",
        "of the peak",
        "faster, measured",
    ];
    let row = |row: &Row<'_>| -> Vec<Cell> {
        let best = match row.faster(noise) {
            Some((record, gain, _)) => {
                judged(format!("{}, {} ×", words::strategy(&record.strategy), words::three(gain)), false)
            }
            None => cell("–"),
        };
        vec![
            cell(row.layer.name.clone()),
            cell(words::shape(&row.plan.shape)),
            cell(row.layer.count.to_string()),
            super::block::number(words::percent(row.share), row.share),
            words::took(&row.auto),
            cell(path(row.plan)),
            cell(words::share(row.auto.fraction_of_peak)),
            best,
        ]
    };
    table(&head, net.rows.iter().map(row).collect())
}

/// The strategy, and how its kernel lies in lanes, in words.
fn path(plan: &Plan) -> String {
    let strategy = words::strategy(&plan.strategy);
    let lanes = [
        ("channels-out", "lanes along channels out"),
        ("depthwise", "a lane for each channel"),
        ("along-row", "lanes along the row"),
    ];
    if let Some((_, words)) = lanes.iter().find(|(family, _)| plan.kernel.contains(family)) {
        return format!("{strategy}, {words}");
    }
    // `winograd-F(4x4,3x3)-avx512`
    match plan.kernel.split('-').find(|part| part.starts_with("F(")) {
        Some(tile) => format!("{strategy} {tile}"),
        None => strategy,
    }
}

/// Who was left out because it takes too long.
fn left_out(nets: &[Net<'_>]) -> Option<Block> {
    let rows = nets.iter().flat_map(|net| &net.rows);
    let mut names: Vec<String> = rows
        .flat_map(|row| &row.plan.absent)
        .filter(|absent| absent.reason.starts_with("left out"))
        .map(|absent| match absent.strategy.as_str() {
            "fft" => contenders::FFT.label.to_owned(),
            name => words::strategy(name),
        })
        .collect();
    names.sort();
    names.dedup();
    (!names.is_empty()).then(|| {
        Block::Text(format!(
            "Every strategy that serves a layer was measured, but {} where it is predicted to take many times as long as \
             the choice; `layers.json` says where.",
            names.join(" and ")
        ))
    })
}

/// Layers that are not served, or were not measured, with the reason.
fn unserved(nets: &[Net<'_>]) -> Vec<Block> {
    let all = nets.iter().flat_map(|net| net.unserved.iter().map(move |own| (net.name, own)));
    let rows: Vec<Vec<Cell>> = all
        .map(|(net, own)| {
            vec![
                cell(own.name.clone()),
                cell(net),
                cell(own.what.clone()),
                cell(own.count.to_string()),
                cell(own.reason.clone()),
            ]
        })
        .collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let text = "These layers were not measured, and are in no time above.".to_owned();
    vec![Block::Text(text), table(&["layer", "network", "is", "layers", "why not"], rows)]
}

#[cfg(test)]
pub(super) mod tests;
