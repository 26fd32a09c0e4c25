#[tapwise::filter2d]
pub const BLUR: _ = gaussian(radius = 4);

fn main() {}
