//! The plain passes, compiled for each instruction set.

tapwise_macros::versions! {
    /// Passes for an instruction set that this machine has.
    pub struct Passes in super::plain {
        /// Bytes as numbers.
        fn widen(from: &[u8], to: &mut [f32]);
        /// Numbers as bytes.
        fn narrow(from: &[f32], to: &mut [u8]);
        /// Adds a row.
        fn accumulate(row: &[f32], sums: &mut [f32]);
        /// Adds a row and takes another away.
        fn slide(new: &[f32], old: &[f32], sums: &mut [f32]);
        /// Sums of two rows.
        fn add(a: &[f32], b: &[f32], to: &mut [f32]);
        /// Products with a number.
        fn scale(factor: f32, from: &[f32], to: &mut [f32]);
        /// Adds a row of bytes.
        fn accumulate_bytes(row: &[u8], sums: &mut [u16]);
        /// Adds a row of bytes and takes another away.
        fn slide_bytes(new: &[u8], old: &[u8], sums: &mut [u16]);
        /// Sums of two rows of sums of bytes.
        fn add_sums(a: &[u16], b: &[u16], to: &mut [u16]);
        /// Vectors to their length and direction, in place.
        fn polar(x: &mut [f32], y: &mut [f32]);
    }
}
