#[tapwise::filter2d]
pub const BLUR: [[f32; 2]; 1] = [[1.0, f32::sqrt(2.0)]];

fn main() {}
