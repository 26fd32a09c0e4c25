#[tapwise::filter2d]
pub const GRADIENT: [[f32; 3]; 3] = [sobel_x, sobel_y];

fn main() {}
