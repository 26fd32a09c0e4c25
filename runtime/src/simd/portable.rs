//! Arrays of four, for every target. The compiler turns them into whatever vectors the target has;
//! products are rounded before they are added, since a fused multiply-add without hardware is a
//! call of a library.

/// Four numbers.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(16))]
pub struct Vector([f32; 4]);

/// Reads four numbers.
#[inline(always)]
#[must_use]
pub fn load(from: &[f32; 4]) -> Vector {
    Vector(*from)
}

/// Writes four numbers.
#[inline(always)]
pub fn store(vector: Vector, to: &mut [f32; 4]) {
    *to = vector.0;
}

/// Writes the first `to.len()` numbers, at most four.
#[inline(always)]
pub fn store_head(vector: Vector, to: &mut [f32]) {
    for (to, number) in to.iter_mut().zip(vector.0) {
        *to = number;
    }
}

/// One number in every lane.
#[inline(always)]
#[must_use]
pub fn splat(number: f32) -> Vector {
    Vector([number; 4])
}

/// `a * b + c`, rounded twice.
#[inline(always)]
#[must_use]
pub fn mul_add(Vector(a): Vector, Vector(b): Vector, Vector(c): Vector) -> Vector {
    Vector([a[0] * b[0] + c[0], a[1] * b[1] + c[1], a[2] * b[2] + c[2], a[3] * b[3] + c[3]])
}

/// `x`, or `floor` where `x` is less; NaN stays NaN.
#[inline(always)]
#[must_use]
pub fn max(Vector(floor): Vector, Vector(x): Vector) -> Vector {
    let pick = |floor: f32, x: f32| if x < floor { floor } else { x };
    Vector([pick(floor[0], x[0]), pick(floor[1], x[1]), pick(floor[2], x[2]), pick(floor[3], x[3])])
}
