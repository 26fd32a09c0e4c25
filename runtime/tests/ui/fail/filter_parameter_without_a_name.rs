#[tapwise::filter2d]
pub const BLUR: _ = gaussian(1.5);

fn main() {}
