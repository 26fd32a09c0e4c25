//! The factors of filters of low rank: one piece of code with the macros', which look at weights that are
//! known while compiling.

tapwise_macros::fold_module! {}

#[cfg(test)]
mod tests {
    use super::singular;

    #[test]
    fn the_text_of_the_macros_serves_here() {
        let (column, row) = ([1.0, -3.0, 0.5], [2.0, 0.0, 1.0, 4.0]);
        let weights: Vec<f64> = column.iter().flat_map(|a| row.map(|b| a * b)).collect();
        let factors = singular(&weights, 4, 3);
        assert_eq!(factors.columns.len(), 1);
        assert!(factors.error(&weights, 4) < 1e-7);
        let full = [1.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 3.0];
        let factors = singular(&full, 3, 2);
        // What is left of the diagonal is its smallest number.
        assert!((factors.error(&full, 3) - (1.0f64 / 14.0).sqrt()).abs() < 1e-12);
    }
}
