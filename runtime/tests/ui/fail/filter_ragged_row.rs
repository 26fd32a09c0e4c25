#[tapwise::filter2d]
pub const BLUR: [[f32; 3]; 3] = [[1.0, 2.0, 1.0], [2.0, 4.0], [1.0, 2.0, 1.0]];

fn main() {}
