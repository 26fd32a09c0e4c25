//! Geometries as the `specialize!` block that compiles kernels for them.

use tapwise::Geometry;

/// Shapes that one `specialize!` may have, and the limits of its fields, as the macro has them.
const MOST_SHAPES: usize = 128;
const MOST_KERNEL: usize = 127;
const MOST_STRIDE: usize = 64;
const MOST_DILATION: usize = 1024;
const MOST_CHANNELS: usize = 65_536;
const MOST_WEIGHTS: usize = 1 << 27;

/// A geometry that is worth a kernel, and what is said of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// What the kernel is for.
    pub geometry: Geometry,
    /// Its part of the whole time.
    pub share: f64,
    /// Layers that have it.
    pub layers: usize,
    /// How many times as fast they are with it, where that is known.
    pub gain: Option<f64>,
    /// Whether that was measured with the kernel itself, not expected from another one.
    pub measured: bool,
}

/// Why `specialize!` takes no such geometry; none where it takes it.
#[must_use]
pub fn refused(geometry: &Geometry) -> Option<String> {
    let Geometry { kernel, stride, dilation, groups, c_in, c_out } = *geometry;
    let limits = [
        ("kernel", kernel[0].max(kernel[1]), MOST_KERNEL),
        ("stride", stride[0].max(stride[1]), MOST_STRIDE),
        ("dilation", dilation[0].max(dilation[1]), MOST_DILATION),
        ("groups", groups, MOST_CHANNELS),
        ("c_in", c_in, MOST_CHANNELS),
        ("c_out", c_out, MOST_CHANNELS),
    ];
    if let Some((name, found, most)) = limits.into_iter().find(|(_, found, most)| found > most) {
        return Some(format!("`specialize!` takes a {name} of at most {most}, and here it is {found}"));
    }
    let weights =
        [kernel[0], kernel[1], c_in / groups.max(1), c_out].into_iter().fold(1usize, usize::saturating_mul);
    (weights > MOST_WEIGHTS)
        .then(|| format!("`specialize!` takes at most {MOST_WEIGHTS} weights, and here there are {weights}"))
}

/// Geometries that differ in their channels alone, and multiply out to just what is wanted.
struct Set<'w> {
    c_in: Vec<usize>,
    c_out: Vec<usize>,
    wanted: Vec<&'w Wanted>,
}

impl Set<'_> {
    fn share(&self) -> f64 {
        self.wanted.iter().map(|own| own.share).sum()
    }

    /// A comment, and the set below it.
    fn lines(&self) -> [String; 2] {
        let layers: usize = self.wanted.iter().map(|own| own.layers).sum();
        let mut comment = format!(
            "    // {} of the time in {layers} layer{}",
            percent(self.share()),
            if layers == 1 { "" } else { "s" }
        );
        let gains: Vec<f64> = self.wanted.iter().filter_map(|own| own.gain).collect();
        let [least, most] =
            [gains.iter().copied().fold(f64::INFINITY, f64::min), gains.iter().copied().fold(0.0, f64::max)];
        if !gains.is_empty() {
            let known = self.wanted.iter().filter(|own| own.gain.is_some());
            let measured = known.filter(|own| own.measured).count();
            let (expected, after) = match measured {
                0 => ("expected ", ""),
                all if all == gains.len() => ("", ", measured"),
                _ => ("", ", in part measured"),
            };
            let range = match [least, most].map(|gain| format!("{gain:.2}")) {
                [least, most] if least == most => least,
                [least, most] => format!("{least} to {most}"),
            };
            comment += &format!("; {expected}{range} times as fast{after}");
        }
        let Some(first) = self.wanted.first() else { return [comment, String::new()] };
        let Geometry { kernel, stride, dilation, groups, .. } = first.geometry;
        let mut line = format!("    {{ kernel: [{}, {}]", kernel[0], kernel[1]);
        for (name, [down, across]) in [("stride", stride), ("dilation", dilation)] {
            match [down, across] {
                [1, 1] => {}
                [down, across] if down == across => line += &format!(", {name}: {down}"),
                [down, across] => line += &format!(", {name}: [{down}, {across}]"),
            }
        }
        if groups != 1 {
            line += &format!(", groups: {groups}");
        }
        for (name, values) in [("c_in", &self.c_in), ("c_out", &self.c_out)] {
            line += &match values.as_slice() {
                [only] => format!(", {name}: {only}"),
                several => format!(", {name}: {several:?}"),
            };
        }
        [comment, line + " }"]
    }
}

