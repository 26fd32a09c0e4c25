#[tapwise::filter2d]
pub const BLUR: _ = gaussian(sigma = -1.5);

fn main() {}
