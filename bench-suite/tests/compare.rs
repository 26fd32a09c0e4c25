//! `tapwise compare` and `tapwise export` as programs: what they read, what they write, and how they end.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tapwise_bench::records::Record;
use tapwise_bench::rows::{Row, source};

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/criterion")
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compare").join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// A report of two layers; the second takes `factor` times as long.
fn report(name: &str, factor: f64, rounds: usize) -> PathBuf {
    let record = |shape: &str, median_s: f64| Record {
        shape: shape.to_owned(),
        group: "targets".to_owned(),
        contender: "tapwise".to_owned(),
        strategy: "direct".to_owned(),
        kernel: "a_kernel".to_owned(),
        isa: "avx2".to_owned(),
        threads: 1,
        median_s,
        min_s: 0.99 * median_s,
        samples: 9,
        rounds: [1.0, 0.99, 1.01, 1.0, 1.0, 0.995, 1.005, 0.998, 1.002][..rounds].to_vec(),
        gflops: 1e-6 / median_s,
        peak_gflops: 100.0,
        fraction_of_peak: 1e-8 / median_s,
        max_error: 1e-7,
        checked: "all 9 outputs".to_owned(),
        slowed: false,
        command: "tapwise report".to_owned(),
    };
    let records = [record("h56w56 c64x64 k3x3", 1e-4), record("h28w28 c128x128 k3x3", factor * 2e-4)];
    let folder = folder(name);
    fs::write(folder.join("measurements.json"), serde_json::to_string(&records).unwrap()).unwrap();
    folder
}

fn tapwise(arguments: &[&str], paths: &[&Path]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tapwise"));
    command.args(arguments).args(paths).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn complained(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn the_status_tells_regressions_from_errors() {
    let (old, new) = (report("status-old", 1.0, 9), report("status-new", 1.2, 9));
    let status = |arguments: &[&str], sides: &[&Path]| tapwise(arguments, sides).status.code();
    let both: [&Path; 2] = [&old, &new];
    assert_eq!(status(&["compare"], &both), Some(0));
    assert_eq!(status(&["compare", "--fail-over", "10"], &both), Some(1));
    assert_eq!(status(&["compare", "--fail-over", "30"], &both), Some(0));
    // A gain is none, and noise is none.
    assert_eq!(status(&["compare", "--fail-over", "0"], &[&new, &old]), Some(0));
    assert_eq!(status(&["compare", "--fail-over", "0", "--noise", "25"], &both), Some(0));
    let failing = tapwise(&["compare", "--fail-over", "5"], &both);
    assert!(said(&failing).contains("1 regression"), "{}", said(&failing));
    assert!(complained(&failing).contains("1 measurement takes more than 5 % longer"));
    // Errors of every kind.
    let new_path = new.to_str().unwrap();
    assert_eq!(status(&["compare", "--noise-from", new_path], &both), Some(2));
    assert_eq!(status(&["compare", "--noise-from", new_path, "--noise", "3"], &both), Some(2));
    assert_eq!(status(&["compare"], &[&old]), Some(2));
    assert_eq!(status(&["compare", "--fail-over", "many"], &both), Some(2));
    assert_eq!(status(&["compare"], &[&old, Path::new("/nowhere")]), Some(2));
    assert_eq!(status(&["compare", "--only", "peers"], &both), Some(2));
    assert_eq!(status(&["compare", "--out", "/nowhere/at/all"], &both), Some(2));
    let other = fixture();
    assert_eq!(status(&["compare"], &[&old, &other]), Some(2));
}

#[test]
fn what_cannot_be_judged_does_not_pass() {
    let (old, new) = (report("unjudged-old", 1.0, 0), report("unjudged-new", 1.2, 9));
    assert_eq!(tapwise(&["compare"], &[&old, &new]).status.code(), Some(0));
    let judged = tapwise(&["compare", "--fail-over", "5"], &[&old, &new]);
    assert_eq!(judged.status.code(), Some(2));
    assert!(complained(&judged).contains("none of the 2 pairs"), "{}", complained(&judged));
}

#[test]
fn pages_are_written_to_files() {
    let (old, new) = (report("page-old", 1.0, 9), report("page-new", 1.2, 9));
    let page = folder("page").join("compare.html");
    let written = tapwise(&["compare", "--format", "html", "--out", page.to_str().unwrap()], &[&old, &new]);
    assert!(written.status.success() && written.stdout.is_empty(), "{}", complained(&written));
    let html = fs::read_to_string(&page).unwrap();
    assert!(html.starts_with("<!DOCTYPE html>") && html.contains("h28w28 c128x128 k3x3"));
    let json = said(&tapwise(&["compare", "--format", "json"], &[&old, &new]));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["all"]["regressions"], &json["all"]["alike"]), (&1.into(), &1.into()));
    let ratio = json["changes"][1]["ratio"].as_f64().unwrap();
    assert!((ratio - 1.0 / 1.2).abs() < 1e-9, "{ratio}");
}