fn percent(part: f64) -> String {
    match 100.0 * part {
        part if part >= 9.95 => format!("{part:.0} %"),
        part if part >= 0.1 => format!("{part:.1} %"),
        _ => "less than 0.1 %".to_owned(),
    }
}

/// The block to paste into a program, most of the time first; none where nothing is wanted. Channels are
/// multiplied out where that gives just what is wanted. Geometries beyond what one block may have, those of the
/// least time, are left out: how many is the second value.
#[must_use]
pub fn text(wanted: &[Wanted]) -> Option<(String, usize)> {
    let mut wanted: Vec<&Wanted> = wanted.iter().collect();
    wanted.sort_by(|a, b| b.share.total_cmp(&a.share));
    let left = wanted.len().saturating_sub(MOST_SHAPES);
    wanted.truncate(MOST_SHAPES);
    let mut alike: Vec<Vec<&Wanted>> = Vec::new();
    for own in wanted {
        let channels_apart = |group: &&mut Vec<&Wanted>| {
            group.first().is_some_and(|first| {
                Geometry { c_in: own.geometry.c_in, c_out: own.geometry.c_out, ..first.geometry }
                    == own.geometry
            })
        };
        match alike.iter_mut().find(channels_apart) {
            Some(group) => group.push(own),
            None => alike.push(vec![own]),
        }
    }
    let mut sets: Vec<Set<'_>> = alike.iter().flat_map(|group| multiplied(group)).collect();
    sets.sort_by(|a, b| b.share().total_cmp(&a.share()));
    if sets.is_empty() {
        return None;
    }
    let lines: Vec<String> = sets.iter().flat_map(Set::lines).collect();
    Some((format!("tapwise::specialize! {{\n{}\n}}", lines.join("\n")), left))
}

/// The fewest sets that multiply out to these: by channels in with the same channels out, or the other way.
fn multiplied<'w>(group: &[&'w Wanted]) -> Vec<Set<'w>> {
    let by_inputs = joined(group, |own| own.c_in, |own| own.c_out);
    let by_outputs = joined(group, |own| own.c_out, |own| own.c_in);
    if by_outputs.len() < by_inputs.len() {
        by_outputs.into_iter().map(|(c_out, c_in, wanted)| Set { c_in, c_out, wanted }).collect()
    } else {
        by_inputs.into_iter().map(|(c_in, c_out, wanted)| Set { c_in, c_out, wanted }).collect()
    }
}

type Joined<'w> = (Vec<usize>, Vec<usize>, Vec<&'w Wanted>);

fn joined<'w>(
    group: &[&'w Wanted],
    key: impl Fn(&Geometry) -> usize,
    value: impl Fn(&Geometry) -> usize,
) -> Vec<Joined<'w>> {
    let mut rows: Vec<Joined<'w>> = Vec::new();
    for own in group {
        let (key, value) = (key(&own.geometry), value(&own.geometry));
        match rows.iter_mut().find(|(keys, _, _)| *keys == [key]) {
            Some((_, values, wanted)) => {
                values.push(value);
                values.sort_unstable();
                wanted.push(own);
            }
            None => rows.push((vec![key], vec![value], vec![own])),
        }
    }
    let mut sets: Vec<Joined<'w>> = Vec::new();
    for (keys, values, wanted) in rows {
        match sets.iter_mut().find(|(_, other, _)| *other == values) {
            Some((all, _, other)) => {
                all.extend(keys);
                all.sort_unstable();
                other.extend(wanted);
            }
            None => sets.push((keys, values, wanted)),
        }
    }
    sets
}

