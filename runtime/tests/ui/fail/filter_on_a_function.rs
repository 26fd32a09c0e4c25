#[tapwise::filter2d]
fn blur() {}

fn main() {}
