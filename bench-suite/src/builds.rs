//! What a generated shape adds to a release build: seconds of compiling and bytes of code, measured
//! by building the program `probe` with it and without.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Instant, SystemTime};

/// The shapes that the probe knows, by name, each with its descriptor.
pub const SHAPES: [(&str, &str); 15] = [
    ("stem", "c3x16 k3x3"),
    ("middle", "c64x64 k3x3"),
    ("seven", "c3x64 k7x7 s2x2"),
    ("five", "c24x24 k5x5"),
    ("pointwise", "c64x256 k1x1"),
    ("far", "c256x256 k3x3"),
    ("ragged", "c3x28 k3x3"),
    ("depthwise", "c128x128 k3x3 g128"),
    ("paired", "c512x512 k3x4 g512"),
    ("apart", "c512x512 k3x3 g512"),
    ("grouped", "c128x128 k3x3 g32"),
    ("few", "c3x4 k3x3"),
    ("picture", "c1x1 k15x15"),
    ("colours", "c3x3 k3x3 g3"),
    ("stacked", "c120x120 k5x5 g120"),
];

/// The filters that the probe knows, by name, each with what it is.
pub const FILTERS: [(&str, &str); 6] = [
    ("sobel", "filter: Sobel x"),
    ("gaussian-15", "filter: Gaussian 15 × 15"),
    ("gaussian-5", "filter: Gaussian 5 × 5"),
    ("gaussian-31", "filter: Gaussian 31 × 31"),
    ("random-7", "filter: random 7 × 7"),
    ("mean-9", "filter: mean 9 × 9"),
];

/// What the probe knows by this name: a descriptor, or what a filter is.
#[must_use]
pub fn named(name: &str) -> Option<&'static str> {
    SHAPES.iter().chain(&FILTERS).find(|(known, _)| *known == name).map(|(_, what)| *what)
}

/// What one shape or filter adds to a release build.
#[derive(Debug, Clone, PartialEq)]
pub struct Build {
    /// The name of the shape or filter, see [`SHAPES`] and [`FILTERS`].
    pub shape: String,
    /// Kernels that were generated for it: one for each instruction set of this architecture, none for
    /// filters that the library's own code computes.
    pub kernels: usize,
    /// Seconds that the build takes longer, median against median; linking included.
    pub seconds: f64,
    /// Bytes of code that the program is larger by.
    pub code_bytes: u64,
    /// Multiply-add instructions that the schedules of all its kernels promise; not counted for filters.
    pub fmas: usize,
}

/// A kernel that a probe contains, as it says itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The name of its instruction set.
    pub isa: String,
    /// Multiply-add instructions that its schedule promises.
    pub fmas: usize,
    /// Its name.
    pub name: String,
}

/// Builds the probe with each of the shapes and filters and with none, `rounds` times each, and tells
/// `progress` what it is doing. Nothing but the probe is compiled, after a first build that is not
/// timed.
///
/// # Errors
/// The reason why nothing could be measured: no cargo, no sources, or what the compiler said.
pub fn measure(shapes: &[&str], rounds: usize, progress: &dyn Fn(&str)) -> Result<Vec<Build>, String> {
    if let Some(unknown) = shapes.iter().find(|shape| named(shape).is_none()) {
        let names: Vec<&str> = SHAPES.iter().chain(&FILTERS).map(|(name, _)| *name).collect();
        return Err(format!("the probe has no shape {unknown:?}, only {}", names.join(", ")));
    }
    progress("building the probe without a kernel");
    compile(None, &[])?;
    let probes: Vec<Option<&str>> = std::iter::once(None).chain(shapes.iter().copied().map(Some)).collect();
    let mut seconds = vec![Vec::new(); probes.len()];
    let mut built = Vec::new();
    // Rounds outermost, so that a machine that is slow for a while is slow for all.
    for round in 1..=rounds.max(1) {
        built.clear();
        for (shape, seconds) in probes.iter().zip(&mut seconds) {
            progress(&format!("building the probe, round {round}: {}", shape.unwrap_or("no kernel")));
            let start = Instant::now();
            let program = compile(*shape, &[])?;
            seconds.push(start.elapsed().as_secs_f64());
            // The next build replaces the program: what is to be known of it is asked now.
            built.push((list(&program)?, code_bytes(&program)?));
        }
    }
    let medians: Vec<f64> = seconds.into_iter().map(median).collect();
    let mut builds = Vec::new();
    for (index, shape) in shapes.iter().enumerate().map(|(index, shape)| (index + 1, shape)) {
        let (kernels, bytes) = &built[index];
        if kernels.is_empty() && SHAPES.iter().any(|(name, _)| name == shape) {
            return Err(format!("the probe contains no kernel for {shape:?}"));
        }
        builds.push(Build {
            shape: (*shape).to_owned(),
            kernels: kernels.len(),
            seconds: medians[index] - medians[0],
            code_bytes: bytes.saturating_sub(built[0].1),
            fmas: kernels.iter().map(|kernel| kernel.fmas).sum(),
        });
    }
    Ok(builds)
}

