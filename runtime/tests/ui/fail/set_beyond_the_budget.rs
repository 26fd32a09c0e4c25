tapwise::specialize! {
    { delta: [1, 2, 3], c_in: [1, 2, 3, 4, 5, 6, 7], c_out: [1, 2, 3, 4, 5, 6, 7] }
}

fn main() {}
