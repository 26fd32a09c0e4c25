//! Reports made of records that nobody measured.

mod figures;

use super::*;
use crate::contenders;
use crate::machine::{SetFacts, Stream};
use crate::photograph::Picture;
use crate::problems::{Effort, TARGETS, group, sweeps};
use crate::records::BuildCost;
use crate::tuning::sample;

pub(super) fn record(shape: &str, group: &str, strategy: &str, isa: &str, threads: usize) -> Record {
    Record {
        shape: shape.to_owned(),
        group: group.to_owned(),
        contender: "tapwise".to_owned(),
        strategy: strategy.to_owned(),
        kernel: "a_kernel".to_owned(),
        isa: isa.to_owned(),
        threads,
        median_s: 1.25e-4,
        min_s: 1e-4,
        samples: 15,
        rounds: vec![1.0, 0.99, 1.02],
        gflops: 95.0,
        peak_gflops: 100.0,
        fraction_of_peak: 0.95,
        max_error: 1e-6,
        checked: "all 9 outputs".to_owned(),
        slowed: false,
        command: "tapwise report".to_owned(),
    }
}

pub(super) fn findings() -> Findings {
    let stream = |level: &str| Stream { level: level.to_owned(), bytes: 1 << 14, read: 100.0, copy: 80.0 };
    let set = |isa: &str| SetFacts {
        isa: isa.to_owned(),
        lanes: 16,
        fma_gflops: 100.0,
        streams: ["L1", "L2", "L3", "memory"].map(stream).to_vec(),
    };
    let machine = Machine {
        processor: "Some <Processor> & Sons".to_owned(),
        cores: 2,
        memory: Some(24 << 30),
        caches: [32 << 10, 1 << 20, 32 << 20],
        system: "linux x86_64".to_owned(),
        compiler: "rustc 1.95.0".to_owned(),
        version: "0.1.0".to_owned(),
        date: "2026-01-02".to_owned(),
        command: "tapwise report".to_owned(),
        effort: "quick".to_owned(),
        parts: Vec::new(),
        seconds: 60.0,
        noise: Vec::new(),
        selected: "avx512".to_owned(),
        sets: vec![set("avx512"), set("portable")],
    };
    let mut records = Vec::new();
    for contender in contenders::ALL {
        let name = contender.strategy.name();
        for problem in sweeps(Effort::Full) {
            records.push(record(&problem.shape.to_string(), problem.group, name, "avx512", 1));
        }
        records.push(record("h300w451 c3x8 k9x9 reflect", group::PHOTOGRAPH, name, "avx512", 1));
    }
    for problem in crate::problems::filters(Effort::Full) {
        for (name, seconds) in [("direct", 2e-3), ("fft", 1e-3)] {
            let mut own = record(&problem.shape.to_string(), problem.group, name, "avx512", 1);
            own.median_s = if problem.shape.spec.kernel[0] < 10 { 3e-3 - seconds } else { seconds };
            records.push(own);
        }
    }
    for strategy in contenders::FAST {
        for target in TARGETS.iter().filter(|target| target.isa == tapwise::Isa::Avx512) {
            let shape = target.shape().to_string();
            records.push(record(&shape, group::TARGETS, strategy.name(), "avx512", 1));
            records.push(record(&shape, group::THREADS, strategy.name(), "avx512", 2));
        }
    }
    for strategy in [crate::dense_layer::DENSE, "auto"] {
        records.push(record("h8w8 c1x1 k3x3", group::DENSE, strategy, "avx512", 1));
    }
    for run in crate::gradients::RUNS {
        records.push(record("h8w8 c1x1 k3x3", group::GRADIENTS, run, "avx512", 1));
        records.push(record("h8w8 c1x1 k3x3", group::GRADIENTS, run, "avx512", 2));
    }
    let picture = |name: &str| Picture {
        file: format!("{name}.jpg"),
        caption: name.to_owned(),
        size: [4, 3],
        bytes: vec![0xff, 0xd8, 0xff],
    };
    let pictures = Pictures {
        photograph: Some(picture("photograph")),
        maps: vec![picture("sobel-x")],
        overview: Some(picture("overview")),
    };
    let cost = BuildCost {
        shape: "h8w8 c1x1 k3x3".to_owned(),
        kernels: 3,
        seconds: 0.31,
        code_bytes: 4096,
        fmas: 900,
    };
    Findings {
        machine,
        records,
        pictures,
        filters: Gallery::default(),
        builds: Builds::Measured(vec![cost]),
        waldo: searched(),
        study: learning::tests::study(),
        peers: None,
        choices: None,
        memory: Vec::new(),
        layers: None,
    }
}

