//! A user's layers from a file to a report, by the program itself; and that what it tells a user to paste
//! compiles.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tapwise::{ConvSpec, Geometry, Isa, registry};
use tapwise_bench::journal::Journal;
use tapwise_bench::layers::block::{Wanted, text};
use tapwise_bench::layers::measure::{Conditions, measure};
use tapwise_bench::layers::read;
use tapwise_bench::machine::Machine;
use tapwise_bench::measurement::Pace;
use tapwise_bench::parts::Part;
use tapwise_bench::report::{Findings, terminal, write};

// As the program prints it for the geometries of `wanted`, and compiled here.
tapwise::specialize! {
    // 40 % of the time in 8 layers; expected 1.25 times as fast
    { kernel: [3, 3], c_in: [5, 9], c_out: [6, 11] }
    // 30 % of the time in 2 layers
    { kernel: [3, 5], stride: [1, 2], dilation: 2, c_in: 3, c_out: 13 }
    // 20 % of the time in 2 layers
    { kernel: [2, 2], stride: 2, groups: 7, c_in: 7, c_out: 7 }
}

fn wanted() -> Vec<Wanted> {
    let of = |spec: ConvSpec, share, gain| Wanted {
        geometry: Geometry::of(&spec),
        share,
        layers: 2,
        gain,
        measured: false,
    };
    let mut all: Vec<Wanted> = [[5, 6], [5, 11], [9, 6], [9, 11]]
        .map(|[c_in, c_out]| of(ConvSpec::new([3, 3], c_in, c_out), 0.1, Some(1.25)))
        .to_vec();
    all.push(of(ConvSpec { stride: [1, 2], dilation: [2, 2], ..ConvSpec::new([3, 5], 3, 13) }, 0.3, None));
    all.push(of(ConvSpec { stride: [2, 2], groups: 7, ..ConvSpec::new([2, 2], 7, 7) }, 0.2, None));
    all
}

#[test]
fn the_block_that_is_printed_compiles_to_the_kernels_that_are_wanted() {
    let (block, left) = text(&wanted()).unwrap();
    assert_eq!(left, 0);
    assert!(include_str!("layers.rs").contains(&format!("\n{block}\n")), "not what stands above:\n{block}");
    for own in wanted() {
        assert!(registry::kernels().any(|kernel| kernel.geometry() == Some(&own.geometry)), "{own:?}");
    }
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn report(out: &Path, shapes: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tapwise"))
        .args(["report", "--only", "shapes", "--shapes"])
        .arg(shapes)
        .arg("--out")
        .arg(out)
        .args(more)
        .env("TAPWISE_ISA", "portable")
        .output()
        .unwrap()
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("tapwise-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn a_network_becomes_a_report_of_its_layers_alone() {
    let path = data("pnet.onnx");
    let isa = Isa::Portable;
    let conditions = Conditions {
        isa,
        pace: Pace { rounds: 1, sample: 1e-6, budget: 1e-3 },
        threads: 2,
        memory: None,
        journal: &Journal::none("tapwise report --only shapes --shapes pnet.onnx --input 16x14"),
    };
    let listing = read(&path, Some("16x14".parse().unwrap())).unwrap();
    let (records, found) = measure(&path, listing, &conditions).unwrap();
    let machine = Machine { parts: vec![Part::Shapes], ..Machine::here(isa, "quick", "tapwise report") };
    let findings = Findings { records, layers: Some(found), ..Findings::of(machine) };
    let said = terminal(&findings);
    assert!(said.contains("pnet: 5 convolutions take"), "{said}");
    let out = folder("own-layers");
    write(&findings, &out).unwrap();
    let read = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();
    let (page, layers, records) = (read("index.html"), read("layers.json"), read("measurements.json"));
    assert!(page.contains("<section id=\"shapes\"") && !page.contains("<section id=\"photograph\""));
    for name in ["conv1", "conv2", "conv3", "conv4_1", "reg"] {
        assert!(page.contains(name) && layers.contains(name), "{name}");
    }
    assert!(records.contains("h16w14 c3x10 k3x3 p0,0,0,0") && !records.contains("\"group\":\"targets\""));
    std::fs::remove_dir_all(&out).unwrap();
}

#[test]
fn files_that_cannot_be_served_are_refused_before_anything_is_measured() {
    let out = folder("own-layers-refused");
    let list = out.join("list.txt");
    std::fs::write(&list, "h8w8 c1x1 k3\nh8w8 c1x1\n").unwrap();
    for (file, more, wanted) in [
        (data("pnet.onnx"), &[][..], "say them with --input"),
        (list.clone(), &[], "line 2"),
        (list, &["--input", "8x8"], "--input is for ONNX networks"),
        (out.join("nothing.json"), &[], "cannot read"),
        (data("pnet.onnx"), &["--input", "8"], "wanted height and width in pixels"),
    ] {
        let done = report(&out.join("report"), &file, more);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(!done.status.success() && said.contains(wanted), "{said}");
        assert!(!out.join("report/measurements.json").exists());
    }
    std::fs::remove_dir_all(&out).unwrap();
}
