#[tapwise::conv2d(delta = 1, c_in = , c_out = 16)]
struct Layer;

fn main() {}
