//! Peers in processes of their own: what they say, and what becomes of those that are wrong, that
//! crash, or that are not there. A script stands for the library, so that none has to be here.

#![cfg(unix)]

use std::process::Command;
use std::sync::Mutex;

use ndarray::Array4;
use tapwise::{Conv2d, Isa, Shape};
use tapwise_bench::measurement::Pace;
use tapwise_bench::peers::process::Process;
use tapwise_bench::peers::{Failure, Findings, Peer, Task, measure, start};
use tapwise_bench::problems::{Problem, group};
use tapwise_bench::reference::Noise;

const HELLO: &str = r#"echo '{"peer": "Fake", "version": "1"}';"#;

/// A peer that is these lines of a shell.
fn fake(script: &str) -> Process {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{HELLO} {script}")]);
    Process::start(command, "fake").unwrap().unwrap()
}

/// Answers each request by the line that a shell's `case` finds for it.
fn answering(cases: &str) -> Process {
    fake(&format!("while read -r line; do case \"$line\" in {cases} esac; done"))
}

fn shape() -> Shape {
    "h3w3 c1x1 k1x1".parse().unwrap()
}

const PACE: Pace = Pace { rounds: 3, sample: 1e-6, budget: 1.0 };

/// The race of a peer: the contenders of its records, and what was found.
fn raced(peer: Process) -> (Vec<String>, Findings, Vec<String>) {
    let mut findings = Findings::default();
    let said = Mutex::new(Vec::new());
    let mut peers: Vec<Box<dyn Peer>> = vec![Box::new(peer)];
    let problem = Problem { shape: shape(), group: group::PEERS };
    let say = |what: &str| said.lock().unwrap().push(what.to_owned());
    let records = measure(problem, &mut peers, Isa::Portable, PACE, "test", &mut findings, &say).unwrap();
    let names = records.into_iter().map(|record| record.contender).collect();
    (names, findings, said.into_inner().unwrap())
}

/// The shell's way to answer with the right output of [`shape`], or with zeros.
fn answer(right: bool) -> String {
    let mut noise = Noise::new(0x7a9);
    let filter = Array4::from_shape_simple_fn((1, 1, 1, 1), || noise.unit());
    let picture = Array4::from_shape_simple_fn((1, 3, 3, 1), || noise.unit());
    let layer = Conv2d::builder(filter.view()).build().unwrap();
    let output = layer.forward_batch(picture.view()).unwrap();
    let bytes = output.iter().flat_map(|value| if right { value.to_ne_bytes() } else { [0; 4] });
    let octal: String = bytes.map(|byte| format!("\\{byte:03o}")).collect();
    format!(
        r#"*answer*) file=$(echo "$line" | sed 's/.*"output":"\([^"]*\)".*/\1/');
           printf '{octal}' > "$file"; echo '{{"elements": 9}}';;"#
    )
}

const PREPARE: &str = r#"*prepare*) echo '{"forms": ["NCHW"]}';;"#;
const RUN: &str = r#"*run*) echo '{"seconds": 0.001}';;"#;

#[test]
fn a_right_answer_is_timed() {
    let (names, findings, said) = raced(answering(&format!("{PREPARE} {} {RUN}", answer(true))));
    assert_eq!(names, ["tapwise", "Fake"]);
    assert_eq!(findings, Findings::default());
    assert!(said.is_empty(), "{said:?}");
}

#[test]
fn a_wrong_answer_is_refused_before_it_is_timed() {
    // It would end when asked to run.
    let cases = format!("{PREPARE} {} *run*) exit 3;;", answer(false));
    let (names, findings, said) = raced(answering(&cases));
    assert_eq!(names, ["tapwise"]);
    assert_eq!(findings.failed.len(), 1);
    assert!(said[0].contains("Fake: NCHW: refused, its largest error"), "{said:?}");
}

#[test]
fn a_crash_is_a_hole_in_the_table() {
    for cases in [
        "*prepare*) echo no memory >&2; exit 3;;".to_owned(),
        format!("{PREPARE} *answer*) echo no memory >&2; exit 3;;"),
        format!("{PREPARE} {} *run*) echo no memory >&2; exit 3;;", answer(true)),
    ] {
        let (names, findings, said) = raced(answering(&cases));
        assert_eq!(names, ["tapwise"], "{cases}");
        assert_eq!(findings.failed.len(), 1, "{cases}");
        assert!(said[0].contains("its process ended") && said[0].contains("no memory"), "{said:?}");
    }
}

#[test]
fn a_peer_is_started_again_after_a_crash() {
    let (filter, pictures) = (Array4::zeros((1, 1, 1, 1)), Array4::zeros((1, 3, 3, 1)));
    let task = Task { shape: shape(), filter: filter.view(), pictures: pictures.view() };
    let mut peer = answering(&format!("{PREPARE} *) exit 3;;"));
    for _ in 0..3 {
        assert_eq!(peer.prepare(&task).unwrap(), ["NCHW"]);
        assert!(matches!(peer.run("NCHW", 1), Err(Failure::Failed(_))));
    }
    // Not for ever.
    assert!(matches!(peer.prepare(&task), Err(Failure::Cannot(reason)) if reason.contains("3 times")));
}

#[test]
fn a_shape_that_is_not_served_is_not_cried_out() {
    let (names, findings, said) = raced(answering(r#"*) echo '{"cannot": "too small"}';;"#));
    assert_eq!(names, ["tapwise"]);
    assert_eq!(findings.absent[0].reason, "too small");
    assert!(findings.failed.is_empty() && said.is_empty());
}

#[test]
fn nonsense_is_no_reply() {
    for (line, wanted) in [
        ("hello", "no reply"),
        (r#"{"forms": []}"#, "no way to run"),
        (r#"{"error": "it is Monday"}"#, "it is Monday"),
    ] {
        let (_, findings, _) = raced(answering(&format!("*) echo '{line}';;")));
        assert!(findings.failed[0].reason.contains(wanted), "{line}: {findings:?}");
    }
}

#[test]
fn a_report_without_python_says_so_once() {
    let mut findings = Findings::default();
    let said = Mutex::new(Vec::new());
    let nowhere = std::env::temp_dir().join("tapwise-nowhere").join("python");
    for threads in [1, 2] {
        let say = |what: &str| said.lock().unwrap().push(what.to_owned());
        start(&nowhere, threads, &mut findings, &say).unwrap();
    }
    let said = said.into_inner().unwrap();
    // One line for Python, one for the program beside it.
    assert_eq!(said.iter().filter(|what| what.contains("scripts/setup-peers")).count(), 2, "{said:?}");
}

#[test]
fn a_library_that_does_not_start_gives_its_reason() {
    for (script, wanted) in [
        (r#"echo '{"error": "ModuleNotFoundError: no torch"}'"#, "no torch"),
        ("echo bus error >&2; exit 7", "bus error"),
        ("echo '{}'; read -r line", "did not say its name"),
    ] {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let reason = Process::start(command, "fake").unwrap().err().unwrap();
        assert!(reason.contains(wanted), "{script}: {reason}");
    }
    let reason = Process::start(Command::new("/no/such/program"), "fake").unwrap().err().unwrap();
    assert!(reason.contains("cannot start"), "{reason}");
}
