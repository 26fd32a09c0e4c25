#[tapwise::conv2d(delta = 0.5, c_in = 0, cout = 3, c_out = 4)]
struct Layer;

fn main() {}
