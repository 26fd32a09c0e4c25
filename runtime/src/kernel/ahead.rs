//! What tiles ask for ahead of its use.
//!
//! The weights of a layer that are more than the near caches hold arrive from far away, and slowly: the first tiles
//! that pass over a panel would wait for all of it, and those after them for nothing. So they ask for the next
//! panel while they multiply by their own, a line of it now and then.

/// Weights that tiles ask for while they multiply by those before: the first tiles that pass over a panel ask
/// for the next one, a part each, and the others for nothing.
#[derive(Debug, Clone, Copy)]
pub struct Ahead<'t> {
    /// The weights that follow the panel.
    pub weights: &'t [f32],
    /// The first number that a tile asks for.
    pub from: usize,
    /// Numbers that a step of a tile moves on by; 0 where it asks for nothing.
    pub step: usize,
    /// Numbers that a tile moves on by.
    share: usize,
    /// Numbers that are asked for in all.
    end: usize,
}

impl<'t> Ahead<'t> {
    /// For tiles that pass `passes` times over a panel of so many steps, each of so many numbers: for as much of
    /// what follows.
    #[inline(always)]
    #[must_use]
    pub fn new(weights: &'t [f32], passes: usize, [steps, numbers]: [usize; 2]) -> Self {
        /// Numbers of a cache line.
        const LINE: usize = 16;
        let end = weights.len().min(steps * numbers);
        // Evenly over the tiles, but for no less than half of a line in a step: asking twice for it is enough.
        let step = numbers.div_ceil(passes.max(1)).clamp(LINE / 2, LINE);
        Ahead { weights, from: 0, step: if end > 0 { step } else { 0 }, share: steps * step, end }
    }

    /// What the next tile asks for.
    #[inline(always)]
    #[must_use]
    pub fn next(self) -> Self {
        let from = self.from + self.share;
        Ahead { from, step: if from < self.end { self.step } else { 0 }, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_ask_for_all_of_the_next_panel_and_for_little_twice() {
        let weights = vec![0.0; 10_000];
        // Steps of a panel, numbers of one, and tiles that pass over the panel.
        for (steps, numbers, passes) in [(100, 32, 7), (100, 64, 5), (27, 96, 7), (100, 64, 100), (50, 16, 2)]
        {
            let mut ahead = Ahead::new(&weights, passes, [steps, numbers]);
            let mut asked = vec![0; steps * numbers];
            for _ in 0..passes {
                (0..steps).map(|step| ahead.from + step * ahead.step).for_each(|at| {
                    if let Some(times) = asked.get_mut(at / 16 * 16).filter(|_| ahead.step > 0) {
                        *times += 1;
                    }
                });
                ahead = ahead.next();
            }
            let lines: Vec<i32> = asked.into_iter().step_by(16).collect();
            assert!(
                lines.iter().all(|times| (1..=3).contains(times)),
                "{steps} {numbers} {passes}: {lines:?}"
            );
        }
    }

    #[test]
    fn nothing_is_asked_for_where_nothing_follows() {
        assert_eq!(Ahead::new(&[], 7, [100, 32]).step, 0);
        // Too few tiles ask for as much as they have steps.
        let few = Ahead::new(&[0.0; 6400], 1, [100, 64]);
        assert_eq!((few.step, few.next().from), (16, 1600));
    }
}
