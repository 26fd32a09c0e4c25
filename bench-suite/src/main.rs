//! The program: measures tapwise on the machine at hand.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use ndarray::Array4;
use tapwise::{Conv2d, Shape};
use tapwise_bench::layers::Input;
use tapwise_bench::parts::Part;
use tapwise_bench::problems::Effort;
use tapwise_bench::session::{self, Options};
use tapwise_bench::waldo::command::Request;
use tapwise_bench::waldo::search::SCALES;
use tapwise_bench::{Error, compare, export, peers, readme, report, tuning, waldo};

/// Measures tapwise on this machine. Without a command: `tapwise report`.
#[derive(Debug, Parser)]
#[command(name = "tapwise", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    report: ReportArguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measures this machine and writes a report with plots.
    Report(ReportArguments),
    /// Says which path a shape takes, at what predicted cost, and why not another.
    Explain {
        /// The shape, such as: h56w56 c64x64 k3x3 s2x2.
        #[arg(required = true, num_args = 1.., value_name = "SHAPE")]
        shape: Vec<String>,
    },
    /// Measures this machine and many layers, fits the planner's costs to it, and writes them to a file.
    Tune(TuneArguments),
    /// Finds a template in a scene: scores every place, prints the best, writes a heat map and boxes.
    Waldo(WaldoArguments),
    /// Says what became faster or slower between two reports, and whether that is to be believed.
    Compare(compare::command::Arguments),
    /// Writes the figures of a README again, from the reports that its comments name.
    Readme(readme::Arguments),
    /// Writes the measurements of a report, or of criterion, as JSON Lines or CSV.
    Export(export::command::Arguments),
}

#[derive(Debug, Args)]
struct TuneArguments {
    /// How deep to go: quick takes about a minute, full several, and judges the choices afterwards.
    #[arg(long, value_enum, default_value_t = Effort::Quick)]
    effort: Effort,
    /// Threads of the measurements beyond one thread; every core unless said.
    #[arg(long, value_name = "N", value_parser = threads)]
    threads: Option<usize>,
    /// The file that is written.
    #[arg(long, value_name = "FILE", default_value = "tapwise-tuning.txt")]
    out: PathBuf,
    /// A file for every measurement, as JSON.
    #[arg(long, value_name = "FILE")]
    samples: Option<PathBuf>,
    /// Fits to the measurements of such a file instead of measuring.
    #[arg(long, value_name = "FILE", conflicts_with = "samples")]
    from: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct WaldoArguments {
    /// The picture to search, PNG or JPEG; grey ones are taken as colour.
    #[arg(required_unless_present = "demo", requires = "template")]
    scene: Option<PathBuf>,
    /// What to look for: a picture of at least 3 x 3 pixels, cut out closely.
    #[arg(required_unless_present = "demo")]
    template: Option<PathBuf>,
    /// Composes a scene of the photographs that ship, and searches that.
    #[arg(long, conflicts_with_all = ["scene", "template"])]
    demo: bool,
    /// How many times as large as the template Waldo may be, with commas between.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = scale, default_values_t = SCALES)]
    scales: Vec<f64>,
    /// The score from which a place is Waldo, from -1 to 1, instead of the one that is weighed.
    #[arg(long, value_name = "SCORE", value_parser = score, allow_negative_numbers = true)]
    threshold: Option<f64>,
    /// Rows of the table, and boxes in the picture.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
    top: u16,
    /// Trains the filter on altered copies against decoys and the scene, and says what that changed.
    #[arg(long)]
    learn: bool,
    /// The folder of scene.png, heat.png and places.json; files of these names are replaced.
    #[arg(long, value_name = "DIR", default_value = "waldo")]
    out: PathBuf,
}

/// A scale as a search takes it.
fn scale(text: &str) -> Result<f64, String> {
    match text.trim().parse() {
        Ok(scale) if (0.05..=20.0).contains(&scale) => Ok(scale),
        _ => Err("wanted a number from 0.05 to 20".to_owned()),
    }
}

/// A score of equation (15).
fn score(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(score) if (-1.0..=1.0).contains(&score) => Ok(score),
        _ => Err("wanted a number from -1 to 1".to_owned()),
    }
}

