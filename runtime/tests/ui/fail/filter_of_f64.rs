#[tapwise::filter2d]
pub const BLUR: [[f64; 2]; 1] = [[0.5, 0.5]];

fn main() {}
