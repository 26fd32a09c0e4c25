//! `‖X − X̄‖²` of every patch of a picture, from exact sums that run along.

use image::RgbImage;

/// The sums of red, green and blue, and of all their squares.
type Sums = [u64; 4];

/// The spreads of the patches of one size, row of patches by row of patches.
///
/// A column of sums covers the rows of the patch; from one row of patches to the next, a row of
/// pixels enters it and another leaves. The sums are of whole numbers and exact.
#[derive(Debug)]
pub(super) struct Spreads<'p> {
    pixels: &'p [u8],
    width: usize,
    size: [usize; 2],
    /// For each column of pixels, the sums over the rows of the patch.
    columns: Vec<Sums>,
    /// The row of patches that comes next.
    next: usize,
    /// Whether `columns` covers any rows yet.
    begun: bool,
}

impl<'p> Spreads<'p> {
    /// Patches of `[rows, columns]` pixels, beginning with those whose upper row is `first`.
    pub(super) fn new(picture: &'p RgbImage, size: [usize; 2], first: usize) -> Self {
        let width = picture.width() as usize;
        Spreads {
            pixels: picture.as_raw(),
            width,
            size,
            columns: vec![[0; 4]; width],
            next: first,
            begun: false,
        }
    }

    /// Calls `each` with every patch of the next row: its left column, and its spread in squares of
    /// grey levels. Nothing where the picture has no such row.
    pub(super) fn next_row(&mut self, mut each: impl FnMut(usize, f64)) {
        let [rows, columns] = self.size;
        if self.begun {
            self.change(self.next - 1, u64::wrapping_sub);
            self.change(self.next + rows - 1, u64::wrapping_add);
        } else {
            (self.next..self.next + rows).for_each(|row| self.change(row, u64::wrapping_add));
            self.begun = true;
        }
        self.next += 1;
        let count = (rows * columns) as f64;
        let mut sums = [0u64; 4];
        for (column, entering) in self.columns.iter().enumerate() {
            for (sum, entering) in sums.iter_mut().zip(entering) {
                *sum += entering;
            }
            let Some(left) = (column + 1).checked_sub(columns) else { continue };
            let [red, green, blue, squares] = sums.map(|sum| sum as f64);
            each(left, (squares - (red * red + green * green + blue * blue) / count).max(0.0));
            for (sum, leaving) in sums.iter_mut().zip(&self.columns[left]) {
                *sum -= leaving;
            }
        }
    }

    /// Lets a row of pixels enter the columns, or leave them.
    fn change(&mut self, row: usize, with: impl Fn(u64, u64) -> u64) {
        let start = row * self.width * 3;
        let pixels = self.pixels.get(start..start + self.width * 3).unwrap_or_default();
        for (sums, pixel) in self.columns.iter_mut().zip(pixels.chunks_exact(3)) {
            let mut squares = 0;
            for (sum, &level) in sums.iter_mut().zip(pixel) {
                let level = u64::from(level);
                *sum = with(*sum, level);
                squares += level * level;
            }
            sums[3] = with(sums[3], squares);
        }
    }
}
