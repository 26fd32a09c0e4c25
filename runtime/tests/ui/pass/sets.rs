//! Sets multiply out, in item and in statement position, and several in one program.

tapwise::specialize! {
    { delta: [0, 1], c_in: [4, 8], c_out: 8 }
    { kernel: [[1, 3], [3, 1]], stride: [1, 2], dilation: [[1, 2]], c_in: 4, c_out: 4, groups: [1, 2] },
}

tapwise::specialize! {}

fn main() {
    tapwise::specialize! { { kernel: [3, 3], stride: 2, c_in: 3, c_out: 8 } }
    let sets = tapwise::Isa::ALL.iter().filter(|isa| isa.is_available()).count();
    let shapes: std::collections::HashSet<_> = tapwise::registry::kernels().map(|kernel| kernel.geometry()).collect();
    assert_eq!(shapes.len(), 4 + 8 + 1);
    assert!(tapwise::registry::kernels().count() >= shapes.len() * sets);
}