fn searched() -> gallery::Findings {
    let score = |found, missed, false_places| gallery::Score {
        found,
        missed,
        false_places,
        best: 0.97,
        threshold: 0.61,
        seconds: 0.05,
    };
    let row = |case: &str, template, learnt| gallery::Row {
        subject: "a cup on a cat".to_owned(),
        case: case.to_owned(),
        template,
        learnt,
    };
    gallery::Findings {
        scene: [480, 320],
        template: [31, 31],
        scales: vec![1.0, 1.25],
        rows: vec![
            row("five of them", score(4, 1, 0), Some(score(5, 0, 2))),
            row("none of them", score(0, 0, 0), None),
        ],
        megapixel: 0.25,
        threads: 2,
        ..gallery::Findings::default()
    }
}

pub(super) fn text(files: &[File], path: &str) -> String {
    let file = files.iter().find(|file| file.path == path).unwrap();
    String::from_utf8(file.bytes.clone()).unwrap()
}

#[test]
fn a_report_has_every_section_and_every_file() {
    let files = files(&findings()).unwrap();
    let (html, markdown) = (text(&files, "index.html"), text(&files, "report.md"));
    for id in [
        "machine",
        "photograph",
        "throughput",
        "crossover",
        "targets",
        "waldo",
        "parameters",
        "dense",
        "receptive",
        "gradients",
        "learning",
        "builds",
        "method",
    ] {
        assert!(html.contains(&format!("<section id=\"{id}\" ")), "{id}");
    }
    for words in [
        "0.95",
        "from 11 × 11 on",
        "skipped: this machine lacks the set",
        "10¹²",
        "10⁹",
        "4·10⁶",
        "4Δ²",
        "0.31 s",
        "4 of 5 ✗",
        "5 of 5 + 2 false ✗",
        "no Waldo ✓",
        "0.97 / 0.61",
        "tapwise report",
    ] {
        assert!(html.contains(words), "{words}");
    }
    assert!(html.contains("Some &lt;Processor&gt; &amp; Sons") && !html.contains("<Processor>"));
    for plot in [
        "throughput-size",
        "throughput-delta",
        "throughput-channels",
        "crossover",
        "parameters",
        "dense",
        "learning-presence-dense",
        "learning-side-convolution",
    ] {
        assert!(markdown.contains(&format!("(plots/{plot}.svg)")), "{plot}");
        let svg = text(&files, &format!("plots/{plot}.svg"));
        assert!(
            svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>") && svg.contains("currentColor")
        );
    }
    for picture in ["photograph", "sobel-x", "overview"] {
        assert!(files.iter().any(|file| file.path == format!("pictures/{picture}.jpg")), "{picture}");
    }
}

/// With records of other libraries, on layers of the list and on those of the networks.
fn beside() -> Findings {
    let mut findings = findings();
    let mut add = |shape: &str, group: &str, threads| {
        for (contender, form, seconds) in [("tapwise", "auto", 2e-4), ("PyTorch", "NHWC", 1e-4)] {
            let mut own = record(shape, group, form, "avx512", threads);
            (own.contender, own.median_s) = (contender.to_owned(), seconds);
            findings.records.push(own);
        }
    };
    for (_, shape) in crate::problems::beside().unwrap() {
        add(&shape.to_string(), group::PEERS, 1);
        add(&shape.to_string(), group::PEERS, 2);
    }
    add("h40w32 c1x1 k1x1", group::CALLS, 1);
    for layer in others::nets::layers().unwrap() {
        let shape: tapwise::Shape = layer.shape.parse().unwrap();
        add(&shape.to_string(), group::NETS, 1);
    }
    let failed = crate::measurement::Absent {
        shape: "h56w56 c64x64 k3x3".to_owned(),
        strategy: "MNN".to_owned(),
        reason: "refused".to_owned(),
    };
    findings.peers = Some(others::Findings {
        present: vec![others::Present { name: "PyTorch".to_owned(), version: "2".to_owned() }],
        failed: vec![failed],
        ..others::Findings::default()
    });
    findings
}

