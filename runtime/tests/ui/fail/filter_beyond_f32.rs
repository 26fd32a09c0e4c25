#[tapwise::filter2d]
pub const BLUR: [[f32; 2]; 1] = [[1.0, -1e30 * 1e10]];

fn main() {}
