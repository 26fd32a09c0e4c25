//! Which instruction set this process uses.

use std::sync::OnceLock;

use crate::Error;

tapwise_macros::instruction_sets! {}

/// The environment variable that limits the instruction set.
pub const ISA_VARIABLE: &str = "TAPWISE_ISA";

impl Isa {
    /// The sets that this machine has, best first. [`Isa::Portable`] is always among them.
    pub fn available() -> impl Iterator<Item = Isa> {
        Isa::ALL.iter().copied().filter(|isa| isa.is_available())
    }

    /// The set that layers use unless their builder says otherwise: what `TAPWISE_ISA` names, or
    /// the best that the machine has. Read once in the life of a process.
    ///
    /// # Errors
    /// [`Error::InstructionSet`] when `TAPWISE_ISA` names a set that the machine lacks or that
    /// does not exist.
    pub fn selected() -> Result<Isa, Error> {
        static SELECTED: OnceLock<Result<Isa, Error>> = OnceLock::new();
        SELECTED
            .get_or_init(|| match std::env::var_os(ISA_VARIABLE) {
                None => Ok(Isa::available().next().unwrap_or(Isa::Portable)),
                Some(name) => Isa::named(&name.to_string_lossy())?.or_unavailable(),
            })
            .clone()
    }

    /// The set with this name: `portable`, `avx2`, `avx512` or `neon`.
    ///
    /// # Errors
    /// [`Error::InstructionSet`] when there is none.
    pub fn named(name: &str) -> Result<Isa, Error> {
        let known = Isa::ALL.iter().copied().find(|isa| isa.name().eq_ignore_ascii_case(name.trim()));
        known.ok_or_else(|| Error::InstructionSet {
            found: name.to_owned(),
            available: Isa::available().collect(),
        })
    }

    /// This set if the machine has it.
    ///
    /// # Errors
    /// [`Error::InstructionSet`] when it does not.
    pub fn or_unavailable(self) -> Result<Isa, Error> {
        if self.is_available() {
            Ok(self)
        } else {
            Err(Error::InstructionSet {
                found: self.name().to_owned(),
                available: Isa::available().collect(),
            })
        }
    }
}

impl std::fmt::Display for Isa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for &isa in Isa::ALL {
            assert_eq!(Isa::named(isa.name()), Ok(isa));
        }
        let error = Isa::named("sse9").unwrap_err().to_string();
        assert!(error.contains("sse9") && error.contains("portable"), "{error}");
    }

    #[test]
    fn the_portable_set_is_always_there() {
        assert_eq!(Isa::available().last(), Some(Isa::Portable));
    }
}
