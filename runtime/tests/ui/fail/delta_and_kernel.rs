#[tapwise::conv2d(delta = 1, kernel = [3, 3], c_in = 3, c_out = 16)]
struct Layer;

fn main() {}
