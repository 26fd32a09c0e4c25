//! Other libraries' convolutions, measured in the same rounds as tapwise: the same numbers, the
//! same answer, checked before anything is timed.
//!
//! They run in processes of their own ([`process`]), so that a crash is a hole in a table and nothing
//! else, and so that nothing of them is in an ordinary build: libraries of Python by the modules in
//! `bench-suite/peers`, crates of Rust by the program in `bench-suite/peers/crates`.
//! `scripts/setup-peers` installs both.

mod contest;
pub mod nets;
pub mod process;
pub mod ratio;
pub mod study;

use std::path::{Path, PathBuf};

use ndarray::{Array4, ArrayView4};
use serde::{Deserialize, Serialize};
use tapwise::Shape;

use crate::Error;
use crate::filters::list::Operation;
use crate::filters::picture::{Answer, Numbers, Pixels};
use crate::measurement::Absent;

pub use contest::{CALL, measure};
pub(crate) use contest::{check, race_beside};

/// The libraries of Python, by the names of their modules in `bench-suite/peers`.
pub const MODULES: [&str; 9] = [
    "pytorch",
    "onnx_runtime",
    "openvino_cpu",
    "ncnn_cpu",
    "mnn",
    "litert",
    "opencv",
    "halide_jit",
    "scipy_ndimage",
];

/// The crates of Rust, by the names that [`PROGRAM`] has for them.
pub const CRATES: [&str; 5] = ["candle", "tract", "burn", "ndarray-conv", "imageproc"];

/// The libraries of Python that serve image filters.
pub const FILTER_MODULES: [&str; 3] = ["opencv", "halide_jit", "scipy_ndimage"];

/// The crates of Rust that serve image filters.
pub const FILTER_CRATES: [&str; 2] = ["imageproc", "libblur"];

/// The program that serves [`CRATES`] and [`FILTER_CRATES`], beside the interpreter.
pub const PROGRAM: &str = "tapwise-crate-peers";

/// A problem with its numbers, as a peer is asked for it.
#[derive(Debug, Clone, Copy)]
pub struct Task<'a> {
    /// The problem.
    pub shape: Shape,
    /// `[K_h, K_w, C_in / groups, C_out]`.
    pub filter: ArrayView4<'a, f32>,
    /// `[N, H, W, C_in]`.
    pub pictures: ArrayView4<'a, f32>,
}

/// An image filter with its numbers, as a peer is asked for it. What lies beyond the edges of the picture is
/// [`crate::filters::judge::BORDER`].
#[derive(Debug, Clone, Copy)]
pub struct FilterTask<'a> {
    /// What it may be called.
    pub operation: Operation,
    /// The picture.
    pub pixels: &'a Pixels,
    /// `[N, K_h, K_w]` in order.
    pub weights: &'a [f32],
    /// Rows and columns of a filter.
    pub size: [usize; 2],
    /// Filters, `N`: answers of a gradient, its length and its direction.
    pub filters: usize,
    /// What the numbers of the answer are.
    pub output: Numbers,
}

/// Why a peer has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// It does not serve this problem.
    Cannot(String),
    /// It should have, and did not.
    Failed(String),
}

/// A library that runs convolutions.
pub trait Peer: Send {
    /// Its name in records.
    fn name(&self) -> &str;

    /// Its version.
    fn version(&self) -> &str;

