#[tapwise::filter2d]
pub const BLUR: [[f32; 2]; 1] = [[1.0 / (0.5 - 0.5), 1.0]];

fn main() {}
