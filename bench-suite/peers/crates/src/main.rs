//! Serves the convolution of one crate on the standard streams, by the protocol of `../serve.py`:
//! `tapwise-crate-peers NAME --threads N --cores 0,1`. Whoever starts it sets RAYON_NUM_THREADS, which
//! some of the crates read.

mod burn;
mod candle;
mod image;
mod ndarray_conv;
mod task;
mod tract;

use std::fs;
use std::io::{BufRead, Write};
use std::time::Instant;

use serde::Deserialize;
use serde_json::{Value, json};
use task::{Failure, Form, Task};

/// What the bench suite asks.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
enum Request {
    Prepare { shape: task::Shape, input: String, filter: String },
    Answer { form: String, output: String },
    Run { form: String, repeats: usize, warm: f64 },
}

/// A crate: its name, its version, and what it makes of a task.
type Crate = (&'static str, &'static str, fn(Task) -> Result<Vec<Form>, Failure>);

fn find(name: &str) -> Option<Crate> {
    match name {
        "candle" => Some(("candle", "0.11", candle::prepare)),
        "tract" => Some(("tract", "0.23", tract::prepare)),
        "burn" => Some(("burn", "0.22", burn::prepare)),
        "ndarray-conv" => Some(("ndarray-conv", "0.6", ndarray_conv::prepare)),
        "imageproc" => Some(("imageproc", "0.27", image::prepare)),
        _ => None,
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let after = |name: &str| words.iter().skip_while(|word| *word != name).nth(1);
    let threads = after("--threads").and_then(|text| text.parse().ok()).unwrap_or(1);
    let cores: Vec<usize> =
        after("--cores").map(|text| text.split(',').filter_map(|core| core.parse().ok()).collect()).unwrap_or_default();
    let Some((name, version, prepare)) = words.first().and_then(|name| find(name)) else {
        say(&json!({ "error": "wanted the name of a crate" }));
        return;
    };
    let pin = move |index: usize| {
        if let Some(&id) = cores.get(index) {
            core_affinity::set_for_current(core_affinity::CoreId { id });
        }
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).use_current_thread().start_handler(pin.clone());
    pin(0);
    if let Err(error) = pool.build_global() {
        say(&json!({ "error": error.to_string() }));
        return;
    }
    say(&json!({ "peer": name, "version": version }));
    let mut forms: Vec<Form> = Vec::new();
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { return };
        let reply = serde_json::from_str(&line).map_err(|error| Failure::Failed(error.to_string()));
        say(&match reply.and_then(|request| answer(request, &mut forms, prepare)) {
            Ok(reply) => reply,
            Err(Failure::Cannot(reason)) => json!({ "cannot": reason }),
            Err(Failure::Failed(reason)) => json!({ "error": reason }),
        });
    }
}

fn answer(
    request: Request,
    forms: &mut Vec<Form>,
    prepare: fn(Task) -> Result<Vec<Form>, Failure>,
) -> Result<Value, Failure> {
    let find = |forms: &mut Vec<Form>, name: &str| -> Result<usize, Failure> {
        let place = forms.iter().position(|form| form.name == name);
        place.ok_or_else(|| Failure::Failed(format!("there is no form {name}")))
    };
    match request {
        Request::Prepare { shape, input, filter } => {
            forms.clear();
            *forms = prepare(Task::read(shape, &input, &filter)?)?;
            Ok(json!({ "forms": forms.iter().map(|form| form.name).collect::<Vec<_>>() }))
        }
        Request::Answer { form, output } => {
            let index = find(forms, &form)?;
            let values = (forms[index].answer)()?;
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_ne_bytes()).collect();
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
