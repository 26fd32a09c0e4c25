#[tapwise::conv2d(c_in = 3, c_out = 16)]
struct Layer;

fn main() {}
