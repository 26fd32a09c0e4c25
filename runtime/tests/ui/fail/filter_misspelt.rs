#[tapwise::filter2d]
pub const BLUR: _ = gausian(sigma = 1.5);

fn main() {}
