//! Windows that slide over the pixels of a tensor, as convolutions and pooling have them.

use super::message::Node;

/// The largest stride, dilation or padding that is served.
const LIMIT: i64 = 1 << 20;

/// A window along one axis of pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Side {
    /// Taps.
    pub(super) kernel: usize,
    /// Pixels between two outputs.
    pub(super) stride: usize,
    /// Pixels between two taps.
    pub(super) dilation: usize,
    /// Pixels before the first and after the last.
    pub(super) pads: [usize; 2],
    /// Whether a last window that is not full counts.
    pub(super) partial: bool,
}

impl Side {
    /// Pixels from the first tap to the last.
    pub(super) fn extent(&self) -> usize {
        self.kernel.saturating_sub(1).saturating_mul(self.dilation).saturating_add(1)
    }

    /// Outputs along an axis of so many pixels, as ONNX counts them; none where the window does not fit.
    pub(super) fn outputs(&self, pixels: usize) -> Option<usize> {
        let padded = pixels.checked_add(self.pads[0])?.checked_add(self.pads[1])?;
        let room = padded.checked_sub(self.extent())?;
        let full = room / self.stride + 1;
        // A last window must begin inside of the pixels or the padding before them.
        let more = self.partial && room % self.stride > 0 && full * self.stride < pixels + self.pads[0];
        Some(if more { full + 1 } else { full })
    }
}

/// The windows of a node over pixels of these sizes, or what is wrong with them.
pub(super) fn sides(node: &Node, kernel: &[usize], pixels: &[Option<usize>]) -> Result<Vec<Side>, String> {
    let numbers = |name: &str, count: usize, default: i64| -> Result<Vec<i64>, String> {
        match node.ints(name) {
            None | Some([]) => Ok(vec![default; count]),
            Some(found) if found.len() == count => Ok(found.to_vec()),
            Some(found) => Err(format!("{name} has {} numbers, wanted {count}", found.len())),
        }
    };
    let axes = kernel.len();
    let (strides, dilations) = (numbers("strides", axes, 1)?, numbers("dilations", axes, 1)?);
    let pads = numbers("pads", 2 * axes, 0)?;
    let auto = node.text("auto_pad").unwrap_or("NOTSET");
    let partial = node.int("ceil_mode").unwrap_or(0) != 0;
    let positive = |name: &str, value: i64| {
        let number = usize::try_from(value).ok().filter(|_| (1..=LIMIT).contains(&value));
        number.ok_or_else(|| format!("{name} has {value}, wanted whole numbers from 1 to {LIMIT}"))
    };
    let mut sides = Vec::with_capacity(axes);
    for (axis, &kernel) in kernel.iter().enumerate() {
        let (stride, dilation) =
            (positive("strides", strides[axis])?, positive("dilations", dilations[axis])?);
        let mut side = Side { kernel, stride, dilation, pads: [0; 2], partial };
        side.pads = match auto {
            "NOTSET" | "" => {
                let pad = |value: i64| {
                    let number = usize::try_from(value).ok().filter(|_| value <= LIMIT);
                    number.ok_or_else(|| format!("pads has {value}, wanted whole numbers from 0 to {LIMIT}"))
                };
                [pad(pads[axis])?, pad(pads[axis + axes])?]
            }
            "VALID" => [0; 2],
            "SAME_UPPER" | "SAME_LOWER" => {
                let pixels =
                    pixels.get(axis).copied().flatten().ok_or("its padding needs the size of its input")?;
                let reach =
                    (pixels.div_ceil(stride).max(1) - 1).saturating_mul(stride).saturating_add(side.extent());
                let total = reach.saturating_sub(pixels);
                let (less, more) = (total / 2, total - total / 2);
                if auto == "SAME_UPPER" { [less, more] } else { [more, less] }
            }
            other => {
                return Err(format!("auto_pad is {other}, wanted NOTSET, VALID, SAME_UPPER or SAME_LOWER"));
            }
        };
        sides.push(side);
    }
    Ok(sides)
}
