#[tapwise::filter2d]
pub const SHARP: _ = identity.scaled(2.0).minus(gaussian(sigma = 1.5, radius = 4));

fn main() {}
