#[tapwise::filter2d]
pub const BLUR: _ = gaussian(sigma = 10.0).then(gaussian(sigma = 10.0));

fn main() {}
