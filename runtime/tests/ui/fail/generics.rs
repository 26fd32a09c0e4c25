#[tapwise::conv2d(delta = 1, c_in = 3, c_out = 16)]
struct Layer<const N: usize>;

fn main() {}
