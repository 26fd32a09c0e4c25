#[tapwise::filter2d]
const _: [[f32; 3]; 3] = sobel_x;

fn main() {}