#[test]
fn other_libraries_have_their_sections_where_they_were_measured() {
    let files = files(&beside()).unwrap();
    let (html, markdown) = (text(&files, "index.html"), text(&files, "report.md"));
    for words in ["<section id=\"peers\" ", "<section id=\"nets\" ", "PyTorch (NHWC)", "0.50 ✗", "refused"]
    {
        assert!(html.contains(words), "{words}");
    }
    assert!(markdown.contains("0.50 × in the geometric mean of 36 layers, at least as fast in 0"));
    for plot in
        ["peers-filters", "peers-first", "peers-middle", "peers-other", "nets-u-net", "nets-resnet-50"]
    {
        assert!(text(&files, &format!("plots/{plot}.svg")).contains("currentColor"), "{plot}");
    }
    assert!(html.len() < 2 << 20, "{} bytes", html.len());
    assert!(text(&files, "peers.json").contains("refused"));
}

#[test]
fn other_libraries_can_have_the_page_to_themselves() {
    let Findings { mut machine, mut records, peers, .. } = beside();
    machine.parts = vec![Part::Peers];
    records.retain(|record| record.group == group::PEERS);
    let files = files(&Findings { records, peers, ..Findings::of(machine) }).unwrap();
    let html = text(&files, "index.html");
    assert!(html.contains("<section id=\"peers\" ") && !html.contains("<section id=\"photograph\" "));
    assert!(!files.iter().any(|file| file.path == "builds.json"));
}

#[test]
fn without_other_libraries_nothing_of_them_appears() {
    let files = files(&findings()).unwrap();
    assert!(!text(&files, "index.html").contains("id=\"peers\""));
    assert!(!files.iter().any(|file| file.path == "peers.json" || file.path.contains("plots/peers")));
}

/// A layer whose choice takes so many times as long as the best.
fn choice(regret: f64, threads: usize) -> sample::Sample {
    let candidate = |kernel: &str, measured, chosen| sample::Candidate {
        strategy: "direct".to_owned(),
        kernel: kernel.to_owned(),
        features: tapwise::cost::Features::default(),
        predicted: 1e-5,
        timing: Some(sample::Timing { measured, error: 2e-6 }),
        chosen,
        inexact: false,
    };
    let candidates = vec![
        candidate("channels-out-runtime", 1e-5 * regret, true),
        candidate("along-row-runtime", 1e-5, false),
    ];
    sample::Sample { shape: "h9w9 c3x8 k3x3".to_owned(), threads, rounds: 5, spread: 0.02, candidates }
}

pub(super) fn measured_choices() -> regret::Findings {
    let samples = vec![choice(1.0, 1), choice(1.5, 1), choice(1.0, 2)];
    let map = [1.0, 1.25].into_iter().enumerate().map(|(delta, regret)| regret::Cell {
        delta,
        channels: 8,
        sample: choice(regret, 1),
    });
    regret::Findings {
        samples,
        apart: 300,
        left_out: 12,
        map: map.collect(),
        costs: "the coefficients that ship".to_owned(),
    }
}

#[test]
fn choices_have_their_section_and_their_map_where_they_were_measured() {
    let choices = measured_choices();
    for all in [findings(), Findings::of(findings().machine)] {
        let files = files(&Findings { choices: Some(choices.clone()), ..all }).unwrap();
        let (html, plot) = (text(&files, "index.html"), text(&files, "plots/dispatch.svg"));
        for words in
            ["<section id=\"choices\" ", "22.5 %", "1.50 ×", "1 of 2", "of which this report takes some"]
        {
            assert!(html.contains(words), "{words}");
        }
        assert!(plot.contains("1.25") && plot.contains("along-row") && !plot.contains("depthwise"));
        assert!(text(&files, "regret.json").contains("channels-out-runtime"));
    }
    assert!(!text(&files(&findings()).unwrap(), "index.html").contains("id=\"choices\""));
}

