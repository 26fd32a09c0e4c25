//! What generated code says of a filter of bytes to bytes, and the unsafe calls of its passes.

use crate::isa::Isa;
use crate::simd::strips::Taps;

/// How bytes are filtered to bytes.
#[derive(Debug)]
pub enum Bytes {
    /// In 16-bit integers, modulo 2¹⁶: exactly.
    Integers(BytePasses<u16>),
    /// In `f32`.
    Floats(BytePasses<f32>),
    /// A window of weights that are alike: sums of 16 bits run down the columns, and sums of 1, 2, 4.. neighbours of
    /// those, which are the terms, are added along the row.
    Windows(BytePasses<u16>),
}

/// Passes over bytes whose sums are numbers of type `T`.
#[derive(Debug)]
pub struct BytePasses<T: 'static> {
    /// Products of a column and a row that the filter is a sum of, or powers of two of neighbours.
    pub terms: usize,
    /// Predicted cycles for 16 outputs.
    pub cycles: f64,
    /// The passes, for each instruction set that the target can have.
    pub kernels: &'static [ByteKernel<T>],
}

/// Sums down the columns for two rows of output.
#[derive(Debug)]
pub struct ByteColumns<'t, 'x, T> {
    /// A row of the picture for each row of the filter, and the one after.
    pub rows: &'t [&'x [u8]],
    /// A plane for each term: those of the first row of output, which sees the rows from the first on, and
    /// those of the second, which sees them from the second on.
    pub target: &'t mut [T],
    /// Numbers from one plane to the next.
    pub plane: usize,
    /// Where the sums of the first column lie in a plane.
    pub at: usize,
    /// Numbers of a row of the picture.
    pub length: usize,
}

/// Sums along one row of output.
#[derive(Debug)]
pub struct ByteRows<'t, T> {
    /// A plane for each term.
    pub planes: &'t [T],
    /// Numbers from one plane to the next.
    pub plane: usize,
    /// Where the first tap of the first output lies in them.
    pub from: usize,
    /// Numbers from one tap to the next.
    pub step: isize,
    /// The row of output.
    pub output: &'t mut [u8],
    /// Numbers of that row.
    pub length: usize,
}

impl<'t, T> ByteRows<'t, T> {
    /// The sums of a term, or nothing where there is no such plane.
    #[inline(always)]
    #[must_use]
    pub fn term(&self, term: usize) -> Option<&'t [T]> {
        let from = self.plane.checked_mul(term)?;
        self.planes.get(from..)?.get(..self.plane)
    }

    /// The run of a term that lies `tap` taps further on than the first, or nothing where there is no such.
    #[inline(always)]
    #[must_use]
    pub fn part<const LANES: usize>(&self, term: usize, tap: usize) -> Option<Taps<'t, 1, LANES, T>> {
        let further = self.step.checked_mul(isize::try_from(tap).ok()?)?;
        Taps::new(self.term(term)?, self.from.checked_add_signed(further)?, self.step, self.length)
    }
}

/// The passes of a filter of bytes for one instruction set.
#[derive(Debug, Clone, Copy)]
pub struct ByteKernel<T> {
    isa: Isa,
    columns: unsafe fn(&mut ByteColumns<'_, '_, T>),
    rows: unsafe fn(&mut ByteRows<'_, T>),
}

impl<T> ByteKernel<T> {
    /// For generated code.
    ///
    /// # Safety
    /// Neither function may need a target feature but those of `isa`.
    #[doc(hidden)]
    #[must_use]
    pub const unsafe fn new(
        isa: Isa,
        columns: unsafe fn(&mut ByteColumns<'_, '_, T>),
        rows: unsafe fn(&mut ByteRows<'_, T>),
    ) -> Self {
        ByteKernel { isa, columns, rows }
    }
}

impl<T: Copy> BytePasses<T> {
    /// The passes for an instruction set, as something that this machine can run.
    pub(in crate::filter) fn kernel(&self, isa: Isa) -> Option<ByteReady<T>> {
        self.kernels.iter().find(|kernel| kernel.isa == isa && isa.is_available()).copied().map(ByteReady)
    }
}

/// Passes whose instruction set this machine has: possessing them proves it.
#[derive(Debug, Clone, Copy)]
pub(in crate::filter) struct ByteReady<T>(ByteKernel<T>);

impl<T> ByteReady<T> {
    pub(in crate::filter) fn columns(&self, call: &mut ByteColumns<'_, '_, T>) {
        // SAFETY: `ByteKernel::new` was promised that its functions need no feature but those of its
        // instruction set, and a `ByteReady` exists only where the machine has that set.
        unsafe { (self.0.columns)(call) }
    }

