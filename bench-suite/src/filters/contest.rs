//! One filter on one kind of picture: tapwise, a plain copy of the picture and every peer, checked, then
//! raced.

use ndarray::{ArrayView3, ArrayViewMut3, Axis};
use rayon::prelude::*;
use tapwise::{Filter2d, FilterBank, Filters, Isa, Sample};

use super::judge::{BORDER, Judge, Whose};
use super::list::{Constant, Row};
use super::picture::{Answer, Kind, Numbers, Pixels};
use crate::Error;
use crate::measurement::{Entry, Label, Pace, Run};
use crate::peers::{Failure, FilterTask, Findings, Peer, check, race_beside};
use crate::problems::group;
use crate::records::Record;

/// The contender that does no more than to copy the picture.
pub const COPY: &str = "copy";

/// What the records of a filter on a kind of pictures are called.
#[must_use]
pub fn descriptor(row: &Row, kind: Kind) -> String {
    format!("{} {kind}", row.name)
}

/// Room for what a filter makes of a picture: `f32` for gradients, and what the picture has otherwise.
fn room(row: &Row, pixels: &Pixels) -> Answer {
    let (height, width, channels) = pixels.dim();
    let numbers = match row.constant {
        Constant::Gradient(_) => Numbers::F32,
        Constant::Filter(_) => pixels.numbers(),
    };
    Answer::room(numbers, [row.size().1, height, width, channels])
}

/// A filter, or the gradient of a pair, into an answer that has room for it.
fn run(constant: &Constant, pixels: &Pixels, answer: &mut Answer) -> Result<(), tapwise::Error> {
    fn one<T: Filters<T>>(
        filter: Filter2d,
        pixels: ArrayView3<'_, T>,
        answer: ArrayViewMut3<'_, T>,
    ) -> Result<(), tapwise::Error> {
        filter.border(BORDER).apply_into(pixels, answer)
    }
    fn two<T: Sample + Filters<f32>>(
        pair: FilterBank,
        pixels: ArrayView3<'_, T>,
        answer: &mut ndarray::Array4<f32>,
    ) -> Result<(), tapwise::Error> {
        pair.border(BORDER).gradient_into(pixels, answer.view_mut().permuted_axes([1, 2, 3, 0]))
    }
    match (constant, pixels, answer) {
        (Constant::Filter(filter), Pixels::F32(pixels), Answer::F32(answer)) => {
            one(*filter, pixels.view(), answer.index_axis_mut(Axis(0), 0))
        }
        (Constant::Filter(filter), Pixels::U8(pixels), Answer::U8(answer)) => {
            one(*filter, pixels.view(), answer.index_axis_mut(Axis(0), 0))
        }
        (Constant::Filter(filter), Pixels::U8(pixels), Answer::F32(answer)) => {
            filter.border(BORDER).apply_into(pixels.view(), answer.index_axis_mut(Axis(0), 0))
        }
        (Constant::Gradient(pair), Pixels::F32(pixels), Answer::F32(answer)) => {
            two(*pair, pixels.view(), answer)
        }
        (Constant::Gradient(pair), Pixels::U8(pixels), Answer::F32(answer)) => {
            two(*pair, pixels.view(), answer)
        }
        // Nobody makes such room, see `room`.
        (_, _, Answer::U8(_)) => Ok(()),
    }
}

/// What tapwise answers.
///
/// # Errors
/// What the library refuses.
pub fn answer(row: &Row, pixels: &Pixels) -> Result<Answer, Error> {
    let mut answer = room(row, pixels);
    run(&row.constant, pixels, &mut answer)?;
    Ok(answer)
}

/// Copies a picture, a part of it on each thread of the pool.
fn copy(from: &Pixels, to: &mut Pixels) {
    fn parts<T: Copy + Send + Sync>(from: Option<&[T]>, to: Option<&mut [T]>) {
        let (Some(from), Some(to)) = (from, to) else { return };
        let threads = rayon::current_num_threads();
        if threads == 1 {
            to.copy_from_slice(from);
            return;
        }
        let part = from.len().div_ceil(threads).max(1);
        to.par_chunks_mut(part).zip(from.par_chunks(part)).for_each(|(to, from)| to.copy_from_slice(from));
    }
    match (from, to) {
        (Pixels::F32(from), Pixels::F32(to)) => parts(from.as_slice(), to.as_slice_mut()),
        (Pixels::U8(from), Pixels::U8(to)) => parts(from.as_slice(), to.as_slice_mut()),
        _ => {}
    }
}

