#[tapwise::conv2d(delta = 1, cin = 3, c_out = 16)]
struct Layer;

fn main() {}
