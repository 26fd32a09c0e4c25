#[tapwise::conv2d(delta = 1, c_in = 3, c_out = 99999999999999999999999999)]
struct Layer;

fn main() {}
