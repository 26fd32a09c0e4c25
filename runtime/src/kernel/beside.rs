//! What kernels find beside rows that are read in place: at each end of a row, the one pixel that the border shows.

use super::tail;

/// Rows for a register tile, what is left of each and what is right of each, and the numbers that padding adds
/// before a row, see [`sides`].
pub type Beside<'t, 'x, const ROWS: usize> =
    (&'t [&'x [f32]; ROWS], &'t [&'x [f32]; ROWS], &'t [&'x [f32]; ROWS], usize);

/// The rows of a table, and where it has them the pixels left and right of each; else the rows again, which
/// hold all that is looked up.
#[inline(always)]
#[must_use]
pub fn sides<'t, 'x>(table: &'t [&'x [f32]], beside: Option<usize>) -> [&'t [&'x [f32]]; 3] {
    if beside.is_none() {
        return [table; 3];
    }
    let mut parts = table.chunks((table.len() / 3).max(1));
    [(); 3].map(|()| parts.next().unwrap_or_default())
}

/// Where the first and the last pixel of a tile begin in each of its rows: in the row, which is padded by `lead`
/// numbers less than `from` counts, or beside it. The last pixel begins `last` numbers after the first, and has
/// `pixel` of them.
#[inline(always)]
#[must_use]
pub fn ends<'x, const ROWS: usize>(
    (rows, left, right, lead): Beside<'_, 'x, ROWS>,
    from: usize,
    [last, pixel]: [usize; 2],
) -> [[&'x [f32]; 2]; ROWS] {
    let mut ends = [[&[][..]; 2]; ROWS];
    let at = (from + last).saturating_sub(lead);
    for (((ends, row), left), right) in ends.iter_mut().zip(rows).zip(left).zip(right) {
        let first = if from >= lead { tail(row, from - lead) } else { *left };
        *ends = [first, if at + pixel <= row.len() { tail(row, at) } else { *right }];
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pixels of two numbers at the ends of a tile of three columns, of a row of three pixels.
    fn found(lead: usize, from: usize) -> [[f32; 2]; 2] {
        let (row, left, right) = ([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [-2.0, -1.0], [6.0, 7.0]);
        let rows: [&[f32]; 1] = [&row];
        let ends = ends((&rows, &[&left[..]], &[&right[..]], lead), from, [4, 2]);
        ends[0].map(|end| *end.first_chunk().unwrap())
    }

    #[test]
    fn ends_of_tiles_are_in_the_row_or_beside_it() {
        // One pixel of padding before the row: tiles that begin with it, inside, and that end beyond.
        assert_eq!(found(2, 0), [[-2.0, -1.0], [2.0, 3.0]]);
        assert_eq!(found(2, 2), [[0.0, 1.0], [4.0, 5.0]]);
        assert_eq!(found(2, 4), [[2.0, 3.0], [6.0, 7.0]]);
        // None before it.
        assert_eq!(found(0, 0), [[0.0, 1.0], [4.0, 5.0]]);
        assert_eq!(found(0, 2), [[2.0, 3.0], [6.0, 7.0]]);
    }

    #[test]
    fn a_table_is_parted_where_sides_stand_behind_its_rows() {
        let numbers: Vec<[f32; 1]> = (0..6).map(|number| [number as f32]).collect();
        let table: Vec<&[f32]> = numbers.iter().map(|number| &number[..]).collect();
        assert_eq!(sides(&table, Some(1)), [&table[..2], &table[2..4], &table[4..]]);
        assert_eq!(sides(&table, None), [&table[..]; 3]);
        assert_eq!(sides(&[], Some(0)), [&[] as &[&[f32]]; 3]);
    }
}
