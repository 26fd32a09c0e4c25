tapwise::specialize! {
    { delta: 1, c_in: [1, 2, 3, 4, 5, 6, 7, 8], c_out: [1, 2, 3, 4, 5, 6, 7, 8, 9] }
    { delta: 2, c_in: [1, 2, 3, 4, 5, 6, 7, 8], c_out: [1, 2, 3, 4, 5, 6, 7, 8, 9] }
}

fn main() {}
