#![allow(missing_docs, clippy::all)]
use serde::Deserialize;
use std::sync::Arc;
use tapwise::cost::*;
use tapwise::tuning::Model;
use tapwise::*;
#[path = "../../bench-suite/src/tuning/fit.rs"]
mod fit;
mod reference { pub struct Noise; }
#[derive(Deserialize, Clone)]
struct Cand { strategy: String, kernel: String, measured: Option<f64>, chosen: bool, exact: bool }
#[derive(Deserialize, Clone)]
struct Sample { shape: String, threads: usize, candidates: Vec<Cand> }
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let samples: Vec<Sample> = serde_json::from_str(&std::fs::read_to_string(&a[1]).unwrap()).unwrap();
    let isa = Isa::selected().unwrap();
    let start = Costs::shipped(isa);
    let feats = |planner: &Planner, s: &Sample| {
        let shape: Shape = s.shape.parse().unwrap();
        let m = Machine { threads: s.threads, ..Machine::detect(isa) };
        planner.choose(&shape.spec, shape.input, &m).unwrap()
    };
    // passes: bands depend on the costs
    let mut planner = Planner::default();
    let mut costs = start;
    // hash split
    let half = |s: &Sample| s.shape.bytes().fold(7u32, |h, b| h.wrapping_mul(31).wrapping_add(b as u32)) % 2 == 0;
    for _ in 0..3 {
        let mut rows = vec![];
        for s in samples.iter().filter(|s| half(s)) {
            let plan = feats(&planner, s);
            for c in &s.candidates {
                let Some(t) = c.measured else { continue };
                let Some(p) = plan.candidates.iter().find(|p| p.strategy.name() == c.strategy && p.kernel == c.kernel) else { continue };
                rows.push((p.features, t));
            }
        }
        costs = fit::fit(&rows, &start);
        println!("rows {} errors {:?}", rows.len(), fit::errors(&rows, &costs));
        planner = Planner { model: Model::tuned(isa, costs, "x"), ..Planner::default() };
    }
    for t in Term::ALL { println!("{:<20} {:.5}", t.key(), costs.get(t)); }
    for threads in [1, 2] {
    let mut reg = vec![];
    let mut fam: std::collections::BTreeMap<String, Vec<f64>> = Default::default();
    let mut lines = vec![];
    for s in samples.iter().filter(|s| s.threads == threads && !half(s)) {
        let plan = feats(&planner, s);
        let best = s.candidates.iter().filter(|c| c.exact).filter_map(|c| Some((c.measured?, c))).min_by(|a, b| a.0.total_cmp(&b.0));
        for c in &s.candidates {
            let Some(t) = c.measured else { continue };
            if let Some(p) = plan.candidates.iter().find(|p| p.strategy.name() == c.strategy && p.kernel == c.kernel) {
                let key = format!("{}{}", c.strategy, p.family.map_or(String::new(), |f| format!("/{f}")));
                let e = (p.seconds.unwrap() / t).ln();
                fam.entry(key.clone()).or_default().push(e);
                let mut f: Vec<_> = p.features.counted().map(|(t, n)| (n * costs.get(t) * 1e-9 / p.seconds.unwrap(), t)).collect();
                f.sort_by(|a, b| b.0.total_cmp(&a.0));
                let f: Vec<String> = f.iter().take(4).map(|(x, t)| format!("{}:{:.2}", t.key(), x)).collect();
                lines.push((e, format!("{:+.2} {:<44} {:<26} {:>9.1}us pred {:>9.1}us  {} | {}", e, s.shape, key, t * 1e6, p.seconds.unwrap() * 1e6, c.kernel, f.join(" "))));
            }
        }
        let Some((tb, cb)) = best else { continue };
        let Some(ch) = plan.chosen() else { continue };
        let Some(cc) = s.candidates.iter().find(|c| c.strategy == ch.strategy.name() && c.kernel == ch.kernel) else { continue };
        let Some(tc) = cc.measured else { println!("unmeasured choice {} {}", s.shape, ch.kernel); continue };
        reg.push((tc / tb, format!("{:<44} chose {} {} {:.1}us (pred {:.1})  best {} {} {:.1}us (pred {:.1})", s.shape, cc.strategy, cc.kernel, tc * 1e6, ch.seconds.unwrap()*1e6, cb.strategy, cb.kernel, tb * 1e6,
            plan.candidates.iter().find(|p| p.strategy.name() == cb.strategy && p.kernel == cb.kernel).map_or(0.0, |p| p.seconds.unwrap()*1e6))));
    }
    reg.sort_by(|a, b| b.0.total_cmp(&a.0));
    let gm = (reg.iter().map(|r| r.0.ln()).sum::<f64>() / reg.len() as f64).exp();
    println!("== {threads} threads: {} shapes, gm {:.4}", reg.len(), gm);
    for (r, l) in reg.iter().take(25).filter(|r| r.0 > 1.03) { println!("{r:.2} {l}"); }
    for (k, v) in &mut fam {
        v.sort_by(|a, b| a.total_cmp(b));
        let q = |s: f64| v[((v.len() as f64 * s) as usize).min(v.len() - 1)];
        println!("{k:<28} n {:>4}  5% {:+.2} 25% {:+.2} 50% {:+.2} 75% {:+.2} 95% {:+.2}", v.len(), q(0.05), q(0.25), q(0.5), q(0.75), q(0.95));
    }
    lines.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (_, l) in lines.iter().take(30) { println!("{l}"); }
    println!("...");
    for (_, l) in lines.iter().rev().take(30) { println!("{l}"); }
    }
}
