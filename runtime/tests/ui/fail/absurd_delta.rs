#[tapwise::conv2d(delta = 1_000_000, c_in = 3, c_out = 16)]
struct Layer;

fn main() {}
