//! The processor that a program runs on: what it calls itself, and who made it.

use std::sync::OnceLock;

/// Who made a processor. Cores and caches of one maker resemble each other more than those of two: the
/// costs that ship are told apart by it (see [`Costs::shipped`](crate::cost::Costs::shipped)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Maker {
    /// AMD.
    Amd,
    /// Intel.
    Intel,
    /// Anybody else, or nobody that is told.
    Other,
}

impl Maker {
    /// The makers that are told apart.
    pub const ALL: [Maker; 3] = [Maker::Amd, Maker::Intel, Maker::Other];

    /// Who made the processor of this machine.
    #[must_use]
    pub fn here() -> Self {
        Maker::of(name())
    }

    /// Who made a processor that calls itself so.
    ///
    /// ```
    /// use tapwise::Maker;
    /// assert_eq!(Maker::of("Intel(R) Xeon(R) Processor"), Maker::Intel);
    /// assert_eq!(Maker::of("AMD EPYC 9R45"), Maker::Amd);
    /// assert_eq!(Maker::of("CPU part 0xd40"), Maker::Other);
    /// ```
    #[must_use]
    pub fn of(processor: &str) -> Self {
        if processor.contains("Intel") {
            Maker::Intel
        } else if processor.contains("AMD") {
            Maker::Amd
        } else {
            Maker::Other
        }
    }
}

/// The processor as it names itself; the architecture where it does not.
pub(crate) fn name() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let name = brand().unwrap_or_default();
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        if name.is_empty() { std::env::consts::ARCH.to_owned() } else { name.replace('#', "") }
    })
}

/// The brand string of an x86 processor.
#[cfg(target_arch = "x86_64")]
fn brand() -> Option<String> {
    use std::arch::x86_64::__cpuid;
    const FIRST: u32 = 0x8000_0002;
    if __cpuid(0x8000_0000).eax < FIRST + 2 {
        return None;
    }
    let words = (FIRST..FIRST + 3).flat_map(|leaf| {
        let answer = __cpuid(leaf);
        [answer.eax, answer.ebx, answer.ecx, answer.edx]
    });
    let bytes: Vec<u8> = words.flat_map(u32::to_le_bytes).take_while(|byte| *byte != 0).collect();
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The part number of any other.
#[cfg(not(target_arch = "x86_64"))]
fn brand() -> Option<String> {
    let facts = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let mut named = facts.lines().filter_map(|line| line.split_once(':'));
    let (key, value) = named.find(|(key, _)| ["model name", "Model", "CPU part"].contains(&key.trim()))?;
    Some(format!("{} {}", key.trim(), value.trim()))
}
