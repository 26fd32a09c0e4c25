//! Sides with known ratios.

use super::*;
use crate::reference::Noise;
use crate::rows::source::Source;

/// A measurement of 31 rounds that lie up to `spread` around the median, on a machine with a peak of 100 GFLOP/s.
fn row(group: &str, shape: &str, seconds: f64, spread: f64) -> Row {
    let mut noise = Noise::new(shape.len() as u64 + (seconds * 1e9) as u64);
    let rounds = (0..15).map(|_| 1.0 + spread * f64::from(noise.unit()).abs());
    let mut rounds: Vec<f64> = rounds.flat_map(|round| [round, 2.0 - round]).chain([1.0]).collect();
    rounds.iter_mut().for_each(|round| *round *= seconds);
    Row {
        group: group.to_owned(),
        shape: shape.to_owned(),
        contender: Some("tapwise".to_owned()),
        strategy: "direct".to_owned(),
        kernel: Some("a_kernel".to_owned()),
        isa: Some("avx2".to_owned()),
        threads: Some(1),
        median_s: seconds,
        peak_gflops: Some(100.0),
        processor: Some("A Processor".to_owned()),
        version: Some("0.1.0".to_owned()),
        effort: Some("quick".to_owned()),
        rounds_s: rounds,
        ..Row::default()
    }
}

fn source(label: &str, rows: Vec<Row>) -> Source {
    Source { label: label.to_owned(), rows }
}

fn compared(old: Vec<Row>, new: Vec<Row>, options: &Options) -> Comparison {
    compare(&source("before", old), &source("after", new), options).unwrap()
}

fn verdicts(comparison: &Comparison) -> Vec<Verdict> {
    comparison.changes.iter().map(|change| change.verdict).collect()
}

#[test]
fn known_ratios_are_found() {
    let old =
        vec![row("a", "one", 1.25e-3, 0.02), row("a", "two", 1e-3, 0.02), row("b", "three", 1e-3, 0.02)];
    let new =
        vec![row("b", "three", 1.01e-3, 0.02), row("a", "two", 2e-3, 0.02), row("a", "one", 1e-3, 0.02)];
    let found = compared(old, new, &Options::default());
    assert_eq!(verdicts(&found), [Verdict::Gain, Verdict::Regression, Verdict::Alike]);
    for (change, ratio) in found.changes.iter().zip([1.25, 0.5, 1.0 / 1.01]) {
        let interval = change.interval.unwrap();
        assert!((change.ratio - ratio).abs() < 1e-9);
        assert!(interval.low < ratio && ratio < interval.high && interval.high / interval.low < 1.05);
    }
    let Tally { pairs, gains, regressions, alike, unknown, worst, best, mean, .. } = found.all.clone();
    assert_eq!((pairs, gains, regressions, alike, unknown), (3, 1, 1, 1, 0));
    assert!((worst - 0.5).abs() < 1e-9 && (best - 1.25).abs() < 1e-9);
    assert!((mean - (1.25f64 * 0.5 / 1.01).cbrt()).abs() < 1e-9);
    let groups: Vec<(&str, usize)> =
        found.groups.iter().map(|tally| (tally.group.as_str(), tally.pairs)).collect();
    assert_eq!(groups, [("a", 2), ("b", 1)]);
    assert!((found.groups[0].mean - 0.625f64.sqrt()).abs() < 1e-9);
}

#[test]
fn the_noise_of_the_machine_hides_what_is_below_it() {
    let side = |seconds, noise| vec![Row { noise, ..row("a", "one", seconds, 1e-4) }];
    let judged = |old, new, noise| {
        let found = compared(old, new, &Options { noise, ..Options::default() });
        (found.noise[1], verdicts(&found)[0])
    };
    assert_eq!(judged(side(1.05, None), side(1.0, None), None), (NOISE, Verdict::Gain));
    assert_eq!(judged(side(1.02, None), side(1.0, None), None), (NOISE, Verdict::Alike));
    assert_eq!(judged(side(1.02, None), side(1.0, None), Some(0.01)), (0.01, Verdict::Gain));
    // The larger of what the two machines allow.
    assert_eq!(judged(side(1.05, Some(0.02)), side(1.0, Some(0.1)), None), (0.1, Verdict::Alike));
    assert_eq!(judged(side(1.05, Some(0.1)), side(1.0, Some(0.1)), Some(0.0)), (0.0, Verdict::Gain));
    assert_eq!(judged(side(1.02, Some(0.01)), side(1.0, None), None), (0.01, Verdict::Gain));
    let noisy = compared(side(1.05, Some(0.02)), side(1.0, Some(0.3)), &Options::default()).warnings;
    assert_eq!(noisy, ["the new side was disturbed: one layer measured twice differed by 30\u{a0}% there"]);
    // Each pair has its own.
    let two = |seconds| {
        vec![side(seconds, Some(0.02)).remove(0), Row { noise: Some(0.2), ..row("a", "two", seconds, 1e-4) }]
    };
    let found = compared(two(1.1), two(1.0), &Options::default());
    assert_eq!((found.noise, verdicts(&found)), ([0.02, 0.2], vec![Verdict::Gain, Verdict::Alike]));
    assert!(text::lead(&found).contains("a difference of 2 to 20\u{a0}% or more"));
}

