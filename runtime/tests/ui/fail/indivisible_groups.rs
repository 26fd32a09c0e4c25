#[tapwise::conv2d(delta = 1, c_in = 6, c_out = 16, groups = 4)]
struct Layer;

fn main() {}
