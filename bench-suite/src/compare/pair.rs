//! Which measurement of the new side belongs to which of the old.

use std::collections::HashMap;

use serde::Serialize;

use super::timing::{Key, Timing};

/// A key that both sides have, and at least one of them more than once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ambiguous {
    /// The key.
    #[serde(flatten)]
    pub key: Key,
    /// Measurements of it on the old side that no kernel pairs.
    pub old: usize,
    /// Such measurements on the new side.
    pub new: usize,
}

/// Two sides, sorted out.
#[derive(Debug, Clone, PartialEq)]
pub struct Matched {
    /// Before and after of one thing.
    pub pairs: Vec<(Timing, Timing)>,
    /// What only the old side has.
    pub only_old: Vec<Key>,
    /// What only the new side has.
    pub only_new: Vec<Key>,
    /// What cannot be told apart.
    pub ambiguous: Vec<Ambiguous>,
    /// Parts of the key that one side does not know, so that they tell nothing apart.
    pub left_out: Vec<&'static str>,
}

/// Pairs what has the same key. Where a side has a key once and the other once, they belong together whatever
/// kernel ran; else the kernels tell which, as for the tiles of Winograd's algorithm.
#[must_use]
pub fn pair(mut old: Vec<Timing>, mut new: Vec<Timing>) -> Matched {
    let left_out = leave_out(&mut old, &mut new);
    let mut order = Vec::new();
    let mut found: HashMap<Key, [Vec<Timing>; 2]> = HashMap::new();
    for (side, timings) in [old, new].into_iter().enumerate() {
        for timing in timings {
            let both = found.entry(timing.key.clone()).or_insert_with(|| {
                order.push(timing.key.clone());
                [Vec::new(), Vec::new()]
            });
            both[side].push(timing);
        }
    }
    let mut matched = Matched {
        pairs: Vec::new(),
        only_old: Vec::new(),
        only_new: Vec::new(),
        ambiguous: Vec::new(),
        left_out,
    };
    for key in order {
        if let Some([old, new]) = found.remove(&key) {
            sort_out(key, old, new, &mut matched);
        }
    }
    matched
}

/// The measurements of one key.
fn sort_out(key: Key, old: Vec<Timing>, new: Vec<Timing>, matched: &mut Matched) {
    if old.len() <= 1 && new.len() <= 1 {
        match (old.into_iter().next(), new.into_iter().next()) {
            (Some(old), Some(new)) => matched.pairs.push((old, new)),
            (Some(_), None) => matched.only_old.push(key),
            (None, _) => matched.only_new.push(key),
        }
        return;
    }
    let mut rest = [Vec::new(), Vec::new()];
    for kernel in kernels(&old, &new) {
        let own = |side: &[Timing]| -> Vec<Timing> {
            let own = side.iter().filter(|timing| timing.kernel == kernel).cloned();
            own.map(|timing| Timing { key: Key { kernel: kernel.clone(), ..key.clone() }, ..timing })
                .collect()
        };
        let (before, after) = (own(&old), own(&new));
        if let ([before], [after]) = (before.as_slice(), after.as_slice()) {
            matched.pairs.push((before.clone(), after.clone()));
        } else {
            rest[0].extend(before);
            rest[1].extend(after);
        }
    }
    let [old, new] = rest;
    if old.is_empty() || new.is_empty() {
        matched.only_old.extend(old.into_iter().map(|timing| timing.key));
        matched.only_new.extend(new.into_iter().map(|timing| timing.key));
    } else {
        matched.ambiguous.push(Ambiguous { key, old: old.len(), new: new.len() });
    }
}

/// Every kernel of either side, once.
fn kernels(old: &[Timing], new: &[Timing]) -> Vec<Option<String>> {
    let mut kernels: Vec<Option<String>> = Vec::new();
    for timing in old.iter().chain(new) {
        if !kernels.contains(&timing.kernel) {
            kernels.push(timing.kernel.clone());
        }
    }
    kernels
}