#[test]
fn a_report_comes_back_from_its_lines() {
    let report = report("lines", 1.0, 9);
    let lines = report.join("measurements.jsonl");
    assert!(tapwise(&["export", "--out", lines.to_str().unwrap()], &[&report]).status.success());
    let [read, back] = [&report, &lines].map(|path| source::read(path, "new").unwrap().rows);
    let read: Vec<Row> = read.into_iter().map(Row::with_interval).collect();
    assert_eq!(read, back);
    let compared = tapwise(&["compare"], &[&report, &lines]);
    assert!(said(&compared).contains("both sides are the same measurements"), "{}", said(&compared));
    let csv = said(&tapwise(&["export", "--format", "csv"], &[&report]));
    assert_eq!(csv.lines().count(), 3);
}

#[test]
fn criterion_is_a_side() {
    let criterion = fixture();
    let alone = tapwise(&["compare", "--format", "json", "--criterion"], &[&criterion]);
    let json: serde_json::Value = serde_json::from_str(&said(&alone)).unwrap();
    assert_eq!(json["changes"].as_array().unwrap().len(), 2);
    let direct = &json["changes"][0];
    assert_eq!((&direct["strategy"], &direct["isa"]), (&"direct".into(), &"avx512".into()));
    assert_eq!((&direct["shape"], &direct["group"]), (&"h28w28 c16x16 k3x3".into(), &"channels".into()));
    let median = |baseline: &str| {
        let path = criterion.join("channels/direct/avx512 h28w28 c16x16 k3x3").join(baseline);
        let text = fs::read_to_string(path.join("estimates.json")).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        json["median"]["point_estimate"].as_f64().unwrap()
    };
    let ratio = direct["ratio"].as_f64().unwrap();
    assert!((ratio - median("base") / median("new")).abs() < 1e-9, "{ratio}");
    assert!(direct["interval"]["low"].as_f64() < Some(ratio) && direct["threads"].is_null());
    // A folder is detected, and a baseline may lack benchmarks.
    let before = tapwise(&["compare", "--baseline", "before"], &[&criterion, &criterion]);
    assert!(said(&before).contains("1 only in new\n"), "{}", said(&before));
    let missing = tapwise(&["compare", "--baseline", "then", "--criterion"], &[&criterion]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(complained(&missing).contains("no benchmark has the baseline then, there is base, before, new"));
    let lines = said(&tapwise(&["export", "--criterion"], &[&criterion]));
    let rows: Vec<Row> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[0].samples, rows[0].gflops, rows[0].threads), (Some(20), None, None));
    assert!((rows[0].median_s - median("new") * 1e-9).abs() < 1e-15);
}

#[test]
fn unreadable_sides_name_the_file_and_what_is_wrong() {
    let folder = folder("unreadable");
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let good = write(
        "good.jsonl",
        "{\"group\":\"a\",\"shape\":\"b\",\"strategy\":\"c\",\"median_s\":1,\"rounds_s\":[]}\n\n",
    );
    assert_eq!(source::read(&good, "new").unwrap().rows[0].median_s, 1.0);
    let cases = [
        (write("empty.json", " \n"), "it is empty"),
        (write("none.json", "[]"), "its list is empty"),
        (write("words.txt", "group,shape"), "it is no JSON"),
        (write("record.json", "[{\"shape\":\"a\"}]"), "missing field `group`"),
        (
            write(
                "line.jsonl",
                "{\"group\":\"a\",\"shape\":\"b\",\"strategy\":\"c\",\"median_s\":1,\"rounds_s\":[]}\n{}",
            ),
            "line 2",
        ),
        (
            write(
                "zero.jsonl",
                "{\"group\":\"a\",\"shape\":\"b\",\"strategy\":\"c\",\"median_s\":0,\"rounds_s\":[]}",
            ),
            "median_s is 0, wanted a number above 0",
        ),
        (folder.join("nothing"), "No such file"),
    ];
    for (path, wanted) in cases {
        let output = tapwise(&["export"], &[&path]);
        let error = complained(&output);
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(!output.status.success() && error.contains(wanted) && error.contains(name), "{error}");
    }
    let empty = folder.join("folder");
    fs::create_dir_all(&empty).unwrap();
    assert!(
        complained(&tapwise(&["export"], &[&empty])).contains("neither measurements.json nor a benchmark")
    );
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_is_no_failure() {
    let report = report("pipe", 1.0, 9);
    let mut child = Command::new(env!("CARGO_BIN_EXE_tapwise"))
        .arg("export")
        .arg(&report)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", complained(&output));
}
