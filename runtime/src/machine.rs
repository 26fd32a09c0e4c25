//! What the planner knows of a machine.

use std::path::Path;
use std::sync::OnceLock;

use crate::isa::Isa;

/// A machine as the planner sees it: plain data, so that a test can plan for any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Machine {
    /// The instruction set that kernels are taken from.
    pub isa: Isa,
    /// Threads that a layer may use.
    pub threads: usize,
    /// Bytes of the first-level data cache of a core.
    pub l1: usize,
    /// Bytes of the second-level cache of a core.
    pub l2: usize,
    /// Bytes of the last-level cache.
    pub l3: usize,
}

impl Machine {
    /// This machine, under an instruction set and with the caller's rayon pool.
    #[must_use]
    pub fn detect(isa: Isa) -> Self {
        let [l1, l2, l3] = caches();
        Machine { isa, threads: rayon::current_num_threads(), l1, l2, l3 }
    }
}

/// Bytes of the data caches by level, read once; common sizes where the system does not tell.
fn caches() -> [usize; 3] {
    static CACHES: OnceLock<[usize; 3]> = OnceLock::new();
    *CACHES.get_or_init(|| {
        let mut sizes = [32 << 10, 1 << 20, 8 << 20];
        for index in 0..8 {
            let folder = format!("/sys/devices/system/cpu/cpu0/cache/index{index}");
            let read = |name: &str| std::fs::read_to_string(Path::new(&folder).join(name)).ok();
            let (Some(level), Some(kind), Some(size)) = (read("level"), read("type"), read("size")) else {
                continue;
            };
            let level = level.trim().parse::<usize>().unwrap_or(0);
            if kind.trim() != "Instruction"
                && let Some(bytes) = bytes(size.trim())
                && let Some(slot) = level.checked_sub(1).and_then(|level| sizes.get_mut(level))
            {
                *slot = bytes;
            }
        }
        sizes
    })
}

/// `48K`, `2M` or a plain number as bytes.
fn bytes(size: &str) -> Option<usize> {
    let (digits, unit) = match size.as_bytes().last()? {
        b'K' => (&size[..size.len() - 1], 1 << 10),
        b'M' => (&size[..size.len() - 1], 1 << 20),
        b'G' => (&size[..size.len() - 1], 1 << 30),
        _ => (size, 1),
    };
    digits.parse::<usize>().ok()?.checked_mul(unit).filter(|bytes| *bytes > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_the_system_writes_them() {
        assert_eq!(bytes("48K"), Some(48 << 10));
        assert_eq!(bytes("2M"), Some(2 << 20));
        assert_eq!(bytes("512"), Some(512));
        assert_eq!(bytes(""), None);
        assert_eq!(bytes("0K"), None);
    }
}