#[cfg(test)]
mod tests {
    use tapwise::ConvSpec;

    use super::*;

    fn wanted(c_in: usize, c_out: usize, share: f64, gain: Option<f64>) -> Wanted {
        Wanted {
            geometry: Geometry::of(&ConvSpec::new([3, 3], c_in, c_out)),
            share,
            layers: 1,
            gain,
            measured: gain == Some(2.0),
        }
    }

    #[test]
    fn channels_are_multiplied_out_where_nothing_more_comes_of_it() {
        let stem = ConvSpec { stride: [2, 2], dilation: [1, 2], ..ConvSpec::new([5, 3], 3, 24) };
        let depthwise = ConvSpec { groups: 24, ..ConvSpec::new([3, 3], 24, 24) };
        let of = |spec: &ConvSpec, share| Wanted {
            geometry: Geometry::of(spec),
            share,
            layers: 2,
            gain: None,
            measured: false,
        };
        let all = [
            wanted(16, 16, 0.1, Some(1.5)),
            wanted(16, 32, 0.1, None),
            wanted(32, 32, 0.1, Some(1.25)),
            wanted(32, 16, 0.1, None),
            wanted(7, 16, 0.0002, Some(2.0)),
            of(&stem, 0.3),
            of(&depthwise, 0.05),
        ];
        let (text, left) = text(&all).unwrap();
        assert_eq!(left, 0);
        assert_eq!(
            text,
            "tapwise::specialize! {\n    \
             // 40 % of the time in 4 layers; expected 1.25 to 1.50 times as fast\n    \
             { kernel: [3, 3], c_in: [16, 32], c_out: [16, 32] }\n    \
             // 30 % of the time in 2 layers\n    \
             { kernel: [5, 3], stride: 2, dilation: [1, 2], c_in: 3, c_out: 24 }\n    \
             // 5.0 % of the time in 2 layers\n    \
             { kernel: [3, 3], groups: 24, c_in: 24, c_out: 24 }\n    \
             // less than 0.1 % of the time in 1 layer; 2.00 times as fast, measured\n    \
             { kernel: [3, 3], c_in: 7, c_out: 16 }\n}"
        );
    }

    #[test]
    fn one_side_of_channels_may_be_a_list() {
        let all = [
            wanted(8, 64, 0.4, None),
            wanted(16, 64, 0.3, None),
            wanted(32, 64, 0.1, None),
            wanted(32, 128, 0.1, None),
        ];
        let (text, _) = text(&all).unwrap();
        let sets: Vec<&str> = text.lines().filter(|line| line.contains("kernel")).collect();
        assert_eq!(
            sets,
            [
                "    { kernel: [3, 3], c_in: [8, 16], c_out: 64 }",
                "    { kernel: [3, 3], c_in: 32, c_out: [64, 128] }",
            ]
        );
    }

    #[test]
    fn no_more_than_a_block_may_have() {
        let all: Vec<Wanted> = (1..=140).map(|c_in| wanted(c_in, 8, c_in as f64, None)).collect();
        let (block, left) = text(&all).unwrap();
        assert_eq!(left, 12);
        assert!(block.contains("c_in: [13, 14") && !block.contains("[12, 13"));
        assert_eq!(text(&[]), None);
    }

    #[test]
    fn what_the_macro_refuses_is_not_asked_for() {
        let refuses = |spec: &ConvSpec| refused(&Geometry::of(spec));
        assert_eq!(refuses(&ConvSpec::new([3, 3], 64, 64)), None);
        assert!(refuses(&ConvSpec::new([129, 3], 1, 1)).unwrap().contains("kernel of at most 127"));
        assert!(refuses(&ConvSpec::new([9, 9], 2048, 2048)).unwrap().contains("weights"));
    }
}
