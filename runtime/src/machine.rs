//! What the planner knows of a machine.

use std::path::Path;
use std::sync::OnceLock;

use crate::isa::Isa;
use crate::processor::Maker;

/// A machine as the planner sees it: plain data, so that a test can plan for any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Machine {
    /// The instruction set that kernels are taken from.
    pub isa: Isa,
    /// Who made the processor, which the costs that ship depend on.
    pub maker: Maker,
    /// Threads that a layer may use.
    pub threads: usize,
    /// Bytes of the first-level data cache of a core.
    pub l1: usize,
    /// Bytes of the second-level cache of a core.
    pub l2: usize,
    /// Bytes of the last-level cache, or of the part of it that this machine's processors are likely to have.
    pub l3: usize,
}

impl Machine {
    /// This machine, under an instruction set and with the caller's rayon pool.
    #[must_use]
    pub fn detect(isa: Isa) -> Self {
        let [l1, l2, l3] = caches();
        Machine { isa, maker: Maker::here(), threads: rayon::current_num_threads(), l1, l2, l3 }
    }
}

/// The most bytes of a cache for each processor that shares it: no less than any processor of the maker has for
/// a core. A guest is told the last cache of the whole machine, most of which others have: two cores of an Emerald
/// Rapids see 260 MiB, and write what is more than some 8 MiB faster past the caches.
fn most(maker: Maker) -> usize {
    match maker {
        Maker::Intel => 8 << 20,
        Maker::Amd | Maker::Other => 32 << 20,
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
                let sharing = read("shared_cpu_list").map_or(1, |list| processors(list.trim()));
                *slot = bytes.min(sharing.max(1).saturating_mul(most(Maker::here())));
            }
        }
        sizes
    })
}

/// How many processors a list such as `0-3,8,10-11` names.
fn processors(list: &str) -> usize {
    let of = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (first.parse::<usize>().ok()?, last.parse::<usize>().ok()?);
        Some(last.checked_sub(first)?.saturating_add(1))
    };
    list.split(',').filter_map(of).fold(0, usize::saturating_add)
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
    fn processors_are_counted_as_the_system_lists_them() {
        assert_eq!(processors("0"), 1);
        assert_eq!(processors("0-1"), 2);
        assert_eq!(processors("0-3,8,10-11"), 7);
        assert_eq!(processors("0-18446744073709551615,5"), usize::MAX);
        assert_eq!(processors("3-1"), 0);
        assert_eq!(processors(""), 0);
    }

    #[test]
    fn sizes_are_read_as_the_system_writes_them() {
        assert_eq!(bytes("48K"), Some(48 << 10));
        assert_eq!(bytes("2M"), Some(2 << 20));
        assert_eq!(bytes("512"), Some(512));
        assert_eq!(bytes(""), None);
        assert_eq!(bytes("0K"), None);
    }
}