#[test]
fn a_second_run_tells_how_far_runs_lie_apart() {
    let side = |factor: f64, count: usize| -> Source {
        let rows = (0..count).map(|index| {
            let name = format!("h{index}w9");
            // Every other one is slower, the more the later.
            let apart = if index % 2 == 0 { 1.0 } else { 1.0 + factor * index as f64 };
            row("a", &name, 1e-3 * apart, 1e-4)
        });
        source("side", rows.collect())
    };
    let found = noise::between(&side(0.0, 40), &side(0.01, 40), &Options::default()).unwrap();
    // Two of forty are above: 1.37 and 1.39.
    assert!(found > 0.35 && found < 0.37, "{found}");
    let few = noise::between(&side(0.0, 19), &side(0.01, 19), &Options::default());
    assert!(matches!(few, Err(Error::FewPairs { found: 19, wanted: 20, .. })));
    let options = Options { noise: Some(found), again: Some("again".to_owned()), ..Options::default() };
    let found = compare(&side(0.01, 40), &side(0.0, 40), &options).unwrap();
    assert_eq!((found.all.gains, found.all.alike), (2, 38));
    assert!(text::lead(&found).contains("19 of 20 pairs of side and again differ by less"));
}

#[test]
fn rounds_that_scatter_hide_what_medians_show() {
    let few = |seconds: f64, rounds: [f64; 4]| Row {
        rounds_s: rounds.map(|round| round * seconds).to_vec(),
        ..row("a", "one", seconds, 0.0)
    };
    let wild = [0.7, 0.9, 1.1, 1.5];
    let calm = [0.99, 1.0, 1.0, 1.01];
    let judged =
        |rounds| verdicts(&compared(vec![few(1.1, rounds)], vec![few(1.0, rounds)], &Options::default()));
    assert_eq!(judged(wild), [Verdict::Alike]);
    assert_eq!(judged(calm), [Verdict::Gain]);
}

#[test]
fn a_slower_clock_is_no_regression_of_the_share() {
    let old = vec![row("a", "one", 1.0, 0.01)];
    let new = vec![Row { peak_gflops: Some(80.0), ..row("a", "one", 1.25, 0.01) }];
    assert_eq!(verdicts(&compared(old.clone(), new.clone(), &Options::default())), [Verdict::Regression]);
    let slowed = vec![Row { slowed: Some(true), ..new[0].clone() }];
    let warned = |by| {
        let options = Options { by, ..Options::default() };
        compared(old.clone(), slowed.clone(), &options)
            .warnings
            .iter()
            .any(|warning| warning.contains("slower than"))
    };
    assert!(warned(By::Time) && !warned(By::OfPeak));
    let by = Options { by: By::OfPeak, ..Options::default() };
    let found = compared(old.clone(), new, &by);
    assert_eq!(verdicts(&found), [Verdict::Alike]);
    assert!((found.changes[0].ratio - 1.0).abs() < 1e-9);
    assert_eq!(found.changes[0].seconds, [1.0, 1.25]);
    let without = vec![Row { peak_gflops: None, ..row("a", "one", 1.0, 0.01) }];
    let refused = compare(&source("before", old), &source("after", without), &by);
    assert!(matches!(refused, Err(Error::NoPeak { label, missing: 1 }) if label == "after"));
}

#[test]
fn old_reports_are_shown_and_not_judged() {
    let old = vec![Row { rounds_s: Vec::new(), ..row("a", "one", 2.0, 0.0) }];
    let found = compared(old, vec![row("a", "one", 1.0, 0.0)], &Options::default());
    assert_eq!((found.changes[0].ratio, found.changes[0].interval), (2.0, None));
    assert_eq!((verdicts(&found), found.all.unknown), (vec![Verdict::Unknown], 1));
    assert!(found.warnings.iter().any(|warning| warning.starts_with("1 of 1 pairs cannot be judged")));
}

#[test]
fn a_regression_counts_by_the_kind_end_of_its_interval() {
    let found = compared(
        vec![row("a", "one", 1.0, 0.02), row("a", "two", 1.0, 0.02), row("a", "three", 1.5, 0.02)],
        vec![row("a", "one", 1.2, 0.02), row("a", "two", 1.05, 0.02), row("a", "three", 1.0, 0.02)],
        &Options::default(),
    );
    let worse =
        |share| found.worse_than(share).iter().map(|change| change.key.shape.clone()).collect::<Vec<_>>();
    assert_eq!(worse(0.0), ["one", "two"]);
    assert_eq!(worse(0.1), ["one"]);
    // The median is 20 % slower, the interval reaches below.
    assert_eq!(worse(0.199), [""; 0]);
}

