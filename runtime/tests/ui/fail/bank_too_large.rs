#[tapwise::filter2d]
pub const BANK: _ = [mean(3); 17];

fn main() {}
