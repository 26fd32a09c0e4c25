#[tapwise::filter2d]
pub const BLUR: [[f32; 5]; 2] = [[1.0, 2.0, 1.0], [1.0, 2.0, 1.0]];

fn main() {}
