#[tapwise::filter2d]
pub const EDGES: _ = sobel;

fn main() {}
