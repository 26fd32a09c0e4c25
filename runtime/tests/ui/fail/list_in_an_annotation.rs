#[tapwise::conv2d(delta = 1, c_in = [16, 32], c_out = 16)]
struct Layer;

fn main() {}
