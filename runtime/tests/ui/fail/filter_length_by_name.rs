const N: usize = 3;

#[tapwise::filter2d]
pub const SOBEL: [[f32; N]; 3] = sobel_x;

fn main() {}
