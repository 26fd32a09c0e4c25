#[tapwise::filter2d]
pub const BLUR: [[f32; 2]; 1] = [[1.0, 1e-46]];

fn main() {}
