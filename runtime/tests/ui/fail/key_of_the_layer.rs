#[tapwise::conv2d(delta = 1, c_in = 3, c_out = 16, padding = 1)]
struct Layer;

fn main() {}