    /// Takes a problem, and forgets the one before; packs weights and takes memory.
    ///
    /// Gives the names of the ways in which it can be run, such as the memory order of pictures.
    ///
    /// # Errors
    /// Why there is no way.
    fn prepare(&mut self, task: &Task<'_>) -> Result<Vec<String>, Failure>;

    /// Runs once: `[N, H', W', C_out]`.
    ///
    /// # Errors
    /// Why there is no answer.
    fn answer(&mut self, form: &str) -> Result<Array4<f32>, Failure>;

    /// As [`Peer::prepare`], for an image filter.
    ///
    /// # Errors
    /// Why there is no way.
    fn prepare_filter(&mut self, task: &FilterTask<'_>) -> Result<Vec<String>, Failure>;

    /// Runs the image filter once.
    ///
    /// # Errors
    /// Why there is no answer.
    fn filtered(&mut self, form: &str) -> Result<Answer, Failure>;

    /// Whether it still has what it prepared: false after a crash.
    fn is_there(&self) -> bool;

    /// Seconds of `repeats` runs.
    ///
    /// # Errors
    /// Why they were not run.
    fn run(&mut self, form: &str, repeats: usize) -> Result<f64, Failure>;
}

/// A library that took part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Present {
    /// Its name in records.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// What is known of the peers besides their records.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    /// Those that took part.
    pub present: Vec<Present>,
    /// Libraries that are not here (no shape), and shapes that a library does not serve.
    pub absent: Vec<Absent>,
    /// Shapes that a library failed at or answered wrongly.
    pub failed: Vec<Absent>,
    /// Layers of the nets that were left out because they cost too much for the effort.
    pub skipped: Vec<String>,
}

impl Findings {
    /// Takes in what is known besides.
    pub fn take(&mut self, other: Findings) {
        let Findings { present, absent, failed, skipped } = other;
        let one = |found: Vec<Absent>, own: &mut Vec<Absent>| {
            for found in found {
                if !own.contains(&found) {
                    own.push(found);
                }
            }
        };
        one(absent, &mut self.absent);
        one(failed, &mut self.failed);
        for present in present {
            if !self.present.contains(&present) {
                self.present.push(present);
            }
        }
        for skipped in skipped {
            if !self.skipped.contains(&skipped) {
                self.skipped.push(skipped);
            }
        }
    }

    /// Notes that a problem has no answer of a peer; says it aloud where there should have been one.
    pub(crate) fn miss(&mut self, shape: &str, name: &str, failure: Failure, say: &dyn Fn(&str)) {
        let of = |reason| Absent { shape: shape.to_owned(), strategy: name.to_owned(), reason };
        match failure {
            Failure::Cannot(reason) => self.absent.push(of(reason)),
            Failure::Failed(reason) => {
                say(&format!("{shape}: no {name}: {reason}"));
                self.failed.push(of(reason));
            }
        }
    }
}

/// The interpreter where `scripts/setup-peers` puts it.
#[must_use]
pub fn python() -> PathBuf {
    Path::new("target").join("peers").join("bin").join("python")
}

/// Starts every peer that is here, on `threads` threads; says aloud who is not.
///
/// # Errors
/// [`Error::Write`] where there is no folder for the numbers.
pub fn start(
    python: &Path,
    threads: usize,
    findings: &mut Findings,
    say: &dyn Fn(&str),
) -> Result<Vec<Box<dyn Peer>>, Error> {
    start_those(python, [&MODULES, &CRATES], threads, findings, say)
}

/// Starts the peers that serve image filters, as [`start`].
///
/// # Errors
/// As [`start`].
pub fn start_for_filters(
    python: &Path,
    threads: usize,
    findings: &mut Findings,
    say: &dyn Fn(&str),
) -> Result<Vec<Box<dyn Peer>>, Error> {
    start_those(python, [&FILTER_MODULES, &FILTER_CRATES], threads, findings, say)
}

fn start_those(
    python: &Path,
    [modules, crates]: [&[&str]; 2],
    threads: usize,
    findings: &mut Findings,
    say: &dyn Fn(&str),
) -> Result<Vec<Box<dyn Peer>>, Error> {
    let mut peers: Vec<Box<dyn Peer>> = Vec::new();
    let mut missing = |name: &str, reason: String| {
        let absent = Absent { shape: String::new(), strategy: name.to_owned(), reason };
        if !findings.absent.contains(&absent) {
            say(&format!("no {name}: {}", absent.reason));
            findings.absent.push(absent);
        }
    };
    for (program, names) in [(python.to_owned(), modules), (python.with_file_name(PROGRAM), crates)] {
        if !program.is_file() {
            let reason = format!("{} is not there; scripts/setup-peers makes it", program.display());
            missing(&names.join(", "), reason);
            continue;
        }
        for name in names {
            match process::Process::start(process::command(&program, name, threads), name)? {
                Ok(peer) => peers.push(Box::new(peer)),
                Err(reason) => missing(name, reason),
            }
        }
    }
    let present =
        peers.iter().map(|peer| Present { name: peer.name().to_owned(), version: peer.version().to_owned() });
    for present in present {
        // The same libraries take part again on several threads.
        if !findings.present.contains(&present) {
            findings.present.push(present);
        }
    }
    Ok(peers)
}
