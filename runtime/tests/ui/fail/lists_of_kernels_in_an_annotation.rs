#[tapwise::conv2d(kernel = [[3, 3], [5, 5]], c_in = 16, c_out = 16)]
struct Layer;

fn main() {}
