//! That README says what the reports beside it say.

use std::path::Path;

use tapwise_bench::readme::fill;

#[test]
fn the_figures_of_the_readme_are_those_of_the_reports() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("<!-- tapwise: targets of reports/"));
    let filled = fill(&text, &file).unwrap();
    for (now, wanted) in text.lines().zip(filled.lines()) {
        assert_eq!(now, wanted, "`tapwise readme` writes it again");
    }
    assert_eq!(text.lines().count(), filled.lines().count());
}