    pub(in crate::filter) fn rows(&self, call: &mut ByteRows<'_, T>) {
        // SAFETY: as in `columns`.
        unsafe { (self.0.rows)(call) }
    }
}

/// The byte nearest to `sum / DIVISOR`, of two that are equally near the even one. Sums are numbers of 16 bits
/// with a sign where `SIGNED`; those below zero are 0, what is above 255 is 255.
///
/// With `q = ⌊s/D⌋` the nearest whole number is `⌊(s + ⌈D/2⌉ − 1 + t) / D⌋`, where `t` is the last bit of `q`
/// for even divisors, which have ties, and 0 for odd ones, which have none. `⌊n/D⌋` is a shift by `SHIFT` for
/// powers of two and else `⌊n · FACTOR / 2¹⁶⌋ / 2^SHIFT`, which the macro has tried for every `n` that sums come
/// to.
#[inline(always)]
#[must_use]
pub fn nearest<const SIGNED: bool, const DIVISOR: u16, const FACTOR: u16, const SHIFT: u32>(sum: u16) -> u8 {
    let sum = if SIGNED { sum.cast_signed().max(0).cast_unsigned() } else { sum };
    let divided = |number: u16| {
        if DIVISOR.is_power_of_two() {
            number >> SHIFT
        } else {
            ((u32::from(number) * u32::from(FACTOR)) >> 16) as u16 >> SHIFT
        }
    };
    let nearest = if DIVISOR == 1 {
        sum
    } else {
        let tie = if DIVISOR.is_multiple_of(2) { divided(sum) & 1 } else { 0 };
        divided(sum.wrapping_add(DIVISOR.div_ceil(2) - 1).wrapping_add(tie))
    };
    nearest.min(255) as u8
}

/// The byte nearest to a number, of two that are equally near the even one; what is less than 0 or NaN is 0,
/// what is more than 255 is 255.
#[inline(always)]
#[must_use]
#[expect(clippy::manual_clamp, reason = "`clamp` keeps NaN, which is to become 0")]
pub fn rounded(number: f32) -> u8 {
    /// 1.5 · 2²³: what is added to it is rounded to a whole number, which its last bits are.
    const WHOLE: f32 = 12_582_912.0;
    // `max` gives 0 for NaN.
    (number.max(0.0).min(255.0) + WHOLE).to_bits() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The nearest byte in wide integers.
    fn wanted(sum: i64, divisor: i64) -> u8 {
        let (quotient, twice) = (sum.div_euclid(divisor), 2 * sum.rem_euclid(divisor));
        let up = twice > divisor || twice == divisor && quotient % 2 != 0;
        (quotient + i64::from(up)).clamp(0, 255) as u8
    }

    /// Every sum that a filter of bytes with these weights can have.
    fn try_all<const SIGNED: bool, const DIVISOR: u16, const FACTOR: u16, const SHIFT: u32>(
        least: i64,
        most: i64,
    ) {
        for sum in least..=most {
            let found = nearest::<SIGNED, DIVISOR, FACTOR, SHIFT>(sum as u16);
            assert_eq!(found, wanted(sum, i64::from(DIVISOR)), "{sum} / {DIVISOR}");
        }
    }

    #[test]
    fn every_sum_gives_its_nearest_byte() {
        try_all::<true, 1, 0, 0>(-0x8000, 0x7fff);
        try_all::<false, 1, 0, 0>(0, 0xffff);
        try_all::<true, 2, 0, 1>(-0x8000, 0x7fff);
        try_all::<false, 16, 0, 4>(0, 16 * 255);
        try_all::<false, 256, 0, 8>(0, 256 * 255);
        // Windows of 9, 25 and 36 weights, the last with ties.
        try_all::<false, 9, 7282, 0>(0, 9 * 255);
        try_all::<false, 25, 20972, 3>(0, 25 * 255);
        try_all::<false, 36, 58255, 5>(0, 36 * 255);
        try_all::<true, 6, 43691, 2>(-0x8000, 0x7ffc);
    }
}
