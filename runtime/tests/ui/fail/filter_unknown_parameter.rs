#[tapwise::filter2d]
pub const BLUR: _ = gaussian(sigma = 1.5, size = 9);

fn main() {}