#[derive(Debug, Args)]
struct ReportArguments {
    /// How deep to go: quick ends within two minutes on two cores.
    #[arg(long, value_enum, default_value_t = Effort::Quick)]
    effort: Effort,
    /// A PNG or JPEG file instead of the photograph that ships.
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
    /// A file of layers to measure as well: an ONNX network, a list as JSON, or descriptors, one a line, # before
    /// comments. With --only shapes, nothing else is measured.
    #[arg(long, value_name = "FILE")]
    shapes: Option<PathBuf>,
    /// Height and width of the pictures of a network that leaves them open, such as 480x640.
    #[arg(long, value_name = "HxW", requires = "shapes")]
    input: Option<Input>,
    /// Threads of the measurements beyond one thread; every core unless said.
    #[arg(long, value_name = "N", value_parser = threads)]
    threads: Option<usize>,
    /// Measures other libraries beside tapwise as well; scripts/setup-peers installs them.
    #[arg(long)]
    peers: bool,
    /// Measures nothing but these, with commas between; with `peers`, the shapes of --shapes replace the list
    /// of layers.
    #[arg(long, value_name = "PARTS", value_enum, value_delimiter = ',', hide_possible_values = true)]
    only: Vec<Part>,
    /// The Python that has the other libraries.
    #[arg(long, value_name = "FILE", default_value_os_t = peers::python())]
    peers_python: PathBuf,
    /// The folder of the report; `reports/<date>-<machine>` unless said.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Goes on with a run that was stopped half-way, as it was begun; the newest in reports, unless its folder
    /// is named.
    #[arg(long, value_name = "DIR", num_args = 0..=1, conflicts_with_all = ASKED)]
    resume: Option<Option<PathBuf>>,
    /// Draws the report of a folder again, without measuring; with several, one report of what all of them
    /// measured. Into the first folder, unless --out names another.
    #[arg(long, value_name = "DIR", conflicts_with_all = ASKED)]
    from: Vec<PathBuf>,
}

/// Arguments that say what is to be measured.
const ASKED: [&str; 8] = ["effort", "image", "shapes", "input", "threads", "peers", "only", "peers_python"];

/// Threads as the library takes them.
fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(threads) if (1..=1024).contains(&threads) => Ok(threads),
        _ => Err("wanted a whole number from 1 to 1024".to_owned()),
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.command {
        Some(Command::Explain { shape }) => explain(&shape.join(" ")),
        Some(Command::Tune(TuneArguments { effort, threads, out, samples, from })) => {
            tuning::command::run(&tuning::command::Request { effort, threads, out, samples, from })
                .map(|said| say(&said))
        }
        Some(Command::Waldo(arguments)) => find_waldo(arguments),
        // Its exit status has a meaning of its own.
        Some(Command::Compare(arguments)) => return compare::command::run(&arguments),
        Some(Command::Readme(arguments)) => readme::run(&arguments),
        Some(Command::Export(arguments)) => export::command::run(&arguments),
        Some(Command::Report(report)) => write_report(report),
        None => write_report(arguments.report),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tapwise: {error}");
            ExitCode::FAILURE
        }
    }
}

fn explain(descriptor: &str) -> Result<(), Error> {
    let shape: Shape = descriptor.parse()?;
    shape.output()?;
    let spec = shape.spec;
    let filter = Array4::zeros((spec.kernel[0], spec.kernel[1], spec.c_in_group(), spec.c_out));
    let layer = Conv2d::builder(filter.view()).spec(&spec).build()?;
    say(&layer.explain(shape.input).to_string());
    Ok(())
}

fn find_waldo(arguments: WaldoArguments) -> Result<(), Error> {
    let WaldoArguments { scene, template, demo: _, scales, threshold, top, learn, out } = arguments;
    let pictures = scene.zip(template).map(|(scene, template)| [scene, template]);
    let options = waldo::Options { scales, threshold };
    let request = Request { pictures, options, top: usize::from(top), learn, out };
    say(&waldo::command::run(&request)?);
    Ok(())
}

fn write_report(arguments: ReportArguments) -> Result<(), Error> {
    let ReportArguments {
        effort,
        image,
        shapes,
        input,
        threads,
        peers,
        only,
        peers_python,
        out,
        resume,
        from,
    } = arguments;
    let (folder, findings) = if let Some(folder) = resume {
        session::resume(folder.as_deref())?
    } else if let Some(first) = from.first() {
        let findings = report::read_all(&from)?;
        let folder = out.unwrap_or_else(|| first.clone());
        report::write(&findings, &folder)?;
        (folder, findings)
    } else {
        let alone = !only.is_empty();
        let peers = peers || only.contains(&Part::Peers);
        let wanted = |part: &Part| if alone { only.contains(part) } else { peers || *part != Part::Peers };
        let typed: Vec<String> = std::env::args().skip(1).collect();
        // A report from no command at all is one from `tapwise report`.
        let named =
            if typed.first().is_some_and(|word| word == "report") { "tapwise" } else { "tapwise report" };
        let command = std::iter::once(named.to_owned()).chain(typed).collect::<Vec<_>>().join(" ");
        session::run(&Options {
            effort,
            parts: Part::all().iter().copied().filter(wanted).collect(),
            alone,
            image,
            shapes,
            input,
            threads,
            out,
            python: peers.then_some(peers_python),
            command,
        })?
    };
    say(&format!("{}\nreport: {}\n", report::terminal(&findings), folder.join("index.html").display()));
    Ok(())
}

/// Writes to the standard output; that nobody reads it to the end is no failure.
fn say(text: &str) {
    // The work is done, and there is nowhere left to complain to.
    let _ = std::io::stdout().write_all(text.as_bytes());
}
