tapwise::specialize! {
    { delta: 1, c_in: [8, 12], c_out: 16, groups: [1, 2, 8] }
}

fn main() {}
