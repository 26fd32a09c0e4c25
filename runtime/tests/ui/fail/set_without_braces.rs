tapwise::specialize! { delta: 1, c_in: 16, c_out: 16 }

fn main() {}
