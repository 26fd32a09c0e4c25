#[tapwise::conv2d(delta = 1, c_in = 4, c_out = 16, groups = 0)]
struct Layer;

fn main() {}
