//! Where the planner's costs come from: those that ship, or a file that `tapwise tune` wrote for the
//! machine at hand.
//!
//! A tuning is a small text, `key = value` in every line: the format, the version of the library, the
//! machine (processor, instruction set, bytes of its caches), and nanoseconds for one of each
//! [`Term`](crate::cost::Term). Three ways lead to it, the first of which counts:
//!
//! 1. [`load`], at any time;
//! 2. the environment variable [`TUNING_VARIABLE`], the path of a file, read when the first layer of the
//!    process is built;
//! 3. [`embed_tuning!`](crate::embed_tuning), which puts a file into the program.
//!
//! Without any of them the coefficients that ship serve. A tuning of another machine, another version or
//! another format is refused, and so is one with a line that is none: [`load`] answers with the reason;
//! for the other two the shipped coefficients serve, and [`Conv2d::explain`](crate::Conv2d::explain)
//! says why.
//!
//! A layer takes its costs when it is built and keeps them: what is loaded later changes no layer that
//! is there already, whatever sizes of pictures it has seen.

mod embedded;
mod file;

use std::path::Path;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use crate::cost::Costs;
use crate::error::Error;
use crate::isa::Isa;
use crate::processor::Maker;

pub use embedded::Embedded;
#[doc(hidden)]
pub use embedded::{EMBEDDED, check};
pub use file::{FORMAT, Host, Tuning};

/// The environment variable with the path of a tuning file.
pub const TUNING_VARIABLE: &str = "TAPWISE_TUNING";

/// Where the costs of a plan come from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// They ship with the library.
    Shipped,
    /// They ship with the library, since a tuning could not be used.
    Refused {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// They were read from a tuning.
    Tuned {
        /// The file.
        file: String,
    },
    /// The candidates were measured by [`Conv2d::tune`](crate::Conv2d::tune).
    Measured,
}

/// What costs are predicted from.
///
/// ```
/// use tapwise::tuning::{Model, Origin};
/// use tapwise::{Isa, Maker};
/// let (costs, origin) = Model::shipped().costs(Isa::Portable, Maker::Other);
/// assert_eq!(origin, Origin::Shipped);
/// assert_eq!(costs, tapwise::cost::Costs::shipped(Isa::Portable, Maker::Other));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Coefficients, and the instruction set that they are for.
    tuned: Option<(Isa, Costs)>,
    origin: Origin,
}

impl Model {
    /// The coefficients that ship.
    #[must_use]
    pub fn shipped() -> Arc<Model> {
        static SHIPPED: OnceLock<Arc<Model>> = OnceLock::new();
        let shipped = || Arc::new(Model { tuned: None, origin: Origin::Shipped });
        Arc::clone(SHIPPED.get_or_init(shipped))
    }

    /// What layers are built with now: what was loaded last, else what the environment names, else what
    /// is embedded, else what ships.
    #[must_use]
    pub fn current() -> Arc<Model> {
        let loaded = LOADED.read().unwrap_or_else(PoisonError::into_inner);
        match &*loaded {
            Some(model) => Arc::clone(model),
            None => Arc::clone(START.get_or_init(start)),
        }
    }

    /// Some coefficients for an instruction set, under the name of a file.
    #[must_use]
    pub fn tuned(isa: Isa, costs: Costs, file: &str) -> Arc<Model> {
        Arc::new(Model { tuned: Some((isa, costs)), origin: Origin::Tuned { file: file.to_owned() } })
    }

    /// The coefficients for an instruction set of a maker's processors, and where they come from.
    #[must_use]
    pub fn costs(&self, isa: Isa, maker: Maker) -> (Costs, Origin) {
        match (&self.tuned, &self.origin) {
            (Some((own, costs)), origin) if *own == isa => (*costs, origin.clone()),
            (Some((own, _)), Origin::Tuned { file }) => {
                let reason = format!("it is for {own}, the layer runs by {isa}");
                (Costs::shipped(isa, maker), Origin::Refused { file: file.clone(), reason })
            }
            (_, origin) => (Costs::shipped(isa, maker), origin.clone()),
        }
    }

    fn refused(file: &str, reason: String) -> Arc<Model> {
        Arc::new(Model { tuned: None, origin: Origin::Refused { file: file.to_owned(), reason } })
    }

    /// Reads a tuning and sees that it is for this machine.
    fn of_text(text: &str, file: &str) -> Result<Arc<Model>, String> {
        let tuning: Tuning = text.parse()?;
        tuning.check(&Host::here(tuning.host.isa))?;
        Ok(Model::tuned(tuning.host.isa, tuning.costs, file))
    }
}

static LOADED: RwLock<Option<Arc<Model>>> = RwLock::new(None);
static START: OnceLock<Arc<Model>> = OnceLock::new();

/// Reads a tuning file; layers that are built from now on plan by it.
///
/// ```
/// use tapwise::{Error, tuning};
/// let error = tuning::load("no-such-file.txt").unwrap_err();
/// assert!(matches!(&error, Error::Tuning { file, .. } if file == "no-such-file.txt"));
/// ```
///
/// # Errors
/// [`Error::Tuning`] with the reason, for a file that cannot be read, that has a line or a value that is
/// none, or that is of another machine, version or format. What was loaded before then stays.
pub fn load(path: impl AsRef<Path>) -> Result<(), Error> {
    let file = path.as_ref().display().to_string();
    let model = read(path.as_ref(), &file).map_err(|reason| Error::Tuning { file, reason })?;
    *LOADED.write().unwrap_or_else(PoisonError::into_inner) = Some(model);
    Ok(())
}

/// Forgets what was loaded: layers that are built from now on plan as if [`load`] had not been called.
pub fn unload() {
    *LOADED.write().unwrap_or_else(PoisonError::into_inner) = None;
}

fn read(path: &Path, file: &str) -> Result<Arc<Model>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("it cannot be read: {error}"))?;
    Model::of_text(&text, file)
}

/// What the environment names, or what is embedded.
fn start() -> Arc<Model> {
    if let Some(path) = std::env::var_os(TUNING_VARIABLE) {
        let file = Path::new(&path).display().to_string();
        return read(Path::new(&path), &file).unwrap_or_else(|reason| Model::refused(&file, reason));
    }
    match &EMBEDDED[..] {
        [] => Model::shipped(),
        [Embedded { file, text }] => {
            Model::of_text(text, file).unwrap_or_else(|reason| Model::refused(file, reason))
        }
        several => {
            let files: Vec<&str> = several.iter().map(|embedded| embedded.file).collect();
            Model::refused(&files.join(", "), "several are embedded, wanted one".to_owned())
        }
    }
}
