#[tapwise::filter2d]
pub const GRADIENT: [[[f32; 3]; 3]; 2] = sobel_x;

fn main() {}
