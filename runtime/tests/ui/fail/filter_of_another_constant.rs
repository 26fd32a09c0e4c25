#[tapwise::filter2d]
pub const SOBEL: _ = sobel_x;

#[tapwise::filter2d]
pub const TWICE: _ = SOBEL.then(sobel_x);

fn main() {}
