#[tapwise::conv2d(kernel = [3, 3, 3], c_in = 3, c_out = 16)]
struct Layer;

fn main() {}
