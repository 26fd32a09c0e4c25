//! Whether the machine has memory for an array: asked before it is taken, so that a size beyond the
//! machine is an error and not the end of the process.

use std::fs;

use ndarray::{Array, Dimension, IntoDimension};

use crate::Error;
use crate::parameters::grouped;

/// Below this many bytes the system is not asked what is free: the allocator alone decides.
const LARGE: u128 = 64 << 20;

/// Zeros of a shape, row by row in memory; `what` is their name in the error.
pub(crate) fn zeros<D: Dimension>(
    what: &'static str,
    shape: impl IntoDimension<Dim = D>,
) -> Result<Array<f32, D>, Error> {
    let shape = shape.into_dimension();
    let length = fitting(what, shape.slice())?;
    let bytes = bytes(shape.slice());
    let refused = || Error::Memory { what, bytes, available: None };
    let mut numbers = Vec::new();
    numbers.try_reserve_exact(length).map_err(|_| refused())?;
    numbers.resize(length, 0.0);
    Array::from_shape_vec(shape, numbers).map_err(|_| refused())
}

/// Refuses an array of f32 that there is no room for, before it is taken; asked only where asking is
/// cheap beside the work.
pub(crate) fn room(what: &'static str, shape: &[usize]) -> Result<(), Error> {
    if bytes(shape) <= LARGE {
        return Ok(());
    }
    let length = fitting(what, shape)?;
    let refused = |_| Error::Memory { what, bytes: bytes(shape), available: None };
    Vec::<f32>::new().try_reserve_exact(length).map_err(refused)
}

/// Bytes of an array of f32.
fn bytes(shape: &[usize]) -> u128 {
    let size = size_of::<f32>() as u128;
    shape.iter().fold(size, |product, &length| product.saturating_mul(length as u128))
}

/// How many numbers an array has, where the system has room for them.
fn fitting(what: &'static str, shape: &[usize]) -> Result<usize, Error> {
    let bytes = bytes(shape);
    // A process that takes more than there is would be killed when it writes, not refused here.
    if bytes > LARGE
        && let Some(available) = available()
        && bytes > available
    {
        return Err(Error::Memory { what, bytes, available: Some(available) });
    }
    let elements = bytes / size_of::<f32>() as u128;
    usize::try_from(elements).map_err(|_| Error::Memory { what, bytes, available: None })
}

/// An array with its memory row by row: the same one, or a copy where its order is another.
pub(crate) fn row_by_row<D: Dimension>(
    what: &'static str,
    array: Array<f32, D>,
) -> Result<Array<f32, D>, Error> {
    if array.is_standard_layout() {
        return Ok(array);
    }
    let mut copy = zeros(what, array.raw_dim())?;
    copy.assign(&array);
    Ok(copy)
}

/// Bytes that this process may still take, where the system tells: those of the machine, and of the
/// control group where one limits it.
pub(crate) fn available() -> Option<u128> {
    let read = |path: &str| fs::read_to_string(path).ok();
    let machine = read("/proc/meminfo").and_then(|text| of_machine(&text));
    let group = |file: &str| read(&format!("/sys/fs/cgroup/memory.{file}"));
    let group = group("max")
        .zip(group("current"))
        .zip(group("stat"))
        .and_then(|((most, current), stat)| of_group(&most, &current, &stat));
    match (machine, group) {
        (Some(machine), Some(group)) => Some(machine.min(group)),
        (machine, group) => machine.or(group),
    }
}

/// `MemAvailable` of `/proc/meminfo`, which is in units of 1024 bytes.
fn of_machine(meminfo: &str) -> Option<u128> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u128>().ok()?.checked_mul(1024)
}

/// What a control group's limit leaves; its cached files give way.
fn of_group(most: &str, current: &str, stat: &str) -> Option<u128> {
    let number = |text: &str| text.trim().parse::<u128>().ok();
    let files = stat.lines().find_map(|line| line.strip_prefix("file ")).and_then(number).unwrap_or(0);
    Some(number(most)?.saturating_sub(number(current)?.saturating_sub(files)))
}

/// Bytes as a person would say them, in powers of 1000: `4.0 TB`.
pub(crate) fn spoken(bytes: u128) -> String {
    const UNITS: [&str; 7] = ["bytes", "kB", "MB", "GB", "TB", "PB", "EB"];
    let mut unit = 0;
    let mut scaled = bytes as f64;
    while scaled >= 999.95 && unit + 1 < UNITS.len() {
        scaled /= 1000.0;
        unit += 1;
    }
    match unit {
        0 => format!("{bytes} bytes"),
        _ if scaled >= 1e6 => format!("{scaled:.1e} {}", UNITS[unit]),
        _ => format!("{scaled:.1} {}", UNITS[unit]),
    }
}

/// How [`Error::Memory`] ends.
pub(crate) fn sentence(what: &str, bytes: u128, available: Option<u128>) -> String {
    let end = match available {
        Some(available) => format!("this machine has {} free", spoken(available)),
        None => "the system would not give them".to_owned(),
    };
    format!("{what} would need {} bytes ({}); {end}", grouped(bytes), spoken(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_is_read_as_it_writes() {
        let meminfo =
            "MemTotal:       24689764 kB\nMemFree: 1 kB\nMemAvailable:   22689764 kB\nBuffers: 2 kB\n";
        assert_eq!(of_machine(meminfo), Some(22_689_764 * 1024));
        assert_eq!(of_machine("MemTotal: 3 kB\n"), None);
        assert_eq!(of_group("1000000\n", "700000\n", "anon 5\nfile 300000\n"), Some(600_000));
        assert_eq!(of_group("1000\n", "2000\n", ""), Some(0));
        assert_eq!(of_group("max\n", "700000\n", "file 3\n"), None);
    }

    #[test]
    fn a_refusal_says_what_is_missing() {
        let terabytes = sentence("a dense layer", 4_000_000_000_000, Some(22_900_000_000));
        let wanted =
            "a dense layer would need 4,000,000,000,000 bytes (4.0 TB); this machine has 22.9 GB free";
        assert_eq!(terabytes, wanted);
        assert_eq!(spoken(999), "999 bytes");
        assert_eq!(spoken(999_960), "1.0 MB");
        assert_eq!(spoken(u128::MAX), "3.4e20 EB");
        assert!(sentence("x", 5, None).ends_with("the system would not give them"));
    }

    #[test]
    fn what_no_memory_holds_is_refused() {
        for shape in [(1 << 25, 1 << 25), (1 << 60, 4), (usize::MAX, usize::MAX)] {
            let error = zeros("the test", shape).expect_err("so much");
            assert!(matches!(error, Error::Memory { what: "the test", .. }), "{error}");
        }
        assert_eq!(zeros("the test", (2, 3)), Ok(ndarray::Array2::zeros((2, 3))));
    }
}