/// Takes from every key the parts that some measurement does not know: criterion knows neither contenders
/// nor threads. Says which, where others know them.
fn leave_out(old: &mut [Timing], new: &mut [Timing]) -> Vec<&'static str> {
    type Part = (&'static str, fn(&Key) -> bool, fn(&mut Key));
    let parts: [Part; 3] = [
        ("contender", |key| key.contender.is_some(), |key| key.contender = None),
        ("instruction set", |key| key.isa.is_some(), |key| key.isa = None),
        ("threads", |key| key.threads.is_some(), |key| key.threads = None),
    ];
    let mut left_out = Vec::new();
    for (name, known, forget) in parts {
        let all = || old.iter().chain(new.iter());
        if all().all(|timing| known(&timing.key)) || !all().any(|timing| known(&timing.key)) {
            continue;
        }
        left_out.push(name);
        old.iter_mut().chain(new.iter_mut()).for_each(|timing| forget(&mut timing.key));
    }
    left_out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timing(shape: &str, kernel: &str, threads: Option<usize>) -> Timing {
        let key = Key {
            group: "regret".to_owned(),
            shape: shape.to_owned(),
            contender: Some("tapwise".to_owned()),
            strategy: "winograd".to_owned(),
            isa: Some("avx2".to_owned()),
            threads,
            kernel: None,
        };
        Timing {
            key,
            kernel: Some(kernel.to_owned()),
            median_s: 1.0,
            noise: None,
            slowed: false,
            cost: 1.0,
            rounds: Vec::new(),
        }
    }

    fn one(shape: &str, kernel: &str) -> Timing {
        timing(shape, kernel, Some(1))
    }

    #[test]
    fn one_of_a_key_on_either_side_is_a_pair_whatever_ran() {
        let found = pair(vec![one("a", "tile 4"), one("b", "x")], vec![one("c", "x"), one("a", "tile 6")]);
        assert_eq!(found.pairs.len(), 1);
        assert_eq!(found.pairs[0].1.kernel.as_deref(), Some("tile 6"));
        assert_eq!(found.pairs[0].0.key.kernel, None);
        assert_eq!((found.only_old[0].shape.as_str(), found.only_new[0].shape.as_str()), ("b", "c"));
        assert!(found.ambiguous.is_empty() && found.left_out.is_empty());
    }

    #[test]
    fn kernels_tell_several_of_a_key_apart() {
        let found =
            pair(vec![one("a", "f2"), one("a", "f4")], vec![one("a", "f4"), one("a", "f2"), one("a", "f6")]);
        let kernels: Vec<_> = found.pairs.iter().map(|(old, new)| (&old.kernel, &new.kernel)).collect();
        assert!(kernels.len() == 2 && kernels.iter().all(|(old, new)| old == new), "{kernels:?}");
        assert_eq!(found.pairs[0].0.key.kernel.as_deref(), Some("f2"));
        assert_eq!(found.only_new[0].kernel.as_deref(), Some("f6"));
    }

    #[test]
    fn what_cannot_be_told_apart_is_said() {
        let found = pair(vec![one("a", "f2"), one("a", "f2")], vec![one("a", "f2")]);
        assert!(found.pairs.is_empty() && found.only_old.is_empty() && found.only_new.is_empty());
        assert_eq!((found.ambiguous[0].old, found.ambiguous[0].new), (2, 1));
        // Twice on one side only is no riddle.
        let found = pair(vec![one("a", "f2"), one("a", "f2")], vec![one("b", "f2")]);
        assert_eq!((found.only_old.len(), found.only_new.len(), found.ambiguous.len()), (2, 1, 0));
    }

    #[test]
    fn what_one_side_does_not_know_tells_nothing_apart() {
        let found = pair(vec![one("a", "x")], vec![timing("a", "x", None)]);
        assert_eq!((found.pairs.len(), found.left_out), (1, vec!["threads"]));
        let found = pair(vec![timing("a", "x", None)], vec![timing("a", "x", None)]);
        assert_eq!((found.pairs.len(), found.left_out.len()), (1, 0));
    }
}