/// Compiles the probe with one shape or none, and with more arguments for the compiler; nothing
/// else is compiled where it was before. Gives the program.
///
/// # Errors
/// The reason why there is no program.
pub fn compile(shape: Option<&str>, arguments: &[&str]) -> Result<PathBuf, String> {
    let crate_root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = crate_root.join("Cargo.toml");
    if !manifest.is_file() {
        return Err(format!(
            "the sources that this program was built from are no longer at {}",
            crate_root.display()
        ));
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(&cargo);
    command
        .args(["rustc", "--release", "--offline", "--quiet", "--message-format=json", "--bin", "probe"])
        .arg("--manifest-path")
        .arg(&manifest);
    if let Some(target) = target_directory() {
        command.arg("--target-dir").arg(target);
    }
    command.arg("--");
    if let Some(shape) = shape {
        command.arg("--cfg").arg(format!("probe={shape:?}"));
    }
    // A name that was never there makes the compiler start over.
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    command.arg("--cfg").arg(format!("probe_built_at=\"{now}\"")).args(arguments);
    let output =
        command.output().map_err(|error| format!("{} does not run: {error}", cargo.to_string_lossy()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let messages = || text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    if !output.status.success() {
        let mut reasons: Vec<String> = messages()
            .filter_map(|message| Some(message["message"]["rendered"].as_str()?.to_owned()))
            .collect();
        reasons.push(String::from_utf8_lossy(&output.stderr).into_owned());
        return Err(format!("the probe does not build: {}", reasons.join("\n").trim()));
    }
    messages()
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .next_back()
        .ok_or_else(|| "the build of the probe named no program".to_owned())
}

/// Where this program was built, and its dependencies with it: they need not be built again there.
fn target_directory() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file()).map(Path::to_owned)
}

/// Runs a probe and reads which kernels it contains.
///
/// # Errors
/// The reason why there is no list.
pub fn list(program: &Path) -> Result<Vec<Listed>, String> {
    let fail = |problem: &dyn std::fmt::Display| format!("{}: {problem}", program.display());
    let output = Command::new(program).output().map_err(|error| fail(&error))?;
    if !output.status.success() {
        return Err(fail(&output.status));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .map(|line| {
            let (isa, rest) = line.split_once('\t').unwrap_or_default();
            let (fmas, name) = rest.split_once('\t').unwrap_or_default();
            let fmas = fmas.parse().map_err(|_| fail(&format!("{line:?} is no kernel")))?;
            Ok(Listed { isa: isa.to_owned(), fmas, name: name.to_owned() })
        })
        .collect()
}

/// Bytes of machine code in a program: its executable sections where it is a 64-bit ELF file, the
/// whole file elsewhere.
fn code_bytes(program: &Path) -> Result<u64, String> {
    let bytes = std::fs::read(program).map_err(|error| format!("{}: {error}", program.display()))?;
    Ok(executable_sections(&bytes).unwrap_or(bytes.len() as u64))
}

/// The sizes of the executable sections of a little-endian 64-bit ELF file, summed.
fn executable_sections(file: &[u8]) -> Option<u64> {
    const EXECUTABLE: u64 = 4;
    let number = |at: usize, bytes: usize| -> Option<u64> {
        let slice = file.get(at..at.checked_add(bytes)?)?;
        Some(slice.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    };
    if file.get(..6)? != [0x7f, b'E', b'L', b'F', 2, 1] {
        return None;
    }
    let (table, entry, count) = (number(40, 8)? as usize, number(58, 2)? as usize, number(60, 2)? as usize);
    let mut sum = 0;
    for section in 0..count {
        let at = table.checked_add(section.checked_mul(entry)?)?;
        if number(at + 8, 8)? & EXECUTABLE != 0 {
            sum += number(at + 32, 8)?;
        }
    }
    Some(sum)
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    if numbers.len() % 2 == 1 { numbers[middle] } else { (numbers[middle - 1] + numbers[middle]) / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_a_program_is_part_of_it() {
        let program = std::env::current_exe().unwrap();
        let file = std::fs::read(&program).unwrap();
        let code = code_bytes(&program).unwrap();
        assert!(code > 10_000 && code <= file.len() as u64, "{code} of {}", file.len());
        assert_eq!(executable_sections(b"\x7fELF\x02\x01"), None);
        assert_eq!(executable_sections(b"#!/bin/sh"), None);
    }

    #[test]
    fn a_shape_that_the_probe_lacks_is_an_error_that_lists_those_it_has() {
        let error = measure(&["stem", "eleven"], 1, &|_| {}).unwrap_err();
        assert!(error.contains("eleven") && error.contains("pointwise"), "{error}");
    }

    #[test]
    fn medians() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}
