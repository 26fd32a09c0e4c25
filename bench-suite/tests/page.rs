//! The page of a report in a browser, by `scripts/test-page`. Skips aloud where there is no Chromium.

#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tapwise_bench::report;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn look(folder: &Path) -> Output {
    Command::new(root().join("scripts/test-page")).arg(folder).output().unwrap()
}

/// The report that the repository keeps, drawn again, in a folder of its own.
fn drawn(name: &str) -> PathBuf {
    let reports = std::fs::read_dir(root().join("reports")).unwrap();
    let mut kept: Vec<PathBuf> = reports.map(|entry| entry.unwrap().path()).collect();
    kept.retain(|folder| folder.join("measurements.json").is_file());
    kept.sort();
    let folder = std::env::temp_dir().join(format!("tapwise-{name}-{}", std::process::id()));
    report::write(&report::read(&kept[0]).unwrap(), &folder).unwrap();
    folder
}

#[test]
fn the_page_has_no_defects() {
    let folder = drawn("page");
    let Output { status, stdout, stderr } = look(&folder);
    std::fs::remove_dir_all(&folder).unwrap();
    let [said, failed] = [stdout, stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    eprintln!("{said}");
    assert!(status.success(), "{said}{failed}");
}

#[test]
fn defects_are_found() {
    let folder = drawn("broken-page");
    let page = folder.join("index.html");
    let broken = std::fs::read_to_string(&page)
        .unwrap()
        .replace("</main>", "<p style=\"width:2000px\">wide</p><img src=\"nowhere.png\"></main>")
        .replace("button.append(...head.childNodes);", "nothing();");
    std::fs::write(&page, broken).unwrap();
    let Output { status, stdout, .. } = look(&folder);
    std::fs::remove_dir_all(&folder).unwrap();
    let said = String::from_utf8_lossy(&stdout);
    if said.contains("SKIPPED") {
        eprintln!("{said}");
        return;
    }
    assert_eq!(status.code(), Some(1), "{said}");
    for defect in
        ["light at 360 px: the page is ", "no alt: ", "nowhere.png does not load", "nothing is not defined"]
    {
        assert!(said.contains(defect), "{defect}\n{said}");
    }
}
