#[tapwise::filter2d]
pub const EDGES: _ = gaussian(sigma = 1.5).filter(laplacian);

fn main() {}
