//! Generated code passes the strictest lints of the crate that it lands in.

#![deny(warnings, missing_docs, unreachable_pub, unused_qualifications, unsafe_op_in_unsafe_fn)]

/// A layer.
#[tapwise::conv2d(delta = 1, c_in = 3, c_out = 17)]
pub struct Layer;

tapwise::specialize! { { delta: 1, c_in: 40, c_out: 40, groups: 2 } }

fn main() {}