#[test]
fn what_differs_between_the_machines_is_said() {
    let old = vec![row("a", "one", 1.0, 0.01)];
    let new = Row {
        processor: Some("Another".to_owned()),
        effort: Some("full".to_owned()),
        ..row("a", "one", 1.1, 0.01)
    };
    let found = compared(old.clone(), vec![new], &Options::default()).warnings;
    assert_eq!(
        found,
        ["the processors differ: A Processor, then Another", "the efforts differ: quick, then full"]
    );
    assert_eq!(
        compared(old.clone(), old.clone(), &Options::default()).warnings,
        ["both sides are the same measurements"]
    );
    let unknown = Row { processor: None, ..row("a", "one", 1.1, 0.01) };
    let found = compared(old, vec![unknown], &Options::default()).warnings;
    assert_eq!(found, ["nothing says which machine made the new side"]);
}

#[test]
fn groups_and_contenders_are_filters() {
    let other = |seconds| Row { contender: Some("other".to_owned()), ..row("a", "one", seconds, 0.01) };
    let side = |seconds| vec![row("a", "one", seconds, 0.01), row("b", "two", seconds, 0.01), other(seconds)];
    let pairs = |only: &[&str], contenders: &[&str]| {
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let options = Options { only: own(only), contenders: own(contenders), ..Options::default() };
        compare(&source("before", side(1.0)), &source("after", side(1.1)), &options)
            .map(|found| found.all.pairs)
    };
    assert_eq!(pairs(&[], &[]).unwrap(), 3);
    assert_eq!(pairs(&[], &["tapwise"]).unwrap(), 2);
    assert_eq!(pairs(&["a"], &["tapwise"]).unwrap(), 1);
    let error = pairs(&["c"], &[]).unwrap_err().to_string();
    assert_eq!(error, "no measurement of the group c, there is a, b");
    assert!(matches!(pairs(&[], &["third"]), Err(Error::Unmeasured { what: "contender", .. })));
    assert!(matches!(pairs(&["b"], &["other"]), Err(Error::Unpaired { .. })));
}

/// One of everything: a gain, regressions of long names, unknown pairs, one-sided and ambiguous rows.
fn everything() -> Comparison {
    let names: Vec<String> =
        (0..60).map(|index| format!("h{index}w100 c128x128 k3x3 p1,1,1,1 <reflect>")).collect();
    let mut old: Vec<Row> = names.iter().map(|name| row("targets", name, 1e-3, 0.01)).collect();
    let slower = |index: usize| 1e-3 * (0.7 + 0.02 * index as f64);
    let mut new: Vec<Row> =
        names.iter().enumerate().map(|(index, name)| row("targets", name, slower(index), 0.01)).collect();
    let group = "a group with a name of its own";
    for (side, factor) in [(&mut old, 1.0), (&mut new, 1.5)] {
        side.push(Row { rounds_s: Vec::new(), ..row(group, "unknown", factor, 0.0) });
        side.push(row(group, "twice", factor, 0.01));
        side.push(row(group, "twice", factor, 0.01));
    }
    old.extend((0..7).map(|index| row(group, &format!("gone {index}"), 1.0, 0.01)));
    new.push(row(group, "come", 1.0, 0.01));
    compared(old, new, &Options::default())
}

#[test]
fn the_text_fits_80_columns_and_folds() {
    let found = everything();
    let [short, long] = [false, true].map(|all| text::text(&found, all));
    for text in [&short, &long] {
        assert!(text.lines().all(|line| line.chars().count() <= 80 && !line.ends_with(' ')), "{text}");
        for said in ["1 only in new", "1 several times on a side", "twice", "come", "1 unknown, 1 differ"] {
            assert!(text.contains(said), "{said}: {text}");
        }
    }
    assert!(short.contains("7 only in old (--all names them)") && !short.contains("gone 3"));
    assert!(long.contains("gone 3"));
    let hidden = found.all.regressions - 20;
    assert!(hidden > 5 && short.contains(&format!("and {hidden} more (--all)\n")));
    assert!(long.lines().count() > short.lines().count() + hidden);
}

#[test]
fn pages_have_every_pair() {
    let found = everything();
    let html = crate::report::comparison::html(&found).unwrap();
    assert_eq!(html.matches("<svg").count(), 2);
    assert!(html.contains("aria-label=\"Speed of new over old") && html.contains("&lt;reflect&gt;"));
    assert!(!html.contains("<reflect>"));
    for change in &found.changes {
        assert!(html.matches(&change.key.shape.replace('<', "&lt;").replace('>', "&gt;")).count() >= 1);
    }
    let markdown = crate::report::comparison::markdown(&found);
    assert!(markdown.starts_with("# Before and after\n") && !markdown.contains(".svg"));
    assert!(markdown.contains("| targets | 60 |"));
}

#[test]
fn programs_read_what_people_read() {
    let found = everything();
    let json: serde_json::Value = serde_json::to_value(&found).unwrap();
    assert_eq!(json["all"]["pairs"], 61);
    assert_eq!(json["changes"].as_array().unwrap().len(), 61);
    assert_eq!(json["changes"][0]["verdict"], "gain");
    assert_eq!(json["changes"][0]["shape"], found.changes[0].key.shape);
    assert!(json["changes"][60]["interval"].is_null());
    assert_eq!(json["ambiguous"][0]["old"], 2);
}
