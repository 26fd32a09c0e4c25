use super::*;
use crate::layers::measure::Sibling;

fn plan(shape: &str, strategy: &str) -> Plan {
    Plan {
        shape: shape.to_owned(),
        strategy: strategy.to_owned(),
        kernel: "channels-out-runtime".to_owned(),
        schedule: None,
        compiled: false,
        unspecializable: None,
        sibling: None,
        inexact: None,
        pieces: 2,
        absent: Vec::new(),
    }
}

fn layer(name: &str, shape: &str, count: usize) -> Layer {
    Layer { name: name.to_owned(), net: "net".to_owned(), shape: shape.parse().unwrap(), count }
}

fn record(shape: &str, strategy: &str, seconds: f64) -> Record {
    Record {
        shape: shape.to_owned(),
        group: group::SHAPES.to_owned(),
        contender: "tapwise".to_owned(),
        strategy: strategy.to_owned(),
        kernel: "a_kernel".to_owned(),
        isa: "portable".to_owned(),
        threads: 1,
        median_s: seconds,
        min_s: seconds,
        samples: 5,
        rounds: vec![0.99, 1.0, 1.0, 1.0, 1.01],
        gflops: 50.0,
        peak_gflops: 100.0,
        fraction_of_peak: 0.5,
        max_error: 1e-6,
        checked: "all 9 outputs".to_owned(),
        slowed: false,
        command: "tapwise report".to_owned(),
    }
}

const A: &str = "h8w8 c5x6 k3x3";
const B: &str = "h8w8 c7x8 k3x3";

/// Two layers of shape A and one of B, each with a plan and records.
fn findings(plans: Vec<Plan>) -> Findings {
    let layers = vec![layer("a", A, 2), layer("b", B, 1)];
    Findings { file: "net.onnx".to_owned(), threads: 2, layers, unserved: Vec::new(), plans }
}

#[test]
fn time_is_counted_as_often_as_there_are_layers() {
    let found = findings(vec![plan(A, "direct"), plan(B, "direct")]);
    let records = [record(A, "auto", 1.0), record(B, "auto", 6.0), record(B, "direct", 5.9)];
    let nets = nets(&found, &records);
    let [net] = &nets[..] else { panic!("{nets:?}") };
    assert_eq!((net.name, net.layers(), net.seconds), ("net", 3, 8.0));
    let shares: Vec<(&str, f64)> = net.rows.iter().map(|row| (row.layer.name.as_str(), row.share)).collect();
    assert_eq!(shares, [("b", 0.75), ("a", 0.25)]);
    assert_eq!(net.of_peak, 0.5);
}

#[test]
fn a_kernel_is_wanted_where_a_sibling_gains_or_nothing_tells() {
    let sibling = |gain: f64| {
        let interval = Interval { low: gain - 0.01, high: gain + 0.01 };
        Some(Sibling { shape: "h8w8 c8x8 k3x3".to_owned(), gain, interval: Some(interval) })
    };
    let advise = |strategy: &str, sibling: Option<Sibling>| {
        let found = findings(vec![Plan { sibling, ..plan(A, strategy) }, plan(B, "winograd")]);
        let records = [("auto", 1.0), ("direct", 1.0)].map(|(own, seconds)| record(A, own, seconds));
        let nets = nets(&found, &records);
        let advice = advice(&nets, 2, NOISE);
        let gains: Vec<Option<f64>> = advice.wanted.iter().map(|own| own.gain).collect();
        (gains, advice.pointless, advice.untold, advice.expected)
    };
    assert_eq!(advise("direct", sibling(1.25)), (vec![Some(1.25)], 0, 0, Some([2.0, 1.6])));
    assert_eq!(advise("direct", sibling(1.02)), (vec![], 2, 0, None));
    assert_eq!(advise("direct", None), (vec![None], 0, 1, None));
    // Nothing tells whether it would win against another algorithm.
    assert_eq!(advise("winograd", None), (vec![], 0, 0, None));
}

