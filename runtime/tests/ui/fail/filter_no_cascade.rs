//! The constant of a wrong annotation can still be used: one mistake stays one error.

#[tapwise::filter2d]
pub const EDGES: _ = sobel;

fn edges(grey: ndarray::ArrayView2<'_, f32>) -> Result<ndarray::Array2<f32>, tapwise::Error> {
    EDGES.apply(grey)
}

fn main() {
    let _ = edges;
}