/// With records of filters, beside a copy and beside another library, which one of them loses against.
pub(super) fn filtered() -> Findings {
    use crate::filters::{contest, gallery, list, picture};
    let mut findings = findings();
    for threads in [1, 2] {
        for kind in picture::KINDS {
            for row in &list::ALL {
                for (contender, seconds) in [("tapwise", 3e-4), (contest::COPY, 2e-4), ("OpenCV", 6e-4)] {
                    let shape = contest::descriptor(row, kind);
                    let mut own = record(&shape, group::FILTERS, "sums", "avx512", threads);
                    (own.contender, own.median_s) = (contender.to_owned(), seconds);
                    if row.name == "emboss" && contender == "tapwise" {
                        own.median_s = 8e-4;
                    }
                    findings.records.push(own);
                }
            }
        }
    }
    let picture = Picture { file: "filter-emboss.jpg".to_owned(), ..findings.pictures.maps[0].clone() };
    let failed = ["sobel-x", "emboss", "emboss"].map(|name| crate::measurement::Absent {
        shape: format!("{name} h1080w1920 c1 u8"),
        strategy: "libblur".to_owned(),
        reason: "filter_2d: refused, its largest error is 3.0".to_owned(),
    });
    findings.peers = Some(others::Findings { failed: failed.to_vec(), ..others::Findings::default() });
    let exhibits = vec![gallery::Exhibit { filter: "emboss".to_owned(), picture }];
    let folded = gallery::Folded {
        filter: "emboss".to_owned(),
        form: "sums".to_owned(),
        terms: 2,
        findings: vec!["zeros are dropped".to_owned()],
    };
    findings.filters = Gallery { exhibits, overview: None, folded: vec![folded] };
    findings
}

#[test]
fn filters_have_their_gallery_their_charts_and_their_tables() {
    {
        let files = files(&filtered()).unwrap();
        let (html, markdown) = (text(&files, "index.html"), text(&files, "report.md"));
        for words in [
            "<section id=\"filters\" ",
            // The caption of the picture, the target that is missed and the row that is lost.
            "emboss. 800 µs, 4.00 copies, 0.75 × as fast as OpenCV",
            "zeros are dropped",
            "<td class=\"t\">sums of 2 terms</td>",
            "1.50 ✗ (wanted 1.3)",
            "1.50 ✓",
            "<td class=\"bad\">0.75 ✗</td>",
            "2.00 ✓",
            "refused, its largest error is 3.0 (Sobel x, grey u8; emboss, grey u8).",
            "at least as fast in 18; the worst is 0.75 × on emboss",
        ] {
            assert!(html.contains(words), "{words}");
        }
        assert!(markdown.contains("(pictures/filter-emboss.jpg)"));
        for plot in ["grey-f32", "grey-u8", "colour-f32", "colour-u8"] {
            assert!(text(&files, &format!("plots/filters-{plot}.svg")).contains("currentColor"), "{plot}");
        }
        assert!(files.iter().any(|file| file.path == "pictures/filter-emboss.jpg"));
    }
    let mut none = filtered();
    none.records.retain(|record| record.contender == "tapwise" || record.contender == "copy");
    let html = text(&files(&none).unwrap(), "index.html");
    assert!(html.contains("Other libraries were not asked"));
    assert!(!html.contains("best of the others</th>"));
    assert!(!text(&files(&findings()).unwrap(), "index.html").contains("id=\"filters\""));
}

#[test]
fn the_page_needs_no_file_but_those_of_its_report() {
    let files = files(&findings()).unwrap();
    let html = text(&files, "index.html");
    assert!(html.contains("src=\"pictures/"));
    for reference in ["src=\"", "href=\""] {
        for target in html.split(reference).skip(1) {
            let target = target.split('"').next().unwrap_or_default();
            let known = target.starts_with('#') || files.iter().any(|file| file.path == target);
            assert!(known, "{target}");
        }
    }
    assert!(
        !html.contains("<script src")
            && html.replace("http://www.w3.org/2000/svg", "").find("http:").is_none()
    );
}

#[test]
fn a_report_of_nothing_is_still_a_report() {
    let mut findings = findings();
    findings.records.clear();
    findings.pictures = Pictures::default();
    findings.machine.sets.clear();
    findings.study = Study::default();
    findings.waldo = Default::default();
    findings.builds = Builds::Impossible("there is no cargo".to_owned());
    let html = text(&files(&findings).unwrap(), "index.html");
    assert!(html.contains("there is no cargo"));
    assert!(terminal(&findings).contains("there is no cargo"));
}

#[test]
fn the_terminal_says_what_was_reached() {
    let text = terminal(&findings());
    assert!(text.contains("reached") && text.contains("skipped: this machine has no avx2"), "{text}");
}
