//! What the macros say to a mistake: one error, on its token, with what to write instead.

#[test]
fn mistakes_are_answered_on_their_token() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/fail/*.rs");
}

/// Mistakes of a case, and so its errors; every case that is not here has one.
const SEVERAL: [(&str, usize); 7] = [
    ("three_mistakes", 3),
    ("nothing_at_all", 3),
    ("a_mistake_in_each_set", 3),
    ("not_a_literal", 2),
    ("indivisible_in_a_list", 1),
    ("no_cascade", 1),
    ("filter_three_mistakes", 3),
];

/// One mistake is one error, and no error is about what follows from another.
#[test]
fn there_are_as_many_errors_as_mistakes() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui/fail");
    let mut cases = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let answer = path.with_extension("stderr");
        let text =
            std::fs::read_to_string(&answer).unwrap_or_else(|error| panic!("{}: {error}", answer.display()));
        let errors = text.lines().filter(|line| line.starts_with("error")).count();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let wanted = SEVERAL.iter().find(|(case, _)| *case == name).map_or(1, |(_, errors)| *errors);
        assert_eq!(errors, wanted, "{name}:\n{text}");
        assert!(!text.contains("warning"), "{name}:\n{text}");
        cases += 1;
    }
    assert!(cases >= 40, "{cases} cases");
}
