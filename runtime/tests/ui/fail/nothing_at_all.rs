#[tapwise::conv2d()]
struct Layer;

fn main() {}
