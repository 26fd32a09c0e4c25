//! What is made small by learning: a loss for classes, and one for heat maps.

use ndarray::{Array, Array2, ArrayView, ArrayView2, Axis, Dimension, Ix2};
use tapwise::Error;

/// A loss with its derivative.
#[derive(Debug, Clone, PartialEq)]
pub struct Loss<D: Dimension> {
    /// The loss, a mean over the batch.
    pub value: f64,
    /// `∂L/∂H`, as long along every axis as the scores.
    pub gradient: Array<f32, D>,
}

/// Softmax cross-entropy (Bridle 1990) of scores `[N, classes]` and the class of each row:
/// the mean of `−log(exp H[n,y] / Σ_d exp H[n,d])`.
///
/// ```
/// use ndarray::array;
/// use tapwise_bench::learning::loss::cross_entropy;
///
/// let loss = cross_entropy(array![[0.0, 0.0]].view(), &[1])?;
/// assert!((loss.value - 2f64.ln()).abs() < 1e-9);
/// assert_eq!(loss.gradient, array![[0.5, -0.5]]);
/// # Ok::<(), tapwise::Error>(())
/// ```
///
/// # Errors
/// [`Error::Empty`] without rows or classes, [`Error::Length`] where there are not as many classes
/// named as rows, [`Error::Parameter`] for a class that has no column.
pub fn cross_entropy(scores: ArrayView2<'_, f32>, classes: &[usize]) -> Result<Loss<Ix2>, Error> {
    let (rows, columns) = scores.dim();
    for (axis, length) in [("N", rows), ("classes", columns)] {
        if length == 0 {
            return Err(Error::Empty { array: "scores", axis });
        }
    }
    if classes.len() != rows {
        return Err(Error::Length { array: "classes", axis: "N", found: classes.len(), wanted: rows });
    }
    let (mut value, share) = (0.0, 1.0 / rows as f64);
    let mut gradient = Array2::zeros((rows, columns));
    for ((row, mut slopes), &class) in
        scores.axis_iter(Axis(0)).zip(gradient.axis_iter_mut(Axis(0))).zip(classes)
    {
        let Some(&own) = row.get(class) else {
            let wanted = format!("a class below {columns}");
            return Err(Error::Parameter { parameter: "class", found: class.to_string(), wanted });
        };
        // The largest score is taken away first, so that no power overflows.
        let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let power = |score: f32| f64::from(score - most).exp();
        let total: f64 = row.iter().map(|&score| power(score)).sum();
        value += share * (total.ln() - f64::from(own - most));
        for (column, (slope, &score)) in slopes.iter_mut().zip(row).enumerate() {
            let hit = if column == class { 1.0 } else { 0.0 };
            *slope = (share * (power(score) / total - hit)) as f32;
        }
    }
    Ok(Loss { value, gradient })
}

/// Logistic loss of a heat map: at every pixel `t` of the target from 0 to 1, and the mean of
/// `w(t) · (log(1 + exp H) − t · H)` over all of them.
///
/// What is sought fills few pixels of a picture, and a map of nothing but zeros is almost right.
/// Targets above zero therefore weigh `w(t) = 1 + (positives − 1) · t`; [`balance`] finds the
/// number for which both kinds weigh the same. One picture is `[H, W, 1]`, a batch `[N, H, W, 1]`.
///
/// ```
/// use ndarray::array;
/// use tapwise_bench::learning::loss::{balance, heat_map};
///
/// let target = array![[[1.0], [0.0], [0.0], [0.0]]];
/// let scores = array![[[0.0], [0.0], [0.0], [0.0]]];
/// let loss = heat_map(scores.view(), target.view(), balance(target.view()))?;
/// // Four pixels: the one target pulls up three times as hard as each of the others pulls down.
/// assert_eq!(loss.gradient, array![[[-0.375], [0.125], [0.125], [0.125]]]);
/// # Ok::<(), tapwise::Error>(())
/// ```
///
/// # Errors
/// [`Error::Empty`] without pixels; [`Error::Length`] where the target is not as large as the map.
pub fn heat_map<D: Dimension>(
    scores: ArrayView<'_, f32, D>,
    targets: ArrayView<'_, f32, D>,
    positives: f32,
) -> Result<Loss<D>, Error> {
    for (axis, (&wanted, &found)) in scores.shape().iter().zip(targets.shape()).enumerate() {
        let axis = axis_name(scores.ndim(), axis);
        if wanted == 0 {
            return Err(Error::Empty { array: "heat map", axis });
        }
        if found != wanted {
            return Err(Error::Length { array: "target", axis, found, wanted });
        }
    }
    let share = 1.0 / scores.len() as f64;
    let mut value = 0.0;
    let mut gradient = Array::zeros(scores.raw_dim());
    ndarray::Zip::from(&mut gradient).and(&scores).and(&targets).for_each(
        |slope: &mut f32, &score, &target| {
            let (score, target) = (f64::from(score), f64::from(target));
            let weight = share * (1.0 + (f64::from(positives) - 1.0) * target);
            // log(1 + exp H), and the slope of it, by powers that do not overflow.
            let small = (-score.abs()).exp();
            let sigmoid = if score >= 0.0 { 1.0 / (1.0 + small) } else { small / (1.0 + small) };
            value += weight * (score.max(0.0) + small.ln_1p() - target * score);
            *slope = (weight * (sigmoid - target)) as f32;
        },
    );
    Ok(Loss { value, gradient })
}

