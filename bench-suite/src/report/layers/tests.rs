use super::super::tests::{findings, record, text};
use super::super::{files, terminal};
use super::*;
use crate::layers::measure::Inexact;
use crate::layers::{Findings as Own, Layer, Unserved};
use crate::problems::group;

const SHAPES: [&str; 3] = ["h8w8 c5x6 k3x3", "h8w8 c5x12 k3x3", "h4w4 c64x64 k3x3"];

fn plan(shape: &str, strategy: &str, kernel: &str) -> Plan {
    Plan {
        shape: shape.to_owned(),
        strategy: strategy.to_owned(),
        kernel: kernel.to_owned(),
        schedule: None,
        compiled: false,
        unspecializable: None,
        sibling: None,
        inexact: None,
        pieces: 1,
        absent: Vec::new(),
    }
}

/// A network of six layers of three shapes, of which the last is faster by another strategy than the chosen.
pub(in crate::report) fn asked_for() -> Findings {
    let mut all = findings();
    all.records.retain(|record| record.group != group::SHAPES);
    for (shape, strategies) in SHAPES.iter().zip([
        &[("auto", 4e-4), ("direct", 4e-4)][..],
        &[("auto", 2e-4), ("direct", 2e-4)],
        &[("auto", 1e-4), ("winograd", 1e-4), ("direct", 5e-5)],
    ]) {
        for (strategy, seconds) in strategies {
            let own = record(shape, group::SHAPES, strategy, "avx512", 1);
            all.records.push(crate::records::Record { median_s: *seconds, ..own });
        }
    }
    let counts = [1, 2, 3];
    let layer = |(shape, count): (&&str, usize)| Layer {
        name: format!("conv{count}"),
        net: "some <net>".to_owned(),
        shape: shape.parse().unwrap(),
        count,
    };
    let inexact = Inexact {
        strategy: "winograd".to_owned(),
        kernel: "winograd-F(6x6,3x3)".to_owned(),
        error: 1.234e-4,
        gain: 1.3,
    };
    all.layers = Some(Own {
        file: "net.onnx".to_owned(),
        threads: 2,
        layers: SHAPES.iter().zip(counts).map(layer).collect(),
        unserved: vec![Unserved {
            name: "up".to_owned(),
            net: "some <net>".to_owned(),
            what: "ConvTranspose 2 × 2".to_owned(),
            reason: "transposed convolutions are not served".to_owned(),
            count: 1,
        }],
        plans: vec![
            plan(SHAPES[0], "direct", "channels-out-runtime-avx512"),
            plan(SHAPES[1], "direct", "channels-out-runtime-avx512"),
            Plan { inexact: Some(inexact), ..plan(SHAPES[2], "winograd", "winograd-F(4x4,3x3)-avx512") },
        ],
    });
    all
}

const BLOCK: [&str; 4] = [
    "tapwise::specialize! {",
    "    // 73 % of the time in 3 layers",
    "    { kernel: [3, 3], c_in: 5, c_out: [6, 12] }",
    "}",
];

#[test]
fn the_section_says_where_the_time_goes_and_what_to_do() {
    let files = files(&asked_for()).unwrap();
    let html = text(&files, "index.html").replace('\u{a0}', " ");
    for words in [
        "<section id=\"shapes\"",
        "some &lt;net&gt;: 6 convolutions of 3 shapes take 1.10 ms on one thread, at 0.95 of the FMA peak",
        "<code>conv1</code> alone takes 36 % of it",
        "direct, lanes along channels out",
        "Winograd F(4x4,3x3)",
        "direct, 2.00 ×",
        "transposed convolutions are not served",
        "For 2 shapes nothing tells how much they gain",
        ".tolerance(1.3e-4)",
        ".strategy(Strategy::Direct)",
        "On 2 threads, 6 layers with 100 % of the time stay on one",
        &BLOCK.join("\n"),
    ] {
        assert!(html.contains(words), "{words}");
    }
    assert!(text(&files, "plots/layers-1.svg").contains("conv2 ×2"));
    assert!(text(&files, "layers.json").contains("\"shape\":\"h8w8 c5x6 k3x3\""));
}

#[test]
fn the_terminal_has_the_block_to_paste() {
    let said = terminal(&asked_for());
    assert!(said.contains(&BLOCK.join("\n")) && said.contains("not measured: up"), "{said}");
    assert!(said.lines().all(|line| line.chars().count() <= 110), "{said}");
    assert!(!terminal(&findings()).contains("specialize!"));
}

#[test]
fn the_section_can_be_drawn_again_from_its_files() {
    let folder = std::env::temp_dir().join(format!("tapwise-layers-{}", std::process::id()));
    let all = asked_for();
    super::super::write(&all, &folder).unwrap();
    let again = super::super::read(&folder).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(again.layers, all.layers);
    let page = |findings: &Findings| text(&files(findings).unwrap(), "index.html");
    assert_eq!(page(&again), page(&all));
}

#[test]
fn a_network_of_nothing_that_is_served_is_still_listed() {
    let mut all = asked_for();
    all.records.clear();
    let html = text(&files(&all).unwrap(), "index.html");
    assert!(html.contains("<section id=\"shapes\"") && html.contains("transposed convolutions"));
    assert!(!html.contains("specialize! {"));
}

#[test]
fn long_names_keep_their_end() {
    assert_eq!(short("conv1"), "conv1");
    assert_eq!(short("model/backbone/stage3/block2/conv1"), "…e/stage3/block2/conv1".to_owned());
    assert_eq!(short("model/backbone/stage3/block2/conv1").chars().count(), LETTERS);
}
