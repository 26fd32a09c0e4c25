//! The method of a wrong filter is no error of its own.

fn main() {
    let grey = ndarray::Array2::<f32>::zeros((8, 8));
    let _ = tapwise::filter!(gaussian(sigma = 0)).apply(grey.view());
}