/// The weight of positives for which they count as much as the rest: `Σ (1 − t) / Σ t`, at least 1.
#[must_use]
pub fn balance<D: Dimension>(targets: ArrayView<'_, f32, D>) -> f32 {
    let total: f64 = targets.iter().map(|&target| f64::from(target)).sum();
    if total > 0.0 { ((targets.len() as f64 - total) / total).max(1.0) as f32 } else { 1.0 }
}

/// Axes are named from the last one back: `[N, H, W, C]`.
fn axis_name(axes: usize, axis: usize) -> &'static str {
    match axes - axis {
        1 => "C",
        2 => "W",
        3 => "H",
        _ => "N",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::Noise;
    use ndarray::{Array3, array};

    /// The derivative by differences, one score after the other.
    fn slopes<D: Dimension>(at: &Array<f32, D>, value: impl Fn(&Array<f32, D>) -> f64) -> Array<f32, D> {
        let step = 1e-2;
        let mut slopes = at.clone();
        for index in 0..at.len() {
            let moved = |by: f32| {
                let mut moved = at.clone();
                if let Some(score) = moved.iter_mut().nth(index) {
                    *score += by;
                }
                value(&moved)
            };
            let slope = (moved(step) - moved(-step)) / f64::from(2.0 * step);
            *slopes.iter_mut().nth(index).unwrap() = slope as f32;
        }
        slopes
    }

    fn apart<D: Dimension>(one: &Array<f32, D>, other: &Array<f32, D>) -> f32 {
        one.iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn gradients_agree_with_differences() {
        let mut noise = Noise::new(11);
        let scores = Array2::from_shape_simple_fn((4, 3), || 4.0 * noise.unit());
        let classes = [2, 0, 1, 1];
        let loss = cross_entropy(scores.view(), &classes).unwrap();
        let wanted = slopes(&scores, |at| cross_entropy(at.view(), &classes).unwrap().value);
        assert!(apart(&loss.gradient, &wanted) < 1e-5, "{} {wanted}", loss.gradient);

        let scores = Array3::from_shape_simple_fn((3, 4, 1), || 5.0 * noise.unit());
        let targets = Array3::from_shape_simple_fn((3, 4, 1), || noise.unit().max(0.0));
        let loss = heat_map(scores.view(), targets.view(), 7.0).unwrap();
        let wanted = slopes(&scores, |at| heat_map(at.view(), targets.view(), 7.0).unwrap().value);
        assert!(apart(&loss.gradient, &wanted) < 1e-5, "{} {wanted}", loss.gradient);
    }

    #[test]
    fn scores_of_any_size_give_finite_losses() {
        let scores = array![[900.0, -900.0], [-900.0, 900.0]];
        let loss = cross_entropy(scores.view(), &[0, 0]).unwrap();
        assert!((loss.value - 900.0).abs() < 1e-6, "{}", loss.value);
        assert_eq!(loss.gradient, array![[0.0, 0.0], [-0.5, 0.5]]);
        let loss = heat_map(scores.view(), array![[1.0, 1.0], [0.0, 0.0]].view(), 1.0).unwrap();
        assert!((loss.value - 450.0).abs() < 1e-6, "{}", loss.value);
        assert_eq!(loss.gradient, array![[0.0, -0.25], [0.0, 0.25]]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let scores = Array2::zeros((2, 3));
        let says = |error: Error| error.to_string();
        assert!(
            says(cross_entropy(scores.view(), &[0]).unwrap_err()).contains("classes: axis N has length 1")
        );
        assert!(says(cross_entropy(scores.view(), &[0, 3]).unwrap_err()).contains("a class below 3"));
        let map = Array3::zeros((2, 3, 1));
        let target = Array3::zeros((2, 4, 1));
        let error = heat_map(map.view(), target.view(), 1.0).unwrap_err();
        assert!(says(error).contains("target: axis W has length 4, wanted 3"));
    }

    #[test]
    fn a_map_without_targets_is_balanced_as_it_is() {
        assert_eq!(balance(Array2::zeros((3, 3)).view()), 1.0);
        assert_eq!(balance(array![[1.0, 0.0], [0.0, 0.0]].view()), 3.0);
    }
}