/// Checks everybody's answer, then times those that are right in the same rounds on the calling thread's
/// pool.
///
/// Peers that fail or are wrong are said aloud by `say` and listed; those that do not serve the filter are
/// listed.
///
/// # Errors
/// What the library refuses, and [`Error::Wrong`] where it is tapwise that is wrong.
#[expect(clippy::too_many_arguments, reason = "what a race needs, as for layers")]
pub fn measure(
    row: &Row,
    kind: Kind,
    pixels: &Pixels,
    peers: &mut [Box<dyn Peer>],
    pace: Pace,
    command: &str,
    findings: &mut Findings,
    say: &dyn Fn(&str),
) -> Result<Vec<Record>, Error> {
    let isa = Isa::selected()?;
    let shape = descriptor(row, kind);
    let judge = Judge::new(row, pixels);
    let mut own = room(row, pixels);
    run(&row.constant, pixels, &mut own)?;
    let judged = judge.judge(&own, Whose::Ours).map_err(|[error, limit]| Error::Wrong {
        shape: shape.clone(),
        strategy: row.explain().form.to_owned(),
        isa: isa.to_string(),
        error,
        limit,
    })?;
    let weights = row.weights();
    let (size, filters) = row.size();
    let task = FilterTask {
        operation: row.operation,
        pixels,
        weights: &weights,
        size,
        filters,
        output: own.numbers(),
    };
    let checked = check(
        peers,
        |peer| peer.prepare_filter(&task),
        |peer, form| {
            let answer = peer.filtered(form)?;
            judge.judge(&answer, Whose::Theirs).map_err(|[error, limit]| {
                Failure::Failed(format!(
                    "{form}: refused, its largest error is {error:.1e} of the output's root mean square, wanted at most \
                     {limit:.1e}"
                ))
            })
        },
        &mut |name, failure| findings.miss(&shape, name, failure, say),
    );
    let (height, width, channels) = pixels.dim();
    let macs = (height * width * channels * weights.len()) as u128;
    let mut copied = pixels.clone();
    let entries = vec![
        Entry {
            strategy: row.explain().form.to_owned(),
            kernel: row.name.to_owned(),
            isa,
            max_error: judged.error,
            checked: judged.checked,
            run: Run::Here(Box::new(move || run(&row.constant, pixels, &mut own))),
        },
        Entry {
            strategy: COPY.to_owned(),
            kernel: String::new(),
            isa,
            max_error: 0.0,
            checked: "nothing to check".to_owned(),
            run: Run::Beside {
                name: COPY.to_owned(),
                run: Box::new(move || copy(pixels, std::hint::black_box(&mut copied))),
            },
        },
    ];
    let label = Label { shape: shape.clone(), group: group::FILTERS, macs, command };
    let (mut records, failures) = race_beside(&label, entries, checked, peers, isa, pace)?;
    for (name, failure) in failures {
        findings.miss(&shape, &name, failure, say);
    }
    // A copy multiplies nothing.
    for record in records.iter_mut().filter(|record| record.contender == COPY) {
        (record.gflops, record.fraction_of_peak) = (0.0, 0.0);
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::picture::KINDS;

    #[test]
    fn a_filter_is_timed_beside_a_copy() {
        let pace = Pace { rounds: 3, sample: 1e-6, budget: 1.0 };
        let mut findings = Findings::default();
        for name in ["gradient", "mean-9"] {
            let row = Row::named(name).unwrap();
            for kind in KINDS {
                let pixels = Pixels::noise(kind, [30, 40]);
                let records =
                    measure(row, kind, &pixels, &mut [], pace, "test", &mut findings, &|_| {}).unwrap();
                let names: Vec<&str> = records.iter().map(|record| record.contender.as_str()).collect();
                assert_eq!(names, ["tapwise", COPY]);
                assert!(records.iter().all(|record| record.shape == descriptor(row, kind)));
                assert!(records[0].median_s > 0.0 && records[0].gflops > 0.0 && records[1].gflops == 0.0);
            }
        }
    }

    #[test]
    fn a_copy_is_the_picture() {
        for kind in KINDS {
            let pixels = Pixels::noise(kind, [5, 7]);
            let mut copied = Pixels::noise(kind, [5, 7]);
            match &mut copied {
                Pixels::F32(pixels) => pixels.fill(0.0),
                Pixels::U8(pixels) => pixels.fill(0),
            }
            for threads in [1, 3] {
                crate::machine::pool(threads).unwrap().install(|| copy(&pixels, &mut copied));
                assert_eq!(copied.bytes(), pixels.bytes());
            }
        }
    }
}
