#[tapwise::filter2d]
pub const BLUR: _ = [0.25, 0.5, 0.25];

fn main() {}
