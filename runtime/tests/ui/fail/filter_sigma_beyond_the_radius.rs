#[tapwise::filter2d]
pub const BLUR: _ = gaussian(sigma = 20.0);

fn main() {}
