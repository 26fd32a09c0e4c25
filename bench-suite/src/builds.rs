//! stub
#![allow(missing_docs)]
pub struct Build {
    pub shape: String,
    pub kernels: usize,
    pub seconds: f64,
    pub code_bytes: u64,
    pub fmas: usize,
}
pub fn measure(_shapes: &[&str], _rounds: usize, _progress: &dyn Fn(&str)) -> Result<Vec<Build>, String> {
    Err("stub".into())
}
