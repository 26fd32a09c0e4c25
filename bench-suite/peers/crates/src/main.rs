//! Serves the convolution of one crate on the standard streams, by the protocol of `../serve.py`:
//! `tapwise-crate-peers NAME --threads N --cores 0,1`. Whoever starts it sets RAYON_NUM_THREADS, which
//! some of the crates read.

mod burn;
mod candle;
mod filter;
mod image;
mod libblur;
mod ndarray_conv;
mod task;
mod tract;

use std::fs;
use std::io::{BufRead, Write};
use std::time::Instant;

use filter::{FilterRequest, FilterTask};
use serde::Deserialize;
use serde_json::{Value, json};
use task::{Failure, Form, Task};

/// What the bench suite asks.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
enum Request {
    Prepare { shape: task::Shape, input: String, filter: String },
    Filter(FilterRequest),
    Answer { form: String, output: String },
    Run { form: String, repeats: usize, warm: f64 },
}

/// What a crate makes of an image filter.
type Filters = fn(FilterTask) -> Result<Vec<Form>, Failure>;

/// A crate: its name, its version, and what it makes of a task.
#[derive(Clone, Copy)]
struct Crate {
    name: &'static str,
    version: &'static str,
    layers: fn(Task) -> Result<Vec<Form>, Failure>,
    filters: Filters,
}

const fn layers(
    name: &'static str,
    version: &'static str,
    layers: fn(Task) -> Result<Vec<Form>, Failure>,
) -> Crate {
    Crate {
        name,
        version,
        layers,
        filters: |_| Err(Failure::Cannot("it is measured on layers alone".to_owned())),
    }
}

const CRATES: [Crate; 6] = [
    layers("candle", "0.11", candle::prepare),
    layers("tract", "0.23", tract::prepare),
    layers("burn", "0.22", burn::prepare),
    layers("ndarray-conv", "0.6", ndarray_conv::prepare),
    Crate { filters: image::image_filter, ..layers("imageproc", "0.27", image::prepare) },
    Crate {
        filters: libblur::prepare,
        ..layers("libblur", "0.24", |_| Err(Failure::Cannot("it filters images alone".to_owned())))
    },
];

/// The forms of what was prepared last.
struct Prepared {
    forms: Vec<Form>,
    /// Whether answers are levels of 8 bits.
    levels: bool,
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let after = |name: &str| words.iter().skip_while(|word| *word != name).nth(1);
    let threads = after("--threads").and_then(|text| text.parse().ok()).unwrap_or(1);
    let cores: Vec<usize> = after("--cores")
        .map(|text| text.split(',').filter_map(|core| core.parse().ok()).collect())
        .unwrap_or_default();
    let Some(own) = CRATES.into_iter().find(|own| words.first().is_some_and(|name| name == own.name)) else {
        say(&json!({ "error": "wanted the name of a crate" }));
        return;
    };
    let pin = move |index: usize| {
        if let Some(&id) = cores.get(index) {
            core_affinity::set_for_current(core_affinity::CoreId { id });
        }
    };
    let pool =
        rayon::ThreadPoolBuilder::new().num_threads(threads).use_current_thread().start_handler(pin.clone());
    pin(0);
    if let Err(error) = pool.build_global() {
        say(&json!({ "error": error.to_string() }));
        return;
    }
    say(&json!({ "peer": own.name, "version": own.version }));
    let mut prepared = Prepared { forms: Vec::new(), levels: false };
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { return };
        let reply = serde_json::from_str(&line).map_err(|error| Failure::Failed(error.to_string()));
        say(&match reply.and_then(|request| answer(request, &mut prepared, own)) {
            Ok(reply) => reply,
            Err(Failure::Cannot(reason)) => json!({ "cannot": reason }),
            Err(Failure::Failed(reason)) => json!({ "error": reason }),
        });
    }
}

fn answer(request: Request, prepared: &mut Prepared, own: Crate) -> Result<Value, Failure> {
    let find = |forms: &mut Vec<Form>, name: &str| -> Result<usize, Failure> {
        let place = forms.iter().position(|form| form.name == name);
        place.ok_or_else(|| Failure::Failed(format!("there is no form {name}")))
    };
    let names = |forms: &[Form]| json!({ "forms": forms.iter().map(|form| form.name).collect::<Vec<_>>() });
    let Prepared { forms, levels } = prepared;
    match request {
        Request::Prepare { shape, input, filter } => {
            forms.clear();
            *levels = false;
            *forms = (own.layers)(Task::read(shape, &input, &filter)?)?;
            Ok(names(forms))
        }
        Request::Filter(request) => {
            forms.clear();
            *levels = request.output == "u8";
            *forms = (own.filters)(FilterTask::read(request)?)?;
            Ok(names(forms))
        }
        Request::Answer { form, output } => {
            let index = find(forms, &form)?;
            let values = (forms[index].answer)()?;
            let bytes: Vec<u8> = match *levels {
                true => values.iter().map(|value| *value as u8).collect(),
                false => values.iter().flat_map(|value| value.to_ne_bytes()).collect(),
            };
            fs::write(&output, bytes).map_err(|error| Failure::Failed(error.to_string()))?;
            Ok(json!({ "elements": values.len() }))
        }
        Request::Run { form, repeats, warm } => {
            let index = find(forms, &form)?;
            let start = Instant::now();
            while start.elapsed().as_secs_f64() < warm {
                (forms[index].run)()?;
            }
            let start = Instant::now();
            for _ in 0..repeats {
                (forms[index].run)()?;
            }
            Ok(json!({ "seconds": start.elapsed().as_secs_f64() }))
        }
    }
}

fn say(reply: &Value) {
    // Nobody listens any more: the next request will not come either.
    let _ = writeln!(std::io::stdout(), "{reply}");
}
