#[tapwise::filter2d(border = 0.0)]
pub const BLUR: _ = mean(3);

fn main() {}
