#[tapwise::filter2d(tolerance = 2)]
pub const BLUR: _ = mean(3);

fn main() {}
