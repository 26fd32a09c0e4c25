//! Tunings that are compiled into a program, and what is checked of them meanwhile.

use super::file::{FORMAT, HEADER, VERSION};
use crate::cost::Term;

/// A tuning that was compiled into the program by [`embed_tuning!`](crate::embed_tuning).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Embedded {
    /// The file as the program names it.
    pub file: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// Where embedded tunings put themselves.
#[doc(hidden)]
#[linkme::distributed_slice]
pub static EMBEDDED: [Embedded];

/// Puts a tuning file into the program; the path is relative to the source file. Once in a program.
///
/// A line that is none, a key that is missing and a file of another version or format are errors while
/// compiling; whether the machine is the one of the file is seen when the first layer is built, and
/// [`Conv2d::explain`](crate::Conv2d::explain) says so.
///
/// ```compile_fail
/// tapwise::embed_tuning!("no-such-file.txt");
/// ```
#[macro_export]
macro_rules! embed_tuning {
    ($file:literal) => {
        const _: () = {
            const TEXT: &str = ::core::include_str!($file);
            const _: () = $crate::__private::check_tuning(TEXT);
            #[$crate::__private::linkme::distributed_slice($crate::__private::EMBEDDED)]
            #[linkme(crate = $crate::__private::linkme)]
            static TUNING: $crate::tuning::Embedded = $crate::tuning::Embedded { file: $file, text: TEXT };
        };
    };
}

/// Stops the compiler at a text that is no tuning of this version.
#[doc(hidden)]
pub const fn check(text: &str) {
    let bytes = text.as_bytes();
    let mut terms = [false; Term::COUNT];
    let mut header = [false; HEADER.len()];
    let mut at = 0;
    while at < bytes.len() {
        let mut end = at;
        while end < bytes.len() && bytes[end] != b'\n' {
            end += 1;
        }
        let line = content(bytes, at, end);
        at = end + 1;
        if line[0] == line[1] {
            continue;
        }
        let mut equals = line[0];
        while equals < line[1] && bytes[equals] != b'=' {
            equals += 1;
        }
        assert!(equals < line[1], "a line of the tuning file is not `key = value`");
        let key = trimmed(bytes, line[0], equals);
        let value = trimmed(bytes, equals + 1, line[1]);
        let mut known = false;
        let mut index = 0;
        while index < HEADER.len() {
            if is(bytes, key, HEADER[index]) {
                (header[index], known) = (true, true);
            }
            index += 1;
        }
        let mut index = 0;
        while index < Term::COUNT {
            if is(bytes, key, Term::KEYS[index]) {
                assert!(
                    is_number(bytes, value),
                    "a coefficient of the tuning file is no number of at least 0"
                );
                (terms[index], known) = (true, true);
            }
            index += 1;
        }
        if is(bytes, key, "format") {
            assert!(
                is_whole(bytes, value, FORMAT),
                "the tuning file is of another format: run `tapwise tune` again"
            );
        }
        if is(bytes, key, "version") {
            assert!(
                is(bytes, value, VERSION),
                "the tuning file is of another version of tapwise: run `tapwise tune` again"
            );
        }
        assert!(known, "a key of the tuning file is none that tapwise knows");
    }
    let mut index = 0;
    while index < HEADER.len() {
        assert!(header[index], "the tuning file lacks its format, version, processor, isa or caches");
        index += 1;
    }
    let mut index = 0;
    while index < Term::COUNT {
        assert!(terms[index], "the tuning file lacks a coefficient");
        index += 1;
    }
}

/// A line without its comment and the space around it.
const fn content(bytes: &[u8], from: usize, to: usize) -> [usize; 2] {
    let mut end = from;
    while end < to && bytes[end] != b'#' {
        end += 1;
    }
    trimmed(bytes, from, end)
}

const fn trimmed(bytes: &[u8], mut from: usize, mut to: usize) -> [usize; 2] {
    while from < to && bytes[from].is_ascii_whitespace() {
        from += 1;
    }
    while from < to && bytes[to - 1].is_ascii_whitespace() {
        to -= 1;
    }
    [from, to]
}

const fn is(bytes: &[u8], [from, to]: [usize; 2], word: &str) -> bool {
    let word = word.as_bytes();
    if to - from != word.len() {
        return false;
    }
    let mut at = 0;
    while at < word.len() {
        if bytes[from + at] != word[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// Whether these are the digits of a whole number.
const fn is_whole(bytes: &[u8], [from, to]: [usize; 2], wanted: u32) -> bool {
    let (mut at, mut left) = (to, wanted);
    while at > from {
        at -= 1;
        if bytes[at] != b'0' + (left % 10) as u8 {
            return false;
        }
        left /= 10;
    }
    to > from && left == 0
}

/// Whether these are digits with at most one point between, and an exponent maybe.
const fn is_number(bytes: &[u8], [from, to]: [usize; 2]) -> bool {
    let (mut at, mut digits, mut points, mut exponent) = (from, 0, 0, false);
    while at < to {
        match bytes[at] {
            b'0'..=b'9' => digits += 1,
            b'.' if !exponent => points += 1,
            b'e' | b'E' if digits > 0 && !exponent => (exponent, digits) = (true, 0),
            b'-' | b'+' if exponent && digits == 0 => {}
            _ => return false,
        }
        at += 1;
    }
    digits > 0 && points <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_from_words() {
        let is = |text: &str| is_number(text.as_bytes(), [0, text.len()]);
        assert!(is("0.25") && is("12") && is("1e-7") && is("3.5E+2"));
        assert!(!is("-1") && !is("NaN") && !is("inf") && !is("") && !is("1.2.3") && !is("1e"));
    }

    /// What stops the compiler, if anything does: the same function, run.
    fn stopped(text: &str) -> Option<String> {
        let text = text.to_owned();
        let panic = std::panic::catch_unwind(move || check(&text)).err()?;
        Some(panic.downcast_ref::<&str>().map_or_else(String::new, ToString::to_string))
    }

    #[test]
    fn what_is_no_tuning_stops_the_compiler() {
        let isa = crate::Isa::Portable;
        let costs = crate::cost::Costs::new(|_| 0.25);
        let fine = crate::tuning::Tuning {
            host: crate::tuning::Host::here(isa),
            costs,
            notes: vec!["x".to_owned()],
        };
        let fine = fine.to_string();
        assert_eq!(stopped(&fine), None);
        for (from, to, wanted) in [
            ("calls = 0.25", "calls 0.25", "not `key = value`"),
            ("calls = 0.25", "calls = -0.25", "no number"),
            ("calls = 0.25", "calls = NaN", "no number"),
            ("calls = 0.25", "", "lacks a coefficient"),
            ("calls = 0.25", "calls = 1\nhopes = 2", "none that tapwise knows"),
            ("l2 = ", "# ", "lacks its format"),
            ("format = 1", "format = 7", "another format"),
            ("version = ", "version = 9.", "another version"),
        ] {
            let message = stopped(&fine.replacen(from, to, 1)).unwrap_or_default();
            assert!(message.contains(wanted), "{to}: {message}");
        }
    }
}
