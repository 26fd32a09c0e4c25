//! From the dense layer to the convolution: what each step assumes, and what it saves.

use tapwise::parameters;

use super::document::{Block, Section, of};
use super::{charts, words};
use crate::Error;
use crate::dense_layer::{DENSE, largest_side};
use crate::machine::Machine;
use crate::problems::group;
use crate::records::Record;

/// The equations up to the layer, with the numbers that they have in the library.
const EQUATIONS: [&str; 9] = [
    "(1)  H[i,j] = U[i,j] + Σ_k Σ_l W[i,j,k,l] · X[k,l]              dense",
    "(2)  H[i,j] = U[i,j] + Σ_a Σ_b V[i,j,a,b] · X[i+a, j+b]         V[i,j,a,b] = W[i,j,i+a,j+b]",
    "(3)  H[i,j] = u + Σ_a Σ_b V[a,b] · X[i+a, j+b]                  translation invariance",
    "(4)  H[i,j] = u + Σ_a Σ_b V[a,b] · X[i+a, j+b]                  locality: |a| ≤ Δ, |b| ≤ Δ",
    "(5)  (f * g)(x) = ∫ f(z) g(x − z) dz                            functions",
    "(6)  (f * g)(i) = Σ_a f(a) g(i − a)                             sequences",
    "(7)  (f * g)(i, j) = Σ_a Σ_b f(a, b) g(i − a, j − b)            tensors",
    "(8)  H[i,j,d] = u[d] + Σ_a Σ_b Σ_c V[a,b,c,d] · X[i+a, j+b, c]  channels",
    "(9)  H[t,d] = u[d] + Σ_a Σ_c V[a,c,d] · X[t + a·δ, c]           time",
];

/// How many parameters each form has.
pub(super) fn counts() -> Result<Section, Error> {
    let megapixel = [1000, 1000];
    let text = format!(
        "From the dense layer to the convolution, as the textbook tells it. A dense layer from one megapixel to 1,000 \
         hidden units has {} parameters; to another megapixel, {}. Translation invariance leaves one for every offset, \
         {}; locality leaves (2Δ + 1)², about 4Δ², which no longer depends on the picture. Channels multiply it.",
        parameters::spoken(parameters::dense_to_hidden(megapixel, 1000)),
        parameters::spoken(parameters::dense(megapixel, megapixel)),
        parameters::spoken(parameters::translation_invariant(megapixel)),
    );
    let after = "Strictly, a layer computes the cross-correlation; the convolution of mathematics, of functions (5), of \
                 sequences (6) and of tensors (7), runs its filter backwards. Along one axis, (8) is the time-delay \
                 network (9). The derivation in the documentation walks this road with programs, and the tests turn each \
                 form into the one before and back.";
    let drawn = charts::parameter_counts().draw()?;
    let caption = format!(
        "The points are the textbook's, for one megapixel. Exactly, translation invariance leaves 1999² = 3,996,001, and \
         locality with Δ = 10 leaves {} where 4Δ² says 400.",
        parameters::local(10)
    );
    Ok(Section {
        id: "parameters",
        title: "Parameters, from dense to convolution",
        blocks: vec![
            Block::Text(text),
            Block::equations(&EQUATIONS),
            Block::Text(after.to_owned()),
            Block::Plots(vec![(drawn, caption)]),
        ],
    })
}

/// The dense layer's time beside the convolution's, where they were measured.
pub(super) fn dense(machine: &Machine, records: &[Record]) -> Result<Option<Section>, Error> {
    let Some(plot) = charts::dense(records, machine) else { return Ok(None) };
    let last = of(records, group::DENSE, DENSE).into_iter().max_by(|a, b| a.median_s.total_cmp(&b.median_s));
    let mut text = "The fully connected layer that equals a 3 × 3 convolution of one channel has a weight for every pair \
                    of pixels, and reads all of them for every picture."
        .to_owned();
    if let Some(dense) = last {
        let convolution =
            of(records, group::DENSE, "auto").into_iter().find(|record| record.shape == dense.shape);
        if let (Some(convolution), Ok(shape)) = (convolution, dense.shape.parse::<tapwise::Shape>()) {
            let side = shape.input[0];
            let weights = u64::try_from(parameters::dense(shape.input, shape.input) * 4).unwrap_or(u64::MAX);
            text.push_str(&format!(
                " At {side} × {side} pixels that is {} of weights and {}; the convolution takes {}, {} times less.",
                words::bytes(weights),
                words::time(dense.median_s),
                words::time(convolution.median_s),
                words::three(dense.median_s / convolution.median_s),
            ));
        }
    }
    if let Some(memory) = machine.memory {
        let side = largest_side(memory) + 1;
        text.push_str(&format!(
            " From {side} × {side} on, the weights alone exceed the {} of this machine.",
            words::bytes(memory)
        ));
    }
    let caption =
        "Less is better. Right of the dashed line the dense layer does not fit the machine's memory."
            .to_owned();
    Ok(Some(Section {
        id: "dense",
        title: "Time, from dense to convolution",
        blocks: vec![Block::Text(text), Block::Plots(vec![(plot.draw()?, caption)])],
    }))
}
