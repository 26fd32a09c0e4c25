//! What is known of a tensor while the graph is walked.

use super::message;
use super::message::data_type;

/// Numbers of a tensor that are kept: sizes are computed from few.
const KEPT: usize = 64;

/// Sizes along the axes; those that are not known are none.
pub(super) type Sizes = Vec<Option<usize>>;

/// What is known of a tensor.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Tensor {
    /// Its sizes; none where not even the number of axes is known.
    pub(super) sizes: Option<Sizes>,
    /// Its numbers, where they are constant and few.
    pub(super) numbers: Option<Vec<f64>>,
    /// Whether these are integers, which divide without a rest.
    pub(super) integer: bool,
    /// The first node after which sizes were not known any more.
    pub(super) lost: Option<String>,
}

impl Tensor {
    pub(super) fn of(sizes: Sizes) -> Self {
        Tensor { sizes: Some(sizes), ..Tensor::default() }
    }

    /// Constant numbers, along one axis unless said otherwise.
    pub(super) fn list(numbers: Vec<f64>, integer: bool) -> Self {
        Tensor { sizes: Some(vec![Some(numbers.len())]), numbers: Some(numbers), integer, lost: None }
    }

    /// Every size, where all are known.
    pub(super) fn whole(&self) -> Option<Vec<usize>> {
        self.sizes.as_ref()?.iter().copied().collect()
    }

    /// Its numbers as whole ones.
    pub(super) fn integers(&self) -> Option<Vec<i64>> {
        self.numbers.as_ref().map(|numbers| numbers.iter().map(|number| *number as i64).collect())
    }

    /// A tensor that the file has the numbers of.
    pub(super) fn constant(tensor: &message::Tensor) -> Self {
        let sizes: Option<Vec<usize>> = tensor.dims.iter().map(|&size| usize::try_from(size).ok()).collect();
        let length = sizes
            .as_ref()
            .and_then(|sizes| sizes.iter().try_fold(1usize, |all, &size| all.checked_mul(size)));
        let numbers = numbers(tensor).filter(|numbers| Some(numbers.len()) == length);
        let integer = matches!(tensor.data_type, data_type::INT32 | data_type::INT64);
        Tensor {
            sizes: sizes.map(|sizes| sizes.into_iter().map(Some).collect()),
            numbers,
            integer,
            lost: None,
        }
    }
}

fn numbers(tensor: &message::Tensor) -> Option<Vec<f64>> {
    let raw = &tensor.raw_data;
    fn read<const N: usize>(raw: &[u8], number: impl Fn([u8; N]) -> f64) -> Option<Vec<f64>> {
        let (numbers, []) = raw.as_chunks::<N>() else { return None };
        (numbers.len() <= KEPT).then(|| numbers.iter().map(|bytes| number(*bytes)).collect())
    }
    fn cast<T: Copy>(numbers: &[T], number: impl Fn(T) -> f64) -> Option<Vec<f64>> {
        (numbers.len() <= KEPT).then(|| numbers.iter().map(|&own| number(own)).collect())
    }
    match (tensor.data_type, raw.is_empty()) {
        (data_type::FLOAT, false) => read(raw, |bytes| f64::from(f32::from_le_bytes(bytes))),
        (data_type::DOUBLE, false) => read(raw, f64::from_le_bytes),
        (data_type::INT32, false) => read(raw, |bytes| f64::from(i32::from_le_bytes(bytes))),
        (data_type::INT64, false) => read(raw, |bytes| i64::from_le_bytes(bytes) as f64),
        (data_type::FLOAT, true) => cast(&tensor.float_data, f64::from),
        (data_type::DOUBLE, true) => cast(&tensor.double_data, |number| number),
        (data_type::INT32, true) => cast(&tensor.int32_data, f64::from),
        (data_type::INT64, true) => cast(&tensor.int64_data, |number| number as f64),
        _ => None,
    }
}

/// Sizes of what two tensors make together, axes counted from the last: 1 stretches to the other.
pub(super) fn broadcast(first: &[Option<usize>], second: &[Option<usize>]) -> Sizes {
    let axes = first.len().max(second.len());
    let size = |sizes: &[Option<usize>], axis: usize| match (axis + sizes.len()).checked_sub(axes) {
        Some(own) => sizes.get(own).copied().flatten(),
        None => Some(1),
    };
    let join = |axis| match (size(first, axis), size(second, axis)) {
        (Some(1), other) | (other, Some(1)) => other,
        (Some(size), _) | (None, Some(size)) => Some(size),
        (None, None) => None,
    };
    (0..axes).map(join).collect()
}

/// An axis that may be counted from the end.
pub(super) fn axis(axis: i64, axes: usize) -> Option<usize> {
    let axis = if axis < 0 { axis.checked_add(i64::try_from(axes).ok()?)? } else { axis };
    usize::try_from(axis).ok().filter(|&axis| axis < axes)
}
