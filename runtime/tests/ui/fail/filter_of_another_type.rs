#[tapwise::filter2d]
pub const BLUR: &[f32] = [[0.5, 0.5]];

fn main() {}
