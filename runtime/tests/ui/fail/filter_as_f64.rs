#[tapwise::filter2d]
pub const BLUR: [[f32; 2]; 1] = [[1.0 as f64, 1.0]];

fn main() {}
