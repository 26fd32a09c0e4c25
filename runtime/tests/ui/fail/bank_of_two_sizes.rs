#[tapwise::filter2d]
pub const BANK: _ = [sobel_x, gaussian(sigma = 1.0)];

fn main() {}
