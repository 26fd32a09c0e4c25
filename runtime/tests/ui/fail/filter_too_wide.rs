#[tapwise::filter2d]
pub const BLUR: _ = [[1.0 / 64.0; 64]; 3];

fn main() {}
