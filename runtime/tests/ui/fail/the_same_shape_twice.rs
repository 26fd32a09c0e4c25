tapwise::specialize! {
    { delta: 1, c_in: 16, c_out: [16, 32] }
    { kernel: [3, 3], c_in: 16, c_out: 32 }
}

fn main() {}
