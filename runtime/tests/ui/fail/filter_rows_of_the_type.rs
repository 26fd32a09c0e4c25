#[tapwise::filter2d]
pub const SOBEL: [[f32; 3]; 5] = sobel_x;

fn main() {}