#[test]
fn a_kernel_must_win_against_what_runs_not_against_the_direct_sum() {
    let interval = Some(Interval { low: 1.49, high: 1.51 });
    let sibling = Some(Sibling { shape: B.to_owned(), gain: 1.5, interval });
    let found = findings(vec![Plan { sibling, ..plan(A, "winograd") }]);
    let pointless = |direct: f64| {
        let records = [record(A, "auto", 1.0), record(A, "winograd", 1.0), record(A, "direct", direct)];
        advice(&nets(&found, &records), 2, NOISE).pointless
    };
    assert_eq!(pointless(2.0), 2);
    assert_eq!(pointless(1.2), 0);
}

#[test]
fn kernels_of_this_program_are_wanted_in_others_where_they_were_faster() {
    let found = findings(vec![Plan { compiled: true, ..plan(A, "specialized") }]);
    let records = [("auto", 1.0), ("specialized", 1.0), ("direct", 1.5), ("im2col-gemm", 4.0)]
        .map(|(own, seconds)| record(A, own, seconds));
    let networks = nets(&found, &records);
    let found_advice = advice(&networks, 2, NOISE);
    assert_eq!((found_advice.compiled, found_advice.untold), (1, 0));
    assert_eq!(found_advice.wanted[0].gain, Some(1.5));
    // Measured with the kernels: without them it would be more.
    assert_eq!(found_advice.expected, Some([3.0, 2.0]));
    let slower =
        [("auto", 1.0), ("specialized", 1.0), ("direct", 1.0)].map(|(own, seconds)| record(A, own, seconds));
    assert!(advice(&nets(&found, &slower), 2, NOISE).wanted.is_empty());
}

#[test]
fn sizes_of_one_geometry_are_one_kernel() {
    let other = "h16w16 c5x6 k3x3";
    let mut found = findings(vec![plan(A, "direct"), plan(other, "direct")]);
    found.layers.push(layer("c", other, 1));
    let records = [A, other].map(|shape| [record(shape, "auto", 1.0), record(shape, "direct", 1.0)]).concat();
    let networks = nets(&found, &records);
    let found_advice = advice(&networks, 2, NOISE);
    let [wanted] = &found_advice.wanted[..] else { panic!("{found_advice:?}") };
    assert_eq!(wanted.layers, 3);
    assert!((wanted.share - 1.0).abs() < 1e-12);
    assert!(found_advice.block().unwrap().0.contains("{ kernel: [3, 3], c_in: 5, c_out: 6 }"));
}

#[test]
fn a_faster_strategy_is_named_where_noise_cannot_be_the_reason() {
    let found = findings(vec![plan(A, "winograd")]);
    let steps = |direct: f64, noise: f64| {
        let records = [record(A, "auto", 1.0), record(A, "winograd", 1.01), record(A, "direct", direct)];
        let networks = nets(&found, &records);
        advice(&networks, 2, noise).steps.into_iter().filter(|own| matches!(own.2, Step::Ask { .. })).count()
    };
    assert_eq!(steps(0.8, NOISE), 1);
    assert_eq!(steps(0.98, NOISE), 0);
    assert_eq!(steps(0.8, 0.5), 0);
    // The choice measured a second time is no other strategy.
    let records = [record(A, "auto", 1.0), record(A, "winograd", 0.7), record(A, "direct", 0.8)];
    assert!(advice(&nets(&found, &records), 2, NOISE).steps.is_empty());
}

#[test]
fn the_tolerance_small_layers_and_the_limits_of_the_macro_are_said() {
    let inexact =
        Inexact { strategy: "winograd".to_owned(), kernel: "winograd".to_owned(), error: 1e-4, gain: 1.3 };
    let limit = "`specialize!` takes a kernel of at most 127".to_owned();
    let own = Plan { inexact: Some(inexact), unspecializable: Some(limit), pieces: 1, ..plan(A, "direct") };
    let found = findings(vec![own]);
    let records = [record(A, "auto", 1.0), record(A, "direct", 1.0)];
    let networks = nets(&found, &records);
    let found_advice = advice(&networks, 2, NOISE);
    assert!(matches!(found_advice.steps[..], [(_, _, Step::Tolerate(own))] if own.gain == 1.3));
    assert_eq!((found_advice.impossible.len(), found_advice.wanted.len()), (1, 0));
    assert_eq!(found_advice.alone, Some((2, 1.0)));
    assert_eq!(advice(&networks, 1, NOISE).alone, None);
}
