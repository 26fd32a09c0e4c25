//! A peer in a process of its own, spoken to by JSON lines; `bench-suite/peers/serve.py` has the
//! protocol from the other side.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use ndarray::{Array4, ArrayView4};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Failure, FilterTask, PROGRAM, Peer, Task};
use crate::Error;
use crate::filters::list::Operation;
use crate::filters::picture::{Answer, Numbers};
use crate::machine;

/// How long a peer may take for one request, compiling its kernels included.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a peer is started again after a crash.
const LIVES: usize = 3;

/// How long threads that wait busily for more work are given to fall asleep.
const REST: Duration = Duration::from_millis(5);

/// Seconds that a peer of several threads runs before its sample: threads that nobody pins need some
/// milliseconds to find a core each.
const WARM: f64 = 0.01;

/// What a peer says, whichever of it there is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Reply {
    peer: Option<String>,
    version: Option<String>,
    forms: Option<Vec<String>>,
    elements: Option<usize>,
    seconds: Option<f64>,
    cannot: Option<String>,
    error: Option<String>,
}

/// A running process.
struct Running {
    child: Child,
    requests: ChildStdin,
    replies: Receiver<String>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It ends by itself when nobody can ask any more; one that hangs is ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A peer in a process of its own.
pub struct Process {
    command: Command,
    name: String,
    version: String,
    threads: usize,
    folder: PathBuf,
    running: Option<Running>,
    lives: usize,
    /// The shape of the answers to the problem at hand.
    output: [usize; 4],
    /// What they are made of.
    numbers: Numbers,
}

/// The command that serves a library: the interpreter with a module of `bench-suite/peers`, or
/// [`PROGRAM`] with the name of a crate.
#[must_use]
pub fn command(program: &Path, library: &str, threads: usize) -> Command {
    let cores: Vec<String> = machine::cores(threads).iter().map(usize::to_string).collect();
    // Relative to where the user is, not to where the process runs.
    let absolute = std::path::absolute(program).unwrap_or_else(|_| program.to_owned());
    let mut command = Command::new(absolute);
    if program.file_name() != Some(OsStr::new(PROGRAM)) {
        command.args(["-m", "peers"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    }
    command.args([library, "--threads", &threads.to_string(), "--cores", &cores.join(",")]);
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("RAYON_NUM_THREADS", threads.to_string());
    // Freed memory is kept: a fresh output can cost more than a convolution.
    command.env("MALLOC_MMAP_MAX_", "0").env("MALLOC_TRIM_THRESHOLD_", "68719476736");
    command
}

impl Process {
    /// Starts a peer that says its name; the reason where it does not.
    ///
    /// # Errors
    /// [`Error::Write`] where there is no folder for the numbers.
    pub fn start(command: Command, name: &str) -> Result<Result<Self, String>, Error> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("tapwise-peer-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).map_err(|source| Error::Write { path: folder.clone(), source })?;
        let mut process = Process {
            command,
            name: name.to_owned(),
            version: String::new(),
            threads: rayon::current_num_threads(),
            folder,
            running: None,
            lives: LIVES,
            output: [0; 4],
            numbers: Numbers::F32,
        };
        Ok(match process.revive() {
            Ok(()) => Ok(process),
            Err(Failure::Cannot(reason) | Failure::Failed(reason)) => Err(reason),
        })
    }

    /// Starts the process where there is none.
    fn revive(&mut self) -> Result<(), Failure> {
        if self.running.is_some() {
            return Ok(());
        }
        if self.lives == 0 {
            return Err(Failure::Cannot(format!("it was ended {LIVES} times")));
        }
        self.lives -= 1;
        let failed = |error: std::io::Error| Failure::Failed(format!("cannot start it: {error}"));
        let log = File::create(self.folder.join("log")).map_err(failed)?;
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut child = self.command.spawn().map_err(failed)?;
        let (Some(requests), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Failure::Failed("cannot start it: it has no streams".to_owned()));
        };
        let (sender, replies) = channel();
        thread::spawn(move || {
            for line in BufReader::new(answers).lines() {
                let Ok(line) = line else { return };
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        self.running = Some(Running { child, requests, replies });
        let hello = self.reply()?;
        match (hello.peer, hello.version) {
            (Some(name), Some(version)) => (self.name, self.version) = (name, version),
            _ => return Err(self.ended("it did not say its name")),
        }
        Ok(())
    }

    /// Ends the process; why, with the last that it complained of.
    fn ended(&mut self, what: &str) -> Failure {
        let status = self.running.take().and_then(|mut running| running.child.try_wait().ok().flatten());
        let status = status.map_or(String::new(), |status| format!(" ({status})"));
        let log = fs::read(self.folder.join("log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let last = log.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
        let last: String = last.chars().take(200).collect();
        let last = if last.is_empty() { last } else { format!(": {last}") };
        Failure::Failed(format!("{what}{status}{last}"))
    }

    fn reply(&mut self) -> Result<Reply, Failure> {
        let Some(running) = &self.running else {
            return Err(Failure::Failed("it is not running".to_owned()));
        };
        let line = match running.replies.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => {
                return Err(self.ended(&format!("it took longer than {} s", PATIENCE.as_secs())));
            }
            Err(RecvTimeoutError::Disconnected) => {
                // The streams close a little before the process is gone.
                thread::sleep(Duration::from_millis(50));
                return Err(self.ended("its process ended"));
            }
        };
        let Ok(reply) = serde_json::from_str::<Reply>(&line) else {
            let line: String = line.chars().take(100).collect();
            return Err(self.ended(&format!("it said {line:?}, which is no reply")));
        };
        match (reply.cannot, reply.error) {
            (Some(reason), _) => Err(Failure::Cannot(reason)),
            (None, Some(reason)) => Err(Failure::Failed(reason)),
            (None, None) => Ok(Reply { cannot: None, error: None, ..reply }),
        }
    }

    fn ask(&mut self, request: &Value) -> Result<Reply, Failure> {
        let written = self.running.as_mut().map(|running| {
            running.requests.write_all(format!("{request}\n").as_bytes())?;
            running.requests.flush()
        });
        match written {
            Some(Ok(())) => self.reply(),
            None => Err(Failure::Failed("it is not running".to_owned())),
            Some(Err(_)) => {
                thread::sleep(Duration::from_millis(50));
                Err(self.ended("its process ended"))
            }
        }
    }

    /// Writes an array as the protocol wants it, and gives the name of the file.
    fn write(&self, name: &str, array: ArrayView4<'_, f32>) -> Result<String, Failure> {
        self.write_bytes(name, array.iter().flat_map(|value| value.to_ne_bytes()).collect())
    }

    fn write_bytes(&self, name: &str, bytes: Vec<u8>) -> Result<String, Failure> {
        let path = self.folder.join(name);
        let fail = |error| Failure::Failed(format!("cannot write {}: {error}", path.display()));
        fs::write(&path, bytes).map_err(fail)?;
        Ok(path.to_string_lossy().into_owned())
    }
}

impl Process {
    /// What a request to prepare something is answered with.
    fn forms(&mut self, request: &Value) -> Result<Vec<String>, Failure> {
        match self.ask(request)?.forms {
            Some(forms) if !forms.is_empty() => Ok(forms),
            _ => Err(Failure::Failed("it named no way to run".to_owned())),
        }
    }

    /// The bytes of one answer.
    fn output(&mut self, form: &str) -> Result<Vec<u8>, Failure> {
        let path = self.folder.join("output");
        let request = json!({ "do": "answer", "form": form, "output": path.to_string_lossy() });
        let wanted = self.output.iter().product::<usize>();
        if self.ask(&request)?.elements != Some(wanted) {
            return Err(Failure::Failed(format!("its output has not the {wanted} elements wanted")));
        }
        fs::read(&path).map_err(|error| Failure::Failed(format!("its output: {error}")))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.running = None;
        // A folder of temporary files: the system clears what is left.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Peer for Process {
    fn name(&self) -> &str {
        &self.name
    }

    fn version(&self) -> &str {
        &self.version
    }

    fn prepare(&mut self, task: &Task<'_>) -> Result<Vec<String>, Failure> {
        let spec = task.shape.spec;
        let output = task.shape.output().map_err(|error| Failure::Failed(error.to_string()))?;
        if spec.border != tapwise::Border::Zero {
            return Err(Failure::Cannot("peers are asked for zero borders alone".to_owned()));
        }
        self.revive()?;
        self.output = [task.shape.batch, output[0], output[1], spec.c_out];
        let [rows, columns] = spec.margins(task.shape.input);
        let request = json!({
            "do": "prepare",
            "shape": {
                "batch": task.shape.batch,
                "input": task.shape.input,
                "c_in": spec.c_in,
                "c_out": spec.c_out,
                "kernel": spec.kernel,
                "stride": spec.stride,
                "dilation": spec.dilation,
                "groups": spec.groups,
                "pads": [rows.before, columns.before, rows.after, columns.after],
                "output": output,
            },
            "input": self.write("input", task.pictures)?,
            "filter": self.write("filter", task.filter)?,
        });
        self.forms(&request)
    }

    fn answer(&mut self, form: &str) -> Result<Array4<f32>, Failure> {
        let bytes = self.output(form)?;
        let values = bytes.as_chunks().0.iter().map(|four| f32::from_ne_bytes(*four)).collect();
        Array4::from_shape_vec(self.output, values)
            .map_err(|error| Failure::Failed(format!("its output: {error}")))
    }

    fn prepare_filter(&mut self, task: &FilterTask<'_>) -> Result<Vec<String>, Failure> {
        let (height, width, channels) = task.pixels.dim();
        self.revive()?;
        (self.output, self.numbers) = ([task.filters, height, width, channels], task.output);
        let weights = task.weights.iter().flat_map(|weight| weight.to_ne_bytes()).collect();
        let sigma = match task.operation {
            Operation::Gaussian { sigma } => Some(sigma),
            _ => None,
        };
        let request = json!({
            "do": "filter",
            "operation": task.operation.name(),
            "sigma": sigma,
            "picture": [height, width, channels],
            "numbers": task.pixels.numbers().name(),
            "output": task.output.name(),
            "size": task.size,
            "filters": task.filters,
            "input": self.write_bytes("input", task.pixels.bytes())?,
            "weights": self.write_bytes("filter", weights)?,
        });
        self.forms(&request)
    }

    fn filtered(&mut self, form: &str) -> Result<Answer, Failure> {
        let bytes = self.output(form)?;
        Answer::of_bytes(self.numbers, self.output, bytes)
            .ok_or_else(|| Failure::Failed("its output has too few or too many bytes".to_owned()))
    }

    fn is_there(&self) -> bool {
        self.running.is_some()
    }

    fn run(&mut self, form: &str, repeats: usize) -> Result<f64, Failure> {
        let warm = if self.threads > 1 { WARM } else { 0.0 };
        let reply = self.ask(&json!({ "do": "run", "form": form, "repeats": repeats, "warm": warm }))?;
        if self.threads > 1 {
            thread::sleep(REST);
        }
        match reply.seconds {
            Some(seconds) if seconds > 0.0 && seconds.is_finite() => Ok(seconds),
            _ => Err(Failure::Failed("it did not say how long it ran".to_owned())),
        }
    }
}
