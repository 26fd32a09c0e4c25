//! Everything that can go wrong in the program, said so that a person can mend it.

use std::path::PathBuf;

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A shape, a layer or a run that the library refuses.
    #[error(transparent)]
    Layer(#[from] tapwise::Error),
    /// A line of a file of shapes that is no descriptor.
    #[error("{}: line {line}: {source}", path.display())]
    ShapesLine {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        source: tapwise::Error,
    },
    /// A file of layers without a single layer.
    #[error(
        "{}: no layers in it, wanted one descriptor a line such as h56w56 c64x64 k3x3, a list of layers as JSON, or \
         an ONNX network with convolutions",
        path.display()
    )]
    NoShapes {
        /// The file.
        path: PathBuf,
    },
    /// A field of a layer in a JSON file that is missing or wrong.
    #[error("{}: entry {entry}{}: `{field}` {problem}", path.display(), bracketed(name))]
    LayerEntry {
        /// The file.
        path: PathBuf,
        /// The entry, counted from 1.
        entry: usize,
        /// Its name, where it has one.
        name: String,
        /// The field.
        field: String,
        /// What was found and what was wanted.
        problem: String,
    },
    /// A file of layers that is no JSON.
    #[error("{}: {source}", path.display())]
    LayersJson {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// A file that is no ONNX network.
    #[error("{}: {problem}", path.display())]
    Network {
        /// The file.
        path: PathBuf,
        /// What was found and what was wanted.
        problem: String,
    },
    /// A network that leaves the size of its pictures open, where none was said.
    #[error(
        "{}: the network leaves height and width of its input {inputs} open; say them with --input, such as --input \
         224x224",
        path.display()
    )]
    NetworkInput {
        /// The file.
        path: PathBuf,
        /// Names of the inputs.
        inputs: String,
    },
    /// A size of pictures for layers that have one.
    #[error("{}: --input is for ONNX networks that leave height and width open, and here nothing does", path.display())]
    InputUnused {
        /// The file.
        path: PathBuf,
    },
    /// A folder in which no run was stopped.
    #[error("nothing to resume in {}: wanted a report's folder with an unfinished.jsonl, which a run that was stopped leaves", folder.display())]
    NothingToResume {
        /// The folder.
        folder: PathBuf,
    },
    /// A run of another machine, program or instruction set.
    #[error("cannot resume the run in {}: its {what} is {found}, here it is {wanted}", folder.display())]
    OtherRun {
        /// The folder.
        folder: PathBuf,
        /// What differs.
        what: &'static str,
        /// What the run was made with.
        found: String,
        /// What is here.
        wanted: String,
    },
    /// A comment of a text that wants an excerpt of a report.
    #[error("{}: line {line}: {reason}", path.display())]
    Excerpt {
        /// The text.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A folder that is no report.
    #[error("{}: {reason}", folder.display())]
    NoReport {
        /// The folder.
        folder: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// A file that cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A folder or file that cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A picture that cannot be read.
    #[error("cannot read the picture {}: {source}", path.display())]
    Picture {
        /// The file, or the name of the picture that ships.
        path: PathBuf,
        /// Why.
        source: image::ImageError,
    },
    /// A picture of the report that cannot be encoded.
    #[error("cannot encode a picture of the report: {0}")]
    Encode(image::ImageError),
    /// A template with too few pixels to be told from others.
    #[error("the template has {} × {} pixels, wanted at least {wanted} × {wanted}", found[1], found[0])]
    TemplateTooSmall {
        /// Its rows and columns.
        found: [usize; 2],
        /// The fewest of either.
        wanted: usize,
    },
    /// A template of one colour.
    #[error(
        "the template is of one colour (its contrast is {contrast:.2} grey levels, wanted at least {wanted}): the \
         score compares differences from the mean colour, and there are none"
    )]
    TemplateFlat {
        /// The root mean square of its differences from its mean colour, in grey levels.
        contrast: f64,
        /// The least that is served.
        wanted: f64,
    },
    /// A template that does not fit into the scene at any scale.
    #[error(
        "no scale fits: the template has {} × {} pixels, the scene {} × {} ({})",
        template[1], template[0], scene[1], scene[0], skipped.join("; ")
    )]
    TemplateExceedsScene {
        /// Rows and columns of the template.
        template: [usize; 2],
        /// Rows and columns of the scene.
        scene: [usize; 2],
        /// Why each scale was left out.
        skipped: Vec<String>,
    },
    /// A contender whose answer is wrong: it is not timed, and the report is not written.
    #[error(
        "{strategy} under {isa} is wrong on {shape}: its largest error is {error:.1e} of the output's root mean \
         square, wanted at most {limit:.1e}"
    )]
    Wrong {
        /// The problem.
        shape: String,
        /// The strategy.
        strategy: String,
        /// The instruction set.
        isa: String,
        /// The error found.
        error: f64,
        /// The error allowed.
        limit: f64,
    },
    /// A pool of threads that the system refuses.
    #[error("cannot start {threads} threads: {source}")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// Why.
        source: rayon::ThreadPoolBuildError,
    },
    /// Records that are no JSON, or JSON that is no record.
    #[error("cannot convert {what} to or from JSON: {source}")]
    Json {
        /// Which file.
        what: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// A file that is no JSON, or JSON of another kind.
    #[error("cannot read {} as JSON: {source}", path.display())]
    JsonFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// A line that is no JSON, or no measurement.
    #[error("{}: line {line} is no measurement as `tapwise export` writes them: {source}", path.display())]
    JsonLine {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A file or folder without measurements.
    #[error(
        "{}: {found}; wanted the folder of a report, its measurements.json, JSON Lines of `tapwise export`, or a \
         folder of criterion such as target/criterion",
        path.display()
    )]
    NoMeasurements {
        /// The file or folder.
        path: PathBuf,
        /// What is there instead.
        found: &'static str,
    },
    /// A time or a peak that cannot be one.
    #[error("{}: {measurement}: {column} is {found}, wanted a number above 0", path.display())]
    Figure {
        /// The file.
        path: PathBuf,
        /// Which measurement.
        measurement: String,
        /// Which of its figures.
        column: &'static str,
        /// The figure.
        found: f64,
    },
    /// A sample of criterion whose lists do not belong together.
    #[error("{}: {times} times of {iters} samples, wanted as many of either", path.display())]
    SampleLengths {
        /// The file.
        path: PathBuf,
        /// Entries of `iters`.
        iters: usize,
        /// Entries of `times`.
        times: usize,
    },
    /// A folder of criterion without the baseline.
    #[error(
        "{}: no benchmark has the baseline {wanted}, there {}",
        path.display(),
        if found.is_empty() { "is none".to_owned() } else { format!("is {}", found.join(", ")) }
    )]
    NoBaseline {
        /// The folder.
        path: PathBuf,
        /// The baseline that was wanted.
        wanted: String,
        /// The baselines that are there.
        found: Vec<String>,
    },
    /// A group or contender that nothing was measured for.
    #[error("no measurement of the {what} {wanted}, there is {}", found.join(", "))]
    Unmeasured {
        /// `group` or `contender`.
        what: &'static str,
        /// Its name.
        wanted: String,
        /// The names that are there.
        found: Vec<String>,
    },
    /// Two sides without a measurement in common.
    #[error("nothing to compare: {reason}")]
    Unpaired {
        /// Why.
        reason: String,
    },
    /// A comparison by the share of the peak, where the peak was not measured.
    #[error("{label}: {missing} measurements without the peak of their core, which --of-peak divides by")]
    NoPeak {
        /// The side.
        label: String,
        /// How many.
        missing: usize,
    },
    /// Two runs of one program with too little in common to say how far they lie apart.
    #[error(
        "{label}: {found} pairs with the old side, wanted at least {wanted} to say how far two runs lie apart"
    )]
    FewPairs {
        /// The second run.
        label: String,
        /// Pairs.
        found: usize,
        /// The fewest that say it.
        wanted: usize,
    },
    /// Pairs that cannot be judged, where a judgement was asked for.
    #[error(
        "--fail-over wants a judgement, and none of the {pairs} pairs has one: it takes 3 rounds of either side, which \
         reports of older versions did not keep"
    )]
    Unjudged {
        /// How many pairs there are.
        pairs: usize,
    },
    /// Rows that cannot be written as CSV.
    #[error("cannot write CSV: {0}")]
    Csv(csv::Error),
    /// A plot that could not be drawn.
    #[error("cannot draw the plot {plot}: {reason}")]
    Plot {
        /// Its name.
        plot: String,
        /// Why.
        reason: String,
    },
}

/// A name in brackets, with a space before; nothing for none.
fn bracketed(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!(" ({name})") }
}
