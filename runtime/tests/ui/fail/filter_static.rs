#[tapwise::filter2d]
pub static SOBEL: [[f32; 3]; 3] = sobel_x;

fn main() {}
