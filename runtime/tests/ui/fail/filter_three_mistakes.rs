const CENTRE: f32 = 5.0;

#[tapwise::filter2d(tolerance = -1.0)]
pub const SHARP: [[f32; 3]; 3] = [[0.0, 1.0 / 0.0, 0.0], [-1.0, CENTRE, -1.0], [0.0, -1.0, 0.0]];

fn main() {}
